/* SPDX-License-Identifier: Apache-2.0
 *
 * watch.c - what plugins may do on a loop: watches, timers, posts, and what
 * instances share.
 *
 * A plugin that closes a watched descriptor behind our back is told so in the
 * log; it never takes the daemon, or another plugin's watch, with it.
 */
#include "clock.h"
#include "log.h"
#include "loop_inside.h"

#include <assert.h>
#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

/* One for each kind of thing shared on a loop, told apart by its start function. */
struct shared {
    struct list link;
    struct sonde_instance instance;
    int (*start)(struct sonde_instance *shared);
    void (*stop)(struct sonde_instance *shared);
};

static uint32_t
watch_bits(unsigned want)
{
    return (want & SONDE_READ ? (uint32_t)(EPOLLIN | EPOLLRDHUP) : 0u)
           | (want & SONDE_WRITE ? (uint32_t)EPOLLOUT : 0u);
}

/* Told once in ten seconds and loop: a plugin that does it once does it at each run. */
static void
watch_fault(const struct sonde_watch *watch, const char *what)
{
    struct loop *loop = watch->loop;
    int64_t now = clock_now();

    loop->faults++;
    if (loop->fault_told_at && now - loop->fault_told_at < 10 * CLOCK_SECOND)
        return;
    loop->fault_told_at = now;
    if (watch->owner)
        sonde_log(
            watch->owner, SONDE_ERROR,
            "descriptor %d: %s; the plugin closed it before its watch (%u faults of "
            "this kind on this loop)",
            watch->fd, what, loop->faults);
    else
        log_error("descriptor %d: %s", watch->fd, what);
}

/* Another watch of the same number means that its descriptor was closed without
 * the watch: the number is the newcomer's now. */
static void
watch_own(struct loop *loop, struct sonde_watch *watch)
{
    size_t fd = (size_t)watch->fd;

    if (fd >= loop->fd_room) {
        size_t room = fd * 2 + 64;

        loop->by_fd = memory_grow(loop->by_fd, room, sizeof(*loop->by_fd));
        memset(loop->by_fd + loop->fd_room, 0,
               (room - loop->fd_room) * sizeof(*loop->by_fd));
        loop->fd_room = room;
    }
    if (loop->by_fd[fd])
        watch_fault(loop->by_fd[fd], "is somebody else's now");
    loop->by_fd[fd] = watch;
}

/* A peak of descriptors leaves a table that nobody needs any more. */
void
watch_trim(struct loop *loop)
{
    size_t room = loop->fd_room;

    while (room && !loop->by_fd[room - 1])
        room--;
    room = room * 2 + 64;
    if (room >= loop->fd_room)
        return;
    loop->by_fd = memory_grow(loop->by_fd, room, sizeof(*loop->by_fd));
    loop->fd_room = room;
}

static struct sonde_watch *
watch_new(struct loop *loop, int fd, unsigned want)
{
    struct list *spare = list_last(&loop->spare); /* still in the caches */
    struct sonde_watch *watch = spare ? container_of(spare, struct sonde_watch, link)
                                      : memory_new(sizeof(*watch));
    struct epoll_event ready = { .events = watch_bits(want), .data.ptr = watch };

    if (spare)
        list_remove(spare);
    *watch = (struct sonde_watch){ .loop = loop, .fd = fd, .want = want };
    list_init(&watch->link);
    if (epoll_ctl(loop->epoll, EPOLL_CTL_ADD, fd, &ready) == -1) {
        list_push(&loop->spare, &watch->link);
        return NULL;
    }
    watch_own(loop, watch);
    return watch;
}

struct sonde_watch *
sonde_watch_new(struct sonde_instance *self, int fd, unsigned want, sonde_ready_fn *fn,
                void *arg)
{
    struct sonde_watch *watch;

    assert(self->loop && loop_here(self->loop));
    watch = watch_new(self->loop, fd, want);
    if (!watch) {
        int error = errno;

        sonde_log(self, SONDE_ERROR, "descriptor %d cannot be watched: %s", fd,
                  strerror(error));
        errno = error;
        return NULL;
    }
    watch->owner = self;
    watch->fn = fn;
    watch->arg = arg;
    list_push(&self->watches, &watch->link);
    return watch;
}

void
loop_watch(struct loop *loop, int fd, loop_fn *fn, void *arg)
{
    struct sonde_watch *watch = watch_new(loop, fd, SONDE_READ);

    if (!watch) {
        log_error("descriptor %d cannot be watched: %s", fd, strerror(errno));
        exit(70);
    }
    watch->inner = fn;
    watch->arg = arg;
}

void
sonde_watch_want(struct sonde_watch *watch, unsigned want)
{
    struct epoll_event ready = { .events = watch_bits(want), .data.ptr = watch };

    if (!watch || watch->want == want)
        return;
    watch->want = want;
    if (watch->loop->by_fd[watch->fd] != watch)
        return; /* told already */
    if (epoll_ctl(watch->loop->epoll, EPOLL_CTL_MOD, watch->fd, &ready) == -1)
        watch_fault(watch, strerror(errno));
}

/* Leaves the lists; the memory stays until the turn ends. */
static bool
watch_leave(struct sonde_watch *watch)
{
    struct loop *loop = watch->loop;
    bool ours = loop->by_fd[watch->fd] == watch;

    if (ours)
        loop->by_fd[watch->fd] = NULL;
    watch->fn = NULL;
    watch->inner = NULL;
    list_remove(&watch->link);
    list_push(&loop->dead, &watch->link);
    return ours;
}

void
sonde_watch_free(struct sonde_watch *watch)
{
    if (!watch)
        return;
    if (watch_leave(watch)
        && epoll_ctl(watch->loop->epoll, EPOLL_CTL_DEL, watch->fd, NULL) == -1)
        watch_fault(watch, strerror(errno));
}

/* close() alone takes a descriptor out of the epoll set, as long as it was not
 * duplicated; one system call less for each check. */
void
sonde_watch_close(struct sonde_watch *watch)
{
    if (!watch)
        return;
    if (watch_leave(watch))
        close(watch->fd);
}

/* ---- timers ---- */

static void
watch_timer_due(struct timer *inner)
{
    struct sonde_timer *timer = container_of(inner, struct sonde_timer, timer);

    timer->fn(timer->owner, timer->arg);
}

struct sonde_timer *
sonde_timer_new(struct sonde_instance *self, sonde_call_fn *fn, void *arg)
{
    struct sonde_timer *timer = memory_new(sizeof(*timer));

    timer_init(&timer->timer, watch_timer_due);
    timer->owner = self;
    timer->fn = fn;
    timer->arg = arg;
    list_push(&self->timers, &timer->link);
    return timer;
}

void
sonde_timer_set(struct sonde_timer *timer, int64_t ms)
{
    const int64_t most = INT64_MAX / CLOCK_MS / 4;

    if (ms < 0)
        loop_clear(timer->owner->loop, &timer->timer);
    else
        loop_set(timer->owner->loop, &timer->timer,
                 clock_now() + (ms < most ? ms : most) * CLOCK_MS);
}

void
sonde_timer_free(struct sonde_timer *timer)
{
    if (!timer)
        return;
    loop_clear(timer->owner->loop, &timer->timer);
    list_remove(&timer->link);
    free(timer);
}

/* ---- posts ---- */

void
sonde_post(struct sonde_instance *self, sonde_call_fn *fn, void *arg)
{
    loop_post_for(self->loop, self, NULL, fn, arg);
}

static void
watch_drop_posts(struct loop *loop, struct sonde_instance *owner)
{
    pthread_mutex_lock(&loop->lock);
    list_each_safe (link, &loop->posts) {
        struct post *post = container_of(link, struct post, link);

        if (post->owner == owner) {
            list_remove(link);
            atomic_fetch_sub(&loop->waiting, 1);
            free(post);
        }
    }
    pthread_mutex_unlock(&loop->lock);
}

void
loop_forget(struct loop *loop, struct sonde_instance *instance)
{
    struct list *link;

    while ((link = list_first(&instance->watches)))
        sonde_watch_free(container_of(link, struct sonde_watch, link));
    while ((link = list_first(&instance->timers)))
        sonde_timer_free(container_of(link, struct sonde_timer, link));
    watch_drop_posts(loop, instance);
}

/* ---- what instances share ---- */

static void
shared_free(struct shared *shared)
{
    list_remove(&shared->link);
    loop_forget(shared->instance.loop, &shared->instance);
    instance_deinit(&shared->instance);
    free(shared);
}

struct sonde_instance *
sonde_shared(struct sonde_instance *self, size_t size,
             int (*start)(struct sonde_instance *shared),
             void (*stop)(struct sonde_instance *shared))
{
    struct loop *loop = self->loop;
    struct shared *shared;

    assert(loop && loop_here(loop));
    list_each (link, &loop->shared) {
        shared = container_of(link, struct shared, link);
        if (shared->start == start)
            return &shared->instance;
    }
    shared = memory_new(sizeof(*shared));
    instance_init(&shared->instance, self->plugin, self->plugin->name);
    free(shared->instance.private);
    shared->instance.private = memory_new(size);
    shared->instance.loop = loop;
    shared->instance.shared = true;
    shared->start = start;
    shared->stop = stop;
    list_push(&loop->shared, &shared->link);
    if (start(&shared->instance) == 0)
        return &shared->instance;
    shared_free(shared);
    return NULL;
}

void
loop_unshare(struct loop *loop)
{
    struct list *link;

    while ((link = list_first(&loop->shared))) {
        struct shared *shared = container_of(link, struct shared, link);

        if (shared->stop)
            shared->stop(&shared->instance);
        shared_free(shared);
    }
}
