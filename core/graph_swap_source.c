/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_swap_source.c - the sources of a graph put in the place of another's: those that
 * are the same go on, others end, and their heirs begin where they ended.
 */
#include "graph_inside.h"

#include <string.h>

static struct source *
swap_source_of(const struct graph *graph, const struct source *source)
{
    for (size_t i = 0; graph && i < graph->source_count; i++)
        if (strcmp(graph->sources[i]->instance.name, source->instance.name) == 0)
            return graph->sources[i];
    return NULL;
}

/* Of the sinks that run, which are perhaps not those that the graph was made with. */
static struct sink *
swap_otherwise(const struct graph *graph, const struct source *source)
{
    for (size_t i = 0; source->options.otherwise && i < graph->sink_count; i++)
        if (strcmp(graph->sinks[i]->instance.name, source->options.otherwise) == 0)
            return graph->sinks[i];
    return NULL;
}

static bool
swap_same_source(const struct source *was, const struct source *fresh)
{
    const struct plugin *plugin = was->instance.plugin;

    return plugin == fresh->instance.plugin
           && option_equal(was->instance.private, fresh->instance.private,
                           plugin->options);
}

/* A source's health differs. */
static void
swap_on_health(struct source *source, void *arg)
{
    const struct engine *engine = arg;

    (void)source;
    sonde_recheck(&engine->observer->instance);
}

static void
swap_source_new(const struct swap_sources *swap, struct source *fresh)
{
    source_start(fresh);
    engine_add_loop(swap->graph->engine, fresh->loop);
    if (swap->old)
        graph_diff_count(swap->diff, DIFF_SOURCE, DIFF_ADDED, fresh->instance.name);
}

static void
swap_source_stays(const struct swap_sources *swap, size_t at, struct source *was)
{
    struct source *fresh = swap->graph->sources[at];

    if (source_adopt(was, fresh))
        graph_diff_count(swap->diff, DIFF_SOURCE, DIFF_ADJUSTED, was->instance.name);
    swap->graph->sources[at] = was;
    source_deinit(fresh);
    free(fresh);
}

static void
swap_source_ends(const struct swap_sources *swap, struct source *was, struct source *heir)
{
    source_leave(was);
    retire_source(swap->retired, was, heir);
    graph_diff_count(swap->diff, DIFF_SOURCE, heir ? DIFF_CHANGED : DIFF_REMOVED,
                     was->instance.name);
}

/* The sinks are ready to be pushed to. */
void
graph_swap_sources(const struct swap_sources *swap)
{
    struct graph *graph = swap->graph, *old = swap->old;

    for (size_t i = 0; old && i < old->source_count; i++)
        if (!swap_source_of(graph, old->sources[i]))
            swap_source_ends(swap, old->sources[i], NULL);
    for (size_t i = 0; i < graph->source_count; i++) {
        struct source *fresh = graph->sources[i], *was = swap_source_of(old, fresh);

        fresh->home.otherwise = swap_otherwise(graph, fresh);
        fresh->on_health = swap_on_health;
        fresh->arg = graph->engine;
        if (!was || !swap_same_source(was, fresh))
            source_prepare(fresh);
        if (!was)
            swap_source_new(swap, fresh);
        else if (swap_same_source(was, fresh))
            swap_source_stays(swap, i, was);
        else
            swap_source_ends(swap, was, fresh);
    }
}
