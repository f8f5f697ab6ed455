/* SPDX-License-Identifier: Apache-2.0
 *
 * journal.c - the journal on a real directory: threads that append, readers beside the
 * writer, what is there after the end, and what becomes of damage.
 */
#include "journal_client.h"

#include <fcntl.h>

/* ---- what is promised ---- */

static void
what_was_appended_is_there_after_the_end(void **state)
{
    static const enum journal_sync ways[] = { JOURNAL_EVERY, JOURNAL_EACH,
                                              JOURNAL_NEVER };

    (void)state;
    for (uint64_t way = 0; way < 3; way++) {
        struct journal *journal =
            open_journal(&(struct journal_options){ .sync = ways[way] });

        assert_non_null(journal);
        assert_int_equal(client.last, way * 100);
        assert_int_equal(journal_next(journal), way * 100 + 1);
        journal_start(journal);
        for (uint64_t i = 1; i <= 100; i++)
            assert_int_equal(append(journal, i, i), way * 100 + i);
        assert_int_equal(journal_close(journal), 0);
        assert_int_equal(atomic_load(&client.durable), way * 100 + 100);
    }
}

static void
it_is_durable_within_the_interval(void **state)
{
    struct journal *journal =
        open_journal(&(struct journal_options){ .every = 30 * CLOCK_MS });
    int64_t before;

    (void)state;
    journal_start(journal);
    append(journal, 1, 0);
    wait_durable(journal, 1); /* perhaps in the first segment, which is synced at once */
    before = clock_now();
    append(journal, 2, 0);
    wait_durable(journal, 2);
    assert_in_range((clock_now() - before) / CLOCK_MS, 25, 2000);
    journal_close(journal);
}

static void
segments_that_nobody_needs_go_and_the_memory_stays(void **state)
{
    struct journal *journal =
        open_journal(&(struct journal_options){ .segment = 64 << 10 });
    struct journal_counts counts;
    uint64_t behind;

    (void)state;
    journal_start(journal);
    atomic_store(&client.needed, 1);
    for (uint64_t i = 1; i <= 2000; i++) {
        assert_int_equal(append(journal, i, 500), i);
        if (i % 50 == 0)
            wait_durable(journal, i);
    }
    counts = journal_counts(journal);
    assert_true(counts.segments > 10 && counts.unlinked == 0);
    assert_true(counts.bytes > 2000 * 500);
    assert_true(journal_pinned(journal, 1) == counts.bytes);
    assert_in_range(journal_pinned(journal, 1900), 100 * 500, 3 * (64 << 10));
    behind = journal_behind(journal, 1);
    assert_in_range(behind, 50, 200);
    assert_int_equal(journal_behind(journal, behind - 1), behind);
    assert_true(journal_behind(journal, behind) > behind);
    assert_true(journal_pinned(journal, behind) < counts.bytes);
    assert_int_equal(journal_behind(journal, 2000), 0);
    atomic_store(&client.needed, 1000);
    journal_kick(journal);
    while (journal_counts(journal).bytes > 1300 * 600)
        nap();
    assert_true(journal_counts(journal).bytes > 1000 * 500);
    atomic_store(&client.needed, JOURNAL_NOBODY);
    journal_kick(journal);
    while (journal_counts(journal).segments > 1)
        nap();
    assert_int_equal(journal_close(journal), 0);
    journal = open_journal(&(struct journal_options){ 0 });
    assert_int_equal(client.last, 2000);
    assert_true(client.notes > 0 && client.noted == 2000);
    assert_int_equal(journal_counts(journal).segments, 1);
    journal_close(journal);
}

static void
a_full_buffer_refuses_and_counts(void **state)
{
    struct journal *journal = open_journal(&(struct journal_options){ .buffer = 4096 });
    int held = 0;

    (void)state;
    while (append(journal, 1, 100))
        held++;
    assert_in_range(held, 20, 4096 / 128);
    assert_int_equal(journal_counts(journal).appended, held);
    assert_int_equal(journal_counts(journal).refused, 1);
    journal_start(journal);
    wait_durable(journal, (uint64_t)held);
    assert_int_equal(append(journal, 1, 100), held + 1);
    assert_int_equal(journal_close(journal), 0);
}

/* ---- many at once ---- */

enum { PRODUCERS = 4, EACH = 3000 };

static void *
produce(void *arg)
{
    struct journal *journal = arg;

    for (uint64_t i = 0; i < EACH; i++)
        while (!append(journal, i, i % 200))
            nap();
    return NULL;
}

static void *
consume(void *arg)
{
    struct journal *journal = arg;
    struct journal_reader *reader = journal_reader_new(journal, 1);
    struct journal_record record;
    uint64_t expected = 1;

    while (expected <= (uint64_t)PRODUCERS * EACH) {
        enum journal_read read = journal_read(reader, &record);

        if (read == JOURNAL_NONE) {
            nap();
            continue;
        }
        if (read != JOURNAL_RECORD || record.number != expected || record.kind != KIND)
            break;
        expected++;
    }
    journal_reader_free(reader);
    return expected == (uint64_t)PRODUCERS * EACH + 1 ? NULL : "no";
}

static void
readers_see_every_number_in_order_beside_the_writer(void **state)
{
    struct journal *journal = open_journal(&(struct journal_options){
        .segment = 64 << 10, .buffer = 32 << 10, .sync = JOURNAL_NEVER });
    pthread_t threads[PRODUCERS + 2];

    (void)state;
    atomic_store(&client.needed, 1);
    journal_start(journal);
    for (int i = 0; i < PRODUCERS + 2; i++)
        assert_int_equal(
            pthread_create(&threads[i], NULL, i < PRODUCERS ? produce : consume, journal),
            0);
    for (int i = 0; i < PRODUCERS + 2; i++) {
        void *result;

        pthread_join(threads[i], &result);
        assert_null(result);
    }
    assert_true(journal_counts(journal).rotations > 10);
    assert_int_equal(journal_counts(journal).gone, 0);
    assert_int_equal(journal_close(journal), 0);
}

/* ---- damage ---- */

static void
fill_segments(void)
{
    struct journal *journal =
        open_journal(&(struct journal_options){ .segment = 64 << 10 });

    atomic_store(&client.needed, 1);
    journal_start(journal);
    for (uint64_t i = 1; i <= 500; i++) {
        append(journal, i, 500);
        if (i % 20 == 0)
            wait_durable(journal, i);
    }
    assert_true(journal_counts(journal).segments >= 4);
    assert_int_equal(journal_close(journal), 0);
}

static void
a_damaged_segment_costs_its_rest_and_nothing_else(void **state)
{
    struct journal_reader *reader;
    struct journal_record record;
    struct journal *journal;
    uint64_t last = 0, seen = 0, skips = 0;
    enum journal_read read;
    int fd;

    (void)state;
    fill_segments();
    fd = open("j/journal.00000000000000000001", O_RDWR);
    assert_int_equal(pwrite(fd, "????", 4, 30000), 4);
    close(fd);
    journal = open_journal(&(struct journal_options){ 0 });
    assert_int_equal(client.last, 500);
    reader = journal_reader_new(journal, 0);
    while ((read = journal_read(reader, &record)) != JOURNAL_NONE) {
        if (read == JOURNAL_SKIP) {
            skips++;
            continue;
        }
        assert_true(record.number > last);
        last = record.number;
        seen++;
    }
    assert_int_equal(skips, 1);
    assert_int_equal(last, 500);
    assert_int_equal(journal_counts(journal).bad, 1);
    assert_int_equal(journal_counts(journal).gone, 0);
    assert_int_equal(journal_counts(journal).lost, 500 - seen);
    assert_true(seen > 380 && seen < 500);
    journal_reader_free(reader);
    journal_close(journal);
}

/* The one that is written to: another is begun, and the reader comes to it. */
static void
damage_to_the_current_segment_is_left_behind(void **state)
{
    struct journal *journal = open_journal(&(struct journal_options){ 0 });
    struct journal_reader *reader;
    struct journal_record record;
    enum journal_read read;
    uint64_t seen = 0;
    int fd;

    (void)state;
    atomic_store(&client.needed, 1);
    journal_start(journal);
    for (uint64_t i = 1; i <= 10; i++)
        append(journal, i, 100);
    wait_durable(journal, 10);
    fd = open("j/journal.00000000000000000001", O_RDWR);
    assert_int_equal(pwrite(fd, "????", 4, 600), 4);
    close(fd);
    reader = journal_reader_new(journal, 0);
    do {
        read = journal_read(reader, &record);
        seen += read == JOURNAL_RECORD;
        if (!journal_counts(journal).bad)
            append(journal, 11, 0);
        nap();
    } while (read != JOURNAL_SKIP && journal_counts(journal).bad == 0);
    assert_true(seen < 10);
    append(journal, 12, 0);
    while (journal_read(reader, &record) != JOURNAL_RECORD)
        nap();
    assert_true(record.number > 10);
    journal_reader_free(reader);
    journal_close(journal);
}

static void
a_reader_of_what_is_gone_is_told_and_counted(void **state)
{
    struct journal *journal;
    struct journal_reader *reader;
    struct journal_record record;

    (void)state;
    fill_segments();
    assert_int_equal(unlink("j/journal.00000000000000000001"), 0);
    journal = open_journal(&(struct journal_options){ 0 });
    reader = journal_reader_new(journal, 5);
    assert_int_equal(journal_read(reader, &record), JOURNAL_SKIP);
    assert_int_equal(journal_read(reader, &record), JOURNAL_RECORD);
    assert_true(record.number > 50);
    assert_int_equal(journal_counts(journal).gone, 1);
    assert_int_equal(journal_counts(journal).lost, record.number - 5);
    journal_reader_free(reader);
    journal_close(journal);
}

static void
a_newer_format_is_refused_with_a_sentence(void **state)
{
    char why[JOURNAL_WHY] = "";
    int fd;

    (void)state;
    fill_segments();
    fd = open("j/journal.00000000000000000001", O_RDWR);
    assert_int_equal(pwrite(fd, "\x02", 1, 8), 1);
    close(fd);
    assert_int_equal(system("rm -f $(ls j/journal.* | tail -n +2)"), 0);
    assert_null(journal_open("j", &(struct journal_options){ 0 }, &callbacks, why));
    assert_non_null(strstr(why, "newer version"));
    assert_null(journal_open("no/such", &(struct journal_options){ 0 }, &callbacks, why));
    assert_non_null(strstr(why, "no/such: No such file"));
}

static void
a_file_that_is_no_segment_is_set_aside(void **state)
{
    struct journal *journal;

    (void)state;
    fill_segments();
    said_write("j/journal.00000000000000009999",
               "not a segment at all, but with its name");
    said_write("j/journal.new", "left over");
    journal = open_journal(&(struct journal_options){ 0 });
    assert_int_equal(client.last, 500);
    assert_int_equal(journal_next(journal), 9999);
    assert_int_equal(access("j/journal.00000000000000009999.bad", F_OK), 0);
    assert_int_equal(access("j/journal.new", F_OK), -1);
    assert_true(journal_counts(journal).quarantined > 0);
    journal_close(journal);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, said_enter, said_leave)
static const struct CMUnitTest tests[] = {
    TEST(what_was_appended_is_there_after_the_end),
    TEST(it_is_durable_within_the_interval),
    TEST(segments_that_nobody_needs_go_and_the_memory_stays),
    TEST(a_full_buffer_refuses_and_counts),
    TEST(readers_see_every_number_in_order_beside_the_writer),
    TEST(a_damaged_segment_costs_its_rest_and_nothing_else),
    TEST(damage_to_the_current_segment_is_left_behind),
    TEST(a_reader_of_what_is_gone_is_told_and_counted),
    TEST(a_newer_format_is_refused_with_a_sentence),
    TEST(a_file_that_is_no_segment_is_set_aside),
};

UNIT_MAIN(tests)
