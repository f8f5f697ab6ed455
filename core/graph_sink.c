/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_sink.c - the sinks of a graph, each with its queue.
 *
 * It goes on after each fault, so that one run tells all of them.
 */
#include "graph_build.h"

#include "clock.h"
#include "statedir.h"

#include <stdio.h>
#include <string.h>

enum { SINK_BLOCK = 256 }; /* for the texts of its common options */

const struct sonde_option graph_sink_rows[] = {
    SONDE_STRING(struct sink_options, name, .required = true,
                 .help = "name of the sink, for routes"),
    SONDE_STRING(struct sink_options, plugin, .required = true,
                 .help = "the plugin that delivers"),
    SONDE_STRING(
        struct sink_options, format, .fallback = "json",
        .help = "\"json\", \"text\", or a template such as \"{check} is {state}\""),
    SONDE_BOOL(struct sink_options, present, .fallback = "false",
               .help = "tell it every state again after each connect and each drop"),
    SONDE_STRING(struct sink_options, otherwise,
                 .help = "the sink that takes what this one rejects"),
    SONDE_DURATION(struct sink_options, failover_after, .fallback = "0", .min = 0,
                   .max = 31536000000,
                   .help = "how long DOWN before otherwise takes what waits; 0: never"),
    { 0 }
};

enum {
    BUILD_DISK_LEAST = 512 << 10, /* eight of the smallest segments */
    BUILD_SYNC_MOST = 3600000     /* ms */
};

/* The group `buffer` of a sink. */
struct build_buffer {
    int64_t memory, disk;
    int64_t events;
    const char *sync;
    int full;
};

static const char *const build_full[] = { "drop", "block", NULL };

const struct sonde_option graph_buffer_rows[] = {
    SONDE_SIZE(struct build_buffer, memory, .fallback = "16MiB", .min = 65536,
               .max = INT64_C(1) << 40, .help = "bytes of events that may wait"),
    SONDE_INTEGER(struct build_buffer, events, .fallback = "1000000", .min = 1,
                  .max = INT64_C(1) << 30, .help = "events that may wait"),
    SONDE_SIZE(struct build_buffer, disk, .fallback = "256MiB", .min = 0,
               .max = INT64_C(1) << 50,
               .help =
                   "bytes of the journal that what waits may take; at least 512KiB, or "
                   "0 for none; without a state_dir 0"),
    SONDE_STRING(struct build_buffer, sync, .fallback = "50ms",
                 .help = "when the journal is synced: \"each\", \"never\" or a duration"),
    SONDE_CHOICE(struct build_buffer, full, .fallback = "drop", .choices = build_full,
                 .help = "what a full buffer does to sources; checks never wait"),
    { 0 }
};

/* For option_unknown: `buffer` itself, a group. */
const struct sonde_option build_buffer_key[] = {
    { .name = "buffer", .kind = SONDE_KIND_STRING }, { 0 }
};

/* A plugin's own row named like a common one replaces that one's default. */
static void
build_fallbacks(struct sonde_option *rows, const struct sonde_option *own)
{
    for (; rows->kind != SONDE_KIND_END; rows++) {
        const struct sonde_option *row = option_find(own, rows->name);

        if (row && row->fallback && row->kind == rows->kind)
            rows->fallback = row->fallback;
    }
}

static void
build_format(struct build *build, struct sink *sink, const struct option_sources *sources,
             const char *who)
{
    const struct setting *setting = option_setting(sources, "format");
    struct place place = setting ? setting->place : sources->own->place;
    const char *format = sink->options.format, *error;
    bool secret = setting && setting->secret;

    if (strcmp(format, "json") == 0) {
        sink->format = EVENT_JSON;
    } else if (strcmp(format, "text") == 0) {
        sink->format = EVENT_TEXT;
    } else if (!strchr(format, '{')) {
        problem_add(build->problems, place,
                    "%s: format \"%s\": expected \"json\", \"text\" or a template with a "
                    "field in braces, such as \"{check} is {state}\"",
                    who, secret ? "***" : format);
    } else {
        sink->payload = template_compile(&sink->memory, format, &error);
        if (!sink->payload)
            problem_add(build->problems, place, "%s: format: %s", who,
                        secret ? "is no template" : error);
    }
}

static bool
build_sync(struct sink_options *options, const char *sync)
{
    int64_t every = text_duration(sync); /* ms */

    options->sync = strcmp(sync, "each") == 0    ? JOURNAL_EACH
                    : strcmp(sync, "never") == 0 ? JOURNAL_NEVER
                                                 : JOURNAL_EVERY;
    options->every = every * CLOCK_MS;
    return options->sync != JOURNAL_EVERY || (every > 0 && every <= BUILD_SYNC_MOST);
}

/* What is written down must be possible; the default is as much as there can be. */
static int64_t
build_disk(struct build *build, const struct build_buffer *buffer,
           const struct option_sources *sources, const char *who)
{
    const struct setting *setting = option_setting(sources, "disk");

    if (!setting)
        return build->durable ? buffer->disk : 0;
    if (buffer->disk && buffer->disk < BUILD_DISK_LEAST)
        problem_add(build->problems, setting->place,
                    "%s: disk must be 0 or at least 512KiB", who);
    else if (buffer->disk && !build->durable)
        problem_add(build->problems, setting->place,
                    "%s: disk needs a directory that survives: set daemon.state_dir, as "
                    "in daemon = { state_dir = \"/var/lib/sonde\"; }",
                    who);
    return buffer->disk;
}

static void
build_queue(struct build *build, struct sink *sink, const struct setting *section,
            const char *who)
{
    static const struct sonde_option *const tables[] = { graph_buffer_rows, NULL };
    const struct setting *own = setting_find(section, "buffer"), *sync;
    struct option_sources sources = build_sources(build, section, sink->instance.plugin);
    struct build_buffer buffer = { .memory = 1, .events = 1 };
    struct place place = own ? own->place : section->place;

    if (own && own->kind != SETTING_GROUP) {
        problem_add(build->problems, place,
                    "%s: buffer: expected a group, as in { memory = \"16MiB\"; }", who);
        own = NULL;
    }
    sources.own = own;
    sources.defaults[0] = setting_find(sources.defaults[0], "buffer");
    sources.defaults[1] = setting_find(build->defaults, "buffer");
    option_fill(&buffer, graph_buffer_rows, &sources, &sink->memory, who, place,
                build->problems);
    if (own)
        option_unknown(own, tables, who, build->problems);
    sync = option_setting(&sources, "sync");
    if (buffer.sync && !build_sync(&sink->options, buffer.sync))
        problem_add(build->problems, sync->place,
                    "%s: sync \"%s\": expected \"each\", \"never\" or a duration such as "
                    "\"50ms\"",
                    who, sync->secret ? "***" : buffer.sync);
    sink->options.memory = buffer.memory;
    sink->options.events = buffer.events;
    sink->options.disk = build_disk(build, &buffer, &sources, who);
    sink->options.block = buffer.full;
    sink->queue =
        queue_new((struct queue_bounds){ (size_t)buffer.events, (size_t)buffer.memory });
    queue_block(sink->queue, buffer.full);
    atomic_init(&sink->blocks, buffer.full);
}

static bool
build_sink_options(struct build *build, struct sink *sink, const struct setting *section,
                   const struct plugin *plugin, const char *who)
{
    struct sonde_option rows[sizeof(graph_sink_rows) / sizeof(*graph_sink_rows)];
    struct option_sources sources = build_sources(build, section, plugin);

    memcpy(rows, graph_sink_rows, sizeof(rows));
    build_fallbacks(rows, plugin->options);
    if (!option_fill(&sink->options, rows, &sources, &sink->memory, who, section->place,
                     build->problems))
        return false;
    sink->otherwise = memory_text(sink->options.otherwise);
    sink->options.otherwise = sink->otherwise;
    return true;
}

/* Its options as far as they are known before the plugin is. */
const char *
build_name(struct build *build, const struct setting *section, const char *kind,
           const char *key)
{
    const struct setting *setting = setting_find(section, key);

    if (setting && setting->kind == SETTING_TEXT
        && strlen(setting->text) > JOURNAL_TARGET_NAME)
        problem_add(build->problems, setting->place,
                    "a %s whose %s is longer than %d bytes", kind, key,
                    JOURNAL_TARGET_NAME);
    if (setting && setting->kind == SETTING_TEXT && *setting->text)
        return setting->text;
    problem_add(build->problems, setting ? setting->place : section->place,
                "a %s without a %s: every %s has one, as a text", kind, key, kind);
    return NULL;
}

static struct sink *
build_sink_new(struct graph *graph, const struct plugin *plugin, const char *name)
{
    struct sink *sink = memory_new(sizeof(*sink));

    sink->memory.block = SINK_BLOCK;
    instance_init(&sink->instance, plugin, arena_text(&sink->memory, name));
    graph->sinks[graph->sink_count++] = sink;
    return sink;
}

static void
build_sink_from(struct build *build, const struct setting *section,
                const struct plugin *plugin, const char *name, const char *who)
{
    const struct sonde_option *const tables[] = { graph_sink_rows, plugin->options,
                                                  build_buffer_key, NULL };
    struct option_sources sources = build_sources(build, section, plugin);
    struct sink *sink = build_sink_new(build->graph, plugin, name);
    bool ok = option_unknown(section, tables, who, build->problems);

    if (!build_sink_options(build, sink, section, plugin, who))
        return;
    build_format(build, sink, &sources, who);
    build_queue(build, sink, section, who);
    if (ok)
        build_instance(build, &sink->instance, &sources, who, section->place);
}

static void
build_sink(struct build *build, const struct setting *section)
{
    /* Stands for the plugin that was not found, so that routes still know the sink. */
    static const struct sonde_option no_options[] = { { 0 } };
    static const struct plugin none = { .role = PLUGIN_SINK,
                                        .name = "",
                                        .options = no_options };
    const char *name = build_name(build, section, "sink", "name");
    const char *plugin_name = build_name(build, section, "sink", "plugin");
    AUTO_FREE char *who = memory_format("sink \"%s\"", name ? name : "?");
    const struct plugin *plugin = NULL;

    if (plugin_name)
        plugin = build_plugin(build, PLUGIN_SINK, plugin_name, section, who);
    if (name && plugin)
        build_sink_from(build, section, plugin, name, who);
    else if (name)
        build_sink_new(build->graph, &none, name);
}

static size_t
build_length(const struct setting *list)
{
    size_t count = 0;

    for (const struct setting *at = list ? list->first : NULL; at; at = at->next)
        count++;
    return count;
}

/* ---- the sinks that others name as their `otherwise` ---- */

static struct sink *
build_sink_named(const struct graph *graph, const char *name)
{
    for (size_t i = 0; i < graph->sink_count; i++)
        if (strcmp(graph->sinks[i]->instance.name, name) == 0)
            return graph->sinks[i];
    return NULL;
}

static const struct setting *
build_written(const struct build *build, const struct setting *section,
              const struct sink *sink, const char *option)
{
    struct option_sources sources = build_sources(build, section, sink->instance.plugin);

    return option_setting(&sources, option);
}

static void
build_otherwise_unknown(struct build *build, const char *who, const char *itself,
                        const struct setting *written, const char *name)
{
    const struct graph *graph = build->graph;
    const char **names = memory_array(graph->sink_count, sizeof(*names)), *near;
    size_t count = 0;

    for (size_t i = 0; i < graph->sink_count; i++)
        if (!itself || strcmp(graph->sinks[i]->instance.name, itself) != 0)
            names[count++] = graph->sinks[i]->instance.name;
    near = written->secret ? NULL : text_nearest(name, names, count);
    problem_add(build->problems, written->place,
                "%s: otherwise: no %ssink is named \"%s\"%s%s%s", who,
                itself ? "other " : "", written->secret ? "***" : name,
                near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    free(names);
}

struct sink *
build_otherwise_sink(struct build *build, const struct setting *written, const char *name,
                     const char *who, const char *itself)
{
    struct sink *other = build_sink_named(build->graph, name);

    if (other && (!itself || strcmp(name, itself) != 0))
        return other;
    build_otherwise_unknown(build, who, itself, written, name);
    return NULL;
}

static void
build_otherwise(struct build *build, const struct setting *section, struct sink *sink)
{
    const struct setting *written = build_written(build, section, sink, "otherwise");
    AUTO_FREE char *who = memory_format("sink \"%s\"", sink->instance.name);
    const char *name = sink->options.otherwise;

    if (written && name)
        sink_send_to(sink,
                     build_otherwise_sink(build, written, name, who, sink->instance.name));
}

static void
build_failover(struct build *build, const struct setting *section, struct sink *sink)
{
    const struct setting *written = build_written(build, section, sink, "failover_after");

    if (written && sink->options.failover_after && !sink->options.otherwise)
        problem_add(build->problems, written->place,
                    "sink \"%s\": failover_after needs otherwise, the sink that then "
                    "takes what waits",
                    sink->instance.name);
}

/* In a circle nothing would ever come to its end.  Told once, for its first sink. */
static void
build_circle(struct build *build, const struct setting *section, struct sink *sink)
{
    const struct graph *graph = build->graph;
    struct text way = { 0 };
    const struct sink *at = sink->other;
    bool first = true;

    text_printf(&way, "\"%s\"", sink->instance.name);
    for (size_t i = 0; at && i < graph->sink_count; i++) {
        text_printf(&way, " -> \"%s\"", at->instance.name);
        for (size_t k = 0; graph->sinks[k] != sink; k++)
            first &= graph->sinks[k] != at;
        if (at == sink)
            break;
        at = at->other;
    }
    if (at == sink && first)
        problem_add(build->problems,
                    build_written(build, section, sink, "otherwise")->place,
                    "sink \"%s\": otherwise goes in a circle: %s", sink->instance.name,
                    way.bytes);
    text_deinit(&way);
}

/* A section without a name has no sink. */
static void
build_each_sink(struct build *build, const struct setting *list,
                void (*fn)(struct build *build, const struct setting *section,
                           struct sink *sink))
{
    size_t i = 0;

    for (const struct setting *at = list ? list->first : NULL; at; at = at->next) {
        const struct setting *name = setting_find(at, "name");

        if (name && name->kind == SETTING_TEXT && *name->text)
            fn(build, at, build->graph->sinks[i++]);
    }
}

void
build_sinks(struct build *build)
{
    const struct setting *list = setting_find(build->root, "sinks");
    struct graph *graph = build->graph;
    size_t disks = 0;

    graph->sinks = memory_array(build_length(list), sizeof(*graph->sinks));
    for (const struct setting *at = list ? list->first : NULL; at; at = at->next)
        build_sink(build, at);
    build_each_sink(build, list, build_otherwise);
    build_each_sink(build, list, build_failover);
    build_each_sink(build, list, build_circle);
    for (size_t i = 0; i < graph->sink_count; i++)
        disks += graph->sinks[i]->options.disk > 0;
    if (disks > JOURNAL_TARGETS)
        problem_add(build->problems, list->place,
                    "%zu sinks with a disk: there may be %d of them", disks,
                    JOURNAL_TARGETS);
}

void
build_defaults_buffer(struct build *build, const struct setting *buffer, const char *who)
{
    static const struct sonde_option *const tables[] = { graph_buffer_rows, NULL };

    if (buffer && buffer->kind == SETTING_GROUP)
        option_unknown(buffer, tables, who, build->problems);
    else if (buffer)
        problem_add(build->problems, buffer->place,
                    "%s: buffer: expected a group, as in { memory = \"16MiB\"; }", who);
}
