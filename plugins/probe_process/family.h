/* SPDX-License-Identifier: Apache-2.0
 *
 * family.h - whose figures are added up: the processes that a check watches, and on
 * request all that descend from them, each once.
 */
#ifndef PROBE_PROCESS_FAMILY_H
#define PROBE_PROCESS_FAMILY_H

#include "watch.h"

enum { FAMILY_MOST = 4096 };

struct member {
    pid_t pid;
    uint64_t start; /* as in struct pidstat */
    bool matched;   /* by the check itself */
};

/* By ascending pid; the caller frees them.  0 or an errno: EOVERFLOW for more than
 * FAMILY_MOST. */
int family_take(struct scan *scan, const struct watch_set *watch, bool children,
                struct member **members, size_t *count);

#endif
