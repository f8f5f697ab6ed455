/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_source.c - the sources of a graph.
 *
 * It goes on after each fault, so that one run tells all of them.
 */
#include "graph_build.h"

#include "inventory.h"

#include <stdio.h>
#include <string.h>

const struct sonde_option graph_source_rows[] = {
    SONDE_STRING(struct source_options, name, .required = true,
                 .help = "name of the source, for `from` in routes"),
    SONDE_STRING(struct source_options, plugin, .required = true,
                 .help = "the plugin that hears"),
    SONDE_STRING(struct source_options, otherwise,
                 .help = "the sink that takes what cannot be decoded"),
    { 0 }
};

/* The group `buffer` of a source; what waits for its sinks is theirs. */
const struct sonde_option graph_source_buffer_rows[] = {
    SONDE_SIZE(struct source_options, memory, .fallback = "16MiB", .min = 65536,
               .max = INT64_C(1) << 40,
               .help = "bytes of events that may be out, read and not yet delivered"),
    SONDE_INTEGER(struct source_options, events, .fallback = "100000", .min = 1,
                  .max = INT64_C(1) << 30, .help = "events that may be out"),
    { 0 }
};

/* For option_unknown: `buffer` and `labels`, which are groups. */
static const struct sonde_option build_source_groups[] = {
    { .name = "buffer", .kind = SONDE_KIND_STRING },
    { .name = "labels", .kind = SONDE_KIND_STRING },
    { 0 }
};

static bool
build_source_label(struct build *build, const struct setting *at, const char *who,
                   struct label *label)
{
    const char *value = inventory_label(at, &build->graph->memory);

    *label = (struct label){ arena_text(&build->graph->memory, at->name),
                             value ? arena_text(&build->graph->memory, value) : "" };
    if (value && inventory_label_name_ok(at->name))
        return true;
    problem_add(build->problems, at->place,
                value ? "%s: \"%s\" cannot name a label"
                      : "%s: label \"%s\" must be a text, a number, true or false",
                who, at->name);
    return false;
}

static void
build_source_labels(struct build *build, struct source *source,
                    const struct setting *section, const char *who)
{
    const struct setting *group = setting_find(section, "labels");
    struct label *labels;
    size_t count = 0;

    if (!group)
        return;
    if (group->kind != SETTING_GROUP) {
        problem_add(build->problems, group->place,
                    "%s: labels must be a group, as in { site = \"icn\"; }", who);
        return;
    }
    for (const struct setting *at = group->first; at; at = at->next)
        count++;
    if (count > EVENT_LABELS) {
        problem_add(build->problems, group->place, "%s: more than %d labels", who,
                    EVENT_LABELS);
        return;
    }
    labels = arena_new(&build->graph->memory, count * sizeof(*labels));
    source->home.labels = labels;
    for (const struct setting *at = group->first; at; at = at->next)
        source->home.label_count += build_source_label(build, at, who,
                                                       &labels[source->home.label_count]);
    if (source->home.label_count)
        qsort(labels, source->home.label_count, sizeof(*labels), inventory_label_order);
}

static bool
build_source_buffer(struct build *build, struct source *source,
                    const struct option_sources *sources, const char *who)
{
    static const struct sonde_option *const tables[] = { graph_source_buffer_rows, NULL };
    const struct setting *own = setting_find(sources->own, "buffer");
    struct option_sources from = { .own = own };
    struct place place = own ? own->place : sources->own->place;

    if (own && own->kind != SETTING_GROUP) {
        problem_add(build->problems, place,
                    "%s: buffer: expected a group, as in { memory = \"16MiB\"; }", who);
        return false;
    }
    from.defaults[0] = setting_find(sources->defaults[0], "buffer");
    if (own)
        option_unknown(own, tables, who, build->problems);
    return option_fill(&source->options, graph_source_buffer_rows, &from,
                       &build->graph->memory, who, place, build->problems);
}

/* A sink with full = "drop" holds no source: what it may hold of its events comes on top
 * of what the source may have out itself. */
static struct source_bounds
build_source_bounds(const struct graph *graph, const struct source_options *options)
{
    struct source_bounds bounds = { (size_t)options->events, (size_t)options->memory };

    for (size_t i = 0; i < graph->sink_count; i++) {
        const struct sink_options *sink = &graph->sinks[i]->options;

        if (sink->block)
            continue;
        bounds.events += (size_t)sink->events;
        bounds.bytes += (size_t)sink->memory;
    }
    return bounds;
}

static struct source *
build_source_new(struct build *build, const struct plugin *plugin, const char *name)
{
    struct graph *graph = build->graph;
    struct source *source = memory_new(sizeof(*source));

    instance_init(&source->instance, plugin, arena_text(&graph->memory, name));
    source->home = (struct source_home){ .router = graph->router,
                                         .observer = graph->engine->options.observer,
                                         .seq = &graph->engine->seq };
    graph->sources[graph->source_count++] = source;
    return source;
}

static void
build_source_from(struct build *build, const struct setting *section,
                  const struct plugin *plugin, const char *name, const char *who)
{
    const struct sonde_option *const tables[] = { graph_source_rows, plugin->options,
                                                  build_source_groups, NULL };
    struct option_sources sources = build_sources(build, section, plugin);
    struct source *source = build_source_new(build, plugin, name);
    const struct setting *otherwise;
    bool ok = option_unknown(section, tables, who, build->problems);

    if (!option_fill(&source->options, graph_source_rows, &sources, &build->graph->memory,
                     who, section->place, build->problems))
        return;
    ok &= build_source_buffer(build, source, &sources, who);
    build_source_labels(build, source, section, who);
    otherwise = option_setting(&sources, "otherwise");
    if (otherwise && source->options.otherwise)
        source->home.otherwise = build_otherwise_sink(
            build, otherwise, source->options.otherwise, who, NULL);
    source->home.bounds = build_source_bounds(build->graph, &source->options);
    if (ok)
        build_instance(build, &source->instance, &sources, who, section->place);
}

static void
build_source(struct build *build, const struct setting *section)
{
    const char *name = build_name(build, section, "source", "name");
    const char *plugin_name = build_name(build, section, "source", "plugin");
    AUTO_FREE char *who = memory_format("source \"%s\"", name ? name : "?");
    const struct plugin *plugin = NULL;

    if (plugin_name)
        plugin = build_plugin(build, PLUGIN_SOURCE, plugin_name, section, who);
    if (name && plugin)
        build_source_from(build, section, plugin, name, who);
}

void
build_the_sources(struct build *build)
{
    const struct setting *list = setting_find(build->root, "sources");
    size_t count = 0;

    for (const struct setting *at = list ? list->first : NULL; at; at = at->next)
        count++;
    build->graph->sources = memory_array(count, sizeof(struct source *));
    for (const struct setting *at = list ? list->first : NULL; at; at = at->next)
        build_source(build, at);
}

/* ---- the sources that routes name ---- */

static void
build_from_name(struct build *build, const char *route, const struct setting *value)
{
    const struct setting *list = setting_find(build->root, "sources");
    const char **names, *near;
    size_t count = 0, room = 0;
    bool known = value->kind != SETTING_TEXT || strpbrk(value->text, "*?");

    for (const struct setting *at = list ? list->first : NULL; at; at = at->next)
        room++;
    names = memory_array(room, sizeof(*names));
    for (const struct setting *at = list ? list->first : NULL; at; at = at->next) {
        const struct setting *name = setting_find(at, "name");

        if (!name || name->kind != SETTING_TEXT)
            continue;
        known |= !known && strcmp(name->text, value->text) == 0;
        names[count++] = name->text;
    }
    near = known || value->secret ? NULL : text_nearest(value->text, names, count);
    if (!known)
        problem_add(build->problems, value->place,
                    "route \"%s\": from: no source is named \"%s\"%s%s%s", route,
                    value->secret ? "***" : value->text, near ? "; did you mean \"" : "",
                    near ? near : "", near ? "\"?" : "");
    free(names);
}

static void
build_from(struct build *build, const char *route, const struct setting *match)
{
    const struct setting *from = setting_find(match, "from");

    if (from && from->kind == SETTING_TEXT)
        build_from_name(build, route, from);
    for (const struct setting *at = from && from->kind == SETTING_LIST ? from->first
                                                                       : NULL;
         at; at = at->next)
        build_from_name(build, route, at);
}

/* Whatever else is wrong with a route is router_read.c's to say. */
void
build_froms(struct build *build)
{
    const struct setting *routes = setting_find(build->root, "routes");

    for (const struct setting *at = routes ? routes->first : NULL; at; at = at->next) {
        const struct setting *name = setting_find(at, "name");
        const struct setting *match = setting_find(at, "match");

        build_from(build, name && name->kind == SETTING_TEXT ? name->text : "?", match);
        build_from(build, name && name->kind == SETTING_TEXT ? name->text : "?",
                   setting_find(match, "not"));
    }
}
