/* SPDX-License-Identifier: Apache-2.0
 *
 * stats.h - counters, and the ledger that always closes.
 */
#ifndef CORE_STATS_H
#define CORE_STATS_H

#include <stdatomic.h>
#include <stdint.h>

enum drop_reason {
    DROP_RESULT,     /* the queue was full: a result made room */
    DROP_SUPERSEDED, /* ... a change that a newer one of the same check supersedes */
    DROP_OLDEST,     /* ... the oldest */
    DROP_SHUTDOWN,   /* still waiting when the daemon ended */
    DROP_REASONS
};
extern const char *const drop_reason_names[DROP_REASONS];

/* How long events took, in steps of an eighth of a power of two. */
enum { DELAY_STEPS = 8, DELAY_BUCKETS = 40 * DELAY_STEPS };

struct delays {
    atomic_ullong buckets[DELAY_BUCKETS];
};

void stats_delay(struct delays *delays, int64_t ns);
/* The microseconds that this share (0 to 1) of all did not exceed; 0 where there are
 * none. */
uint64_t stats_quantile(const struct delays *delays, double share);

/* Of one sink: accepted = delivered + rejected + dropped + queued, whenever
 * nobody is in the middle of a step. */
struct ledger {
    atomic_ullong accepted, delivered, rejected, dropped[DROP_REASONS];
    atomic_ullong retries; /* beside the sum: fates that were RETRY */
    struct delays delays;  /* from accepted to delivered */
};

struct ledger_sum {
    uint64_t accepted, delivered, rejected, dropped, queued, retries;
};

/* For one that nobody is writing to; queue_ledger reads one that is in use. */
struct ledger_sum stats_sum(const struct ledger *ledger, uint64_t queued);

/* Of one probe loop. */
struct loop_stats {
    atomic_ullong runs, overruns, late; /* late: timeouts turned into OBSERVER */
};

#endif
