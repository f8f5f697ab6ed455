/* SPDX-License-Identifier: Apache-2.0
 *
 * stats.h - how long things took, and counters of a loop.
 */
#ifndef CORE_STATS_H
#define CORE_STATS_H

#include <stdatomic.h>
#include <stdint.h>

/* How long events took, in steps of an eighth of a power of two. */
enum { DELAY_STEPS = 8, DELAY_BUCKETS = 40 * DELAY_STEPS };

struct delays {
    atomic_ullong buckets[DELAY_BUCKETS];
};

void stats_delay(struct delays *delays, int64_t ns);
/* The microseconds that this share (0 to 1) of all did not exceed; 0 where there are
 * none. */
uint64_t stats_quantile(const struct delays *delays, double share);

/* Of one probe loop. */
struct loop_stats {
    atomic_ullong runs, overruns, late; /* late: timeouts turned into OBSERVER */
};

#endif
