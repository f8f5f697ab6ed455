/* SPDX-License-Identifier: Apache-2.0
 *
 * event_field.c - what an event holds is read by path, from any thread, and everything
 * has a name.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "event.h"

#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

static const struct label labels[] = { { "role", "db" }, { "site", "icn" } };
static const int64_t noon = INT64_C(1795197845123456); /* 2026-11-20T18:04:05.123456Z */

struct bench {
    struct event_pool *pool;
    struct origin *origin;
};

static int
set_up(void **state)
{
    struct bench *bench = memory_new(sizeof(*bench));

    clock_fake(CLOCK_SECOND, noon);
    bench->pool = event_pool_new();
    bench->origin = origin_new("Server-1", "tcp", "node-1", labels, 2);
    *state = bench;
    return 0;
}

static int
tear_down(void **state)
{
    struct bench *bench = *state;

    origin_unref(bench->origin);
    event_pool_free(bench->pool);
    free(bench);
    clock_fake(-1, 0);
    return 0;
}

static struct sonde_event *
full_event(struct bench *bench)
{
    struct sonde_event *event = event_new(bench->pool, bench->origin);

    event->seq = 1763650000000000;
    event->kind = EVENT_CHANGE;
    event->state = SONDE_DOWN;
    event->previous = SONDE_UP;
    event->since = noon - 1000000;
    event->hard = true;
    event->attempt = 2;
    sonde_reason(event, SONDE_L4CON, "192.0.2.1:22: connection refused");
    event->duration_us = 412;
    sonde_timing(event, SONDE_CONNECT, 401);
    sonde_timing(event, SONDE_TLS, -5);
    sonde_timing(event, (enum sonde_phase)77, 5);
    sonde_metric(event, "used", 81.2, "percent");
    assert_int_equal(sonde_set(event, "details.peer", "sshd", 4), 0);
    event->onset = noon - 1000000;
    event->detected = noon;
    event->has_was = true;
    event->was.state = SONDE_UP;
    event->was.since = noon - INT64_C(86401000000);
    event->was.duration_ms = 86400000;
    event_set_letter(event, &(struct letter){ "alerts", "all", "too large", 16, noon });
    return event;
}

static void
fields_are_read_by_path(void **state)
{
    static const struct {
        const char *path, *text;
        double number; /* -1 = none */
    } rows[] = {
        { "time", "2026-11-20T18:04:05.123456Z", 1795197845123456 },
        { "kind", "change", -1 },
        { "observer", "node-1", -1 },
        { "seq", "1763650000000000", 1763650000000000 },
        { "check", "Server-1", -1 },
        { "plugin", "tcp", -1 },
        { "state", "DOWN", SONDE_DOWN },
        { "previous", "UP", SONDE_UP },
        { "since", "2026-11-20T18:04:04.123456Z", 1795197844123456 },
        { "hard", "true", 1 },
        { "attempt", "2", 2 },
        { "reason", "L4CON", SONDE_L4CON },
        { "message", "192.0.2.1:22: connection refused", -1 },
        { "duration_us", "412", 412 },
        { "timing_us.connect", "401", 401 },
        { "timing_us.tls", "", -1 },
        { "metrics.used_percent", "81.2", 81.2 },
        { "metrics.used", "", -1 },
        { "labels.role", "db", -1 },
        { "labels.team", "", -1 },
        { "details.peer", "sshd", -1 },
        { "details.none", "", -1 },
        { "detection.mode", "poll", -1 },
        { "detection.onset", "2026-11-20T18:04:04.123456Z", 1795197844123456 },
        { "detection.detected", "2026-11-20T18:04:05.123456Z", 1795197845123456 },
        { "was.state", "UP", SONDE_UP },
        { "was.since", "2026-11-19T18:04:04.123456Z", 1795111444123456 },
        { "was.duration_ms", "86400000", 86400000 },
        { "letter.sink", "alerts", -1 },
        { "letter.route", "all", -1 },
        { "letter.reason", "too large", -1 },
        { "letter.attempts", "16", 16 },
        { "letter.time", "2026-11-20T18:04:05.123456Z", 1795197845123456 },
        { "checks", "", -1 },
        { "chec", "", -1 },
        { "labels.", "", -1 },
        { "labels", "", -1 },
        { "", "", -1 },
    };
    struct bench *bench = *state;
    struct sonde_event *event = full_event(bench);

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        size_t length;
        const char *text = sonde_text(event, rows[i].path, &length);
        assert_string_equal(text, rows[i].text);
        assert_int_equal(length, strlen(text));
        if (length) /* the same text ever after */
            assert_ptr_equal(text, sonde_text(event, rows[i].path, NULL));
        if (sonde_number(event, rows[i].path, -1) != rows[i].number)
            fail_msg("%s is %f", rows[i].path, sonde_number(event, rows[i].path, -1));
    }
    assert_int_equal(strlen(sonde_text(event, "id", NULL)), 36);
    event_unref(event);
}

static void
what_an_event_lacks_is_absent(void **state)
{
    static const char *const paths[] = { "previous",        "since",
                                         "duration_us",     "was.state",
                                         "was.since",       "was.duration_ms",
                                         "detection.onset", "detection.detected",
                                         "timing_us.dns" };
    struct bench *bench = *state;
    struct sonde_event *event = event_new(bench->pool, bench->origin);

    for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
        assert_string_equal(sonde_text(event, paths[i], NULL), "");
        assert_true(isnan(sonde_number(event, paths[i], NAN)));
    }
    event->kind = EVENT_BROKEN;
    assert_string_equal(sonde_text(event, "detection.mode", NULL), "");
    event_unref(event);
}

static void
every_field_name_is_found(void **state)
{
    (void)state;
    for (int i = 0; field_names[i]; i++) {
        char path[64];
        snprintf(path, sizeof(path), "%s%s", field_names[i],
                 field_names[i][strlen(field_names[i]) - 1] == '.' ? "x" : "");
        assert_int_equal(field_find(path).which, i);
    }
}

static void
names_are_told(void **state)
{
    (void)state;
    for (int i = 0; i < EVENT_REASONS; i++) {
        const char *help = event_reason_help((enum sonde_reason)i);
        assert_string_equal(event_reason_name((enum sonde_reason)i),
                            event_reason_names[i]);
        assert_non_null(help);
        assert_int_equal(help[strlen(help) - 1], '.');
    }
    assert_null(event_reason_names[EVENT_REASONS]);
    assert_null(event_state_names[EVENT_STATES]);
    assert_string_equal(event_reason_name((enum sonde_reason)1000), "OTHER");
    assert_string_equal(event_state_name((enum sonde_state) - 1), "UNKNOWN");
    assert_string_equal(event_state_name(SONDE_DEGRADED), "DEGRADED");
    assert_string_equal(event_kind_name(EVENT_CHANGE), "change");
}

static void *
read_all(void *arg)
{
    struct sonde_event *event = arg;
    const char **texts = memory_array(64, sizeof(*texts));

    for (int i = 0; field_names[i]; i++)
        texts[i] = sonde_text(event, field_names[i], NULL);
    texts[63] = sonde_json(event, NULL);
    return texts;
}

static void
two_readers_see_the_same_texts(void **state)
{
    struct bench *bench = *state;

    for (int round = 0; round < 50; round++) {
        struct sonde_event *event = full_event(bench);
        pthread_t threads[2];
        void *texts[2];
        for (int i = 0; i < 2; i++)
            assert_int_equal(pthread_create(&threads[i], NULL, read_all, event), 0);
        for (int i = 0; i < 2; i++)
            pthread_join(threads[i], &texts[i]);
        for (int i = 0; i < 64; i++) {
            const char *one = ((const char **)texts[0])[i],
                       *other = ((const char **)texts[1])[i];
            assert_true(one == other);
        }
        free(texts[0]);
        free(texts[1]);
        event_unref(event);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_are_read_by_path),        TEST(what_an_event_lacks_is_absent),
        TEST(every_field_name_is_found),      TEST(names_are_told),
        TEST(two_readers_see_the_same_texts),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("event_field", tests, NULL, NULL);
}
