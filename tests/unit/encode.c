/* SPDX-License-Identifier: Apache-2.0
 *
 * encode.c - the canonical JSON to the byte, the readable line, and that both are made
 * once.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "event.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const struct label labels[] = { { "role", "db" }, { "site", "icn \"1\"" } };
static const int64_t noon = INT64_C(1795197845123456); /* 2026-11-20T18:04:05.123456Z */

struct bench {
    struct event_pool *pool;
    struct origin *origin;
    struct sonde_event *event; /* a result that is UP */
};

static int
set_up(void **state)
{
    struct bench *bench = memory_new(sizeof(*bench));

    clock_fake(CLOCK_SECOND, noon);
    bench->pool = event_pool_new();
    bench->origin = origin_new("Server-1", "tcp", "node-1", labels, 2);
    bench->event = event_new(bench->pool, bench->origin);
    for (int i = 0; i < 16; i++)
        bench->event->id[i] = (uint8_t)(i * 17);
    bench->event->seq = 1763650000000000;
    bench->event->state = SONDE_UP;
    bench->event->hard = true;
    bench->event->attempt = 1;
    *state = bench;
    return 0;
}

static int
tear_down(void **state)
{
    struct bench *bench = *state;

    event_unref(bench->event);
    origin_unref(bench->origin);
    event_pool_free(bench->pool);
    free(bench);
    clock_fake(-1, 0);
    return 0;
}

static void
make_change(struct sonde_event *event)
{
    event->kind = EVENT_CHANGE;
    event->state = SONDE_DOWN;
    event->previous = SONDE_UP;
    event->since = noon - 1000000;
    event->attempt = 2;
    sonde_reason(event, SONDE_L4CON, "%s", "192.0.2.1:22: connection refused");
    event->duration_us = 412;
    sonde_timing(event, SONDE_DNS, 0);
    sonde_timing(event, SONDE_CONNECT, 401);
    event->onset = noon - 1000000;
    event->detected = noon;
    event->has_was = true;
    event->was.state = SONDE_UP;
    event->was.since = noon - INT64_C(86401000000);
    event->was.duration_ms = 86400000;
}

#define HEAD                                                                             \
    "{\"id\":\"00112233-4455-6677-8899-aabbccddeeff\",\"time\":\"2026-11-20T18:04:05."   \
    "123456Z\","
#define WHO                                                                              \
    "\"observer\":\"node-1\",\"seq\":1763650000000000,\"check\":\"Server-1\","           \
    "\"plugin\":\"tcp\","
#define LABELS "\"labels\":{\"role\":\"db\",\"site\":\"icn \\\"1\\\"\"},"

static void
json_is(const struct sonde_event *event, const char *expected)
{
    size_t length;

    assert_string_equal(sonde_json(event, &length), expected);
    assert_int_equal(length, strlen(expected));
}

static void
a_bare_result_has_the_least(void **state)
{
    struct bench *bench = *state;

    json_is(
        bench->event, HEAD
        "\"kind\":\"result\"," WHO "\"state\":\"UP\",\"hard\":true,\"attempt\":1,"
        "\"reason\":\"OTHER\",\"message\":\"\",\"timing_us\":{},\"metrics\":{}," LABELS
        "\"details\":{},\"detection\":{\"mode\":\"poll\"}}");
}

static void
a_change_is_the_page_of_the_design(void **state)
{
    struct bench *bench = *state;

    make_change(bench->event);
    json_is(bench->event, HEAD
            "\"kind\":\"change\"," WHO "\"state\":\"DOWN\",\"previous\":\"UP\","
            "\"since\":\"2026-11-20T18:04:04.123456Z\",\"hard\":true,\"attempt\":2,"
            "\"reason\":\"L4CON\",\"message\":\"192.0.2.1:22: connection refused\","
            "\"duration_us\":412,\"timing_us\":{\"dns\":0,\"connect\":401},"
            "\"metrics\":{}," LABELS "\"details\":{},"
            "\"detection\":{\"mode\":\"poll\",\"onset\":\"2026-11-20T18:04:04.123456Z\","
            "\"detected\":\"2026-11-20T18:04:05.123456Z\"},"
            "\"was\":{\"state\":\"UP\",\"since\":\"2026-11-19T18:04:04.123456Z\","
            "\"duration_ms\":86400000}}");
}

static void
a_result_with_all_there_is(void **state)
{
    struct bench *bench = *state;
    struct sonde_event *event = bench->event;

    event->previous = SONDE_DOWN; /* of no meaning in a result, as is onset */
    event->onset = noon;
    event->hard = false;
    event->mode = EVENT_EVENT;
    sonde_reason(event, SONDE_L7BODY, "\"%s\" \\ %s", "x", "\xFF");
    for (int i = 0; i < EVENT_PHASES; i++)
        sonde_timing(event, (enum sonde_phase)i, i);
    sonde_metric(event, "used", 81.2, "percent");
    sonde_metric(event, "bad", NAN, NULL);
    sonde_metric(event, "count", 3, NULL);
    assert_int_equal(sonde_set(event, "details.body", "a\tb\"", 4), 0);
    assert_int_equal(sonde_set(event, "details.peer", "1", 1), 0);
    json_is(event, HEAD
            "\"kind\":\"result\"," WHO "\"state\":\"UP\",\"hard\":false,\"attempt\":1,"
            "\"reason\":\"L7BODY\",\"message\":\"\\\"x\\\" \\\\ \xEF\xBF\xBD\","
            "\"timing_us\":{\"dns\":0,\"connect\":1,\"tls\":2,\"send\":3,"
            "\"first_byte\":4,\"transfer\":5},"
            "\"metrics\":{\"used_percent\":81.2,\"bad\":null,\"count\":3}," LABELS
            "\"details\":{\"body\":\"a b\\\"\",\"peer\":\"1\"},"
            "\"detection\":{\"mode\":\"event\"}}");
}

static void
a_broken_one_was_not_detected(void **state)
{
    struct bench *bench = *state;

    bench->event->kind = EVENT_BROKEN;
    json_is(
        bench->event, HEAD
        "\"kind\":\"broken\"," WHO "\"state\":\"UP\",\"hard\":true,\"attempt\":1,"
        "\"reason\":\"OTHER\",\"message\":\"\",\"timing_us\":{},\"metrics\":{}," LABELS
        "\"details\":{}}");
}

/* As large as an event can be made: the bound must hold, and the assertion and the
 * sanitizer are there to tell. */
static void
the_largest_event_fits(void **state)
{
    struct bench *bench = *state;
    struct sonde_event *event = bench->event;
    char quotes[EVENT_DETAIL_MOST], name[16 + EVENT_NAME_MOST];
    struct label hostile = { "\x01", "\xFF\n" };
    struct origin *origin = origin_new("\"\x02", "\\", "\x7F", &hostile, 1);

    origin_unref(event->origin);
    event->origin = origin;
    make_change(event);
    memset(quotes, '"', sizeof(quotes));
    event->time = event->since = event->onset = event->detected =
        INT64_C(253402300799999999);
    event->state = event->previous = event->was.state = SONDE_DEGRADED;
    event->seq = INT64_MAX;
    event->attempt = UINT32_MAX;
    event->mode = EVENT_PASSIVE;
    event->duration_us = event->was.duration_ms = INT64_MAX;
    event->was.since = event->time;
    sonde_reason(event, SONDE_PROCMANY, "%.*s", (int)sizeof(quotes), quotes);
    for (int i = 0; i < EVENT_PHASES; i++)
        sonde_timing(event, (enum sonde_phase)i, INT64_MAX);
    for (int i = 0; i < EVENT_METRICS; i++) {
        snprintf(name, sizeof(name), "%0*d", EVENT_NAME_MOST, i);
        sonde_metric(event, name, -DBL_TRUE_MIN, name);
    }
    for (int i = 0; i < EVENT_DETAILS; i++) {
        snprintf(name, sizeof(name), "details.%0*d", EVENT_NAME_MOST, i);
        assert_int_equal(sonde_set(event, name, quotes, sizeof(quotes)), 0);
    }
    const struct encoded *encoded = event_encoded(event, EVENT_JSON);
    assert_true(encoded->length > 2 * EVENT_DETAILS * EVENT_DETAIL_MOST);
    assert_int_equal(strlen(encoded->bytes), encoded->length);
    assert_non_null(
        strstr(encoded->bytes, "\"check\":\"\\\"\\u0002\",\"plugin\":\"\\\\\""));
    assert_non_null(strstr(encoded->bytes, "{\"\\u0001\":\"\xEF\xBF\xBD\\n\"}"));
}

static void
encoding_happens_once_and_counts(void **state)
{
    struct bench *bench = *state;
    const struct sonde_event *event = bench->event;
    size_t before = event_bytes(event);
    const struct encoded *json = event_encoded(event, EVENT_JSON);

    assert_ptr_equal(json, event_encoded(event, EVENT_JSON));
    assert_ptr_equal(json->bytes, sonde_json(event, NULL));
    assert_int_equal(event_bytes(event), before + sizeof(*json) + json->length + 1);
    assert_ptr_not_equal(json, event_encoded(event, EVENT_TEXT));
    assert_true(event_bytes(event) > before + json->length + 60);
}

/* ---- the readable line ---- */

static void
line_is(const struct sonde_event *event, const char *expected)
{
    assert_string_equal(event_encoded(event, EVENT_TEXT)->bytes, expected);
}

static void
a_change_reads_well(void **state)
{
    struct bench *bench = *state;

    make_change(bench->event);
    bench->event->was.duration_ms = (2 * 3600 + 3 * 60 + 4) * 1000;
    line_is(
        bench->event,
        "2026-11-20 18:04:05.123Z  DOWN      Server-1          was UP for 2h 3m        "
        "L4CON     192.0.2.1:22: connection refused");
}

static void
a_first_change_names_no_duration(void **state)
{
    struct bench *bench = *state;

    bench->event->kind = EVENT_CHANGE;
    bench->event->reason = SONDE_OK;
    line_is(bench->event, "2026-11-20 18:04:05.123Z  UP        Server-1          "
                          "was UNKNOWN             OK");
}

static void
a_soft_result_says_so(void **state)
{
    struct bench *bench = *state;

    bench->event->state = SONDE_DEGRADED;
    bench->event->hard = false;
    bench->event->duration_us = 41230;
    sonde_reason(bench->event, SONDE_LIMIT, "%d%% used", 91);
    line_is(bench->event, "2026-11-20 18:04:05.123Z  DEGRADED  Server-1          "
                          "in 41.2ms, soft         LIMIT     91% used");
}

static void
a_long_or_hostile_name_stays_one_line(void **state)
{
    struct bench *bench = *state;

    origin_unref(bench->event->origin);
    bench->event->origin = origin_new("a-check-with-a-rather-long-name\n\x1B[2J", "tcp",
                                      "node-1", NULL, 0);
    bench->event->duration_us = 2500000;
    bench->event->reason = SONDE_OK;
    line_is(bench->event,
            "2026-11-20 18:04:05.123Z  UP        "
            "a-check-with-a-rather-long-name ?[2J  in 2.5s                 OK");
}

static void
durations_read_well(void **state)
{
    static const struct {
        int64_t ms;
        const char *text;
    } rows[] = {
        { 0, "for 0ms " },       { 999, "for 999ms " },
        { 59999, "for 59s " },   { 60000, "for 1m " },
        { 61000, "for 1m 1s " }, { 3600000, "for 1h " },
        { 3659000, "for 1h " },  { 90061000, "for 1d 1h " },
        { 86400000, "for 1d " }, { INT64_MAX, "for 106751991167d 7h " },
    };
    struct bench *bench = *state;

    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct sonde_event *event = event_new(bench->pool, bench->origin);
        make_change(event);
        event->was.duration_ms = rows[i].ms;
        assert_non_null(strstr(event_encoded(event, EVENT_TEXT)->bytes, rows[i].text));
        event_unref(event);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_bare_result_has_the_least), TEST(a_change_is_the_page_of_the_design),
        TEST(a_result_with_all_there_is),  TEST(a_broken_one_was_not_detected),
        TEST(the_largest_event_fits),      TEST(encoding_happens_once_and_counts),
        TEST(a_change_reads_well),         TEST(a_first_change_names_no_duration),
        TEST(a_soft_result_says_so),       TEST(a_long_or_hostile_name_stays_one_line),
        TEST(durations_read_well),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("encode", tests, NULL, NULL);
}
