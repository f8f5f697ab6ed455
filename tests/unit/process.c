/* SPDX-License-Identifier: Apache-2.0
 *
 * process.c - the texts that the process probe reads: whatever a process calls itself,
 * and whatever somebody wrote into a pidfile.
 */
#include "unit.h"

#include "../../plugins/probe_process/pidfile.h"
#include "../../plugins/probe_process/pidstat.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* As the kernel writes it: state, flags, threads, start and ending are given. */
static struct pidstat
stat_of(const char *name, char state, unsigned flags, int threads, const char *start,
        int ending, bool *good)
{
    char text[PIDSTAT_BYTES];
    struct pidstat stat;
    int length =
        snprintf(text, sizeof(text),
                 "4711 (%s) %c 1 1 1 0 -1 %u 99 0 0 0 1 2 3 4 20 0 %d 0 %s 8192 "
                 "77 18446744073709551615 1 1 0 0 0 0 0 4096 0 0 0 0 17 1 0 0 0 0 0 "
                 "0 0 0 0 0 0 0 %d\n",
                 name, state, flags, threads, start, ending);

    *good = pidstat_parse(text, (size_t)length, &stat);
    return stat;
}

static void
a_line_is_read(void **state)
{
    bool good;
    struct pidstat stat = stat_of("nginx", 'S', 4194560, 3, "123456", 0, &good);

    (void)state;
    assert_true(good);
    assert_int_equal(stat.pid, 4711);
    assert_string_equal(stat.name, "nginx");
    assert_int_equal(stat.state, 'S');
    assert_true(stat.alive);
    assert_false(stat.kernel);
    assert_int_equal(stat.start, 123456);
    assert_int_equal(stat.parent, 1);
    assert_int_equal(stat.ticks, 1 + 2);
    assert_int_equal(stat.threads, 3);
    assert_int_equal(stat.rss, 77);
    stat = stat_of("kthreadd", 'S', 2129984, 1, "9", 0, &good);
    assert_true(good && stat.kernel);
}

static void
a_name_hides_nothing(void **state)
{
    static const char *const names[] = { "",           " ",      ")",
                                         "((",         ") Z (1", "a) Z 1 1 1 (b",
                                         "x\n1 (y) Z", "\\",     "%s%n",
                                         "\xff\xfe" };

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        bool good;
        struct pidstat stat = stat_of(names[i], 'R', 0, 1, "5", 0, &good);

        assert_true(good);
        assert_string_equal(stat.name, names[i]);
        assert_true(stat.alive);
        assert_int_equal(stat.start, 5);
    }
}

static void
a_name_is_bounded(void **state)
{
    char name[300];
    bool good;
    struct pidstat stat;

    (void)state;
    memset(name, 'k', sizeof(name));
    name[sizeof(name) - 1] = '\0';
    stat = stat_of(name, 'S', 0, 1, "5", 0, &good);
    assert_true(good);
    assert_int_equal(strlen(stat.name), PIDSTAT_NAME - 1);
}

static void
a_zombie_is_dead_unless_threads_go_on(void **state)
{
    bool good;
    struct pidstat stat = stat_of("z", 'Z', 0, 1, "5", 256, &good);

    (void)state;
    assert_true(good);
    assert_false(stat.alive);
    assert_int_equal(stat.ending, 256);
    stat = stat_of("z", 'Z', 0, 2, "5", 0, &good);
    assert_true(good && stat.alive);
    stat = stat_of("z", 'X', 0, 1, "5", 0, &good);
    assert_true(good);
    assert_false(stat.alive);
}

static void
numbers_do_not_overflow(void **state)
{
    bool good;
    struct pidstat stat = stat_of("n", 'S', 0, 1, "18446744073709551615", 0, &good);

    (void)state;
    assert_true(good && stat.start == UINT64_MAX);
    stat_of("n", 'S', 0, 1, "18446744073709551616", 0, &good);
    assert_false(good);
    stat_of("n", 'S', 0, 1, "", 0, &good);
    assert_false(good);
}

static void
what_is_no_line_is_refused(void **state)
{
    static const char *const texts[] = {
        "",
        ")",
        "1",
        "1 (a",
        "1 (a)",
        "1 (a) S",
        "1(a) S 1",
        "0 (a) S 1",
        "-1 (a) S 1",
        " 1 (a) S",
        "4294967297 (a) S 1 1 1",
        "1 (a) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0"
    };

    (void)state;
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        struct pidstat stat;

        assert_false(pidstat_parse(texts[i], strlen(texts[i]), &stat));
    }
}

/* Cut anywhere, it is read or refused, without a byte beyond. */
static void
any_beginning_is_safe(void **state)
{
    static const char line[] = "7 (a b) S 1 1 1 0 -1 0 0 0 0 0 0 0 0 0 20 0 1 0 42 0 0";
    struct pidstat stat;

    (void)state;
    for (size_t n = 0; n < sizeof(line); n++) {
        char *exact = malloc(n + !n); /* so that a sanitizer sees one too many */

        assert_non_null(exact);
        memcpy(exact, line, n);
        if (pidstat_parse(exact, n, &stat))
            assert_true(stat.start == 4 || stat.start == 42);
        free(exact);
    }
    assert_true(pidstat_parse(line, sizeof(line) - 1, &stat));
}

static pid_t
parsed(const char *text)
{
    return pidfile_parse(text, strlen(text));
}

static void
a_pidfile_holds_a_number_and_nothing_else(void **state)
{
    static const char *const wrong[] = { "",
                                         "\n",
                                         "0",
                                         "-1",
                                         "+1",
                                         "abc",
                                         "12a",
                                         "0x10",
                                         "1 2",
                                         "4194305",
                                         "1.5",
                                         "\n12",
                                         "9999999999999999999999" };

    (void)state;
    assert_int_equal(parsed("1"), 1);
    assert_int_equal(parsed("4711\n"), 4711);
    assert_int_equal(parsed(" \t4711 \r\n"), 4711);
    assert_int_equal(parsed("4194304\n"), 4194304);
    assert_int_equal(parsed("4711\n/var/lib/data\n5432\n"), 4711);
    assert_int_equal(pidfile_parse("47\0"
                                   "11",
                                   5),
                     0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_int_equal(parsed(wrong[i]), 0);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_line_is_read),
    cmocka_unit_test(a_name_hides_nothing),
    cmocka_unit_test(a_name_is_bounded),
    cmocka_unit_test(a_zombie_is_dead_unless_threads_go_on),
    cmocka_unit_test(numbers_do_not_overflow),
    cmocka_unit_test(what_is_no_line_is_refused),
    cmocka_unit_test(any_beginning_is_safe),
    cmocka_unit_test(a_pidfile_holds_a_number_and_nothing_else),
};

UNIT_MAIN(tests)
