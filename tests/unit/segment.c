/* SPDX-License-Identifier: Apache-2.0
 *
 * segment.c - files of the journal, and what is left of them after every kind of damage.
 */
#include "unit.h"

#include "memory.h"
#include "said.h"
#include "segment.h"

#include <fcntl.h>

enum { SIZE = 64 << 10, RECORDS = 20 };

static struct disk disk;
static char name[SEGMENT_NAME];
static struct segment segment;
static off_t places[RECORDS + 1]; /* where each record begins; the last: the end */

/* A segment with a snapshot of one record and the numbers 100 to 119, each with a payload
 * of a length of its own. */
static int
enter(void **state)
{
    unsigned char bytes[SEGMENT_HEAD + 1024], *end;
    struct record record;
    char filler[300];

    memset(filler, 'x', sizeof(filler));
    if (said_enter(state) || !disk_init(&disk, ".")
        || segment_prepare(&disk, &segment, SIZE) == -1)
        return -1;
    segment_put_head(bytes, 100);
    end = record_put(bytes + SEGMENT_HEAD, 100, 1 | RECORD_BESIDE,
                     &(struct iovec){ filler, 10 }, 1);
    record_seal(bytes + SEGMENT_HEAD, &record);
    end = record_put(end, 100, RECORD_SNAPSHOT_END, NULL, 0);
    record_seal(end - record_size(0), &record);
    if (segment_append(&disk, &segment, bytes, (size_t)(end - bytes)) == -1
        || segment_commit(&disk, &segment, 100) == -1)
        return -1;
    for (size_t i = 0; i < RECORDS; i++) {
        places[i] = segment.end;
        end = record_put(bytes, 100 + i, 2, &(struct iovec){ filler, i * 13 % 300 }, 1);
        record_seal(bytes, &record);
        if (segment_append(&disk, &segment, bytes, (size_t)(end - bytes)) == -1)
            return -1;
    }
    places[RECORDS] = segment.end;
    segment_name(name, 100);
    return segment_sync(&disk, &segment);
}

static int
leave(void **state)
{
    segment_close(&disk, &segment);
    disk_deinit(&disk);
    return said_leave(state);
}

static struct segment_found
look(void)
{
    struct segment_found found;

    segment_look(&disk, segment.fd, &found);
    return found;
}

static void
damage(off_t at, const void *bytes, size_t length)
{
    assert_int_equal(disk_write(&disk, segment.fd, bytes, length, at), 0);
}

static void
names_are_numbers_and_nothing_else_is(void **state)
{
    char text[SEGMENT_NAME];
    uint64_t number;

    (void)state;
    assert_string_equal(segment_name(text, 7), "journal.00000000000000000007");
    assert_true(segment_number(text, &number) && number == 7);
    assert_true(segment_number(segment_name(text, UINT64_MAX), &number)
                && number == UINT64_MAX);
    assert_false(segment_number("journal.00000000000000000000", &number));
    assert_false(segment_number("journal.99999999999999999999", &number));
    assert_false(segment_number("journal.00000000000000000007.bad", &number));
    assert_false(segment_number("journal.7", &number));
    assert_false(segment_number("journal.+0000000000000000007", &number));
    assert_false(segment_number(SEGMENT_NEW, &number));
}

static void
what_was_written_is_read_back(void **state)
{
    struct segment_scan scan;
    struct record record;
    uint64_t first, expected = 100;

    (void)state;
    assert_int_equal(segment_take_head(&disk, segment.fd, &first), SEGMENT_OURS);
    assert_int_equal(first, 100);
    segment_scan_init(&scan, &disk, segment.fd, SIZE);
    while (segment_next(&scan, &record) == RECORD_TAKEN) {
        if (record.kind & RECORD_BESIDE)
            continue;
        assert_int_equal(record.number, expected);
        assert_int_equal(record.length, (expected - 100) * 13 % 300);
        expected++;
    }
    assert_int_equal(expected, 100 + RECORDS);
    assert_int_equal(segment_next(&scan, &record), RECORD_END);
    segment_scan_deinit(&scan);
    assert_int_equal(look().rest, SEGMENT_CLEAN);
    assert_int_equal(look().end, places[RECORDS]);
    assert_int_equal(look().last, 100 + RECORDS - 1);
    assert_true(look().snapshot);
}

static void
a_scan_stops_at_its_limit_and_goes_on_when_it_grows(void **state)
{
    struct segment_scan scan;
    struct record record;
    int count = 0;

    (void)state;
    segment_scan_init(&scan, &disk, segment.fd, places[0]);
    while (segment_next(&scan, &record) == RECORD_TAKEN)
        count++;
    assert_int_equal(count, 2);
    for (int i = 1; i <= RECORDS; i++) {
        scan.limit = places[i];
        assert_int_equal(segment_next(&scan, &record), RECORD_TAKEN);
        assert_int_equal(record.number, 99 + i);
        assert_int_equal(segment_next(&scan, &record), RECORD_END);
    }
    segment_scan_deinit(&scan);
}

/* Wherever the writing of the last record stopped, all before it are there, and the file
 * can be written on. */
static void
a_torn_tail_is_cut_wherever_it_was_torn(void **state)
{
    static const char zeros[512];
    off_t last = places[RECORDS - 1], end = places[RECORDS];
    unsigned char whole[512];
    int torn = 0;

    (void)state;
    assert_int_equal(disk_read(&disk, segment.fd, whole, (size_t)(end - last), last),
                     end - last);
    for (off_t cut = last; cut < end; cut++) {
        struct segment_found found;

        damage(last, whole, (size_t)(end - last));
        damage(cut, zeros, (size_t)(end - cut));
        found = look();
        if (found.rest == SEGMENT_CLEAN && found.last == 100 + RECORDS - 1)
            continue; /* what is missing are zeros */
        assert_int_equal(found.last, 100 + RECORDS - 2);
        assert_int_equal(found.end, last);
        if (cut > last) {
            assert_int_equal(found.rest, SEGMENT_TORN);
            torn++;
        }
        assert_int_equal(segment_repair(&disk, segment.fd, name, &found, true), 0);
        found = look();
        assert_int_equal(found.rest, SEGMENT_CLEAN);
        assert_int_equal(found.size, SIZE);
        assert_int_equal(found.end, last);
    }
    assert_true(torn > 20);
    assert_int_equal(access("journal.00000000000000000100.bad", F_OK), -1);
}

static void
what_stands_behind_a_bad_record_is_kept_aside(void **state)
{
    struct segment_found found;
    unsigned char before[8192], after[8192];
    size_t length = (size_t)(places[RECORDS] - places[7]);
    ssize_t got;
    int fd;

    (void)state;
    damage(places[7] + 20, "?", 1);
    assert_int_equal(disk_read(&disk, segment.fd, before, length, places[7]), length);
    found = look();
    assert_int_equal(found.rest, SEGMENT_QUARANTINED);
    assert_int_equal(found.last, 106);
    assert_int_equal(segment_repair(&disk, segment.fd, name, &found, false), 0);
    assert_int_equal(look().rest, SEGMENT_CLEAN);
    assert_int_equal(look().end, places[7]);
    assert_int_equal(look().size, places[7]);
    fd = open("journal.00000000000000000100.bad", O_RDONLY);
    got = read(fd, after, sizeof(after));
    close(fd);
    /* The last byte of the file may be padding, which is zero. */
    assert_in_range(got, length - 8, length);
    assert_memory_equal(before, after, (size_t)got);
}

static void
a_hole_of_zeros_with_records_behind_it_is_damage_too(void **state)
{
    static const char zeros[4096];

    (void)state;
    damage(places[3], zeros, (size_t)(places[9] - places[3]));
    assert_int_equal(look().rest, SEGMENT_QUARANTINED);
    assert_int_equal(look().last, 102);
    assert_int_equal(look().end, places[3]);
}

static void
a_snapshot_without_its_end_is_none(void **state)
{
    (void)state;
    damage(SEGMENT_HEAD + (off_t)record_size(10) + 4, "????", 4);
    assert_false(look().snapshot);
    assert_int_equal(look().rest, SEGMENT_QUARANTINED);
    assert_int_equal(look().records, 0);
}

static void
a_number_that_comes_again_is_not_ours(void **state)
{
    unsigned char old[64];
    size_t size = record_size(13);

    (void)state;
    assert_int_equal(disk_read(&disk, segment.fd, old, size, places[1]), size);
    damage(places[RECORDS], old, size);
    assert_int_equal(look().end, places[RECORDS]);
    assert_int_equal(look().rest, SEGMENT_TORN);
}

static void
the_head_is_checked(void **state)
{
    uint64_t first;

    (void)state;
    damage(16, "\x05", 1);
    assert_int_equal(segment_take_head(&disk, segment.fd, &first), SEGMENT_DAMAGED);
    damage(8, "\x02", 1);
    assert_int_equal(segment_take_head(&disk, segment.fd, &first), SEGMENT_NEWER);
    damage(0, "X", 1);
    assert_int_equal(segment_take_head(&disk, segment.fd, &first), SEGMENT_DAMAGED);
    assert_int_equal(ftruncate(segment.fd, 20), 0);
    assert_int_equal(segment_take_head(&disk, segment.fd, &first), SEGMENT_DAMAGED);
    assert_int_equal(look().end, SEGMENT_HEAD);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
static const struct CMUnitTest tests[] = {
    TEST(names_are_numbers_and_nothing_else_is),
    TEST(what_was_written_is_read_back),
    TEST(a_scan_stops_at_its_limit_and_goes_on_when_it_grows),
    TEST(a_torn_tail_is_cut_wherever_it_was_torn),
    TEST(what_stands_behind_a_bad_record_is_kept_aside),
    TEST(a_hole_of_zeros_with_records_behind_it_is_damage_too),
    TEST(a_snapshot_without_its_end_is_none),
    TEST(a_number_that_comes_again_is_not_ours),
    TEST(the_head_is_checked),
};

UNIT_MAIN(tests)
