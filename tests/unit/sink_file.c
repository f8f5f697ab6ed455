/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_file.c - the sink `file`: whole lines, rotation, a disk that is full.
 */
#include "said.h"
#include "sink_bench.h"

#include <errno.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>

static struct sonde_sink file_sink;

/* The private struct begins with the path: see the first option row. */
static int
open_here(struct sonde_instance *self)
{
    const struct sonde_sink *plugin = SONDE_SYMBOL.descriptor;
    const char *path = "events";

    memcpy((char *)sonde_private(self) + plugin->options[0].offset, &path, sizeof(path));
    return plugin->open(self);
}

static void
go_file(void)
{
    file_sink = *(const struct sonde_sink *)SONDE_SYMBOL.descriptor;
    file_sink.open = open_here;
    go(&file_sink, false);
}

static size_t
size_of(const char *name)
{
    struct stat stat_;

    return stat(name, &stat_) == 0 ? (size_t)stat_.st_size : 0;
}

/* Every line is a whole event; returns how many. */
static int
lines_of(const char *name)
{
    FILE *in = fopen(name, "r");
    char *line = NULL;
    size_t room = 0;
    int count = 0;
    ssize_t length;

    if (!in)
        return 0;
    while ((length = getline(&line, &room, in)) > 0) {
        assert_int_equal(line[0], '{');
        assert_memory_equal(line + length - 2, "}\n", 2);
        count++;
    }
    free(line);
    fclose(in);
    return count;
}

static void
an_event_is_a_line_and_delivered(void **state)
{
    struct stat made;

    (void)state;
    go_file();
    for (uint64_t i = 0; i < 100; i++)
        push((int)(i % CHECKS), i);
    EVENTUALLY(sink_ledger(&bench.sink).delivered == 100);
    assert_int_equal(lines_of("events"), 100);
    assert_int_equal(stat("events", &made), 0);
    assert_int_equal(made.st_mode & 07, 0);
    health_is(SONDE_UP, "");
    end();
}

static void
a_file_renamed_is_made_anew(void **state)
{
    (void)state;
    go_file();
    push(0, 1);
    EVENTUALLY(lines_of("events") == 1);
    assert_int_equal(rename("events", "events.1"), 0);
    push(0, 2);
    EVENTUALLY(lines_of("events") == 1);
    assert_int_equal(lines_of("events.1"), 1);
    assert_int_equal(rename("events", "events.2"), 0);
    EVENTUALLY(access("events", F_OK) == 0); /* within a second, without an event */
    end();
}

static void
a_full_disk_leaves_no_half_line_and_loses_nothing(void **state)
{
    struct rlimit before, small;

    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    go_file();
    push(0, 0);
    EVENTUALLY(lines_of("events") == 1);
    getrlimit(RLIMIT_FSIZE, &before);
    small = before;
    small.rlim_cur = size_of("events") * 7 / 2; /* room for two and a half more */
    setrlimit(RLIMIT_FSIZE, &small);
    for (uint64_t i = 1; i < 10; i++)
        push((int)i, i);
    EVENTUALLY(is(SONDE_DOWN));
    health_is(SONDE_DOWN, "events: File too large");
    assert_int_equal(lines_of("events"), 3);
    setrlimit(RLIMIT_FSIZE, &before);
    EVENTUALLY(sink_ledger(&bench.sink).delivered == 10);
    assert_int_equal(lines_of("events"), 10);
    end();
}

static void
half_a_line_of_a_killed_process_stays_alone(void **state)
{
    FILE *file = fopen("events", "w");
    char line[64];

    (void)state;
    assert_non_null(file);
    fputs("{ whole }\n{ half", file);
    fclose(file);
    go_file();
    push(0, 1);
    EVENTUALLY(sink_ledger(&bench.sink).delivered == 1);
    file = fopen("events", "r");
    assert_non_null(file);
    assert_string_equal(fgets(line, sizeof(line), file), "{ whole }\n");
    assert_string_equal(fgets(line, sizeof(line), file), "{ half\n");
    assert_int_equal(fgetc(file), '{');
    fclose(file);
    end();
}

static void
a_directory_that_is_not_there_is_waited_for(void **state)
{
    (void)state;
    mkdir("events", 0755);
    go_file();
    push(0, 1);
    EVENTUALLY(is(SONDE_DOWN));
    health_is(SONDE_DOWN, "events: Is a directory");
    rmdir("events");
    EVENTUALLY(lines_of("events") == 1);
    end();
}

#define FILE_TEST(f) cmocka_unit_test_setup_teardown(f, said_enter, said_leave)

static const struct CMUnitTest tests[] = {
    FILE_TEST(an_event_is_a_line_and_delivered),
    FILE_TEST(a_file_renamed_is_made_anew),
    FILE_TEST(a_full_disk_leaves_no_half_line_and_loses_nothing),
    FILE_TEST(half_a_line_of_a_killed_process_stays_alone),
    FILE_TEST(a_directory_that_is_not_there_is_waited_for),
};

UNIT_MAIN(tests)
