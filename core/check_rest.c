/* SPDX-License-Identifier: Apache-2.0
 *
 * check_rest.c - a check whose plugin cannot start yet.
 *
 * It is closed, opened anew and started again after a pause that doubles from
 * retry_interval to a minute.  A blocking probe does all of it on its worker at the
 * next run; for an asynchronous one open and close, which may block, run on a worker
 * at once, and start on the loop at the next run.
 */
#include "check_inside.h"

#include "clock.h"

#include <string.h>

enum { REST_MOST = 60 }; /* seconds */

struct check_rest {
    struct check *check;
    struct job job;
    int64_t until; /* clock_now; no start before */
    int64_t pause; /* nanoseconds */
    bool opened;   /* what reopening answered */
    bool busy;     /* a worker has the instance */
    char *why;
};

bool
check_resting(const struct check *check)
{
    const struct check_rest *rest = check->rest;

    return rest && (rest->busy || clock_now() < rest->until);
}

void
check_rest_refused(struct check *check)
{
    struct check_rest *rest = check->rest;
    const int64_t most = REST_MOST * CLOCK_SECOND;

    if (!rest) {
        rest = check->rest = memory_new(sizeof(*rest));
        rest->check = check;
        rest->pause = check->schedule.retry;
    } else
        rest->pause = rest->pause < most / 2 ? rest->pause * 2 : most;
    free(rest->why);
    rest->why = memory_text(check->instance.why);
    rest->until = clock_now() + rest->pause;
}

/* ---- an asynchronous check ---- */

static void
check_rest_work(struct job *job)
{
    struct check_rest *rest = container_of(job, struct check_rest, job);

    rest->opened = instance_reopen(&rest->check->instance) == 0;
}

static void
check_rest_ended(void *arg)
{
    struct check_rest *rest = arg;

    rest->busy = false;
}

static void
check_rest_post(struct job *job)
{
    struct check_rest *rest = container_of(job, struct check_rest, job);

    loop_post(rest->check->home->loop, check_rest_ended, rest);
}

static void
check_rest_reopen(struct check *check)
{
    struct check_rest *rest = check->rest;

    rest->opened = false;
    rest->busy = true;
    job_init(&rest->job, check_rest_work, check->instance.name);
    rest->job.ended = check_rest_post;
    job_submit(check->home->workers, &rest->job);
}

bool
check_started(struct check *check)
{
    struct check_rest *rest = check->rest;

    if (check->instance.stage == INSTANCE_STARTED)
        return true;
    if ((!rest || rest->opened) && instance_start(&check->instance) == 0) {
        check_rest_free(check);
        return true;
    }
    check_rest_refused(check);
    check_rest_reopen(check);
    return false;
}

const char *
check_rest_why(const struct check *check)
{
    return check->rest && check->rest->why ? check->rest->why
                                           : "the plugin does not say why";
}

bool
check_rest_busy(const struct check *check)
{
    return check->rest && check->rest->busy;
}

void
check_rest_free(struct check *check)
{
    if (!check->rest)
        return;
    free(check->rest->why);
    free(check->rest);
    check->rest = NULL;
}
