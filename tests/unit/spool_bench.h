/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_bench.h - for tests of the spool: a real journal in a fresh directory, one sink,
 * a home whose reading thread is the test, and a memory of all that was pushed and
 * delivered, by seq.
 */
#ifndef TESTS_SPOOL_BENCH_H
#define TESTS_SPOOL_BENCH_H

#include "unit.h"

#include "clock.h"
#include "memory.h"
#include "said.h"
#include "spool.h"

#include <pthread.h>
#include <stdio.h>

enum { CHECKS = 50, SEQS = 120000, BATCH = 64 };

struct bench {
    struct journal *journal;
    struct spool *spool;
    struct queue *queue;
    struct event_pool *pool;
    struct origin *origins[CHECKS];
    pthread_mutex_t order; /* as keep.c's: append and push are one step */
    struct journal_options options;
    struct spool_bounds bounds;
    uint64_t seq;
    uint64_t last[CHECKS]; /* seq, of what was delivered */
    uint16_t delivered[SEQS], check[SEQS];
    uint64_t duplicates, overtaken, agains;
    atomic_uint wakes;
    void (*before_again)(struct spool *spool, struct sonde_event *event);
    bool asleep;   /* the journal writes nothing */
    bool refuse;   /* as a journal that has no room */
    bool shuffled; /* changes may come again behind results */
};

static struct bench bench;

static inline void
bench_wake(void *arg)
{
    (void)arg;
    atomic_fetch_add(&bench.wakes, 1);
}

static inline uint64_t
bench_append(struct sonde_event *event, const char *sink, const char *route)
{
    const struct encoded *json = event_encoded(event, EVENT_JSON);
    AUTO_FREE struct journal_head *head =
        journal_event_head(&(struct journal_target){ sink, route }, 1);
    struct iovec parts[] = { { head->bytes, head->length },
                             { (void *)json->bytes, json->length } };

    return bench.refuse ? 0 : journal_append(bench.journal, JOURNAL_EVENT, parts, 2);
}

/* With the order locked where there is room, or the journal is to refuse: whoever waits
 * for it must not hold what its thread needs for a note. */
static inline uint64_t
bench_append_in_order(struct sonde_event *event, const char *sink, const char *route)
{
    for (;;) {
        uint64_t record;

        pthread_mutex_lock(&bench.order);
        record = bench_append(event, sink, route);
        if (record || bench.refuse)
            return record;
        pthread_mutex_unlock(&bench.order);
        usleep(1000);
    }
}

static inline void
bench_again(void *arg, struct spool *spool, struct sonde_event *event,
            struct ledger_route *route, int64_t accepted)
{
    uint64_t record;

    (void)arg;
    if (bench.before_again)
        bench.before_again(spool, event);
    pthread_mutex_lock(&bench.order);
    if (spool_overtaken(spool, event, route))
        bench.overtaken++;
    else {
        bench.agains++;
        record = bench_append(event, "sink", route->name);
        assert_true(record || bench.refuse);
        spool_push_again(spool, event, route, record, accepted);
    }
    pthread_mutex_unlock(&bench.order);
    event_unref(event);
}

/* ---- the journal's client ---- */

static inline void
bench_restore(void *arg, const struct journal_record *record)
{
    struct journal_name name, route;
    struct journal_event event;

    (void)arg;
    if (record->kind == JOURNAL_CURSOR) {
        assert_true(spool_pack_name(record->payload, record->length, &name));
        assert_memory_equal(name.text, "sink", name.length);
        assert_true(spool_restore(bench.spool, record->payload, record->length));
    } else if (record->kind == JOURNAL_EVENT) {
        assert_true(journal_event_read(&event, record->payload, record->length));
        while (journal_event_next(&event, &name, &route))
            if (name.length == 4 && memcmp(name.text, "sink", 4) == 0)
                spool_restore_record(bench.spool, record->number, &route);
    }
}

static inline void
bench_note(void *arg, struct journal_notes *notes, uint64_t written)
{
    struct journal_head *head;

    (void)arg;
    pthread_mutex_lock(&bench.order);
    head = spool_pack(bench.spool, written);
    pthread_mutex_unlock(&bench.order);
    journal_note(notes, JOURNAL_CURSOR, &(struct iovec){ head->bytes, head->length }, 1);
    free(head);
}

static inline uint64_t
bench_needed(void *arg)
{
    uint64_t needed;

    (void)arg;
    pthread_mutex_lock(&bench.order);
    needed = spool_needed(bench.spool);
    pthread_mutex_unlock(&bench.order);
    return needed;
}

/* ---- the life of it ---- */

static inline void
bench_attach(void)
{
    bench.queue = queue_new((struct queue_bounds){ 1, 1 });
    spool_attach(bench.spool, bench.queue, bench.bounds);
}

static inline void
bench_detach(void)
{
    spool_detach(bench.spool);
    queue_free(bench.queue);
    bench.queue = NULL;
}

static inline void
bench_open(void)
{
    static const struct journal_client client = { .restore = bench_restore,
                                                  .snapshot = bench_note,
                                                  .checkpoint = bench_note,
                                                  .needed = bench_needed };
    char why[JOURNAL_WHY] = "";

    bench.spool = spool_new("sink",
                            &(struct spool_home){ bench_wake, bench_again, NULL });
    bench.journal = journal_open("j", &bench.options, &client, why);
    assert_string_equal(why, "");
    spool_open(bench.spool, bench.journal);
    if (!bench.asleep)
        journal_start(bench.journal);
    bench_attach();
}

static inline void
bench_close(void)
{
    bench_detach();
    assert_int_equal(journal_close(bench.journal), 0);
    spool_free(bench.spool);
    bench.journal = NULL;
}

static inline int
bench_begin(void **state)
{
    memset(&bench, 0, sizeof(bench));
    pthread_mutex_init(&bench.order, NULL);
    bench.pool = event_pool_new();
    bench.options = (struct journal_options){ .sync = JOURNAL_NEVER,
                                              .segment = 64 << 10 };
    bench.bounds = (struct spool_bounds){ 64 << 10, 256 << 20, false };
    for (int i = 0; i < CHECKS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "check-%d", i);
        bench.origins[i] = origin_new(name, "tcp", "node-1", NULL, 0);
    }
    return said_enter(state);
}

static inline int
bench_end(void **state)
{
    for (int i = 0; i < CHECKS; i++)
        origin_unref(bench.origins[i]);
    event_pool_free(bench.pool);
    pthread_mutex_destroy(&bench.order);
    return said_leave(state);
}

/* ---- what happens in it ---- */

static inline void
bench_closes(void)
{
    struct ledger_sum sum = spool_sum(bench.spool);

    assert_int_equal(sum.accepted + sum.restored,
                     sum.delivered + sum.rejected + sum.moved + sum.dropped + sum.queued);
}

static inline uint64_t
bench_line(enum ledger_line line)
{
    return ledger_read(&queue_ledger(bench.queue)->lines[line]);
}

static inline struct sonde_event *
bench_event(int check, enum event_kind kind)
{
    struct sonde_event *event = event_new(bench.pool, bench.origins[check]);

    event->kind = kind;
    event->seq = ++bench.seq;
    assert_true(bench.seq < SEQS);
    bench.check[bench.seq] = (uint16_t)check;
    return event;
}

/* Returns its record. */
static inline uint64_t
bench_push(int check, enum event_kind kind)
{
    struct sonde_event *event = bench_event(check, kind);
    const char *route = check % 2 ? "odd" : "even";
    uint64_t record;

    record = bench_append_in_order(event, "sink", route);
    spool_push(bench.spool, event, route, record);
    pthread_mutex_unlock(&bench.order);
    event_unref(event);
    return record;
}

/* A record that others want. */
static inline void
bench_push_other(void)
{
    struct sonde_event *event = event_new(bench.pool, bench.origins[0]);

    bench_append_in_order(event, "other", "even");
    pthread_mutex_unlock(&bench.order);
    event_unref(event);
}

static inline void
bench_work(void)
{
    while (spool_work(bench.spool))
        ;
}

static inline void
bench_delivered(const struct sonde_event *event)
{
    int check = bench.check[event->seq];

    assert_string_equal(event->origin->check, bench.origins[check]->check);
    if (bench.delivered[event->seq]++)
        bench.duplicates++;
    else if (!bench.shuffled || event->kind == EVENT_CHANGE) {
        assert_true(event->seq > bench.last[check]);
        bench.last[check] = event->seq;
    }
}

/* Up to so many are delivered. */
static inline size_t
bench_deliver(size_t most)
{
    struct queue_entry *batch[BATCH];
    size_t count = queue_take(bench.queue, batch, most < BATCH ? most : BATCH, true,
                              clock_now());

    for (size_t i = 0; i < count; i++) {
        bench_delivered(batch[i]->event);
        queue_settle(bench.queue, batch[i], SONDE_DELIVERED, 0);
    }
    return count;
}

static inline void
bench_deliver_all(void)
{
    do
        bench_work();
    while (bench_deliver(BATCH));
    assert_int_equal(spool_sum(bench.spool).queued, 0);
    bench_closes();
}

static inline void
bench_written(uint64_t record)
{
    while (journal_written(bench.journal) < record)
        usleep(1000);
}

#endif
