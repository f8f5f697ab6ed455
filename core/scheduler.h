/* SPDX-License-Identifier: Apache-2.0
 *
 * scheduler.h - when a check runs.
 *
 * The phase of a check is the hash of its name modulo its interval, so restarts
 * and growth never bunch checks up.  Pure arithmetic on clock_now; the timer is
 * armed by check.c.
 */
#ifndef CORE_SCHEDULER_H
#define CORE_SCHEDULER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct schedule {
    int64_t interval, retry, down; /* nanoseconds, from start to start */
    int64_t began;                 /* the last run */
    int64_t asked_at;              /* the last run that a recheck began; 0 = none */
    bool asked;                    /* a recheck came while a run was out */
    bool follows;                  /* the run that is out follows another at once */
};

/* hash: of the check's name. */

/* Of a check without history: spread over one second per thousand checks. */
int64_t schedule_first(const struct schedule *schedule, uint64_t hash, size_t checks,
                       int64_t now);
/* After the run that began last.  *missed counts the runs that were due before now,
 * while it was out. */
int64_t schedule_next(const struct schedule *schedule, uint64_t hash, bool soft,
                      bool down, int64_t now, unsigned *missed);
/* The check asks to be run; a run is out or not.  When to run it: now, or later
 * where it asks too often; INT64_MAX: when the run that is out has ended. */
int64_t schedule_ask(struct schedule *schedule, bool out, int64_t now);
/* The run that was out has ended, and the check had asked meanwhile: when to run it
 * again; INT64_MAX if it had not. */
int64_t schedule_follow(struct schedule *schedule, int64_t now);

#endif
