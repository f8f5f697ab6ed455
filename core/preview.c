/* SPDX-License-Identifier: Apache-2.0
 *
 * preview.c - what a configuration will do.  See preview.h.
 */
#include "preview.h"

#include "clock.h"

#include <inttypes.h>
#include <string.h>

struct reached {
    struct text *line;
    size_t count;
};

static void
preview_reached(const char *route, const struct sink *sink, void *arg)
{
    struct reached *reached = arg;

    text_printf(reached->line, "%s%s (%s)", reached->count++ ? ", " : "",
                sink->options.name, route);
}

/* DESIGN: interval + timeout + (fall - 1) x max(retry_interval, timeout). */
static int64_t
preview_worst(const struct check *check)
{
    int64_t retry = check->schedule.retry / CLOCK_MS, timeout = check->timeout;

    return check->schedule.interval / CLOCK_MS + timeout
           + (int64_t)(check->rules.fall - 1) * (retry > timeout ? retry : timeout);
}

static int
preview_width(const struct graph *graph)
{
    size_t width = strlen("check");

    for (size_t i = 0; i < graph->check_count; i++) {
        size_t length = strlen(graph->checks[i]->known->origin->check);

        if (length > width)
            width = length;
    }
    for (size_t i = 0; i < graph->source_count; i++) {
        size_t length = strlen(graph->sources[i]->instance.name);

        if (length > width)
            width = length;
    }
    return width < 48 ? (int)width : 48;
}

static void
preview_check(const struct check *check, int width, FILE *out)
{
    const char *check_name = check->known->origin->check;
    struct text sinks = { 0 }, name = { 0 };
    struct reached reached = { .line = &sinks };
    char interval[32], worst[32];

    path_each(check->path, preview_reached, &reached);
    text_duration_format(check->schedule.interval / CLOCK_MS, interval, sizeof(interval));
    text_duration_format(preview_worst(check), worst, sizeof(worst));
    text_clean(&name, check_name, strlen(check_name));
    fprintf(out, "%-*s  %-10s %-7s %-10s %s\n", width, name.bytes,
            check->known->origin->plugin, interval, worst,
            reached.count ? sinks.bytes : "no sink: no route matches it");
    text_deinit(&sinks);
    text_deinit(&name);
}

/* What a route asks of checks is known only when events come. */
static void
preview_source(const struct graph *graph, const struct source *source, int width,
               FILE *out)
{
    const char *otherwise = source->options.otherwise;
    struct text sinks = { 0 };
    struct reached reached = { .line = &sinks };

    router_each_from(graph->router, source->instance.name, preview_reached, &reached);
    fprintf(out, "%-*s  %-10s %s%s%s\n", width, source->instance.name,
            source->instance.plugin->name,
            reached.count ? sinks.bytes : "no sink: no route matches it",
            otherwise ? "; what is broken: " : "", otherwise ? otherwise : "");
    text_deinit(&sinks);
}

static void
preview_sources(const struct graph *graph, int width, FILE *out)
{
    if (!graph->source_count)
        return;
    fprintf(out, "\n%-*s  %-10s %s\n", width, "source", "plugin", "may reach (by route)");
    for (size_t i = 0; i < graph->source_count; i++)
        preview_source(graph, graph->sources[i], width, out);
}

static void
preview_load(const struct graph *graph, FILE *out)
{
    double load = 0;

    for (size_t i = 0; i < graph->check_count; i++)
        load += 1e9 / (double)graph->checks[i]->schedule.interval;
    fprintf(out, "\nload: %.1f runs per second on %d loop%s\n", load,
            (int)graph->options.loops, graph->options.loops == 1 ? "" : "s");
}

static void
preview_loss(const struct graph *graph, FILE *out)
{
    char every[32];
    struct keep_options keep;

    graph_keep_options(graph, &keep);
    text_duration_format(keep.every / CLOCK_MS, every, sizeof(every));
    fprintf(out, "a crash loses:\n");
    if (!graph->sink_count)
        fprintf(out, "  nothing: there is no sink\n");
    for (size_t i = 0; i < graph->sink_count; i++) {
        const struct sink_options *options = &graph->sinks[i]->options;

        fprintf(out, "  of sink \"%s\": ", options->name);
        if (!options->disk)
            fprintf(out,
                    "everything that waits: in memory only, at most %" PRId64
                    " KiB or %" PRId64 " events\n",
                    options->memory / 1024, options->events);
        else if (keep.sync == JOURNAL_EACH)
            fprintf(out, "nothing\n");
        else if (keep.sync == JOURNAL_EVERY)
            fprintf(out,
                    "what was accepted in the last %s (a crash of the machine only)\n",
                    every);
        else
            fprintf(out, "what the kernel had not written (a crash of the machine "
                         "only)\n");
    }
}

void
preview_print(const struct graph *graph, FILE *out)
{
    int width = preview_width(graph);

    fprintf(out, "%-*s  %-10s %-7s %-10s %s\n", width, "check", "plugin", "every",
            "down after", "reaches (by route)");
    for (size_t i = 0; i < graph->check_count; i++)
        preview_check(graph->checks[i], width, out);
    fprintf(out, "\n\"down after\" is the worst case from a failure to the event\n");
    preview_sources(graph, width, out);
    preview_load(graph, out);
    preview_loss(graph, out);
}
