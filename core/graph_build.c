/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_build.c - from settings to a graph: the daemon's options, sinks, routes.
 * Checks are graph_check.c's.
 *
 * It goes on after each fault, so that one run tells all of them.
 */
#include "graph_build.h"

#include "clock.h"
#include "log.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const build_levels[] = { "debug", "info", "warning", "error", NULL };

const struct sonde_option graph_option_rows[] = {
    SONDE_STRING(struct graph_options, observer, .fallback = "",
                 .help = "name of this daemon in its events; the host's name where not set"),
    SONDE_STRING(struct graph_options, state_dir, .fallback = "",
                 .help = "what must survive a restart lies here"),
    SONDE_INTEGER(struct graph_options, loops, .fallback = "1", .min = 1, .max = 64,
                  .help = "threads that run checks"),
    SONDE_INTEGER(struct graph_options, workers, .fallback = "16", .min = 1, .max = 1024,
                  .help = "most threads for probes that block"),
    SONDE_CHOICE(struct graph_options, log, .fallback = "info", .choices = build_levels,
                 .help = "the least level that is logged"),
    { 0 }
};

const struct sonde_option graph_sink_rows[] = {
    SONDE_STRING(struct sink_options, name, .required = true,
                 .help = "name of the sink, for routes"),
    SONDE_STRING(struct sink_options, plugin, .required = true,
                 .help = "the plugin that delivers"),
    SONDE_STRING(struct sink_options, format, .fallback = "json",
                 .help = "\"json\", \"text\", or a template such as \"{check} is {state}\""),
    SONDE_BOOL(struct sink_options, present, .fallback = "false",
               .help = "tell it every state again after each connect and each drop"),
    SONDE_STRING(struct sink_options, otherwise,
                 .help = "the sink that takes what this one rejects; no effect yet"),
    SONDE_DURATION(struct sink_options, failover_after, .fallback = "0", .min = 0,
                   .max = 31536000000,
                   .help = "how long DOWN before otherwise takes what waits; no effect yet"),
    { 0 }
};

/* The group `buffer` of a sink. */
struct build_buffer {
    int64_t memory, disk;
    int64_t events;
    const char *sync;
    int full;
};

static const char *const build_full[] = { "drop", "block", NULL };

static const struct sonde_option build_buffer_rows[] = {
    SONDE_SIZE(struct build_buffer, memory, .fallback = "16MiB", .min = 65536,
               .max = INT64_C(1) << 40, .help = "bytes of events that may wait"),
    SONDE_INTEGER(struct build_buffer, events, .fallback = "1000000", .min = 1,
                  .max = INT64_C(1) << 30, .help = "events that may wait"),
    SONDE_SIZE(struct build_buffer, disk, .fallback = "0", .min = 0, .max = INT64_C(1) << 50,
               .help = "bytes of events that survive a crash; no effect yet"),
    SONDE_STRING(struct build_buffer, sync, .fallback = "50ms",
                 .help = "\"each\", \"never\" or a duration; no effect yet"),
    SONDE_CHOICE(struct build_buffer, full, .fallback = "drop", .choices = build_full,
                 .help = "what a full buffer does to sources; checks never wait"),
    { 0 }
};

/* ---- what sinks and checks share ---- */

struct option_sources
build_sources(const struct build *build, const struct setting *section, const char *plugin)
{
    const struct setting *of_plugin = plugin ? setting_find(build->defaults, plugin) : NULL;

    if (of_plugin && of_plugin->kind != SETTING_GROUP)
        of_plugin = NULL;
    return (struct option_sources){ section, { of_plugin, build->defaults } };
}

const struct plugin *
build_plugin(struct build *build, enum plugin_role role, const char *name,
             const struct setting *section, const char *who)
{
    const struct setting *named = setting_find(section, "plugin");
    const char *why = NULL;
    const struct plugin *plugin = plugin_find(build->plugins, role, name, &why);

    if (!plugin)
        problem_add(build->problems, named ? named->place : section->place, "%s: %s", who,
                    named && named->secret ? "plugin names none" : why);
    return plugin;
}

bool
build_instance(struct build *build, struct sonde_instance *instance,
               const struct option_sources *sources, const char *who, struct place place)
{
    struct instance_birth birth
        = { .sources = sources, .problems = build->problems, .place = place };
    bool opened;

    if (!option_fill(instance->private, instance->plugin->options, sources,
                     &build->graph->memory, who, place, build->problems))
        return false;
    instance->birth = &birth;
    opened = instance_open(instance) == 0;
    instance->birth = NULL;
    if (!opened && !birth.failed)
        problem_add(build->problems, place, "%s: %s", who, instance->why);
    return opened;
}

/* ---- the daemon ---- */

static void
build_options(struct build *build)
{
    static const struct sonde_option *const tables[] = { graph_option_rows, NULL };
    const struct setting *section = setting_find(build->root, "daemon");
    struct graph_options *options = &build->graph->options;
    struct option_sources sources = { .own = section };
    char host[256] = "";

    option_fill(options, graph_option_rows, &sources, &build->graph->memory, "daemon",
                section ? section->place : (struct place){ 0 }, build->problems);
    if (section)
        option_unknown(section, tables, "daemon", build->problems);
    if (options->loops < 1)
        options->loops = 1; /* was a problem; the rest is still looked at */
    if (options->observer && *options->observer)
        return;
    if (gethostname(host, sizeof(host) - 1) == -1 || !*host)
        snprintf(host, sizeof(host), "localhost");
    options->observer = arena_text(&build->graph->memory, host);
}

/* ---- sinks ---- */

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
        sink->payload = template_compile(&build->graph->memory, format, &error);
        if (!sink->payload)
            problem_add(build->problems, place, "%s: format: %s", who,
                        secret ? "is no template" : error);
    }
}

static void
build_no_effect(struct build *build, const struct setting *section, const char *name,
                const char *who)
{
    const struct setting *setting = setting_find(section, name);

    if (setting)
        problem_warn(build->problems, setting->place, "%s: %s has no effect yet", who, name);
}

static bool
build_sync_valid(const char *sync)
{
    return strcmp(sync, "each") == 0 || strcmp(sync, "never") == 0 || text_duration(sync) > 0;
}

static void
build_queue(struct build *build, struct sink *sink, const struct setting *section,
            const char *who)
{
    static const struct sonde_option *const tables[] = { build_buffer_rows, NULL };
    const struct setting *own = setting_find(section, "buffer"), *sync;
    struct option_sources sources = build_sources(build, section, sink->options.plugin);
    struct build_buffer buffer = { .memory = 1, .events = 1 };
    struct place place = own ? own->place : section->place;

    if (own && own->kind != SETTING_GROUP) {
        problem_add(build->problems, place,
                    "%s: buffer: expected a group, as in { memory = \"16MiB\"; }", who);
        own = NULL;
    }
    sources.own = own;
    sources.defaults[0] = setting_find(sources.defaults[0], "buffer");
    sources.defaults[1] = setting_find(sources.defaults[1], "buffer");
    option_fill(&buffer, build_buffer_rows, &sources, &build->graph->memory, who, place,
                build->problems);
    if (own) {
        option_unknown(own, tables, who, build->problems);
        build_no_effect(build, own, "disk", who);
        build_no_effect(build, own, "sync", who);
    }
    sync = option_setting(&sources, "sync");
    if (sync && buffer.sync && !build_sync_valid(buffer.sync))
        problem_add(build->problems, sync->place,
                    "%s: sync \"%s\": expected \"each\", \"never\" or a duration such as "
                    "\"50ms\"",
                    who, sync->secret ? "***" : buffer.sync);
    sink->options.memory = buffer.memory;
    sink->options.events = buffer.events;
    sink->queue = queue_new((struct queue_bounds){ (size_t)buffer.events,
                                                   (size_t)buffer.memory },
                            sink->ledger);
}

static bool
build_sink_options(struct build *build, struct sink *sink, const struct setting *section,
                   const struct plugin *plugin, const char *who)
{
    struct sonde_option rows[sizeof(graph_sink_rows) / sizeof(*graph_sink_rows)];
    struct option_sources sources = build_sources(build, section, plugin->name);

    memcpy(rows, graph_sink_rows, sizeof(rows));
    build_fallbacks(rows, plugin->options);
    return option_fill(&sink->options, rows, &sources, &build->graph->memory, who,
                       section->place, build->problems);
}

/* Its options as far as they are known before the plugin is. */
static const char *
build_name(struct build *build, const struct setting *section, const char *kind,
           const char *key)
{
    const struct setting *setting = setting_find(section, key);

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

    sink->ledger = &graph->ledgers[graph->sink_count];
    sink->index = (unsigned)graph->sink_count;
    instance_init(&sink->instance, plugin, arena_text(&graph->memory, name));
    graph->sinks[graph->sink_count++] = sink;
    return sink;
}

static void
build_sink_from(struct build *build, const struct setting *section,
                const struct plugin *plugin, const char *name, const char *who)
{
    static const struct sonde_option buffer_row[]
        = { { .name = "buffer", .kind = SONDE_KIND_STRING }, { 0 } };
    const struct sonde_option *const tables[]
        = { graph_sink_rows, plugin->options, buffer_row, NULL };
    struct option_sources sources = build_sources(build, section, plugin->name);
    struct sink *sink = build_sink_new(build->graph, plugin, name);
    bool ok = option_unknown(section, tables, who, build->problems);

    if (!build_sink_options(build, sink, section, plugin, who))
        return;
    build_format(build, sink, &sources, who);
    build_no_effect(build, section, "otherwise", who);
    build_no_effect(build, section, "failover_after", who);
    build_queue(build, sink, section, who);
    if (ok)
        build_instance(build, &sink->instance, &sources, who, section->place);
}

static void
build_sink(struct build *build, const struct setting *section)
{
    /* Stands for the plugin that was not found, so that routes still know the sink. */
    static const struct sonde_option no_options[] = { { 0 } };
    static const struct plugin none
        = { .role = PLUGIN_SINK, .name = "", .options = no_options };
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

/* `otherwise` names another sink; checked now, though it has no effect yet. */
static void
build_otherwise(struct build *build, const struct setting *section)
{
    const struct setting *otherwise = setting_find(section, "otherwise");
    const struct setting *name = setting_find(section, "name");
    const struct graph *graph = build->graph;
    const char **names, *near;
    size_t count = 0;

    if (!otherwise || otherwise->kind != SETTING_TEXT || !name || !name->text)
        return;
    names = memory_array(graph->sink_count, sizeof(*names));
    for (size_t i = 0; i < graph->sink_count; i++) {
        const char *other = graph->sinks[i]->instance.name;

        if (strcmp(other, name->text) == 0)
            continue;
        names[count++] = other;
        if (strcmp(other, otherwise->text) == 0) {
            free(names);
            return;
        }
    }
    near = otherwise->secret ? NULL : text_nearest(otherwise->text, names, count);
    problem_add(build->problems, otherwise->place,
                "sink \"%s\": otherwise: no other sink is named \"%s\"%s%s%s", name->text,
                otherwise->secret ? "***" : otherwise->text,
                near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    free(names);
}

static void
build_sinks(struct build *build)
{
    const struct setting *list = setting_find(build->root, "sinks");
    struct graph *graph = build->graph;

    graph->sinks = memory_array(build_length(list), sizeof(*graph->sinks));
    graph->ledgers = memory_array(build_length(list), sizeof(*graph->ledgers));
    for (const struct setting *at = list ? list->first : NULL; at; at = at->next)
        build_sink(build, at);
    for (const struct setting *at = list ? list->first : NULL; at; at = at->next)
        build_otherwise(build, at);
}

/* ---- defaults ---- */

static bool
build_defaults_known(const struct build *build, const struct setting *group)
{
    static const enum plugin_role roles[] = { PLUGIN_PROBE, PLUGIN_SINK };

    for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
        const char *why;

        if (plugin_find(build->plugins, roles[i], group->name, &why))
            return true;
    }
    return false;
}

/* The group of one plugin: its keys are those of a check or a sink of that plugin. */
static void
build_defaults_plugin(struct build *build, const struct setting *group)
{
    const struct sonde_option *tables[5] = { NULL };
    AUTO_FREE char *who = memory_format("defaults.%s", group->name);
    const struct plugin *probe, *sink;
    const char *why;
    size_t count = 0;

    probe = plugin_find(build->plugins, PLUGIN_PROBE, group->name, &why);
    sink = plugin_find(build->plugins, PLUGIN_SINK, group->name, &why);
    if (probe) {
        tables[count++] = check_option_rows;
        tables[count++] = probe->options;
    }
    if (sink) {
        tables[count++] = graph_sink_rows;
        tables[count++] = sink->options;
    }
    option_unknown(group, tables, who, build->problems);
}

static void
build_defaults(struct build *build)
{
    static const struct sonde_option *const tables[] = { check_option_rows, NULL };

    for (const struct setting *at = build->defaults ? build->defaults->first : NULL; at;
         at = at->next) {
        struct setting alone = { .kind = SETTING_GROUP, .place = at->place };
        struct setting member = *at;

        if (at->kind == SETTING_GROUP && build_defaults_known(build, at)) {
            build_defaults_plugin(build, at);
            continue;
        }
        if (at->kind == SETTING_GROUP && strcmp(at->name, "buffer") == 0)
            continue;
        member.next = NULL;
        alone.first = &member;
        option_unknown(&alone, tables, "defaults", build->problems);
    }
}

/* Named by a route, or as another sink's `otherwise`. */
static bool
build_sink_used(const struct graph *graph, const struct sink *sink)
{
    bool used = !router_sink_idle(graph->router, sink);

    for (size_t i = 0; !used && i < graph->sink_count; i++) {
        const char *otherwise = graph->sinks[i]->options.otherwise;

        used = otherwise && strcmp(otherwise, sink->instance.name) == 0;
    }
    return used;
}

/* What is configured and can never do anything. */
static void
build_idle(struct build *build)
{
    const struct setting *list = setting_find(build->root, "sinks");
    const struct graph *graph = build->graph;
    size_t sink = 0;

    for (size_t i = 0; i < router_route_count(graph->router); i++)
        if (router_route_idle(graph->router, i))
            problem_warn(build->problems, router_route_place(graph->router, i),
                         "route \"%s\" matches no check",
                         router_route_name(graph->router, i));
    /* Without an error there is one sink for each section. */
    for (const struct setting *at = list ? list->first : NULL; at; at = at->next, sink++)
        if (!build_sink_used(graph, graph->sinks[sink]))
            problem_warn(build->problems, at->place,
                         "sink \"%s\" gets nothing: no route names it",
                         graph->sinks[sink]->instance.name);
}

struct graph *
graph_new(const char *path, struct plugins *plugins, atomic_ullong *seq,
          struct problems *problems)
{
    struct arena settings = { .block = 65536 };
    struct graph *graph = memory_new(sizeof(*graph));
    struct build build = { .graph = graph, .plugins = plugins, .problems = problems,
                           .seq = seq };

    graph->memory.block = 16384;
    build.root = conf_read(path, &settings, problems);
    build.defaults = setting_find(build.root, "defaults");
    build_options(&build);
    build_defaults(&build);
    build_sinks(&build);
    graph->router = router_new(setting_find(build.root, "routes"), graph->sinks,
                               graph->sink_count, problems);
    graph->delivery = loop_new("delivery");
    graph->workers = workers_new((unsigned)graph->options.workers);
    build_checks(&build);
    if (!problems->errors)
        build_idle(&build);
    arena_deinit(&settings);
    if (problems->errors == 0)
        return graph;
    graph_free(graph);
    return NULL;
}
