/* SPDX-License-Identifier: Apache-2.0
 *
 * scan.h - what /proc says: one process, or all of them.
 *
 * All process checks of a loop share one struct scan.  It keeps its latest list, so
 * that checks that fall due together cost one reading and later looks read only what
 * is new, and reads what a selector needs besides (user, program, arguments) when first
 * asked.  Nothing here is watched; a pid may be another process by the time it is used.
 */
#ifndef PROBE_PROCESS_SCAN_H
#define PROBE_PROCESS_SCAN_H

#include "pidstat.h"
#include "sonde/plugin.h"

struct scan;

/* A listed one is up to 10 s old in what may change while it lives (program, name, user,
 * arguments); what it uses must be asked for anew, by scan_one. */
struct scan_process {
    struct pidstat stat;
    uid_t uid;
    bool uid_known, listed;
    char *exe, *cmdline; /* scan.c's: kept for one that is listed, else NULL */
    size_t cmdline_length;
    uint64_t inode;      /* these three are roster.c's: of its directory; */
    int64_t read, texts; /* sonde_now before stat was read, and the first text */
};

/* A check that lacks processes, or has too many. */
struct scan_follower {
    struct sonde_instance *self;
    /* Whether a look would find something else because of this process. */
    bool (*wants)(struct sonde_instance *self, struct scan_process *process);
    struct scan_follower *next, **link; /* scan.c's */
};

/* The loop's; NULL is the core's failure. */
struct scan *scan_shared(struct sonde_instance *self);

/* Makes sure of a list that was begun after since (sonde_now; 0: any) and is fresh: 0 or
 * an errno.  The list is valid until control returns to the loop.  After a since, what a
 * process runs was read a second before it at the earliest, else 10 s before now. */
int scan_take(struct scan *scan, int64_t since);
/* The list is known to be out of date: the next scan_take lists anew. */
void scan_outdated(struct scan *scan);
/* So is what it says of this process: the next scan_take reads it anew. */
void scan_doubt(struct scan *scan, pid_t pid);
struct scan_process *scan_processes(struct scan *scan, size_t *count);
/* Processes of other users are hidden from us (hidepid=, ProtectProc=). */
bool scan_hidden(const struct scan *scan);

/* One process, without a list: 0, ESRCH, EACCES where it is hidden, another errno. */
int scan_one(struct scan *scan, pid_t pid, struct scan_process *process);

/* From now on a run of the follower's check is asked for when a process appears, or
 * becomes another, that it wants, where the kernel tells us.  To be called before the
 * look that finds too few, and any number of times. */
void scan_follow(struct scan *scan, struct scan_follower *follower);
void scan_unfollow(struct scan *scan, struct scan_follower *follower);

/* Each answers 0 or an errno: ENOENT or ESRCH where the process went away, EACCES where
 * we may not know.  A text lives until the next call. */
int scan_uid(struct scan *scan, struct scan_process *process, uid_t *uid);
int scan_exe(struct scan *scan, struct scan_process *process, const char **exe);
int scan_cmdline(struct scan *scan, struct scan_process *process, const char **cmdline,
                 size_t *length);

#endif
