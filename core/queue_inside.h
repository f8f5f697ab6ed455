/* SPDX-License-Identifier: Apache-2.0
 *
 * queue_inside.h - a queue and its lanes, shared by queue.c (room, classes, the
 * ledger) and lane.c (order).  All of it is under the queue's lock.
 */
#ifndef CORE_QUEUE_INSIDE_H
#define CORE_QUEUE_INSIDE_H

#include "queue.h"
#include "timer.h"

#include <pthread.h>

enum { QUEUE_SPARE = 1024, QUEUE_BUCKETS = 64, QUEUE_ENDED = 64 };

struct lane {
    struct lane *chain; /* in its bucket, or spare */
    struct queue *queue;
    uint64_t hash;
    struct list entries;        /* oldest first, what is out too; all name one check */
    struct queue_entry *next;   /* the oldest that may go; NULL: none */
    struct queue_entry *change; /* the newest change that is waiting or out */
    unsigned out;
    bool failed; /* a RETRY came back: nothing goes while any is out */
    struct list ready;
    struct timer rest;
};

struct queue {
    pthread_mutex_t lock;
    struct queue_bounds bounds;
    struct ledger ledger;
    size_t count, bytes;
    uint64_t pushed;
    bool several, block;
    struct list waiting[QUEUE_CLASSES][2]; /* [1]: was out before */
    struct list ready;                     /* lanes */
    struct wheel resting;
    struct lane **buckets;
    size_t bucket_count, lane_count;
    struct list spare; /* entries, by in_lane */
    struct lane *spare_lanes;
    size_t spare_count, spare_lane_count;
    void (*on_ready)(void *arg);
    void *arg;
    queue_ended_fn *on_ended;
    void *ended_arg;
    uint64_t *ended; /* records, to be told when the lock is given back */
    size_t ended_count, ended_room;
};

/* NULL where link is the end of the lane. */
struct queue_entry *lane_entry(const struct lane *lane, const struct list *link);
/* The lane of that check, made if there is none: then it must get an entry. */
struct lane *lane_find(struct queue *queue, const struct origin *origin);
void lane_free(struct lane *lane);    /* without entries */
void lanes_free(struct queue *queue); /* all, with their entries and events */
/* All entries, lane by lane: the one behind this one; NULL: from the first, or no more.
 */
struct queue_entry *lanes_next(struct queue *queue, struct queue_entry *entry);
/* Puts the lane on the list of those that may give, if it may. */
void lane_offer(struct lane *lane, bool first);
struct queue_entry *lane_give(struct lane *lane);

#endif
