/* SPDX-License-Identifier: Apache-2.0
 *
 * keep_inside.h - what the files of this stage share.
 *
 * keep.c           its life, spools by name, the thread that reads back
 * keep_event.c     what is written as it happens
 * keep_restore.c   what the journal tells at the start
 * keep_note.c      what the journal asks for: snapshots, cursors, what is needed
 */
#ifndef CORE_KEEP_INSIDE_H
#define CORE_KEEP_INSIDE_H

#include "keep.h"

#include <pthread.h>
#include <stdatomic.h>

enum { KEEP_SEQ = 1 << 20 /* numbers in a block */ };

struct keep_spool {
    struct keep_spool *next;
    struct spool *spool;
};

struct keep_share {
    struct receipt *receipt;
    uint64_t record;
};

struct keep {
    struct recall *recall;
    struct journal *journal;             /* NULL without a disk */
    _Atomic(struct keep_spool *) spools; /* only the main thread adds; none goes */
    uint64_t room;                       /* bytes of the disk, used or not */
    struct event_pool *pool; /* of the main thread until keep_start, then the journal's */

    pthread_mutex_t order;  /* of records, as they get their number and reach spools */
    atomic_ullong reserved; /* no event has a seq as high as this */

    /* Shares of receipts, in the order of records; under its lock. */
    pthread_mutex_t shares_lock;
    struct keep_share *shares; /* a ring */
    size_t share_first, share_count, share_room;

    /* The reading thread. */
    pthread_mutex_t lock; /* of all down from here, and of a new block of seqs */
    pthread_cond_t wake;
    bool woken, stopping, started;
    int64_t look_at; /* clock_now: when it looks at everything next */
    int error;       /* of the disk; 0: none */
    char why[JOURNAL_WHY];
    pthread_t thread;
};

/* The spool of that name, made if there is none. */
struct spool *keep_find(struct keep *keep, const char *name, size_t length, bool make);

/* For struct journal_client. */
void keep_restore(void *arg, const struct journal_record *record);
void keep_snapshot(void *arg, struct journal_notes *notes, uint64_t written);
void keep_checkpoint(void *arg, struct journal_notes *notes, uint64_t written);
uint64_t keep_needed(void *arg);
void keep_told(void *arg, uint64_t written, uint64_t durable);
/* The spool that wants the oldest record, which is *needed; NULL: none wants any. */
struct spool *keep_first(struct keep *keep, uint64_t *needed);

/* For struct spool_home. */
void keep_again(void *arg, struct spool *spool, struct sonde_event *event,
                struct ledger_route *route, int64_t accepted);

/* Gives back the shares of records up to this one. */
void keep_release(struct keep *keep, uint64_t record, enum sonde_fate fate);

#endif
