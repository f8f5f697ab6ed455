/* SPDX-License-Identifier: Apache-2.0
 *
 * sink.c - what fates do to a sink, to an event and to its check; asynchronous sinks.
 */
#include "sink_bench.h"

static void
an_asynchronous_sink_delivers_and_is_presented_every_state(void **state)
{
    (void)state;
    go(&looping, true);
    for (uint64_t i = 0; i < 10; i++)
        push((int)i, i);
    pass(5);
    assert_int_equal(bench.seen_count, 10);
    health_is(SONDE_UP, "");
    assert_int_equal(bench.presents, 1);
    sonde_health(&bench.sink.instance, SONDE_DOWN, "lost %d", 1);
    health_is(SONDE_DOWN, "lost 1");
    pass(2000);
    sonde_health(&bench.sink.instance, SONDE_UP, " ");
    assert_int_equal(bench.presents, 2);
    sonde_health(&bench.sink.instance, SONDE_DEGRADED, "one of two");
    push(0, 10);
    pass(5);
    health_is(SONDE_DEGRADED, "one of two"); /* a delivery does not contradict that */
    end();
}

static void
a_batch_that_never_comes_back_is_told_and_holds_up_nothing_else(void **state)
{
    (void)state;
    go(&looping, true);
    bench.hold = true;
    push(0, 1);
    push(1, 2);
    pass(29000);
    health_is(SONDE_UNKNOWN, "");
    pass(3000);
    health_is(SONDE_DEGRADED, "a batch has been out for 30 s");
    assert_int_equal(bench.batches, 1);
    stop(true); /* cancels */
    assert_int_equal(bench.cancels, 1);
    assert_int_equal(queue_ledger(bench.sink.queue)->retries, 2);
    assert_int_equal(queue_count(bench.sink.queue), 2);
    end();
}

static void *
settle_elsewhere(void *arg)
{
    sonde_settle_rest(arg, SONDE_DELIVERED, NULL);
    return NULL;
}

static void
a_batch_may_be_settled_on_any_thread_and_twice(void **state)
{
    struct sonde_item *item;
    pthread_t thread;

    (void)state;
    go(&looping, true);
    bench.hold = true;
    for (int i = 0; i < 20; i++)
        push(i, (uint64_t)i);
    pass(2);
    assert_int_equal(bench.held_count, 1);
    item = sonde_next(bench.held[0], NULL);
    sonde_settle(item, SONDE_REJECTED, "no");
    sonde_settle(item, SONDE_DELIVERED, NULL); /* is logged and changes nothing */
    assert_int_equal(pthread_create(&thread, NULL, settle_elsewhere, bench.held[0]), 0);
    pthread_join(thread, NULL);
    pass(2);
    assert_int_equal(line(LEDGER_REJECTED), 1);
    assert_int_equal(line(LEDGER_DELIVERED), 19);
    end();
}

/* The rest by two threads, a few items by a third. */
static void
a_large_batch_is_settled_by_several_threads_at_once(void **state)
{
    struct sonde_sink large = looping;
    struct sonde_item *item = NULL;
    pthread_t one, other;

    (void)state;
    large.in_flight = 2;
    large.batch = 500;
    go(&large, true);
    bench.hold = true;
    for (int i = 0; i < 400; i++)
        push(i % CHECKS, (uint64_t)i);
    pass(2);
    assert_int_equal(bench.held_count, 1);
    for (int i = 0; i < 10; i++)
        item = sonde_next(bench.held[0], item);
    sonde_settle(item, SONDE_REJECTED, "no");
    assert_int_equal(pthread_create(&one, NULL, settle_elsewhere, bench.held[0]), 0);
    assert_int_equal(pthread_create(&other, NULL, settle_elsewhere, bench.held[0]), 0);
    pthread_join(one, NULL);
    pthread_join(other, NULL);
    pass(2);
    assert_int_equal(line(LEDGER_REJECTED), 1);
    assert_int_equal(line(LEDGER_DELIVERED), 399);
    assert_int_equal(queue_count(bench.sink.queue), 0);
    end();
}

static void
as_many_batches_are_out_as_the_descriptor_says(void **state)
{
    struct sonde_sink three = looping;

    (void)state;
    three.in_flight = 3;
    three.batch = 2;
    go(&three, true);
    bench.hold = true;
    for (uint64_t i = 0; i < 10; i++)
        push(0, i); /* of one check: with several out a batch holds several */
    pass(5);
    assert_int_equal(bench.held_count, 3);
    assert_int_equal(seq_of(sonde_next(bench.held[1], sonde_next(bench.held[1], NULL))),
                     3);
    bench.hold = false;
    sonde_settle_rest(bench.held[0], SONDE_DELIVERED, NULL);
    pass(5);
    assert_int_equal(bench.seen_count, 4);
    sonde_settle_rest(bench.held[1], SONDE_DELIVERED, NULL);
    sonde_settle_rest(bench.held[2], SONDE_DELIVERED, NULL);
    end();
}

static void
an_event_that_fails_16_times_while_others_pass_is_rejected(void **state)
{
    (void)state;
    go(&looping, true);
    bench.poison = 0;
    push(0, 0);
    push(0, 1);
    for (uint64_t i = 2; i < 3000 && line(LEDGER_REJECTED) == 0; i++) {
        push(1 + (int)(i % 3), i);
        pass(100);
    }
    assert_int_equal(line(LEDGER_REJECTED), 1);
    assert_in_range(queue_ledger(bench.sink.queue)->retries, SINK_POISON - 1,
                    SINK_POISON + 5);
    assert_true(bench.now < 75 * CLOCK_SECOND);
    assert_true(bench.tellings <= 3); /* at most once taken for a failure of the sink */
    pass(100);
    assert_int_equal(queue_count(bench.sink.queue), 0); /* its lane goes on */
    health_is(SONDE_UP, "");
    end();
}

static void
but_not_while_nothing_passes(void **state)
{
    (void)state;
    go(&looping, true);
    bench.fail = true;
    push(0, 0);
    push(1, 1);
    pass(600000);
    assert_true(bench.batches > SINK_POISON);
    assert_true(bench.batches < 120); /* 30 s between, in the end */
    assert_int_equal(line(LEDGER_REJECTED), 0);
    health_is(SONDE_DOWN, "connection closed");
    bench.fail = false;
    pass(31000);
    assert_int_equal(bench.seen_count, 2);
    end();
}

/* One record that makes the far side close the connection takes no other with it. */
static void
an_event_that_breaks_every_batch_is_found_and_rejected_alone(void **state)
{
    (void)state;
    go(&looping, true);
    bench.poison = 5;
    bench.poisonous = true;
    for (uint64_t i = 0; i < CHECKS; i++)
        push((int)i, i);
    pass(20000);
    assert_int_equal(bench.seen_count, CHECKS - 1);
    for (uint64_t i = 0; i < 2000 && line(LEDGER_REJECTED) == 0; i++) {
        push((int)(i % 5), 100 + i);
        pass(100);
    }
    assert_int_equal(line(LEDGER_REJECTED), 1);
    pass(5000);
    assert_int_equal(line(LEDGER_ACCEPTED), line(LEDGER_DELIVERED) + 1);
    end();
}

static void
an_asynchronous_start_that_fails_is_opened_anew_on_a_worker(void **state)
{
    (void)state;
    go_refusing(&looping, true, 2);
    push(0, 1);
    for (int i = 0; i < 2000 && bench.seen_count == 0; i++) {
        pass(1);
        usleep(1000); /* for the worker */
    }
    assert_int_equal(bench.seen_count, 1);
    assert_int_equal(bench.opened, 3);
    assert_int_equal(bench.started, 3);
    end();
}

static void
after_a_drop_every_state_is_told_again_once_there_is_room(void **state)
{
    (void)state;
    go(&looping, true);
    push(0, 1);
    pass(6000);
    assert_int_equal(bench.presents, 1);
    queue_bounds_set(bench.sink.queue, (struct queue_bounds){ 4, 1 << 20 });
    bench.hold = true;
    for (int i = 0; i < 8; i++)
        push(i, 2);
    pass(2000);
    assert_int_equal(bench.presents, 1);
    bench.hold = false;
    for (int i = 0; i < bench.held_count; i++)
        sonde_settle_rest(bench.held[i], SONDE_DELIVERED, NULL);
    pass(2000);
    assert_int_equal(bench.presents, 2);
    pass(20000);
    assert_int_equal(bench.presents, 2);
    assert_true(line(LEDGER_OLDEST) > 0);
    end();
}

/* The seqs that the queue gives, in order; they are settled. */
static void
queue_gives(const uint64_t *seqs, size_t count)
{
    struct queue_entry *got[16];

    assert_int_equal(queue_take(bench.sink.queue, got, 16, true, clock_now()), count);
    for (size_t i = 0; i < count; i++)
        assert_int_equal(got[i]->event->seq, seqs[i]);
    queue_end(bench.sink.queue, got, count, LEDGER_DELIVERED);
}

static void
a_sink_that_hands_over_takes_nothing_and_waits_for_what_is_out(void **state)
{
    (void)state;
    go(&looping, true);
    bench.hold = true;
    push(0, 1);
    push(1, 2);
    pass(5);
    assert_int_equal(bench.held_count, 1);
    sink_hand_over(&bench.sink, clock_now() + 500 * CLOCK_MS);
    push(0, 3);
    push(2, 4);
    pass(300);
    assert_int_equal(bench.held_count, 1);
    assert_false(sink_done(&bench.sink));
    sonde_settle_rest(bench.held[0], SONDE_DELIVERED, NULL);
    pass(5);
    assert_true(sink_done(&bench.sink));
    assert_int_equal(bench.cancels, 0);
    assert_int_equal(line(LEDGER_DELIVERED), 2);
    queue_gives((const uint64_t[]){ 4, 3 }, 2); /* a lane whose head was out comes last */
    end();
}

static void
what_is_out_too_long_goes_back_to_the_head_of_its_lane(void **state)
{
    (void)state;
    go(&looping, true);
    bench.hold = true;
    push(0, 1);
    pass(5);
    sink_hand_over(&bench.sink, clock_now() + 500 * CLOCK_MS);
    push(0, 2);
    pass(600);
    assert_true(sink_done(&bench.sink));
    assert_int_equal(bench.cancels, 1);
    queue_gives((const uint64_t[]){ 1, 2 }, 2);
    end();
}

/* Some of it the plugin has given back itself, without an end of the batch. */
static void
a_stuck_sink_gives_up_all_that_it_holds(void **state)
{
    struct sonde_item *item;

    (void)state;
    go(&looping, true);
    bench.hold = true;
    for (int i = 0; i < 4; i++)
        push(i, (uint64_t)i + 1);
    pass(5);
    assert_int_equal(bench.held_count, 1);
    item = sonde_next(bench.held[0], NULL);
    sonde_settle(item, SONDE_RETRY, "not now");
    sonde_settle(sonde_next(bench.held[0], item), SONDE_DELIVERED, NULL);
    push(0, 5);
    sink_hand_over(&bench.sink, clock_now());
    sink_take_back(&bench.sink);
    assert_int_equal(line(LEDGER_DELIVERED), 1);
    queue_gives((const uint64_t[]){ 1, 5, 3, 4 }, 4);
    sonde_settle(item, SONDE_DELIVERED, NULL); /* too late, and no fault */
    assert_int_equal(line(LEDGER_DELIVERED), 5);
    pass(5);
    end();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(an_asynchronous_sink_delivers_and_is_presented_every_state),
    cmocka_unit_test(a_batch_that_never_comes_back_is_told_and_holds_up_nothing_else),
    cmocka_unit_test(a_batch_may_be_settled_on_any_thread_and_twice),
    cmocka_unit_test(a_large_batch_is_settled_by_several_threads_at_once),
    cmocka_unit_test(as_many_batches_are_out_as_the_descriptor_says),
    cmocka_unit_test(an_event_that_fails_16_times_while_others_pass_is_rejected),
    cmocka_unit_test(but_not_while_nothing_passes),
    cmocka_unit_test(an_event_that_breaks_every_batch_is_found_and_rejected_alone),
    cmocka_unit_test(an_asynchronous_start_that_fails_is_opened_anew_on_a_worker),
    cmocka_unit_test(after_a_drop_every_state_is_told_again_once_there_is_room),
    cmocka_unit_test(a_sink_that_hands_over_takes_nothing_and_waits_for_what_is_out),
    cmocka_unit_test(what_is_out_too_long_goes_back_to_the_head_of_its_lane),
    cmocka_unit_test(a_stuck_sink_gives_up_all_that_it_holds),
};

UNIT_MAIN(tests)
