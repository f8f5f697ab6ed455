/* SPDX-License-Identifier: Apache-2.0
 *
 * process_news.c - what the process probe is told of processes: none of it is lost,
 * whoever reads the socket, and all of it is told at the pace that is set.  The socket,
 * the loop and its clock are played here.
 */
#include "unit.h"

#include "../../plugins/probe_process/connector.h"
#include "../../plugins/probe_process/news.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { SOCKET = 77, TICK_MS = 20 };

/* ---- the socket and the loop that are played ---- */

static pid_t waiting[4096];
static size_t count;
static int error, opens, closes;

static int64_t now;
static int64_t tick_in, leave_in; /* ms; -1: not armed */
static unsigned want;
static sonde_ready_fn *ready;
static sonde_call_fn *tick, *leave;
static struct news news;

static char told[256];
static int noted, told_any;

int64_t
sonde_now(void)
{
    return now;
}

void
sonde_log(struct sonde_instance *self, enum sonde_level level, const char *format, ...)
{
    (void)self, (void)level, (void)format;
}

int
connector_open(void)
{
    opens++;
    return error ? -error : SOCKET;
}

void
connector_close(int fd)
{
    assert_int_equal(fd, SOCKET);
    closes++;
}

ssize_t
connector_read(int fd, pid_t *pids, size_t room)
{
    size_t n = count < room ? count : room;
    int failed = error;

    assert_int_equal(fd, SOCKET);
    error = 0;
    if (failed)
        return -failed;
    memcpy(pids, waiting, n * sizeof(*pids));
    count -= n;
    memmove(waiting, waiting + n, count * sizeof(*waiting));
    return (ssize_t)n;
}

struct sonde_watch *
sonde_watch_new(struct sonde_instance *self, int fd, unsigned wanted, sonde_ready_fn *fn,
                void *arg)
{
    (void)self, (void)arg;
    assert_int_equal(fd, SOCKET);
    want = wanted;
    ready = fn;
    return (void *)&want;
}

void
sonde_watch_want(struct sonde_watch *watch, unsigned wanted)
{
    assert_ptr_equal(watch, &want);
    want = wanted;
}

void
sonde_watch_free(struct sonde_watch *watch)
{
    (void)watch;
    want = 0;
}

struct sonde_timer *
sonde_timer_new(struct sonde_instance *self, sonde_call_fn *fn, void *arg)
{
    (void)self, (void)arg;
    *(tick ? &leave : &tick) = fn;
    return (void *)(tick == fn ? &tick_in : &leave_in);
}

void
sonde_timer_set(struct sonde_timer *timer, int64_t ms)
{
    *(int64_t *)(void *)timer = ms;
}

static void
note(void *arg, pid_t pid)
{
    (void)arg, (void)pid;
    noted++;
}

/* Each takes a millisecond. */
static void
tell(void *arg, pid_t pid)
{
    size_t used = strlen(told);

    (void)arg;
    now += 1000000;
    told_any += pid == 0;
    if (used + 8 < sizeof(told))
        snprintf(told + used, sizeof(told) - used, "%s%d", used ? " " : "", (int)pid);
}

static int
set_up(void **state)
{
    (void)state;
    count = 0;
    error = opens = closes = noted = told_any = 0;
    tick = leave = NULL;
    tick_in = leave_in = -1;
    told[0] = '\0';
    now = 1000;
    news = (struct news){ .note = note, .tell = tell };
    news_init(&news);
    news_join(&news);
    return want != SONDE_READ;
}

/* What the loop does next. */
static void
turn(void)
{
    if (count && want)
        ready(NULL, SOCKET, SONDE_READ, &news);
    if (tick_in < 0)
        return;
    now += tick_in * 1000000;
    tick_in = -1;
    tick(NULL, &news);
}

static void
arrive(pid_t pid)
{
    waiting[count++] = pid;
}

/* ---- tests ---- */

static void
news_are_told_after_a_pause(void **state)
{
    (void)state;
    arrive(7);
    arrive(0); /* says nothing to us */
    arrive(8);
    ready(NULL, SOCKET, SONDE_READ, &news);
    assert_int_equal(tick_in, TICK_MS);
    assert_int_equal(want, 0); /* or it would be ready all the time */
    assert_string_equal(told, "");
    turn();
    assert_string_equal(told, "7 8");
    assert_int_equal(noted, 2);
    assert_int_equal(want, SONDE_READ);
    assert_int_equal(tick_in, -1);
}

/* A look notes all that waits, and the socket is empty then. */
static void
what_a_look_has_read_is_told_as_well(void **state)
{
    (void)state;
    arrive(7);
    assert_int_equal(news_heard(&news), 1000);
    assert_int_equal(noted, 1);
    assert_int_equal(count, 0);
    tick_in -= 5;
    arrive(8);
    news_heard(&news);
    assert_int_equal(tick_in, TICK_MS - 5); /* looks do not put it off */
    turn();
    assert_string_equal(told, "7 8");
    news_heard(&news);
    assert_int_equal(tick_in, -1);
}

static void
what_was_lost_may_be_anybody(void **state)
{
    (void)state;
    error = ENOBUFS;
    arrive(7);
    now = 5000;
    assert_int_equal(news_heard(&news), 5000); /* nothing read before is sure */
    assert_int_equal(news.lost, 5000);
    turn();
    assert_string_equal(told, "0");
    assert_int_equal(noted, 1);
}

static void
a_flood_has_a_share_of_the_time(void **state)
{
    int turns = 0;

    (void)state;
    for (int i = 0; i < NEWS_MOST; i++)
        arrive(i + 1);
    turn();
    assert_int_equal(news.at, 5);  /* ms of telling, */
    assert_int_equal(tick_in, 50); /* and ten times as much of rest */
    for (int i = 0; i < 2 * NEWS_MOST; i++)
        arrive(i + 1);
    for (; tick_in >= 0; turns++)
        turn();
    assert_true(turns < 5);
    assert_int_equal(told_any, 1); /* those that had no room */
    assert_int_equal(noted, 3 * NEWS_MOST);
    assert_int_equal(want, SONDE_READ);
}

static void
a_refusal_is_final(void **state)
{
    (void)state;
    error = EPERM;
    assert_int_equal(news_heard(&news), INT64_MAX);
    assert_int_equal(closes, 1);
    news_join(&news);
    assert_int_equal(opens, 1);
    assert_int_equal(tick_in, -1);
}

static void
leaving_takes_a_while(void **state)
{
    (void)state;
    arrive(7);
    news_heard(&news);
    news_leave(&news);
    assert_true(leave_in > 0);
    news_join(&news);
    assert_int_equal(leave_in, -1);
    news_leave(&news);
    leave(NULL, &news);
    assert_int_equal(closes, 1);
    assert_int_equal(tick_in, -1);
    news_join(&news);
    assert_int_equal(opens, 2);
    assert_int_equal(news_heard(&news), now);
    news_deinit(&news);
    assert_int_equal(closes, 2);
}

#define TEST(name) cmocka_unit_test_setup(name, set_up)

static const struct CMUnitTest tests[] = {
    TEST(news_are_told_after_a_pause),  TEST(what_a_look_has_read_is_told_as_well),
    TEST(what_was_lost_may_be_anybody), TEST(a_flood_has_a_share_of_the_time),
    TEST(a_refusal_is_final),           TEST(leaving_takes_a_while),
};

UNIT_MAIN(tests)
