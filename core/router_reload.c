/* SPDX-License-Identifier: Apache-2.0
 *
 * router_reload.c - routes of two configurations compared, and sinks that outlive one put
 * into the paths of the next.
 */
#include "router_inside.h"

#include <string.h>

static bool
globs_same(const struct globs *a, const struct globs *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->patterns[i], b->patterns[i]) != 0)
            return false;
    return true;
}

static bool
labels_same(const struct label_rule *a, const struct label_rule *b)
{
    for (; a && b; a = a->next, b = b->next)
        if (strcmp(a->name, b->name) != 0 || !globs_same(&a->globs, &b->globs))
            return false;
    return !a && !b;
}

static bool
bits_same(const struct bits *a, const struct bits *b)
{
    return a->kinds == b->kinds && a->states == b->states && a->previous == b->previous
           && a->reasons == b->reasons;
}

static bool
rule_same(const struct rule *a, const struct rule *b)
{
    return bits_same(&a->bits, &b->bits) && globs_same(&a->check, &b->check)
           && globs_same(&a->plugin, &b->plugin) && globs_same(&a->from, &b->from)
           && labels_same(a->labels, b->labels);
}

static bool
to_same(const struct route *a, const struct route *b)
{
    if (a->to_count != b->to_count)
        return false;
    for (size_t i = 0; i < a->to_count; i++)
        if (strcmp(a->to[i]->instance.name, b->to[i]->instance.name) != 0)
            return false;
    return true;
}

bool
router_route_same(const struct router *a, size_t i, const struct router *b, size_t j)
{
    const struct route *one = router_route(a, i), *other = router_route(b, j);

    return one->has_except == other->has_except && rule_same(&one->match, &other->match)
           && (!one->has_except || rule_same(&one->except, &other->except))
           && to_same(one, other);
}

void
router_exchange(struct router *router, const struct sink *fresh, struct sink *stays)
{
    for (struct route *route = router->routes; route; route = route->next)
        for (size_t i = 0; i < route->to_count; i++)
            if (route->to[i] == fresh)
                route->to[i] = stays;
    for (struct path *path = router->paths.first; path; path = path->next)
        for (size_t i = 0; i < path->step_count; i++)
            if (path->steps[i].sink == fresh)
                path->steps[i].sink = stays;
}
