/* SPDX-License-Identifier: Apache-2.0
 *
 * queue_withdraw.c - what waits, for somebody else than the sink.  See queue.h.
 */
#include "queue_inside.h"

size_t
queue_withdraw(struct queue *queue, struct queue_entry **batch, size_t most, bool behind,
               int64_t now)
{
    size_t count = 0;

    pthread_mutex_lock(&queue->lock);
    wheel_run(&queue->resting, now);
    list_each_safe (link, &queue->ready) {
        struct lane *lane = container_of(link, struct lane, ready);

        if (count == most)
            break;
        if (lane->out && !behind)
            continue;
        list_remove(link);
        batch[count++] = lane_give(lane);
        lane_offer(lane, false);
    }
    pthread_mutex_unlock(&queue->lock);
    return count;
}
