/* SPDX-License-Identifier: Apache-2.0
 *
 * loop_inside.h - what loop.c and watch.c share; for nobody else.
 */
#ifndef CORE_LOOP_INSIDE_H
#define CORE_LOOP_INSIDE_H

#include "loop.h"

struct sonde_watch {
    struct list link;              /* on its instance, loop->dead or loop->spare */
    struct loop *loop;
    struct sonde_instance *owner;  /* NULL: core's own */
    int fd;
    unsigned want;
    sonde_ready_fn *fn;            /* NULL: freed, or core's own */
    loop_fn *inner;                /* core's own */
    void *arg;
};

struct sonde_timer {
    struct timer timer;
    struct list link;              /* on its instance */
    struct sonde_instance *owner;
    sonde_call_fn *fn;
    void *arg;
};

struct post {
    struct list link;
    struct sonde_instance *owner;  /* NULL: core's own */
    loop_fn *fn;
    sonde_call_fn *call;
    void *arg;
};

struct loop {
    char *name;
    int epoll, wake;
    struct wheel wheel;
    pthread_t thread;
    bool threaded;
    atomic_bool quit;
    _Atomic int64_t worst_lag;
    struct event_pool *pool;

    pthread_mutex_t lock;          /* of posts and ended */
    pthread_cond_t end;
    bool ended;
    struct list posts;
    atomic_size_t waiting;         /* how many; written under the lock */

    int64_t fault_told_at;         /* watch.c: descriptors closed before their watch */
    unsigned faults;
    struct list dead, spare;       /* watches freed in this turn; before, to be used again */
    struct list shared;            /* struct shared of watch.c */
    struct sonde_watch **by_fd;    /* whose a descriptor is, to tell a stale watch */
    size_t fd_room;
};

void loop_post_for(struct loop *loop, struct sonde_instance *owner, loop_fn *fn,
                   sonde_call_fn *call, void *arg);

/* On its loop, or when that has ended. */
void watch_trim(struct loop *loop);

#endif
