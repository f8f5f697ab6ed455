/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_diff.c - what is different after a reload, in one line: names where there is one
 * of a kind, else how many.
 */
#include "graph_inside.h"

#include <string.h>

void
graph_diff_count(struct diff *diff, enum diff_what what, enum diff_how how,
                 const char *name)
{
    struct diff_count *count = &diff->all[what][how];

    if (count->count++ == 0)
        count->name = memory_text(name);
}

/* -1: there is none. */
static int64_t
graph_diff_find(const struct router *router, const char *name)
{
    for (size_t i = 0; i < router_route_count(router); i++)
        if (strcmp(router_route_name(router, i), name) == 0)
            return (int64_t)i;
    return -1;
}

void
graph_diff_routes(struct diff *diff, const struct router *old, const struct router *fresh)
{
    for (size_t i = 0; i < router_route_count(fresh); i++) {
        const char *name = router_route_name(fresh, i);
        int64_t was = graph_diff_find(old, name);

        if (was == -1)
            graph_diff_count(diff, DIFF_ROUTE, DIFF_ADDED, name);
        else if (!router_route_same(old, (size_t)was, fresh, i))
            graph_diff_count(diff, DIFF_ROUTE, DIFF_CHANGED, name);
    }
    for (size_t i = 0; i < router_route_count(old); i++)
        if (graph_diff_find(fresh, router_route_name(old, i)) == -1)
            graph_diff_count(diff, DIFF_ROUTE, DIFF_REMOVED, router_route_name(old, i));
}

char *
graph_diff_text(const struct diff *diff)
{
    static const char *const whats[] = { "check", "source", "sink", "route" };
    static const char *const hows[] = { "added", "changed", "adjusted", "removed" };
    struct text out = { 0 };

    text_puts(&out, "");
    for (int what = 0; what < DIFF_WHATS; what++)
        for (int how = 0; how < DIFF_HOWS; how++) {
            const struct diff_count *count = &diff->all[what][how];
            const char *comma = out.length ? ", " : "";

            if (count->count == 1)
                text_printf(&out, "%s%s \"%s\" %s", comma, whats[what], count->name,
                            hows[how]);
            else if (count->count)
                text_printf(&out, "%s%zu %ss %s", comma, count->count, whats[what],
                            hows[how]);
        }
    return out.bytes;
}

void
graph_diff_deinit(struct diff *diff)
{
    for (int what = 0; what < DIFF_WHATS; what++)
        for (int how = 0; how < DIFF_HOWS; how++)
            free(diff->all[what][how].name);
}
