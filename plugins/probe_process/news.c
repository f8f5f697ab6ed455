/* SPDX-License-Identifier: Apache-2.0
 *
 * news.c - see news.h.  However many processes come and go, what they cost the loop is
 * a tenth of its time: what comes during a tick is told at its end, for as long as the
 * budget says, and the next tick is at least ten times as long as that took.
 */
#include "news.h"
#include "connector.h"

#include <errno.h>
#include <string.h>

#define MS INT64_C(1000000)

enum {
    TICK_MS = 20,     /* time enough after a fork for the exec that mostly follows */
    SHARE = 10,       /* one part in so many */
    BUDGET_MS = 5,    /* for one tick */
    LINGER_MS = 1000, /* no joining and leaving for a check that goes to and fro */
    HEAR_MOST = 8192  /* read at a time; the socket holds fewer */
};

static void
news_quit(struct news *news)
{
    sonde_watch_free(news->watch);
    news->watch = NULL;
    if (news->fd != -1)
        connector_close(news->fd);
    news->fd = -1;
    news->heard = INT64_MAX;
    news->at = news->count = 0;
    news->missed = news->ticking = false;
    sonde_timer_set(news->tick, -1);
}

static void
news_refuse(struct news *news, int error)
{
    news_quit(news);
    news->refused = true;
    sonde_log(
        news->self, SONDE_DEBUG,
        "the kernel does not tell us of new processes (%s); /proc is looked through "
        "at each run that needs it",
        strerror(error));
}

/* ---- hearing ---- */

static void
news_note(struct news *news, pid_t pid)
{
    if (!pid)
        return;
    news->note(news->arg, pid);
    if (news->count < NEWS_MOST)
        news->pids[news->count++] = pid;
    else
        news->missed = true;
}

/* Nothing that was read before is sure. */
static void
news_lose(struct news *news)
{
    news->heard = news->lost = sonde_now();
    news->missed = true;
}

static void
news_hear(struct news *news)
{
    pid_t pids[32];
    ssize_t n = 1;

    for (ssize_t all = 0; n && all < HEAR_MOST; all += n) {
        n = connector_read(news->fd, pids, sizeof(pids) / sizeof(*pids));
        for (ssize_t i = 0; i < n; i++)
            news_note(news, pids[i]);
        if (n == -ENOBUFS) {
            news_lose(news);
            n = 1;
        } else if (n < 0) {
            news_refuse(news, (int)-n);
            return;
        }
    }
    if (n)
        news_lose(news); /* they do not end */
}

/* ---- telling ---- */

static void
news_tell(struct news *news, int64_t until)
{
    if (news->missed) {
        news->missed = false;
        news->at = news->count;
        news->tell(news->arg, 0);
    }
    while (news->at < news->count && sonde_now() < until)
        news->tell(news->arg, news->pids[news->at++]);
    if (news->at == news->count)
        news->at = news->count = 0;
}

/* They are told when the pause is over, if that is not due anyway. */
static void
news_await_tick(struct news *news)
{
    if (news->ticking)
        return;
    news->ticking = true;
    sonde_watch_want(news->watch, 0);
    sonde_timer_set(news->tick, news->pause);
}

static void
news_ready(struct sonde_instance *self, int fd, unsigned ready, void *arg)
{
    (void)self, (void)fd, (void)ready;
    news_await_tick(arg);
}

static void
news_tick(struct sonde_instance *self, void *arg)
{
    struct news *news = arg;
    int64_t start = sonde_now();

    (void)self;
    news->ticking = false;
    news_hear(news);
    if (news->fd == -1)
        return;
    news_tell(news, start + BUDGET_MS * MS);
    news->pause = (sonde_now() - start) * SHARE / MS;
    if (news->pause < TICK_MS)
        news->pause = TICK_MS;
    if (news->count)
        news_await_tick(news);
    else
        sonde_watch_want(news->watch, SONDE_READ);
}

int64_t
news_heard(struct news *news)
{
    if (news->fd != -1)
        news_hear(news);
    if (news->count || news->missed)
        news_await_tick(news); /* the socket has nothing left that would wake us */
    return news->heard;
}

/* ---- joining ---- */

static void
news_left(struct sonde_instance *self, void *arg)
{
    (void)self;
    news_quit(arg);
}

void
news_init(struct news *news)
{
    news->fd = -1;
    news->heard = INT64_MAX;
    news->pause = TICK_MS;
    news->tick = sonde_timer_new(news->self, news_tick, news);
    news->leave = sonde_timer_new(news->self, news_left, news);
}

void
news_deinit(struct news *news)
{
    news_quit(news);
}

void
news_join(struct news *news)
{
    sonde_timer_set(news->leave, -1);
    if (news->fd != -1 || news->refused)
        return;
    news->fd = connector_open();
    if (news->fd < 0) {
        int error = -news->fd;

        news->fd = -1;
        if (error != EMFILE && error != ENFILE && error != ENOMEM && error != ENOBUFS)
            news_refuse(news, error); /* the others may pass */
        return;
    }
    news->watch = sonde_watch_new(news->self, news->fd, SONDE_READ, news_ready, news);
    if (!news->watch)
        news_quit(news);
    else
        news->heard = sonde_now();
}

void
news_leave(struct news *news)
{
    sonde_timer_set(news->leave, LINGER_MS);
}
