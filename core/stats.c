/* SPDX-License-Identifier: Apache-2.0
 *
 * stats.c - the ledger, added up.  See stats.h.
 */
#include "stats.h"

const char *const drop_reason_names[DROP_REASONS] = {
    [DROP_RESULT] = "result",
    [DROP_SUPERSEDED] = "superseded",
    [DROP_OLDEST] = "oldest",
    [DROP_SHUTDOWN] = "shutdown",
};

static uint64_t
stats_read(const atomic_ullong *counter)
{
    return atomic_load_explicit((atomic_ullong *)counter, memory_order_relaxed);
}

struct ledger_sum
stats_sum(const struct ledger *ledger, uint64_t queued)
{
    struct ledger_sum sum = { .accepted = stats_read(&ledger->accepted),
                              .delivered = stats_read(&ledger->delivered),
                              .rejected = stats_read(&ledger->rejected),
                              .retries = stats_read(&ledger->retries),
                              .queued = queued };

    for (int reason = 0; reason < DROP_REASONS; reason++)
        sum.dropped += stats_read(&ledger->dropped[reason]);
    return sum;
}
