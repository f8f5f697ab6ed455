/* SPDX-License-Identifier: Apache-2.0
 *
 * check_inside.h - what check.c, check_answer.c and check_rest.c share; for nobody else.
 */
#ifndef CORE_CHECK_INSIDE_H
#define CORE_CHECK_INSIDE_H

#include "check.h"

struct check_run {
    struct check_run *next; /* among the spare ones of its home */
    struct check *check;
    struct sonde_event *event; /* the reference that the run holds until it is answered */
    struct timer deadline;
    int64_t began, began_wall; /* clock_now, clock_wall */
    enum event_mode mode;
    struct judge_rules rules;  /* as they were when it began, for its worker */
    bool negate;
    bool taken_back;           /* cancel was called: an answer is not wanted any more */
    struct job job;            /* for a probe that blocks */
    bool anew;                 /* open it anew before start: it refused before */
    bool refused;              /* it could not start */
    enum sonde_state answer;
};

void check_arm(struct check *check, int64_t due); /* the next run */
int64_t check_first(const struct check *check);   /* when it is due, from now on */
/* By how many milliseconds it is too late to say how long the run took: only a daemon
 * that was stopped, or given no time, comes to an answer so long after the deadline. */
int64_t check_stood_still(const struct check *check, const struct check_run *run,
                          int64_t now);
/* The run has ended, whoever answered it.  Takes the event, not the run. */
void check_finish(struct check *check, struct check_run *run, struct sonde_event *event,
                  enum sonde_state state);

/* The rest of a check whose plugin cannot start yet: opened anew, then left alone for a
 * growing while.  For both kinds: */
bool check_resting(const struct check *check); /* not to be started now */
const char *check_rest_why(const struct check *check);
void check_rest_refused(struct check *check); /* instance.why says why */
void check_rest_free(struct check *check);    /* it has started */

/* For an asynchronous check, which is opened anew on a worker beside its loop: */
bool check_started(struct check *check);         /* it is, or it starts now */
bool check_rest_busy(const struct check *check); /* a worker has the instance */

#endif
