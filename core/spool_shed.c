/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_shed.c - the budget of a spool on the disk.
 *
 * Over it, the oldest segment that this sink keeps from being removed is given up: of
 * what waits in it, results are dropped, and changes that a newer one of the same check
 * supersedes; the others are written once more, at the end.  What is written again while
 * the whole budget goes by once is at most half of it, so that each round frees more than
 * it takes; beyond that the oldest goes.
 * So a change may come behind results of its check that were behind it, never behind a
 * newer change; and a process that ends between giving a segment up and the next write
 * has lost what was to be written again.
 * A sink that is configured no more has nobody to count for: what it gives up is said.
 */
#include "spool_inside.h"

#include "clock.h"
#include "log.h"
#include "memory.h"

#include <inttypes.h>

/* ---- what stays ---- */

struct spool_kept {
    struct spool_waiting *events;
    size_t count, room;
    struct spool *spool;
};

/* With the lock held.  Takes over the reference. */
static void
kept_add(struct spool_kept *kept, const struct spool_waiting *waiting)
{
    if (kept->count == kept->room) {
        kept->room = kept->room ? kept->room * 2 : 64;
        kept->events = memory_grow(kept->events, kept->room, sizeof(*kept->events));
    }
    kept->events[kept->count++] = *waiting;
    kept->spool->again++;
}

static void
kept_by_queue(struct sonde_event *event, struct ledger_route *route, int64_t accepted,
              void *arg)
{
    struct spool_kept *kept = arg;
    struct spool *spool = kept->spool;
    struct spool_route *own = spool->routes;

    while (own->ledger != route)
        own = own->next;
    kept_add(kept, &(struct spool_waiting){
                       .event = event, .route = own, .accepted = accepted });
}

/* With the lock held: whether it is written again; else it is counted. */
static bool
kept_stays(struct spool *spool, const struct spool_waiting *waiting)
{
    uint64_t bytes = event_encoded(waiting->event, EVENT_JSON)->length;
    enum ledger_line line = LEDGER_OLDEST;

    if (spool_news_newer(&spool->news, waiting->event)) {
        line = LEDGER_SUPERSEDED;
    } else if (spool->shed.again + bytes <= spool->bounds.disk / 2) {
        spool->shed.again += bytes;
        return true;
    }
    spool_count(spool, waiting->route, line, 1);
    spool->again--;
    return false;
}

/* A copy where somebody asked what becomes of it: that was answered long ago, and who
 * asked may be gone. */
static struct sonde_event *
kept_event(struct spool *spool, struct sonde_event *event)
{
    const struct encoded *json = event_encoded(event, EVENT_JSON);
    struct sonde_event *copy;
    const char *fault;

    if (!event->receipt)
        return event_ref(event);
    copy = event_decode(spool->pool, json->bytes, json->length, &fault);
    return copy ? copy : event_copy(spool->pool, event);
}

/* Without the lock. */
static void
kept_push_again(struct spool_kept *kept)
{
    struct spool *spool = kept->spool;

    for (size_t i = 0; i < kept->count; i++) {
        struct spool_waiting *waiting = &kept->events[i];
        bool stays;

        pthread_mutex_lock(&spool->lock);
        stays = kept_stays(spool, waiting);
        pthread_mutex_unlock(&spool->lock);
        if (stays)
            spool->home.again(spool->home.arg, spool, kept_event(spool, waiting->event),
                              waiting->route->ledger, waiting->accepted);
        event_unref(waiting->event);
    }
    free(kept->events);
    *kept = (struct spool_kept){ .spool = spool };
}

/* ---- in memory ---- */

struct shed_tail {
    struct spool_kept *kept;
    uint64_t limit;
};

static bool
shed_from_tail(struct spool *spool, struct spool_waiting *waiting, void *arg)
{
    struct shed_tail *shed = arg;

    if (!waiting->record || waiting->record >= shed->limit)
        return false;
    if (waiting->event->kind == EVENT_RESULT) {
        spool_count(spool, waiting->route, LEDGER_RESULT, 1);
        event_unref(waiting->event);
    } else
        kept_add(shed->kept, waiting);
    return true;
}

static void
shed_memory(struct spool *spool, uint64_t limit)
{
    struct spool_kept kept = { .spool = spool };
    struct shed_tail tail = { &kept, limit };
    uint64_t number;

    pthread_mutex_lock(&spool->lock);
    queue_shed(spool->queue, limit, kept_by_queue, &kept);
    while ((number = cursor_next_open(spool->cursor, 0)) && number < limit)
        spool_settle(spool, number);
    spool_tail_filter(spool, shed_from_tail, &tail);
    pthread_mutex_unlock(&spool->lock);
    kept_push_again(&kept);
}

/* ---- in the gap ---- */

/* With the lock held, of a record that was waiting. */
static void
shed_event(struct spool *spool, struct spool_kept *kept, struct spool_waiting *waiting)
{
    if (!spool->queue) {
        spool->shed.lost++;
    } else if (!waiting->event) {
        spool_count(spool, waiting->route, LEDGER_DAMAGED, 1);
    } else if (waiting->event->kind == EVENT_RESULT) {
        spool_count(spool, waiting->route, LEDGER_RESULT, 1);
    } else {
        event_ref(waiting->event);
        kept_add(kept, waiting);
    }
}

static void
shed_found(struct spool *spool, const struct spool_found *found)
{
    struct spool_kept kept = { .spool = spool };
    struct spool_waiting waiting = { .accepted = clock_now() };

    if (spool->queue)
        waiting.event = spool_decode(spool, found);
    pthread_mutex_lock(&spool->lock);
    waiting.route = spool_route(spool, found->route.text, found->route.length);
    if (cursor_begin(spool->cursor, found->number) == CURSOR_OPEN) {
        spool_take(spool, waiting.route, found->number);
        cursor_settle(spool->cursor, found->number);
        shed_event(spool, &kept, &waiting);
    }
    pthread_mutex_unlock(&spool->lock);
    kept_push_again(&kept);
    event_unref(waiting.event);
}

/* SPOOL_REACHED: what is below the limit is gone. */
static enum spool_read
shed_gap(struct spool *spool, struct spool_slice *slice, uint64_t limit)
{
    enum spool_read read;
    struct spool_found found;
    uint64_t from, end, at;

    pthread_mutex_lock(&spool->lock);
    from = cursor_seen(spool->cursor) + 1;
    end = spool->gap_end < limit ? spool->gap_end : limit;
    pthread_mutex_unlock(&spool->lock);
    if (from >= end)
        return SPOOL_REACHED;
    spool_seek(spool, from);
    while ((read = spool_next(spool, slice, end, &found)) == SPOOL_FOUND)
        shed_found(spool, &found);
    pthread_mutex_lock(&spool->lock);
    at = journal_reader_at(spool->reader);
    spool_passed(spool, at < end ? at : end);
    pthread_mutex_unlock(&spool->lock);
    return read;
}

/* ---- what must be known first ---- */

/* The changes of the part of the gap that was there before this process, or before its
 * sink.  SPOOL_REACHED: all are known. */
static enum spool_read
shed_learn(struct spool *spool, struct spool_slice *slice)
{
    enum spool_read read = SPOOL_REACHED;
    struct spool_found found;
    uint64_t from;

    pthread_mutex_lock(&spool->lock);
    from = cursor_seen(spool->cursor) + 1;
    pthread_mutex_unlock(&spool->lock);
    if (from < spool->learn_at)
        from = spool->learn_at;
    if (from >= spool->learn_end)
        return SPOOL_REACHED;
    spool_seek(spool, from);
    while ((read = spool_next(spool, slice, spool->learn_end, &found)) == SPOOL_FOUND) {
        struct sonde_event *event = spool_decode(spool, &found);

        if (!event)
            continue;
        pthread_mutex_lock(&spool->lock);
        spool_news_add(&spool->news, event);
        pthread_mutex_unlock(&spool->lock);
        event_unref(event);
    }
    spool->learn_at = journal_reader_at(spool->reader);
    return read;
}

/* ---- the whole ---- */

/* What is below this must go; 0: nothing must, or can. */
static uint64_t
shed_limit(struct spool *spool)
{
    uint64_t needed, disk;
    bool pressed;

    pthread_mutex_lock(&spool->lock);
    needed = spool_wanted(spool);
    disk = spool->bounds.disk; /* 0: not known */
    pressed = spool->pressed;
    spool->pressed = false;
    pthread_mutex_unlock(&spool->lock);
    if (needed == JOURNAL_NOBODY
        || (!pressed && (!disk || journal_pinned(spool->journal, needed) <= disk)))
        return 0;
    return journal_behind(spool->journal, needed);
}

static void
shed_begin(struct spool *spool, uint64_t limit)
{
    if (limit > spool->shed.until) {
        spool->shed.until = journal_next(spool->journal);
        spool->shed.again = 0;
    }
    spool->shed.limit = limit;
}

static void
shed_end(struct spool *spool)
{
    if (spool->shed.lost)
        log_warning(
            "sink \"%s\" is configured no more, and what waits for it is over its "
            "budget: %" PRIu64 " events dropped",
            spool->name, spool->shed.lost);
    spool->shed.lost = spool->shed.limit = 0;
    if (!spool->queue) {
        journal_reader_free(spool->reader);
        spool->reader = NULL;
    }
    journal_kick(spool->journal);
}

bool
spool_shed(struct spool *spool)
{
    struct spool_slice slice = spool_slice();
    enum spool_read read = SPOOL_REACHED;
    uint64_t limit = spool->shed.limit;

    if (!limit) {
        limit = shed_limit(spool);
        if (!limit)
            return false;
        shed_begin(spool, limit);
    }
    if (spool->queue) {
        read = shed_learn(spool, &slice);
        if (read == SPOOL_REACHED)
            shed_memory(spool, limit);
    }
    if (read == SPOOL_REACHED)
        read = shed_gap(spool, &slice, limit);
    if (read == SPOOL_REACHED)
        shed_end(spool);
    return read != SPOOL_LATER;
}
