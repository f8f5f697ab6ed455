/* SPDX-License-Identifier: Apache-2.0
 *
 * worker.c - the pool of threads for what may block.  See worker.h.
 */
#include "worker.h"

#include "clock.h"
#include "log.h"
#include "memory.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

struct workers {
    pthread_mutex_t lock;
    pthread_cond_t work, ended;
    struct list waiting, running; /* struct job; running holds none that is written off */
    unsigned waiting_count;
    unsigned most;        /* threads that count */
    unsigned count, idle; /* of those */
    unsigned written_off; /* threads that do not count any more */
    bool quit;
};

struct workers *
workers_new(unsigned most)
{
    struct workers *workers = memory_new(sizeof(*workers));
    pthread_condattr_t monotonic;

    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_mutex_init(&workers->lock, NULL);
    pthread_cond_init(&workers->work, NULL);
    pthread_cond_init(&workers->ended, &monotonic);
    pthread_condattr_destroy(&monotonic);
    list_init(&workers->waiting);
    list_init(&workers->running);
    workers->most = most;
    return workers;
}

void
job_init(struct job *job, void (*fn)(struct job *job), const char *name)
{
    *job = (struct job){ .fn = fn, .name = name };
    list_init(&job->link);
}

static struct job *
workers_take(struct workers *workers)
{
    struct list *link = list_first(&workers->waiting);
    struct job *job;

    if (!link)
        return NULL;
    list_remove(link);
    workers->waiting_count--;
    job = container_of(link, struct job, link);
    job->stage = JOB_RUNNING;
    job->began = clock_now();
    list_push(&workers->running, &job->link);
    return job;
}

/* With the lock held.  False: the thread was written off meanwhile. */
static bool
workers_finish(struct job *job)
{
    bool counts = job->stage == JOB_RUNNING;

    list_remove(&job->link);
    job->stage = JOB_IDLE;
    return counts;
}

static void *
workers_thread(void *arg)
{
    struct workers *workers = arg;
    bool counts = true;

    pthread_mutex_lock(&workers->lock);
    while (counts) {
        struct job *job = workers_take(workers);

        if (job) {
            void (*ended)(struct job * job) = job->ended;

            pthread_mutex_unlock(&workers->lock);
            job->fn(job);
            pthread_mutex_lock(&workers->lock);
            counts = workers_finish(job);
            if (ended)
                ended(job); /* may free the job's owner only by a post */
        } else if (workers->quit) {
            break;
        } else {
            workers->idle++;
            pthread_cond_wait(&workers->work, &workers->lock);
            workers->idle--;
        }
    }
    if (counts)
        workers->count--;
    else
        workers->written_off--;
    pthread_cond_broadcast(&workers->ended);
    pthread_mutex_unlock(&workers->lock);
    return NULL;
}

/* With the lock held. */
static void
workers_hire(struct workers *workers)
{
    sigset_t all, before;
    pthread_t thread;

    if (workers->count >= workers->most)
        return;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, NULL, workers_thread, workers) == 0) {
        pthread_setname_np(thread, "worker");
        pthread_detach(thread);
        workers->count++;
    } else
        log_warning("no thread for another worker; %u run", workers->count);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void
job_submit(struct workers *workers, struct job *job)
{
    pthread_mutex_lock(&workers->lock);
    job->stage = JOB_WAITING;
    list_push(&workers->waiting, &job->link);
    workers->waiting_count++;
    if (workers->idle < workers->waiting_count)
        workers_hire(workers);
    pthread_cond_signal(&workers->work);
    pthread_mutex_unlock(&workers->lock);
}

enum job_stage
job_give_up(struct workers *workers, struct job *job)
{
    enum job_stage stage;

    pthread_mutex_lock(&workers->lock);
    stage = job->stage;
    if (stage == JOB_WAITING) {
        list_remove(&job->link);
        workers->waiting_count--;
        job->stage = JOB_IDLE;
    } else if (stage == JOB_RUNNING) {
        list_remove(&job->link);
        stage = job->stage = JOB_WRITTEN_OFF;
        workers->count--;
        workers->written_off++;
        if (!list_empty(&workers->waiting))
            workers_hire(workers);
    }
    pthread_mutex_unlock(&workers->lock);
    return stage;
}

enum job_stage
job_stage(struct workers *workers, const struct job *job)
{
    enum job_stage stage;

    pthread_mutex_lock(&workers->lock);
    stage = job->stage;
    pthread_mutex_unlock(&workers->lock);
    return stage;
}

void
workers_longest(struct workers *workers, char *name, size_t size, int64_t *since)
{
    struct list *link;

    pthread_mutex_lock(&workers->lock);
    link = list_first(&workers->running); /* in the order begun */
    snprintf(name, size, "%s", link ? container_of(link, struct job, link)->name : "");
    *since = link ? clock_now() - container_of(link, struct job, link)->began : 0;
    pthread_mutex_unlock(&workers->lock);
}

bool
workers_free(struct workers *workers, int64_t deadline)
{
    struct timespec until = { .tv_sec = deadline / CLOCK_SECOND,
                              .tv_nsec = deadline % CLOCK_SECOND };
    int error = 0;
    bool gone;

    if (!workers)
        return true;
    pthread_mutex_lock(&workers->lock);
    workers->quit = true;
    pthread_cond_broadcast(&workers->work);
    while (workers->count + workers->written_off > 0 && error == 0)
        error = pthread_cond_timedwait(&workers->ended, &workers->lock, &until);
    gone = workers->count + workers->written_off == 0;
    pthread_mutex_unlock(&workers->lock);
    if (!gone)
        return false;
    pthread_cond_destroy(&workers->work);
    pthread_cond_destroy(&workers->ended);
    pthread_mutex_destroy(&workers->lock);
    free(workers);
    return true;
}
