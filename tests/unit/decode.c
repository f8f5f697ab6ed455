/* SPDX-License-Identifier: Apache-2.0
 *
 * decode.c - what was encoded reads back to the byte, and what is no event is refused
 * with a sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "event.h"

#include <string.h>

static const struct label labels[] = { { "role", "db" }, { "site", "icn \"1\"" } };
static const int64_t noon = INT64_C(1795197845123456); /* 2026-11-20T18:04:05.123456Z */

static int
set_up(void **state)
{
    *state = event_pool_new();
    return 0;
}

static int
tear_down(void **state)
{
    event_pool_free(*state);
    return 0;
}

static struct sonde_event *
full_event(struct event_pool *pool, enum event_kind kind)
{
    struct origin *origin = origin_new("Server-1 \xC3\xA4", "tcp", "node-1", labels, 2);
    struct sonde_event *event = event_new(pool, origin);

    origin_unref(origin);
    event->kind = kind;
    event->seq = 1763650000000000;
    event->state = SONDE_DOWN;
    event->previous = kind == EVENT_CHANGE ? SONDE_DEGRADED : SONDE_UNKNOWN;
    event->since = noon - 1000000;
    event->hard = true;
    event->attempt = 2;
    sonde_reason(event, SONDE_L4CON, "%s", "192.0.2.1:22: \"refused\"");
    event->duration_us = 412;
    sonde_timing(event, SONDE_DNS, 0);
    sonde_timing(event, SONDE_TRANSFER, 401);
    sonde_metric(event, "used", 12.5, "percent");
    sonde_metric(event, "cert_days", -3, NULL);
    sonde_set(event, "details.body", "line\\n", 6);
    event->mode = EVENT_EVENT;
    event->onset = kind == EVENT_CHANGE ? noon - 1000000 : 0;
    event->detected = noon;
    event->has_was = kind == EVENT_CHANGE;
    event->was.state = SONDE_UP;
    event->was.since = noon - INT64_C(86401000000);
    event->was.duration_ms = 86400000;
    return event;
}

static void
reads_back(struct event_pool *pool, struct sonde_event *event)
{
    const struct encoded *json = event_encoded(event, EVENT_JSON);
    const char *fault = NULL;
    struct sonde_event *again = event_decode(pool, json->bytes, json->length, &fault);

    assert_null(fault);
    assert_string_equal(event_encoded(again, EVENT_JSON)->bytes, json->bytes);
    assert_int_equal(again->reason, event->reason);
    assert_int_equal(again->seq, event->seq);
    assert_int_equal(again->origin->hash, event->origin->hash);
    event_unref(again);
    event_unref(event);
}

static void
what_was_encoded_reads_back_to_the_byte(void **state)
{
    for (int kind = 0; kind < EVENT_KINDS; kind++)
        reads_back(*state, full_event(*state, (enum event_kind)kind));
}

static void
a_dead_letter_reads_back_with_what_it_says_of_itself(void **state)
{
    struct sonde_event *event = full_event(*state, EVENT_CHANGE);
    const struct letter letter = { "alerts", "r \"1\"", "too\nlarge ", 16, noon };

    event_set_letter(event, &letter);
    assert_string_equal(event->letter->reason, "too large");
    assert_non_null(strstr(event_encoded(event, EVENT_JSON)->bytes,
                           ",\"letter\":{\"sink\":\"alerts\",\"route\":\"r \\\"1\\\"\","
                           "\"reason\":\"too large\",\"attempts\":16,"
                           "\"time\":\"2026-11-20T18:04:05.123456Z\"}}"));
    reads_back(*state, event);
}

static void
a_copy_says_the_same_and_owns_what_it_says(void **state)
{
    struct sonde_event *event = full_event(*state, EVENT_CHANGE), *copy;
    const struct letter letter = { "alerts", "r", "why", 1, noon };
    char long_name[EVENT_NAME_MOST + 1] = { 0 };

    memset(long_name, 'a', EVENT_NAME_MOST);
    sonde_metric(event, long_name, 5, "seconds"); /* a key longer than a name may be */
    event_set_letter(event, &letter);
    event->receipt = (struct receipt *)&letter; /* of no use to the copy */
    copy = event_copy(*state, event);
    assert_string_equal(event_encoded(copy, EVENT_JSON)->bytes,
                        event_encoded(event, EVENT_JSON)->bytes);
    assert_string_equal(copy->metrics->unit, "percent");
    assert_ptr_equal(copy->origin, event->origin);
    assert_null(copy->receipt);
    event_unref(event);
    assert_string_equal(copy->letter->reason, "why");
    assert_string_equal(copy->details->value, "line\\n");
    event_unref(copy);
}

static void
a_bare_event_reads_back(void **state)
{
    struct origin *origin = origin_new("it", "", "", NULL, 0);
    struct sonde_event *event = event_new(*state, origin);

    origin_unref(origin);
    reads_back(*state, event);
}

#define HEAD "{\"id\":\"0198f0c4-0000-7000-8000-000000000001\","
#define TIME "\"time\":\"2026-11-20T15:04:05.123456Z\","

static void
refuses(struct event_pool *pool, const char *json, const char *sentence)
{
    const char *fault = NULL;

    assert_null(event_decode(pool, json, strlen(json), &fault));
    assert_string_equal(fault, sentence);
}

static void
what_is_no_event_is_refused_with_a_sentence(void **state)
{
    refuses(*state, "", "it is no JSON object");
    refuses(*state, "[]", "it is no JSON object");
    refuses(*state, "{} x", "it is no JSON object");
    refuses(*state, "{\"check\":\"a\",\"check\":\"b\"}", "it is no JSON object");
    refuses(*state, "{}", "it names no check");
    refuses(*state, HEAD TIME "\"check\":1}", "check is no text");
    refuses(*state, "{\"id\":\"0198f0c4\"," TIME "\"check\":\"a\"}", "id is no UUID");
    refuses(*state, HEAD "\"check\":\"a\"}", "it has no time");
    refuses(*state, HEAD "\"time\":\"today\",\"check\":\"a\"}",
            "time is no RFC 3339 time");
    refuses(*state, HEAD TIME "\"check\":\"a\",\"state\":\"up\"}",
            "state is not a known one");
    refuses(*state, HEAD TIME "\"check\":\"a\",\"seq\":-1}", "seq is no integer");
    refuses(*state, HEAD TIME "\"check\":\"a\",\"labels\":[]}",
            "labels are not an object of at most 256 texts");
    refuses(*state, HEAD TIME "\"check\":\"a\",\"metrics\":{\"a\":\"b\"}}",
            "metrics hold what is no number");
    refuses(*state, HEAD TIME "\"check\":\"a\",\"details\":{\"a\":1}}",
            "details hold what is no text");
    refuses(*state, HEAD TIME "\"check\":\"a\",\"letter\":\"x\"}", "letter is no object");
    refuses(*state, HEAD TIME "\"check\":\"a\",\"letter\":{}}", "letter names no sink");
    refuses(*state, HEAD TIME "\"check\":\"a\",\"letter\":{\"sink\":\" \"}}",
            "letter names no sink");
    refuses(*state, HEAD TIME "\"check\":\"a\",\"letter\":{\"sink\":1}}",
            "letter.sink is no text");
}

static void
foreign_texts_are_made_harmless(void **state)
{
    static const char json[] = HEAD TIME
        "\"check\":\"a\\u001b[2J\",\"message\":\"b\\u202ec\",\"new\":{\"member\":[1]},"
        "\"labels\":{\"z\":\"\\u0007\",\"a\":\"\"}}";
    const char *fault;
    struct sonde_event *event = event_decode(*state, json, sizeof(json) - 1, &fault);

    assert_non_null(event);
    assert_string_equal(event->origin->check, "a?[2J");
    assert_string_equal(event->message, "b?c");
    assert_string_equal(event->origin->labels[0].name, "a");
    assert_string_equal(event->origin->labels[1].value, "?");
    event_unref(event);
}

static void
times_are_read_in_all_forms_of_the_standard(void **state)
{
    char text[CLOCK_TEXT_SIZE];

    (void)state;
    for (int64_t wall = 0; wall < INT64_C(4102444800000000); wall += INT64_C(86399999999))
        assert_int_equal(clock_parse(clock_text(wall, text)), wall);
    assert_int_equal(clock_parse("1970-01-01t01:00:00.5+01:00"), 500000);
    assert_int_equal(clock_parse("1970-01-01T00:00:00.1234567Z"), 123456);
    assert_int_equal(clock_parse("1969-12-31T23:59:59Z"), -1);
    assert_int_equal(clock_parse("1970-01-01T00:00:00"), -1);
    assert_int_equal(clock_parse("1970-01-01T00:00:00.Z"), -1);
    assert_int_equal(clock_parse("1970-01-01T00:00:00Zulu"), -1);
    assert_int_equal(clock_parse("1970-13-01T00:00:00Z"), -1);
    assert_int_equal(clock_parse("1970-01-01"), -1);
    assert_int_equal(clock_parse(""), -1);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_encoded_reads_back_to_the_byte),
        cmocka_unit_test(a_dead_letter_reads_back_with_what_it_says_of_itself),
        cmocka_unit_test(a_copy_says_the_same_and_owns_what_it_says),
        cmocka_unit_test(a_bare_event_reads_back),
        cmocka_unit_test(what_is_no_event_is_refused_with_a_sentence),
        cmocka_unit_test(foreign_texts_are_made_harmless),
        cmocka_unit_test(times_are_read_in_all_forms_of_the_standard),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
