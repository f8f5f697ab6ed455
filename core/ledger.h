/* SPDX-License-Identifier: Apache-2.0
 *
 * ledger.h - what a sink was given and what became of it, in all and by route:
 *
 *   accepted + restored = delivered + rejected + moved + dropped + queued
 *
 * Every event is on one line of the left side and ends on one of the right; what is
 * queued is counted by who holds it (queue.c, spool.c).
 */
#ifndef CORE_LEDGER_H
#define CORE_LEDGER_H

#include "stats.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum ledger_line {
    LEDGER_ACCEPTED,
    LEDGER_RESTORED, /* from the disk: accepted before the restart, not settled by then */
    LEDGER_DELIVERED,
    LEDGER_REJECTED,
    LEDGER_MOVED, /* taken over by the sink's `otherwise` */

    /* Dropped, and why. */
    LEDGER_DROPPED,
    LEDGER_RESULT = LEDGER_DROPPED, /* no room: a result made some */
    LEDGER_SUPERSEDED, /* ... a change that a newer one of the same check supersedes */
    LEDGER_OLDEST,     /* ... the oldest */
    LEDGER_DAMAGED,    /* what the disk held of it cannot be read */
    LEDGER_LINES
};
extern const char *const ledger_line_names[LEDGER_LINES];

struct ledger_route {
    struct ledger_route *next;
    atomic_ullong lines[LEDGER_LINES];
    char name[];
};

/* A zeroed one is empty, but for the lock: ledger_init. */
struct ledger {
    atomic_ullong lines[LEDGER_LINES];
    atomic_ullong retries; /* beside the sum: fates that were RETRY */
    struct delays delays;  /* from accepted, or read back, to delivered */
    pthread_mutex_t lock;  /* of making a route */
    _Atomic(struct ledger_route *) routes;
};

void ledger_init(struct ledger *ledger);
void ledger_deinit(struct ledger *ledger);
/* [any thread]  The route of that name (NULL is ""), made if there is none; it lives as
 * long as the ledger. */
struct ledger_route *ledger_route(struct ledger *ledger, const char *name);
/* [any thread] */
void ledger_add(struct ledger *ledger, struct ledger_route *route, enum ledger_line line,
                uint64_t count);
uint64_t ledger_read(const atomic_ullong *line);
uint64_t ledger_dropped(const atomic_ullong lines[LEDGER_LINES]);

struct ledger_sum {
    uint64_t accepted, restored, delivered, rejected, moved, dropped, queued, retries;
};
struct ledger_sum ledger_sum(const struct ledger *ledger, uint64_t queued);

#endif
