/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_check.c - the checks of a graph: one for each target of each section, and
 * the daemon's own.
 */
#include "graph_build.h"

#include "log.h"
#include "observer.h"
#include "targets.h"

#include <stdio.h>
#include <string.h>

/* Names that are taken, to tell the second of them; open addressing. */
struct names {
    struct name {
        const char *name;
        struct place place;
    } * slots;
    size_t count, room;
    struct arena memory;
};

struct section {
    struct build *build;
    struct names *names;
};

static struct name *
names_slot(const struct names *names, const char *name)
{
    size_t at = text_hash(name, strlen(name)) & (names->room - 1);

    while (names->slots[at].name && strcmp(names->slots[at].name, name) != 0)
        at = (at + 1) & (names->room - 1);
    return &names->slots[at];
}

static void
names_grow(struct names *names)
{
    struct names larger = *names;

    larger.room = names->room ? names->room * 2 : 64;
    larger.slots = memory_array(larger.room, sizeof(*larger.slots));
    for (size_t i = 0; i < names->room; i++)
        if (names->slots[i].name)
            *names_slot(&larger, names->slots[i].name) = names->slots[i];
    free(names->slots);
    *names = larger;
}

/* The place of an earlier one of that name, or NULL: it is entered now. */
static const struct place *
names_enter(struct names *names, const char *name, struct place place)
{
    struct name *slot;

    if (names->count * 2 >= names->room)
        names_grow(names);
    slot = names_slot(names, name);
    if (slot->name)
        return &slot->place;
    *slot = (struct name){ arena_text(&names->memory, name), place };
    names->count++;
    return NULL;
}

/* ---- one check ---- */

static void
build_append(struct graph *graph, struct check *check)
{
    if (graph->check_count == graph->check_room) {
        graph->check_room = graph->check_room ? graph->check_room * 2 : 64;
        graph->checks = memory_grow(graph->checks, graph->check_room,
                                    sizeof(*graph->checks));
    }
    graph->checks[graph->check_count++] = check;
    check->home = &graph->engine->homes[check->known->origin->hash
                                        % (uint64_t)graph->options.loops];
}

static bool
build_latency(struct build *build, const struct check_options *options,
              const struct option_sources *sources, const char *who)
{
    const char *idle = options->latency_fail >= options->timeout   ? "latency_fail"
                       : options->latency_warn >= options->timeout ? "latency_warn"
                                                                   : NULL;
    char most[32];

    if (idle)
        problem_add(build->problems, option_setting(sources, idle)->place,
                    "%s: %s is not below the timeout (%s), so no run can cross it", who,
                    idle, text_duration_format(options->timeout, most, sizeof(most)));
    else if (options->latency_fail && options->latency_warn >= options->latency_fail)
        problem_add(build->problems, option_setting(sources, "latency_warn")->place,
                    "%s: latency_warn must be below latency_fail", who);
    else
        return true;
    return false;
}

/* What one row alone cannot say. */
static bool
build_times(struct build *build, struct check_options *options,
            const struct option_sources *sources, const char *who)
{
    const struct setting *timeout = option_setting(sources, "timeout");

    if (options->down_interval && options->down_interval < 10) {
        problem_add(build->problems, option_setting(sources, "down_interval")->place,
                    "%s: down_interval must be 0 or at least 10ms", who);
        return false;
    }
    if (options->timeout <= options->interval)
        return true;
    /* Not written down, or for all checks, of which this one has a shorter interval. */
    if (!timeout
        || (!setting_find(sources->own, "timeout")
            && setting_find(sources->own, "interval"))) {
        options->timeout = options->interval;
        return true;
    }
    problem_add(build->problems, timeout->place,
                "%s: timeout is longer than interval; a run must be over before the next "
                "one is due",
                who);
    return false;
}

static const struct plugin *
build_check_plugin(struct build *build, const struct setting *made, const char *who)
{
    const struct setting *named = setting_find(made, "plugin");

    if (named && named->kind == SETTING_TEXT)
        return build_plugin(build, PLUGIN_PROBE, named->text, made, who);
    problem_add(
        build->problems, named ? named->place : made->place,
        "%s: without a plugin; name the probe that answers, as in plugin = \"tcp\"", who);
    return NULL;
}

/* The common options, whose texts live in memory only. */
static bool
build_check_options(struct section *section, const struct setting *made,
                    const struct plugin *plugin, struct check_options *options,
                    struct arena *memory, const char *who)
{
    struct build *build = section->build;
    const struct sonde_option *const tables[] = { check_option_rows, plugin->options,
                                                  NULL };
    struct option_sources sources = build_sources(build, made, plugin);
    bool ok = option_unknown(made, tables, who, build->problems);

    ok &= option_fill(options, check_option_rows, &sources, memory, who, made->place,
                      build->problems);
    return ok && build_times(build, options, &sources, who)
           && build_latency(build, options, &sources, who) && options->enabled;
}

static void
build_check_from(struct section *section, const struct setting *made,
                 const struct plugin *plugin, const struct label *labels, size_t count,
                 const char *who)
{
    struct build *build = section->build;
    struct option_sources sources = build_sources(build, made, plugin);
    struct check_options options = { 0 };
    struct arena scratch = { 0 };
    struct origin *origin;
    struct check *check;

    if (!build_check_options(section, made, plugin, &options, &scratch, who)) {
        arena_deinit(&scratch);
        return;
    }
    origin = origin_new(options.name, plugin->name, build->graph->options.observer,
                        labels, count);
    check = memory_new(sizeof(*check));
    check_init(check, plugin, &options, origin);
    build_append(build->graph, check);
    build_instance(build, &check->instance, &sources, who, made->place);
    check->path = router_path(build->graph->router, origin);
    arena_deinit(&scratch);
}

static void
build_check(const struct setting *made, const struct label *labels, size_t count,
            struct place row, void *arg)
{
    struct section *section = arg;
    struct build *build = section->build;
    const struct setting *named = setting_find(made, "name");
    const struct place *earlier;
    const struct plugin *plugin;
    AUTO_FREE char *who = NULL;

    (void)row;
    if (!named || named->kind != SETTING_TEXT || !*named->text) {
        problem_add(build->problems, named ? named->place : made->place,
                    "a check without a name: every check has one, as a text");
        return;
    }
    who = memory_format("check \"%s\"", named->text);
    earlier = names_enter(section->names, named->text, named->place);
    if (earlier && !earlier->file) {
        problem_add(build->problems, named->place, "%s: the name is the daemon's own",
                    who);
        return;
    }
    if (earlier) {
        problem_add(build->problems, named->place, "%s: the name is taken at %s:%u", who,
                    earlier->file, earlier->line);
        return;
    }
    plugin = build_check_plugin(build, made, who);
    if (plugin)
        build_check_from(section, made, plugin, labels, count, who);
}

/* ---- the daemon itself ---- */

static void
build_observer(struct build *build)
{
    static const struct check_options options = {
        .enabled = true,
        .interval = 30000,
        .timeout = 5000,
        .retry_interval = 100, /* sinks that come and go ask no more often */
        .rise = 1,
        .fall = 1,
    };
    AUTO_FREE char *name = memory_format("observer:%s", build->graph->options.observer);
    struct origin *origin = origin_new(name, observer_plugin.name,
                                       build->graph->options.observer, NULL, 0);
    struct check *check = memory_new(sizeof(*check));

    check_init(check, &observer_plugin, &options, origin);
    check->instance.name = memory_text(name);
    check->instance.owns = true;
    ((struct observer *)check->instance.private)->graph = build->graph;
    instance_open(&check->instance);
    build_append(build->graph, check);
    check->path = router_path(build->graph->router, origin);
}

void
build_checks(struct build *build)
{
    const struct setting *list = setting_find(build->root, "checks");
    struct targets *targets = targets_new(setting_find(build->root, "targets"),
                                          build->problems);
    AUTO_FREE char *own = memory_format("observer:%s", build->graph->options.observer);
    struct names names = { 0 };

    names_enter(&names, own, (struct place){ 0 });
    for (const struct setting *at = list ? list->first : NULL; at; at = at->next) {
        struct section section = { .build = build, .names = &names };

        targets_each(targets, at, build->graph->options.observer, build_check, &section,
                     build->problems);
    }
    free(names.slots);
    arena_deinit(&names.memory);
    targets_free(targets);
    build_observer(build);
}
