/* SPDX-License-Identifier: Apache-2.0
 *
 * queue.h - what waits for one sink: bounded in events and bytes, in order per
 * check.
 *
 * Entries of one check form a lane.  A lane gives its oldest entry to a batch
 * and then rests until that entry is settled; a RETRY makes only that lane wait.
 * Not here: what a fate means for the sink as a whole (sink.c).
 * Any thread may push; take is for the sink's own thread, settle for any.  One
 * lock inside.
 */
#ifndef CORE_QUEUE_H
#define CORE_QUEUE_H

#include "event.h"
#include "ledger.h"
#include "list.h"

struct queue;
struct lane;

/* Records whose entries have ended; 0 for an entry without one. */
typedef void queue_ended_fn(const uint64_t *records, size_t count, void *arg);
/* An event that leaves the queue with its reference, on no line of the ledger. */
typedef void queue_kept_fn(struct sonde_event *event, struct ledger_route *route,
                           int64_t accepted, void *arg);

struct queue_bounds {
    size_t events, bytes;
};

/* In the order in which they go when there is no room. */
enum queue_class {
    QUEUE_RESULT,
    QUEUE_SUPERSEDED,
    QUEUE_LATEST,
    QUEUE_KEPT, /* never goes */
    QUEUE_CLASSES
};

struct queue_entry {
    struct sonde_event *event;  /* the queue's reference */
    struct ledger_route *route; /* the first that named the sink */
    uint64_t record; /* its number in the journal; 0: nothing holds it but this queue */

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
    bool share;    /* of the event's receipt: it came without a record */
    bool returned; /* was in a batch before */
};

struct queue *queue_new(struct queue_bounds bounds);
void queue_free(struct queue *queue); /* with what waits */
/* The sink is no more, or stuck for good, but the daemon goes on: who asked what becomes of
 * the events in the queue is told that they were given up, whatever still comes of them. */
void queue_give_up(struct queue *queue);
/* Returns as queue_push. */
unsigned queue_bounds_set(struct queue *queue, struct queue_bounds bounds);
/* Whether what a source asks after is never dropped: the source waits for room instead.
 * Of what is pushed from here on. */
void queue_block(struct queue *queue, bool block);
/* The queue's own; it lives as long. */
struct ledger *queue_ledger(struct queue *queue);

/* Accepts the event, with a reference of its own.  Over the bounds: results go first,
 * then superseded changes, then the oldest; never what is in a batch.  Returns how many
 * went, results not counted: the next one makes up for a result. */
unsigned queue_push(struct queue *queue, struct sonde_event *event, const char *route);
/* The same for one that is on the ledger already, and in the journal (record, or 0).
 * accepted: clock_now of then. */
unsigned queue_admit(struct queue *queue, struct sonde_event *event,
                     struct ledger_route *route, uint64_t record, int64_t accepted);
/* Called (any thread, no lock held) when a queue that had nothing to give has.  After a
 * change the one before may still be called, until all who push or settle have come out
 * of it. */
void queue_on_ready(struct queue *queue, void (*fn)(void *arg), void *arg);
/* Called (any thread, no lock held) with the records of entries that have ended, in
 * whatever way.  To be set before anything is admitted. */
void queue_on_ended(struct queue *queue, queue_ended_fn *fn, void *arg);

/* Up to most entries that may go now, oldest lane first; one of a lane, or, where
 * several is set (always or never), as many as it has.  They stay the queue's until
 * settled. */
size_t queue_take(struct queue *queue, struct queue_entry **batch, size_t most,
                  bool several, int64_t now);
/* What may go elsewhere while the sink is away, oldest lane first, of one that rests
 * nothing; to be settled as if taken.  behind: also of a lane that has something out,
 * with the sink or from here; else that has to end first, and order holds. */
size_t queue_withdraw(struct queue *queue, struct queue_entry **batch, size_t most,
                      bool behind, int64_t now);
/* An entry comes back: delivered or rejected is forgotten, RETRY goes to the head
 * of its lane.  The lane then rests until not_before (clock_now); 0: it is the first
 * to go. */
void queue_settle(struct queue *queue, struct queue_entry *entry, enum sonde_fate fate,
                  int64_t not_before);
/* Several that all ended on this line of the ledger, for one look at lock and clock. */
void queue_end(struct queue *queue, struct queue_entry *const *entries, size_t count,
               enum ledger_line line);
/* The journal is about to lose the records below limit.  Of the entries that are waiting
 * with one: results and superseded changes are dropped, the others are given to fn
 * (under the lock, in the order of each check) and are gone from here.  What is in a
 * batch stays, held by nothing but this queue from now on.  None of it is told as ended
 * with its record: the caller knows, and may hold the lock that the telling takes. */
void queue_shed(struct queue *queue, uint64_t limit, queue_kept_fn *fn, void *arg);
/* When queue_take would have something: 0 now, INT64_MAX not before a push or a
 * settle, else a clock_now (which may be early). */
int64_t queue_next(struct queue *queue);
size_t queue_count(struct queue *queue); /* waiting and in batches */
size_t queue_bytes(struct queue *queue);
bool queue_full(struct queue *queue); /* by either bound */
bool queue_room(struct queue *queue); /* less than half full, by both bounds */
struct ledger_sum queue_sum(struct queue *queue); /* of the ledger; always closes */

#endif
