/* SPDX-License-Identifier: Apache-2.0
 *
 * queue_look.c - how much waits in a queue, whether there is room, and who is told that
 * nothing comes of it.
 */
#include "queue_inside.h"

void
queue_block(struct queue *queue, bool block)
{
    pthread_mutex_lock(&queue->lock);
    queue->block = block;
    pthread_mutex_unlock(&queue->lock);
}

void
queue_give_up(struct queue *queue)
{
    struct queue_entry *entry = NULL;

    pthread_mutex_lock(&queue->lock);
    while ((entry = lanes_next(queue, entry))) {
        if (entry->share)
            receipt_release(entry->event->receipt, SONDE_REJECTED);
        entry->share = false;
    }
    pthread_mutex_unlock(&queue->lock);
}

size_t
queue_count(struct queue *queue)
{
    size_t count;

    pthread_mutex_lock(&queue->lock);
    count = queue->count;
    pthread_mutex_unlock(&queue->lock);
    return count;
}

size_t
queue_bytes(struct queue *queue)
{
    size_t bytes;

    pthread_mutex_lock(&queue->lock);
    bytes = queue->bytes;
    pthread_mutex_unlock(&queue->lock);
    return bytes;
}

/* Whether the queue, as many times as full as it is, would be within its bounds. */
static bool
queue_fits(struct queue *queue, size_t times)
{
    bool fits;

    pthread_mutex_lock(&queue->lock);
    fits = queue->count * times < queue->bounds.events
           && queue->bytes * times < queue->bounds.bytes;
    pthread_mutex_unlock(&queue->lock);
    return fits;
}

bool
queue_full(struct queue *queue)
{
    return !queue_fits(queue, 1);
}

bool
queue_room(struct queue *queue)
{
    return queue_fits(queue, 2);
}

struct ledger *
queue_ledger(struct queue *queue)
{
    return &queue->ledger;
}

struct ledger_sum
queue_sum(struct queue *queue)
{
    struct ledger_sum sum;

    pthread_mutex_lock(&queue->lock);
    sum = ledger_sum(&queue->ledger, queue->count);
    pthread_mutex_unlock(&queue->lock);
    return sum;
}
