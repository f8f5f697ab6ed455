/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_tail.c - the newest events of a spool, in memory, behind window and gap.
 *
 * Over its half of the memory it gives up, from its front, events that the disk has: the
 * gap ends where the tail begins.  What the journal took and has not written yet lags: it
 * is not dropped and counts for nothing, as the journal's own buffer bounds it, and many
 * sinks share one event.  What no record holds is bounded here, and dropped by the rules.
 */
#include "memory.h"
#include "spool_inside.h"

#include <string.h>

enum { TAIL_ROOM = 64 };

struct spool_waiting *
spool_tail_front(struct spool *spool)
{
    struct spool_tail *tail = &spool->tail;

    return tail->count ? &tail->entries[tail->first] : NULL;
}

uint64_t
spool_tail_record(const struct spool *spool)
{
    const struct spool_tail *tail = &spool->tail;

    for (size_t i = tail->first; i < tail->first + tail->count; i++)
        if (tail->entries[i].record)
            return tail->entries[i].record;
    return 0;
}

/* What the tail counts of it. */
static void
tail_count(struct spool_tail *tail, const struct spool_waiting *waiting, bool in)
{
    size_t result = !waiting->record && waiting->event->kind == EVENT_RESULT;
    size_t loose = waiting->record ? 0 : waiting->bytes;

    tail->loose = in ? tail->loose + loose : tail->loose - loose;
    tail->bytes = in ? tail->bytes + waiting->bytes : tail->bytes - waiting->bytes;
    tail->results = in ? tail->results + result : tail->results - result;
    if (waiting->record)
        waiting->route->held = in ? waiting->route->held + 1 : waiting->route->held - 1;
}

/* Those in front that are known not to lag become more. */
static void
tail_look(struct spool *spool)
{
    uint64_t written = journal_written(spool->journal);
    struct spool_tail *tail = &spool->tail;

    for (; tail->looked < tail->count; tail->looked++) {
        const struct spool_waiting *entry = &tail->entries[tail->first + tail->looked];

        if (entry->record > written)
            return;
        if (entry->record)
            tail->lagging -= entry->bytes;
    }
}

size_t
spool_tail_unwritten(struct spool *spool)
{
    tail_look(spool);
    return spool->tail.lagging + spool->tail.loose;
}

static void
tail_reserve(struct spool_tail *tail)
{
    if (tail->first + tail->count < tail->room)
        return;
    if (tail->first <= tail->room / 2) {
        tail->room = tail->room ? tail->room * 2 : TAIL_ROOM;
        tail->entries = memory_grow(tail->entries, tail->room, sizeof(*tail->entries));
    }
    memmove(tail->entries, tail->entries + tail->first,
            tail->count * sizeof(*tail->entries));
    tail->first = 0;
}

void
spool_tail_push(struct spool *spool, const struct spool_waiting *waiting)
{
    struct spool_tail *tail = &spool->tail;
    struct spool_waiting *entry;

    tail_reserve(tail);
    entry = &tail->entries[tail->first + tail->count++];
    *entry = *waiting;
    event_ref(entry->event);
    tail_count(tail, entry, true);
    if (entry->record)
        tail->lagging += entry->bytes;
    spool_news_add(&spool->news, entry->event);
}

void
spool_tail_pop(struct spool *spool)
{
    struct spool_tail *tail = &spool->tail;
    const struct spool_waiting *front = &tail->entries[tail->first++];

    tail_count(tail, front, false);
    if (tail->looked)
        tail->looked--;
    else if (front->record)
        tail->lagging -= front->bytes;
    if (--tail->count)
        return;
    free(tail->entries); /* a peak of it is not kept */
    *tail = (struct spool_tail){ 0 };
}

void
spool_tail_filter(struct spool *spool,
                  bool (*fn)(struct spool *spool, struct spool_waiting *waiting,
                             void *arg),
                  void *arg)
{
    struct spool_tail *tail = &spool->tail;
    size_t end = tail->first + tail->count, kept = tail->first;

    tail->looked = tail->lagging = 0;
    for (size_t i = tail->first; i < end; i++) {
        struct spool_waiting waiting = tail->entries[i];

        tail_count(tail, &waiting, false); /* fn may drop the last reference */
        if (fn(spool, &waiting, arg))
            continue;
        tail_count(tail, &waiting, true);
        if (waiting.record)
            tail->lagging += waiting.bytes;
        tail->entries[kept++] = waiting;
    }
    tail->count = kept - tail->first;
    tail_look(spool);
}

/* ---- what leaves it ---- */

/* From the tail to the gap: its record is all that is left of it. */
static void
tail_give(struct spool *spool, const struct spool_waiting *waiting)
{
    if (!spool_has_gap(spool))
        cursor_pass(spool->cursor, waiting->record - 1);
    spool->gap_end = waiting->record + 1;
    spool->gap_count++;
    waiting->route->gap++;
    event_unref(waiting->event);
}

static void
tail_give_what_may(struct spool *spool)
{
    struct spool_tail *tail = &spool->tail;

    while (tail->looked && tail->bytes > spool->bounds.memory / 2) {
        struct spool_waiting waiting = *spool_tail_front(spool);

        if (!waiting.record)
            return;
        spool_tail_pop(spool);
        tail_give(spool, &waiting);
    }
}

/* What a record holds is on the disk; what is a source's is not dropped where the source
 * is held instead. */
static bool
tail_may_drop(const struct spool *spool, const struct spool_waiting *waiting)
{
    return !waiting->record && !(spool->bounds.block && waiting->event->receipt);
}

static void
tail_drop(struct spool *spool, const struct spool_waiting *waiting, enum ledger_line line)
{
    spool_count(spool, waiting->route, line, 1);
    receipt_release(waiting->event->receipt, SONDE_REJECTED);
    event_unref(waiting->event);
}

static bool
tail_drop_result(struct spool *spool, struct spool_waiting *waiting, void *arg)
{
    (void)arg;
    if (!tail_may_drop(spool, waiting) || waiting->event->kind != EVENT_RESULT)
        return false;
    tail_drop(spool, waiting, LEDGER_RESULT);
    return true;
}

static bool
tail_drop_superseded(struct spool *spool, struct spool_waiting *waiting, void *arg)
{
    (void)arg;
    if (!tail_may_drop(spool, waiting) || !spool_news_newer(&spool->news, waiting->event))
        return false;
    tail_drop(spool, waiting, LEDGER_SUPERSEDED);
    return true;
}

static bool
tail_drop_oldest(struct spool *spool, struct spool_waiting *waiting, void *arg)
{
    size_t *excess = arg;

    if (!tail_may_drop(spool, waiting) || !*excess)
        return false;
    *excess -= waiting->bytes < *excess ? waiting->bytes : *excess;
    tail_drop(spool, waiting, LEDGER_OLDEST);
    return true;
}

/* By how much it is over a bound; 0: it is not. */
static size_t
tail_excess(const struct spool *spool, size_t bound)
{
    size_t bytes = spool->tail.bytes - spool->tail.lagging;

    return bytes > bound ? bytes - bound : 0;
}

/* All results go at once, and of the oldest somewhat more than must: whoever pushes waits
 * for this, and it is not to be for every event. */
void
spool_tail_fit(struct spool *spool)
{
    size_t half = spool->bounds.memory / 2, excess;

    tail_look(spool);
    tail_give_what_may(spool);
    if (tail_excess(spool, half) && spool->tail.results)
        spool_tail_filter(spool, tail_drop_result, NULL);
    tail_give_what_may(spool);
    if (tail_excess(spool, half) && spool->news.overtaken) {
        spool_tail_filter(spool, tail_drop_superseded, NULL);
        spool->news.overtaken = false;
    }
    tail_give_what_may(spool);
    if (tail_excess(spool, half)) {
        excess = tail_excess(spool, half - half / 16);
        spool_tail_filter(spool, tail_drop_oldest, &excess);
    }
    tail_give_what_may(spool);
}

void
spool_tail_leave(struct spool *spool)
{
    while (spool->tail.count) {
        struct spool_waiting waiting = *spool_tail_front(spool);

        spool_tail_pop(spool);
        if (waiting.record) {
            spool_mark(spool, waiting.record, waiting.route);
            tail_give(spool, &waiting);
        } else {
            receipt_release(waiting.event->receipt, SONDE_RETRY);
            event_unref(waiting.event);
        }
    }
}
