/* SPDX-License-Identifier: Apache-2.0
 *
 * queue.c - what waits for a sink: order per check, bounds, what goes first.
 */
#include "unit.h"

#include "clock.h"
#include "queue.h"

#include <pthread.h>
#include <stdio.h>
#include <string.h>

enum { CHECKS = 8, MANY = 64 };

static struct event_pool *pool;
static struct origin *origins[CHECKS];
static struct queue *queue;
static struct queue_entry *batch[MANY];
static int64_t now;
static uint64_t ended; /* records, as digits */

static int
set_up(void **state)
{
    (void)state;
    now = CLOCK_SECOND;
    clock_fake(now, 0);
    pool = event_pool_new();
    for (int i = 0; i < CHECKS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "check-%d", i);
        origins[i] = origin_new(name, "tcp", "node-1", NULL, 0);
    }
    queue = queue_new((struct queue_bounds){ 1000, 1 << 24 });
    return 0;
}

static uint64_t
line(enum ledger_line line)
{
    return ledger_read(&queue_ledger(queue)->lines[line]);
}

static void
ledger_closes(void)
{
    struct ledger_sum sum = queue_sum(queue);

    assert_int_equal(sum.accepted,
                     sum.delivered + sum.rejected + sum.moved + sum.dropped + sum.queued);
}

static int
tear_down(void **state)
{
    (void)state;
    ledger_closes();
    queue_free(queue);
    for (int i = 0; i < CHECKS; i++)
        origin_unref(origins[i]);
    event_pool_free(pool);
    clock_fake(-1, 0);
    return 0;
}

static unsigned
push(int check, enum event_kind kind, uint64_t seq)
{
    struct sonde_event *event = event_new(pool, origins[check]);
    unsigned lost;

    event->kind = kind;
    event->seq = seq;
    lost = queue_push(queue, event, "route");
    event_unref(event);
    return lost;
}

static void
bounds(size_t events, size_t bytes)
{
    queue_bounds_set(queue, (struct queue_bounds){ events, bytes });
}

static size_t
take(size_t most, bool several)
{
    return queue_take(queue, batch, most, several, now);
}

/* The sequence numbers of a batch, as "1 2 3"; the batch is delivered. */
static const char *
delivered(size_t count)
{
    static char said[256];

    said[0] = '\0';
    for (size_t i = 0; i < count; i++) {
        snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%d", i ? " " : "",
                 (int)batch[i]->event->seq);
        queue_settle(queue, batch[i], SONDE_DELIVERED, 0);
    }
    return said;
}

static const char *
everything(void)
{
    static char said[256];
    size_t count;

    said[0] = '\0';
    while ((count = take(MANY, true))) {
        if (said[0])
            strcat(said, ", ");
        strcat(said, delivered(count));
    }
    return said;
}

static void
a_batch_holds_one_event_of_a_check(void **state)
{
    (void)state;
    push(0, EVENT_CHANGE, 1);
    push(0, EVENT_CHANGE, 2);
    push(1, EVENT_CHANGE, 3);
    assert_string_equal(delivered(take(MANY, false)), "1 3");
    assert_string_equal(delivered(take(MANY, false)), "2");
    assert_int_equal(take(MANY, false), 0);
}

static void
or_several_in_order_where_the_sink_says_so(void **state)
{
    (void)state;
    push(0, EVENT_CHANGE, 1);
    push(0, EVENT_RESULT, 2);
    push(1, EVENT_CHANGE, 3);
    push(0, EVENT_CHANGE, 4);
    assert_string_equal(delivered(take(2, true)), "1 2");
    assert_string_equal(delivered(take(MANY, true)), "4 3");
}

static void
lanes_are_told_apart_by_name_not_by_origin(void **state)
{
    struct origin *again = origin_new("check-0", "http", "node-1", NULL, 0),
                  *own = origins[0];

    (void)state;
    push(0, EVENT_CHANGE, 1);
    origins[0] = again; /* after a reload */
    push(0, EVENT_CHANGE, 2);
    assert_string_equal(delivered(take(MANY, false)), "1");
    assert_string_equal(delivered(take(MANY, false)), "2");
    origin_unref(own);
}

static void
a_retried_event_is_not_overtaken_by_a_later_one_of_its_check(void **state)
{
    (void)state;
    push(0, EVENT_CHANGE, 1);
    push(0, EVENT_CHANGE, 2);
    push(1, EVENT_CHANGE, 3);
    assert_int_equal(take(1, false), 1);
    queue_settle(queue, batch[0], SONDE_RETRY, now + 50 * CLOCK_MS);
    push(0, EVENT_CHANGE, 4);
    assert_string_equal(everything(), "3"); /* others go on */
    assert_true(queue_next(queue) <= now + 50 * CLOCK_MS);
    assert_true(queue_next(queue) > 0);
    now += 49 * CLOCK_MS;
    assert_int_equal(take(MANY, false), 0);
    now += CLOCK_MS;
    assert_string_equal(delivered(take(MANY, false)), "1");
    assert_string_equal(delivered(take(MANY, false)), "2");
    assert_string_equal(delivered(take(MANY, false)), "4");
    assert_int_equal(queue_ledger(queue)->retries, 1);
    assert_int_equal(queue_next(queue), INT64_MAX);
}

static void
a_retry_without_a_pause_goes_first(void **state)
{
    (void)state;
    for (int i = 0; i < 4; i++)
        push(i, EVENT_CHANGE, (uint64_t)i);
    assert_int_equal(take(2, false), 2);
    queue_settle(queue, batch[1], SONDE_RETRY,
                 0); /* the last of a batch first, as sink.c */
    queue_settle(queue, batch[0], SONDE_RETRY, 0);
    assert_string_equal(delivered(take(MANY, false)), "0 1 2 3");
}

static void
after_a_retry_a_lane_waits_for_all_that_is_out(void **state)
{
    struct queue_entry *out[3];

    (void)state;
    push(0, EVENT_CHANGE, 1);
    push(0, EVENT_CHANGE, 2);
    assert_int_equal(take(MANY, true), 2);
    memcpy(out, batch, 2 * sizeof(*out));
    push(0, EVENT_CHANGE, 3);
    assert_int_equal(take(MANY, true), 1); /* two batches out: the sink keeps the order */
    out[2] = batch[0];
    push(0, EVENT_CHANGE, 4);
    queue_settle(queue, out[0], SONDE_RETRY, 0);
    assert_int_equal(take(MANY, true), 0);
    queue_settle(queue, out[2], SONDE_RETRY, 0);
    assert_int_equal(take(MANY, true), 0);
    queue_settle(queue, out[1], SONDE_DELIVERED, 0);
    assert_string_equal(delivered(take(MANY, true)), "1 3 4");
}

static void
results_go_first_then_what_is_superseded_then_the_oldest(void **state)
{
    (void)state;
    bounds(5, 1 << 24);
    push(0, EVENT_CHANGE, 1); /* superseded by 4 */
    push(1, EVENT_CHANGE, 2);
    push(1, EVENT_RESULT, 3);
    push(0, EVENT_CHANGE, 4);
    push(2, EVENT_RESULT, 5);
    assert_int_equal(push(3, EVENT_CHANGE, 6), 0); /* a result is no loss */
    assert_int_equal(line(LEDGER_RESULT), 1);
    push(4, EVENT_CHANGE, 7);
    assert_int_equal(line(LEDGER_RESULT), 2);
    assert_int_equal(push(5, EVENT_CHANGE, 8), 1);
    assert_int_equal(line(LEDGER_SUPERSEDED), 1);
    assert_int_equal(push(6, EVENT_CHANGE, 9), 1);
    assert_int_equal(line(LEDGER_OLDEST), 1);
    push(7, EVENT_RESULT, 10); /* goes itself */
    assert_int_equal(line(LEDGER_RESULT), 3);
    assert_string_equal(everything(), "4 6 7 8 9");
}

static void
what_is_in_a_batch_never_goes(void **state)
{
    (void)state;
    bounds(2, 1 << 24);
    push(0, EVENT_RESULT, 1);
    push(1, EVENT_CHANGE, 2);
    assert_int_equal(take(MANY, false), 2);
    assert_int_equal(push(2, EVENT_CHANGE, 3), 1); /* the newcomer, then */
    assert_int_equal(queue_count(queue), 2);
    assert_string_equal(delivered(2), "1 2");
    assert_string_equal(everything(), "");
}

static void
what_comes_back_superseded_is_known_to_be(void **state)
{
    (void)state;
    bounds(3, 1 << 24);
    push(0, EVENT_CHANGE, 1);
    push(1, EVENT_CHANGE, 2);
    assert_int_equal(take(1, false), 1);
    push(0, EVENT_CHANGE, 3);
    queue_settle(queue, batch[0], SONDE_RETRY, 0);
    push(2, EVENT_CHANGE, 4);
    assert_int_equal(line(LEDGER_SUPERSEDED), 1);
    assert_string_equal(everything(), "3 2 4"); /* what came back, and its lane, first */
}

static void
bounds_hold_in_bytes_as_well_as_events(void **state)
{
    size_t one;

    (void)state;
    push(0, EVENT_CHANGE, 0);
    one = queue_bytes(queue);
    assert_true(one > sizeof(struct sonde_event));
    bounds(1000, one * 4);
    assert_true(queue_room(queue));
    for (uint64_t i = 1; i < 20; i++) {
        push((int)(i % CHECKS), EVENT_CHANGE, i);
        assert_true(queue_bytes(queue) <= one * 4);
    }
    assert_int_equal(queue_count(queue), 4);
    assert_false(queue_room(queue));
    assert_string_equal(everything(), "16 17 18 19");
    assert_int_equal(queue_bytes(queue), 0);
    bounds(3, 1 << 24);
    for (uint64_t i = 0; i < 20; i++) {
        push((int)(i % CHECKS), EVENT_CHANGE, i);
        assert_true(queue_count(queue) <= 3);
    }
}

static void
one_that_is_too_large_takes_no_other_with_it(void **state)
{
    struct sonde_event *event;
    char long_text[2000];

    (void)state;
    memset(long_text, 'x', sizeof(long_text));
    bounds(1000, 4096);
    push(0, EVENT_CHANGE, 1);
    event = event_new(pool, origins[1]);
    event->kind = EVENT_CHANGE;
    for (int i = 0; i < 3; i++) {
        char name[32];

        snprintf(name, sizeof(name), "details.long-%d", i);
        assert_int_equal(sonde_set(event, name, long_text, sizeof(long_text)), 0);
    }
    assert_int_equal(queue_push(queue, event, "route"), 1);
    event_unref(event);
    assert_string_equal(everything(), "1");
}

static void
count_ready(void *arg)
{
    ++*(int *)arg;
}

static void
readiness_is_told_once_not_for_each_event(void **state)
{
    int told = 0;

    (void)state;
    queue_on_ready(queue, count_ready, &told);
    push(0, EVENT_CHANGE, 1);
    push(1, EVENT_CHANGE, 2);
    assert_int_equal(told, 1);
    assert_int_equal(take(MANY, false), 2);
    push(0, EVENT_CHANGE, 3); /* its lane is out */
    assert_int_equal(told, 1);
    delivered(2);
    assert_int_equal(told, 2);
    queue_on_ready(queue, NULL, NULL);
}

static void
note_ended(const uint64_t *records, size_t count, void *arg)
{
    (void)arg;
    for (size_t i = 0; i < count; i++)
        ended = ended * 10 + records[i];
}

static void
admit(int check, enum event_kind kind, uint64_t record)
{
    struct ledger_route *route = ledger_route(queue_ledger(queue), "route");
    struct sonde_event *event = event_new(pool, origins[check]);

    event->kind = kind;
    event->seq = record;
    ledger_add(queue_ledger(queue), route, LEDGER_ACCEPTED, 1);
    queue_admit(queue, event, route, record, now);
    event_unref(event);
}

static void
keep(struct sonde_event *event, struct ledger_route *route, int64_t accepted, void *arg)
{
    assert_int_equal(event->seq, 4);
    ledger_add(queue_ledger(queue), route, LEDGER_OLDEST, 1);
    event_unref(event);
    *(int64_t *)arg = accepted;
}

static void
what_the_journal_loses_is_told_dropped_or_kept(void **state)
{
    int64_t accepted = 0;

    (void)state;
    queue_on_ended(queue, note_ended, NULL);
    admit(0, EVENT_CHANGE, 1);
    admit(1, EVENT_CHANGE, 2);
    admit(1, EVENT_RESULT, 3);
    admit(1, EVENT_CHANGE, 4);
    admit(2, EVENT_CHANGE, 5);
    assert_int_equal(take(1, false), 1); /* 1 is out */
    queue_shed(queue, 5, keep, &accepted);
    assert_int_equal(accepted, now);
    assert_int_equal(line(LEDGER_RESULT) * 10 + line(LEDGER_SUPERSEDED), 11);
    assert_string_equal(delivered(1), "1"); /* held by no record when it ends */
    assert_string_equal(everything(), "5");
    assert_int_equal(ended, 5);
    queue_on_ended(queue, NULL, NULL);
}

/* Whatever happens: bounds hold, the ledger closes, no check is told out of order. */
static void
a_long_random_life_keeps_every_promise(void **state)
{
    struct queue_entry *out[MANY];
    uint64_t last[CHECKS] = { 0 };
    size_t out_count = 0;

    (void)state;
    bounds(24, 48 << 10);
    srandom(7);
    for (uint64_t i = 1; i < 50000; i++) {
        long dice = random() % 10;

        if (dice < 5) {
            push((int)(random() % CHECKS),
                 (enum event_kind)(random() % 3 ? EVENT_CHANGE : EVENT_RESULT), i);
        } else if (dice < 7 && out_count < 16) {
            out_count += queue_take(queue, out + out_count, 1 + (size_t)random() % 4,
                                    false, now);
        } else if (out_count) {
            size_t which = (size_t)random() % out_count;
            struct queue_entry *entry = out[which];
            bool retry = random() % 4 == 0;

            if (!retry) {
                int check = entry->event->origin->check[6] - '0';

                assert_true(entry->event->seq > last[check]);
                last[check] = entry->event->seq;
            }
            out[which] = out[--out_count];
            queue_settle(queue, entry, retry ? SONDE_RETRY : SONDE_DELIVERED,
                         random() % 2 ? now + random() % 20 * CLOCK_MS : 0);
        }
        now += CLOCK_MS / 4;
        assert_true(queue_count(queue) <= 24 && queue_bytes(queue) <= 48 << 10);
        ledger_closes();
    }
    while (out_count)
        queue_settle(queue, out[--out_count], SONDE_DELIVERED, 0);
}

static void *
push_many(void *arg)
{
    struct event_pool *own = event_pool_new();

    for (uint64_t i = 0; i < 20000; i++) {
        struct sonde_event *event = event_new(own, origins[i % CHECKS]);

        event->kind = i % 3 ? EVENT_CHANGE : EVENT_RESULT;
        queue_push(queue, event, arg);
        event_unref(event);
    }
    event_pool_free(own);
    return NULL;
}

static void
threads_may_push_while_another_takes(void **state)
{
    pthread_t first, second;
    unsigned settled = 0;

    (void)state;
    bounds(500, 1 << 22);
    assert_int_equal(pthread_create(&first, NULL, push_many, "first"), 0);
    assert_int_equal(pthread_create(&second, NULL, push_many, "second"), 0);
    while (line(LEDGER_ACCEPTED) < 40000 || queue_count(queue)) {
        size_t count = take(MANY, false);

        if (count % 2)
            queue_end(queue, batch, count, LEDGER_DELIVERED);
        for (size_t i = 0; i < count && count % 2 == 0; i++)
            queue_settle(queue, batch[i], settled++ % 7 ? SONDE_DELIVERED : SONDE_RETRY,
                         0);
    }
    pthread_join(first, NULL);
    pthread_join(second, NULL);
    ledger_closes();
}

#define QUEUE_TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    QUEUE_TEST(a_batch_holds_one_event_of_a_check),
    QUEUE_TEST(or_several_in_order_where_the_sink_says_so),
    QUEUE_TEST(lanes_are_told_apart_by_name_not_by_origin),
    QUEUE_TEST(a_retried_event_is_not_overtaken_by_a_later_one_of_its_check),
    QUEUE_TEST(a_retry_without_a_pause_goes_first),
    QUEUE_TEST(after_a_retry_a_lane_waits_for_all_that_is_out),
    QUEUE_TEST(results_go_first_then_what_is_superseded_then_the_oldest),
    QUEUE_TEST(what_is_in_a_batch_never_goes),
    QUEUE_TEST(what_comes_back_superseded_is_known_to_be),
    QUEUE_TEST(bounds_hold_in_bytes_as_well_as_events),
    QUEUE_TEST(one_that_is_too_large_takes_no_other_with_it),
    QUEUE_TEST(readiness_is_told_once_not_for_each_event),
    QUEUE_TEST(what_the_journal_loses_is_told_dropped_or_kept),
    QUEUE_TEST(a_long_random_life_keeps_every_promise),
    QUEUE_TEST(threads_may_push_while_another_takes),
};

UNIT_MAIN(tests)
