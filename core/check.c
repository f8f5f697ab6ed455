/* SPDX-License-Identifier: Apache-2.0
 *
 * check.c - one question and its answers.  See check.h.
 *
 * A run is out from check_begin until check_finish.  What a worker still holds
 * when time is up is the stuck run: it belongs to the worker until that returns,
 * and the check, asked again meanwhile, answers TIMEOUT without running.
 */
#include "check.h"

#include "check_inside.h"
#include "clock.h"
#include "log.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

const struct sonde_option check_option_rows[] = {
    SONDE_STRING(struct check_options, name, .required = true,
                 .help = "name of the check, unique in the daemon and best in the fleet"),
    SONDE_STRING(struct check_options, plugin, .required = true,
                 .help = "the probe that answers"),
    SONDE_STRING(struct check_options, description, .help = "for people"),
    SONDE_BOOL(struct check_options, enabled, .fallback = "true",
               .help = "false leaves the check out"),
    SONDE_BOOL(struct check_options, negate, .fallback = "false",
               .help = "UP means DOWN, and the other way round"),
    SONDE_DURATION(struct check_options, interval, .fallback = "30s", .min = 10,
                   .max = 31536000000, .help = "from the start of a run to the next"),
    SONDE_DURATION(struct check_options, timeout, .fallback = "5s", .min = 1,
                   .max = 31536000000,
                   .help = "how long a run may take; at most the interval"),
    SONDE_DURATION(struct check_options, latency_warn, .fallback = "0", .min = 0,
                   .max = 31536000000,
                   .help = "DEGRADED when a run that is UP took longer; 0 for never"),
    SONDE_DURATION(struct check_options, latency_fail, .fallback = "0", .min = 0,
                   .max = 31536000000,
                   .help = "DOWN when a run that is UP took longer; 0 for never"),
    SONDE_INTEGER(struct check_options, rise, .fallback = "2", .min = 1, .max = 1000,
                  .help = "answers in a row that make a better state hard"),
    SONDE_INTEGER(struct check_options, fall, .fallback = "2", .min = 1, .max = 1000,
                  .help = "answers in a row that make a worse state hard"),
    SONDE_DURATION(struct check_options, retry_interval, .fallback = "5s", .min = 10,
                   .max = 31536000000,
                   .help = "from start to start while a new state is not confirmed yet; "
                           "at most the interval"),
    SONDE_DURATION(struct check_options, down_interval, .fallback = "0", .min = 0,
                   .max = 31536000000,
                   .help = "the interval while DOWN; 0 for the interval"),
    { 0 }
};

static void check_due(struct timer *timer);

static struct check *
check_of(const struct sonde_instance *instance)
{
    return container_of(instance, struct check, instance);
}

static bool
check_blocks(const struct check *check)
{
    return check->instance.plugin->probe.run != NULL;
}

void
check_init(struct check *check, const struct plugin *plugin,
           const struct check_options *options, struct origin *origin)
{
    int64_t retry = options->retry_interval, interval = options->interval;

    *check = (struct check){ .known = recall_begin(origin),
                             .timeout = (unsigned)options->timeout,
                             .latency_warn = (unsigned)options->latency_warn,
                             .latency_fail = (unsigned)options->latency_fail,
                             .negate = options->negate,
                             .stopped = true };
    instance_init(&check->instance, plugin, origin->check);
    timer_init(&check->timer, check_due);
    check->rules = (struct judge_rules){ .rise = (unsigned)options->rise,
                                         .fall = (unsigned)options->fall };
    check->schedule = (struct schedule){
        .interval = interval * CLOCK_MS,
        .retry = (retry < interval ? retry : interval) * CLOCK_MS,
        .down = (options->down_interval ? options->down_interval : interval) * CLOCK_MS,
    };
}

void
check_arm(struct check *check, int64_t due)
{
    if (!check->stopped)
        loop_set(check->home->loop, &check->timer, due);
}

/* After a reload or a restart the phase goes on, as if nothing had been.  What was not
 * confirmed before a restart is asked soon, but not all of it at once. */
int64_t
check_first(const struct check *check)
{
    const struct state *state = &check->known->state;
    bool ran = check->schedule.began != 0;
    uint64_t hash = check->known->origin->hash;
    unsigned missed;

    if (!ran && (!check->known->history || state->streak))
        return schedule_first(&check->schedule, hash, check->home->all, clock_now());
    return schedule_next(&check->schedule, hash, state->streak > 0,
                         state->hard == SONDE_DOWN, clock_now(), &missed);
}

void
check_start(struct check *check)
{
    if (!check_blocks(check))
        check->instance.loop = check->home->loop;
    check->stopped = false;
    check_arm(check, check_first(check));
}

/* ---- what a run holds ---- */

/* The last that was given back is still in the caches. */
static struct check_run *
check_run_take(struct check_home *home)
{
    struct check_run *run = home->spare;

    if (!run)
        return memory_new(sizeof(*run));
    home->spare = run->next;
    return run;
}

static void
check_run_free(struct check_run *run)
{
    struct check_home *home = run->check->home;

    run->next = home->spare;
    home->spare = run;
}

void
check_home_trim(struct check_home *home)
{
    for (struct check_run *run = home->spare, *next; run; run = next) {
        next = run->next;
        free(run);
    }
    home->spare = NULL;
}

/* ---- time is up ---- */

int64_t
check_stood_still(const struct check *check, const struct check_run *run, int64_t now)
{
    int64_t late = (now - run->deadline.due) / CLOCK_MS;
    int64_t most = check->timeout / 4 > 250 ? check->timeout / 4 : 250;

    return late > most ? late : 0;
}

/* Descriptors are read before timers, so only a timer that fires late itself can
 * make an answer look missing that was there. */
static bool
check_lagged(struct check *check, struct check_run *run, struct sonde_event *event)
{
    int64_t late = check_stood_still(check, run, clock_now());

    if (!late)
        return false;
    sonde_reason(event, SONDE_OBSERVER,
                 "the daemon lagged by %lld ms, so no answer in time means nothing",
                 (long long)late);
    atomic_fetch_add(&check->home->stats.late, 1);
    return true;
}

static void
check_no_answer(const struct check_run *run, struct sonde_event *event)
{
    int64_t ms = (run->deadline.due - run->began) / CLOCK_MS;
    char timeout[32];

    if (event->reason != SONDE_OTHER)
        return; /* the plugin knows better */
    sonde_reason(event, SONDE_TIMEOUT, "no answer within %s",
                 text_duration_format(ms, timeout, sizeof(timeout)));
}

static void
check_cancel(struct check *check, struct check_run *run)
{
    run->taken_back = true;
    check->instance.plugin->probe.cancel(&check->instance, run->event);
}

/* The worker keeps the event that it fills; the answer is another one. */
static void
check_write_off(struct check *check, struct check_run *run)
{
    struct sonde_event *event = event_new(loop_pool(check->home->loop),
                                          check->known->origin);

    for (int phase = 0; phase < EVENT_PHASES; phase++)
        atomic_init(&event->timing_us[phase], atomic_load(&run->event->timing_us[phase]));
    check->stuck = run;
    if (check->instance.plugin->probe.cancel)
        check->instance.plugin->probe.cancel(&check->instance, run->event);
    if (!check_lagged(check, run, event))
        check_no_answer(run, event);
    check_finish(check, run, event, SONDE_DOWN);
}

static void
check_no_worker(struct check *check, struct check_run *run)
{
    char name[128];
    int64_t since;
    struct sonde_event *event = run->event;

    workers_longest(check->home->workers, name, sizeof(name), &since);
    if (*name)
        sonde_reason(event, SONDE_OBSERVER, "no free worker; %s has held one for %lld s",
                     name, (long long)(since / CLOCK_SECOND));
    else
        sonde_reason(event, SONDE_OBSERVER, "no worker took the run in time");
    check_finish(check, run, event, SONDE_UNKNOWN);
    check_run_free(run);
}

static void
check_late(struct timer *timer)
{
    struct check_run *run = container_of(timer, struct check_run, deadline);
    struct check *check = run->check;
    struct sonde_event *event = run->event;

    if (!check_blocks(check)) {
        check_cancel(check, run);
        if (!check_lagged(check, run, event))
            check_no_answer(run, event);
        check_finish(check, run, event, SONDE_DOWN);
        check_run_free(run);
        return;
    }
    switch (job_give_up(check->home->workers, &run->job)) {
    case JOB_WAITING:
        check_no_worker(check, run);
        break;
    case JOB_WRITTEN_OFF:
        check_write_off(check, run);
        break;
    case JOB_IDLE:
    case JOB_RUNNING:
        break; /* it has just returned: its post is under way */
    }
}

/* ---- on a worker ---- */

static void
check_work(struct job *job)
{
    struct check_run *run = container_of(job, struct check_run, job);
    struct sonde_instance *self = &run->check->instance;

    run->refused = self->stage != INSTANCE_STARTED
                   && ((run->anew && instance_reopen(self) == -1)
                       || instance_start(self) == -1);
    if (run->refused) {
        sonde_reason(run->event, SONDE_OBSERVER, "cannot start: %s", self->why);
        return;
    }
    run->answer = self->plugin->probe.run(self, run->event);
}

static void
check_returned(void *arg)
{
    struct check_run *run = arg;
    struct check *check = run->check;

    if (check->stuck == run) { /* too late: the answer is not wanted any more */
        check->stuck = NULL;
        event_unref(run->event);
    } else if (check->run == run)
        check_finish(check, run, run->event, run->answer);
    if (run->refused)
        check_rest_refused(check);
    else
        check_rest_free(check);
    check_run_free(run);
}

static void
check_worked(struct job *job)
{
    struct check_run *run = container_of(job, struct check_run, job);

    loop_post(run->check->home->loop, check_returned, run);
}

/* ---- a run ---- */

static struct check_run *
check_run_new(struct check *check, enum event_mode mode)
{
    struct check_run *run = check_run_take(check->home);
    int64_t now = clock_now();

    *run = (struct check_run){ .check = check,
                               .began = now,
                               .mode = mode,
                               .rules = check->rules,
                               .negate = check->negate };
    run->event = event_new(loop_pool(check->home->loop), check->known->origin);
    run->began_wall = run->event->time; /* just now */
    run->event->run = run;
    timer_init(&run->deadline, check_late);
    check->run = run;
    check->schedule.began = now;
    atomic_store_explicit(&check->instance.deadline,
                          now + (int64_t)check->timeout * CLOCK_MS, memory_order_relaxed);
    loop_set(check->home->loop, &run->deadline, now + (int64_t)check->timeout * CLOCK_MS);
    return run;
}

/* The last run still sits on its worker: asking again would only lose another. */
static void
check_still_stuck(struct check *check, struct check_run *run)
{
    struct sonde_event *event = run->event;

    sonde_reason(event, SONDE_TIMEOUT, "the run that began %lld s ago has not returned",
                 (long long)((run->began - check->stuck->began) / CLOCK_SECOND));
    check_finish(check, run, event, SONDE_DOWN);
    check_run_free(run);
}

static void
check_cannot_start(struct check *check, struct check_run *run)
{
    struct sonde_event *event = run->event;

    sonde_reason(event, SONDE_OBSERVER, "cannot start: %s", check_rest_why(check));
    check_finish(check, run, event, SONDE_UNKNOWN);
    check_run_free(run);
}

static void
check_begin(struct check *check, enum event_mode mode)
{
    struct check_run *run = check_run_new(check, mode);

    if (check->stuck) {
        check_still_stuck(check, run);
    } else if (check_resting(check) || (!check_blocks(check) && !check_started(check))) {
        check_cannot_start(check, run);
    } else if (check_blocks(check)) {
        job_init(&run->job, check_work, check->instance.name);
        run->job.ended = check_worked;
        run->anew = check->rest != NULL;
        job_submit(check->home->workers, &run->job);
    } else {
        check->instance.plugin->probe.begin(&check->instance, run->event);
    }
}

static void
check_due(struct timer *timer)
{
    struct check *check = container_of(timer, struct check, timer);
    bool asked = check->schedule.asked_at && check->schedule.asked_at == timer->due;

    check_begin(check, asked ? EVENT_EVENT : EVENT_POLL);
}

/* ---- the end ---- */

void
check_stop(struct check *check)
{
    struct check_run *run = check->run;

    check->stopped = true;
    loop_clear(check->home->loop, &check->timer);
    if (run) {
        loop_clear(check->home->loop, &run->deadline);
        check->run = NULL;
        if (!check_blocks(check)) {
            check_cancel(check, run);
            event_unref(run->event);
            check_run_free(run);
        } else if (job_give_up(check->home->workers, &run->job) == JOB_WAITING) {
            event_unref(run->event);
            check_run_free(run);
        } else {
            check->stuck = run; /* check_returned frees it */
            if (check->instance.plugin->probe.cancel)
                check->instance.plugin->probe.cancel(&check->instance, run->event);
        }
    }
    if (!check_blocks(check) && !check_rest_busy(check))
        instance_stop(&check->instance);
}

bool
check_stuck(const struct check *check)
{
    return check->stuck || check_rest_busy(check);
}

void
check_close(struct check *check)
{
    if (check_blocks(check))
        instance_stop(
            &check->instance); /* nothing runs any more: as good as its worker */
    instance_close(&check->instance);
}

void
check_deinit(struct check *check)
{
    check_close(check);
    check_rest_free(check);
    instance_deinit(&check->instance);
    recall_end(check->known);
}

/* ---- what plugins call ---- */

void
sonde_done(struct sonde_event *event, enum sonde_state state)
{
    struct check_run *run = event->run;
    struct check *check;

    if (!run || run->taken_back || check_blocks(run->check)) {
        log_error("a plugin answered a question that was not out, or twice; ignored");
        return;
    }
    check = run->check;
    assert(loop_here(check->home->loop));
    check_finish(check, run, event, state);
    check_run_free(run);
}

bool
sonde_explain(const struct sonde_event *event)
{
    const struct check_run *run = event->run;

    return run && !run->negate
           && state_turns_down(&run->check->known->state, &run->rules, event->certain);
}

static void
check_asked(void *arg)
{
    struct check *check = arg;
    int64_t now = clock_now(), due;

    atomic_store(&check->asking, false);
    if (check->stopped || check->home->on_result)
        return;
    due = schedule_ask(&check->schedule, check->run != NULL, now);
    if (due == INT64_MAX || (timer_armed(&check->timer) && check->timer.due <= due))
        return;
    check->schedule.asked_at = due;
    if (due > now)
        check_arm(check, due);
    else {
        loop_clear(check->home->loop, &check->timer);
        check_begin(check, EVENT_EVENT);
    }
}

void
sonde_recheck(struct sonde_instance *self)
{
    struct check *check = check_of(self);

    if (self->plugin->role == PLUGIN_PROBE && !self->shared && check->home
        && !atomic_exchange(&check->asking, true))
        loop_post(check->home->loop, check_asked, check);
}
