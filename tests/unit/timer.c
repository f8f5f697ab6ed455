/* SPDX-License-Identifier: Apache-2.0
 *
 * timer.c - the wheel against a plain reference: every timer fires once, in time,
 * never early.
 */
#include "unit.h"

#include "clock.h"
#include "memory.h"
#include "timer.h"

#include <string.h>

enum { MANY = 2000 };

struct probe {
    struct timer timer;
    int fired;
    int64_t at;
};

static int64_t now;
static struct wheel wheel;

static void
fire(struct timer *timer)
{
    struct probe *probe = container_of(timer, struct probe, timer);

    probe->fired++;
    probe->at = now;
}

/* The same sequence in each run. */
static uint32_t
next_random(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

static void
run_until(int64_t end)
{
    while (now < end) {
        int wait = wheel_wait(&wheel, now, (int)((end - now) / CLOCK_MS));

        now += (wait ? wait : 1) * CLOCK_MS;
        wheel_run(&wheel, now);
    }
}

static void
each_timer_fires_once_and_never_early(void **state)
{
    static struct probe probes[MANY];
    uint32_t seed = 7;
    int64_t farthest = 0;

    (void)state;
    now = INT64_C(123456789) * CLOCK_MS + 12345;
    wheel_init(&wheel, now);
    for (int i = 0; i < MANY; i++) {
        int64_t away = next_random(&seed)
                       % (i % 4 == 0   ? 300u
                          : i % 4 == 1 ? 70000u
                          : i % 4 == 2 ? 20000000u
                                       : 3u);
        memset(&probes[i], 0, sizeof(probes[i]));
        timer_init(&probes[i].timer, fire);
        wheel_set(&wheel, &probes[i].timer, now + away * CLOCK_MS + i);
        if (away > farthest)
            farthest = away;
    }
    run_until(now + (farthest + 2) * CLOCK_MS);
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(probes[i].fired, 1);
        assert_true(probes[i].at >= probes[i].timer.due);
        assert_true(probes[i].at < probes[i].timer.due + 2 * CLOCK_MS);
    }
    assert_int_equal(wheel.count, 0);
}

static void
a_long_sleep_fires_all_that_is_due(void **state)
{
    static struct probe probes[MANY];
    uint32_t seed = 11;

    (void)state;
    now = 77 * CLOCK_MS;
    wheel_init(&wheel, now);
    for (int i = 0; i < MANY; i++) {
        memset(&probes[i], 0, sizeof(probes[i]));
        timer_init(&probes[i].timer, fire);
        wheel_set(&wheel, &probes[i].timer,
                  now + next_random(&seed) % 100000000 * CLOCK_MS);
    }
    now += INT64_C(50000000) * CLOCK_MS; /* the machine was suspended */
    wheel_run(&wheel, now);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(probes[i].fired, probes[i].timer.due <= now);
}

static void
a_cleared_timer_is_silent_and_a_moved_one_fires_once(void **state)
{
    struct probe cleared = { 0 }, moved = { 0 };

    (void)state;
    now = 0;
    wheel_init(&wheel, now);
    timer_init(&cleared.timer, fire);
    timer_init(&moved.timer, fire);
    wheel_set(&wheel, &cleared.timer, 5 * CLOCK_MS);
    wheel_set(&wheel, &moved.timer, 5 * CLOCK_MS);
    wheel_clear(&wheel, &cleared.timer);
    wheel_set(&wheel, &moved.timer, 700 * CLOCK_MS);
    run_until(600 * CLOCK_MS);
    assert_int_equal(moved.fired, 0);
    run_until(800 * CLOCK_MS);
    assert_int_equal(moved.fired, 1);
    assert_int_equal(cleared.fired, 0);
}

static struct probe victim;

static void
fire_and_clear(struct timer *timer)
{
    fire(timer);
    wheel_clear(&wheel, &victim.timer);
}

static void
a_timer_may_clear_another_of_the_same_millisecond(void **state)
{
    struct probe killer = { 0 };

    (void)state;
    now = 0;
    wheel_init(&wheel, now);
    timer_init(&killer.timer, fire_and_clear);
    timer_init(&victim.timer, fire);
    wheel_set(&wheel, &killer.timer, CLOCK_MS);
    wheel_set(&wheel, &victim.timer, CLOCK_MS);
    run_until(10 * CLOCK_MS);
    assert_int_equal(killer.fired, 1);
    assert_int_equal(victim.fired, 0);
    assert_int_equal(wheel.count, 0);
}

static int rounds;

static void
fire_again(struct timer *timer)
{
    if (++rounds < 1000)
        wheel_set(&wheel, timer, now);
}

static void
a_timer_that_sets_itself_to_now_does_not_spin(void **state)
{
    struct probe again = { 0 };

    (void)state;
    now = 0;
    rounds = 0;
    wheel_init(&wheel, now);
    timer_init(&again.timer, fire_again);
    wheel_set(&wheel, &again.timer, 0);
    wheel_run(&wheel, now);
    assert_in_range(rounds, 1, 1);
    now += CLOCK_MS;
    wheel_run(&wheel, now);
    assert_int_equal(rounds, 2);
}

static void
a_timer_beyond_the_wheel_waits_its_turn(void **state)
{
    struct probe far = { 0 };
    int64_t due = (INT64_C(1) << 33) * CLOCK_MS;

    (void)state;
    now = 0;
    wheel_init(&wheel, now);
    timer_init(&far.timer, fire);
    wheel_set(&wheel, &far.timer, due);
    now = due - CLOCK_MS;
    wheel_run(&wheel, now);
    assert_int_equal(far.fired, 0);
    now = due;
    wheel_run(&wheel, now);
    assert_int_equal(far.fired, 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(each_timer_fires_once_and_never_early),
    cmocka_unit_test(a_long_sleep_fires_all_that_is_due),
    cmocka_unit_test(a_cleared_timer_is_silent_and_a_moved_one_fires_once),
    cmocka_unit_test(a_timer_may_clear_another_of_the_same_millisecond),
    cmocka_unit_test(a_timer_that_sets_itself_to_now_does_not_spin),
    cmocka_unit_test(a_timer_beyond_the_wheel_waits_its_turn),
};

UNIT_MAIN(tests)
