/* SPDX-License-Identifier: Apache-2.0
 *
 * state.c - the judge: rise and fall, soft and hard, what does not count.
 */
#include "unit.h"

#include "state.h"

#include <string.h>

static const struct judge_rules rules = { .rise = 2, .fall = 3 };

static struct verdict
answer(struct state *state, enum sonde_state found)
{
    return state_judge(state, &rules, found, found == SONDE_UP ? SONDE_OK : SONDE_L4CON,
                       false, 1000);
}

static struct state
up(void)
{
    struct state state = { 0 };

    answer(&state, SONDE_UP);
    return state;
}

static void
the_first_up_is_hard_at_once(void **unused)
{
    struct state state = { 0 };
    struct verdict verdict = answer(&state, SONDE_UP);

    (void)unused;
    assert_true(verdict.changed && verdict.hard && !verdict.soft);
    assert_int_equal(verdict.previous, SONDE_UNKNOWN);
    assert_int_equal(state.hard, SONDE_UP);
}

static void
the_first_down_takes_fall_answers(void **unused)
{
    struct state state = { 0 };

    (void)unused;
    assert_true(answer(&state, SONDE_DOWN).soft);
    assert_true(answer(&state, SONDE_DOWN).soft);
    assert_true(answer(&state, SONDE_DOWN).changed);
}

static void
fall_answers_make_down_hard_and_rise_up(void **unused)
{
    struct state state = up();
    struct verdict verdict;

    (void)unused;
    verdict = answer(&state, SONDE_DOWN);
    assert_true(verdict.soft && !verdict.hard && !verdict.changed);
    assert_int_equal(verdict.attempt, 1);
    answer(&state, SONDE_DOWN);
    verdict = answer(&state, SONDE_DOWN);
    assert_true(verdict.changed && verdict.hard);
    assert_int_equal(verdict.attempt, 3);
    assert_int_equal(verdict.previous, SONDE_UP);
    assert_true(answer(&state, SONDE_UP).soft);
    assert_true(answer(&state, SONDE_UP).changed);
}

static void
the_hard_state_again_ends_the_streak(void **unused)
{
    struct state state = up();

    (void)unused;
    answer(&state, SONDE_DOWN);
    answer(&state, SONDE_DOWN);
    answer(&state, SONDE_UP);
    answer(&state, SONDE_DOWN);
    assert_true(answer(&state, SONDE_DOWN).soft);
    assert_int_equal(state.hard, SONDE_UP);
}

static void
answers_that_differ_count_together_and_the_last_decides(void **unused)
{
    struct state state = up();

    (void)unused;
    answer(&state, SONDE_DEGRADED);
    answer(&state, SONDE_DOWN);
    assert_true(answer(&state, SONDE_DEGRADED).changed);
    assert_int_equal(state.hard, SONDE_DEGRADED);
}

static void
from_down_to_degraded_is_towards_up(void **unused)
{
    struct state state = { .hard = SONDE_DOWN };

    (void)unused;
    answer(&state, SONDE_DEGRADED);
    assert_true(answer(&state, SONDE_DEGRADED).changed); /* rise is 2, fall 3 */
}

static void
a_fact_skips_rise_and_fall(void **unused)
{
    struct state state = up();
    struct verdict verdict = state_judge(&state, &rules, SONDE_DOWN, SONDE_PROCEXIT, true,
                                         1000);

    (void)unused;
    assert_true(verdict.changed && verdict.hard);
    assert_int_equal(verdict.attempt, 1);
}

static void
our_own_fault_neither_counts_nor_breaks_a_streak(void **unused)
{
    static const enum sonde_reason reasons[] = { SONDE_OBSERVER, SONDE_DNSTOUT };
    struct state state = up();

    (void)unused;
    answer(&state, SONDE_DOWN);
    answer(&state, SONDE_DOWN);
    for (int i = 0; i < 2; i++) {
        struct verdict verdict = state_judge(&state, &rules, SONDE_UNKNOWN, reasons[i],
                                             true, 2000);

        assert_false(verdict.changed);
        assert_true(verdict.soft);
        assert_int_equal(state.hard, SONDE_UP);
    }
    assert_true(answer(&state, SONDE_DOWN).changed);
}

static void
onset_is_the_first_of_the_streak(void **unused)
{
    struct state state = up();

    (void)unused;
    for (int64_t at = 5000; at < 5003; at++)
        state_judge(&state, &rules, SONDE_DOWN, SONDE_L4CON, false, at);
    assert_int_equal(state.hard, SONDE_DOWN);
    assert_int_equal(state.onset, 5000);
}

static void
the_last_change_is_told_again_with_its_id(void **unused)
{
    struct event_pool *pool = event_pool_new();
    struct origin *origin = origin_new("shop", "http", "node-1", NULL, 0);
    struct sonde_event *change = event_new(pool, origin), *told;
    struct state state = up();

    (void)unused;
    assert_null(state_tell(&state, pool, origin)); /* nothing is remembered yet */
    change->kind = EVENT_CHANGE;
    change->state = SONDE_DOWN;
    change->previous = SONDE_UP;
    change->reason = SONDE_L7STS;
    change->seq = 42;
    change->time = change->since = 9000000;
    event_set_message(change, "answered 503");
    state.hard = SONDE_DOWN;
    state_remember(&state, change, 1);
    told = state_tell(&state, pool, origin);
    assert_memory_equal(told->id, change->id, sizeof(told->id));
    assert_string_equal(told->message, "answered 503");
    assert_int_equal(told->state, SONDE_DOWN);
    assert_int_equal(told->seq, 42);
    assert_int_equal(told->time, 9000000);
    event_unref(told);
    event_unref(change);
    origin_unref(origin);
    event_pool_free(pool);
    state_deinit(&state);
}

static void
a_state_lasts_as_long_as_it_does_whatever_the_wall_clock_says(void **unused)
{
    struct event_pool *pool = event_pool_new();
    struct origin *origin = origin_new("shop", "http", "node-1", NULL, 0);
    struct sonde_event *change = event_new(pool, origin), *told;
    struct state state = up();

    (void)unused;
    change->time = change->since = 9000000;
    change->has_was = true;
    change->was.since = 1000000;
    change->was.duration_ms = 5; /* the clock was set meanwhile */
    state_remember(&state, change, 7000000000);
    assert_int_equal(state_lasted(&state, 7250000000, 3000000), 250);
    assert_int_equal(state_lasted(&state, 7250000000, 900000000000), 250);
    told = state_tell(&state, pool, origin);
    assert_int_equal(told->was.duration_ms, 5);
    event_unref(told);
    state_remember(&state, change, 0); /* of another process */
    assert_int_equal(state_lasted(&state, 7250000000, 9250000), 250);
    assert_int_equal(state_lasted(&state, 7250000000, 3000000), 0);
    event_unref(change);
    origin_unref(origin);
    event_pool_free(pool);
    state_deinit(&state);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_first_up_is_hard_at_once),
    cmocka_unit_test(the_first_down_takes_fall_answers),
    cmocka_unit_test(fall_answers_make_down_hard_and_rise_up),
    cmocka_unit_test(the_hard_state_again_ends_the_streak),
    cmocka_unit_test(answers_that_differ_count_together_and_the_last_decides),
    cmocka_unit_test(from_down_to_degraded_is_towards_up),
    cmocka_unit_test(a_fact_skips_rise_and_fall),
    cmocka_unit_test(our_own_fault_neither_counts_nor_breaks_a_streak),
    cmocka_unit_test(onset_is_the_first_of_the_streak),
    cmocka_unit_test(the_last_change_is_told_again_with_its_id),
    cmocka_unit_test(a_state_lasts_as_long_as_it_does_whatever_the_wall_clock_says),
};

UNIT_MAIN(tests)
