/* SPDX-License-Identifier: Apache-2.0
 *
 * usage.h - what one process holds beyond its line in /proc/PID/stat.
 *
 * Each call reads once and answers 0 or an errno.  The pid may be another process by
 * then: whoever asks reads the start time behind it.
 */
#ifndef PROBE_PROCESS_USAGE_H
#define PROBE_PROCESS_USAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct usage_ids {
    uid_t uid; /* both effective */
    gid_t gid;
};

/* Costs the kernel a walk through the page tables; needs the right to trace. */
int usage_pss(pid_t pid, uint64_t *bytes);
/* How many descriptors are open; before Linux 6.2 at most 65536 are counted, and only
 * those may count them who might trace the process. */
int usage_fds(pid_t pid, uint64_t *count);
int usage_ids(pid_t pid, struct usage_ids *ids);

/* Pure: the line `Pss:  12 kB` of smaps_rollup. */
bool usage_pss_parse(const char *bytes, size_t length, uint64_t *pss);

#endif
