/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_build.c - from settings to a graph: the daemon's options, defaults, routes.
 * Sinks are graph_sink.c's, checks graph_check.c's.
 *
 * It goes on after each fault, so that one run tells all of them.
 */
#include "graph_build.h"

#include "clock.h"
#include "log.h"
#include "statedir.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char *const build_levels[] = { "debug", "info", "warning", "error", NULL };

const struct sonde_option graph_option_rows[] = {
    SONDE_STRING(
        struct engine_options, observer, .fallback = "",
        .help = "name of this daemon in its events; the host's name where not set"),
    SONDE_STRING(struct engine_options, state_dir, .fallback = "",
                 .help = "what must survive a restart lies here"),
    SONDE_INTEGER(struct engine_options, loops, .fallback = "1", .min = 1, .max = 64,
                  .help = "threads that run checks"),
    SONDE_INTEGER(struct engine_options, workers, .fallback = "16", .min = 1, .max = 1024,
                  .help = "most threads for probes that block"),
    SONDE_CHOICE(struct engine_options, log, .fallback = "info", .choices = build_levels,
                 .help = "the least level that is logged"),
    { 0 }
};

/* ---- what sinks and checks share ---- */

struct option_sources
build_sources(const struct build *build, const struct setting *section,
              const struct plugin *plugin)
{
    const struct setting *own = setting_find(build->defaults, plugin->name);

    if (own && own->kind != SETTING_GROUP)
        own = NULL;
    /* What stands in `defaults` itself is for checks: a timeout of theirs is none of a
     * sink's. */
    return (struct option_sources){
        section, { own, plugin->role == PLUGIN_PROBE ? build->defaults : NULL }
    };
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

static bool
build_fill(struct build *build, struct sonde_instance *instance, struct arena *memory,
           const struct option_sources *sources, const char *who, struct place place)
{
    instance->name = arena_text(memory, instance->name);
    return option_fill(instance->private, instance->plugin->options, sources, memory, who,
                       place, build->problems);
}

/* Filled twice: the first time shows how much room it takes.  An instance outlives the
 * graph that made it, and there may be many of them, so each has one block that fits. */
static bool
build_values(struct build *build, struct sonde_instance *instance,
             const struct option_sources *sources, const char *who, struct place place)
{
    const char *name = instance->name;
    struct arena scratch = { 0 }, own = { 0 };
    bool good = build_fill(build, instance, &scratch, sources, who, place);
    size_t room = arena_used(&scratch);

    instance->name = name;
    if (good) {
        own.at = memory_new(room);
        own.end = own.at + room;
        build_fill(build, instance, &own, sources, who, place);
        instance->owns = true; /* the name came first */
        assert(!own.blocks);
    }
    arena_deinit(&scratch);
    return good;
}

bool
build_instance(struct build *build, struct sonde_instance *instance,
               const struct option_sources *sources, const char *who, struct place place)
{
    struct instance_birth birth = { .sources = sources,
                                    .problems = build->problems,
                                    .place = place };
    bool opened;

    if (!build_values(build, instance, sources, who, place))
        return false;
    instance->birth = &birth;
    opened = instance_open(instance) == 0;
    instance->birth = NULL;
    if (!opened && !birth.failed)
        problem_add(build->problems, place, "%s: %s", who, instance->why);
    return opened;
}

/* ---- the daemon ---- */

static bool
build_stays_as(const struct sonde_option *row, const void *was, const void *now)
{
    const struct sonde_option rows[] = { *row, { 0 } };

    return option_equal(was, now, rows);
}

static void
build_say_stays(struct build *build, const struct setting *section,
                const struct sonde_option *row, const void *was)
{
    const struct setting *setting = setting_find(section, row->name);
    struct place place = setting   ? setting->place
                         : section ? section->place
                                   : (struct place){ 0 };
    const void *at = (const char *)was + row->offset;
    const char *text = row->kind == SONDE_KIND_STRING ? *(const char *const *)at : "";
    char number[32] = "";

    if (row->kind == SONDE_KIND_INTEGER)
        snprintf(number, sizeof(number), "%" PRId64, *(const int64_t *)at);
    problem_warn(build->problems, place,
                 "daemon.%s is read at the start only; it stays %s%s%s%s", row->name,
                 number, *number ? "" : "\"", text, *number ? "" : "\"");
}

/* What the engine was made of is not made anew.  Nothing is said beside an error, which
 * may have kept the section from being read. */
static void
build_stays(struct build *build, const struct setting *section)
{
    struct engine_options *options = &build->graph->options;
    struct engine *engine = build->graph->engine;
    int log = options->log;

    if (!engine->delivery) {
        engine_init(engine, options);
        return;
    }
    for (const struct sonde_option *row = graph_option_rows; row->name; row++)
        if (strcmp(row->name, "log") != 0 && !build->problems->errors
            && !build_stays_as(row, &engine->options, options))
            build_say_stays(build, section, row, &engine->options);
    *options = engine->options;
    options->log = log;
}

static void
build_options(struct build *build)
{
    static const struct sonde_option *const tables[] = { graph_option_rows, NULL };
    const struct setting *section = setting_find(build->root, "daemon");
    struct engine_options *options = &build->graph->options;
    struct option_sources sources = { .own = section };
    char host[256] = "";

    option_fill(options, graph_option_rows, &sources, &build->graph->memory, "daemon",
                section ? section->place : (struct place){ 0 }, build->problems);
    if (section)
        option_unknown(section, tables, "daemon", build->problems);
    if (options->loops < 1)
        options->loops = 1; /* was a problem; the rest is still looked at */
    if (!options->observer || !*options->observer) {
        if (gethostname(host, sizeof(host) - 1) == -1 || !*host)
            snprintf(host, sizeof(host), "localhost");
        options->observer = arena_text(&build->graph->memory, host);
    }
    build_stays(build, section);
}

/* ---- defaults ---- */

static bool
build_defaults_known(const struct build *build, const struct setting *group)
{
    static const enum plugin_role roles[] = { PLUGIN_PROBE, PLUGIN_SOURCE, PLUGIN_SINK };

    for (size_t i = 0; i < sizeof(roles) / sizeof(*roles); i++) {
        const char *why;

        if (plugin_find(build->plugins, roles[i], group->name, &why))
            return true;
    }
    return false;
}

/* The group of one plugin: its keys are those of a check, a source or a sink of that
 * plugin. */
static void
build_defaults_plugin(struct build *build, const struct setting *group)
{
    const struct sonde_option *tables[9] = { NULL };
    AUTO_FREE char *who = memory_format("defaults.%s", group->name);
    const struct plugin *probe, *source, *sink;
    const char *why;
    size_t count = 0;

    probe = plugin_find(build->plugins, PLUGIN_PROBE, group->name, &why);
    source = plugin_find(build->plugins, PLUGIN_SOURCE, group->name, &why);
    sink = plugin_find(build->plugins, PLUGIN_SINK, group->name, &why);
    if (probe) {
        tables[count++] = check_option_rows;
        tables[count++] = probe->options;
    }
    if (source) {
        tables[count++] = graph_source_rows;
        tables[count++] = source->options;
        tables[count++] = build_buffer_key;
    }
    if (sink) {
        tables[count++] = graph_sink_rows;
        tables[count++] = sink->options;
        tables[count++] = build_buffer_key;
        build_defaults_buffer(build, setting_find(group, "buffer"), who);
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
        if (strcmp(at->name, "buffer") == 0) {
            build_defaults_buffer(build, at, "defaults");
            continue;
        }
        member.next = NULL;
        alone.first = &member;
        option_unknown(&alone, tables, "defaults", build->problems);
    }
}

/* Named by a route, or as `otherwise`. */
static bool
build_sink_used(const struct graph *graph, const struct sink *sink)
{
    bool used = !router_sink_idle(graph->router, sink);

    for (size_t i = 0; !used && i < graph->sink_count; i++) {
        const char *otherwise = graph->sinks[i]->otherwise;

        used = otherwise && strcmp(otherwise, sink->instance.name) == 0;
    }
    for (size_t i = 0; !used && i < graph->source_count; i++)
        used = graph->sources[i]->home.otherwise == sink;
    return used;
}

static bool
build_route_from(const struct graph *graph, size_t route)
{
    for (size_t i = 0; i < graph->source_count; i++)
        if (router_route_from(graph->router, route, graph->sources[i]->instance.name))
            return true;
    return false;
}

/* What is configured and can never do anything. */
static void
build_idle(struct build *build)
{
    const struct setting *list = setting_find(build->root, "sinks");
    const struct graph *graph = build->graph;
    size_t sink = 0;

    for (size_t i = 0; i < router_route_count(graph->router); i++)
        if (router_route_idle(graph->router, i) && !build_route_from(graph, i))
            problem_warn(build->problems, router_route_place(graph->router, i),
                         graph->source_count
                             ? "route \"%s\" matches no check and no source"
                             : "route \"%s\" matches no check",
                         router_route_name(graph->router, i));
    /* Without an error there is one sink for each section. */
    for (const struct setting *at = list ? list->first : NULL; at; at = at->next, sink++)
        if (!build_sink_used(graph, graph->sinks[sink]))
            problem_warn(build->problems, at->place,
                         "sink \"%s\" gets nothing: no route names it",
                         graph->sinks[sink]->instance.name);
}

struct graph *
graph_new(const char *path, struct plugins *plugins, struct engine *engine,
          struct problems *problems)
{
    struct arena settings = { .block = 65536 };
    struct graph *graph = memory_new(sizeof(*graph));
    struct build build = { .graph = graph, .plugins = plugins, .problems = problems };

    graph->engine = engine;
    build.root = conf_read(path, &settings, problems);
    build.defaults = setting_find(build.root, "defaults");
    build_options(&build);
    build.durable = statedir_path(graph->options.state_dir) != NULL;
    build_defaults(&build);
    build_sinks(&build);
    graph->router = router_new(setting_find(build.root, "routes"), graph->sinks,
                               graph->sink_count, problems);
    build_the_sources(&build);
    build_froms(&build);
    build_checks(&build);
    if (!problems->errors)
        build_idle(&build);
    arena_deinit(&settings);
    if (problems->errors == 0)
        return graph;
    graph_free(graph);
    return NULL;
}
