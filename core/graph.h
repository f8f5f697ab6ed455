/* SPDX-License-Identifier: Apache-2.0
 *
 * graph.h - all that is configured, as one object.  Nothing configured is global.
 *
 * graph_build.c makes it from settings, whole; graph_swap.c puts it in the place of
 * another, or of none; graph.c ends it.  The threads are the engine's, and what does
 * not change goes on from graph to graph.
 */
#ifndef CORE_GRAPH_H
#define CORE_GRAPH_H

#include "conf.h"
#include "engine.h"
#include "retire.h"
#include "router.h"
#include "sink.h"
#include "source.h"

struct graph {
    struct arena memory; /* of the texts of options */
    struct engine *engine;
    struct engine_options options; /* as they hold, not as they are written */

    struct check **checks; /* the last one is the daemon itself */
    size_t check_count, check_room;
    struct sink **sinks;
    size_t sink_count;
    struct source **sources;
    size_t source_count;
    struct router *router;
};

extern const struct sonde_option graph_option_rows[];
extern const struct sonde_option graph_sink_rows[];
extern const struct sonde_option graph_buffer_rows[];
extern const struct sonde_option graph_source_rows[];
extern const struct sonde_option graph_source_buffer_rows[];

/* Reads, checks and opens everything; starts nothing.  NULL where problems holds an
 * error.  The first one makes the engine, which outlives graphs, as do plugins. */
struct graph *graph_new(const char *path, struct plugins *plugins, struct engine *engine,
                        struct problems *problems);

/* On the main loop when every loop runs the new graph and the old one is no more.  diff
 * says what is different: `check "shop" added, 2 sinks changed`; "" for nothing. */
typedef void graph_swapped_fn(const char *diff, void *arg);

/* Starts the graph: old NULL.  Or puts it in the place of another, which it takes: checks
 * and sinks that are the same go on in it.  Not before the last swap has come back. */
void graph_swap(struct graph *graph, struct graph *old, struct retired *retired,
                graph_swapped_fn *fn, void *arg);
/* Only the probes, each once: --once. */
void graph_start_once(struct graph *graph,
                      void (*fn)(struct check *check, const struct sonde_event *result,
                                 void *arg),
                      void *arg);
/* Stops checks, drains and stops sinks, those that are retired too, ends the loops, until
 * the deadline (clock_now).  retired may be NULL.  false: something is stuck, and the
 * graph must not be freed. */
bool graph_stop(struct graph *graph, struct retired *retired, int64_t deadline);
/* What the sinks together want of the journal. */
void graph_keep_options(const struct graph *graph, struct keep_options *options);
/* Tells of sinks that are in no graph and for which something waits on the disk. */
void graph_say_orphans(const struct graph *graph);
void graph_free(struct graph *graph); /* NULL does nothing */
/* What each sink has got and each loop has done. */
void graph_log_counts(const struct graph *graph);

#endif
