/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_inside.h - what graph_swap.c, graph_diff.c and graph_keep.c share; for nobody
 * else.
 */
#ifndef CORE_GRAPH_INSIDE_H
#define CORE_GRAPH_INSIDE_H

#include "graph.h"

enum diff_how { DIFF_ADDED, DIFF_CHANGED, DIFF_ADJUSTED, DIFF_REMOVED, DIFF_HOWS };
enum diff_what { DIFF_CHECK, DIFF_SOURCE, DIFF_SINK, DIFF_ROUTE, DIFF_WHATS };

/* What is different between two graphs, to be said in one line.  Zeroed: nothing. */
struct diff {
    struct diff_count {
        size_t count;
        char *name; /* of the first */
    } all[DIFF_WHATS][DIFF_HOWS];
};

void graph_diff_count(struct diff *diff, enum diff_what what, enum diff_how how,
                      const char *name);
void graph_diff_routes(struct diff *diff, const struct router *old,
                       const struct router *fresh);
char *graph_diff_text(const struct diff *diff); /* the caller's to free */
void graph_diff_deinit(struct diff *diff);

/* With the entry locked: the last word on a check that is no more. */
void graph_say_removed(const struct graph *graph, const struct path *path,
                       struct known *known, struct event_pool *pool);
/* At the start: what is known of checks that are in no configuration any more. */
void graph_sweep(const struct graph *graph);
/* Before it is prepared: what waits for it on the disk, or may. */
void graph_keep_sink(const struct graph *graph, struct sink *sink);

/* What graph_swap does with sources, on the main thread; old may be NULL. */
struct swap_sources {
    struct graph *graph, *old;
    struct retired *retired;
    struct diff *diff;
};
void graph_swap_sources(const struct swap_sources *swap);

#endif
