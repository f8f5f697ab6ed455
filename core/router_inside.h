/* SPDX-License-Identifier: Apache-2.0
 *
 * router_inside.h - routes as they were read, and paths, shared by router_read.c
 * (settings to routes), router.c (routes to paths) and router_reload.c (those of two
 * configurations).
 */
#ifndef CORE_ROUTER_INSIDE_H
#define CORE_ROUTER_INSIDE_H

#include "router.h"

/* What is asked of an event: a bit for each value that will do. */
struct bits {
    uint32_t kinds, states, previous, reasons;
};

struct globs {
    const char **patterns; /* any suffices */
    size_t count;          /* 0: not asked */
};

struct label_rule {
    struct label_rule *next;
    const char *name;
    struct globs globs;
};

/* All that `match`, or `not` in it, asks. */
struct rule {
    struct bits bits;
    struct globs check, plugin, from;
    struct label_rule *labels;
};

struct route {
    struct route *next;
    const char *name;
    struct place place;
    struct rule match, except;
    bool has_except;
    const struct sink **to;
    size_t to_count;
    bool used; /* by a path */
};

struct step {
    struct sink *sink;
    const char *route;
    struct bits match, except; /* except.kinds 0: leaves nothing out */
};

struct path {
    struct path *next;
    const struct router *router;
    uint64_t hash;
    unsigned char *answers; /* one for each route */
    struct step *steps;
    size_t step_count;
};

struct router {
    struct arena memory;
    struct sink *const *sinks;
    size_t sink_count;
    struct route *routes; /* in the order written */
    size_t route_count;
    struct path_set paths; /* of checks */
    struct keep *keep;     /* or NULL */
};

const struct route *router_route(const struct router *router, size_t index);
void router_read(struct router *router, const struct setting *routes,
                 struct problems *problems);

#endif
