/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_thread.c - blocking sinks: a thread each, that may fail, hang, or be stuck.
 */
#include "sink_bench.h"

static void
a_blocking_sink_delivers_all_in_order_and_is_up(void **state)
{
    (void)state;
    go(&blocking, false);
    health_is(SONDE_UNKNOWN, "");
    for (uint64_t i = 0; i < 500; i++)
        push((int)(i % 3), i);
    EVENTUALLY(bench.seen_count == 500);
    for (int i = 3; i < 500; i++)
        for (int k = i - 1; k >= 0 && k > i - 60; k--)
            if (bench.seen[k] % 3 == bench.seen[i] % 3)
                assert_true(bench.seen[k] < bench.seen[i]);
    EVENTUALLY(is(SONDE_UP));
    assert_int_equal(bench.tellings, 1);
    assert_int_equal(bench.presents, 1);
    end();
}

static void
a_retried_event_is_not_overtaken(void **state)
{
    (void)state;
    go(&blocking, false);
    bench.retry_once = 0;
    push(0, 0);
    push(0, 1);
    push(1, 2);
    EVENTUALLY(bench.seen_count == 3);
    assert_int_equal(bench.seen[0], 2); /* others go on */
    assert_int_equal(bench.seen[1], 0);
    assert_int_equal(bench.seen[2], 1);
    end();
}

static void
one_that_fails_as_a_whole_is_down_and_loses_nothing(void **state)
{
    (void)state;
    go(&blocking, false);
    bench.fail = true;
    for (uint64_t i = 0; i < 100; i++)
        push((int)i % CHECKS, i);
    EVENTUALLY(is(SONDE_DOWN));
    health_is(SONDE_DOWN, "the cable is cut"); /* its own word */
    usleep(300000);
    assert_true(bench.batches < 20); /* it backs off */
    bench.fail = false;
    EVENTUALLY(bench.seen_count == 100);
    health_is(SONDE_UP, "");
    assert_int_equal(line(LEDGER_REJECTED), 0);
    end();
}

static void
a_start_that_fails_is_tried_anew_from_open(void **state)
{
    (void)state;
    go_refusing(&blocking, false, 3);
    EVENTUALLY(is(SONDE_DOWN));
    health_is(SONDE_DOWN, "127.0.0.1:9: connection refused");
    push(0, 1);
    EVENTUALLY(bench.seen_count == 1);
    assert_int_equal(bench.opened, 4);
    assert_int_equal(bench.started, 4);
    end();
}

static void
while_nothing_waits_an_empty_batch_comes_once_a_second(void **state)
{
    (void)state;
    go(&blocking, false);
    push(0, 1);
    EVENTUALLY(bench.seen_count == 1);
    assert_int_equal(bench.empties, 0);
    EVENTUALLY(bench.empties == 1);
    bench.fail = true;
    EVENTUALLY(is(SONDE_DOWN));
    assert_int_equal(bench.empties, 2);
    end();
}

static void
cancel_ends_a_write_that_hangs(void **state)
{
    (void)state;
    go(&blocking, false);
    bench.hang = true;
    push(0, 1);
    push(0, 2);
    EVENTUALLY(bench.batches == 1);
    stop(true);
    assert_int_equal(bench.cancels, 1);
    assert_int_equal(queue_count(bench.sink.queue), 1);
    end();
}

static void
a_thread_that_is_stuck_is_left_behind(void **state)
{
    static const struct sonde_sink stuck = { .write = fake_write };

    (void)state;
    go(&stuck, false);
    bench.hang = true;
    push(0, 1);
    EVENTUALLY(bench.batches == 1);
    stop(false); /* the last test: what is left behind is */
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_blocking_sink_delivers_all_in_order_and_is_up),
    cmocka_unit_test(a_retried_event_is_not_overtaken),
    cmocka_unit_test(one_that_fails_as_a_whole_is_down_and_loses_nothing),
    cmocka_unit_test(a_start_that_fails_is_tried_anew_from_open),
    cmocka_unit_test(while_nothing_waits_an_empty_batch_comes_once_a_second),
    cmocka_unit_test(cancel_ends_a_write_that_hangs),
    cmocka_unit_test(a_thread_that_is_stuck_is_left_behind),
};

UNIT_MAIN(tests)
