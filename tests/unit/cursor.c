/* SPDX-License-Identifier: Apache-2.0
 *
 * cursor.c - how far a sink has got, against a plain set; across restarts and full
 * windows.
 */
#include "unit.h"

#include "cursor.h"
#include "memory.h"

#include <string.h>

enum { NUMBERS = 30000 };

/* What a sink has, number by number. */
enum fate { OTHERS, OPEN, SETTLED };

struct naive {
    enum fate fate[NUMBERS];
    uint64_t seen;
    size_t open;
};

static uint32_t seed;

static uint32_t
next_random(uint32_t below)
{
    seed = seed * 1664525u + 1013904223u;
    return (seed >> 8) % below;
}

static uint64_t
naive_base(const struct naive *naive)
{
    for (uint64_t i = 1; i <= naive->seen; i++)
        if (naive->fate[i] == OPEN)
            return i;
    return naive->seen + 1;
}

static void
same(const struct cursor *cursor, const struct naive *naive)
{
    assert_int_equal(cursor_seen(cursor), naive->seen);
    assert_int_equal(cursor_base(cursor), naive_base(naive));
    assert_int_equal(cursor_open_count(cursor), naive->open);
}

/* Each open one is found in its turn, and has a place that no other has. */
static void
open_ones_have_places(const struct cursor *cursor, const struct naive *naive)
{
    static uint64_t owner[CURSOR_WINDOW];
    uint64_t at = 0, open = 0;

    memset(owner, 0, sizeof(owner));
    while ((at = cursor_next_open(cursor, at))) {
        size_t place = cursor_place(cursor, at);

        assert_int_equal(naive->fate[at], OPEN);
        assert_true(place < CURSOR_WINDOW && !owner[place]);
        owner[place] = at;
        open++;
    }
    assert_int_equal(open, naive->open);
    assert_int_equal(cursor_place(cursor, naive->seen + 1), CURSOR_WINDOW);
    assert_int_equal(cursor_next_open(cursor, naive->seen), 0);
}

/* One of those that are open, most often an old one. */
static void
settle_one(struct cursor *cursor, struct naive *naive)
{
    uint64_t base = naive_base(naive), at;

    if (!naive->open)
        return;
    at = base + next_random(next_random(10) ? 40 : 2000);
    while (at > naive->seen || naive->fate[at] != OPEN)
        at = at > base ? at - 1 : base;
    assert_true(cursor_settle(cursor, at));
    assert_false(cursor_settle(cursor, at));
    naive->fate[at] = SETTLED;
    naive->open--;
}

/* Through bytes and back, as a restart does; what was above limit was never written. */
static struct cursor *
restart(struct cursor *cursor, struct naive *naive, uint64_t *records)
{
    static unsigned char bytes[CURSOR_PACKED];
    uint64_t limit = *records - next_random(50 < *records ? 50 : 1), base;
    size_t length = cursor_pack(cursor, limit, bytes);
    struct cursor *after = cursor_unpack(bytes, length);

    assert_non_null(after);
    cursor_free(cursor);
    base = naive_base(naive);
    if (base > limit + 1)
        base = limit + 1;
    assert_int_equal(cursor_base(after), base);
    assert_int_equal(cursor_seen(after), base - 1);
    /* What was lost is another record of the same number now. */
    for (uint64_t i = limit + 1; i <= *records && i < NUMBERS; i++)
        naive->fate[i] = next_random(3) ? OPEN : OTHERS;
    /* The log is read again from the base on. */
    naive->open = 0;
    for (uint64_t i = base; i <= *records; i++) {
        if (naive->fate[i] == OTHERS)
            continue;
        assert_int_equal(cursor_begin(after, i),
                         naive->fate[i] == OPEN ? CURSOR_OPEN : CURSOR_SETTLED);
        naive->open += naive->fate[i] == OPEN;
    }
    cursor_pass(after, *records);
    naive->seen = *records;
    return after;
}

static void
it_agrees_with_a_plain_set(void **state)
{
    (void)state;
    for (uint32_t run = 1; run <= 40; run++) {
        struct naive *naive = memory_new(sizeof(*naive));
        struct cursor *cursor = cursor_new(1);
        uint64_t records = 0;

        seed = run;
        for (int step = 0; step < 3000; step++) {
            uint32_t what = next_random(1000);

            if (what < 3 && records > 100)
                cursor = restart(cursor, naive, &records);
            else if (what < 450)
                settle_one(cursor, naive);
            else if (what < 700)
                cursor_pass(cursor, naive->seen = ++records);
            else {
                assert_int_equal(cursor_begin(cursor, ++records), CURSOR_OPEN);
                naive->fate[naive->seen = records] = OPEN;
                naive->open++;
            }
            if (step % 16 == 0)
                same(cursor, naive);
            if (step % 128 == 0)
                open_ones_have_places(cursor, naive);
        }
        cursor_free(cursor);
        free(naive);
    }
}

static void
a_full_window_waits_for_its_oldest(void **state)
{
    struct cursor *cursor = cursor_new(1);
    uint64_t number = 7;

    (void)state;
    for (int i = 0; i < CURSOR_WINDOW; i++, number += 1000) {
        assert_true(cursor_room(cursor));
        assert_int_equal(cursor_begin(cursor, number), CURSOR_OPEN);
    }
    assert_false(cursor_room(cursor));
    assert_int_equal(cursor_begin(cursor, number), CURSOR_FULL);
    assert_int_equal(cursor_seen(cursor), number - 1000);
    for (uint64_t at = 1007; at < number; at += 1000)
        assert_true(cursor_settle(cursor, at));
    assert_int_equal(cursor_begin(cursor, number), CURSOR_FULL);
    assert_int_equal(cursor_base(cursor), 7);
    assert_true(cursor_settle(cursor, 7));
    assert_int_equal(cursor_base(cursor), number - 999);
    assert_int_equal(cursor_begin(cursor, number), CURSOR_OPEN);
    cursor_free(cursor);
}

/* The dearest case fits, and comes back whole. */
static void
a_window_of_far_numbers_fits_into_its_bytes(void **state)
{
    static unsigned char bytes[CURSOR_PACKED];
    struct cursor *cursor = cursor_new(1);
    const uint64_t step = UINT64_MAX / (CURSOR_WINDOW + 1);
    size_t length;

    (void)state;
    for (uint64_t i = 1; i <= CURSOR_WINDOW; i++)
        assert_int_equal(cursor_begin(cursor, i * step), CURSOR_OPEN);
    for (uint64_t i = 2; i <= CURSOR_WINDOW; i++)
        assert_true(cursor_settle(cursor, i * step));
    length = cursor_pack(cursor, UINT64_MAX - 1, bytes);
    assert_true(length <= CURSOR_PACKED);
    cursor_free(cursor);
    cursor = cursor_unpack(bytes, length);
    assert_int_equal(cursor_begin(cursor, step), CURSOR_OPEN);
    for (uint64_t i = 2; i <= CURSOR_WINDOW; i++)
        assert_int_equal(cursor_begin(cursor, i * step), CURSOR_SETTLED);
    cursor_free(cursor);
}

/* Packed again before the log was read, nothing of it is forgotten. */
static void
what_was_settled_before_is_kept_through_two_restarts(void **state)
{
    static unsigned char bytes[CURSOR_PACKED];
    struct cursor *cursor = cursor_new(10);
    size_t length;

    (void)state;
    for (uint64_t i = 10; i < 20; i++)
        cursor_begin(cursor, i);
    cursor_settle(cursor, 13);
    cursor_settle(cursor, 17);
    for (int restarts = 0; restarts < 2; restarts++) {
        length = cursor_pack(cursor, 100, bytes);
        cursor_free(cursor);
        cursor = cursor_unpack(bytes, length);
    }
    cursor_begin(cursor, 10);
    length = cursor_pack(cursor, 100, bytes);
    cursor_free(cursor);
    cursor = cursor_unpack(bytes, length);
    for (uint64_t i = 10; i < 20; i++)
        assert_int_equal(cursor_begin(cursor, i),
                         i == 13 || i == 17 ? CURSOR_SETTLED : CURSOR_OPEN);
    cursor_free(cursor);
}

/* All before it is settled by now, and it is the very next: it is not wanted either. */
static void
what_was_settled_before_may_be_the_very_next(void **state)
{
    static unsigned char bytes[CURSOR_PACKED];
    struct cursor *cursor = cursor_new(10);

    (void)state;
    for (uint64_t i = 10; i < 20; i++)
        cursor_begin(cursor, i);
    for (uint64_t i = 11; i < 15; i++)
        cursor_settle(cursor, i);
    for (int restarts = 0; restarts < 2; restarts++) {
        size_t length = cursor_pack(cursor, 100, bytes);

        cursor_free(cursor);
        cursor = cursor_unpack(bytes, length);
        assert_non_null(cursor);
        cursor_begin(cursor, 10);
        cursor_settle(cursor, 10);
    }
    for (uint64_t i = 11; i < 20; i++)
        assert_int_equal(cursor_begin(cursor, i), i < 15 ? CURSOR_SETTLED : CURSOR_OPEN);
    cursor_free(cursor);
}

static void
bytes_that_are_no_cursor_are_refused(void **state)
{
    static const unsigned char endless[20] = { 1, 0, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 0xFF };
    static const unsigned char wraps[] = { 0xFF, 0xFF, 0xFF, 0xFF, 0xFF,
                                           0xFF, 0xFF, 0xFF, 1 };

    (void)state;
    assert_null(cursor_unpack(endless, 7));
    assert_null(cursor_unpack(endless, 11));
    assert_null(cursor_unpack(endless, 20)); /* a distance of nothing */
    assert_null(cursor_unpack(wraps, sizeof(wraps)));
    assert_null(cursor_unpack((const unsigned char *)"\0\0\0\0\0\0\0\0", 8));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(it_agrees_with_a_plain_set),
    cmocka_unit_test(a_full_window_waits_for_its_oldest),
    cmocka_unit_test(a_window_of_far_numbers_fits_into_its_bytes),
    cmocka_unit_test(what_was_settled_before_is_kept_through_two_restarts),
    cmocka_unit_test(what_was_settled_before_may_be_the_very_next),
    cmocka_unit_test(bytes_that_are_no_cursor_are_refused),
};

UNIT_MAIN(tests)
