/* SPDX-License-Identifier: Apache-2.0
 *
 * timer.h - a hierarchical timing wheel: a million timers, each set and cleared
 * in constant time.
 *
 * Resolution is a millisecond; a timer never fires early.  For one thread.
 */
#ifndef CORE_TIMER_H
#define CORE_TIMER_H

#include "list.h"

#include <stdint.h>

enum { WHEEL_LEVELS = 4, WHEEL_SLOTS = 256 };

struct timer {
    struct list link;      /* on a slot, or alone */
    int64_t due;           /* clock_now */
    void (*fn)(struct timer *timer);
};

struct wheel {
    int64_t tick;          /* milliseconds: everything due before it has fired */
    struct list slots[WHEEL_LEVELS][WHEEL_SLOTS];
    uint64_t filled[WHEEL_LEVELS][WHEEL_SLOTS / 64]; /* a bit for each slot that may hold some */
    size_t count;
};

void wheel_init(struct wheel *wheel, int64_t now);
void timer_init(struct timer *timer, void (*fn)(struct timer *timer));
bool timer_armed(const struct timer *timer);
/* Moves the timer if it was set already. */
void wheel_set(struct wheel *wheel, struct timer *timer, int64_t due);
void wheel_clear(struct wheel *wheel, struct timer *timer);
/* Fires all that is due by now.  A timer set anew by what it called for a time
 * that has passed fires in the next call. */
void wheel_run(struct wheel *wheel, int64_t now);
/* When wheel_run has something to do next (clock_now), INT64_MAX for never. */
int64_t wheel_due(const struct wheel *wheel);
/* Milliseconds to wait from now, at most limit.  May be early where the nearest
 * timer is far: the wheel then has slots to turn over. */
int wheel_wait(const struct wheel *wheel, int64_t now, int limit);

#endif
