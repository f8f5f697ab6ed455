/* SPDX-License-Identifier: Apache-2.0
 *
 * router.c - routes compiled into paths, and events sent along them.  See router.h.
 *
 * For a check each route is out of the question, or matches but for bits, or also
 * leaves out what has certain bits.  Checks for which every route comes to the same
 * share a path.  In a path the steps of one sink stand together, in the order of the
 * routes: the first that matches owns the event.
 */
#include "router_inside.h"

#include <string.h>

enum answer { ROUTE_OUT, ROUTE_IN, ROUTE_EXCEPT };

struct router *
router_new(const struct setting *routes, struct sink *const *sinks, size_t count,
           struct problems *problems)
{
    struct router *router = memory_new(sizeof(*router));

    router->sinks = sinks;
    router->sink_count = count;
    router_read(router, routes, problems);
    return router;
}

void
router_free(struct router *router)
{
    if (!router)
        return;
    path_set_deinit(&router->paths);
    arena_deinit(&router->memory);
    free(router);
}

void
router_keep(struct router *router, struct keep *keep)
{
    router->keep = keep;
}

/* ---- what a route asks of a check ---- */

static bool
globs_match(const struct globs *globs, const char *text)
{
    if (!globs->count)
        return true;
    for (size_t i = 0; i < globs->count; i++)
        if (text_glob(globs->patterns[i], text))
            return true;
    return false;
}

static bool
label_match(const struct label_rule *rule, const struct origin *origin)
{
    for (size_t i = 0; i < origin->label_count; i++)
        if (strcmp(origin->labels[i].name, rule->name) == 0)
            return globs_match(&rule->globs, origin->labels[i].value);
    return false;
}

/* from: the source, or NULL: it is a check of ours. */
static bool
from_match(const struct rule *rule, const char *from)
{
    return from ? globs_match(&rule->from, from) : !rule->from.count;
}

static bool
rule_match(const struct rule *rule, const struct origin *origin, const char *from)
{
    if (!from_match(rule, from) || !globs_match(&rule->check, origin->check)
        || !globs_match(&rule->plugin, origin->plugin))
        return false;
    for (const struct label_rule *label = rule->labels; label; label = label->next)
        if (!label_match(label, origin))
            return false;
    return true;
}

static bool
bits_all(const struct bits *bits)
{
    return (bits->kinds & bits->states & bits->previous & bits->reasons) == UINT32_MAX;
}

static enum answer
route_ask(const struct route *route, const struct origin *origin, const char *from)
{
    if (!rule_match(&route->match, origin, from))
        return ROUTE_OUT;
    if (!route->has_except || !rule_match(&route->except, origin, from))
        return ROUTE_IN;
    return bits_all(&route->except.bits) ? ROUTE_OUT : ROUTE_EXCEPT;
}

/* ---- paths ---- */

static size_t
path_add_sink(const struct router *router, const unsigned char *answers,
              struct sink *sink, struct step *steps)
{
    size_t count = 0, i = 0;

    for (const struct route *route = router->routes; route; route = route->next, i++) {
        if (answers[i] == ROUTE_OUT)
            continue;
        for (size_t k = 0; k < route->to_count; k++) {
            if (route->to[k] != sink)
                continue;
            if (steps)
                steps[count] = (struct step){ .sink = sink,
                                              .route = route->name,
                                              .match = route->match.bits };
            if (steps && answers[i] == ROUTE_EXCEPT)
                steps[count].except = route->except.bits;
            count++;
        }
    }
    return count;
}

static const struct path *
path_new(const struct router *router, struct path_set *paths,
         const unsigned char *answers, uint64_t hash)
{
    struct arena *memory = &paths->memory;
    struct path *path = arena_new(memory, sizeof(*path));
    size_t count = 0;

    for (size_t i = 0; i < router->sink_count; i++)
        count += path_add_sink(router, answers, router->sinks[i], NULL);
    path->steps = arena_new(memory, count * sizeof(*path->steps));
    for (size_t i = 0; i < router->sink_count; i++)
        path->step_count += path_add_sink(router, answers, router->sinks[i],
                                          path->steps + path->step_count);
    path->router = router;
    path->hash = hash;
    path->answers = arena_new(memory, router->route_count);
    memcpy(path->answers, answers, router->route_count);
    path->next = paths->first;
    paths->first = path;
    return path;
}

const struct path *
router_path_from(const struct router *router, struct path_set *paths,
                 const struct origin *origin, const char *from)
{
    AUTO_FREE unsigned char *answers = memory_array(router->route_count, 1);
    const struct path *path = paths->first;
    uint64_t hash;
    size_t i = 0;

    for (const struct route *route = router->routes; route; route = route->next)
        answers[i++] = (unsigned char)route_ask(route, origin, from);
    hash = text_hash((const char *)answers, router->route_count);
    while (path
           && (path->hash != hash
               || memcmp(path->answers, answers, router->route_count) != 0))
        path = path->next;
    return path ? path : path_new(router, paths, answers, hash);
}

const struct path *
router_path(struct router *router, const struct origin *origin)
{
    const struct path *path = router_path_from(router, &router->paths, origin, NULL);
    size_t i = 0;

    for (struct route *route = router->routes; route; route = route->next)
        route->used |= path->answers[i++] != ROUTE_OUT && route->to_count;
    return path;
}

const struct path *
router_path_to(const struct router *router, struct path_set *paths, struct sink *sink,
               const char *route)
{
    const struct bits all = { UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX };
    struct path *path = arena_new(&paths->memory, sizeof(*path));

    path->router = router;
    path->steps = arena_new(&paths->memory, sizeof(*path->steps));
    path->steps[0] = (struct step){ .sink = sink,
                                    .route = arena_text(&paths->memory, route),
                                    .match = all };
    path->step_count = 1;
    return path;
}

void
path_set_deinit(struct path_set *paths)
{
    arena_deinit(&paths->memory);
    paths->first = NULL;
}

/* ---- events ---- */

static bool
bits_match(const struct bits *bits, const struct sonde_event *event)
{
    return bits->kinds >> event->kind & bits->states >> event->state
           & bits->previous >> event->previous & bits->reasons >> event->reason & 1;
}

static bool
step_match(const struct step *step, const struct sonde_event *event)
{
    return bits_match(&step->match, event) && !bits_match(&step->except, event);
}

/* One record for all sinks that want it on the disk.  graph_sink.c sees to it that there
 * are not too many. */
static void
router_write(const struct path *path, struct sonde_event *event)
{
    const struct step *end = path->steps + path->step_count;
    const struct sink *got = NULL;
    struct keep_targets targets;

    targets.count = 0;
    for (const struct step *step = path->steps; step < end; step++) {
        if (step->sink == got || !step->sink->spool || !step_match(step, event))
            continue;
        got = step->sink;
        targets.spools[targets.count] = got->spool;
        targets.names[targets.count++] = (struct journal_target){ got->instance.name,
                                                                  step->route };
    }
    keep_event(path->router->keep, event, &targets);
}

void
router_push(const struct path *path, struct sonde_event *event)
{
    const struct step *end = path->steps + path->step_count;
    const struct sink *got = NULL;
    bool written = event->own;

    for (const struct step *step = path->steps; step < end; step++) {
        if (step->sink == got || !step_match(step, event))
            continue;
        got = step->sink;
        if (!got->payload)
            event_encoded(event, got->format); /* here, so that the queue counts it */
        if (got->spool)
            written = true;
        else
            sink_push(step->sink, event, step->route);
    }
    if (written && path->router->keep)
        router_write(path, event);
}

struct sink *
path_blocks(const struct path *path, const struct sonde_event *event)
{
    for (size_t i = 0; i < path->step_count; i++) {
        struct sink *sink = path->steps[i].sink;

        if (atomic_load_explicit(&sink->blocks, memory_order_relaxed)
            && step_match(&path->steps[i], event) && sink_full(sink))
            return sink;
    }
    return NULL;
}

const char *
path_reaches(const struct path *path, const struct sonde_event *event,
             const struct sink *sink)
{
    for (size_t i = 0; i < path->step_count; i++)
        if (path->steps[i].sink == sink && step_match(&path->steps[i], event))
            return path->steps[i].route;
    return NULL;
}

/* ---- for people ---- */

void
path_each(const struct path *path,
          void (*fn)(const char *route, const struct sink *sink, void *arg), void *arg)
{
    for (size_t i = 0; i < path->step_count; i++)
        fn(path->steps[i].route, path->steps[i].sink, arg);
}

const struct route *
router_route(const struct router *router, size_t index)
{
    const struct route *route = router->routes;

    while (route && index--)
        route = route->next;
    return route;
}

void
router_each_from(const struct router *router, const char *from,
                 void (*fn)(const char *route, const struct sink *sink, void *arg),
                 void *arg)
{
    for (const struct route *route = router->routes; route; route = route->next)
        for (size_t i = 0; from_match(&route->match, from) && i < route->to_count; i++)
            fn(route->name, route->to[i], arg);
}

size_t
router_route_count(const struct router *router)
{
    return router->route_count;
}

const char *
router_route_name(const struct router *router, size_t index)
{
    return router_route(router, index)->name;
}

bool
router_route_idle(const struct router *router, size_t index)
{
    return !router_route(router, index)->used;
}

bool
router_route_from(const struct router *router, size_t index, const char *from)
{
    return from_match(&router_route(router, index)->match, from);
}

struct place
router_route_place(const struct router *router, size_t index)
{
    return router_route(router, index)->place;
}

bool
router_sink_idle(const struct router *router, const struct sink *sink)
{
    for (const struct route *route = router->routes; route; route = route->next)
        for (size_t i = 0; i < route->to_count; i++)
            if (route->to[i] == sink)
                return false;
    return true;
}
