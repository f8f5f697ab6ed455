/* SPDX-License-Identifier: Apache-2.0
 *
 * scheduler.c - when a check runs.  See scheduler.h.
 */
#include "scheduler.h"

#include "clock.h"

int64_t
schedule_first(const struct schedule *schedule, uint64_t hash, size_t checks, int64_t now)
{
    int64_t spread = (int64_t)checks * CLOCK_MS;

    if (spread > schedule->interval)
        spread = schedule->interval;
    /* Other bits than the phase uses, or a loop's first second would be bunched. */
    return now + (int64_t)((hash >> 20) % (uint64_t)(spread > 0 ? spread : 1));
}

/* The first time after `after` that is in phase with the interval. */
static int64_t
schedule_in_phase(uint64_t hash, int64_t interval, int64_t after)
{
    int64_t phase = (int64_t)(hash % (uint64_t)interval);

    return after + interval - ((after - phase) % interval + interval) % interval;
}

int64_t
schedule_next(const struct schedule *schedule, uint64_t hash, bool soft, bool down,
              int64_t now, unsigned *missed)
{
    int64_t interval = down ? schedule->down : schedule->interval, next;

    *missed = 0;
    if (soft) {
        next = schedule->began + schedule->retry;
        return next > now ? next : now;
    }
    next = schedule_in_phase(hash, interval, schedule->began);
    if (next > now)
        return next;
    *missed = (unsigned)((now - next) / interval + 1);
    return schedule_in_phase(hash, interval, now);
}

static int64_t
schedule_limit(struct schedule *schedule, int64_t now)
{
    int64_t due = schedule->asked_at + schedule->retry;

    if (schedule->asked_at && due > now)
        return due;
    return now;
}

int64_t
schedule_ask(struct schedule *schedule, bool out, int64_t now)
{
    if (!out)
        return schedule_limit(schedule, now);
    schedule->asked = true;
    return INT64_MAX;
}

int64_t
schedule_follow(struct schedule *schedule, int64_t now)
{
    bool asked = schedule->asked, follows = schedule->follows;

    schedule->asked = schedule->follows = false;
    if (!asked)
        return INT64_MAX;
    if (follows)
        return schedule_limit(schedule, now);
    schedule->follows = true;
    return now;
}
