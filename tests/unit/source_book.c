/* SPDX-License-Identifier: Apache-2.0
 *
 * source_book.c - the watermark of a lane never passes an event that somebody holds,
 * whatever the order in which events are settled, and by whom.
 */
#include "unit.h"

#include "memory.h"
#include "source_book.h"

#include <malloc.h>
#include <pthread.h>
#include <string.h>

enum { LANES = 7, MOST = 4096 };

static unsigned wakes;
static unsigned tells;        /* calls of one source_book_tell */
static uint64_t marks[LANES]; /* what each lane was told last */
static enum sonde_fate worst_told[LANES];

static void
wake(void *arg)
{
    (void)arg;
    __atomic_fetch_add(&wakes, 1, __ATOMIC_RELAXED);
}

static void
told(uint64_t lane, uint64_t cookie, enum sonde_fate worst, void *arg)
{
    (void)arg;
    assert_true(lane < LANES);
    assert_true(cookie > marks[lane]);
    marks[lane] = cookie;
    worst_told[lane] = worst;
    tells++;
}

static void
tell(struct source_book *book)
{
    tells = 0;
    source_book_tell(book, told, NULL);
}

static struct source_book *
book_new(size_t events, size_t bytes)
{
    memset(marks, 0, sizeof(marks));
    memset(worst_told, 0, sizeof(worst_told));
    wakes = 0;
    return source_book_new((struct source_bounds){ events, bytes }, wake, NULL);
}

static uint32_t
next_random(uint32_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 17;
    *random ^= *random << 5;
    return *random;
}

/* Against the plainest of models: an array of what is done. */
static void
a_watermark_never_passes_what_is_out(void **state)
{
    (void)state;
    for (uint32_t seed = 1; seed <= 200; seed++) {
        struct source_book *book = book_new(1 << 20, 1 << 30);
        struct receipt *out[MOST];
        bool done[MOST] = { false };
        size_t pushed = 0, left = 0, count = 200 + seed * 7 % 1000;
        uint32_t random = seed * 2654435761u;

        memset(out, 0, sizeof(out));
        while (pushed < count || left) {
            size_t at = next_random(&random) % count;

            if (pushed < count && next_random(&random) % 3) {
                out[pushed] = source_book_enter(book, pushed % LANES, pushed + 1, 10);
                pushed++, left++;
            } else if (out[at]) {
                receipt_release(out[at], SONDE_DELIVERED);
                out[at] = NULL;
                done[at] = true;
                left--;
            }
            if (next_random(&random) % 8)
                continue;
            tell(book);
            assert_true(tells <= LANES);
            for (size_t lane = 0; lane < LANES; lane++) {
                uint64_t mark = 0;

                for (size_t i = lane; i < pushed && done[i]; i += LANES)
                    mark = i + 1;
                assert_int_equal(marks[lane], mark);
            }
            assert_int_equal(source_book_out(book), left);
        }
        tell(book);
        assert_int_equal(source_book_out(book), 0);
        source_book_close(book);
    }
}

static void
a_lane_that_waits_holds_no_other_and_costs_nothing(void **state)
{
    struct source_book *book = book_new(1000, 1 << 30);
    struct receipt *first = source_book_enter(book, 0, 1, 100);
    size_t before = 0;

    (void)state;
    for (uint64_t n = 2; n < 400000; n++) {
        if (n == 100000)
            before = mallinfo2().uordblks;
        receipt_release(source_book_enter(book, n % 2, n, 100), SONDE_DELIVERED);
        if (n % 500 == 0)
            tell(book);
    }
    tell(book);
    assert_int_equal(marks[0], 0);
    assert_int_equal(marks[1], 399999);
    assert_int_equal(source_book_out(book), 1);
    assert_true(mallinfo2().uordblks < before + 65536);
    receipt_release(first, SONDE_DELIVERED);
    tell(book);
    assert_int_equal(tells, 1);
    assert_int_equal(marks[0], 399998);
    source_book_close(book);
}

static void
the_worst_of_what_is_passed_is_told(void **state)
{
    struct source_book *book = book_new(1000, 1 << 30);
    struct receipt *out[6];

    (void)state;
    for (uint64_t n = 0; n < 6; n++)
        out[n] = source_book_enter(book, 0, n + 1, 1);
    receipt_release(out[2], SONDE_REJECTED);
    receipt_release(out[1], SONDE_DELIVERED);
    receipt_release(out[3], SONDE_DELIVERED);
    tell(book);
    assert_int_equal(tells, 0);
    receipt_release(out[0], SONDE_DELIVERED);
    tell(book);
    assert_int_equal(marks[0], 4);
    assert_int_equal(worst_told[0], SONDE_REJECTED);
    receipt_release(out[4], SONDE_DELIVERED);
    tell(book);
    assert_int_equal(marks[0], 5);
    assert_int_equal(worst_told[0], SONDE_DELIVERED);
    receipt_release(out[5], SONDE_DELIVERED);
    source_book_close(book);
}

/* The sink was not reached, and the daemon ends: whoever comes after us begins there. */
static void
what_reached_nobody_stops_its_lane_for_good(void **state)
{
    struct source_book *book = book_new(1000, 1 << 30);
    struct receipt *out[4];

    (void)state;
    for (uint64_t n = 0; n < 4; n++)
        out[n] = source_book_enter(book, 3, n + 1, 1);
    receipt_release(out[3], SONDE_DELIVERED);
    receipt_release(out[1], SONDE_RETRY);
    receipt_release(out[0], SONDE_DELIVERED);
    receipt_release(out[2], SONDE_REJECTED);
    tell(book);
    assert_int_equal(marks[3], 1);
    assert_int_equal(worst_told[3], SONDE_DELIVERED);
    receipt_release(source_book_enter(book, 3, 5, 1), SONDE_DELIVERED);
    receipt_release(source_book_enter(book, 2, 6, 1), SONDE_DELIVERED);
    tell(book);
    assert_int_equal(marks[3], 1);
    assert_int_equal(marks[2], 6);
    assert_int_equal(source_book_out(book), 0);
    source_book_close(book);
}

static void
it_is_bounded_in_events_and_in_bytes(void **state)
{
    struct source_book *book = book_new(4, 1000);
    struct receipt *out[4];

    (void)state;
    for (uint64_t n = 0; n < 4; n++) {
        assert_false(source_book_full(book));
        out[n] = source_book_enter(book, 0, n + 1, 10);
    }
    assert_true(source_book_full(book));
    for (int n = 0; n < 3; n++) {
        assert_false(source_book_room(book)); /* not before it is half empty */
        receipt_release(out[n], SONDE_DELIVERED);
        tell(book);
    }
    assert_true(source_book_room(book));
    receipt_release(out[3], SONDE_DELIVERED);
    tell(book);
    out[0] = source_book_enter(book, 0, 5, 1200);
    assert_true(source_book_full(book));
    receipt_release(out[0], SONDE_DELIVERED);
    assert_true(source_book_full(book)); /* nobody looked yet */
    tell(book);
    assert_true(source_book_room(book));
    source_book_close(book);
}

static void
one_call_wakes_for_many(void **state)
{
    struct source_book *book = book_new(1000, 1 << 30);
    struct receipt *out[100];

    (void)state;
    for (uint64_t n = 0; n < 100; n++)
        out[n] = source_book_enter(book, 0, n + 1, 1);
    for (int n = 0; n < 100; n++)
        receipt_release(out[n], SONDE_DELIVERED);
    assert_int_equal(wakes, 1);
    tell(book);
    assert_int_equal(tells, 1);
    receipt_release(source_book_enter(book, 0, 101, 1), SONDE_DELIVERED);
    assert_int_equal(wakes, 2);
    source_book_close(book);
}

static void
a_closed_book_lives_until_all_receipts_are_back(void **state)
{
    struct source_book *book = book_new(1000, 1 << 30);
    struct receipt *early = source_book_enter(book, 0, 1, 1);
    struct receipt *late = source_book_enter(book, 1, 2, 1);

    (void)state;
    receipt_hold(late);
    source_book_close(book);
    receipt_release(late, SONDE_DELIVERED);
    receipt_release(early, SONDE_DELIVERED);
    receipt_release(late, SONDE_RETRY);
    assert_int_equal(wakes, 0);
    source_book_close(NULL);
}

/* ---- settled by several threads ---- */

enum { THREADS = 4, EACH = 20000 };

static _Atomic(struct receipt *) handed[THREADS][64];

static void *
settle(void *arg)
{
    _Atomic(struct receipt *) *slots = arg;

    for (int left = EACH, at = 0; left > 0; at = (at + 1) % 64) {
        struct receipt *receipt = atomic_exchange(&slots[at], NULL);

        if (!receipt)
            continue;
        receipt_release(receipt, SONDE_DELIVERED);
        left--;
    }
    return NULL;
}

static void
threads_settle_what_a_source_pushes(void **state)
{
    struct source_book *book = book_new(1000, 1 << 30);
    pthread_t threads[THREADS];
    uint64_t n = 0;

    (void)state;
    for (int t = 0; t < THREADS; t++)
        pthread_create(&threads[t], NULL, settle, handed[t]);
    while (n < THREADS * EACH) {
        _Atomic(struct receipt *) *slot = &handed[n % THREADS][n / THREADS * 7 % 64];

        if (atomic_load(slot)) {
            tell(book);
            continue;
        }
        n++;
        atomic_store(slot, source_book_enter(book, n % LANES, n, 1));
    }
    for (int t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    tell(book);
    assert_int_equal(source_book_out(book), 0);
    for (uint64_t last = n; last > n - LANES; last--)
        assert_int_equal(marks[last % LANES], last);
    source_book_close(book);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_watermark_never_passes_what_is_out),
    cmocka_unit_test(a_lane_that_waits_holds_no_other_and_costs_nothing),
    cmocka_unit_test(the_worst_of_what_is_passed_is_told),
    cmocka_unit_test(what_reached_nobody_stops_its_lane_for_good),
    cmocka_unit_test(it_is_bounded_in_events_and_in_bytes),
    cmocka_unit_test(one_call_wakes_for_many),
    cmocka_unit_test(a_closed_book_lives_until_all_receipts_are_back),
    cmocka_unit_test(threads_settle_what_a_source_pushes),
};

UNIT_MAIN(tests)
