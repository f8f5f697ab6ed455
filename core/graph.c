/* SPDX-License-Identifier: Apache-2.0
 *
 * graph.c - the life of the graph: threads started, events drained, all ended.
 */
#include "graph.h"

#include "clock.h"
#include "log.h"

#include <stdio.h>
#include <string.h>

#define GRAPH_HAND_OVER                                                                  \
    (500 * CLOCK_MS)                 /* for what is under way when a sink has an heir */
#define GRAPH_LEAST (250 * CLOCK_MS) /* for a thread that has nothing left to do */

/* ---- start ---- */

static void
graph_home_start(void *arg)
{
    struct check_home *home = arg;

    for (size_t i = 0; i < home->count; i++)
        check_start(home->checks[i]);
}

static void
graph_start_homes(struct graph *graph)
{
    for (int64_t i = 0; i < graph->options.loops; i++) {
        graph->homes[i].all = graph->check_count;
        loop_start(graph->homes[i].loop);
        loop_post(graph->homes[i].loop, graph_home_start, &graph->homes[i]);
    }
    graph->started = true;
}

/* A sink's health differs: the daemon's own check says so at once. */
static void
graph_on_health(struct sink *sink, void *arg)
{
    struct graph *graph = arg;

    (void)sink;
    sonde_recheck(&graph->observer->instance);
}

static void
graph_on_present(struct sink *sink, void *arg)
{
    struct graph *graph = arg;
    int64_t loops = graph->options.loops;

    for (int64_t i = 0; i < loops; i++)
        present_ask(&graph->presents[(int64_t)sink->index * loops + i]);
}

static void
graph_make_presents(struct graph *graph)
{
    int64_t loops = graph->options.loops;

    graph->presents = memory_array(graph->sink_count * (size_t)loops,
                                   sizeof(*graph->presents));
    for (size_t s = 0; s < graph->sink_count; s++)
        for (int64_t i = 0; i < loops; i++)
            present_init(&graph->presents[(int64_t)s * loops + i], &graph->homes[i],
                         graph->sinks[s]);
}

void
graph_start(struct graph *graph)
{
    graph_make_presents(graph);
    loop_start(graph->delivery);
    for (size_t i = 0; i < graph->sink_count; i++) {
        struct sink *sink = graph->sinks[i];

        sink->on_health = graph_on_health;
        sink->on_present = graph_on_present;
        sink->arg = graph;
        sink_start(sink, graph->delivery, graph->workers);
    }
    graph_start_homes(graph);
}

void
graph_start_once(struct graph *graph,
                 void (*fn)(struct check *check, const struct sonde_event *result,
                            void *arg),
                 void *arg)
{
    graph->check_count--; /* not the daemon itself */
    for (int64_t i = 0; i < graph->options.loops; i++) {
        struct check_home *home = &graph->homes[i];

        if (home->count
            && home->checks[home->count - 1] == graph->checks[graph->check_count])
            home->count--;
        home->on_result = fn;
        home->arg = arg;
    }
    check_deinit(graph->checks[graph->check_count]);
    free(graph->checks[graph->check_count]);
    graph_start_homes(graph);
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
graph_stop_checks(struct graph *graph, int64_t deadline)
{
    bool all = true;

    for (int64_t i = 0; i < graph->options.loops; i++)
        if (!loop_call(graph->homes[i].loop, graph_home_stop, &graph->homes[i],
                       deadline)) {
            log_warning("%s is stuck in a plugin and left behind",
                        loop_name(graph->homes[i].loop));
            all = false;
        }
    return all;
}

static void
graph_present_stop(void *arg)
{
    present_stop(arg);
}

/* The sink of the graph, if there is one, that goes on with what waits for this one. */
static struct sink *
graph_heir(const struct graph *graph, const struct sink *was)
{
    for (size_t i = 0; graph && i < graph->sink_count; i++)
        if (strcmp(graph->sinks[i]->options.name, was->options.name) == 0
            && graph->sinks[i]->instance.plugin == was->instance.plugin)
            return graph->sinks[i];
    return NULL;
}

/* With an heir there is nothing to wait for but what is under way: no check runs until
 * the new graph stands. */
static bool
graph_stop_sinks(struct graph *graph, const struct graph *next, int64_t deadline)
{
    int64_t soon = clock_now() + GRAPH_HAND_OVER;
    bool all = true;

    if (!graph->presents)
        return true;
    if (soon > deadline)
        soon = deadline;
    for (size_t i = 0; i < graph->sink_count; i++)
        sink_drain(graph->sinks[i], graph_heir(next, graph->sinks[i]) ? soon : deadline);
    for (size_t i = 0; i < graph->sink_count; i++)
        all &= graph->sinks[i]->ended = sink_stop(graph->sinks[i], deadline);
    for (size_t i = 0; i < graph->sink_count * (size_t)graph->options.loops; i++)
        all &= loop_call(graph->presents[i].home->loop, graph_present_stop,
                         &graph->presents[i], deadline);
    return all;
}

static void
graph_unshare(void *arg)
{
    loop_unshare(arg);
}

static bool
graph_stop_loop(struct loop *loop, int64_t deadline)
{
    return loop_call(loop, graph_unshare, loop, deadline) && loop_join(loop, deadline);
}

static void
graph_home_stuck(void *arg)
{
    const struct check_home *home = arg;

    for (size_t i = 0; i < home->count; i++)
        if (check_stuck(home->checks[i]))
            log_warning("check \"%s\" is stuck in its plugin and left behind",
                        home->checks[i]->origin->check);
}

bool
graph_stop(struct graph *graph, const struct graph *next, int64_t deadline)
{
    int64_t least;
    bool all;

    if (!graph->started)
        return true;
    all = graph_stop_checks(graph, deadline);
    all &= graph_stop_sinks(graph, next, deadline);
    least = clock_now()
            + GRAPH_LEAST; /* a stuck sink has used up the time of the others */
    if (deadline < least)
        deadline = least;
    if (!workers_free(graph->workers, deadline)) {
        for (int64_t i = 0; i < graph->options.loops; i++)
            loop_call(graph->homes[i].loop, graph_home_stuck, &graph->homes[i],
                      clock_now() + GRAPH_LEAST);
        return false;
    }
    graph->workers = NULL;
    for (int64_t i = 0; i < graph->options.loops; i++)
        all &= graph_stop_loop(graph->homes[i].loop, deadline);
    all &= graph_stop_loop(graph->delivery, deadline);
    graph->started = !all;
    return all;
}

/* ---- the rest ---- */

static int
graph_by_name(const void *a, const void *b)
{
    const struct check *const *left = a, *const *right = b;

    return strcmp((*left)->origin->check, (*right)->origin->check);
}

/* A check that is no more says so once, to whom it would report now: a store deletes its
 * key.  No thread of the graph runs yet. */
static void
graph_say_removed(struct graph *graph, struct check *was)
{
    struct sonde_event *change;

    if (!was->state.changed)
        return;
    change = event_new(loop_pool(graph->delivery), was->origin);
    change->kind = EVENT_CHANGE;
    change->seq = atomic_fetch_add(graph->homes[0].seq, 1);
    change->state = SONDE_UNKNOWN;
    change->previous = was->state.hard;
    change->reason = SONDE_REMOVED;
    change->since = change->detected = change->time;
    change->hard = true;
    change->attempt = 1;
    change->has_was = true;
    change->was.state = was->state.hard;
    change->was.since = was->state.since;
    change->was.duration_ms = (change->time - was->state.since) / 1000;
    event_set_message(change, "the check is no longer configured");
    router_push(router_path(graph->router, was->origin), change);
    event_unref(change);
}

static void
graph_inherit_checks(struct graph *graph, struct graph *old)
{
    qsort(old->checks, old->check_count, sizeof(*old->checks), graph_by_name);
    for (size_t i = 0; i < graph->check_count; i++) {
        struct check **was = bsearch(&graph->checks[i], old->checks, old->check_count,
                                     sizeof(*old->checks), graph_by_name);

        if (!was || !(*was)->stopped) /* else its loop, stuck, may still judge it */
            continue;
        graph->checks[i]->schedule.began = (*was)->schedule.began;
        graph->checks[i]->state = (*was)->state; /* with its message */
        (*was)->state = (struct state){ 0 };
    }
    for (size_t i = 0; i < old->check_count; i++)
        if (old->checks[i]->stopped)
            graph_say_removed(graph, old->checks[i]);
}

/* What waits for a sink goes on to its heir. */
static void
graph_inherit_queue(struct sink *sink, struct sink *was)
{
    struct queue_bounds bounds = { (size_t)sink->options.events,
                                   (size_t)sink->options.memory };
    struct queue *mine = sink->queue;

    queue_bounds_set(was->queue, bounds);
    sink->queue = was->queue;
    was->queue = mine;
}

void
graph_inherit(struct graph *graph, struct graph *old)
{
    for (size_t i = 0; i < old->sink_count; i++) {
        struct sink *heir = graph_heir(graph, old->sinks[i]);

        if (heir && old->sinks[i]->ended) /* else its thread may still take from it */
            graph_inherit_queue(heir, old->sinks[i]);
    }
    graph_inherit_checks(graph, old);
}

static void
graph_log_loops(const struct graph *graph)
{
    for (int64_t i = 0; i < graph->options.loops; i++) {
        const struct loop_stats *stats = &graph->homes[i].stats;

        log_info(
            "%s: checks %zu, runs %llu, overruns %llu, timeouts of our own making %llu",
            loop_name(graph->homes[i].loop), graph->homes[i].count,
            (unsigned long long)atomic_load(&stats->runs),
            (unsigned long long)atomic_load(&stats->overruns),
            (unsigned long long)atomic_load(&stats->late));
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
        sink->options.name, (unsigned long long)sum.accepted,
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
                 sink->options.name, route->name,
                 (unsigned long long)ledger_read(&lines[LEDGER_ACCEPTED]),
                 (unsigned long long)ledger_read(&lines[LEDGER_RESTORED]),
                 (unsigned long long)ledger_read(&lines[LEDGER_DELIVERED]),
                 (unsigned long long)ledger_read(&lines[LEDGER_REJECTED]),
                 (unsigned long long)ledger_read(&lines[LEDGER_MOVED]),
                 (unsigned long long)ledger_dropped(lines),
                 (unsigned long long)(in > out ? in - out : 0));
    }
}

void
graph_log_counts(const struct graph *graph)
{
    for (size_t i = 0; i < graph->sink_count; i++) {
        graph_log_ledger(graph->sinks[i]);
        graph_log_routes(graph->sinks[i]);
    }
    graph_log_loops(graph);
}

static void
graph_free_sink(struct sink *sink)
{
    size_t lost = sink->queue ? queue_count(sink->queue) : 0;

    sink_deinit(sink);
    if (lost)
        log_warning("sink \"%s\": %zu events that waited are lost", sink->instance.name,
                    lost);
    queue_free(sink->queue);
    free(sink);
}

void
graph_free(struct graph *graph)
{
    if (!graph)
        return;
    /* Until it is closed a sink may tell its health, to the daemon's own check. */
    for (size_t i = 0; i < graph->sink_count; i++)
        graph_free_sink(graph->sinks[i]);
    for (size_t i = 0; i < graph->check_count; i++) {
        check_deinit(graph->checks[i]);
        free(graph->checks[i]);
    }
    router_free(graph->router);
    workers_free(graph->workers, clock_now());
    for (int64_t i = 0; graph->homes && i < graph->options.loops; i++) {
        loop_free(graph->homes[i].loop);
        free(graph->homes[i].checks);
        check_home_deinit(&graph->homes[i]);
    }
    loop_free(graph->delivery);
    free(graph->homes);
    free(graph->presents);
    free(graph->checks);
    free(graph->sinks);
    arena_deinit(&graph->memory);
    free(graph);
}
