/* SPDX-License-Identifier: Apache-2.0
 *
 * event.c - events are filled within bounds, shared between threads, and recycled by
 * the pool that made them.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "event.h"

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

/* ---- life ---- */

static void
an_origin_copies_and_outlives(void **state)
{
    char name[] = "shop", key[] = "team", value[] = "\"web\"";
    const struct label label = { key, value };
    struct bench *bench = *state;
    struct origin *origin = origin_new(name, "http", "node-1", &label, 1);
    struct sonde_event *event = event_new(bench->pool, origin);

    memset(name, 'x', 4);
    memset(key, 'x', 4);
    memset(value, 'x', 5);
    origin_unref(origin);
    assert_string_equal(event->origin->check, "shop");
    assert_string_equal(event->origin->labels[0].name, "team");
    assert_string_equal(event->origin->labels[0].value, "\"web\"");
    assert_true(event->origin->hash == text_hash("shop", 4));
    event_unref(event);
    event_unref(NULL);
    origin_unref(NULL);
}

static void
a_fresh_event_is_empty(void **state)
{
    struct bench *bench = *state;

    for (int round = 0; round < 3; round++) { /* a recycled one likewise */
        struct sonde_event *event = event_new(bench->pool, bench->origin);
        assert_true(event->time == noon);
        assert_string_equal(event->message, "");
        assert_int_equal(event->state, SONDE_UNKNOWN);
        assert_int_equal(event->kind, EVENT_RESULT);
        assert_int_equal(event->duration_us, -1);
        assert_int_equal(atomic_load(&event->timing_us[SONDE_TLS]), -1);
        assert_null(event->metrics);
        assert_null(event->details);
        assert_false(event->hard || event->certain || event->has_was);
        assert_int_equal(event_bytes(event), sizeof(*event));
        event->hard = event->certain = event->has_was = true;
        event->kind = EVENT_CHANGE;
        event->since = 7;
        event->seq = 7;
        sonde_reason(event, SONDE_L4CON, "%s", "refused");
        sonde_timing(event, SONDE_TLS, 5);
        sonde_metric(event, "used", 1, NULL);
        assert_int_equal(sonde_set(event, "details.big", labels[0].name, 4), 0);
        sonde_json(event, NULL);
        sonde_text(event, "id", NULL);
        assert_true(event_bytes(event) > sizeof(*event));
        event_unref(event);
    }
}

static void
a_steady_state_recycles(void **state)
{
    struct bench *bench = *state;
    struct sonde_event *first = event_new(bench->pool, bench->origin), *again, *other;

    event_unref(first);
    again = event_new(bench->pool, bench->origin);
    assert_ptr_equal(first, again);
    event_ref(again);
    event_unref(again); /* one reference is left */
    other = event_new(bench->pool, bench->origin);
    assert_ptr_not_equal(again, other);
    event_unref(again);
    event_unref(other);
}

/* Leaves nothing behind: the sanitizer would tell. */
static void
a_pool_lives_until_its_last_event_is_gone(void **state)
{
    struct bench *bench = *state;
    struct event_pool *pool = event_pool_new();
    struct sonde_event *events[3];

    for (int i = 0; i < 3; i++)
        events[i] = event_new(pool, bench->origin);
    event_unref(events[0]);
    event_pool_free(pool);
    assert_string_equal(sonde_text(events[1], "check", NULL), "Server-1");
    event_unref(events[1]);
    event_unref(events[2]);
    event_pool_free(NULL);
}

static void
a_burst_is_not_kept(void **state)
{
    enum { MANY = 6000 };
    struct bench *bench = *state;
    struct sonde_event **events = memory_array(MANY, sizeof(*events));
    char *big = memory_new(EVENT_DETAIL_MOST);

    memset(big, 'x', EVENT_DETAIL_MOST);
    for (int i = 0; i < MANY; i++) {
        events[i] = event_new(bench->pool, bench->origin);
        assert_int_equal(sonde_set(events[i], "details.body", big, EVENT_DETAIL_MOST), 0);
        assert_true(event_bytes(events[i]) > EVENT_DETAIL_MOST);
    }
    for (int i = 0; i < MANY; i++)
        event_unref(events[i]);
    for (int i = 0; i < MANY; i++) {
        events[i] = event_new(bench->pool, bench->origin);
        assert_int_equal(event_bytes(events[i]), sizeof(**events));
    }
    for (int i = 0; i < MANY; i++)
        event_unref(events[i]);
    free(events);
    free(big);
}

static void
ids_are_uuid7_and_rise(void **state)
{
    struct bench *bench = *state;
    char last[EVENT_ID_SIZE] = "", text[EVENT_ID_SIZE];

    for (int i = 0; i < 20000; i++) {
        struct sonde_event *event = event_new(bench->pool, bench->origin);
        event_id_text(event->id, text);
        assert_int_equal(strlen(text), 36);
        assert_int_equal(text[14], '7');
        assert_non_null(strchr("89ab", text[19]));
        assert_true(strcmp(last, text) < 0);
        if (i == 0) /* milliseconds of noon */
            assert_memory_equal(text, "01a1fa21-3e83-7", 15);
        memcpy(last, text, sizeof(last));
        event_unref(event);
        if (i % 5000 == 0)
            clock_fake(CLOCK_SECOND, noon + i / 10); /* jumps, and stands still between */
    }
}

/* ---- filling ---- */

static void
a_message_is_cleaned_and_cut(void **state)
{
    struct bench *bench = *state;
    struct sonde_event *event = event_new(bench->pool, bench->origin);
    char longest[4000];

    sonde_reason(event, SONDE_L7RSP, "%s says \x1B[31m%s\r\n\n", "peer",
                 "\xFF\xE2\x80\xAE");
    assert_int_equal(event->reason, SONDE_L7RSP);
    assert_string_equal(event->message, "peer says ?[31m\xEF\xBF\xBD?");
    event_set_message(event, "plain");
    assert_string_equal(event->message, "plain");
    event_set_message(event, " \n ");
    assert_string_equal(event->message, "");

    memset(longest, 'y', sizeof(longest));
    longest[sizeof(longest) - 1] = '\0';
    sonde_reason(event, (enum sonde_reason)999, "%s", longest);
    assert_int_equal(event->reason, SONDE_OTHER);
    assert_int_equal(strlen(event->message), EVENT_MESSAGE_MOST);

    for (size_t i = 1; i + 2 < sizeof(longest); i += 2) /* cut between two bytes of one */
        memcpy(longest + i, "\xC3\xBC", 2);
    sonde_reason(event, SONDE_OTHER, "%s", longest);
    assert_int_equal(strlen(event->message), EVENT_MESSAGE_MOST - 1);
    assert_null(strstr(event->message, "\xEF\xBF\xBD"));
    event_unref(event);
}

static void
details_are_bounded(void **state)
{
    struct bench *bench = *state;
    struct sonde_event *event = event_new(bench->pool, bench->origin);
    char name[128], big[3 * EVENT_DETAIL_MOST];
    size_t length;

    assert_int_equal(sonde_set(event, "state", "UP", 2), -1);
    assert_int_equal(sonde_set(event, "details", "x", 1), -1);
    assert_int_equal(sonde_set(event, "details.", "x", 1), -1);
    assert_int_equal(sonde_set(event, "details.a b", "x", 1), -1);
    assert_int_equal(sonde_set(event, "details.\xC3\xBC", "x", 1), -1);
    assert_int_equal(sonde_set(event, "labels.role", "x", 1), -1);
    snprintf(name, sizeof(name), "details.%064d", 1);
    assert_int_equal(sonde_set(event, name, "x", 1), 0);
    snprintf(name, sizeof(name), "details.%065d", 1);
    assert_int_equal(sonde_set(event, name, "x", 1), -1);

    memset(big, 'z', sizeof(big));
    assert_int_equal(sonde_set(event, "details.body", big, sizeof(big)), 0);
    assert_int_equal(strlen(sonde_text(event, "details.body", &length)),
                     EVENT_DETAIL_MOST);
    assert_int_equal(length, EVENT_DETAIL_MOST);
    assert_int_equal(sonde_set(event, "details.body", "a\0b", 3), 0);
    assert_string_equal(sonde_text(event, "details.body", NULL), "a?b");
    assert_int_equal(sonde_set(event, "details.body", NULL, 0), 0);
    assert_string_equal(sonde_text(event, "details.body", NULL), "");

    for (int i = 2; i < EVENT_DETAILS; i++) {
        snprintf(name, sizeof(name), "details.n%d", i);
        assert_int_equal(sonde_set(event, name, "x", 1), 0);
    }
    assert_int_equal(sonde_set(event, "details.one-more", "x", 1), -1);
    assert_int_equal(sonde_set(event, "details.n63", "replaced", 8), 0);
    assert_string_equal(sonde_text(event, "details.n63", NULL), "replaced");
    event_unref(event);
}

static void
metrics_are_bounded_and_the_last_wins(void **state)
{
    struct bench *bench = *state;
    struct sonde_event *event = event_new(bench->pool, bench->origin);
    char name[32];

    sonde_metric(event, "used", 1, "percent");
    sonde_metric(event, "used", 81.2, "percent");
    sonde_metric(event, "free", 7, NULL);
    sonde_metric(event, "free", 8, "not a unit");
    sonde_metric(event, "no good", 1, NULL);
    sonde_metric(event, "", 1, NULL);
    assert_string_equal(event->metrics->name, "used_percent");
    assert_string_equal(event->metrics->unit, "percent");
    assert_true(event->metrics->value == 81.2);
    assert_string_equal(event->metrics->next->name, "free");
    assert_string_equal(event->metrics->next->unit, "");
    assert_true(event->metrics->next->value == 8);
    assert_null(event->metrics->next->next);
    for (int i = 0; i < 2 * EVENT_METRICS; i++) {
        snprintf(name, sizeof(name), "m%d", i);
        sonde_metric(event, name, i, NULL);
    }
    assert_true(sonde_number(event, "metrics.m61", -1) == 61);
    assert_true(sonde_number(event, "metrics.m62", -1) == -1);
    event_unref(event);
}

/* ---- threads ---- */

/* A mailbox of one: the loop gives an event away, the sink drops it. */
struct mailbox {
    _Atomic(struct sonde_event *) slot;
    atomic_bool over;
    unsigned long seen;
};

static void *
drop_all(void *arg)
{
    struct mailbox *box = arg;

    for (;;) {
        bool over = atomic_load(&box->over);
        struct sonde_event *event = atomic_exchange(&box->slot, NULL);
        if (!event && over)
            return NULL;
        if (!event) {
            sched_yield();
            continue;
        }
        box->seen += strlen(sonde_json(event, NULL));
        box->seen += strlen(sonde_text(event, "seq", NULL));
        box->seen += strlen(event_encoded(event, EVENT_TEXT)->bytes);
        event_unref(event);
    }
}

/* Both sides read, encode and drop; the pool then dies before its last events. */
static void
events_come_home_from_another_thread(void **state)
{
    struct bench *bench = *state;
    struct event_pool *pool = event_pool_new();
    struct mailbox *box = memory_new(sizeof(*box));
    pthread_t thread;

    clock_fake(-1, 0);
    assert_int_equal(pthread_create(&thread, NULL, drop_all, box), 0);
    for (uint64_t i = 0; i < 20000; i++) {
        struct sonde_event *event = event_new(pool, bench->origin), *old;
        event->seq = i;
        sonde_reason(event, SONDE_L7STS, "answered %d", (int)i);
        event_ref(event);
        old = atomic_exchange(&box->slot, event);
        event_unref(old);
        assert_non_null(strstr(sonde_json(event, NULL), "\"reason\":\"L7STS\""));
        assert_true(sonde_number(event, "seq", -1) == (double)i);
        sonde_text(event, "seq", NULL);
        event_bytes(event);
        event_unref(event);
    }
    event_pool_free(pool);
    atomic_store(&box->over, true);
    pthread_join(thread, NULL);
    assert_true(box->seen > 0);
    free(box);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(an_origin_copies_and_outlives),
        TEST(a_fresh_event_is_empty),
        TEST(a_steady_state_recycles),
        TEST(a_pool_lives_until_its_last_event_is_gone),
        TEST(a_burst_is_not_kept),
        TEST(ids_are_uuid7_and_rise),
        TEST(a_message_is_cleaned_and_cut),
        TEST(details_are_bounded),
        TEST(metrics_are_bounded_and_the_last_wins),
        TEST(events_come_home_from_another_thread),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("event", tests, NULL, NULL);
}
