/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_thread.c - a blocking sink: a thread that waits for its queue and calls
 * write.
 *
 * While nothing waits, and while it backs off, the plugin gets an empty batch once
 * a second, to see whether the far side is there (again).
 */
#include "log.h"
#include "sink_inside.h"

#include <signal.h>
#include <stdio.h>

#define SINK_LOOK CLOCK_SECOND /* between empty batches */

void
sink_thread_wake(struct sink_run *run)
{
    pthread_mutex_lock(&run->lock);
    run->woken = true;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
}

static void
sink_thread_sleep(struct sink_run *run, int64_t until)
{
    pthread_mutex_lock(&run->lock);
    if (run->draining && run->give_up_at < until)
        until = run->give_up_at;
    sink_wait(run, &run->woken, until);
    run->woken = false;
    pthread_mutex_unlock(&run->lock);
}

/* From here on cancel may reach the plugin; until it is over again. */
static void
sink_thread_busy(struct sink_run *run, bool busy)
{
    pthread_mutex_lock(&run->writing_lock);
    run->writing = busy;
    pthread_mutex_unlock(&run->writing_lock);
}

static enum sonde_fate
sink_thread_call(struct sink_run *run, struct sonde_batch *batch)
{
    struct sonde_instance *instance = &run->sink->instance;
    enum sonde_fate fate;

    sink_thread_busy(run, true);
    atomic_store(&instance->deadline, clock_now() + SINK_BUDGET);
    fate = instance->plugin->sink.write(instance, batch);
    atomic_store(&instance->deadline, 0);
    sink_thread_busy(run, false);
    return fate;
}

/* False: nothing was to be written. */
static bool
sink_thread_write(struct sink_run *run)
{
    int64_t now = clock_now();
    bool look = now - run->wrote_at >= SINK_LOOK;
    struct sonde_batch *batch = sink_take(run, sink_limit(run, now), now, look);
    enum sonde_fate fate;
    bool empty;

    if (!batch)
        return false;
    empty = !batch->count;
    fate = sink_thread_call(run, batch);
    sonde_settle_rest(batch, fate, NULL);
    if (empty && fate == SONDE_RETRY)
        sink_failed(run, "the far side is not there");
    batch_release(batch);
    run->wrote_at = clock_now();
    return true;
}

/* When there may be something to do, if nobody wakes us. */
static int64_t
sink_thread_next(struct sink_run *run)
{
    int64_t next = queue_next(run->owner.queue), resume = sink_resume_at(run);
    int64_t look = run->wrote_at + SINK_LOOK;

    if (next < resume)
        next = resume;
    return next < look ? next : look;
}

static void
sink_thread_begin(struct sink_run *run)
{
    struct sonde_instance *instance = &run->sink->instance;
    int64_t resume = sink_resume_at(run);
    bool begun;

    if (clock_now() < resume) {
        sink_thread_sleep(run, resume);
        return;
    }
    if (!run->opened && instance_reopen(instance) == -1) {
        sink_failed(run, instance->why);
        return;
    }
    sink_thread_busy(run, true);
    begun = sink_begin(run);
    sink_thread_busy(run, false);
    if (begun)
        run->wrote_at = clock_now();
}

static void *
sink_thread_run(void *arg)
{
    struct sink_run *run = arg;

    while (!sink_over(run)) {
        if (!run->started)
            sink_thread_begin(run);
        else if (!sink_thread_write(run))
            sink_thread_sleep(run, sink_thread_next(run));
    }
    if (run->started)
        instance_stop(&run->sink->instance);
    sink_ended(run);
    pthread_mutex_lock(&run->lock);
    run->thread_done = true;
    pthread_cond_broadcast(&run->changed);
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

void
sink_thread_start(struct sink_run *run)
{
    char name[16]; /* as long as the kernel lets it be */
    sigset_t all, before;

    snprintf(name, sizeof(name), "sink %s", run->sink->instance.name);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    if (pthread_create(&run->thread, NULL, sink_thread_run, run) != 0) {
        log_error("cannot start a thread for sink \"%s\"", run->sink->instance.name);
        exit(70);
    }
    pthread_setname_np(run->thread, name);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

/* The lock keeps the instance from leaving its write meanwhile. */
void
sink_thread_cancel(struct sink_run *run)
{
    struct sonde_instance *instance = &run->sink->instance;

    pthread_mutex_lock(&run->writing_lock);
    if (run->writing && instance->plugin->sink.cancel)
        instance->plugin->sink.cancel(instance);
    pthread_mutex_unlock(&run->writing_lock);
}

bool
sink_thread_stop(struct sink_run *run, int64_t deadline)
{
    bool done;

    pthread_mutex_lock(&run->lock);
    done = sink_wait(run, &run->thread_done, run->give_up_at);
    pthread_mutex_unlock(&run->lock);
    if (!done) {
        sink_thread_cancel(run);
        pthread_mutex_lock(&run->lock);
        done = sink_wait(run, &run->thread_done, deadline);
        pthread_mutex_unlock(&run->lock);
    }
    if (done)
        pthread_join(run->thread, NULL);
    else
        pthread_detach(run->thread);
    return done;
}
