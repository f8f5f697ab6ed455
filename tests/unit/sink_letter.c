/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_letter.c - what a sink does not take is at its other sink, as a dead letter, and
 * on the line `moved` of its ledger.
 */
#include "sink_bench.h"

static struct sink other; /* never started: what it is sent waits in its queue */

static void
go_with_other(const struct sonde_sink *plugin)
{
    go(plugin, true);
    memset(&other, 0, sizeof(other));
    instance_init(&other.instance, &bench.plugin, "dead");
    other.queue = queue_new((struct queue_bounds){ 100000, 1 << 28 });
    bench.sink.options.otherwise = "dead";
    sink_send_to(&bench.sink, &other);
}

static void
end_with_other(void)
{
    struct ledger_sum sum = sink_ledger(&other);

    assert_int_equal(sum.accepted, line(LEDGER_MOVED));
    end();
    assert_int_equal(atomic_load(&other.feeders), 0);
    queue_free(other.queue);
    instance_deinit(&other.instance);
}

/* The next letter, as its queue gives it. */
static struct queue_entry *
letter_of(struct sink *sink)
{
    struct queue_entry *entry = NULL;

    assert_int_equal(queue_take(sink->queue, &entry, 1, true, clock_now()), 1);
    return entry;
}

static void
letter_is(const struct sonde_event *event, uint64_t seq, unsigned attempts,
          const char *reason)
{
    assert_int_equal(event->seq, seq);
    assert_string_equal(event->letter->sink, "alerts");
    assert_string_equal(event->letter->route, "route");
    assert_int_equal(event->letter->attempts, attempts);
    assert_string_equal(event->letter->reason, reason);
}

static void
a_rejected_event_is_moved_with_its_reason(void **state)
{
    struct queue_entry *entry;
    uint8_t id[16];

    (void)state;
    go_with_other(&looping);
    bench.hold = true;
    push(0, 7);
    pass(2);
    memcpy(id, sonde_item_event(sonde_next(bench.held[0], NULL))->id, sizeof(id));
    sonde_settle(sonde_next(bench.held[0], NULL), SONDE_REJECTED, "too\nlarge");
    assert_int_equal(line(LEDGER_REJECTED), 0);
    assert_int_equal(line(LEDGER_MOVED), 1);
    entry = letter_of(&other);
    letter_is(entry->event, 7, 1, "too large");
    assert_memory_equal(entry->event->id, id, sizeof(id));
    assert_string_equal(entry->route->name, "route");
    queue_settle(other.queue, entry, SONDE_DELIVERED, 0);
    end_with_other();
}

static void
a_poisonous_event_is_moved_after_16_attempts(void **state)
{
    struct queue_entry *entry;

    (void)state;
    go_with_other(&looping);
    bench.poison = 0;
    push(0, 0);
    for (uint64_t i = 2; i < 3000 && line(LEDGER_MOVED) == 0; i++) {
        push(1 + (int)(i % 3), i);
        pass(100);
    }
    entry = letter_of(&other);
    letter_is(entry->event, 0, SINK_POISON,
              "failed 16 times while others passed, last: try again");
    queue_settle(other.queue, entry, SONDE_DELIVERED, 0);
    end_with_other();
}

static void
a_letter_that_is_moved_on_keeps_where_it_was_meant_to_go(void **state)
{
    struct letter first = { "first", "way", "why", 3, 5 };
    struct sonde_event *event;
    struct queue_entry *entry;

    (void)state;
    go_with_other(&looping);
    bench.hold = true;
    event = event_new(bench.pool, bench.origins[0]);
    event_set_letter(event, &first);
    sink_push(&bench.sink, event, "second");
    event_unref(event);
    pass(2);
    sonde_settle(sonde_next(bench.held[0], NULL), SONDE_REJECTED, "no");
    entry = letter_of(&other);
    assert_string_equal(entry->event->letter->sink, "first");
    assert_string_equal(entry->event->letter->route, "way");
    assert_string_equal(entry->event->letter->reason, "why");
    assert_int_equal(entry->event->letter->attempts, 3);
    queue_settle(other.queue, entry, SONDE_DELIVERED, 0);
    end_with_other();
}

static void
tell(struct receipt *receipt, enum sonde_fate worst)
{
    (void)receipt;
    bench.tellings = 100 + (int)worst;
}

/* Whoever pushed it hears of it when the letter has ended, not before. */
static void
the_receipt_goes_with_the_letter(void **state)
{
    struct sonde_event *event;
    struct queue_entry *entry;
    struct receipt receipt;

    (void)state;
    go_with_other(&looping);
    bench.hold = true;
    receipt_init(&receipt, tell);
    event = event_new(bench.pool, bench.origins[0]);
    event->receipt = &receipt;
    sink_push(&bench.sink, event, "route");
    event_unref(event);
    receipt_release(&receipt, SONDE_DELIVERED);
    pass(2);
    sonde_settle(sonde_next(bench.held[0], NULL), SONDE_REJECTED, "no");
    assert_true(bench.tellings < 100);
    entry = letter_of(&other);
    queue_settle(other.queue, entry, SONDE_DELIVERED, 0);
    assert_int_equal(bench.tellings, 100 + (int)SONDE_DELIVERED);
    end_with_other();
}

/* ---- failover ---- */

static void
what_waits_is_moved_once_the_sink_was_down_for_long(void **state)
{
    struct queue_entry *entries[400];

    (void)state;
    go_with_other(&looping);
    bench.sink.options.failover_after = 10000;
    bench.fail = true;
    push(0, 0);
    pass(100);
    for (uint64_t i = 1; i < 400; i++)
        push((int)(i % CHECKS), i);
    pass(9000);
    health_is(SONDE_DOWN, "connection closed");
    assert_int_equal(line(LEDGER_MOVED), 0);
    pass(8000);
    assert_int_equal(line(LEDGER_MOVED), 400);
    assert_int_equal(queue_count(bench.sink.queue), 0);
    assert_int_equal(queue_take(other.queue, entries, 400, true, clock_now()), 400);
    assert_string_equal(entries[399]->event->letter->reason,
                        "the sink has been DOWN for 10s: connection closed");
    for (int i = 1; i < 400; i++) /* of each check in order */
        assert_true(entries[i]->event->origin != entries[i - 1]->event->origin
                    || entries[i]->event->seq > entries[i - 1]->event->seq);
    queue_end(other.queue, entries, 400, LEDGER_DELIVERED);
    end_with_other();
}

static void
what_comes_meanwhile_follows_and_what_comes_later_does_not(void **state)
{
    (void)state;
    go_with_other(&looping);
    bench.sink.options.failover_after = 2000;
    bench.fail = true;
    for (uint64_t i = 0; i < 5; i++)
        push((int)i, i);
    pass(10000);
    assert_int_equal(line(LEDGER_MOVED), 5);
    push(7, 10);
    pass(6000); /* the sink may try it first; its lane then rests a little */
    assert_int_equal(line(LEDGER_MOVED), 6);
    bench.fail = false;
    for (uint64_t i = 0; i < 400 && !is(SONDE_UP); i++) { /* one is tried every 30 s */
        push((int)i % CHECKS, 100 + i);
        pass(100);
    }
    assert_true(is(SONDE_UP));
    assert_true(bench.seen_count >= 1);
    push(1, 1000);
    pass(5);
    assert_int_equal(bench.seen[bench.seen_count - 1], 1000);
    end_with_other();
}

static void
nothing_is_moved_into_a_sink_without_room(void **state)
{
    (void)state;
    go_with_other(&looping);
    queue_bounds_set(other.queue, (struct queue_bounds){ 100, 1 << 28 });
    bench.sink.options.failover_after = 2000;
    bench.fail = true;
    for (uint64_t i = 0; i < 500; i++)
        push((int)(i % CHECKS), i);
    pass(20000);
    assert_in_range(line(LEDGER_MOVED), 50, 100);
    assert_int_equal(queue_sum(other.queue).dropped, 0);
    assert_int_equal(line(LEDGER_MOVED) + queue_count(bench.sink.queue), 500);
    end_with_other();
}

/* Of a check that has something out nothing overtakes it, unless it stays out. */
static void
what_is_out_goes_first_where_it_comes_back(void **state)
{
    struct sonde_sink two = looping;
    struct queue_entry *entry;

    (void)state;
    two.in_flight = 2;
    two.batch = 4;
    go_with_other(&two);
    bench.sink.options.failover_after = 90000;
    bench.fail = true;
    push(0, 1);
    pass(50000);
    bench.hold = true;
    pass(32000); /* at least every 30 s it is tried */
    assert_int_equal(bench.held_count, 1);
    push(0, 2);
    push(1, 3);
    pass(12000);
    assert_int_equal(line(LEDGER_MOVED), 1);
    entry = letter_of(&other);
    assert_int_equal(entry->event->seq, 3);
    queue_settle(other.queue, entry, SONDE_DELIVERED, 0);
    bench.hold = false;
    sonde_settle_rest(bench.held[0], SONDE_RETRY, "gone");
    pass(20000);
    assert_int_equal(line(LEDGER_MOVED), 3);
    for (uint64_t seq = 1; seq <= 2; seq++) {
        entry = letter_of(&other);
        assert_int_equal(entry->event->seq, seq);
        queue_settle(other.queue, entry, SONDE_DELIVERED, 0);
    }
    end_with_other();
}

static void
what_stays_out_holds_up_nothing(void **state)
{
    struct sonde_sink two = looping;

    (void)state;
    two.in_flight = 2;
    two.batch = 1;
    go_with_other(&two);
    bench.sink.options.failover_after = 5000;
    bench.hold = true;
    push(0, 0);
    pass(2);
    push(0, 1);
    pass(2);
    push(0, 2);
    sonde_health(&bench.sink.instance, SONDE_DOWN, "all brokers are down");
    pass(15000);
    assert_int_equal(bench.held_count, 2);
    assert_int_equal(line(LEDGER_MOVED), 1);
    sonde_settle_rest(bench.held[0], SONDE_DELIVERED, NULL);
    sonde_settle_rest(bench.held[1], SONDE_DELIVERED, NULL);
    assert_int_equal(line(LEDGER_DELIVERED), 2);
    end_with_other();
}

/* The loop does other things in between. */
static void
much_is_moved_in_slices(void **state)
{
    (void)state;
    go_with_other(&looping);
    queue_bounds_set(bench.sink.queue, (struct queue_bounds){ 20000, 1 << 28 });
    bench.sink.options.failover_after = 2000;
    bench.fail = true;
    for (uint64_t i = 0; i < 10000; i++)
        push((int)(i % CHECKS), i);
    for (int i = 0; i < 10000 && !line(LEDGER_MOVED); i++)
        pass(1);
    assert_in_range(line(LEDGER_MOVED), 1, 1024);
    pass(8000);
    assert_int_equal(line(LEDGER_MOVED), 10000);
    end_with_other();
}

/* ---- the end ---- */

static void
a_sink_drains_until_those_that_send_to_it_have_ended(void **state)
{
    struct sink feeder = { .run = NULL };
    struct sonde_event *event;

    (void)state;
    go(&looping, true);
    instance_init(&feeder.instance, &bench.plugin, "feeder");
    feeder.queue = queue_new((struct queue_bounds){ 10, 1 << 20 });
    sink_send_to(&feeder, &bench.sink);
    sink_start(&feeder, bench.loop, bench.workers);
    bench.hold = true;
    event = event_new(bench.pool, bench.origins[0]);
    sink_push(&feeder, event, "route");
    event_unref(event);
    pass(2);
    bench.hold = false;
    sink_drain(&feeder, clock_now() + 2 * CLOCK_SECOND);
    sink_drain(&bench.sink, clock_now() + 2 * CLOCK_SECOND);
    pass(100); /* nothing waits for either */
    sonde_settle(sonde_next(bench.held[0], NULL), SONDE_REJECTED, "no");
    pass(10);
    assert_int_equal(bench.seen_count, 1);
    assert_int_equal(line(LEDGER_DELIVERED), 1);
    assert_true(sink_stop(&feeder, clock_now()));
    sink_send_to(&feeder, NULL);
    sink_close(&feeder);
    sink_deinit(&feeder);
    queue_free(feeder.queue);
    end();
}

static void
at_the_end_what_is_being_moved_is_moved_whole(void **state)
{
    (void)state;
    go_with_other(&looping);
    bench.sink.options.failover_after = 2000;
    bench.fail = true;
    push(0, 0);
    pass(10000);
    for (uint64_t i = 1; i < 100; i++)
        push((int)(i % CHECKS), i);
    sink_drain(&bench.sink, clock_now() + 9 * CLOCK_SECOND);
    pass(7000);
    assert_int_equal(line(LEDGER_MOVED), 100);
    assert_true(sink_stop(&bench.sink, clock_now()));
    bench.stopped = true;
    end_with_other();
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_rejected_event_is_moved_with_its_reason),
    cmocka_unit_test(a_poisonous_event_is_moved_after_16_attempts),
    cmocka_unit_test(a_letter_that_is_moved_on_keeps_where_it_was_meant_to_go),
    cmocka_unit_test(the_receipt_goes_with_the_letter),
    cmocka_unit_test(what_waits_is_moved_once_the_sink_was_down_for_long),
    cmocka_unit_test(what_comes_meanwhile_follows_and_what_comes_later_does_not),
    cmocka_unit_test(nothing_is_moved_into_a_sink_without_room),
    cmocka_unit_test(what_is_out_goes_first_where_it_comes_back),
    cmocka_unit_test(what_stays_out_holds_up_nothing),
    cmocka_unit_test(much_is_moved_in_slices),
    cmocka_unit_test(a_sink_drains_until_those_that_send_to_it_have_ended),
    cmocka_unit_test(at_the_end_what_is_being_moved_is_moved_whole),
};

UNIT_MAIN(tests)
