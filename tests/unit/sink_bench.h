/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_bench.h - a sink on a bench: fake plugins of every temper, in process.
 *
 * Asynchronous sinks are driven by hand on a clock that stands still; blocking ones
 * have their own thread and the real clock.
 */
#ifndef TESTS_SINK_BENCH_H
#define TESTS_SINK_BENCH_H

#include "unit.h"

#include "clock.h"
#include "log.h"
#include "sink.h"

#include <assert.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { CHECKS = 40 };

static const struct sonde_option no_options[] = { { 0 } };

/* One bench a test; the fake plugins find it here. */
static struct bench {
    struct plugin plugin;
    struct sink sink;
    struct loop *loop;
    struct workers *workers;
    struct event_pool *pool;
    struct origin *origins[CHECKS];
    int64_t now; /* 0: the real clock */
    bool stopped;

    atomic_int opened, started, refuse_starts, batches, empties, presents, tellings,
        cancels;
    atomic_bool fail, hang, poisonous; /* what the plugin does */
    bool hold;                         /* submit keeps the batch */
    int64_t poison, retry_once;        /* a seq */
    struct sonde_batch *held[4];
    int held_count;
    uint64_t seen[4096]; /* seqs delivered, in order */
    atomic_int seen_count;
} bench;

/* ---- the plugins ---- */

static inline uint64_t
seq_of(const struct sonde_item *item)
{
    return sonde_item_event(item)->seq;
}

static inline void
deliver(struct sonde_item *item)
{
    int at = atomic_load(&bench.seen_count);

    bench.seen[at] = seq_of(item);
    sonde_settle(item, SONDE_DELIVERED, NULL);
    atomic_store(&bench.seen_count, at + 1);
}

static inline int
fake_open(struct sonde_instance *self)
{
    (void)self;
    bench.opened++;
    return 0;
}

static inline int
fake_start(struct sonde_instance *self)
{
    bench.started++;
    if (bench.refuse_starts-- > 0)
        return sonde_fail(self, NULL, "127.0.0.1:9: connection refused");
    return 0;
}

static inline enum sonde_fate
fake_write(struct sonde_instance *self, struct sonde_batch *batch)
{
    struct sonde_item *item = NULL;

    assert(sonde_time_left(self) > 9000);
    bench.batches++;
    if (!sonde_next(batch, NULL))
        bench.empties++;
    while (atomic_load(&bench.hang))
        usleep(1000);
    if (atomic_load(&bench.fail)) {
        sonde_health(self, SONDE_DOWN, "the cable\n is cut");
        return SONDE_RETRY;
    }
    while ((item = sonde_next(batch, item))) {
        if ((int64_t)seq_of(item) == bench.retry_once) {
            bench.retry_once = -1;
            sonde_settle(item, SONDE_RETRY, "not now");
        } else
            deliver(item);
    }
    return SONDE_DELIVERED;
}

static inline void
fake_cancel(struct sonde_instance *self)
{
    (void)self;
    bench.cancels++;
    atomic_store(&bench.hang, false);
}

/* Breaks off at the poison, as a far side does that closes the connection at it. */
static inline void
fake_submit(struct sonde_instance *self, struct sonde_batch *batch)
{
    struct sonde_item *item = NULL;

    (void)self;
    bench.batches++;
    if (bench.hold) {
        bench.held[bench.held_count++] = batch;
        return;
    }
    while ((item = sonde_next(batch, item)))
        if ((int64_t)seq_of(item) == bench.poison && bench.poisonous)
            break;
    if (atomic_load(&bench.fail) || item) {
        sonde_settle_rest(batch, SONDE_RETRY, "connection closed");
        return;
    }
    while ((item = sonde_next(batch, item))) {
        if ((int64_t)seq_of(item) == bench.poison)
            sonde_settle(item, SONDE_RETRY, "try again");
        else
            deliver(item);
    }
}

/* ---- the bench ---- */

static inline void
on_health(struct sink *sink, void *arg)
{
    (void)sink, (void)arg;
    bench.tellings++;
}

static inline void
on_present(struct sink *sink, void *arg)
{
    (void)sink, (void)arg;
    bench.presents++;
}

static inline void
go_refusing(const struct sonde_sink *plugin, bool by_hand, int refuse_starts)
{
    memset(&bench, 0, sizeof(bench));
    bench.refuse_starts = refuse_starts;
    log_level(SONDE_ERROR + 1);
    bench.now = by_hand ? CLOCK_SECOND : 0;
    clock_fake(by_hand ? bench.now : -1, 1);
    bench.poison = bench.retry_once = -1;
    bench.plugin = (struct plugin){
        .role = PLUGIN_SINK, .name = "fake", .options = no_options, .sink = *plugin
    };
    bench.loop = loop_new("delivery");
    bench.workers = workers_new(2);
    bench.pool = event_pool_new();
    for (int i = 0; i < CHECKS; i++) {
        char name[32];

        snprintf(name, sizeof(name), "check-%d", i);
        bench.origins[i] = origin_new(name, "tcp", "node-1", NULL, 0);
    }
    bench.sink.queue = queue_new((struct queue_bounds){ 1000, 1 << 24 });
    bench.sink.on_health = on_health;
    bench.sink.on_present = on_present;
    bench.sink.options.present = true;
    instance_init(&bench.sink.instance, &bench.plugin, "alerts");
    assert_int_equal(instance_open(&bench.sink.instance), 0);
    if (!by_hand)
        loop_start(bench.loop);
    sink_start(&bench.sink, bench.loop, bench.workers);
}

static inline void
go(const struct sonde_sink *plugin, bool by_hand)
{
    go_refusing(plugin, by_hand, 0);
}

static inline void
push(int check, uint64_t seq)
{
    struct sonde_event *event = event_new(bench.pool, bench.origins[check]);

    event->kind = EVENT_CHANGE;
    event->seq = seq;
    sink_push(&bench.sink, event, "route");
    event_unref(event);
}

/* Lets that much time pass on the clock that stands still. */
static inline void
pass(int64_t ms)
{
    for (int64_t end = bench.now + ms * CLOCK_MS; bench.now < end;) {
        bench.now += CLOCK_MS;
        clock_fake(bench.now, bench.now / 1000);
        loop_turn(bench.loop, 0);
    }
}

#define EVENTUALLY(condition)                                                            \
    do {                                                                                 \
        for (int tries_ = 0; tries_ < 3000 && !(condition); tries_++)                    \
            usleep(1000);                                                                \
        assert_true(condition);                                                          \
    } while (0)

static inline void
stop(bool expected)
{
    int64_t deadline = clock_now() + CLOCK_SECOND;

    sink_drain(&bench.sink, deadline);
    if (bench.now) {
        pass(900);
        pass(1);
    }
    assert_int_equal(sink_stop(&bench.sink, deadline), expected);
    bench.stopped = true; /* its thread can be joined once */
}

static inline uint64_t
line(enum ledger_line line)
{
    return ledger_read(&queue_ledger(bench.sink.queue)->lines[line]);
}

static inline void
end(void)
{
    struct ledger_sum sum = sink_ledger(&bench.sink);

    assert_int_equal(sum.accepted,
                     sum.delivered + sum.rejected + sum.moved + sum.dropped + sum.queued);
    if (!bench.stopped)
        stop(true);
    sink_close(&bench.sink);
    sink_deinit(&bench.sink);
    assert_true(loop_join(bench.loop, clock_now() + CLOCK_SECOND));
    clock_fake(-1, 0);
    assert_true(workers_free(bench.workers, clock_now() + CLOCK_SECOND));
    loop_free(bench.loop);
    queue_free(bench.sink.queue);
    for (int i = 0; i < CHECKS; i++)
        origin_unref(bench.origins[i]);
    event_pool_free(bench.pool);
    log_level(SONDE_INFO);
}

static inline void
health_is(enum sonde_state state, const char *why)
{
    struct sink_health health;

    sink_health(&bench.sink, &health);
    assert_int_equal(health.state, state);
    assert_string_equal(health.why, why);
}

static inline bool
is(enum sonde_state state)
{
    struct sink_health health;

    sink_health(&bench.sink, &health);
    return health.state == state;
}

static const struct sonde_sink blocking = {
    .open = fake_open, .start = fake_start, .write = fake_write, .cancel = fake_cancel
};
static const struct sonde_sink looping = {
    .open = fake_open, .start = fake_start, .submit = fake_submit, .cancel = fake_cancel
};

#endif
