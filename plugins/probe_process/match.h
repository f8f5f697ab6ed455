/* SPDX-License-Identifier: Apache-2.0
 *
 * match.h - whether a process is the one that is meant: all of the given must hold.
 */
#ifndef PROBE_PROCESS_MATCH_H
#define PROBE_PROCESS_MATCH_H

#include "../common/pattern.h"
#include "scan.h"

/* What is not given is NULL. */
struct match {
    const char *comm, *exe, *cmdline, *user;
    const char *unit, *cgroup; /* only to be described: look.c sees to them */
    struct pattern *pattern;   /* of cmdline */
    uid_t uid;                 /* of user */
};

/* 1 it is, 0 it is not (or went away meanwhile), else -errno: -EACCES where we may not
 * know, -ETIME where the pattern gave up.  What is cheap is asked first. */
int match_process(const struct match *match, struct scan *scan,
                  struct scan_process *process);
/* A zombie that would be meant, as far as one can still tell. */
bool match_zombie(const struct match *match, struct scan *scan,
                  struct scan_process *process);

/* `comm "nginx", user "www-data"`; "" where nothing is given. */
void match_describe(const struct match *match, char *text, size_t size);

#endif
