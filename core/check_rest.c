/* SPDX-License-Identifier: Apache-2.0
 *
 * check_rest.c - an asynchronous check whose plugin cannot start yet.
 *
 * open and close may block, so they run on a worker; start runs on the loop at
 * the next run after the pause.  The pause doubles from retry_interval to a
 * minute.
 */
#include "check_inside.h"

#include "clock.h"

#include <string.h>

struct check_rest {
    struct check *check;
    struct job job;
    int64_t until;   /* clock_now; no start before */
    int64_t pause;   /* nanoseconds */
    bool opened;     /* what reopening answered */
    bool busy;       /* a worker has the instance */
    char *why;
};

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
check_rest_begin(struct check *check)
{
    struct check_rest *rest = check->rest;
    const int64_t most = 60 * CLOCK_SECOND;

    if (!rest) {
        rest = check->rest = memory_new(sizeof(*rest));
        rest->check = check;
        rest->pause = check->schedule.retry;
        job_init(&rest->job, check_rest_work, check->origin->check);
        rest->job.ended = check_rest_post;
    } else if (rest->pause < most)
        rest->pause = rest->pause * 2 < most ? rest->pause * 2 : most;
    free(rest->why);
    rest->why = memory_text(check->instance.why);
    rest->until = clock_now() + rest->pause;
    rest->opened = false;
    rest->busy = true;
    job_submit(check->home->workers, &rest->job);
}

bool
check_rest_over(struct check *check)
{
    struct check_rest *rest = check->rest;

    if (check->instance.stage == INSTANCE_STARTED)
        return true;
    if (rest && (rest->busy || clock_now() < rest->until))
        return false;
    if ((!rest || rest->opened) && instance_start(&check->instance) == 0) {
        check_rest_free(check);
        return true;
    }
    check_rest_begin(check);
    return false;
}

const char *
check_rest_why(const struct check *check)
{
    return check->rest && check->rest->why ? check->rest->why : "the plugin does not say why";
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
