/* SPDX-License-Identifier: Apache-2.0
 *
 * group.h - the processes of a control group and of all groups in it, found by the
 * group's path or by the systemd unit that it belongs to.
 *
 * Read at each look, nothing is kept: units come and go.
 */
#ifndef PROBE_PROCESS_GROUP_H
#define PROBE_PROCESS_GROUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct group {
    const char *unit, *path; /* one of them, the other NULL */
    int64_t user; /* the unit may be one of his own, named at will; -1: it may not */
};

/* Whoever may write into a group can fill it: so much is read at a look. */
enum { GROUP_PIDS_MOST = 16384, GROUP_GROUPS_MOST = 4096 };

/* CPU time of this thread, in nanoseconds. */
int64_t group_clock(void);

/* By ascending pid, each once; the caller frees them.  0 or an errno: ENOENT where there
 * is no such group, ENXIO where there are none at all, EOVERFLOW where it is larger than
 * is read, ETIME where that takes more than 100 ms. */
int group_take(const struct group *group, pid_t **pids, size_t *count);
/* Pure: the number on the next line of cgroup.procs, and moves at behind it; 0 for what
 * is none, or outside our pid namespace.  false: no whole line is left. */
bool group_next(const char **at, const char *end, pid_t *pid);

/* Whether a process is in it: 1, 0 (or it is gone), or -errno. */
int group_holds(const struct group *group, pid_t pid);
/* Pure: the same from the text of /proc/PID/cgroup. */
bool group_parse(const char *bytes, size_t length, const struct group *group);

#endif
