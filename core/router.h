/* SPDX-License-Identifier: Apache-2.0
 *
 * router.h - which events go to which sinks.
 *
 * Everything that a route asks about a check (its name, plugin, labels) is
 * answered when the configuration is loaded; what is left at run time is a bit
 * test on kind, state, previous state and reason.
 */
#ifndef CORE_ROUTER_H
#define CORE_ROUTER_H

#include "keep.h"
#include "setting.h"
#include "sink.h"

struct router;
struct path;

/* Compiled paths, of which those that are the same are one. */
struct path_set {
    struct arena memory;
    struct path *first;
};

/* Reads the section `routes` (may be NULL): unknown keys, sinks and values are
 * told with the nearest name.  The router keeps what it needs; sinks[] lives as
 * long as it does. */
struct router *router_new(const struct setting *routes, struct sink *const *sinks,
                          size_t count, struct problems *problems);
void router_free(struct router *router); /* NULL does nothing */
/* Before the first event, where there is a keep: it gets what is for sinks with a spool.
 */
void router_keep(struct router *router, struct keep *keep);

/* The compiled path of a check; checks alike share one.  Lives with the router.  For
 * the thread that builds the graph. */
const struct path *router_path(struct router *router, const struct origin *origin);
/* The same for an event of the source from, in a set of the caller's.  Any thread; paths
 * live with the set. */
const struct path *router_path_from(const struct router *router, struct path_set *paths,
                                    const struct origin *origin, const char *from);
/* A path to that sink alone, for all events. */
const struct path *router_path_to(const struct router *router, struct path_set *paths,
                                  struct sink *sink, const char *route);
void path_set_deinit(struct path_set *paths); /* an empty set again */

/* Encodes the event as its sinks want it and enqueues it.  Borrows the event; it
 * must not change any more.  Any thread. */
void router_push(const struct path *path, struct sonde_event *event);
/* A sink that wants the event, has no room and may hold sources (full = "block"); or
 * NULL. */
struct sink *path_blocks(const struct path *path, const struct sonde_event *event);
/* Whether an event with these would reach the sink, for `present`: the route's name,
 * or NULL. */
const char *path_reaches(const struct path *path, const struct sonde_event *event,
                         const struct sink *sink);

/* A sink that goes on stands in the place of the one that was made for it; no path is in
 * use yet. */
void router_exchange(struct router *router, const struct sink *fresh, struct sink *stays);

/* For --check: which sinks a path can ever reach, by which routes. */
void path_each(const struct path *path,
               void (*fn)(const char *route, const struct sink *sink, void *arg),
               void *arg);
/* Which sinks a source may reach, by which routes. */
void router_each_from(const struct router *router, const char *from,
                      void (*fn)(const char *route, const struct sink *sink, void *arg),
                      void *arg);
size_t router_route_count(const struct router *router);
const char *router_route_name(const struct router *router, size_t index);

/* For warnings, when every check has its path: the route is part of none; no route
 * names the sink. */
bool router_route_idle(const struct router *router, size_t index);
/* They ask the same and lead to sinks of the same names. */
bool router_route_same(const struct router *a, size_t i, const struct router *b,
                       size_t j);
/* Whether events of that source might take the route: what it asks of checks is known
 * only when they come. */
bool router_route_from(const struct router *router, size_t index, const char *from);
struct place router_route_place(const struct router *router, size_t index);
bool router_sink_idle(const struct router *router, const struct sink *sink);

#endif
