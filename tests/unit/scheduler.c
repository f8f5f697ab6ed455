/* SPDX-License-Identifier: Apache-2.0
 *
 * scheduler.c - phase, spread, retries, overruns, rechecks, on times made up here.
 */
#include "unit.h"

#include "clock.h"
#include "scheduler.h"
#include "text.h"

#include <stdio.h>
#include <string.h>

#define S CLOCK_SECOND

static uint64_t hash; /* of the name */

static struct schedule
schedule(const char *name)
{
    hash = text_hash(name, strlen(name));
    return (struct schedule){ .interval = 30 * S, .retry = 5 * S, .down = 60 * S };
}

static void
runs_keep_the_phase_of_the_name(void **state)
{
    struct schedule one = schedule("shop");
    int64_t phase = (int64_t)(hash % (uint64_t)(30 * S)), now = 1000 * S;
    unsigned missed;

    (void)state;
    for (int i = 0; i < 10; i++) {
        one.began = now;
        now = schedule_next(&one, hash, false, false, now + S, &missed);
        assert_int_equal(now % (30 * S), phase);
        assert_int_equal(missed, 0);
        assert_true(now > one.began && now <= one.began + 30 * S);
    }
}

static void
first_runs_are_spread_over_a_second_per_thousand(void **state)
{
    int early = 0;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        char name[32];
        struct schedule one;
        int64_t first;

        snprintf(name, sizeof(name), "host-%d", i);
        one = schedule(name);
        first = schedule_first(&one, hash, 3000, 50 * S);
        assert_true(first >= 50 * S && first < 53 * S);
        early += first < 51 * S;
    }
    assert_in_range(early, 900, 1100); /* a third */
}

static void
the_spread_is_at_most_the_interval(void **state)
{
    struct schedule one = schedule("x");

    (void)state;
    assert_true(schedule_first(&one, hash, 10000000, 0) < 30 * S);
}

static void
a_soft_state_is_retried_from_start_to_start(void **state)
{
    struct schedule one = schedule("shop");
    unsigned missed;

    (void)state;
    one.began = 100 * S;
    assert_int_equal(schedule_next(&one, hash, true, false, 102 * S, &missed), 105 * S);
    /* the run took longer than the retry interval: at once */
    assert_int_equal(schedule_next(&one, hash, true, false, 107 * S, &missed), 107 * S);
}

static void
down_has_an_interval_of_its_own(void **state)
{
    struct schedule one = schedule("shop");
    unsigned missed;

    (void)state;
    one.began = 1000 * S;
    assert_int_equal(schedule_next(&one, hash, false, true, 1001 * S, &missed) % (60 * S),
                     (int64_t)(hash % (uint64_t)(60 * S)));
}

static void
what_was_due_meanwhile_is_counted_not_queued(void **state)
{
    struct schedule one = schedule("shop");
    unsigned missed;
    int64_t next;

    (void)state;
    one.began = 1000 * S;
    next = schedule_next(&one, hash, false, false, 1095 * S, &missed);
    assert_true(next > 1095 * S && next <= 1125 * S);
    assert_in_range(missed, 3, 4);
}

static void
a_recheck_is_immediate_then_limited(void **state)
{
    struct schedule one = schedule("p");

    (void)state;
    assert_int_equal(schedule_ask(&one, false, 100 * S), 100 * S);
    one.asked_at = 100 * S;
    assert_int_equal(schedule_ask(&one, false, 101 * S), 105 * S);
    assert_int_equal(schedule_ask(&one, false, 106 * S), 106 * S);
}

static void
one_recheck_follows_a_run_in_flight(void **state)
{
    struct schedule one = schedule("p");

    (void)state;
    assert_int_equal(schedule_ask(&one, true, 100 * S), INT64_MAX);
    assert_int_equal(schedule_ask(&one, true, 100 * S), INT64_MAX); /* counts once */
    assert_int_equal(schedule_follow(&one, 101 * S), 101 * S);
    one.asked_at = 101 * S;
    /* asked again during the run that followed: no storm */
    schedule_ask(&one, true, 102 * S);
    assert_int_equal(schedule_follow(&one, 102 * S), 106 * S);
    assert_int_equal(schedule_follow(&one, 107 * S), INT64_MAX);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(runs_keep_the_phase_of_the_name),
    cmocka_unit_test(first_runs_are_spread_over_a_second_per_thousand),
    cmocka_unit_test(the_spread_is_at_most_the_interval),
    cmocka_unit_test(a_soft_state_is_retried_from_start_to_start),
    cmocka_unit_test(down_has_an_interval_of_its_own),
    cmocka_unit_test(what_was_due_meanwhile_is_counted_not_queued),
    cmocka_unit_test(a_recheck_is_immediate_then_limited),
    cmocka_unit_test(one_recheck_follows_a_run_in_flight),
};

UNIT_MAIN(tests)
