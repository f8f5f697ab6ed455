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

/* Of one sink: accepted = delivered + rejected + dropped + queued, whenever
 * nobody is in the middle of a step. */
struct ledger {
    atomic_ullong accepted, delivered, rejected, dropped[DROP_REASONS];
    atomic_ullong retries; /* beside the sum: fates that were RETRY */
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
