/* SPDX-License-Identifier: Apache-2.0
 *
 * process_limits.c - what the process probe makes of figures, restarts, the names of
 * units and the texts of the kernel that tell memory and control groups.
 */
#include "unit.h"

#include "../../plugins/probe_process/group.h"
#include "../../plugins/probe_process/limits.h"
#include "../../plugins/probe_process/restarts.h"
#include "../../plugins/probe_process/unit.h"

#include <stdlib.h>
#include <string.h>

#define SECOND INT64_C(1000000000)

/* ---- restarts ---- */

static void
a_restart_is_an_end_and_another(void **state)
{
    struct restarts r = { 0 };

    (void)state;
    restarts_note(&r, 3, 0, 60 * SECOND, SECOND);
    assert_int_equal(restarts_within(&r, 60 * SECOND, SECOND), 0); /* the first look */
    restarts_note(&r, 3, 1, 60 * SECOND, 2 * SECOND);
    assert_int_equal(restarts_within(&r, 60 * SECOND, 2 * SECOND), 0); /* still missing */
    restarts_note(&r, 4, 1, 60 * SECOND, 3 * SECOND);
    assert_int_equal(restarts_within(&r, 60 * SECOND, 3 * SECOND), 1);
    restarts_note(&r, 6, 3, 60 * SECOND, 4 * SECOND); /* both seen by one look */
    assert_int_equal(restarts_within(&r, 60 * SECOND, 4 * SECOND), 3);
}

static void
a_pool_that_grows_does_not_restart(void **state)
{
    struct restarts r = { 0 };

    (void)state;
    restarts_note(&r, 2, 0, 60 * SECOND, SECOND);
    restarts_note(&r, 8, 0, 60 * SECOND, 2 * SECOND);
    assert_int_equal(restarts_within(&r, 60 * SECOND, 2 * SECOND), 0);
    restarts_note(&r, 8, 1, 60 * SECOND, 3 * SECOND);
    restarts_note(&r, 12, 1, 60 * SECOND, 4 * SECOND); /* one of four */
    assert_int_equal(restarts_within(&r, 60 * SECOND, 4 * SECOND), 1);
}

static void
a_restart_leaves_the_window(void **state)
{
    struct restarts r = { 0 };

    (void)state;
    restarts_note(&r, 1, 0, 10 * SECOND, SECOND);
    restarts_note(&r, 2, 1, 10 * SECOND, 2 * SECOND);
    assert_int_equal(restarts_within(&r, 10 * SECOND, 11 * SECOND), 1);
    assert_int_equal(restarts_within(&r, 10 * SECOND, 12 * SECOND), 0);
    restarts_note(&r, 2, 2, 10 * SECOND, 13 * SECOND);
    restarts_note(&r, 3, 2, 10 * SECOND, 30 * SECOND); /* missing for too long */
    assert_int_equal(restarts_within(&r, 10 * SECOND, 30 * SECOND), 0);
}

static void
restarts_are_bounded(void **state)
{
    struct restarts r = { 0 };

    (void)state;
    restarts_note(&r, 1, 0, 10 * SECOND, SECOND);
    for (uint64_t i = 1; i < 1000; i++)
        restarts_note(&r, 1 + i, i, 10 * SECOND, SECOND + (int64_t)i);
    assert_int_equal(restarts_within(&r, 10 * SECOND, 2 * SECOND), RESTARTS_MOST);
}

/* ---- smaps_rollup ---- */

static bool
pss_of(const char *text, uint64_t *pss)
{
    char *exact = malloc(strlen(text) + 1); /* so that a sanitizer sees one too many */
    bool good;

    assert_non_null(exact);
    memcpy(exact, text, strlen(text));
    good = usage_pss_parse(exact, strlen(text), pss);
    free(exact);
    return good;
}

static void
pss_is_read(void **state)
{
    static const char *const wrong[] = { "",
                                         "Pss:",
                                         "Pss: kB",
                                         "Pss: 12",
                                         "Pss: 12 MB",
                                         "Pss: -1 kB",
                                         "Pss_Dirty: 12 kB\n",
                                         "SwapPss: 12 kB\n",
                                         "Pss: 99999999999999999999 kB\n",
                                         "Pss: 18446744073709551615 kB\n" };
    uint64_t pss = 0;

    (void)state;
    assert_true(pss_of("5581-7ffd ---p 00000000 00:00 0    [rollup]\n"
                       "Rss:                1476 kB\nPss:                 169 kB\n"
                       "Pss_Dirty:           80 kB\n",
                       &pss));
    assert_int_equal(pss, 169 * 1024);
    assert_true(pss_of("Pss: 0 kB", &pss));
    assert_int_equal(pss, 0);
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_false(pss_of(wrong[i], &pss));
}

/* ---- units and control groups ---- */

static void
units_have_names(void **state)
{
    static const char *const right[] = {
        "nginx.service",   "getty@tty1.service",          "system.slice",
        "session-3.scope", "dev-disk-by\\x2duuid-7.swap", "a:b_c.d-e@f\\x40.service"
    };
    static const char *const wrong[] = {
        "",
        "nginx",
        ".service",
        "getty@.service",
        "nginx*.service",
        "a/b.service",
        "a b.service",
        "../x.service",
        "nginx.timer",
        "x.service\n",
    };
    char long_name[400];

    (void)state;
    for (size_t i = 0; i < sizeof(right) / sizeof(*right); i++)
        assert_null(unit_check(right[i]));
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
        assert_non_null(unit_check(wrong[i]));
    memset(long_name, 'a', sizeof(long_name));
    strcpy(long_name + 300, ".service");
    assert_non_null(unit_check(long_name));
}

static void
a_directory_may_be_escaped(void **state)
{
    (void)state;
    assert_true(unit_is("nginx.service", "nginx.service"));
    assert_true(unit_is("cpu.service", "_cpu.service"));
    assert_true(unit_is("_x.service", "__x.service"));
    assert_false(unit_is("nginx.service", "nginx.service.d"));
    assert_false(unit_is("nginx.service", "xnginx.service"));
    assert_true(unit_holds_units("system-getty.slice", 0));
    assert_true(unit_holds_units("user@1000.service", 1000));
    assert_false(unit_holds_units("user@1000.service", 100));
    assert_false(unit_holds_units("user@1000.service", -1));
    assert_false(unit_holds_units("user@-1.service", -1));
    assert_false(unit_holds_units("user.service", 0));
    assert_false(unit_holds_units("docker-1.scope", 0));
    assert_false(unit_holds_units(".slice", 0));
}

static bool
in_unit(const char *text, const char *unit)
{
    const struct group group = { .unit = unit, .user = -1 };

    return group_parse(text, strlen(text), &group);
}

static bool
in_unit_of_user(const char *text, const char *unit)
{
    const struct group group = { .unit = unit, .user = 7 };

    return group_parse(text, strlen(text), &group);
}

static bool
in_path(const char *text, const char *path)
{
    const struct group group = { .path = path };

    return group_parse(text, strlen(text), &group);
}

static void
a_process_is_in_its_unit(void **state)
{
    static const char v2[] = "0::/system.slice/nginx.service/worker\n";
    static const char nested[] = "0::/user.slice/user-7.slice/user@7.service/app.slice/"
                                 "shop.service\n";
    static const char v1[] = "4:memory:/system.slice/a.service\n"
                             "1:name=systemd:/system.slice/b.service\n0::/\n";

    (void)state;
    assert_true(in_unit(v2, "nginx.service"));
    assert_true(in_unit(v2, "system.slice"));
    assert_false(in_unit(v2, "worker"));
    assert_false(in_unit(v2, "ginx.service"));
    assert_true(in_unit_of_user(nested, "shop.service"));
    assert_false(in_unit(nested, "shop.service")); /* the user chose that name */
    assert_true(in_unit(nested, "user@7.service"));
    assert_false(in_unit("0::/machine.slice/c.scope/system.slice/nginx.service\n",
                         "nginx.service")); /* a container's own */
    assert_true(in_unit(v1, "b.service"));
    assert_false(in_unit(v1, "a.service"));
    assert_false(in_unit("", "a.service"));
    assert_false(in_unit("0::", "a.service"));
    assert_false(in_unit("::::\n0", "a.service"));
}

static void
a_process_is_below_its_group(void **state)
{
    (void)state;
    assert_true(in_path("0::/a/b/c\n", "/a/b"));
    assert_true(in_path("0::/a/b/c\n", "/a/b/c/"));
    assert_true(in_path("0::/a/b/c\n", "/"));
    assert_true(in_path("0::/\n", "/"));
    assert_false(in_path("0::/a/bc\n", "/a/b"));
    assert_false(in_path("0::/a\n", "/a/b"));
    assert_false(in_path("3:cpu:/a/b\n0::/\n", "/a/b"));
}

static void
numbers_of_a_group_are_read(void **state)
{
    static const char text[] = "1\n4194304\n0\n4194305\n99999999999999999999999\n\n-3\n"
                               "7 8\nx\n42\n43";
    static const pid_t wanted[] = { 1, 4194304, 0, 0, 0, 0, 0, 0, 0, 42 };
    const char *at = text, *end = text + sizeof(text) - 1;
    pid_t pid;

    (void)state;
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        assert_true(group_next(&at, end, &pid));
        assert_int_equal(pid, wanted[i]);
    }
    assert_false(group_next(&at, end, &pid)); /* the rest of the line is to come */
    assert_string_equal(at, "43");
}

/* ---- judgement ---- */

static const struct limits limits = {
    .each = { [FIGURE_CPU] = { 80, 0 },
              [FIGURE_RSS] = { 400 << 20, 500 << 20 },
              [FIGURE_UPTIME] = { 60, 10 },
              [FIGURE_RESTARTS] = { 2, 3 } },
    .window = 600000,
};

/* One figure of one process is so much. */
static struct figures
figures_of(enum figure figure, double value)
{
    struct figures f = { .count = 1 };

    f.each[figure] = (struct figure_value){
        .known = true, .value = value, .largest = value, .pid = 123, .name = "nginx"
    };
    return f;
}

static void
judged(const struct figures *f, enum sonde_state state, const char *text)
{
    char found[LIMITS_TEXT];

    assert_int_equal(limits_judge(&limits, f, found, sizeof(found)), state);
    assert_string_equal(found, text);
}

static void
figures_are_judged(void **state)
{
    struct figures f = figures_of(FIGURE_RSS, 512.25 * (1 << 20));

    (void)state;
    judged(&f, SONDE_DOWN,
           "rss of pid 123 (nginx) is 512.25 MiB, more than rss_fail = 500 MiB");
    f.each[FIGURE_RSS].value = 500 << 20;
    judged(&f, SONDE_DEGRADED,
           "rss of pid 123 (nginx) is 500 MiB, more than rss_warn = 400 MiB");
    f = figures_of(FIGURE_RSS, 400 << 20);
    judged(&f, SONDE_UP, "");
    f = figures_of(FIGURE_UPTIME, 3);
    judged(&f, SONDE_DOWN,
           "uptime of pid 123 (nginx) is 3 s, less than uptime_fail = 10 s");
    f = figures_of(FIGURE_UPTIME, 60);
    judged(&f, SONDE_UP, "");
    f = figures_of(FIGURE_RESTARTS, 3);
    judged(&f, SONDE_DOWN, "3 restarts within 600 s, as many as restarts_fail = 3");
    f = figures_of(FIGURE_RESTARTS, 1);
    judged(&f, SONDE_UP, "");
    f = figures_of(FIGURE_FDS, 1e9);
    judged(&f, SONDE_UP, ""); /* nobody asked */
}

static void
several_are_told_together(void **state)
{
    struct figures f = figures_of(FIGURE_RSS, 450 << 20);

    (void)state;
    f.count = 4;
    f.each[FIGURE_RSS].largest = 300 << 20;
    f.each[FIGURE_CPU] = (struct figure_value){
        .known = true, .value = 99.5, .largest = 98, .pid = 7, .name = "a) b"
    };
    judged(
        &f, SONDE_DEGRADED,
        "cpu of 4 processes is 99.5 %, more than cpu_warn = 80 %; the largest is pid 7 "
        "(a) b) with 98 %; also rss_warn");
}

static void
a_change_of_user_is_told(void **state)
{
    struct limits fail = { .id_change = CHANGE_FAIL },
                  warn = { .id_change = CHANGE_WARN };
    struct limits ignore = { 0 };
    struct figures f = { .count = 1,
                         .change = { .pid = 9, .name = "x", .was = { 33, 33 } } };
    char text[LIMITS_TEXT];

    (void)state;
    assert_int_equal(limits_judge(&ignore, &f, text, sizeof(text)), SONDE_UP);
    assert_int_equal(limits_judge(&warn, &f, text, sizeof(text)), SONDE_DEGRADED);
    assert_int_equal(limits_judge(&fail, &f, text, sizeof(text)), SONDE_DOWN);
    assert_string_equal(text, "pid 9 (x) changed from uid 33, gid 33 to uid 0, gid 0");
}

static void
a_warning_comes_first(void **state)
{
    struct limits wrong = limits;

    (void)state;
    assert_null(limits_check(&limits));
    wrong.each[FIGURE_RSS].warn = 500 << 20;
    assert_string_equal(limits_check(&wrong), "rss_warn");
    wrong = limits;
    wrong.each[FIGURE_UPTIME].warn = 5;
    assert_string_equal(limits_check(&wrong), "uptime_warn");
}

static void
long_names_stay_within_their_text(void **state)
{
    struct figures f = { .count = 2 };
    char text[64];

    (void)state;
    for (enum figure each = 0; each < FIGURES; each++) {
        f.each[each] = (struct figure_value){ .known = true, .value = 1e18, .pid = 1 };
        memset(f.each[each].name, 'x', PIDSTAT_NAME - 1);
    }
    assert_int_equal(limits_judge(&limits, &f, text, sizeof(text)), SONDE_DOWN);
    assert_in_range(strlen(text), 1, sizeof(text) - 1);
    limits_describe(&f, text, sizeof(text));
    assert_in_range(strlen(text), 1, sizeof(text) - 1);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_restart_is_an_end_and_another),
    cmocka_unit_test(a_pool_that_grows_does_not_restart),
    cmocka_unit_test(a_restart_leaves_the_window),
    cmocka_unit_test(restarts_are_bounded),
    cmocka_unit_test(pss_is_read),
    cmocka_unit_test(units_have_names),
    cmocka_unit_test(a_directory_may_be_escaped),
    cmocka_unit_test(a_process_is_in_its_unit),
    cmocka_unit_test(a_process_is_below_its_group),
    cmocka_unit_test(numbers_of_a_group_are_read),
    cmocka_unit_test(figures_are_judged),
    cmocka_unit_test(several_are_told_together),
    cmocka_unit_test(a_change_of_user_is_told),
    cmocka_unit_test(a_warning_comes_first),
    cmocka_unit_test(long_names_stay_within_their_text),
};

UNIT_MAIN(tests)
