/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_shed.c - a spool that is over its budget on the disk: what goes, in which order,
 * and that the last change of a check stays.
 */
#include "spool_bench.h"

enum { BUDGET = 256 << 10, FLOOD = 2500 };

static int
begin(void **state)
{
    if (bench_begin(state) != 0)
        return -1;
    bench.bounds.disk = BUDGET;
    return 0;
}

/* So that they fill segment after segment. */
static void
flood(int count, int checks, enum event_kind kind)
{
    for (int i = 0; i < count; i++) {
        uint64_t record = bench_push(i % checks, kind);

        if (i % 20 == 0)
            bench_written(record);
        if (i % 100 == 0) {
            bench_work();
            bench_closes();
        }
    }
    /* What is written again is on the disk a little later, and counts then. */
    for (int i = 0; i < 4; i++) {
        bench_written(journal_next(bench.journal) - 1);
        bench_work();
        bench_closes();
    }
}

static uint64_t
pinned(void)
{
    return journal_pinned(bench.journal, spool_needed(bench.spool));
}

static void
results_go_first(void **state)
{
    (void)state;
    bench_open();
    flood(FLOOD, CHECKS, EVENT_RESULT);
    assert_in_range(pinned(), 1, BUDGET);
    assert_true(bench_line(LEDGER_RESULT) > 1000);
    assert_int_equal(spool_sum(bench.spool).dropped, bench_line(LEDGER_RESULT));
    assert_int_equal(bench.agains, 0);
    bench_deliver_all();
    assert_int_equal(bench.duplicates, 0);
    assert_int_equal(bench.delivered[bench.seq], 1);
    bench_close();
}

static void
then_changes_that_a_newer_one_supersedes(void **state)
{
    (void)state;
    bench_open();
    flood(FLOOD, CHECKS, EVENT_CHANGE);
    assert_in_range(pinned(), 1, BUDGET);
    assert_true(bench_line(LEDGER_SUPERSEDED) > 1000);
    assert_int_equal(spool_sum(bench.spool).dropped, bench_line(LEDGER_SUPERSEDED));
    bench_deliver_all();
    for (uint64_t seq = FLOOD - CHECKS + 1; seq <= FLOOD; seq++)
        assert_int_equal(bench.delivered[seq], 1);
    bench_close();
}

/* Each is written again and again while results flood the disk, and comes in the end. */
static void
the_last_change_of_a_check_is_written_again(void **state)
{
    (void)state;
    bench.shuffled = true;
    bench_open();
    flood(CHECKS, CHECKS, EVENT_CHANGE);
    flood(2 * FLOOD, CHECKS, EVENT_RESULT);
    assert_in_range(pinned(), 1, BUDGET);
    assert_true(bench.agains >= CHECKS);
    assert_int_equal(spool_sum(bench.spool).dropped, bench_line(LEDGER_RESULT));
    bench_deliver_all();
    for (uint64_t seq = 1; seq <= CHECKS; seq++)
        assert_int_equal(bench.delivered[seq], 1);
    bench_close();
}

/* Nothing supersedes any of these; half the budget is written again, and the rest goes.
 */
static void
beyond_half_the_budget_the_oldest_goes(void **state)
{
    (void)state;
    bench.shuffled = true;
    bench_open();
    flood(FLOOD, CHECKS, EVENT_BROKEN);
    assert_in_range(pinned(), 1, BUDGET);
    assert_true(bench_line(LEDGER_OLDEST) > 1000);
    assert_in_range(bench.agains, 100, 2 * FLOOD);
    bench_deliver_all();
    assert_int_equal(bench.duplicates, 0);
    assert_int_equal(bench.delivered[bench.seq], 1);
    bench_close();
}

/* What waited before the restart is read once before any change of it is judged. */
static void
a_restart_does_not_make_old_changes_new(void **state)
{
    (void)state;
    bench.bounds.disk = 64 << 20;
    bench_open();
    flood(10, 10, EVENT_CHANGE);
    flood(1000, CHECKS, EVENT_RESULT);
    flood(CHECKS, CHECKS, EVENT_CHANGE);
    bench_close();
    bench.bounds.disk = BUDGET;
    bench_open();
    bench_work();
    bench_closes();
    assert_in_range(pinned(), 1, BUDGET);
    assert_int_equal(bench_line(LEDGER_SUPERSEDED), 10);
    assert_int_equal(bench.agains, 0);
    memset(bench.last, 0, sizeof(bench.last));
    bench.shuffled = true;
    bench_deliver_all();
    assert_int_equal(bench.delivered[bench.seq], 1);
    bench_close();
}

static void
a_full_disk_takes_a_segment_whatever_the_budget(void **state)
{
    uint64_t before, needed;

    (void)state;
    bench.bounds.disk = 64 << 20;
    bench_open();
    flood(1000, CHECKS, EVENT_RESULT);
    before = pinned();
    needed = journal_behind(bench.journal, spool_needed(bench.spool));
    spool_press(bench.spool);
    assert_true(atomic_load(&bench.wakes) > 0);
    bench_work();
    assert_int_equal(spool_needed(bench.spool), needed);
    assert_in_range(pinned(), before / 2, before - (60 << 10));
    bench_work();
    assert_int_equal(spool_needed(bench.spool), needed); /* once */
    bench_closes();
    bench_deliver_all();
    spool_press(bench.spool); /* nothing to shed */
    bench_work();
    bench_close();
}

static void
a_sink_that_is_gone_keeps_its_budget(void **state)
{
    (void)state;
    bench.bounds.disk = 64 << 20;
    bench_open();
    flood(1000, CHECKS, EVENT_CHANGE);
    spool_bounds_set(bench.spool, (struct spool_bounds){ 64 << 10, BUDGET, false });
    bench_detach();
    bench_work();
    assert_in_range(pinned(), 1, BUDGET);
    assert_in_range(spool_waiting_count(bench.spool), 100, 800);
    assert_int_equal(bench.agains, 0);
    bench_attach();
    bench_closes();
    bench_deliver_all();
    assert_int_equal(bench_line(LEDGER_DAMAGED), 0);
    assert_int_equal(bench.delivered[bench.seq], 1);
    bench_close();
}

/* In a batch it stays, and nobody asks its record, or its source, when it ends. */
static void
what_is_out_is_held_by_the_queue_alone(void **state)
{
    struct receipt receipt = { .shares = 2 };
    struct queue_entry *out[1];
    struct sonde_event *event;

    (void)state;
    bench.shuffled = true;
    bench_open();
    event = bench_event(0, EVENT_CHANGE);
    event->receipt = &receipt;
    spool_push(bench.spool, event, "even", bench_append_in_order(event, "sink", "even"));
    pthread_mutex_unlock(&bench.order);
    event_unref(event);
    assert_int_equal(queue_take(bench.queue, out, 1, true, clock_now()), 1);
    flood(FLOOD, CHECKS, EVENT_RESULT);
    assert_int_equal(out[0]->record, 0);
    assert_true(spool_needed(bench.spool) > 1);
    queue_settle(bench.queue, out[0], SONDE_DELIVERED, 0);
    bench_deliver_all();
    assert_int_equal(atomic_load(&receipt.shares), 2);
    bench_close();
}

/* Its source may be gone by the time it is written again. */
static void
what_is_written_again_has_no_receipt(void **state)
{
    struct receipt receipt = { .shares = 2 };
    struct sonde_event *event;

    (void)state;
    bench.shuffled = true;
    bench_open();
    event = bench_event(0, EVENT_CHANGE);
    event->receipt = &receipt;
    spool_push(bench.spool, event, "even", bench_append_in_order(event, "sink", "even"));
    pthread_mutex_unlock(&bench.order);
    event_unref(event);
    flood(300, CHECKS, EVENT_RESULT);
    bench.refuse = true; /* so that it is pushed again without a record */
    spool_press(bench.spool);
    bench_work();
    bench.refuse = false;
    assert_int_equal(bench.agains, 1);
    bench_deliver_all();
    assert_int_equal(bench.delivered[1], 1);
    assert_int_equal(atomic_load(&receipt.shares), 2);
    bench_close();
}

/* A newer change comes while the older one is on its way back to the end. */
static void
overtake(struct spool *spool, struct sonde_event *event)
{
    (void)spool;
    if (event->seq == 1)
        bench_push(0, EVENT_CHANGE);
}

static void
a_change_is_not_written_behind_a_newer_one(void **state)
{
    (void)state;
    bench.shuffled = true;
    bench.before_again = overtake;
    bench_open();
    bench_push(0, EVENT_CHANGE);
    flood(FLOOD, CHECKS, EVENT_RESULT);
    assert_int_equal(bench.overtaken, 1);
    bench_closes();
    bench_deliver_all();
    assert_int_equal(bench.delivered[1], 0);
    assert_int_equal(bench_line(LEDGER_SUPERSEDED), 1);
    bench_close();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, bench_end)
static const struct CMUnitTest tests[] = {
    TEST(results_go_first),
    TEST(then_changes_that_a_newer_one_supersedes),
    TEST(the_last_change_of_a_check_is_written_again),
    TEST(beyond_half_the_budget_the_oldest_goes),
    TEST(a_restart_does_not_make_old_changes_new),
    TEST(a_full_disk_takes_a_segment_whatever_the_budget),
    TEST(a_sink_that_is_gone_keeps_its_budget),
    TEST(what_is_out_is_held_by_the_queue_alone),
    TEST(what_is_written_again_has_no_receipt),
    TEST(a_change_is_not_written_behind_a_newer_one),
};

UNIT_MAIN(tests)
