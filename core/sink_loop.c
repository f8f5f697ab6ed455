/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_loop.c - an asynchronous sink: submit and cancel, on the delivery loop.
 *
 * Whatever happens (events wait, a batch came back, a pause is over) ends in one
 * step on the loop, never within a call of the plugin.  open and close may block,
 * so an instance that does not start is opened anew on a worker.
 */
#include "sink_inside.h"

enum { SINK_TURN = 16 }; /* batches in one turn of the loop */

static void sink_loop_step(struct sink_run *run);

static void
sink_loop_posted(void *arg)
{
    struct sink_run *run = arg;

    pthread_mutex_lock(&run->lock);
    run->posted = false;
    pthread_mutex_unlock(&run->lock);
    sink_loop_step(run);
}

void
sink_loop_wake(struct sink_run *run)
{
    bool post;

    pthread_mutex_lock(&run->lock);
    post = !run->posted && !run->finished;
    run->posted |= post;
    pthread_mutex_unlock(&run->lock);
    if (post)
        loop_post(run->delivery, sink_loop_posted, run);
}

/* ---- the end ---- */

/* One of the batches out that is not on its way back, with a hold on it. */
static struct sonde_batch *
sink_loop_out(struct sink_run *run)
{
    struct sonde_batch *batch = NULL;

    pthread_mutex_lock(&run->lock);
    list_each (link, &run->out) {
        batch = container_of(link, struct sonde_batch, link);
        if (batch_hold(batch))
            break;
        batch = NULL;
    }
    pthread_mutex_unlock(&run->lock);
    return batch;
}

static void
sink_loop_finish(struct sink_run *run)
{
    struct sonde_instance *instance = &run->sink->instance;
    struct sonde_batch *batch = sink_loop_out(run);

    if (batch) {
        if (instance->plugin->sink.cancel)
            instance->plugin->sink.cancel(instance);
        do {
            sonde_settle_rest(batch, SONDE_RETRY, NULL);
            batch_release(batch);
        } while ((batch = sink_loop_out(run)));
    }
    if (run->started)
        instance_stop(instance);
    run->started = false;
    loop_clear(run->delivery, &run->again);
    sink_ended(run);
    pthread_mutex_lock(&run->lock);
    run->finished = run->done = true;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
}

bool
sink_loop_stop(struct sink_run *run, int64_t deadline)
{
    bool done;

    pthread_mutex_lock(&run->lock);
    done = sink_wait(run, &run->done, deadline);
    pthread_mutex_unlock(&run->lock);
    return done;
}

/* ---- delivering ---- */

/* False: a turn's worth was submitted, and there may be more. */
static bool
sink_loop_submit(struct sink_run *run)
{
    struct sonde_instance *instance = &run->sink->instance;

    for (int i = 0; i < SINK_TURN; i++) {
        int64_t now = clock_now();
        size_t limit = sink_limit(run, now);
        struct sonde_batch *batch;
        unsigned out;

        pthread_mutex_lock(&run->lock);
        out = run->out_count;
        pthread_mutex_unlock(&run->lock);
        /* Until one has passed again, one at a time. */
        if (!limit || out >= (limit < run->most ? 1 : run->in_flight))
            return true;
        batch = sink_take(run, limit, now, false);
        if (!batch)
            return true;
        instance->plugin->sink.submit(instance, batch);
        batch_release(batch);
    }
    return false;
}

static void
sink_loop_reopened(void *arg)
{
    struct sink_run *run = arg;

    run->reopening = false;
    if (!run->opened)
        sink_failed(run, run->sink->instance.why);
    sink_loop_step(run);
}

static void
sink_loop_job(struct job *job)
{
    struct sink_run *run = container_of(job, struct sink_run, reopen);

    run->opened = instance_reopen(&run->sink->instance) == 0;
}

static void
sink_loop_job_ended(struct job *job)
{
    struct sink_run *run = container_of(job, struct sink_run, reopen);

    loop_post(run->delivery, sink_loop_reopened, run);
}

static void
sink_loop_begin(struct sink_run *run)
{
    if (clock_now() < sink_resume_at(run))
        return;
    if (run->opened) {
        sink_begin(run);
        return;
    }
    run->reopening = true;
    job_submit(run->workers, &run->reopen);
}

/* When there may be something to do, if nobody wakes us. */
static int64_t
sink_loop_next(struct sink_run *run)
{
    int64_t next = run->started ? queue_next(run->owner.queue) : 0;

    pthread_mutex_lock(&run->lock);
    if (run->handing || run->out_count >= (run->limit < run->most ? 1 : run->in_flight))
        next = INT64_MAX; /* until one is back */
    if (next < run->resume_at)
        next = run->resume_at;
    if (run->draining && next > run->give_up_at)
        next = run->give_up_at;
    pthread_mutex_unlock(&run->lock);
    return next;
}

static void
sink_loop_step(struct sink_run *run)
{
    int64_t next;

    if (run->done || run->reopening)
        return;
    if (sink_over(run)) {
        sink_loop_finish(run);
        return;
    }
    if (!run->started)
        sink_loop_begin(run);
    if (run->reopening)
        return;
    if (run->started && !sink_loop_submit(run)) {
        loop_set(run->delivery, &run->again, clock_now());
        return;
    }
    next = sink_loop_next(run);
    if (next == INT64_MAX)
        loop_clear(run->delivery, &run->again);
    else
        loop_set(run->delivery, &run->again, next);
}

static void
sink_loop_again(struct timer *timer)
{
    sink_loop_step(container_of(timer, struct sink_run, again));
}

void
sink_loop_start(struct sink_run *run)
{
    timer_init(&run->again, sink_loop_again);
    job_init(&run->reopen, sink_loop_job, run->sink->instance.name);
    run->reopen.ended = sink_loop_job_ended;
    sink_loop_step(run);
}
