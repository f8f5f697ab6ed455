/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_keep.c - a graph and what survives it: its checks go on with what is known of
 * them, its sinks with what waits for them.
 */
#include "graph_inside.h"

#include "clock.h"
#include "log.h"

#include <inttypes.h>

void
graph_keep_options(const struct graph *graph, struct keep_options *options)
{
    *options = (struct keep_options){ .sync = JOURNAL_NEVER };
    for (size_t i = 0; i < graph->sink_count; i++) {
        const struct sink_options *sink = &graph->sinks[i]->options;

        if (!sink->disk)
            continue;
        if (!options->disk || (uint64_t)sink->disk < options->disk)
            options->disk = (uint64_t)sink->disk;
        if (sink->sync == JOURNAL_EACH || options->sync == JOURNAL_EACH)
            options->sync = JOURNAL_EACH;
        else if (sink->sync == JOURNAL_EVERY) {
            options->sync = JOURNAL_EVERY;
            if (!options->every || sink->every < options->every)
                options->every = sink->every;
        }
    }
    if (!options->disk)
        options->sync = JOURNAL_EVERY; /* of states alone, at the default interval */
}

/* ---- checks ---- */

/* A check that is no more says so once, to whom it would report now: a store deletes its
 * key.  With its entry locked; nothing is known of it afterwards. */
void
graph_say_removed(const struct graph *graph, const struct path *path, struct known *known,
                  struct event_pool *pool)
{
    struct engine *engine = graph->engine;
    struct state *state = &known->state;
    struct sonde_event *change;

    if (!state->changed) {
        keep_forget(engine->keep, known);
        return;
    }
    change = event_new(pool, known->origin);
    change->kind = EVENT_CHANGE;
    change->own = true;
    change->seq = atomic_fetch_add(&engine->seq, 1);
    change->state = SONDE_UNKNOWN;
    change->previous = state->hard;
    change->reason = SONDE_REMOVED;
    change->since = change->detected = change->time;
    change->hard = true;
    change->attempt = 1;
    change->has_was = true;
    change->was.state = state->hard;
    change->was.since = state->since;
    change->was.duration_ms = state_lasted(state, clock_now(), change->time);
    event_set_message(change, "the check is no longer configured");
    router_push(path, change);
    event_unref(change);
    state_deinit(state);
}

struct graph_sweep {
    const struct graph *graph;
    struct event_pool *pool;
};

static void
graph_swept(struct known *known, void *arg)
{
    const struct graph_sweep *sweep = arg;
    const struct graph *graph = sweep->graph;

    graph_say_removed(graph, router_path(graph->router, known->origin), known,
                      sweep->pool);
}

void
graph_sweep(const struct graph *graph)
{
    struct graph_sweep sweep = { graph, event_pool_new() };

    recall_sweep(keep_recall(graph->engine->keep), graph_swept, &sweep);
    event_pool_free(sweep.pool);
}

/* ---- sinks ---- */

static struct spool *
graph_spool(struct keep *keep, const struct sink *sink)
{
    struct spool *spool;

    if (sink->options.disk)
        return keep_spool(keep, sink->instance.name);
    spool = keep_spool_left(keep, sink->instance.name);
    if (spool)
        log_info("sink \"%s\": %" PRIu64 " events wait on the disk from when it had one; "
                 "it has until the next start",
                 sink->instance.name, spool_waiting_count(spool));
    return spool;
}

void
graph_keep_sink(const struct graph *graph, struct sink *sink)
{
    const struct spool_bounds bounds = { (size_t)sink->options.memory, sink_disk(sink),
                                         sink->options.block };

    if (sink->spool)
        return; /* it has come over with the queue */
    sink->spool = graph_spool(graph->engine->keep, sink);
    sink->keep = graph->engine->keep;
    if (sink->spool)
        spool_attach(sink->spool, sink->queue, bounds);
}

static void
graph_say_orphan(const char *name, uint64_t waiting, void *arg)
{
    (void)arg;
    log_warning("sink \"%s\" is configured no more; %" PRIu64
                " event%s for it on the disk, and go%s to it when it is back",
                name, waiting, waiting == 1 ? " waits" : "s wait",
                waiting == 1 ? "es" : "");
}

void
graph_say_orphans(const struct graph *graph)
{
    keep_each_orphan(graph->engine->keep, graph_say_orphan, NULL);
}
