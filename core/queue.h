/* SPDX-License-Identifier: Apache-2.0
 *
 * queue.h - what waits for one sink: bounded in events and bytes, in order per
 * check.
 *
 * Entries of one check form a lane.  A lane gives its oldest entry to a batch
 * and then rests until that entry is settled; a RETRY makes only that lane wait.
 * Not here: what a fate means for the sink as a whole (sink.c).
 * Any thread may push; take is for the sink's own thread, settle for any.  One
 * lock inside, and the ledger is written under it.
 */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include "event.h"
#include "list.h"
#include "stats.h"

struct queue;
struct lane;

struct queue_bounds {
    size_t events, bytes;
};

/* In the order in which they go when there is no room. */
enum queue_class { QUEUE_RESULT, QUEUE_SUPERSEDED, QUEUE_LATEST, QUEUE_CLASSES };

struct queue_entry {
    struct sonde_event *event; /* the queue's reference */
    const char *route;         /* the first that named the sink; the queue's copy */

    /* The sink's, while the entry is out. */
    unsigned attempts; /* failures while others passed */
    uint64_t passed;   /* what the sink had delivered when it failed last */

    /* The queue's own. */
    struct lane *lane;
    struct list in_lane, in_class;
    size_t bytes;
    uint64_t number; /* in the order pushed */
    int64_t pushed;  /* clock_now */
    enum queue_class class;
    bool out;      /* in a batch: on no list of a class */
    bool returned; /* was in a batch before */
};

struct queue *queue_new(struct queue_bounds bounds, struct ledger *ledger);
void queue_free(struct queue *queue); /* what waits is counted as DROP_SHUTDOWN */
/* Also hands the queue over to another ledger, which has then accepted what is in it.
 * Returns as queue_push. */
unsigned queue_bounds_set(struct queue *queue, struct queue_bounds bounds,
                          struct ledger *ledger);

/* Takes its own reference.  Over the bounds: results go first, then superseded
 * changes, then the oldest; never what is in a batch.  Returns how many went,
 * results not counted: the next one makes up for a result. */
unsigned queue_push(struct queue *queue, struct sonde_event *event, const char *route);
/* Called (any thread, no lock held) when a queue that had nothing to give has.  To be
 * changed only while nobody pushes or settles. */
void queue_on_ready(struct queue *queue, void (*fn)(void *arg), void *arg);

/* Up to most entries that may go now, oldest lane first; one of a lane, or, where
 * several is set (always or never), as many as it has.  They stay the queue's until
 * settled. */
size_t queue_take(struct queue *queue, struct queue_entry **batch, size_t most,
                  bool several, int64_t now);
/* An entry comes back: delivered or rejected is forgotten, RETRY goes to the head
 * of its lane.  The lane then rests until not_before (clock_now); 0: it is the first
 * to go. */
void queue_settle(struct queue *queue, struct queue_entry *entry, enum sonde_fate fate,
                  int64_t not_before);
/* Several that were all delivered, or all rejected, for one look at lock and clock. */
void queue_settle_all(struct queue *queue, struct queue_entry *const *entries,
                      size_t count, enum sonde_fate fate);
/* When queue_take would have something: 0 now, INT64_MAX not before a push or a
 * settle, else a clock_now (which may be early). */
int64_t queue_next(struct queue *queue);
size_t queue_count(struct queue *queue); /* waiting and in batches */
size_t queue_bytes(struct queue *queue);
bool queue_room(struct queue *queue); /* less than half full, by both bounds */
struct ledger_sum queue_ledger(struct queue *queue); /* always closes */

#endif
