/* SPDX-License-Identifier: Apache-2.0
 *
 * observer.c - the daemon as a check of its own.  See observer.h.
 */
#include "observer.h"

#include "clock.h"
#include "graph.h"

enum { OBSERVER_LAG = 250 }; /* ms; from here on timeouts are not believed (check.c) */

/* "sink \"live\" is DOWN: ..." for each. */
static bool
observer_ends(const struct graph *graph, struct text *said)
{
    bool down = false;

    for (size_t i = 0; i < graph->sink_count; i++) {
        struct sink_health health;

        sink_health(graph->sinks[i], &health);
        if (health.state != SONDE_DOWN)
            continue;
        text_printf(said, "%ssink \"%s\" is DOWN: %s", down ? "; " : "",
                    graph->sinks[i]->instance.name, health.why);
        down = true;
    }
    for (size_t i = 0; i < graph->source_count; i++) {
        struct source_health health;

        source_health(graph->sources[i], &health);
        if (health.state != SONDE_DOWN)
            continue;
        text_printf(said, "%ssource \"%s\" is DOWN: %s", down ? "; " : "",
                    graph->sources[i]->instance.name, health.why);
        down = true;
    }
    return down;
}

static int64_t
observer_lag(const struct graph *graph)
{
    int64_t worst = loop_worst_lag(graph->engine->delivery);

    for (int64_t i = 0; i < graph->options.loops; i++) {
        int64_t lag = loop_worst_lag(graph->engine->homes[i].loop);

        if (lag > worst)
            worst = lag;
    }
    return worst / CLOCK_MS;
}

static void
observer_disk(const struct graph *graph, struct text *said)
{
    char why[JOURNAL_WHY];

    if (!keep_health(graph->engine->keep, why))
        text_printf(said, "%sthe journal: %s", said->length ? "; " : "", why);
}

static uint64_t
observer_waiting(const struct graph *graph)
{
    uint64_t waiting = 0;

    for (size_t i = 0; i < graph->sink_count; i++)
        waiting += sink_ledger(graph->sinks[i]).queued;
    return waiting;
}

/* Runs, and what was due while one was out, since the start. */
static void
observer_runs(const struct graph *graph, struct sonde_event *event)
{
    double runs = 0, overruns = 0;

    for (int64_t i = 0; i < graph->options.loops; i++) {
        const struct loop_stats *stats = &graph->engine->homes[i].stats;

        runs += (double)atomic_load(&stats->runs);
        overruns += (double)atomic_load(&stats->overruns);
    }
    sonde_metric(event, "runs", runs, NULL);
    sonde_metric(event, "overruns", overruns, NULL);
}

static void
observer_begin(struct sonde_instance *self, struct sonde_event *event)
{
    const struct graph *graph = ((struct observer *)sonde_private(self))->graph;
    struct text said = { 0 };
    bool down = observer_ends(graph, &said);
    int64_t lag = observer_lag(graph);

    if (lag > OBSERVER_LAG)
        text_printf(&said, "%sa loop lagged by %lld ms", down ? "; " : "",
                    (long long)lag);
    observer_disk(graph, &said);
    sonde_metric(event, "checks", (double)(graph->check_count - 1), "");
    sonde_metric(event, "lag", (double)lag, "ms");
    observer_runs(graph, event);
    sonde_metric(event, "events_waiting", (double)observer_waiting(graph), "");
    sonde_certain(event);
    if (said.length)
        sonde_reason(event, SONDE_LIMIT, "%s", said.bytes);
    else
        sonde_reason(event, SONDE_OK, "%zu check%s and %zu sink%s",
                     graph->check_count - 1, graph->check_count == 2 ? "" : "s",
                     graph->sink_count, graph->sink_count == 1 ? "" : "s");
    sonde_done(event, said.length ? SONDE_DEGRADED : SONDE_UP);
    text_deinit(&said);
}

/* Never out: begin answers at once. */
static void
observer_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self, (void)event;
}

static const struct sonde_option observer_options[] = { { 0 } };

const struct plugin observer_plugin = {
    .role = PLUGIN_PROBE,
    .name = "observer",
    .summary = "the daemon itself",
    .options = observer_options,
    .probe = { .name = "observer",
               .summary = "the daemon itself",
               .size = sizeof(struct observer),
               .options = observer_options,
               .begin = observer_begin,
               .cancel = observer_cancel },
};
