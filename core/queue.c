/* SPDX-License-Identifier: Apache-2.0
 *
 * queue.c - what waits for one sink.  See queue.h.
 *
 * An entry is on two lists: its lane's, in the order pushed, and, unless it is in a
 * batch, its class's, which says what goes first when there is no room.  What came back
 * from a batch is older than the rest of its class and has a list of its own.  A lane is
 * on the list of those that may give, or it rests on the wheel, or it waits for entries
 * that are out; one without entries is no more.  Entries and lanes are recycled.
 */
#include "clock.h"
#include "queue_inside.h"

#include <string.h>

struct queue *
queue_new(struct queue_bounds bounds)
{
    struct queue *queue = memory_new(sizeof(*queue));

    pthread_mutex_init(&queue->lock, NULL);
    queue->bounds = bounds;
    ledger_init(&queue->ledger);
    for (int class = 0; class < QUEUE_CLASSES; class ++)
        for (int returned = 0; returned < 2; returned++)
            list_init(&queue->waiting[class][returned]);
    list_init(&queue->ready);
    list_init(&queue->spare);
    wheel_init(&queue->resting, clock_now());
    queue->bucket_count = QUEUE_BUCKETS;
    queue->buckets = memory_array(queue->bucket_count, sizeof(struct lane *));
    return queue;
}

/* ---- entries ---- */

static struct queue_entry *
entry_new(struct queue *queue)
{
    struct list *link = list_first(&queue->spare);

    if (!link)
        return memory_new(sizeof(struct queue_entry));
    list_remove(link);
    queue->spare_count--;
    return container_of(link, struct queue_entry, in_lane);
}

static void
entry_class(struct queue *queue, struct queue_entry *entry, enum queue_class class)
{
    entry->class = class;
    list_remove(&entry->in_class);
    list_push(&queue->waiting[class][entry->returned], &entry->in_class);
}

/* Finds the class of what begins to wait; a newer change puts the one before it
 * among the superseded. */
static void
entry_wait(struct queue *queue, struct queue_entry *entry)
{
    struct lane *lane = entry->lane;
    struct queue_entry *change = lane->change;

    if (queue->block && entry->share && entry->event->receipt) {
        entry_class(queue, entry, QUEUE_KEPT);
    } else if (entry->event->kind == EVENT_RESULT) {
        entry_class(queue, entry, QUEUE_RESULT);
    } else if (entry->event->kind == EVENT_CHANGE && change
               && change->number > entry->number) {
        entry_class(queue, entry, QUEUE_SUPERSEDED);
    } else {
        entry_class(queue, entry, QUEUE_LATEST);
        if (entry->event->kind != EVENT_CHANGE || change == entry)
            return;
        if (change && !change->out)
            entry_class(queue, change, QUEUE_SUPERSEDED);
        lane->change = entry;
    }
}

static void
queue_note_ended(struct queue *queue, uint64_t record)
{
    if (!queue->on_ended)
        return;
    if (queue->ended_count == queue->ended_room) {
        queue->ended_room = queue->ended_room ? queue->ended_room * 2 : QUEUE_ENDED;
        queue->ended = memory_grow(queue->ended, queue->ended_room,
                                   sizeof(*queue->ended));
    }
    queue->ended[queue->ended_count++] = record;
}

/* Takes the entry out of everything; its event is the caller's now. */
static struct sonde_event *
entry_forget(struct queue *queue, struct queue_entry *entry)
{
    struct lane *lane = entry->lane;
    struct sonde_event *event = entry->event;

    if (lane->next == entry)
        lane->next = lane_entry(lane, entry->in_lane.next);
    if (lane->change == entry)
        lane->change = NULL;
    list_remove(&entry->in_lane);
    list_remove(&entry->in_class);
    queue->count--;
    queue->bytes -= entry->bytes;
    queue_note_ended(queue, entry->record);
    if (list_empty(&lane->entries))
        lane_free(lane);
    else if (!lane->next)
        list_remove(&lane->ready);
    if (queue->spare_count == QUEUE_SPARE) {
        free(entry);
    } else {
        list_push_front(&queue->spare, &entry->in_lane);
        queue->spare_count++;
    }
    return event;
}

/* ---- room ---- */

static struct queue_entry *
queue_victim(struct queue *queue)
{
    for (int class = 0; class < QUEUE_KEPT; class ++) {
        struct list *link = list_first(&queue->waiting[class][1]);

        if (!link)
            link = list_first(&queue->waiting[class][0]);
        if (link)
            return container_of(link, struct queue_entry, in_class);
    }
    return NULL;
}

/* It ends on this line, and gives back its share of the receipt, if it has one. */
static void
entry_end(struct queue *queue, struct queue_entry *entry, enum ledger_line line)
{
    struct receipt *receipt = entry->share ? entry->event->receipt : NULL;
    bool well = line == LEDGER_DELIVERED || line == LEDGER_MOVED; /* a letter has one */

    ledger_add(&queue->ledger, entry->route, line, 1);
    receipt_release(receipt, well ? SONDE_DELIVERED : SONDE_REJECTED);
    event_unref(entry_forget(queue, entry));
}

static unsigned
queue_drop(struct queue *queue, struct queue_entry *entry)
{
    static const enum ledger_line lines[] = { [QUEUE_RESULT] = LEDGER_RESULT,
                                              [QUEUE_SUPERSEDED] = LEDGER_SUPERSEDED,
                                              [QUEUE_LATEST] = LEDGER_OLDEST,
                                              [QUEUE_KEPT] = LEDGER_OLDEST };
    enum queue_class class = entry->class;

    entry_end(queue, entry, lines[class]);
    return class != QUEUE_RESULT;
}

/* An entry too large for the whole queue goes alone, and takes no other with it. */
static unsigned
queue_make_room(struct queue *queue, struct queue_entry *newest)
{
    struct queue_entry *victim;
    unsigned lost = 0;

    if (newest && newest->bytes > queue->bounds.bytes)
        return queue_drop(queue, newest);
    while (queue->count > queue->bounds.events || queue->bytes > queue->bounds.bytes) {
        victim = queue_victim(queue);
        if (!victim)
            break;
        lost += queue_drop(queue, victim);
    }
    return lost;
}

/* ---- the queue ---- */

static void
queue_lock(struct queue *queue, bool *had)
{
    pthread_mutex_lock(&queue->lock);
    *had = !list_empty(&queue->ready);
}

static void
queue_unlock(struct queue *queue, bool had)
{
    void (*fn)(void *arg) = !had && !list_empty(&queue->ready) ? queue->on_ready : NULL;
    queue_ended_fn *on_ended = queue->on_ended;
    void *arg = queue->arg, *ended_arg = queue->ended_arg;
    AUTO_FREE uint64_t *ended = queue->ended_count ? queue->ended : NULL;
    size_t ended_count = queue->ended_count;

    if (ended) {
        queue->ended = NULL;
        queue->ended_count = queue->ended_room = 0;
    }
    pthread_mutex_unlock(&queue->lock);
    if (ended)
        on_ended(ended, ended_count, ended_arg);
    if (fn)
        fn(arg);
}

static void
queue_enter(struct queue *queue, struct queue_entry *entry)
{
    list_init(&entry->in_class);
    list_push(&entry->lane->entries, &entry->in_lane);
    queue->count++;
    queue->bytes += entry->bytes;
    entry_wait(queue, entry);
    if (!entry->lane->next && !entry->lane->failed)
        entry->lane->next = entry;
    lane_offer(entry->lane, false);
}

static unsigned
queue_put(struct queue *queue, struct sonde_event *event, struct ledger_route *route,
          uint64_t record, int64_t accepted, bool fresh)
{
    size_t bytes = sizeof(struct queue_entry) + event_bytes(event);
    struct queue_entry *entry;
    unsigned lost;
    bool had;

    event_ref(event);
    queue_lock(queue, &had);
    if (fresh)
        ledger_add(&queue->ledger, route, LEDGER_ACCEPTED, 1);
    entry = entry_new(queue);
    *entry = (struct queue_entry){ .event = event,
                                   .route = route,
                                   .record = record,
                                   .lane = lane_find(queue, event->origin),
                                   .bytes = bytes,
                                   .number = queue->pushed++,
                                   .pushed = accepted,
                                   .share = !record };
    queue_enter(queue, entry);
    lost = queue_make_room(queue, entry);
    queue_unlock(queue, had);
    return lost;
}

unsigned
queue_admit(struct queue *queue, struct sonde_event *event, struct ledger_route *route,
            uint64_t record, int64_t accepted)
{
    return queue_put(queue, event, route, record, accepted, false);
}

unsigned
queue_push(struct queue *queue, struct sonde_event *event, const char *route)
{
    receipt_hold(event->receipt);
    return queue_put(queue, event, ledger_route(&queue->ledger, route), 0, clock_now(),
                     true);
}

size_t
queue_take(struct queue *queue, struct queue_entry **batch, size_t most, bool several,
           int64_t now)
{
    size_t count = 0;
    struct list *link;

    pthread_mutex_lock(&queue->lock);
    queue->several = several;
    wheel_run(&queue->resting, now);
    while (count < most && (link = list_first(&queue->ready))) {
        struct lane *lane = container_of(link, struct lane, ready);

        list_remove(link);
        do
            batch[count++] = lane_give(lane);
        while (several && lane->next && count < most);
        lane_offer(lane, true);
    }
    pthread_mutex_unlock(&queue->lock);
    return count;
}

/* Something that was out is back. */
static void
lane_resume(struct lane *lane, bool first)
{
    if (lane->failed && !lane->out) {
        lane->failed = false;
        lane->next = lane_entry(lane, lane->entries.next);
    }
    lane_offer(lane, first);
}

static void
queue_return(struct queue *queue, struct queue_entry *entry, int64_t not_before)
{
    struct lane *lane = entry->lane;

    atomic_fetch_add_explicit(&queue->ledger.retries, 1, memory_order_relaxed);
    entry->out = false;
    lane->out--;
    entry->returned = true;
    entry_wait(queue, entry);
    lane->failed = true;
    lane->next = NULL;
    list_remove(&lane->ready);
    if (not_before && (!timer_armed(&lane->rest) || lane->rest.due < not_before))
        wheel_set(&queue->resting, &lane->rest, not_before);
    lane_resume(lane, true);
}

static void
entry_settled(struct queue *queue, struct queue_entry *entry, enum ledger_line line)
{
    struct lane *lane = entry->lane;
    bool last = entry->in_lane.next == entry->in_lane.prev; /* the lane has no other */

    lane->out--;
    entry_end(queue, entry, line);
    if (!last)
        lane_resume(lane, false);
}

void
queue_end(struct queue *queue, struct queue_entry *const *entries, size_t count,
          enum ledger_line line)
{
    int64_t now = clock_now();
    bool had;

    queue_lock(queue, &had);
    for (size_t i = 0; i < count; i++) {
        if (line == LEDGER_DELIVERED)
            stats_delay(&queue->ledger.delays, now - entries[i]->pushed);
        entry_settled(queue, entries[i], line);
    }
    queue_unlock(queue, had);
}

void
queue_settle(struct queue *queue, struct queue_entry *entry, enum sonde_fate fate,
             int64_t not_before)
{
    bool had;

    if (fate != SONDE_RETRY) {
        queue_end(queue, &entry, 1,
                  fate == SONDE_DELIVERED ? LEDGER_DELIVERED : LEDGER_REJECTED);
        return;
    }
    queue_lock(queue, &had);
    queue_return(queue, entry, not_before);
    queue_unlock(queue, had);
}

/* ---- what the journal holds no more ---- */

static void
entry_shed(struct queue *queue, struct queue_entry *entry, queue_kept_fn *fn, void *arg)
{
    struct ledger_route *route = entry->route;
    int64_t accepted = entry->pushed;

    if (entry->out) {
        entry->record = 0;
    } else if (entry->class >= QUEUE_LATEST) {
        fn(entry_forget(queue, entry), route, accepted, arg);
    } else {
        queue_drop(queue, entry);
    }
}

void
queue_shed(struct queue *queue, uint64_t limit, queue_kept_fn *fn, void *arg)
{
    struct queue_entry *entry, *next;
    bool had;

    queue_lock(queue, &had);
    for (entry = lanes_next(queue, NULL); entry; entry = next) {
        next = lanes_next(queue, entry);
        if (entry->record && entry->record < limit)
            entry_shed(queue, entry, fn, arg);
    }
    queue->ended_count = 0;
    queue_unlock(queue, had);
}

int64_t
queue_next(struct queue *queue)
{
    int64_t next;

    pthread_mutex_lock(&queue->lock);
    next = list_empty(&queue->ready) ? wheel_due(&queue->resting) : 0;
    pthread_mutex_unlock(&queue->lock);
    return next;
}

void
queue_on_ready(struct queue *queue, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&queue->lock);
    queue->on_ready = fn;
    queue->arg = arg;
    pthread_mutex_unlock(&queue->lock);
}

void
queue_on_ended(struct queue *queue, queue_ended_fn *fn, void *arg)
{
    pthread_mutex_lock(&queue->lock);
    queue->on_ended = fn;
    queue->ended_arg = arg;
    pthread_mutex_unlock(&queue->lock);
}

unsigned
queue_bounds_set(struct queue *queue, struct queue_bounds bounds)
{
    unsigned lost;
    bool had;

    queue_lock(queue, &had);
    queue->bounds = bounds;
    lost = queue_make_room(queue, NULL);
    queue_unlock(queue, had);
    return lost;
}

void
queue_free(struct queue *queue)
{
    if (!queue)
        return;
    lanes_free(queue);
    list_each_safe (link, &queue->spare)
        free(container_of(link, struct queue_entry, in_lane));
    ledger_deinit(&queue->ledger);
    free(queue->ended);
    pthread_mutex_destroy(&queue->lock);
    free(queue->buckets);
    free(queue);
}
