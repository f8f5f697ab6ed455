/* SPDX-License-Identifier: Apache-2.0
 *
 * lane.c - the events of one check in a queue, in order.  See queue_inside.h.
 *
 * What is out comes before what waits.  After a RETRY nothing goes until all that
 * is out is back: then the lane begins again at its head.
 */
#include "queue_inside.h"

#include <string.h>

struct queue_entry *
lane_entry(const struct lane *lane, const struct list *link)
{
    return link == &lane->entries
               ? NULL
               : container_of((struct list *)link, struct queue_entry, in_lane);
}

static const struct origin *
lane_origin(const struct lane *lane)
{
    return lane_entry(lane, lane->entries.next)->event->origin;
}

static bool
lane_is(const struct lane *lane, const struct origin *origin)
{
    const struct origin *own;

    if (lane->hash != origin->hash)
        return false;
    own = lane_origin(lane);
    return own == origin || strcmp(own->check, origin->check) == 0;
}

void
lane_offer(struct lane *lane, bool first)
{
    struct queue *queue = lane->queue;

    if (!lane->next || timer_armed(&lane->rest) || !list_empty(&lane->ready)
        || (lane->out && !queue->several))
        return;
    if (first)
        list_push_front(&queue->ready, &lane->ready);
    else
        list_push(&queue->ready, &lane->ready);
}

static void
lane_rested(struct timer *timer)
{
    lane_offer(container_of(timer, struct lane, rest), false);
}

static void
queue_rehash(struct queue *queue)
{
    size_t count = queue->bucket_count * 2;
    struct lane **buckets = memory_array(count, sizeof(struct lane *));

    for (size_t i = 0; i < queue->bucket_count; i++) {
        for (struct lane *lane = queue->buckets[i], *chain; lane; lane = chain) {
            chain = lane->chain;
            lane->chain = buckets[lane->hash & (count - 1)];
            buckets[lane->hash & (count - 1)] = lane;
        }
    }
    free(queue->buckets);
    queue->buckets = buckets;
    queue->bucket_count = count;
}

static struct lane *
lane_new(struct queue *queue, uint64_t hash)
{
    struct lane *lane = queue->spare_lanes, **bucket;

    if (lane) {
        queue->spare_lanes = lane->chain;
        queue->spare_lane_count--;
    } else
        lane = memory_new(sizeof(*lane));
    *lane = (struct lane){ .queue = queue, .hash = hash };
    list_init(&lane->entries);
    list_init(&lane->ready);
    timer_init(&lane->rest, lane_rested);
    if (++queue->lane_count > queue->bucket_count)
        queue_rehash(queue);
    bucket = &queue->buckets[hash & (queue->bucket_count - 1)];
    lane->chain = *bucket;
    *bucket = lane;
    return lane;
}

struct lane *
lane_find(struct queue *queue, const struct origin *origin)
{
    struct lane *lane = queue->buckets[origin->hash & (queue->bucket_count - 1)];

    while (lane && !lane_is(lane, origin))
        lane = lane->chain;
    return lane ? lane : lane_new(queue, origin->hash);
}

void
lane_free(struct lane *lane)
{
    struct queue *queue = lane->queue;
    struct lane **at = &queue->buckets[lane->hash & (queue->bucket_count - 1)];

    while (*at != lane)
        at = &(*at)->chain;
    *at = lane->chain;
    queue->lane_count--;
    list_remove(&lane->ready);
    wheel_clear(&queue->resting, &lane->rest);
    if (queue->spare_lane_count == QUEUE_SPARE) {
        free(lane);
        return;
    }
    lane->chain = queue->spare_lanes;
    queue->spare_lanes = lane;
    queue->spare_lane_count++;
}

struct queue_entry *
lane_give(struct lane *lane)
{
    struct queue_entry *entry = lane->next;

    lane->next = lane_entry(lane, entry->in_lane.next);
    lane->out++;
    entry->out = true;
    list_remove(&entry->in_class);
    return entry;
}

struct queue_entry *
lanes_next(struct queue *queue, struct queue_entry *entry)
{
    struct lane *lane = entry ? entry->lane : NULL;
    size_t bucket = 0;

    if (lane) {
        struct queue_entry *next = lane_entry(lane, entry->in_lane.next);

        if (next)
            return next;
        bucket = (lane->hash & (queue->bucket_count - 1)) + 1;
        lane = lane->chain;
    }
    while (!lane && bucket < queue->bucket_count)
        lane = queue->buckets[bucket++];
    return lane ? lane_entry(lane, lane->entries.next) : NULL;
}

static void
entry_free(struct queue_entry *entry)
{
    if (entry->share)
        receipt_release(entry->event->receipt, SONDE_RETRY);
    event_unref(entry->event);
    free(entry);
}

void
lanes_free(struct queue *queue)
{
    for (size_t i = 0; i < queue->bucket_count; i++) {
        for (struct lane *lane = queue->buckets[i], *chain; lane; lane = chain) {
            chain = lane->chain;
            list_each_safe (link, &lane->entries)
                entry_free(lane_entry(lane, link));
            free(lane);
        }
    }
    for (struct lane *lane = queue->spare_lanes, *chain; lane; lane = chain) {
        chain = lane->chain;
        free(lane);
    }
}
