/* SPDX-License-Identifier: Apache-2.0
 *
 * spool.h - what waits for one sink, in memory and on the disk.
 *
 * A sink with `disk` has a spool before its queue.  The queue is the window: at most
 * CURSOR_WINDOW records that are open.  Behind it wait, in the order of the journal,
 * those that are on the disk only (the gap, read back by keep.c's reading thread), and
 * behind those the newest, in memory (the tail).
 *
 *      sink <- queue (window, open) <- gap (on the disk) <- tail (in memory) <- push
 *
 * A spool belongs to the name of a sink: it outlives graphs, and is there after a restart
 * before its sink is.  Without a queue (the sink is gone) everything stays on the disk.
 * The ledger of the queue counts what is in the spool as well: spool_sum.
 */
#ifndef CORE_SPOOL_H
#define CORE_SPOOL_H

#include "journal.h"
#include "journal_event.h"
#include "queue.h"

struct spool;

struct spool_bounds {
    size_t memory; /* bytes of events, half of it for window and tail each */
    uint64_t disk; /* bytes that the oldest open record may keep from being removed */
    bool block;    /* who pushes is held instead: a full disk is no reason to shed */
};

/* What a spool needs of keep.c.  wake: [any thread, locks held]  spool_work has something
 * to do.  again: [reading thread, within spool_work]  an event of this sink is to be
 * written and pushed once more, at the end; takes over the reference.  It is done before
 * it returns, as one step under keep.c's lock of the order: spool_overtaken; if that is
 * false, the record and spool_push_again. */
struct spool_home {
    void (*wake)(void *arg);
    void (*again)(void *arg, struct spool *spool, struct sonde_event *event,
                  struct ledger_route *route, int64_t accepted);
    void *arg;
};

struct spool *spool_new(const char *name, const struct spool_home *home);
void spool_free(struct spool *spool); /* nothing may be attached */
const char *spool_name(const struct spool *spool);

/* ---- after a restart, in the order of the log, before spool_open ---- */

/* What spool_pack said; false: it is none. */
bool spool_restore(struct spool *spool, const void *payload, size_t length);
/* A record names this sink. */
void spool_restore_record(struct spool *spool, uint64_t number,
                          const struct journal_name *route);
/* Everything was told.  Of a spool that is new the cursor begins at the end.  For one
 * that is made while records are pushed: under keep.c's lock of the order. */
void spool_open(struct spool *spool, struct journal *journal);

/* ---- the sink that it is for ---- */

/* These three: no lock held that spool_work or what it calls may take (its own is taken
 * for as long as a slice of work lasts). */

/* From here on the queue is fed, and its ledger has restored what waits.  Sets the
 * queue's on_ended and bounds (none: the spool knows what fits); nothing in the queue has
 * a record. */
void spool_attach(struct spool *spool, struct queue *queue, struct spool_bounds bounds);
void spool_bounds_set(struct spool *spool, struct spool_bounds bounds);
/* The queue will be gone, with its sink or at the end of the daemon: what waits is on the
 * disk, or (held by no record) comes to nothing.  Nothing is pushed or settled any more.
 * No reader of the journal is left open. */
void spool_detach(struct spool *spool);

/* [any thread]  Accepts the event for the sink.  Records come in the order of their
 * numbers (keep.c has a lock for that); 0: the journal did not take it. */
void spool_push(struct spool *spool, struct sonde_event *event, const char *route,
                uint64_t record);
/* The same for what home.again was given. */
void spool_push_again(struct spool *spool, struct sonde_event *event,
                      struct ledger_route *route, uint64_t record, int64_t accepted);
/* True: a newer change of its check has come since, this one is counted as superseded,
 * and must not be pushed behind it. */
bool spool_overtaken(struct spool *spool, const struct sonde_event *event,
                     struct ledger_route *route);
/* At least so many quarters of what it may hold are used: of the disk, or of the memory
 * for what the disk does not have. */
bool spool_used(struct spool *spool, unsigned quarters);
bool spool_room(struct spool *spool); /* all is in memory, and the window half empty */
/* Of the queue's ledger, with what waits here as queued; always closes. */
struct ledger_sum spool_sum(struct spool *spool);
uint64_t spool_waiting_count(struct spool *spool); /* also without a queue */
struct queue *spool_queue(struct spool *spool);    /* NULL: no sink has it */

/* ---- for keep.c ---- */

/* [reading thread]  Reads back what fits, and sheds what is over the budget: when woken,
 * and about once a second.  Without a queue: only once it is known that the sink is
 * configured no more.  Returns whether there is more to do at once. */
bool spool_work(struct spool *spool);
/* The reading thread has ended, and the journal will: lets go of it. */
void spool_close(struct spool *spool);
/* The disk takes nothing: the next spool_work sheds a segment, whatever the budget, but
 * for one that blocks. */
void spool_press(struct spool *spool);
/* For the next two: keep.c's lock of the order is held, so that every record up to
 * written has been pushed.  A sink that is idle pins nothing. */

/* [journal's thread]  The lowest record that is wanted, or JOURNAL_NOBODY. */
uint64_t spool_needed(struct spool *spool);
/* [journal's thread]  A JOURNAL_CURSOR record that speaks of no record above written:
 * name, bounds, how many wait by route, the cursor.  Freed by the caller. */
struct journal_head *spool_pack(struct spool *spool, uint64_t written);
/* The sink that a JOURNAL_CURSOR record is of; false: it is none. */
bool spool_pack_name(const void *payload, size_t length, struct journal_name *name);

#endif
