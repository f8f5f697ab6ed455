/* SPDX-License-Identifier: Apache-2.0
 *
 * scan.h - what /proc says: one process, or all of them.
 *
 * All process checks of a loop share one struct scan.  It keeps its latest list
 * for a moment, so that checks that fall due together cost one reading, and reads
 * what a selector needs besides (user, program, arguments) when first asked.
 * Nothing here is watched; a pid may be another process by the time it is used.
 */
#ifndef PROBE_PROCESS_SCAN_H
#define PROBE_PROCESS_SCAN_H

#include "pidstat.h"
#include "sonde/plugin.h"

struct scan;

struct scan_process {
    struct pidstat stat;
    uid_t uid;
    bool uid_known, listed;
    char *exe, *cmdline; /* scan.c's: kept for one that is listed, else NULL */
    size_t cmdline_length;
};

/* The loop's; NULL is the core's failure. */
struct scan *scan_shared(struct sonde_instance *self);

/* Makes sure of a list that was begun after since (sonde_now) and is fresh: 0 or an
 * errno.  The list is valid until control returns to the loop. */
int scan_take(struct scan *scan, int64_t since);
/* The list is known to be out of date: the next scan_take reads anew. */
void scan_outdated(struct scan *scan);
struct scan_process *scan_processes(struct scan *scan, size_t *count);
/* Processes of other users are hidden from us (hidepid=, ProtectProc=). */
bool scan_hidden(const struct scan *scan);

/* One process, without a list: 0, ESRCH, EACCES where it is hidden, another errno. */
int scan_one(struct scan *scan, pid_t pid, struct scan_process *process);

/* Each answers 0 or an errno: ENOENT or ESRCH where the process went away, EACCES where
 * we may not know.  A text lives until the next call. */
int scan_uid(struct scan *scan, struct scan_process *process, uid_t *uid);
int scan_exe(struct scan *scan, struct scan_process *process, const char **exe);
int scan_cmdline(struct scan *scan, struct scan_process *process, const char **cmdline,
                 size_t *length);

#endif
