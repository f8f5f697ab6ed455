/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_life.c - long random lives of a spool, with restarts, and one with threads: the
 * ledger closes after every step, order per check holds, nothing is missing.
 */
#include "spool_bench.h"

#include <inttypes.h>
#include <sys/mman.h>
#include <sys/wait.h>

enum { STEPS = 4000, RUNS = 12, OUT = 24, THREADED = 20000 };

static uint32_t seed;

static uint32_t
dice(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

/* What the sink has in its hands. */
static struct queue_entry *out[OUT];
static size_t out_count;

static void
settle_one(void)
{
    uint32_t which, fate = dice(10);
    struct queue_entry *entry;

    if (!out_count)
        return;
    which = dice((uint32_t)out_count);
    entry = out[which];
    memmove(out + which, out + which + 1, (--out_count - which) * sizeof(*out));
    if (fate < 8) {
        bench_delivered(entry->event);
        queue_settle(bench.queue, entry, SONDE_DELIVERED, 0);
    } else if (fate == 8) {
        bench.delivered[entry->event->seq]++;
        queue_settle(bench.queue, entry, SONDE_REJECTED, 0);
    } else {
        queue_settle(bench.queue, entry, SONDE_RETRY, clock_now() + dice(2000000));
    }
}

/* Of one check only one is out, so that a RETRY brings nothing out of order. */
static void
take_one_of_each(void)
{
    out_count += queue_take(bench.queue, out + out_count, dice(OUT - (uint32_t)out_count),
                            false, clock_now());
}

static void
restart(void)
{
    uint64_t waiting = spool_waiting_count(bench.spool);

    out_count = 0;
    if (dice(2)) {
        bench_close();
        bench_open();
    } else {
        bench_detach();
        bench_attach();
    }
    /* What no record held is gone with the queue. */
    assert_in_range(bench_line(LEDGER_RESTORED), bench.shuffled ? 0 : waiting, waiting);
}

static void
step(void)
{
    uint32_t what = dice(1000);

    if (what < 550)
        for (uint32_t i = 0; i <= what % 4; i++)
            bench_push((int)dice(CHECKS), dice(3) ? EVENT_RESULT : EVENT_CHANGE);
    else if (what < 600)
        bench_push_other();
    else if (what < 750)
        take_one_of_each();
    else if (what < 950)
        for (uint32_t i = 0; i < 12; i++)
            settle_one();
    else if (what < 997)
        spool_work(bench.spool);
    else
        restart();
    bench_closes();
}

/* The memory is so small that all three places are used, and a record lies in each when
 * it restarts. */
static void
long_random_lives_lose_nothing_and_repeat_nothing_settled(void **state)
{
    (void)state;
    for (uint32_t run = 1; run <= RUNS; run++) {
        seed = run * 7919;
        print_message("# seed %u\n", seed);
        memset(bench.delivered, 0, sizeof(bench.delivered));
        memset(bench.last, 0, sizeof(bench.last));
        bench.seq = 0;
        bench.bounds.memory = (size_t)16 << (10 + dice(6));
        assert_int_equal(system("rm -rf j"), 0);
        out_count = 0;
        bench_open();
        for (int i = 0; i < STEPS; i++)
            step();
        for (size_t i = 0; i < out_count; i++)
            queue_settle(bench.queue, out[i], SONDE_RETRY, 0);
        for (int idle = 0; spool_waiting_count(bench.spool) && idle < 5000; idle++) {
            bench_work();
            if (!bench_deliver(BATCH))
                usleep(1000);
        }
        assert_int_equal(spool_sum(bench.spool).queued, 0);
        bench_closes();
        assert_int_equal(bench_line(LEDGER_DAMAGED), 0);
        bench_close();
        for (uint64_t seq = 1; seq <= bench.seq; seq++)
            assert_int_equal(bench.delivered[seq], 1);
    }
}

/* ---- over its budget, and on a disk that comes and goes ---- */

/* Then much is dropped: each is delivered or on a line, and order holds for changes. */
static void
random_lives_over_every_bound_close_their_ledger(void **state)
{
    (void)state;
    bench.shuffled = true;
    for (uint32_t run = 1; run <= RUNS; run++) {
        seed = run * 104729;
        print_message("# seed %u\n", seed);
        memset(bench.delivered, 0, sizeof(bench.delivered));
        memset(bench.last, 0, sizeof(bench.last));
        bench.seq = 0;
        bench.bounds = (struct spool_bounds){ (size_t)16 << (10 + dice(4)), 192 << 10,
                                              false };
        assert_int_equal(system("rm -rf j"), 0);
        out_count = 0;
        bench_open();
        for (int i = 0; i < STEPS; i++) {
            bench.refuse = dice(300) == 0 ? !bench.refuse : bench.refuse;
            if (dice(500) == 0)
                spool_press(bench.spool);
            if (i % 64 == 0)
                bench_written(journal_next(bench.journal) - 1);
            step();
        }
        bench_close();
    }
    bench.refuse = false;
}

/* ---- a process that just ends ---- */

/* What lives longer than a process. */
struct memory {
    uint16_t delivered[SEQS], check[SEQS];
    uint64_t record[SEQS]; /* UINT64_MAX: the process ended before it was written */
    uint64_t seq, last[CHECKS], duplicates;
};

static void
recall(const struct memory *memory)
{
    memcpy(bench.delivered, memory->delivered, sizeof(bench.delivered));
    memcpy(bench.check, memory->check, sizeof(bench.check));
    memcpy(bench.last, memory->last, sizeof(bench.last));
    bench.duplicates = memory->duplicates;
    bench.seq = memory->seq;
}

static void
remember(struct memory *memory)
{
    memcpy(memory->delivered, bench.delivered, sizeof(bench.delivered));
    memcpy(memory->check, bench.check, sizeof(bench.check));
    memcpy(memory->last, bench.last, sizeof(bench.last));
    memory->duplicates = bench.duplicates;
    memory->seq = bench.seq;
}

/* What is written by then must not be lost. */
static void
live_and_die(struct memory *memory)
{
    uint64_t restored, written;

    recall(memory);
    bench_open();
    restored = bench_line(LEDGER_RESTORED);
    for (uint32_t steps = dice(2000); steps; steps--) {
        uint64_t record = bench_push((int)dice(CHECKS), EVENT_CHANGE);

        memory->record[bench.seq] = record;
        take_one_of_each();
        for (uint32_t settles = dice(3); settles; settles--)
            settle_one();
        if (dice(20) == 0)
            spool_work(bench.spool);
        if (dice(200) == 0)
            bench_written(record);
        bench_closes();
    }
    written = journal_written(bench.journal);
    assert_int_equal(bench_line(LEDGER_RESTORED), restored); /* exact from the start */
    assert_int_equal(bench_line(LEDGER_DAMAGED), 0);
    for (uint64_t seq = memory->seq + 1; seq <= bench.seq; seq++)
        if (memory->record[seq] > written)
            memory->record[seq] = UINT64_MAX;
    remember(memory);
    _exit(42);
}

static void
a_process_that_just_ends_loses_nothing_written(void **state)
{
    struct memory *memory = mmap(NULL, sizeof(*memory), PROT_READ | PROT_WRITE,
                                 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint64_t lost = 0;
    int status;

    (void)state;
    bench.bounds.memory = 64 << 10;
    out_count = 0;
    for (uint32_t run = 1; run <= 40; run++) {
        seed = run * 31;
        if (fork() == 0)
            live_and_die(memory);
        assert_true(wait(&status) != -1);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 42);
    }
    recall(memory);
    bench_open();
    bench_deliver_all();
    assert_int_equal(bench_line(LEDGER_DAMAGED), 0);
    for (uint64_t seq = 1; seq <= bench.seq; seq++) {
        lost += memory->record[seq] == UINT64_MAX;
        assert_true(memory->record[seq] == UINT64_MAX || bench.delivered[seq]);
    }
    print_message("# %" PRIu64 " events, %" PRIu64 " not written in time, %" PRIu64
                  " delivered twice\n",
                  bench.seq, lost, memory->duplicates);
    bench_close();
    munmap(memory, sizeof(*memory));
}

/* ---- with threads ---- */

static atomic_bool over;

static void *
push_all(void *arg)
{
    (void)arg;
    for (int i = 0; i < THREADED; i++)
        bench_push(i % CHECKS, i % 3 ? EVENT_RESULT : EVENT_CHANGE);
    return NULL;
}

static void *
settle_all(void *arg)
{
    uint64_t delivered = 0;

    (void)arg;
    while (spool_waiting_count(bench.spool) < THREADED / 2)
        usleep(1000); /* it has much to catch up with */
    while (delivered < THREADED) {
        size_t count = bench_deliver(BATCH);

        delivered += count;
        if (!count)
            usleep(500);
    }
    return NULL;
}

/* When woken, and now and then. */
static void *
read_all(void *arg)
{
    unsigned woken = 0;

    (void)arg;
    for (int nap = 0; !atomic_load(&over); nap++) {
        if (atomic_load(&bench.wakes) == woken && nap % 256)
            usleep(200);
        else {
            woken = atomic_load(&bench.wakes);
            bench_work();
        }
    }
    return NULL;
}

static void *
watch_all(void *arg)
{
    (void)arg;
    while (!atomic_load(&over)) {
        struct ledger_sum sum = spool_sum(bench.spool);

        if (sum.accepted + sum.restored
            != sum.delivered + sum.rejected + sum.moved + sum.dropped + sum.queued)
            return "no";
        spool_room(bench.spool);
        usleep(100);
    }
    return NULL;
}

static void
pusher_sink_and_reader_run_beside_each_other(void **state)
{
    static void *(*const run[])(void *) = { push_all, settle_all, read_all, watch_all };
    pthread_t threads[4];
    void *result;

    (void)state;
    bench.bounds.memory = 256 << 10;
    bench.options.buffer = 128 << 10; /* so that the disk has most when settling begins */
    bench_open();
    atomic_store(&over, false);
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, run[i], NULL), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], &result);
        assert_null(result);
        if (i == 1)
            atomic_store(&over, true);
    }
    assert_true(atomic_load(&bench.wakes) > 0);
    assert_int_equal(bench.duplicates, 0);
    bench_deliver_all();
    bench_close();
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, bench_begin, bench_end)
static const struct CMUnitTest tests[] = {
    TEST(long_random_lives_lose_nothing_and_repeat_nothing_settled),
    TEST(random_lives_over_every_bound_close_their_ledger),
    TEST(a_process_that_just_ends_loses_nothing_written),
    TEST(pusher_sink_and_reader_run_beside_each_other),
};

UNIT_MAIN(tests)
