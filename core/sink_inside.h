/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_inside.h - a running sink, shared by sink.c, sink_fate.c, sink_letter.c,
 * sink_health.c, sink_thread.c (write, on a thread) and sink_loop.c (submit, on the
 * delivery loop).
 */
#ifndef CORE_SINK_INSIDE_H
#define CORE_SINK_INSIDE_H

#include "batch.h"
#include "clock.h"
#include "sink.h"

#define SINK_BUDGET (10 * CLOCK_SECOND) /* for a start or a write; sonde_time_left */

#define SINK_TELL (10 * CLOCK_SECOND) /* between lines that say much the same */

struct sink_run {
    struct batch_owner owner; /* first: sink_run_of() */
    struct sink *sink;
    struct loop *delivery;
    struct workers *workers;
    unsigned most, in_flight;           /* as the descriptor says */
    void (*wake)(struct sink_run *run); /* any thread: there may be something to do */

    pthread_mutex_t lock;   /* of all down to the next blank line */
    pthread_cond_t changed; /* woken, thread_done, done */
    bool woken, draining, finished, thread_done, done;
    bool handing;           /* draining, and an heir has the queue: takes nothing */
    int64_t give_up_at;     /* while draining */
    int64_t resume_at;      /* backing off until then */
    unsigned failures;      /* as a whole, since the last delivery */
    size_t limit;           /* most items in the next batch: from 1 after a failure */
    struct list out, spare; /* batches */
    unsigned out_count;
    uint64_t random;
    struct sink_health health;
    bool own_word;   /* health is what the plugin said */
    int64_t lost_at; /* when it was UP last; 0 = never */
    int64_t down_at; /* since when it is DOWN, if it is */
    bool found;      /* on_present is due */
    int64_t presented_at;
    int64_t reject_told_at, drop_told_at;
    uint64_t rejects_untold, drops_told;
    uint64_t states_lost; /* the tick's */

    pthread_mutex_t letters_lock; /* of sink.other once it runs, and: */
    struct event_pool *letters;
    bool feeding; /* counted among the feeders of sink.other, if there is one */

    struct timer move; /* on the delivery loop: what waits goes elsewhere */
    uint64_t moves_untold;
    int64_t moves_down; /* how long it had been DOWN by then */
    int64_t move_told_at;

    atomic_uint state;   /* health.state, to be read for each item */
    atomic_bool failing; /* failures is not 0 */
    atomic_bool missed;  /* the queue dropped what a sink with present should know */
    atomic_bool misused; /* was told */
    atomic_ullong delivered;

    bool started;     /* of the thread, or of the loop */
    bool opened;      /* the last open succeeded, nothing has failed since */
    int64_t wrote_at; /* sink_thread.c */
    pthread_t thread;
    pthread_mutex_t writing_lock;
    bool writing;       /* under writing_lock: in the plugin's write */
    struct timer tick;  /* on the delivery loop */
    struct timer again; /* sink_loop.c, likewise */
    struct job reopen;
    bool reopening, posted; /* posted: under lock */
};

/* The owner of its batches; see batch.h. */
void sink_delivered(struct batch_owner *owner, size_t count);
enum ledger_line sink_rejected(struct batch_owner *owner, const struct queue_entry *entry,
                               const char *why);
void sink_back(struct batch_owner *owner, struct sonde_batch *batch);
void sink_misused(struct batch_owner *owner, const char *what);

/* A batch with what may go now, put among those out; NULL: nothing may, and it was not
 * to be empty.  Empty where most is 0. */
struct sonde_batch *sink_take(struct sink_run *run, size_t most, int64_t now, bool empty);
/* How many items the next batch may have; 0 while backing off. */
size_t sink_limit(struct sink_run *run, int64_t now);
/* The whole sink failed: backs off, and is DOWN. */
void sink_failed(struct sink_run *run, const char *why);
/* Starts the instance, or backs off. */
bool sink_begin(struct sink_run *run);
/* While draining: nothing more is to be done. */
bool sink_over(struct sink_run *run);
int64_t sink_resume_at(struct sink_run *run);

/* `sink "alerts": ...` */
void sink_log(const struct sink_run *run, enum sonde_level level, const char *format, ...)
    SONDE_PRINTF(3);
/* own: the plugin says so itself. */
void sink_word(struct sonde_instance *self, enum sonde_state state, const char *why);
void sink_say(struct sink_run *run, enum sonde_state state, bool own, const char *why);
void sink_present(struct sink_run *run); /* if it is due */

/* Nobody is to try the event again: it goes to the other sink, if there is one, after so
 * many attempts.  The line of the ledger on which it ends. */
enum ledger_line sink_give_up(struct sink_run *run, const struct queue_entry *entry,
                              unsigned attempts, const char *why);
void sink_failover(struct sink_run *run); /* every second: if it is due */
void sink_move(struct timer *timer);
/* What waits goes to the other sink at this time.  With the lock held. */
bool sink_moves(const struct sink_run *run, int64_t now);
/* `rejected 3 more events` */
void sink_tell_rejects(struct sink_run *run, uint64_t count);
/* The instance has ended: it sends nothing more to the other sink. */
void sink_ended(struct sink_run *run);

void sink_thread_start(struct sink_run *run);
void sink_thread_wake(struct sink_run *run);
bool sink_thread_stop(struct sink_run *run, int64_t deadline);
void sink_loop_start(struct sink_run *run); /* on the loop */
void sink_loop_wake(struct sink_run *run);
bool sink_loop_stop(struct sink_run *run, int64_t deadline);
void sink_off_loop(void *arg); /* on the loop: no look around any more */
void sink_thread_cancel(struct sink_run *run);
/* Waits with the lock held until *flag or the deadline; gives *flag. */
bool sink_wait(struct sink_run *run, const bool *flag, int64_t deadline);

#endif
