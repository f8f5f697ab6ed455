/* SPDX-License-Identifier: Apache-2.0
 *
 * stats.c - delays and their quantiles.  See stats.h.
 */
#include "stats.h"

static uint64_t
stats_read(const atomic_ullong *counter)
{
    return atomic_load_explicit((atomic_ullong *)counter, memory_order_relaxed);
}

/* Below DELAY_STEPS a bucket is a microsecond; above, DELAY_STEPS of them share each
 * power of two. */
static unsigned
stats_bucket(uint64_t us)
{
    unsigned power, bucket;

    if (us < DELAY_STEPS)
        return (unsigned)us;
    power = 63 - (unsigned)__builtin_clzll(us);
    bucket = (power - 2) * DELAY_STEPS + (unsigned)(us >> (power - 3)) % DELAY_STEPS;
    return bucket < DELAY_BUCKETS ? bucket : DELAY_BUCKETS - 1;
}

/* The first microsecond behind the bucket. */
static uint64_t
stats_bucket_end(unsigned bucket)
{
    unsigned power = bucket / DELAY_STEPS + 2;

    if (bucket < DELAY_STEPS)
        return bucket + 1;
    return (uint64_t)(DELAY_STEPS + bucket % DELAY_STEPS + 1) << (power - 3);
}

void
stats_delay(struct delays *delays, int64_t ns)
{
    unsigned bucket = stats_bucket(ns > 0 ? (uint64_t)ns / 1000 : 0);

    atomic_fetch_add_explicit(&delays->buckets[bucket], 1, memory_order_relaxed);
}

uint64_t
stats_quantile(const struct delays *delays, double share)
{
    uint64_t all = 0, passed = 0;

    for (unsigned i = 0; i < DELAY_BUCKETS; i++)
        all += stats_read(&delays->buckets[i]);
    for (unsigned i = 0; i < DELAY_BUCKETS; i++) {
        passed += stats_read(&delays->buckets[i]);
        if (passed && (double)passed >= share * (double)all)
            return stats_bucket_end(i);
    }
    return 0;
}
