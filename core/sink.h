/* SPDX-License-Identifier: Apache-2.0
 *
 * sink.h - a sink: batches out, fates back, back-off, health.
 *
 * A blocking sink (write) has a thread of its own; an asynchronous one (submit)
 * lives on the delivery loop.  Both take from their queue and settle into it.
 */
#ifndef CORE_SINK_H
#define CORE_SINK_H

#include "instance.h"
#include "loop.h"
#include "queue.h"
#include "spool.h"
#include "template.h"
#include "worker.h"

#define SINK_DISK (INT64_C(256) << 20) /* buffer.disk, where nobody says another */

enum { SINK_POISON = 16 }; /* failures while others pass that make an event REJECTED */

/* What every sink may be told, whatever its plugin. */
struct sink_options {
    const char *name, *plugin;
    const char *format; /* "json", "text", or a template */
    bool present;
    const char *otherwise;  /* the sink that takes what this one does not; or NULL */
    int64_t failover_after; /* ms DOWN until it also takes what waits; 0 = never */
    int64_t memory;         /* buffer.memory, bytes */
    int64_t events;         /* buffer.events */
    int64_t disk;           /* buffer.disk, bytes; 0: what waits is in memory only */
    enum journal_sync sync; /* buffer.sync */
    int64_t every;          /* ... of JOURNAL_EVERY, ns */
    bool block;             /* buffer.full: it holds sources rather than drop what is theirs */
};

struct keep;
struct sink_run;

struct sink {
    struct sonde_instance instance; /* first: sink_of() */
    struct sink_options options;
    enum event_format format;             /* what the router encodes; see payload */
    const struct sonde_template *payload; /* of a template format, else NULL */
    struct queue *queue;
    struct spool *spool;  /* before the queue, and attached to it; or NULL */
    struct keep *keep;    /* that the spool is of */
    struct sink_run *run; /* sink.c's; NULL before sink_prepare */
    struct sink *other;   /* that options.otherwise names, or NULL: sink_send_to */
    atomic_uint feeders;  /* sinks that may still send to this one */
    struct arena memory;  /* of the texts of options, and payload */
    char *otherwise;      /* options.otherwise, which a reload may change */
    atomic_bool blocks;   /* options.block, for who pushes */
    bool abandoned;       /* stuck, and its queue is an heir's: sink_take_back */

    /* Handed over by the graph. */
    void (*on_health)(struct sink *sink, void *arg);  /* any thread: health differs now */
    void (*on_present)(struct sink *sink, void *arg); /* any thread: wants every state */
    void *arg;
};

struct sink_health {
    enum sonde_state state;
    char why[256];
    int64_t since; /* wall microseconds */
};

/* From here on events may be pushed and its health be asked; it takes nothing.  The
 * instance is open; queue belongs to the caller. */
void sink_prepare(struct sink *sink, struct loop *delivery, struct workers *workers);
/* Prepared, if it is not.  The loop runs until after sink_stop. */
void sink_start(struct sink *sink, struct loop *delivery, struct workers *workers);
/* What it rejects goes to other from now on, and past failover_after what waits; NULL: to
 * nobody.  Before sink_prepare, or from the main thread: then nothing is on its way to
 * the one before when this returns.  Never in a circle. */
void sink_send_to(struct sink *sink, struct sink *other);
/* The router's side, but for what a spool is to hold (keep_event).  Any thread.  Never
 * blocks. */
void sink_push(struct sink *sink, struct sonde_event *event, const char *route);
bool sink_room(const struct sink *sink); /* less than half full; any thread */
/* [any thread]  For sources: it is over its bounds; it has room again. */
bool sink_full(struct sink *sink);
bool sink_eased(struct sink *sink);
/* The budget of its spool, also where it is only kept for what is left in it. */
uint64_t sink_disk(const struct sink *sink);
/* Goes on delivering what waits until it is empty and its feeders have ended, the sink is
 * DOWN (and nothing of it is being moved), or shortly before the deadline (clock_now);
 * then stops the instance.  Begin for all sinks, then wait for each; nobody pushes any
 * more. false: its thread is stuck and left behind, with the sink. */
void sink_drain(struct sink *sink, int64_t deadline);
bool sink_stop(struct sink *sink, int64_t deadline);
/* After a sink_stop that answered true, or without a sink_start: closes the instance
 * (instance_close), whose threads may settle and tell their health until then. */
void sink_close(struct sink *sink);
/* After sink_close, when no loop can come to what was posted for it any more.  The queue
 * stays the caller's. */
void sink_deinit(struct sink *sink);
void sink_health(const struct sink *sink, struct sink_health *health); /* any thread */
struct ledger_sum sink_ledger(const struct sink *sink);                /* any thread */

/* ---- a reload (sink_reload.c); main thread, beside what runs ---- */

/* Plugin, its options and the format are the same, and both have a disk or none: the sink
 * can go on as it is. */
bool sink_same(const struct sink *sink, const struct sink *fresh);
/* It goes on with the buffer, present and the like of another that is the same; true:
 * one of those was different. */
bool sink_adopt(struct sink *sink, const struct sink *fresh);
/* The heir, not yet prepared, gets the queue with its ledger and its spool, into which
 * events go on being pushed.  Then sink_hand_over, and sink_start of the heir when that
 * is done. */
void sink_inherit(struct sink *heir, struct sink *sink);
/* It takes nothing more.  What is out has until then (clock_now), then it is cancelled.
 */
void sink_hand_over(struct sink *sink, int64_t deadline);
/* The thread, or the loop, has let go of a sink that drains or hands over. */
bool sink_done(const struct sink *sink);
void sink_cancel(struct sink *sink); /* a blocking one: makes its write return */
/* It is done: then sink_close, and sink_deinit once the loops have passed. */
void sink_end(struct sink *sink);
/* It is stuck in its plugin: what is out goes back to the queue, which is the heir's
 * alone from now on. */
void sink_take_back(struct sink *sink);
/* A sink with present that is UP is told every state again, soon. */
void sink_present_again(struct sink *sink);

#endif
