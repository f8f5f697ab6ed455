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
#include "template.h"
#include "worker.h"

enum { SINK_POISON = 16 }; /* failures while others pass that make an event REJECTED */

/* What every sink may be told, whatever its plugin. */
struct sink_options {
    const char *name, *plugin;
    const char *format; /* "json", "text", or a template */
    bool present;
    const char *otherwise;  /* parsed and checked; no effect yet */
    int64_t failover_after; /* ms; likewise */
    int64_t memory;         /* buffer.memory, bytes */
    int64_t events;         /* buffer.events */
};

struct sink_run;

struct sink {
    struct sonde_instance instance; /* first: sink_of() */
    struct sink_options options;
    enum event_format format;             /* what the router encodes; see payload */
    const struct sonde_template *payload; /* of a template format, else NULL */
    unsigned index;                       /* in the graph, for bit sets */
    struct queue *queue;
    struct sink_run *run; /* sink.c's; NULL before sink_start */

    /* Handed over by the graph. */
    void (*on_health)(struct sink *sink, void *arg);  /* any thread: health differs now */
    void (*on_present)(struct sink *sink, void *arg); /* any thread: wants every state */
    void *arg;
    bool ended;                     /* the graph's: sink_stop said that it is not stuck */
};

struct sink_health {
    enum sonde_state state;
    char why[256];
    int64_t since; /* wall microseconds */
};

/* The instance is open.  queue belongs to the caller.  The loop runs until
 * after sink_stop. */
void sink_start(struct sink *sink, struct loop *delivery, struct workers *workers);
/* The router's side.  Any thread.  Never blocks. */
void sink_push(struct sink *sink, struct sonde_event *event, const char *route);
/* Goes on delivering what waits until it is empty, the sink is DOWN, or shortly before
 * the deadline (clock_now); then stops the instance.  Begin for all sinks, then wait
 * for each; nobody pushes any more.
 * false: its thread is stuck and left behind, with the sink. */
void sink_drain(struct sink *sink, int64_t deadline);
bool sink_stop(struct sink *sink, int64_t deadline);
/* After a sink_stop that answered true, or without a sink_start: also closes the
 * instance (instance_deinit), whose threads may settle and tell their health until
 * then.  The queue stays the caller's. */
void sink_deinit(struct sink *sink);
void sink_health(const struct sink *sink, struct sink_health *health); /* any thread */
struct ledger_sum sink_ledger(const struct sink *sink);                /* any thread */

#endif
