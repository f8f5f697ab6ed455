/* SPDX-License-Identifier: Apache-2.0
 *
 * check_inside.h - what check.c and check_rest.c share; for nobody else.
 */
#ifndef CORE_CHECK_INSIDE_H
#define CORE_CHECK_INSIDE_H

#include "check.h"

struct check_run {
    struct check *check;
    struct sonde_event *event; /* the reference that the run holds until it is answered */
    struct timer deadline;
    int64_t began, began_wall; /* clock_now, clock_wall */
    enum event_mode mode;
    bool taken_back;           /* cancel was called: an answer is not wanted any more */
    struct job job;            /* for a probe that blocks */
    enum sonde_state answer;
};

/* The rest of an asynchronous check after a start that failed: closed and opened anew on
 * a worker, then left alone for a growing while. */

/* True: the instance is started.  False: not yet; check_rest_why says why. */
bool check_rest_over(struct check *check);
const char *check_rest_why(const struct check *check);
bool check_rest_busy(const struct check *check); /* a worker has the instance */
void check_rest_free(struct check *check);

#endif
