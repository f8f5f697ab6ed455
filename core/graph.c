/* SPDX-License-Identifier: Apache-2.0
 *
 * graph.c - the end of a graph: checks stopped, events drained, all freed; and what it
 * has done.
 */
#include "graph.h"

#include "clock.h"
#include "log.h"

#define GRAPH_LEAST   (250 * CLOCK_MS)   /* for a thread that has nothing left to do */
#define GRAPH_DURABLE (CLOCK_SECOND / 2) /* for the last records, before sources end */

/* ---- --once ---- */

static void
graph_home_start(void *arg)
{
    struct check_home *home = arg;

    for (size_t i = 0; i < home->count; i++)
        check_start(home->checks[i]);
}

void
graph_start_once(struct graph *graph,
                 void (*fn)(struct check *check, const struct sonde_event *result,
                            void *arg),
                 void *arg)
{
    struct engine *engine = graph->engine;
    size_t count = --graph->check_count; /* not the daemon itself */

    check_deinit(graph->checks[count]);
    free(graph->checks[count]);
    for (int64_t i = 0; i < engine->options.loops; i++) {
        engine->homes[i].checks = memory_array(count, sizeof(struct check *));
        engine->homes[i].all = count;
        engine->homes[i].on_result = fn;
        engine->homes[i].arg = arg;
    }
    for (size_t i = 0; i < count; i++) {
        struct check_home *home = graph->checks[i]->home;

        home->checks[home->count++] = graph->checks[i];
    }
    engine_start(engine);
    for (int64_t i = 0; i < engine->options.loops; i++)
        loop_post(engine->homes[i].loop, graph_home_start, &engine->homes[i]);
}

/* ---- stop ---- */

static void
graph_home_stop(void *arg)
{
    struct check_home *home = arg;

    for (size_t i = 0; i < home->count; i++)
        check_stop(home->checks[i]);
}

static bool
graph_stop_sources(struct graph *graph, int64_t deadline)
{
    bool all = true;

    for (size_t i = 0; i < graph->source_count; i++)
        all &= source_stop(graph->sources[i], deadline);
    return all;
}

/* They were told meanwhile what has been settled; of what is with a disk they are told
 * when it is durable, so that comes first. */
static bool
graph_end_sources(struct graph *graph, int64_t deadline)
{
    int64_t most = clock_now() + GRAPH_DURABLE;
    bool all = true;

    if (graph->source_count && graph->engine->keep)
        keep_flush(graph->engine->keep, most < deadline ? most : deadline);
    for (size_t i = 0; i < graph->source_count; i++)
        all &= source_end(graph->sources[i], deadline);
    return all;
}

static bool
graph_stop_checks(struct engine *engine, int64_t deadline)
{
    bool all = true;

    for (int64_t i = 0; i < engine->options.loops; i++)
        if (!loop_call(engine->homes[i].loop, graph_home_stop, &engine->homes[i],
                       deadline)) {
            log_warning("%s is stuck in a plugin and left behind",
                        loop_name(engine->homes[i].loop));
            all = false;
        }
    return all;
}

typedef bool graph_until_fn(const struct engine *engine, const struct retired *retired);

/* Lets the main loop work, which looks at what is retired, until then. */
static bool
graph_wait(const struct engine *engine, const struct retired *retired,
           graph_until_fn *until, int64_t deadline)
{
    while (!until(engine, retired) && clock_now() < deadline)
        loop_turn(engine->main, 10);
    return until(engine, retired);
}

static bool
graph_is_swapped(const struct engine *engine, const struct retired *retired)
{
    (void)retired;
    return !engine->pending;
}

static bool
graph_has_heirs(const struct engine *engine, const struct retired *retired)
{
    (void)engine;
    return !retired->heirs;
}

static bool
graph_is_settled(const struct engine *engine, const struct retired *retired)
{
    return !engine->pending && retire_settled(retired);
}

static bool
graph_stop_sinks(struct graph *graph, struct retired *retired, int64_t deadline)
{
    const struct engine *engine = graph->engine;
    bool all = true;

    if (!retired)
        return true;
    retire_hasten(retired, deadline);
    graph_wait(engine, retired, graph_has_heirs, deadline);
    for (size_t i = 0; i < graph->sink_count; i++)
        sink_drain(graph->sinks[i], deadline);
    for (size_t i = 0; i < graph->sink_count; i++)
        all &= sink_stop(graph->sinks[i], deadline);
    return graph_wait(engine, retired, graph_is_settled, deadline) && all;
}

static void
graph_home_stuck(void *arg)
{
    const struct check_home *home = arg;

    for (size_t i = 0; i < home->count; i++)
        if (check_stuck(home->checks[i]))
            log_warning("check \"%s\" is stuck in its plugin and left behind",
                        home->checks[i]->instance.name);
}

static void
graph_log_stuck(const struct engine *engine, const struct retired *retired)
{
    for (int64_t i = 0; i < engine->options.loops; i++)
        loop_call(engine->homes[i].loop, graph_home_stuck, &engine->homes[i],
                  clock_now() + GRAPH_LEAST);
    if (retired)
        retire_log_stuck(retired);
}

bool
graph_stop(struct graph *graph, struct retired *retired, int64_t deadline)
{
    struct engine *engine = graph->engine;
    bool all, stuck;
    int64_t least, now = clock_now();

    if (retired) /* a loop that is stuck must not use up the time of the sinks */
        graph_wait(engine, retired, graph_is_swapped, now + (deadline - now) / 4);
    all = graph_stop_sources(graph, deadline);
    all &= graph_stop_checks(engine, deadline);
    all &= graph_stop_sinks(graph, retired, deadline);
    least = clock_now() + GRAPH_LEAST; /* a stuck sink has used up the time of others */
    if (deadline < least)
        deadline = least;
    all &= graph_end_sources(graph, deadline);
    all &= engine_stop(engine, deadline, &stuck);
    if (stuck)
        graph_log_stuck(engine, retired);
    return all && (!retired || retire_finish(retired));
}

/* ---- the rest ---- */

static void
graph_log_loops(const struct graph *graph)
{
    for (int64_t i = 0; i < graph->options.loops; i++) {
        const struct check_home *home = &graph->engine->homes[i];
        size_t count = 0;

        for (size_t k = 0; k < graph->check_count; k++)
            count += graph->checks[k]->home == home;
        log_info(
            "%s: checks %zu, runs %llu, overruns %llu, timeouts of our own making %llu",
            loop_name(home->loop), count,
            (unsigned long long)atomic_load(&home->stats.runs),
            (unsigned long long)atomic_load(&home->stats.overruns),
            (unsigned long long)atomic_load(&home->stats.late));
    }
}

/* accepted + restored = delivered + rejected + moved + dropped + queued, and why. */
static void
graph_log_ledger(const struct sink *sink)
{
    struct ledger_sum sum = sink_ledger(sink);
    const struct ledger *ledger = queue_ledger(sink->queue);
    struct text why = { 0 };

    for (int line = LEDGER_DROPPED; line < LEDGER_LINES; line++) {
        uint64_t count = ledger_read(&ledger->lines[line]);

        if (count)
            text_printf(&why, "%s%s %llu", why.length ? ", " : " (",
                        ledger_line_names[line], (unsigned long long)count);
    }
    log_info(
        "sink \"%s\": accepted %llu + restored %llu = delivered %llu + rejected %llu "
        "+ moved %llu + dropped %llu%s%s + queued %llu ; retries %llu, delay p50 "
        "%.3f ms, p99 %.3f ms",
        sink->instance.name, (unsigned long long)sum.accepted,
        (unsigned long long)sum.restored, (unsigned long long)sum.delivered,
        (unsigned long long)sum.rejected, (unsigned long long)sum.moved,
        (unsigned long long)sum.dropped, why.length ? why.bytes : "",
        why.length ? ")" : "", (unsigned long long)sum.queued,
        (unsigned long long)sum.retries,
        (double)stats_quantile(&ledger->delays, 0.5) / 1000,
        (double)stats_quantile(&ledger->delays, 0.99) / 1000);
    text_deinit(&why);
}

/* What is queued by route is the rest: nobody counts it for itself. */
static void
graph_log_routes(const struct sink *sink)
{
    const struct ledger *ledger = queue_ledger(sink->queue);

    for (const struct ledger_route *route = atomic_load(&ledger->routes); route;
         route = route->next) {
        const atomic_ullong *lines = route->lines;
        uint64_t in = ledger_read(&lines[LEDGER_ACCEPTED])
                      + ledger_read(&lines[LEDGER_RESTORED]);
        uint64_t out = ledger_read(&lines[LEDGER_DELIVERED])
                       + ledger_read(&lines[LEDGER_REJECTED])
                       + ledger_read(&lines[LEDGER_MOVED]) + ledger_dropped(lines);

        log_info("sink \"%s\", route \"%s\": accepted %llu + restored %llu = delivered "
                 "%llu + rejected %llu + moved %llu + dropped %llu + queued %llu",
                 sink->instance.name, route->name,
                 (unsigned long long)ledger_read(&lines[LEDGER_ACCEPTED]),
                 (unsigned long long)ledger_read(&lines[LEDGER_RESTORED]),
                 (unsigned long long)ledger_read(&lines[LEDGER_DELIVERED]),
                 (unsigned long long)ledger_read(&lines[LEDGER_REJECTED]),
                 (unsigned long long)ledger_read(&lines[LEDGER_MOVED]),
                 (unsigned long long)ledger_dropped(lines),
                 (unsigned long long)(in > out ? in - out : 0));
    }
}

static void
graph_log_source(const struct source *source)
{
    const atomic_ullong *lines = source->lines;
    unsigned long long pushed = atomic_load(&lines[SOURCE_PUSHED]),
                       out = source_out(source);

    log_info("source \"%s\": pushed %llu = settled %llu + out %llu ; echoes %llu, broken "
             "%llu, held %llu times",
             source->instance.name, pushed, pushed > out ? pushed - out : 0, out,
             (unsigned long long)atomic_load(&lines[SOURCE_ECHOES]),
             (unsigned long long)atomic_load(&lines[SOURCE_BROKEN]),
             (unsigned long long)atomic_load(&lines[SOURCE_HELD]));
}

void
graph_log_counts(const struct graph *graph)
{
    for (size_t i = 0; i < graph->sink_count; i++) {
        graph_log_ledger(graph->sinks[i]);
        graph_log_routes(graph->sinks[i]);
    }
    for (size_t i = 0; i < graph->source_count; i++)
        graph_log_source(graph->sources[i]);
    graph_log_loops(graph);
}

static void
graph_free_sink(struct graph *graph, struct sink *sink)
{
    size_t lost = sink->queue && !sink->spool ? queue_count(sink->queue) : 0;

    if (lost)
        log_warning("sink \"%s\": %zu events that waited are lost", sink->instance.name,
                    lost);
    retire_free_sink(graph->engine, sink);
}

void
graph_free(struct graph *graph)
{
    if (!graph)
        return;
    for (size_t i = 0; i < graph->source_count; i++) {
        source_deinit(graph->sources[i]);
        free(graph->sources[i]);
    }
    free(graph->sources);
    for (size_t i = 0; i < graph->sink_count; i++)
        sink_send_to(graph->sinks[i], NULL); /* which may be freed first */
    /* Until it is closed a sink may tell its health, to the daemon's own check. */
    for (size_t i = 0; i < graph->sink_count; i++)
        graph_free_sink(graph, graph->sinks[i]);
    retire_checks(graph->engine, graph->checks, graph->check_count);
    router_free(graph->router);
    free(graph->sinks);
    arena_deinit(&graph->memory);
    free(graph);
}
