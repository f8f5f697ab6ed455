/* SPDX-License-Identifier: Apache-2.0
 *
 * journal_event.c - an event as a record: the sinks that want it, and its JSON.
 */
#include "unit.h"

#include "journal_event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static unsigned char payload[1 << 18];

static size_t
make(const struct journal_target *targets, size_t count, const char *json)
{
    struct journal_head *head = journal_event_head(targets, count);
    size_t length = head->length;

    memcpy(payload, head->bytes, length);
    memcpy(payload + length, json, strlen(json));
    free(head);
    return length + strlen(json);
}

static void
what_was_written_is_read(void **state)
{
    const struct journal_target targets[] = { { "alerts", "all" }, { "s", "" } };
    struct journal_name sink, route;
    struct journal_event event;
    size_t length = make(targets, 2, "{}");

    (void)state;
    assert_true(journal_event_read(&event, payload, length));
    assert_int_equal(event.targets, 2);
    assert_int_equal(event.json_length, 2);
    assert_memory_equal(event.json, "{}", 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(journal_event_next(&event, &sink, &route));
        assert_int_equal(sink.length, strlen(targets[i].sink));
        assert_memory_equal(sink.text, targets[i].sink, sink.length);
        assert_int_equal(route.length, strlen(targets[i].route));
        assert_memory_equal(route.text, targets[i].route, route.length);
    }
    assert_false(journal_event_next(&event, &sink, &route));
}

static void
nobody_may_want_it(void **state)
{
    struct journal_name sink, route;
    struct journal_event event;

    (void)state;
    assert_true(journal_event_read(&event, payload, make(NULL, 0, "{\"a\":1}")));
    assert_int_equal(event.json_length, 7);
    assert_false(journal_event_next(&event, &sink, &route));
}

/* Its copy is cut to the byte, so that a sanitizer sees a step beyond. */
static void
bytes_that_end_too_early_are_none(void **state)
{
    const struct journal_target targets[] = { { "alerts", "all" }, { "live", "r" } };
    size_t length = make(targets, 2, "");

    (void)state;
    for (size_t cut = 0; cut < length; cut++) {
        unsigned char *bytes = malloc(cut + !cut);
        struct journal_event event;

        assert_non_null(bytes);
        memcpy(bytes, payload, cut);
        assert_false(journal_event_read(&event, bytes, cut));
        free(bytes);
    }
}

static void
limits_cut_and_nothing_else(void **state)
{
    struct journal_target targets[JOURNAL_TARGETS + 5];
    struct journal_name sink, route;
    struct journal_event event;
    char name[300];
    size_t seen = 0;

    (void)state;
    memset(name, 'x', sizeof(name) - 1);
    name[sizeof(name) - 1] = '\0';
    for (size_t i = 0; i < JOURNAL_TARGETS + 5; i++)
        targets[i] = (struct journal_target){ name, "r" };
    assert_true(
        journal_event_read(&event, payload, make(targets, JOURNAL_TARGETS + 5, "{}")));
    while (journal_event_next(&event, &sink, &route))
        seen += sink.length == JOURNAL_TARGET_NAME;
    assert_int_equal(seen, JOURNAL_TARGETS);
    assert_int_equal(event.json_length, 2);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_was_written_is_read),
    cmocka_unit_test(nobody_may_want_it),
    cmocka_unit_test(bytes_that_end_too_early_are_none),
    cmocka_unit_test(limits_cut_and_nothing_else),
};

UNIT_MAIN(tests)
