/* SPDX-License-Identifier: Apache-2.0
 *
 * worker.h - a bounded pool of threads for what may block.
 *
 * A job that overstays is written off: its thread no longer counts, a new one
 * takes its place, and the thread ends when the job returns at last.
 */
#ifndef CORE_WORKER_H
#define CORE_WORKER_H

#include "list.h"

#include <stdbool.h>
#include <stdint.h>

struct workers;

enum job_stage { JOB_IDLE, JOB_WAITING, JOB_RUNNING, JOB_WRITTEN_OFF };

struct job {
    struct list link;
    void (*fn)(struct job *job);  /* on a worker */
    /* Or NULL.  On the worker, when the job is idle again and the pool has let go of
     * it, with the pool's lock held: may only post. */
    void (*ended)(struct job *job);
    const char *name;             /* whose it is, for messages */
    enum job_stage stage;         /* under the pool's lock */
    int64_t began;
};

struct workers *workers_new(unsigned most);
/* Waits for running jobs until the deadline (clock_now); then leaves their threads
 * behind, and with them the pool: false. */
bool workers_free(struct workers *workers, int64_t deadline);

void job_init(struct job *job, void (*fn)(struct job *job), const char *name);
/* The job must be idle.  It waits when every worker is busy. */
void job_submit(struct workers *workers, struct job *job);
/* For a job that is overdue.  JOB_IDLE: it had returned.  JOB_WAITING: it never
 * ran and is out of the queue.  JOB_WRITTEN_OFF: it runs, and its thread does not
 * count any more.  */
enum job_stage job_give_up(struct workers *workers, struct job *job);
enum job_stage job_stage(struct workers *workers, const struct job *job);
/* The name of the job that has run longest, "" if none, and for how long (ns). */
void workers_longest(struct workers *workers, char *name, size_t size, int64_t *since);

#endif
