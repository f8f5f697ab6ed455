/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_fate.c - what fates mean: for an event and its check, and for the sink.
 *
 * A batch of which nothing passed is a failure of the whole sink: its events are
 * not blamed, the sink pauses, and starts anew with one event at a time (then 2,
 * 4 ...).  So an event that breaks the far side is soon alone in its batch, and is
 * blamed without the events behind it.  Only a blamed event makes its lane wait, and
 * one that fails again though others passed does not make the sink DOWN.
 * What becomes of one that is given up: sink_letter.c.
 */
#include "sink_inside.h"

#include <stdio.h>

#define SINK_PAUSE           (100 * CLOCK_MS) /* of the sink, doubled up to ... */
#define SINK_PAUSE_MOST      (30 * CLOCK_SECOND)
#define SINK_LANE_PAUSE      (50 * CLOCK_MS) /* of a lane, likewise */
#define SINK_LANE_PAUSE_MOST (5 * CLOCK_SECOND)

static struct sink_run *
sink_run_of(struct batch_owner *owner)
{
    return (struct sink_run *)owner;
}

/* Of a pause that doubles with each failure: full jitter, or at least half of it.  With
 * the lock held. */
static int64_t
sink_jitter(struct sink_run *run, int64_t pause, unsigned failures, int64_t most,
            bool full)
{
    for (unsigned i = 1; i < failures && pause < most; i++)
        pause *= 2;
    if (pause > most)
        pause = most;
    run->random ^= run->random << 13;
    run->random ^= run->random >> 7;
    run->random ^= run->random << 17;
    if (full)
        return 1 + (int64_t)(run->random % (uint64_t)pause);
    return pause / 2 + (int64_t)(run->random % (uint64_t)(pause / 2));
}

void
sink_failed(struct sink_run *run, const char *why)
{
    int64_t now = clock_now();

    pthread_mutex_lock(&run->lock);
    if (now >= run->resume_at) { /* batches that were out together fail once */
        run->failures++;
        run->resume_at =
            now + sink_jitter(run, SINK_PAUSE, run->failures, SINK_PAUSE_MOST, true);
    }
    run->limit = 1;
    atomic_store(&run->failing, true);
    pthread_mutex_unlock(&run->lock);
    sink_say(run, SONDE_DOWN, false, why);
}

static void
sink_passed(struct sink_run *run)
{
    pthread_mutex_lock(&run->lock);
    run->failures = 0;
    run->resume_at = 0;
    atomic_store(&run->failing, false);
    pthread_mutex_unlock(&run->lock);
    sink_say(run, SONDE_UP, false, NULL);
}

enum ledger_line
sink_rejected(struct batch_owner *owner, const struct queue_entry *entry, const char *why)
{
    return sink_give_up(sink_run_of(owner), entry, entry->attempts + 1, why);
}

void
sink_delivered(struct batch_owner *owner, size_t count)
{
    struct sink_run *run = sink_run_of(owner);

    atomic_fetch_add_explicit(&run->delivered, count, memory_order_relaxed);
    if (atomic_load_explicit(&run->state, memory_order_relaxed) != SONDE_UP
        || atomic_load_explicit(&run->failing, memory_order_relaxed))
        sink_passed(run);
}

/* Back into its lane.  blamed: the failure is the event's own, as far as we know.  True
 * where we know: it has failed before and after others passed. */
static bool
sink_return(struct sink_run *run, const struct sonde_item *item, bool blamed)
{
    uint64_t passed = atomic_load_explicit(&run->delivered, memory_order_relaxed);
    struct queue_entry *entry = item->entry;
    char why[BATCH_WHY + 64];
    int64_t not_before = 0;
    enum ledger_line line;
    bool known;

    if (blamed) {
        if (!entry->attempts || passed != entry->passed)
            entry->attempts++;
        pthread_mutex_lock(&run->lock);
        not_before = clock_now()
                     + sink_jitter(run, SINK_LANE_PAUSE, entry->attempts,
                                   SINK_LANE_PAUSE_MOST, false);
        pthread_mutex_unlock(&run->lock);
    }
    entry->passed = passed;
    known = blamed && entry->attempts > 1;
    if (entry->attempts < SINK_POISON) {
        queue_settle(run->owner.queue, entry, SONDE_RETRY, not_before);
        return known;
    }
    snprintf(why, sizeof(why), "failed %d times while others passed%s%s", SINK_POISON,
             item->batch->why[0] ? ", last: " : "", item->batch->why);
    line = sink_give_up(run, entry, entry->attempts, why);
    queue_end(run->owner.queue, &entry, 1, line);
    return known;
}

/* The last goes first, so that the first is first in line.  Returns whether something
 * was RETRY without being known for it; *unclear: or only because the plugin gave up on
 * the rest. */
static bool
sink_return_all(struct sink_run *run, const struct sonde_batch *batch, bool whole,
                bool *unclear)
{
    bool fresh = false;

    for (size_t i = batch->count; i-- > 0;) {
        const struct sonde_item *item = &batch->items[i];

        if (!item->entry)
            continue;
        *unclear |= !item->blamed;
        fresh |= !sink_return(run, item, batch->count == 1 || (item->blamed && !whole));
    }
    return fresh;
}

void
sink_back(struct batch_owner *owner, struct sonde_batch *batch)
{
    struct sink_run *run = sink_run_of(owner);
    bool whole = !atomic_load(&batch->delivered) && !atomic_load(&batch->rejected);
    bool unclear = false;

    if (sink_return_all(run, batch, whole, &unclear) && whole)
        sink_failed(run, batch->why);
    batch_clear(batch);
    pthread_mutex_lock(&run->lock);
    if (unclear)
        run->limit = 1;
    else if (!whole && run->limit < run->most)
        run->limit = run->limit * 2 < run->most ? run->limit * 2 : run->most;
    list_remove(&batch->link);
    list_push_front(&run->spare, &batch->link);
    run->out_count--;
    pthread_mutex_unlock(&run->lock);
    run->wake(run);
}

void
sink_misused(struct batch_owner *owner, const char *what)
{
    struct sink_run *run = sink_run_of(owner);

    if (!atomic_exchange(&run->misused, true))
        sink_log(run, SONDE_ERROR, "a fault of its plugin: %s", what);
}
