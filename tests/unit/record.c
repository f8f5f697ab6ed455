/* SPDX-License-Identifier: Apache-2.0
 *
 * record.c - the checksum against its published answers, and records as bytes.
 */
#include "unit.h"

#include "checksum.h"
#include "memory.h"
#include "record.h"

#include <stdbool.h>
#include <string.h>

/* RFC 3720, B.4, and the check value of the catalogue of CRCs. */
static void
the_checksum_gives_the_published_answers(void **state)
{
    unsigned char bytes[32];
    uint32_t (*const ways[])(uint32_t, const void *, size_t) = { checksum_crc32c,
                                                                 checksum_by_table };

    (void)state;
    for (size_t way = 0; way < 2; way++) {
        assert_int_equal(ways[way](0, "123456789", 9), 0xE3069283);
        assert_int_equal(ways[way](0, "", 0), 0);
        memset(bytes, 0, sizeof(bytes));
        assert_int_equal(ways[way](0, bytes, sizeof(bytes)), 0x8A9136AA);
        memset(bytes, 0xFF, sizeof(bytes));
        assert_int_equal(ways[way](0, bytes, sizeof(bytes)), 0x62A8AB43);
        for (size_t i = 0; i < sizeof(bytes); i++)
            bytes[i] = (unsigned char)i;
        assert_int_equal(ways[way](0, bytes, sizeof(bytes)), 0x46DD794E);
    }
}

static void
both_ways_agree_and_can_be_continued(void **state)
{
    unsigned char bytes[300];

    (void)state;
    for (size_t i = 0; i < sizeof(bytes); i++)
        bytes[i] = (unsigned char)(i * i * 31 + 7);
    for (size_t from = 0; from < 9; from++)
        for (size_t length = 0; length + from <= sizeof(bytes); length += 7) {
            uint32_t whole = checksum_crc32c(0, bytes + from, length);

            assert_int_equal(whole, checksum_by_table(0, bytes + from, length));
            assert_int_equal(
                whole, checksum_crc32c(checksum_crc32c(0, bytes + from, length / 3),
                                       bytes + from + length / 3, length - length / 3));
        }
}

static unsigned char *
put(unsigned char *at, uint64_t number, uint32_t kind, const char *one, const char *two)
{
    struct record record;
    unsigned char *end;

    end = record_put(at, number, kind,
                     (struct iovec[]){ { (void *)(uintptr_t)one, strlen(one) },
                                       { (void *)(uintptr_t)two, strlen(two) } },
                     2);
    assert_ptr_equal(record_seal(at, &record), end);
    return end;
}

static void
what_was_put_is_taken(void **state)
{
    unsigned char bytes[256] = { 0 }, *at = bytes, *end;
    struct record record;
    size_t need;

    (void)state;
    end = put(put(bytes, 1, 7, "hello ", "world"), UINT64_MAX, UINT32_MAX, "", "");
    assert_int_equal((end - bytes) % RECORD_ALIGN, 0);
    assert_int_equal(record_take(at, sizeof(bytes), &record, &need), RECORD_TAKEN);
    assert_int_equal(record.number, 1);
    assert_int_equal(record.kind, 7);
    assert_int_equal(record.length, 11);
    assert_memory_equal(record.payload, "hello world", 11);
    assert_int_equal(need, record_size(11));
    at += need;
    assert_int_equal(record_take(at, 24, &record, &need), RECORD_TAKEN);
    assert_true(record.number == UINT64_MAX && record.kind == UINT32_MAX);
    assert_int_equal(record.length, 0);
    at += need;
    assert_ptr_equal(at, end);
    assert_int_equal(record_take(at, 64, &record, &need), RECORD_END);
    assert_int_equal(record_take(at, 0, &record, &need), RECORD_END);
}

/* The layout on the disk, byte by byte: it may not change unseen. */
static void
the_bytes_are_those_of_the_format(void **state)
{
    static const unsigned char expected[] = { 3, 0, 0, 0, 0x1E, 0xE6, 0x5F, 0x5E,
                                              8, 7, 6, 5, 4,    3,    2,    1,
                                              4, 3, 2, 1, 'a',  'b',  'c',  0 };
    unsigned char bytes[sizeof(expected)];

    (void)state;
    put(bytes, UINT64_C(0x0102030405060708), 0x01020304, "a", "bc");
    assert_memory_equal(bytes, expected, sizeof(expected));
}

static void
every_single_bit_that_changes_is_found(void **state)
{
    unsigned char bytes[256] = { 0 };
    size_t size = (size_t)(put(bytes, 42, 3, "payload", " of 19 bytes") - bytes);
    struct record record;
    size_t need;

    (void)state;
    for (size_t bit = 0; bit < (RECORD_HEAD + 19) * 8; bit++) {
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
        assert_int_not_equal(record_take(bytes, size, &record, &need), RECORD_TAKEN);
        bytes[bit / 8] ^= (unsigned char)(1u << bit % 8);
    }
    assert_int_equal(record_take(bytes, size, &record, &need), RECORD_TAKEN);
}

static void
a_part_of_a_record_asks_for_more(void **state)
{
    unsigned char bytes[256];
    size_t size = (size_t)(put(bytes, 42, 3, "payload", "") - bytes), need;
    struct record record;

    (void)state;
    for (size_t have = 1; have < size; have++) {
        assert_int_equal(record_take(bytes, have, &record, &need), RECORD_MORE);
        assert_int_equal(need, have < RECORD_HEAD ? RECORD_HEAD : size);
    }
}

static void
absurd_lengths_and_the_kind_zero_are_bad(void **state)
{
    unsigned char bytes[64] = { 0 };
    struct record record;
    size_t need;

    (void)state;
    put(bytes, 1, 0, "x", "");
    assert_int_equal(record_take(bytes, sizeof(bytes), &record, &need), RECORD_BAD);
    put(bytes, 1, 1, "x", "");
    memset(bytes, 0xFF, 4);
    assert_int_equal(record_take(bytes, sizeof(bytes), &record, &need), RECORD_BAD);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(the_checksum_gives_the_published_answers),
    cmocka_unit_test(both_ways_agree_and_can_be_continued),
    cmocka_unit_test(what_was_put_is_taken),
    cmocka_unit_test(the_bytes_are_those_of_the_format),
    cmocka_unit_test(every_single_bit_that_changes_is_found),
    cmocka_unit_test(a_part_of_a_record_asks_for_more),
    cmocka_unit_test(absurd_lengths_and_the_kind_zero_are_bad),
};

UNIT_MAIN(tests)
