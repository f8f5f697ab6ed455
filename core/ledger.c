/* SPDX-License-Identifier: Apache-2.0
 *
 * ledger.c - what a sink was given and what became of it.  See ledger.h.
 */
#include "ledger.h"

#include "memory.h"

#include <string.h>

const char *const ledger_line_names[LEDGER_LINES] = {
    [LEDGER_ACCEPTED] = "accepted",     [LEDGER_RESTORED] = "restored",
    [LEDGER_DELIVERED] = "delivered",   [LEDGER_REJECTED] = "rejected",
    [LEDGER_MOVED] = "moved",           [LEDGER_RESULT] = "result",
    [LEDGER_SUPERSEDED] = "superseded", [LEDGER_OLDEST] = "oldest",
    [LEDGER_DAMAGED] = "damaged",
};

void
ledger_init(struct ledger *ledger)
{
    memset(ledger, 0, sizeof(*ledger));
    pthread_mutex_init(&ledger->lock, NULL);
}

void
ledger_deinit(struct ledger *ledger)
{
    for (struct ledger_route *route = atomic_load(&ledger->routes), *next; route;
         route = next) {
        next = route->next;
        free(route);
    }
    pthread_mutex_destroy(&ledger->lock);
}

static struct ledger_route *
ledger_find(const struct ledger *ledger, const char *name)
{
    struct ledger_route *route = atomic_load_explicit(&ledger->routes,
                                                      memory_order_acquire);

    while (route && strcmp(route->name, name) != 0)
        route = route->next;
    return route;
}

struct ledger_route *
ledger_route(struct ledger *ledger, const char *name)
{
    struct ledger_route *route;
    size_t size;

    if (!name)
        name = "";
    route = ledger_find(ledger, name);
    if (route)
        return route;
    pthread_mutex_lock(&ledger->lock);
    route = ledger_find(ledger, name);
    if (!route) {
        size = strlen(name) + 1;
        route = memory_new(sizeof(*route) + size);
        memcpy(route->name, name, size);
        route->next = atomic_load_explicit(&ledger->routes, memory_order_relaxed);
        atomic_store_explicit(&ledger->routes, route, memory_order_release);
    }
    pthread_mutex_unlock(&ledger->lock);
    return route;
}

void
ledger_add(struct ledger *ledger, struct ledger_route *route, enum ledger_line line,
           uint64_t count)
{
    atomic_fetch_add_explicit(&ledger->lines[line], count, memory_order_relaxed);
    atomic_fetch_add_explicit(&route->lines[line], count, memory_order_relaxed);
}

uint64_t
ledger_read(const atomic_ullong *line)
{
    return atomic_load_explicit((atomic_ullong *)line, memory_order_relaxed);
}

uint64_t
ledger_dropped(const atomic_ullong lines[LEDGER_LINES])
{
    uint64_t dropped = 0;

    for (int line = LEDGER_DROPPED; line < LEDGER_LINES; line++)
        dropped += ledger_read(&lines[line]);
    return dropped;
}

struct ledger_sum
ledger_sum(const struct ledger *ledger, uint64_t queued)
{
    return (struct ledger_sum){
        .accepted = ledger_read(&ledger->lines[LEDGER_ACCEPTED]),
        .restored = ledger_read(&ledger->lines[LEDGER_RESTORED]),
        .delivered = ledger_read(&ledger->lines[LEDGER_DELIVERED]),
        .rejected = ledger_read(&ledger->lines[LEDGER_REJECTED]),
        .moved = ledger_read(&ledger->lines[LEDGER_MOVED]),
        .dropped = ledger_dropped(ledger->lines),
        .retries = ledger_read(&ledger->retries),
        .queued = queued,
    };
}
