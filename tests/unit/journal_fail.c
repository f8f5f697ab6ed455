/* SPDX-License-Identifier: Apache-2.0
 *
 * journal_fail.c - the journal on a disk that is full, or whose syncs fail.
 */
#include "journal_client.h"

#include <errno.h>

static struct disk_calls calls;
static struct disk shim;

static int
enter(void **state)
{
    memset(&client, 0, sizeof(client));
    atomic_store(&client.needed, 1);
    if (said_enter(state) || !disk_init(&shim, "."))
        return -1;
    calls = *shim.calls;
    shim.calls = &calls;
    return 0;
}

static int
leave(void **state)
{
    memory_close(&shim.directory);
    return said_leave(state);
}

/* ---- a disk that is full ---- */

static atomic_bool full;
static int (*allocate_really)(struct disk *disk, int fd, off_t size);

static int
allocate_if_room(struct disk *disk, int fd, off_t size)
{
    if (!atomic_load(&full))
        return allocate_really(disk, fd, size);
    errno = ENOSPC;
    return -1;
}

/* It shows when the next segment is made ahead, while there is room for records; when
 * there is none, what comes is held, then refused and counted; and all of it goes on by
 * itself. */
static void
a_full_disk_is_told_counted_and_got_over(void **state)
{
    char why[JOURNAL_WHY] = "";
    struct journal *journal;
    uint64_t last = 0, number;

    (void)state;
    allocate_really = calls.allocate;
    calls.allocate = allocate_if_room;
    journal = journal_open_on(
        &shim, &(struct journal_options){ .segment = 32 << 10, .buffer = 16 << 10 },
        &callbacks, why);
    assert_non_null(journal);
    journal_start(journal);
    wait_durable(journal, append(journal, 1, 100));
    atomic_store(&full, true);
    while (!atomic_load(&client.downs)) {
        wait_durable(journal, last = append(journal, 1, 1000));
        assert_true(last < 30); /* half of the segment, not all of it */
    }
    assert_non_null(strstr(client.why, "No space left on device"));
    while ((number = append(journal, 1, 1000)))
        last = number, nap();
    assert_true(journal_counts(journal).refused > 0);
    assert_true(journal_written(journal) < last);
    atomic_store(&full, false);
    wait_durable(journal, last);
    while (!atomic_load(&client.ups))
        nap();
    assert_int_equal(append(journal, 1, 1000), last + 1);
    assert_int_equal(journal_close(journal), 0);
}

static atomic_llong room; /* bytes of one file */

static int
allocate_within_room(struct disk *disk, int fd, off_t size)
{
    if (size <= atomic_load(&room))
        return allocate_really(disk, fd, size);
    errno = ENOSPC;
    return -1;
}

static struct journal *
journal_on_a_full_disk(uint64_t *last)
{
    char why[JOURNAL_WHY] = "";
    struct journal *journal;
    uint64_t number;

    allocate_really = calls.allocate;
    calls.allocate = allocate_within_room;
    atomic_store(&room, 0);
    journal = journal_open_on(
        &shim, &(struct journal_options){ .segment = 1 << 20, .buffer = 128 << 10 },
        &callbacks, why);
    assert_non_null(journal);
    journal_start(journal);
    while (!atomic_load(&client.downs) || journal_counts(journal).refused == 0)
        if ((number = append(journal, 1, 1000)))
            *last = number;
        else
            nap();
    return journal;
}

/* A segment is made as large as it can be, and all that was held is in it. */
static void
a_disk_with_room_for_less_than_a_segment_is_used(void **state)
{
    struct journal_reader *reader;
    struct journal_record record;
    struct journal *journal;
    uint64_t last = 0;

    (void)state;
    journal = journal_on_a_full_disk(&last);
    atomic_store(&room, 700 << 10);
    wait_durable(journal, last);
    reader = journal_reader_new(journal, 1);
    for (uint64_t number = 1; number <= last; number++) {
        assert_int_equal(journal_read(reader, &record), JOURNAL_RECORD);
        assert_int_equal(record.number, number);
    }
    journal_reader_free(reader);
    wait_durable(journal, append(journal, 1, 1000));
    assert_int_equal(journal_close(journal), 0);
}

/* Where the disk has not even that, what nobody needs any more is not written. */
static void
what_nobody_needs_does_not_keep_a_disk_full(void **state)
{
    struct journal_reader *reader;
    struct journal_record record;
    struct journal *journal;
    uint64_t last = 0, number;

    (void)state;
    journal = journal_on_a_full_disk(&last);
    atomic_store(&room, 72 << 10);
    for (int i = 0; i < 300; i++)
        nap();
    assert_true(journal_durable(journal) < last);
    atomic_store(&client.needed, last);
    wait_durable(journal, last);
    number = append(journal, 1, 1000);
    assert_int_equal(number, last + 1);
    wait_durable(journal, number);
    reader = journal_reader_new(journal, last);
    for (; last <= number; last++) {
        assert_int_equal(journal_read(reader, &record), JOURNAL_RECORD);
        assert_int_equal(record.number, last);
    }
    assert_int_equal(journal_counts(journal).gone, 0);
    journal_reader_free(reader);
    assert_int_equal(journal_close(journal), 0);
}

/* ---- a sync that fails ---- */

static atomic_int failing;
static int (*sync_really)(struct disk *disk, int fd);

static int
sync_if_well(struct disk *disk, int fd)
{
    if (atomic_load(&failing) <= 0)
        return sync_really(disk, fd);
    atomic_fetch_sub(&failing, 1);
    errno = EIO;
    return -1;
}

/* What was not synced is in the next segment, and a reader sees each number once. */
static void
after_a_failed_sync_all_is_written_again(void **state)
{
    char why[JOURNAL_WHY] = "";
    struct journal_reader *reader;
    struct journal_record record;
    struct journal *journal;

    (void)state;
    sync_really = calls.sync;
    calls.sync = sync_if_well;
    journal = journal_open_on(&shim, &(struct journal_options){ .sync = JOURNAL_EACH },
                              &callbacks, why);
    assert_non_null(journal);
    journal_start(journal);
    for (uint64_t i = 1; i <= 10; i++)
        append(journal, i, 10);
    wait_durable(journal, 10);
    reader = journal_reader_new(journal, 1);
    for (uint64_t round = 1; round <= 5; round++) {
        atomic_store(&failing, 2);
        wait_durable(journal, append(journal, 1, 10));
        while (journal_read(reader, &record) == JOURNAL_RECORD)
            ;
        assert_int_equal(journal_reader_at(reader), 11 + round);
    }
    assert_in_range(journal_counts(journal).failures, 10, 20);
    assert_in_range(atomic_load(&client.downs), 5, 20);
    assert_int_equal(journal_counts(journal).bad, 0);
    assert_int_equal(journal_counts(journal).gone, 0);
    journal_reader_free(reader);
    assert_int_equal(journal_close(journal), 0);
    journal = journal_open_on(&shim, &(struct journal_options){ 0 }, &callbacks, why);
    assert_non_null(journal);
    reader = journal_reader_new(journal, 1);
    for (uint64_t i = 1; i <= 15; i++) {
        assert_int_equal(journal_read(reader, &record), JOURNAL_RECORD);
        assert_int_equal(record.number, i);
    }
    assert_int_equal(journal_read(reader, &record), JOURNAL_NONE);
    journal_reader_free(reader);
    journal_close(journal);
}

/* ---- a disk that cannot be read ---- */

static bool unreadable;
static ssize_t (*read_really)(struct disk *disk, int fd, void *bytes, size_t length,
                              off_t at);

static ssize_t
read_if_well(struct disk *disk, int fd, void *bytes, size_t length, off_t at)
{
    if (!unreadable)
        return read_really(disk, fd, bytes, length, at);
    errno = EIO;
    return -1;
}

/* For so many seconds there is nothing to read. */
static void
nothing_comes(struct journal_reader *reader, int64_t *now, int seconds)
{
    struct journal_record record;

    for (int i = 0; i < seconds * 4; i++) {
        clock_fake(*now += 250 * CLOCK_MS, 0);
        assert_int_equal(journal_read(reader, &record), JOURNAL_NONE);
    }
}

/* After two seconds nothing is lost; after ten what cannot be read is given up, and said.
 */
static void
what_cannot_be_read_for_a_while_is_read_later(void **state)
{
    int64_t now = 100 * CLOCK_SECOND;
    char why[JOURNAL_WHY] = "";
    struct journal_reader *reader;
    struct journal_record record;
    struct journal *journal;

    (void)state;
    clock_fake(now, 0);
    read_really = calls.read;
    calls.read = read_if_well;
    journal = journal_open_on(&shim, &(struct journal_options){ 0 }, &callbacks, why);
    assert_non_null(journal);
    for (uint64_t i = 1; i <= 10; i++)
        append(journal, i, 10);
    journal_step(journal);
    reader = journal_reader_new(journal, 1);
    unreadable = true;
    nothing_comes(reader, &now, 2);
    unreadable = false;
    clock_fake(now += CLOCK_SECOND, 0);
    for (uint64_t i = 1; i <= 10; i++)
        assert_int_equal(journal_read(reader, &record), JOURNAL_RECORD);
    assert_int_equal(record.number, 10);
    journal_reader_free(reader);
    reader = journal_reader_new(journal, 1);
    unreadable = true;
    clock_fake(now += 10 * CLOCK_SECOND, 0);
    nothing_comes(reader, &now, 9);
    assert_int_equal(journal_counts(journal).bad, 0);
    nothing_comes(reader, &now, 3); /* it was given up: the next segment is awaited */
    journal_step(journal);
    clock_fake(now += CLOCK_SECOND, 0);
    assert_int_equal(journal_read(reader, &record), JOURNAL_SKIP);
    assert_int_equal(journal_reader_at(reader), 11);
    assert_int_equal(journal_counts(journal).bad, 1);
    unreadable = false;
    journal_reader_free(reader);
    clock_fake(-1, 0);
    assert_int_equal(journal_close(journal), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, leave)
static const struct CMUnitTest tests[] = {
    TEST(a_full_disk_is_told_counted_and_got_over),
    TEST(a_disk_with_room_for_less_than_a_segment_is_used),
    TEST(what_nobody_needs_does_not_keep_a_disk_full),
    TEST(after_a_failed_sync_all_is_written_again),
    TEST(what_cannot_be_read_for_a_while_is_read_later),
};

UNIT_MAIN(tests)
