/* SPDX-License-Identifier: Apache-2.0
 *
 * spool.c - what waits for a sink in window, gap and tail: nothing is missing, twice, or
 * out of order, across restarts as well.
 */
#include "spool_bench.h"

#include <fcntl.h>
#include <inttypes.h>

static void
nothing_is_missing(void)
{
    for (uint64_t seq = 1; seq <= bench.seq; seq++)
        assert_int_equal(bench.delivered[seq] > 0, 1);
}

static void
what_fits_goes_straight_to_the_sink(void **state)
{
    (void)state;
    bench_open();
    assert_true(spool_room(bench.spool));
    for (int i = 0; i < 10; i++)
        bench_push(i, EVENT_RESULT);
    assert_int_equal(queue_count(bench.queue), 10);
    assert_int_equal(spool_needed(bench.spool), 1);
    bench_closes();
    bench_deliver_all();
    assert_int_equal(atomic_load(&bench.wakes), 0);
    assert_int_equal(spool_needed(bench.spool), JOURNAL_NOBODY);
    bench_close();
    nothing_is_missing();
}

/* The memory is tiny, so nearly all of it is read back. */
static void
fifty_thousand_pass_through_a_window_of_four_thousand(void **state)
{
    (void)state;
    bench.bounds.memory = 8 << 20;
    bench.options.segment = 1 << 20;
    bench_open();
    for (int i = 0; i < 50000; i++) {
        bench_push(i % CHECKS, i % 7 ? EVENT_RESULT : EVENT_CHANGE);
        if (i == 30000)
            spool_bounds_set(bench.spool,
                             (struct spool_bounds){ 64 << 10, 1 << 30, false });
        if (i % 1000 == 0) {
            bench_closes();
            bench_work();
            bench_deliver(30);
        }
        assert_in_range(queue_count(bench.queue), 0, 4096);
    }
    assert_false(spool_room(bench.spool));
    bench_deliver_all();
    assert_true(spool_room(bench.spool));
    assert_true(atomic_load(&bench.wakes) > 0);
    assert_int_equal(bench_line(LEDGER_DELIVERED), 50000);
    assert_int_equal(bench.duplicates, 0);
    bench_close();
    nothing_is_missing();
}

/* What was open, and only that, comes a second time; by route as well. */
static void
a_restart_in_the_middle_repeats_what_was_open(void **state)
{
    struct queue_entry *out[BATCH];
    uint64_t delivered;

    (void)state;
    bench_open();
    for (int i = 0; i < 3000; i++) {
        bench_push(i % CHECKS, EVENT_CHANGE);
        if (i % 3 == 0)
            bench_push_other();
    }
    bench_work();
    for (int i = 0; i < 20; i++)
        bench_deliver(7);
    bench_work();
    assert_int_equal(queue_take(bench.queue, out, 5, false, clock_now()), 5);
    delivered = bench_line(LEDGER_DELIVERED);
    bench_close();
    bench_open();
    assert_int_equal(bench_line(LEDGER_RESTORED), 3000 - delivered);
    assert_int_equal(spool_waiting_count(bench.spool), 3000 - delivered);
    bench_closes();
    memset(bench.last, 0, sizeof(bench.last));
    bench_push(3, EVENT_CHANGE);
    bench_deliver_all();
    assert_int_equal(bench.duplicates, 0);
    assert_int_equal(bench_line(LEDGER_DAMAGED), 0);
    bench_close();
    nothing_is_missing();
}

/* What counts is the budget on the disk; in memory, what the disk does not have.  A sink
 * that holds those who push gives nothing up for a disk that is full. */
static void
who_pushes_is_held_at_the_budget_on_the_disk(void **state)
{
    (void)state;
    bench_open();
    for (int i = 0; i < 2000; i++)
        bench_push(i % CHECKS, EVENT_CHANGE);
    bench_written(2000);
    assert_true(bench.bounds.memory < 2000 * sizeof(struct sonde_event));
    assert_false(spool_used(bench.spool, 1));
    spool_bounds_set(bench.spool, (struct spool_bounds){ 64 << 10, 256 << 10, true });
    assert_true(spool_used(bench.spool, 3));
    spool_bounds_set(bench.spool, (struct spool_bounds){ 64 << 10, 256 << 20, true });
    spool_press(bench.spool);
    bench_work();
    assert_int_equal(bench.agains + bench.overtaken, 0);
    bench_deliver_all();
    assert_int_equal(bench_line(LEDGER_DELIVERED), 2000);
    bench_close();
}

/* The journal writes nothing: what it has taken is in memory only. */
static void
who_pushes_is_held_while_the_disk_takes_nothing(void **state)
{
    int i = 0;

    (void)state;
    bench.asleep = true;
    bench_open();
    for (; i < 2000 && !spool_used(bench.spool, 3); i++)
        bench_push(i % CHECKS, EVENT_CHANGE);
    assert_in_range(i, 10, 1000);
    bench_deliver_all();
    assert_false(spool_used(bench.spool, 1));
    bench_close();
}

/* Many spools share the thread. */
static void
reading_back_is_done_in_slices(void **state)
{
    (void)state;
    bench_open();
    for (int i = 0; i < 2000; i++)
        bench_push(i % CHECKS, EVENT_CHANGE);
    bench_written(2000);
    bench_push(0, EVENT_CHANGE); /* the tail gives to the gap */
    spool_bounds_set(bench.spool, (struct spool_bounds){ 64 << 20, 1 << 30, false });
    for (size_t before; (before = queue_count(bench.queue)) < 2001;) {
        bool more = spool_work(bench.spool);

        assert_int_equal(more, queue_count(bench.queue) < 2001);
        if (more)
            assert_in_range(queue_count(bench.queue), before + 1, before + 256);
    }
    bench_deliver_all();
    bench_close();
    nothing_is_missing();
}

static void
a_sink_that_is_idle_pins_nothing(void **state)
{
    const struct journal_name route = { "even", 4 };
    struct journal_head *head;
    struct spool *other;
    uint64_t written;

    (void)state;
    bench_open();
    bench_push(0, EVENT_CHANGE);
    bench_deliver_all();
    for (int i = 0; i < 2000; i++)
        bench_push_other();
    while (journal_counts(bench.journal).segments > 1)
        usleep(1000);
    written = journal_next(bench.journal) - 1;
    bench_written(written);
    head = spool_pack(bench.spool, written);
    bench_close();
    bench_open();
    assert_int_equal(bench_line(LEDGER_RESTORED), 0);
    assert_int_equal(spool_needed(bench.spool), JOURNAL_NOBODY);
    assert_int_equal(bench_push(0, EVENT_CHANGE), written + 1);
    /* As after a crash by now: it looks for nothing that is gone. */
    other = spool_new("sink", &(struct spool_home){ 0 });
    assert_true(spool_restore(other, head->bytes, head->length));
    spool_restore_record(other, written + 1, &route);
    spool_open(other, bench.journal);
    assert_int_equal(spool_needed(other), written + 1);
    spool_free(other);
    free(head);
    bench_deliver_all();
    bench_close();
    nothing_is_missing();
}

/* How many wait by a note that speaks of nothing above written. */
static uint64_t
noted(uint64_t written)
{
    struct journal_head *head = spool_pack(bench.spool, written);
    struct spool *other = spool_new("sink", &(struct spool_home){ 0 });
    uint64_t waiting;

    assert_true(spool_restore(other, head->bytes, head->length));
    waiting = spool_waiting_count(other);
    spool_free(other);
    free(head);
    return waiting;
}

/* What is not written yet may get another number. */
static void
a_note_speaks_of_no_record_that_is_not_written(void **state)
{
    (void)state;
    for (size_t memory = 1; memory <= 1 << 20; memory <<= 20) { /* in the tail; window */
        assert_int_equal(system("rm -rf j"), 0);
        bench.seq = 0;
        bench.bounds.memory = memory;
        bench.asleep = true;
        bench_open();
        for (int i = 0; i < 10; i++)
            bench_push(i, EVENT_CHANGE);
        assert_int_equal(queue_count(bench.queue), memory == 1 ? 1 : 10);
        assert_int_equal(noted(0), 0);
        assert_int_equal(noted(4), 4);
        bench_detach();
        assert_int_equal(noted(4), 4);
        assert_int_equal(noted(10), 10);
        bench_attach();
        bench_close();
    }
}

static void
a_sink_that_is_removed_and_comes_back_finds_what_waited(void **state)
{
    struct queue_entry *out[3];
    uint64_t needed;

    (void)state;
    bench_open();
    for (int i = 0; i < 500; i++)
        bench_push(i % CHECKS, EVENT_CHANGE);
    bench_deliver(10);
    assert_int_equal(queue_take(bench.queue, out, 3, false, clock_now()), 3);
    bench_delivered(out[1]->event);
    queue_settle(bench.queue, out[1], SONDE_DELIVERED, 0);
    needed = spool_needed(bench.spool);
    bench_detach();
    assert_int_equal(spool_waiting_count(bench.spool), 489);
    assert_int_equal(spool_needed(bench.spool), needed);
    bench_attach();
    assert_int_equal(bench_line(LEDGER_RESTORED), 489);
    memset(bench.last, 0, sizeof(bench.last));
    bench_written(journal_next(bench.journal) - 1);
    bench_push(0, EVENT_CHANGE);
    bench_deliver_all();
    assert_int_equal(bench.duplicates, 0);
    bench_close();
    nothing_is_missing();
}

/* ---- damage ---- */

static void
damage_in_the_gap_is_counted_and_costs_nothing_else(void **state)
{
    uint64_t damaged;
    int fd;

    (void)state;
    bench_open();
    for (int i = 0; i < 1000; i++) {
        uint64_t record = bench_push(i % CHECKS, EVENT_CHANGE);

        if (i % 20 == 0)
            bench_written(record);
    }
    bench_close();
    fd = open("j/journal.00000000000000000001", O_RDWR);
    assert_int_equal(pwrite(fd, "????", 4, 30000), 4);
    close(fd);
    bench_open();
    assert_int_equal(bench_line(LEDGER_RESTORED), 1000);
    bench_deliver_all();
    damaged = bench_line(LEDGER_DAMAGED);
    assert_in_range(damaged, 50, 200);
    assert_int_equal(bench_line(LEDGER_DELIVERED), 1000 - damaged);
    bench_push(0, EVENT_CHANGE);
    bench_deliver_all();
    assert_int_equal(bench_line(LEDGER_DAMAGED), damaged);
    bench_close();
}

static void
a_record_that_is_no_event_is_counted_as_damaged(void **state)
{
    static const char bad[] = "\1\4sink\4even{\"no\": \"event\"}";
    struct sonde_event *event;

    (void)state;
    bench.bounds.memory = 1;
    bench_open();
    event = bench_event(0, EVENT_CHANGE);
    bench_push(1, EVENT_CHANGE);
    pthread_mutex_lock(&bench.order);
    spool_push(bench.spool, event, "even",
               journal_append(bench.journal, JOURNAL_EVENT,
                              &(struct iovec){ (void *)bad, sizeof(bad) - 1 }, 1));
    pthread_mutex_unlock(&bench.order);
    event_unref(event);
    bench_close();
    bench_open();
    bench_deliver_all();
    assert_int_equal(bench_line(LEDGER_DAMAGED), 1);
    assert_int_equal(bench_line(LEDGER_DELIVERED), 1);
    bench_close();
}

static void
bytes_that_are_no_note_are_refused(void **state)
{
    struct journal_head *head;
    struct journal_name name;
    struct spool *spool;

    (void)state;
    bench_open();
    bench_push(0, EVENT_CHANGE);
    bench_push(1, EVENT_CHANGE);
    bench_written(2);
    head = spool_pack(bench.spool, 2);
    spool = spool_new("other", &(struct spool_home){ 0 });
    assert_true(spool_restore(spool, head->bytes, head->length));
    for (size_t length = 0; length < head->length; length++) {
        AUTO_FREE char *cut = memory_new(length + 1); /* the sanitizer's to watch */

        memcpy(cut, head->bytes, length);
        assert_false(spool_restore(spool, cut, length));
        assert_int_equal(spool_pack_name(cut, length, &name), length >= 6);
    }
    head->bytes[0]++;
    assert_false(spool_restore(spool, head->bytes, head->length));
    free(head);
    /* A segment may begin with records that the note at its head has counted. */
    for (uint64_t number = 1; number <= 3; number++)
        spool_restore_record(spool, number, &(struct journal_name){ "even", 4 });
    spool_open(spool, bench.journal);
    assert_int_equal(spool_waiting_count(spool), 3);
    spool_free(spool);
    bench_deliver_all();
    bench_close();
}

/* ---- what the journal did not take ---- */

static atomic_uint told[3];

static void
receipt_told(struct receipt *receipt, enum sonde_fate worst)
{
    (void)receipt;
    atomic_fetch_add(&told[worst], 1);
}

static void
push_unheld(struct receipt *receipt, int check, enum event_kind kind)
{
    struct sonde_event *event = bench_event(check, kind);

    receipt_init(receipt, receipt_told);
    event->receipt = receipt;
    spool_push(bench.spool, event, "even", 0);
    receipt_release(receipt, SONDE_DELIVERED);
    event_unref(event);
}

static unsigned
told_in_all(void)
{
    return atomic_load(&told[0]) + atomic_load(&told[1]) + atomic_load(&told[2]);
}

/* Bounded by the memory, dropped by the rules, and the source is told of each. */
static void
what_no_disk_holds_waits_in_memory_and_is_told(void **state)
{
    enum { MANY = 400 };
    static struct receipt receipts[MANY];
    uint64_t dropped;

    (void)state;
    bench.asleep = true;
    memset(told, 0, sizeof(told));
    bench_open();
    for (int i = 0; i < MANY; i++) {
        push_unheld(&receipts[i], i % CHECKS, i % 4 == 3 ? EVENT_CHANGE : EVENT_RESULT);
        bench_closes();
    }
    assert_int_equal(spool_needed(bench.spool), JOURNAL_NOBODY);
    assert_true(bench_line(LEDGER_RESULT) > 0 && bench_line(LEDGER_SUPERSEDED) > 0);
    assert_int_equal(bench_line(LEDGER_OLDEST), 0); /* the newest of each check fit */
    dropped = spool_sum(bench.spool).dropped;
    assert_int_equal(atomic_load(&told[SONDE_REJECTED]), dropped);
    while (bench_deliver(BATCH)) /* the reading thread has no part in it */
        ;
    assert_int_equal(spool_waiting_count(bench.spool), 0);
    assert_int_equal(atomic_load(&told[SONDE_DELIVERED]), MANY - dropped);
    bench_close();
    assert_int_equal(told_in_all(), MANY);
}

/* A disk that is slow for a moment: far more than the memory lags, and it takes no room
 * from what follows. */
static void
what_the_journal_took_is_never_dropped(void **state)
{
    (void)state;
    bench.asleep = true;
    bench_open();
    for (int i = 0; i < 500; i++)
        bench_push(i % CHECKS, EVENT_RESULT);
    bench.refuse = true;
    for (int i = 0; i < 10; i++)
        bench_push(i, EVENT_RESULT);
    assert_int_equal(spool_sum(bench.spool).dropped, 0);
    bench_deliver_all();
    bench_close();
    nothing_is_missing();
}

/* Without a disk for a while: what it took before and after keeps its order. */
static void
what_no_disk_holds_keeps_its_place(void **state)
{
    (void)state;
    bench_open();
    for (int round = 0; round < 6; round++) {
        bench.refuse = round % 2;
        for (int i = 0; i < 20; i++)
            bench_push(i % 5, EVENT_CHANGE);
    }
    bench_closes();
    bench_deliver_all();
    assert_int_equal(bench_line(LEDGER_DELIVERED) + spool_sum(bench.spool).dropped, 120);
    bench_close();
}

static void
the_end_tells_a_source_that_nobody_has_it(void **state)
{
    static struct receipt receipts[100];

    (void)state;
    memset(told, 0, sizeof(told));
    bench.bounds.memory = 1 << 20;
    bench_open();
    bench_push(0, EVENT_CHANGE);
    for (int i = 0; i < 100; i++)
        push_unheld(&receipts[i], i % CHECKS, EVENT_CHANGE);
    bench_close();
    assert_int_equal(atomic_load(&told[SONDE_RETRY]), 100);
    assert_int_equal(told_in_all(), 100);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_begin, bench_end)
static const struct CMUnitTest tests[] = {
    TEST(what_fits_goes_straight_to_the_sink),
    TEST(fifty_thousand_pass_through_a_window_of_four_thousand),
    TEST(a_restart_in_the_middle_repeats_what_was_open),
    TEST(who_pushes_is_held_at_the_budget_on_the_disk),
    TEST(who_pushes_is_held_while_the_disk_takes_nothing),
    TEST(reading_back_is_done_in_slices),
    TEST(a_sink_that_is_idle_pins_nothing),
    TEST(a_note_speaks_of_no_record_that_is_not_written),
    TEST(a_sink_that_is_removed_and_comes_back_finds_what_waited),
    TEST(damage_in_the_gap_is_counted_and_costs_nothing_else),
    TEST(a_record_that_is_no_event_is_counted_as_damaged),
    TEST(bytes_that_are_no_note_are_refused),
    TEST(what_no_disk_holds_waits_in_memory_and_is_told),
    TEST(what_the_journal_took_is_never_dropped),
    TEST(what_no_disk_holds_keeps_its_place),
    TEST(the_end_tells_a_source_that_nobody_has_it),
};

UNIT_MAIN(tests)
