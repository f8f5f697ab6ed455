/* SPDX-License-Identifier: Apache-2.0
 *
 * graph.h - all that is configured, as one object: built whole, started, stopped
 * and freed whole.  Nothing configured is global.
 *
 * graph_build.c makes it from settings; graph.c lets it live and end.
 */
#ifndef CORE_GRAPH_H
#define CORE_GRAPH_H

#include "check.h"
#include "conf.h"
#include "present.h"
#include "router.h"
#include "sink.h"

/* The section `daemon`. */
struct graph_options {
    const char *observer, *state_dir;
    int64_t loops, workers;
    int log;                      /* enum sonde_level */
};

struct graph {
    struct arena memory;          /* names and option values of all instances */
    struct graph_options options;
    bool started;

    struct check **checks;        /* the last one is the daemon itself, until inherited */
    struct check *observer;       /* that one; sinks ask it from their threads */
    size_t check_count, check_room;
    struct sink **sinks;
    size_t sink_count;
    struct router *router;

    struct loop *delivery;
    struct workers *workers;
    struct check_home *homes;     /* options.loops of them */
    struct present *presents;     /* for each sink, one a home */
};

extern const struct sonde_option graph_option_rows[];
extern const struct sonde_option graph_sink_rows[];
extern const struct sonde_option graph_buffer_rows[];

/* Reads, checks and opens everything; starts no thread.  NULL where problems holds an
 * error.  seq is the daemon's and outlives the graph, as do plugins. */
struct graph *graph_new(const char *path, struct plugins *plugins, atomic_ullong *seq,
                        struct problems *problems);
void graph_start(struct graph *graph);
/* Only the probes, each once: --once. */
void graph_start_once(struct graph *graph,
                      void (*fn)(struct check *check, const struct sonde_event *result,
                                 void *arg),
                      void *arg);
/* Stops checks, drains and stops sinks, ends the loops, until the deadline (clock_now).
 * next, or NULL, is the graph that goes on: a sink that is in it too is hardly waited for.
 * false: something is stuck, and the graph must not be freed. */
bool graph_stop(struct graph *graph, const struct graph *next, int64_t deadline);
/* Between graph_stop(old) and graph_start(graph): the states of checks and what waits for
 * sinks go on by name; a check that is gone ends with a change to UNKNOWN, reason
 * REMOVED. */
void graph_inherit(struct graph *graph, struct graph *old);
void graph_free(struct graph *graph); /* NULL does nothing */
/* What each sink has got and each loop has done. */
void graph_log_counts(const struct graph *graph);

#endif
