/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_read.c - the gap of a spool read back from the disk.  See spool_inside.h.
 *
 * The disk is read without the lock: only this thread moves the cursor over the gap.  A
 * call does a slice of the work, so that many spools share the thread.  What the gap
 * should have held and has not when its end is reached was on a piece of the disk that
 * cannot be read.
 */
#include "clock.h"
#include "log.h"
#include "spool_inside.h"

#include <inttypes.h>
#include <string.h>

#define SPOOL_TELL (60 * CLOCK_SECOND) /* between lines about records that are none */

struct spool_slice
spool_slice(void)
{
    return (struct spool_slice){ .until = clock_now() + SPOOL_SLICE_TIME };
}

static bool
slice_over(struct spool_slice *slice)
{
    return ++slice->records > SPOOL_SLICE
           || (slice->records % 16 == 0 && clock_now() > slice->until);
}

void
spool_seek(struct spool *spool, uint64_t from)
{
    if (spool->reader && journal_reader_at(spool->reader) == from)
        return;
    journal_reader_free(spool->reader);
    spool->reader = journal_reader_new(spool->journal, from);
}

/* The first target that names this sink, as when it was pushed. */
static bool
spool_is_target(const struct spool *spool, const struct journal_record *record,
                struct spool_found *found)
{
    size_t length = strlen(spool->name);
    struct journal_event event;
    struct journal_name sink;

    if ((record->kind != JOURNAL_EVENT && record->kind != JOURNAL_STATE)
        || !journal_event_read(&event, record->payload, record->length))
        return false;
    while (journal_event_next(&event, &sink, &found->route)) {
        if (sink.length != length || memcmp(sink.text, spool->name, length) != 0)
            continue;
        found->number = record->number;
        found->json = event.json;
        found->json_length = event.json_length;
        return true;
    }
    return false;
}

enum spool_read
spool_next(struct spool *spool, struct spool_slice *slice, uint64_t limit,
           struct spool_found *found)
{
    struct journal_record record;

    while (journal_reader_at(spool->reader) < limit) {
        if (slice_over(slice))
            return SPOOL_OVER;
        switch (journal_read(spool->reader, &record)) {
        case JOURNAL_NONE:
            return SPOOL_LATER;
        case JOURNAL_SKIP:
            continue;
        case JOURNAL_RECORD:
            if (record.number < limit && spool_is_target(spool, &record, found))
                return SPOOL_FOUND;
        }
    }
    return SPOOL_REACHED;
}

struct sonde_event *
spool_decode(struct spool *spool, const struct spool_found *found)
{
    const char *fault = NULL;
    struct sonde_event *event = event_decode(spool->pool, found->json, found->json_length,
                                             &fault);
    int64_t now = clock_now();

    if (!event && (!spool->said || now - spool->said >= SPOOL_TELL)) {
        spool->said = now;
        log_warning("journal: record %" PRIu64 " for sink \"%s\" is no event: %s",
                    found->number, spool->name, fault);
    }
    return event;
}

/* ---- the gap grows shorter ---- */

void
spool_take(struct spool *spool, struct spool_route *route, uint64_t number)
{
    spool_marks_prune(spool, number);
    if (route->gap) {
        route->gap--;
        spool->gap_count--;
    } else /* one that a note older than its end did not count */
        spool_count(spool, route, LEDGER_RESTORED, 1);
}

/* Its end is reached. */
static void
spool_close_gap(struct spool *spool)
{
    if (spool->gap_count)
        log_warning("sink \"%s\": %" PRIu64 " events that waited on the disk cannot be "
                    "read",
                    spool->name, spool->gap_count);
    for (struct spool_route *route = spool->routes; route; route = route->next) {
        if (!route->gap)
            continue;
        spool_count(spool, route, LEDGER_DAMAGED, route->gap);
        route->gap = 0;
    }
    spool->gap_count = 0;
    spool_marks_prune(spool, spool->gap_end);
    journal_reader_free(spool->reader); /* and its descriptor */
    spool->reader = NULL;
}

void
spool_passed(struct spool *spool, uint64_t at)
{
    if (at > spool->gap_end)
        at = spool->gap_end;
    cursor_pass(spool->cursor, at - 1);
    if (!spool_has_gap(spool))
        spool_close_gap(spool);
}

/* ---- into the window ---- */

/* False: no room for another. */
static bool
spool_give(struct spool *spool, const struct spool_found *found)
{
    struct sonde_event *event = spool_decode(spool, found);
    struct spool_waiting waiting = { .event = event,
                                     .record = found->number,
                                     .accepted = clock_now() };
    bool room;

    pthread_mutex_lock(&spool->lock);
    waiting.route = spool_route(spool, found->route.text, found->route.length);
    if (cursor_begin(spool->cursor, found->number) == CURSOR_OPEN) {
        spool_take(spool, waiting.route, found->number);
        spool->window[cursor_place(spool->cursor, found->number)] = waiting.route;
        waiting.route->held++;
        if (event)
            queue_admit(spool->queue, event, waiting.route->ledger, found->number,
                        waiting.accepted);
        else {
            spool_count(spool, waiting.route, LEDGER_DAMAGED, 1);
            spool_settle(spool, found->number);
        }
    }
    room = spool_has_room(spool);
    pthread_mutex_unlock(&spool->lock);
    event_unref(event);
    return room;
}

/* True: there is more to do at once. */
static bool
spool_read_back(struct spool *spool)
{
    struct spool_slice slice = spool_slice();
    enum spool_read read = SPOOL_FOUND;
    uint64_t from, limit;
    struct spool_found found;
    bool room, more;

    pthread_mutex_lock(&spool->lock);
    spool_refill(spool);
    from = cursor_seen(spool->cursor) + 1;
    limit = spool->gap_end;
    room = spool_has_gap(spool) && spool_has_room(spool);
    pthread_mutex_unlock(&spool->lock);
    if (!room)
        return false;
    spool_seek(spool, from);
    while (room && (read = spool_next(spool, &slice, limit, &found)) == SPOOL_FOUND)
        room = spool_give(spool, &found);
    pthread_mutex_lock(&spool->lock);
    from = journal_reader_at(spool->reader);
    spool_passed(spool, from < limit ? from : limit);
    more = read != SPOOL_LATER && spool_has_gap(spool) && spool_has_room(spool);
    spool_refill(spool);
    pthread_mutex_unlock(&spool->lock);
    return more;
}

bool
spool_work(struct spool *spool)
{
    bool more;

    pthread_mutex_lock(&spool->work);
    pthread_mutex_lock(&spool->lock);
    spool->woken = false;
    pthread_mutex_unlock(&spool->lock);
    more = spool_shed(spool) || spool_read_back(spool);
    pthread_mutex_unlock(&spool->work);
    return more;
}
