/* SPDX-License-Identifier: Apache-2.0
 *
 * loop.c - descriptors, timers, posts from other threads, and plugins that close what
 * they should not.
 */
#include "unit.h"

#include "clock.h"
#include "log.h"
#include "loop.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

static struct loop *loop;
static struct sonde_instance one, two;
static const struct sonde_option none[] = { { 0 } };
static const struct plugin plugin = { .role = PLUGIN_PROBE,
                                      .name = "fake",
                                      .options = none };
static int calls;

static int
set_up(void **state)
{
    (void)state;
    calls = 0;
    loop = loop_new("test");
    instance_init(&one, &plugin, "one");
    instance_init(&two, &plugin, "two");
    one.loop = two.loop = loop;
    loop_turn(loop, 0);
    return 0;
}

static int
tear_down(void **state)
{
    (void)state;
    loop_forget(loop, &one);
    loop_forget(loop, &two);
    instance_deinit(&one);
    instance_deinit(&two);
    loop_free(loop);
    return 0;
}

static void
drain(struct sonde_instance *self, int fd, unsigned ready, void *arg)
{
    char byte;

    (void)self, (void)arg;
    calls++;
    if (ready & SONDE_READ && read(fd, &byte, 1) == -1)
        calls += 100;
}

/* What belongs on the loop is done in a post, as plugins do. */
static int ends[2];
static struct sonde_watch *watch;

static void
on_loop_watch(void *arg)
{
    watch = sonde_watch_new(arg, ends[0], SONDE_READ, drain, NULL);
}

static void
on_loop_free(void *arg)
{
    (void)arg;
    sonde_watch_free(watch);
}

static void
do_on_loop(loop_fn *fn, void *arg)
{
    loop_post(loop, fn, arg);
    loop_turn(loop, 0);
}

static void
a_watch_hears_its_descriptor(void **state)
{
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    do_on_loop(on_loop_watch, &one);
    assert_non_null(watch);
    assert_int_equal(write(ends[1], "x", 1), 1);
    loop_turn(loop, 100);
    assert_int_equal(calls, 1);
    do_on_loop(on_loop_free, NULL);
    assert_int_equal(write(ends[1], "x", 1), 1);
    loop_turn(loop, 0);
    assert_int_equal(calls, 1);
    close(ends[0]);
    close(ends[1]);
}

static void
a_watch_of_a_closed_descriptor_takes_nobody_down(void **state)
{
    int other[2], closed;
    struct sonde_watch *stale;

    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    do_on_loop(on_loop_watch, &one);
    stale = watch;
    closed = ends[0];
    close(ends[0]);
    close(ends[1]); /* behind the loop's back */
    assert_int_equal(pipe2(other, O_CLOEXEC | O_NONBLOCK), 0);
    assert_int_equal(other[0], closed); /* the number is somebody else's now */
    ends[0] = other[0];
    do_on_loop(on_loop_watch, &two);
    assert_non_null(watch);
    sonde_watch_free(stale); /* must not silence the newcomer */
    assert_int_equal(write(other[1], "x", 1), 1);
    loop_turn(loop, 100);
    assert_int_equal(calls, 1);
    do_on_loop(on_loop_free, NULL);
    close(other[0]);
    close(other[1]);
}

static void
what_an_instance_leaves_goes_with_it(void **state)
{
    (void)state;
    assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
    do_on_loop(on_loop_watch, &one);
    assert_int_equal(write(ends[1], "x", 1), 1);
    loop_forget(loop, &one);
    loop_turn(loop, 0);
    assert_int_equal(calls, 0);
    assert_true(list_empty(&one.watches));
    close(ends[0]);
    close(ends[1]);
}

static void
count(struct sonde_instance *self, void *arg)
{
    (void)self, (void)arg;
    calls++;
}

static void
posts_of_a_forgotten_instance_are_dropped(void **state)
{
    (void)state;
    sonde_post(&one, count, NULL);
    sonde_post(&two, count, NULL);
    loop_forget(loop, &one);
    loop_turn(loop, 0);
    assert_int_equal(calls, 1);
}

static void
a_timer_fires_once_and_not_early(void **state)
{
    struct sonde_timer *timer = sonde_timer_new(&one, count, NULL);
    int64_t began = clock_now();

    (void)state;
    sonde_timer_set(timer, 20);
    while (!calls)
        loop_turn(loop, 1000);
    assert_true(clock_now() - began >= 20 * CLOCK_MS);
    loop_turn(loop, 30);
    assert_int_equal(calls, 1);
    sonde_timer_free(timer);
}

enum { POSTERS = 4, POSTS = 5000 };

static int last[POSTERS];

struct posted {
    int poster, number;
};

static void
in_order(void *arg)
{
    struct posted *posted = arg;

    assert_int_equal(posted->number, last[posted->poster] + 1);
    last[posted->poster] = posted->number;
    calls++;
    free(posted);
}

static void *
post_many(void *arg)
{
    for (int i = 1; i <= POSTS; i++) {
        struct posted *posted = memory_new(sizeof(*posted));

        *posted = (struct posted){ (int)(intptr_t)arg, i };
        loop_post(loop, in_order, posted);
    }
    return NULL;
}

static void
posts_from_threads_come_in_the_order_of_each(void **state)
{
    pthread_t threads[POSTERS];

    (void)state;
    memset(last, 0, sizeof(last));
    for (intptr_t i = 0; i < POSTERS; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, post_many, (void *)i), 0);
    while (calls < POSTERS * POSTS)
        loop_turn(loop, 1000);
    for (int i = 0; i < POSTERS; i++)
        pthread_join(threads[i], NULL);
    assert_int_equal(calls, POSTERS * POSTS);
}

static void
bump(void *arg)
{
    ++*(int *)arg;
}

static void
hang(void *arg)
{
    (void)arg;
    usleep(300000);
}

static void
a_call_waits_for_the_loop_but_not_for_ever(void **state)
{
    int done = 0;

    (void)state;
    loop_start(loop);
    assert_true(loop_call(loop, bump, &done, clock_now() + CLOCK_SECOND));
    assert_int_equal(done, 1);
    loop_post(loop, hang, NULL);
    assert_false(loop_call(loop, bump, &calls, clock_now() + 50 * CLOCK_MS));
    assert_true(loop_join(loop, clock_now() + 5 * CLOCK_SECOND));
}

static int
share_start(struct sonde_instance *shared)
{
    *(int *)sonde_private(shared) = 42;
    calls++;
    return 0;
}

static void
share_stop(struct sonde_instance *shared)
{
    assert_int_equal(*(int *)sonde_private(shared), 42);
    calls += 10;
}

static void
share(void *arg)
{
    struct sonde_instance *a = sonde_shared(&one, sizeof(int), share_start, share_stop);
    struct sonde_instance *b = sonde_shared(&two, sizeof(int), share_start, share_stop);

    (void)arg;
    assert_ptr_equal(a, b);
}

static void
end_shared(void *arg)
{
    loop_unshare(arg);
}

static void
what_is_shared_is_made_once_and_ends_once(void **state)
{
    (void)state;
    do_on_loop(share, NULL);
    assert_int_equal(calls, 1);
    do_on_loop(end_shared, loop);
    assert_int_equal(calls, 11);
}

#define UNIT(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    UNIT(a_watch_hears_its_descriptor),
    UNIT(a_watch_of_a_closed_descriptor_takes_nobody_down),
    UNIT(what_an_instance_leaves_goes_with_it),
    UNIT(posts_of_a_forgotten_instance_are_dropped),
    UNIT(a_timer_fires_once_and_not_early),
    UNIT(posts_from_threads_come_in_the_order_of_each),
    UNIT(a_call_waits_for_the_loop_but_not_for_ever),
    UNIT(what_is_shared_is_made_once_and_ends_once),
};

UNIT_MAIN(tests)
