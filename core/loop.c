/* SPDX-License-Identifier: Apache-2.0
 *
 * loop.c - a thread's event loop on epoll.  See loop.h; what plugins call is in
 * watch.c, which shares loop_inside.h.
 *
 * epoll hands back the address of a watch.  A watch that is freed during a turn
 * stays as it is until the turn ends, with no function, so that an event already
 * fetched for it finds nothing to call.  Then it is ready to be used again: a loop
 * keeps as many as it ever had at once or freed in one turn.
 */
#include "loop.h"

#include "clock.h"
#include "log.h"
#include "loop_inside.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOP_EVENTS = 256,  /* descriptors in one turn */
    LOOP_SLEEP = 60000, /* ms: the longest wait with nothing due */
};

static _Thread_local const struct loop *loop_current;

struct loop *
loop_new(const char *name)
{
    struct loop *loop = memory_new(sizeof(*loop));
    struct epoll_event ready = { .events = EPOLLIN, .data.ptr = NULL };

    loop->name = memory_text(name);
    loop->epoll = epoll_create1(EPOLL_CLOEXEC);
    loop->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (loop->epoll == -1 || loop->wake == -1
        || epoll_ctl(loop->epoll, EPOLL_CTL_ADD, loop->wake, &ready) == -1) {
        log_error("cannot make an event loop: %s", strerror(errno));
        exit(70);
    }
    wheel_init(&loop->wheel, clock_now());
    pthread_mutex_init(&loop->lock, NULL);
    pthread_cond_init(&loop->end, NULL);
    list_init(&loop->posts);
    list_init(&loop->dead);
    list_init(&loop->spare);
    list_init(&loop->shared);
    loop->pool = event_pool_new();
    return loop;
}

void
loop_trim(struct loop *loop)
{
    list_each_safe (link, &loop->spare) {
        list_remove(link);
        free(container_of(link, struct sonde_watch, link));
    }
    watch_trim(loop);
    event_pool_trim(loop->pool);
}

static void loop_drop_post(struct post *post);

void
loop_free(struct loop *loop)
{
    if (!loop)
        return;
    list_each_safe (link, &loop->posts)
        loop_drop_post(container_of(link, struct post, link));
    list_move_all(&loop->spare, &loop->dead);
    loop_trim(loop);
    for (size_t fd = 0; fd < loop->fd_room; fd++)
        free(loop->by_fd[fd]); /* core's own: instances have taken theirs away */
    close(loop->epoll);
    close(loop->wake);
    pthread_cond_destroy(&loop->end);
    pthread_mutex_destroy(&loop->lock);
    event_pool_free(loop->pool);
    free(loop->by_fd);
    free(loop->name);
    free(loop);
}

bool
loop_here(const struct loop *loop)
{
    return loop_current == loop;
}

const char *
loop_name(const struct loop *loop)
{
    return loop->name;
}

struct event_pool *
loop_pool(const struct loop *loop)
{
    return loop->pool;
}

void
loop_set(struct loop *loop, struct timer *timer, int64_t due)
{
    wheel_set(&loop->wheel, timer, due);
}

void
loop_clear(struct loop *loop, struct timer *timer)
{
    wheel_clear(&loop->wheel, timer);
}

int64_t
loop_worst_lag(struct loop *loop)
{
    return atomic_exchange(&loop->worst_lag, 0);
}

/* ---- posts ---- */

static void
loop_wake(struct loop *loop)
{
    const uint64_t one = 1;
    ssize_t written = write(loop->wake, &one, sizeof(one));

    (void)written; /* EAGAIN: it is awake already */
}

void
loop_post_for(struct loop *loop, struct sonde_instance *owner, loop_fn *fn,
              sonde_call_fn *call, void *arg)
{
    struct post *post = memory_new(sizeof(*post));
    bool first;

    *post = (struct post){ .fn = fn, .call = call, .owner = owner, .arg = arg };
    pthread_mutex_lock(&loop->lock);
    first = atomic_fetch_add(&loop->waiting, 1) == 0;
    list_push(&loop->posts, &post->link);
    pthread_mutex_unlock(&loop->lock);
    if (first && !loop_here(loop)) /* a turn looks for posts before it waits */
        loop_wake(loop);
}

void
loop_post(struct loop *loop, loop_fn *fn, void *arg)
{
    loop_post_for(loop, NULL, fn, NULL, arg);
}

static struct post *
loop_next_post(struct loop *loop)
{
    struct list *link;

    pthread_mutex_lock(&loop->lock);
    link = list_first(&loop->posts);
    if (link) {
        list_remove(link);
        atomic_fetch_sub(&loop->waiting, 1);
    }
    pthread_mutex_unlock(&loop->lock);
    return link ? container_of(link, struct post, link) : NULL;
}

/* Only as many as wait now: a post that posts must not keep descriptors out. */
static void
loop_run_posts(struct loop *loop)
{
    size_t count = atomic_load(&loop->waiting);
    struct post *post;

    while (count-- && (post = loop_next_post(loop))) {
        struct post now = *post;

        free(post);
        if (now.call)
            now.call(now.owner, now.arg);
        else
            now.fn(now.arg);
    }
}

/* Lives until both sides have let go of it: the caller may give up waiting. */
struct call {
    loop_fn *fn;
    void *arg;
    pthread_mutex_t lock;
    pthread_cond_t ended;
    bool done, abandoned;
};

static void
loop_call_free(struct call *call)
{
    pthread_cond_destroy(&call->ended);
    pthread_mutex_destroy(&call->lock);
    free(call);
}

static void
loop_called(void *arg)
{
    struct call *call = arg;
    bool abandoned;

    call->fn(call->arg);
    pthread_mutex_lock(&call->lock);
    call->done = true;
    abandoned = call->abandoned;
    pthread_cond_signal(&call->ended);
    pthread_mutex_unlock(&call->lock);
    if (abandoned)
        loop_call_free(call);
}

/* It will not run any more.  A call that is in it was given up by its caller. */
static void
loop_drop_post(struct post *post)
{
    if (post->fn == loop_called)
        loop_call_free(post->arg);
    free(post);
}

static struct timespec
loop_timespec(int64_t at)
{
    return (struct timespec){ .tv_sec = at / CLOCK_SECOND, .tv_nsec = at % CLOCK_SECOND };
}

bool
loop_call(struct loop *loop, loop_fn *fn, void *arg, int64_t deadline)
{
    struct timespec until = loop_timespec(deadline);
    struct call *call;
    bool done;

    if (loop_here(loop) || !loop->threaded) {
        fn(arg);
        return true;
    }
    call = memory_new(sizeof(*call));
    call->fn = fn;
    call->arg = arg;
    pthread_mutex_init(&call->lock, NULL);
    pthread_cond_init(&call->ended, NULL);
    loop_post(loop, loop_called, call);
    pthread_mutex_lock(&call->lock);
    while (!call->done
           && pthread_cond_clockwait(&call->ended, &call->lock, CLOCK_MONOTONIC, &until)
                  == 0)
        continue;
    done = call->done;
    call->abandoned = !done;
    pthread_mutex_unlock(&call->lock);
    if (done)
        loop_call_free(call);
    return done;
}

/* ---- a turn ---- */

static void
loop_read(struct loop *loop, const struct epoll_event *events, int count)
{
    for (int i = 0; i < count; i++) {
        struct sonde_watch *watch = events[i].data.ptr;
        unsigned ready = 0;
        uint64_t drained;

        if (!watch) {
            ssize_t got = read(loop->wake, &drained, sizeof(drained));
            (void)got;
            continue;
        }
        if (events[i].events & (EPOLLIN | EPOLLERR | EPOLLHUP | EPOLLRDHUP))
            ready |= SONDE_READ;
        if (events[i].events & (EPOLLOUT | EPOLLERR | EPOLLHUP))
            ready |= SONDE_WRITE;
        if (watch->fn)
            watch->fn(watch->owner, watch->fd, ready, watch->arg);
        else if (watch->inner)
            watch->inner(watch->arg);
    }
}

/* How late the next timer is. */
static void
loop_measure(struct loop *loop, int64_t now)
{
    int64_t due = wheel_due(&loop->wheel);

    if (due < now
        && now - due > atomic_load_explicit(&loop->worst_lag, memory_order_relaxed))
        atomic_store(&loop->worst_lag, now - due);
}

void
loop_turn(struct loop *loop, int ms)
{
    const struct loop *outer = loop_current;
    struct epoll_event events[LOOP_EVENTS];
    int wait = wheel_wait(&loop->wheel, clock_now(), ms), count;
    int64_t now;

    loop_current = loop;
    /* Where nothing waits, the next post writes to loop->wake. */
    count = epoll_wait(loop->epoll, events, LOOP_EVENTS,
                       atomic_load(&loop->waiting) ? 0 : wait);
    if (count == -1
        && errno == EINTR) /* stopped and continued: answers before deadlines */
        count = epoll_wait(loop->epoll, events, LOOP_EVENTS, 0);
    loop_run_posts(loop);
    loop_read(loop, events, count);
    now = clock_now();
    loop_measure(loop, now);
    wheel_run(&loop->wheel, now);
    list_move_all(&loop->spare, &loop->dead);
    loop_current = outer;
}

/* ---- the thread ---- */

void
loop_run(struct loop *loop)
{
    while (!atomic_load(&loop->quit))
        loop_turn(loop, LOOP_SLEEP);
}

void
loop_quit(struct loop *loop)
{
    atomic_store(&loop->quit, true);
    loop_wake(loop);
}

static void *
loop_thread(void *arg)
{
    struct loop *loop = arg;

    pthread_setname_np(pthread_self(), loop->name);
    loop_run(loop);
    pthread_mutex_lock(&loop->lock);
    loop->ended = true;
    pthread_cond_signal(&loop->end);
    pthread_mutex_unlock(&loop->lock);
    return NULL;
}

void
loop_start(struct loop *loop)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the main thread's */
    loop->threaded = true;
    if (pthread_create(&loop->thread, NULL, loop_thread, loop) != 0) {
        log_error("cannot start a thread for %s", loop->name);
        exit(70);
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

bool
loop_join(struct loop *loop, int64_t deadline)
{
    struct timespec until = loop_timespec(deadline);
    bool ended;

    if (!loop->threaded)
        return true;
    loop_quit(loop);
    pthread_mutex_lock(&loop->lock);
    while (!loop->ended
           && pthread_cond_clockwait(&loop->end, &loop->lock, CLOCK_MONOTONIC, &until)
                  == 0)
        continue;
    ended = loop->ended;
    pthread_mutex_unlock(&loop->lock);
    if (!ended)
        return false;
    pthread_join(loop->thread, NULL);
    loop->threaded = false;
    return true;
}
