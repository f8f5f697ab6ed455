/* SPDX-License-Identifier: Apache-2.0
 *
 * spool.c - what waits for one sink, in memory and on the disk: its life, pushing, the
 * window.  See spool.h.
 *
 * The queue is bounded from here: it gets an event only where there is room, and drops
 * none.  So its bounds are none, and its callback is never under this lock.
 */
#include "spool_inside.h"

#include "clock.h"
#include "memory.h"

#include <assert.h>
#include <string.h>

struct spool *
spool_new(const char *name, const struct spool_home *home)
{
    struct spool *spool = memory_new(sizeof(*spool));

    spool->name = memory_text(name);
    spool->home = *home;
    spool->pool = event_pool_new();
    pthread_mutex_init(&spool->work, NULL);
    pthread_mutex_init(&spool->lock, NULL);
    return spool;
}

void
spool_free(struct spool *spool)
{
    if (!spool)
        return;
    assert(!spool->queue);
    for (struct spool_route *route = spool->routes, *next; route; route = next) {
        next = route->next;
        free(route);
    }
    journal_reader_free(spool->reader);
    spool_news_clear(&spool->news);
    cursor_free(spool->cursor);
    event_pool_free(spool->pool);
    pthread_mutex_destroy(&spool->lock);
    pthread_mutex_destroy(&spool->work);
    free(spool->tail.entries);
    free(spool->marks.marks);
    free(spool->name);
    free(spool);
}

void
spool_close(struct spool *spool)
{
    journal_reader_free(spool->reader);
    spool->reader = NULL;
}

const char *
spool_name(const struct spool *spool)
{
    return spool->name;
}

struct spool_route *
spool_route(struct spool *spool, const char *name, size_t length)
{
    struct spool_route *route = spool->routes;

    while (route && (route->length != length || memcmp(route->name, name, length) != 0))
        route = route->next;
    if (route)
        return route;
    route = memory_new(sizeof(*route) + length + 1);
    route->length = length;
    memcpy(route->name, name, length);
    if (spool->queue)
        route->ledger = ledger_route(queue_ledger(spool->queue), route->name);
    route->next = spool->routes;
    spool->routes = route;
    return route;
}

void
spool_count(struct spool *spool, struct spool_route *route, enum ledger_line line,
            uint64_t count)
{
    if (spool->queue)
        ledger_add(queue_ledger(spool->queue), route->ledger, line, count);
}

/* ---- the window ---- */

bool
spool_has_gap(const struct spool *spool)
{
    return spool->gap_end > cursor_seen(spool->cursor) + 1;
}

bool
spool_has_room(struct spool *spool)
{
    size_t count;

    if (!spool->queue || !cursor_room(spool->cursor))
        return false;
    count = queue_count(spool->queue);
    return !count
           || (count < CURSOR_WINDOW
               && queue_bytes(spool->queue) < spool->bounds.memory / 2);
}

/* So little is in the window that it is worth while to come for many at once. */
static bool
spool_is_low(struct spool *spool)
{
    size_t count;

    if (!spool_has_room(spool))
        return false;
    count = queue_count(spool->queue);
    return !count
           || (count * 2 < CURSOR_WINDOW
               && queue_bytes(spool->queue) * 2 < spool->bounds.memory / 2);
}

void
spool_admit(struct spool *spool, const struct spool_waiting *waiting)
{
    if (waiting->record && cursor_begin(spool->cursor, waiting->record) == CURSOR_OPEN) {
        spool->window[cursor_place(spool->cursor, waiting->record)] = waiting->route;
        waiting->route->held++;
    }
    queue_admit(spool->queue, waiting->event, waiting->route->ledger, waiting->record,
                waiting->accepted);
}

void
spool_settle(struct spool *spool, uint64_t record)
{
    size_t place = cursor_place(spool->cursor, record);

    if (place == CURSOR_WINDOW)
        return; /* the journal was about to lose it, and it was told as settled before */
    spool->window[place]->held--;
    cursor_settle(spool->cursor, record);
}

void
spool_refill(struct spool *spool)
{
    while (!spool_has_gap(spool) && spool->tail.count && spool_has_room(spool)) {
        struct spool_waiting waiting = *spool_tail_front(spool);

        spool_tail_pop(spool);
        spool_admit(spool, &waiting);
        event_unref(waiting.event);
    }
    if (!spool_has_gap(spool)) {
        if (!spool->tail.count && !spool->again)
            spool_news_clear(&spool->news);
    } else if (!spool->woken && spool_is_low(spool)) {
        spool->woken = true;
        spool->home.wake(spool->home.arg);
    }
}

static void
spool_ended(const uint64_t *records, size_t count, void *arg)
{
    struct spool *spool = arg;

    pthread_mutex_lock(&spool->lock);
    for (size_t i = 0; i < count; i++)
        if (records[i])
            spool_settle(spool, records[i]);
    spool_refill(spool);
    pthread_mutex_unlock(&spool->lock);
    journal_kick(spool->journal);
}

/* ---- pushing ---- */

static void
spool_put(struct spool *spool, const struct spool_waiting *waiting)
{
    if (!spool_has_gap(spool) && !spool->tail.count && spool_has_room(spool)) {
        if (spool->again)
            spool_news_add(&spool->news, waiting->event);
        spool_admit(spool, waiting);
    } else {
        spool_tail_push(spool, waiting);
        spool_tail_fit(spool);
    }
}

static struct spool_waiting
spool_waits(struct spool *spool, struct sonde_event *event, const char *route,
            uint64_t record, int64_t accepted)
{
    return (struct spool_waiting){
        .event = event,
        .route = spool_route(spool, route, strlen(route)),
        .record = record,
        .accepted = accepted,
        .bytes = sizeof(struct spool_waiting) + event_bytes(event),
    };
}

void
spool_push(struct spool *spool, struct sonde_event *event, const char *route,
           uint64_t record)
{
    struct spool_waiting waiting;

    if (!record)
        receipt_hold(event->receipt);
    pthread_mutex_lock(&spool->lock);
    assert(spool->queue);
    waiting = spool_waits(spool, event, route ? route : "", record, clock_now());
    spool_count(spool, waiting.route, LEDGER_ACCEPTED, 1);
    spool_put(spool, &waiting);
    pthread_mutex_unlock(&spool->lock);
}

void
spool_push_again(struct spool *spool, struct sonde_event *event,
                 struct ledger_route *route, uint64_t record, int64_t accepted)
{
    struct spool_waiting waiting;

    pthread_mutex_lock(&spool->lock);
    assert(spool->queue && spool->again);
    waiting = spool_waits(spool, event, route->name, record, accepted);
    spool->again--;
    spool_put(spool, &waiting);
    spool_refill(spool);
    pthread_mutex_unlock(&spool->lock);
}

bool
spool_overtaken(struct spool *spool, const struct sonde_event *event,
                struct ledger_route *route)
{
    bool overtaken;

    pthread_mutex_lock(&spool->lock);
    overtaken = spool_news_newer(&spool->news, event);
    if (overtaken) {
        ledger_add(queue_ledger(spool->queue), route, LEDGER_SUPERSEDED, 1);
        spool->again--;
    }
    pthread_mutex_unlock(&spool->lock);
    return overtaken;
}

/* ---- what there is to know ---- */

bool
spool_room(struct spool *spool)
{
    bool room;

    pthread_mutex_lock(&spool->lock);
    room = !spool_has_gap(spool) && !spool->tail.count && spool_is_low(spool);
    pthread_mutex_unlock(&spool->lock);
    return room;
}

bool
spool_used(struct spool *spool, unsigned quarters)
{
    uint64_t needed, disk;
    size_t memory, unwritten;

    pthread_mutex_lock(&spool->lock);
    needed = spool_wanted(spool);
    disk = spool->bounds.disk;
    memory = spool->bounds.memory / 2;
    unwritten = spool_tail_unwritten(spool);
    pthread_mutex_unlock(&spool->lock);
    if (unwritten * 4 >= memory * quarters)
        return true;
    if (!disk || needed == JOURNAL_NOBODY)
        return false;
    return (journal_pinned(spool->journal, needed) + unwritten) * 4 >= disk * quarters;
}

uint64_t
spool_waiting_count(struct spool *spool)
{
    uint64_t count;

    pthread_mutex_lock(&spool->lock);
    count = spool->gap_count + spool->tail.count + spool->again
            + (spool->queue ? queue_count(spool->queue) : 0);
    pthread_mutex_unlock(&spool->lock);
    return count;
}

struct queue *
spool_queue(struct spool *spool)
{
    struct queue *queue;

    pthread_mutex_lock(&spool->lock);
    queue = spool->queue;
    pthread_mutex_unlock(&spool->lock);
    return queue;
}

struct ledger_sum
spool_sum(struct spool *spool)
{
    struct ledger_sum sum = { 0 };

    pthread_mutex_lock(&spool->lock);
    if (spool->queue) {
        sum = queue_sum(spool->queue);
        sum.queued += spool->gap_count + spool->tail.count + spool->again;
    }
    pthread_mutex_unlock(&spool->lock);
    return sum;
}

uint64_t
spool_wanted(const struct spool *spool)
{
    uint64_t record = spool_tail_record(spool);

    if (cursor_open_count(spool->cursor))
        return cursor_base(spool->cursor);
    if (spool_has_gap(spool))
        return cursor_seen(spool->cursor) + 1;
    return record ? record : JOURNAL_NOBODY;
}

uint64_t
spool_needed(struct spool *spool)
{
    uint64_t needed;

    pthread_mutex_lock(&spool->lock);
    needed = spool_wanted(spool);
    pthread_mutex_unlock(&spool->lock);
    return needed;
}

void
spool_press(struct spool *spool)
{
    pthread_mutex_lock(&spool->lock);
    spool->pressed = !spool->bounds.block;
    if (spool->pressed && !spool->woken) {
        spool->woken = true;
        spool->home.wake(spool->home.arg);
    }
    pthread_mutex_unlock(&spool->lock);
}

/* ---- the sink that it is for ---- */

void
spool_attach(struct spool *spool, struct queue *queue, struct spool_bounds bounds)
{
    struct ledger *ledger = queue_ledger(queue);

    pthread_mutex_lock(&spool->work);
    pthread_mutex_lock(&spool->lock);
    assert(!spool->queue && spool->journal);
    spool->queue = queue;
    spool->bounds = bounds;
    queue_bounds_set(queue, (struct queue_bounds){ SIZE_MAX, SIZE_MAX });
    queue_on_ended(queue, spool_ended, spool);
    for (struct spool_route *route = spool->routes; route; route = route->next) {
        route->ledger = ledger_route(ledger, route->name);
        if (route->gap)
            ledger_add(ledger, route->ledger, LEDGER_RESTORED, route->gap);
    }
    spool_refill(spool);
    pthread_mutex_unlock(&spool->lock);
    pthread_mutex_unlock(&spool->work);
}

void
spool_bounds_set(struct spool *spool, struct spool_bounds bounds)
{
    pthread_mutex_lock(&spool->lock);
    spool->bounds = bounds;
    spool_tail_fit(spool);
    spool_refill(spool);
    pthread_mutex_unlock(&spool->lock);
}

/* What is open was given to nobody after all; what was settled behind it stays so. */
static void
spool_close_window(struct spool *spool)
{
    unsigned char bytes[CURSOR_PACKED];
    uint64_t number = 0, end = cursor_seen(spool->cursor) + 1;
    size_t length;

    if (!cursor_open_count(spool->cursor))
        return;
    while ((number = cursor_next_open(spool->cursor, number))) {
        struct spool_route *route = spool->window[cursor_place(spool->cursor, number)];

        route->held--;
        route->gap++;
        spool->gap_count++;
        spool_mark(spool, number, route);
    }
    if (spool->gap_end < end)
        spool->gap_end = end;
    length = cursor_pack(spool->cursor, UINT64_MAX - 1, bytes);
    cursor_free(spool->cursor);
    spool->cursor = cursor_unpack(bytes, length);
}

void
spool_detach(struct spool *spool)
{
    pthread_mutex_lock(&spool->work);
    pthread_mutex_lock(&spool->lock);
    assert(!spool->again);
    queue_on_ended(spool->queue, NULL, NULL);
    spool_close_window(spool);
    spool_tail_leave(spool);
    spool_news_clear(&spool->news);
    spool->queue = NULL;
    for (struct spool_route *route = spool->routes; route; route = route->next)
        route->ledger = NULL;
    spool->learn_at = 0;
    spool->learn_end = spool->gap_end;
    journal_reader_free(spool->reader);
    spool->reader = NULL;
    pthread_mutex_unlock(&spool->lock);
    pthread_mutex_unlock(&spool->work);
}
