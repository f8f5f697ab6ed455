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
#include <sys/types.h>

/* By ascending pid, each once; the caller frees them.  One of unit and path is given,
 * the other NULL.  0 or an errno: ENOENT where there is no such group, ENXIO where there
 * are none at all, EOVERFLOW where it is larger than can be read. */
int group_take(const char *unit, const char *path, pid_t **pids, size_t *count);

/* Whether a process is in it: 1, 0 (or it is gone), or -errno. */
int group_holds(const char *unit, const char *path, pid_t pid);
/* Pure: the same from the text of /proc/PID/cgroup. */
bool group_parse(const char *bytes, size_t length, const char *unit, const char *path);

#endif
