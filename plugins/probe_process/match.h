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

/* What one look spent on command lines on which the pattern gave up.  Whoever starts such
 * processes must neither hide the others nor hold the loop: the first few of a look have
 * milliseconds each, the others next to nothing, which is plenty for any that is not
 * meant to take long. */
struct match_effort {
    int64_t lost;   /* nanoseconds of CPU time */
    size_t gave_up; /* on so many */
    struct pidstat first;
};

/* 1 it is, 0 it is not (or went away meanwhile, or the pattern gave up, which effort
 * tells), else -errno: -EACCES where we may not know, -ETIMEDOUT where the pattern gave
 * up on more than one look has time for.  What is cheap is asked first.  Without an
 * effort the pattern has next to no time. */
int match_process(const struct match *match, struct scan *scan,
                  struct scan_process *process, struct match_effort *effort);
/* A zombie that would be meant, as far as one can still tell. */
bool match_zombie(const struct match *match, struct scan *scan,
                  struct scan_process *process);

enum { MATCH_TIRING = PIDSTAT_NAME + 64 };
/* `pid 7 (evil) and 2 more`: those on which the pattern gave up, of whom there are some.
 */
void match_describe_effort(const struct match_effort *effort, char *text, size_t size);
/* `comm "nginx", user "www-data"`; "" where nothing is given. */
void match_describe(const struct match *match, char *text, size_t size);

#endif
