/* SPDX-License-Identifier: Apache-2.0
 *
 * sink.c - the life of a sink, and its look around every second.  See sink.h.
 *
 * How batches reach the plugin is in sink_thread.c and sink_loop.c, what comes of
 * them in sink_fate.c, how the sink finds its far side in sink_health.c.
 */
#include "sink_inside.h"

#include <string.h>

#define SINK_TICK       CLOCK_SECOND
#define SINK_BATCH_LATE (30 * CLOCK_SECOND)

/* ---- for sink_thread.c and sink_loop.c ---- */

struct sonde_batch *
sink_take(struct sink_run *run, size_t most, int64_t now, bool empty)
{
    struct sonde_batch *batch;
    struct list *link;

    pthread_mutex_lock(&run->lock);
    link = list_first(&run->spare);
    if (link)
        list_remove(link);
    pthread_mutex_unlock(&run->lock);
    batch = link ? container_of(link, struct sonde_batch, link)
                 : batch_new(&run->owner, run->most);
    bool any = batch_fill(batch, most, now) || empty;
    pthread_mutex_lock(&run->lock);
    if (any)
        run->out_count++;
    list_push(any ? &run->out : &run->spare, &batch->link);
    pthread_mutex_unlock(&run->lock);
    return any ? batch : NULL;
}

size_t
sink_limit(struct sink_run *run, int64_t now)
{
    size_t limit;

    pthread_mutex_lock(&run->lock);
    limit = now < run->resume_at || run->handing ? 0 : run->limit;
    pthread_mutex_unlock(&run->lock);
    return limit;
}

int64_t
sink_resume_at(struct sink_run *run)
{
    int64_t at;

    pthread_mutex_lock(&run->lock);
    at = run->resume_at;
    pthread_mutex_unlock(&run->lock);
    return at;
}

bool
sink_begin(struct sink_run *run)
{
    struct sonde_instance *instance = &run->sink->instance;

    atomic_store(&instance->deadline, clock_now() + SINK_BUDGET);
    run->started = instance_start(instance) == 0;
    atomic_store(&instance->deadline, 0);
    if (run->started)
        return true;
    run->opened = false;
    sink_failed(run, instance->why);
    return false;
}

bool
sink_over(struct sink_run *run)
{
    int64_t now = clock_now();
    bool draining, over;

    pthread_mutex_lock(&run->lock);
    draining = run->draining;
    over = now >= run->give_up_at
           || (run->health.state == SONDE_DOWN && !sink_moves(run, now))
           || (run->handing && !run->out_count);
    draining &= over || !run->handing;
    pthread_mutex_unlock(&run->lock);
    return draining
           && (over
               || (!atomic_load(&run->sink->feeders) && !queue_count(run->owner.queue)));
}

bool
sink_wait(struct sink_run *run, const bool *flag, int64_t deadline)
{
    struct timespec until;
    int64_t at;
    int error = 0;

    clock_gettime(CLOCK_MONOTONIC, &until);
    at = deadline - clock_now(); /* the clock may be a test's */
    at = (int64_t)until.tv_sec * CLOCK_SECOND + until.tv_nsec + (at > 0 ? at : 0);
    until.tv_sec = at / CLOCK_SECOND;
    until.tv_nsec = at % CLOCK_SECOND;
    while (!*flag && error == 0)
        error = pthread_cond_timedwait(&run->changed, &run->lock, &until);
    return *flag;
}

/* ---- every second, on the delivery loop ---- */

/* A batch that does not come back holds up this sink only, but somebody must know. */
static void
sink_look_for_late(struct sink_run *run, int64_t now)
{
    struct list *link;
    bool late;

    pthread_mutex_lock(&run->lock);
    link = list_first(&run->out); /* the oldest */
    late = link
           && now - container_of(link, struct sonde_batch, link)->since >= SINK_BATCH_LATE
           && run->health.state != SONDE_DOWN && run->health.state != SONDE_DEGRADED;
    pthread_mutex_unlock(&run->lock);
    if (late)
        sink_say(run, SONDE_DEGRADED, false, "a batch has been out for 30 s");
}

/* For want of room; what is damaged was told when it was found. */
static uint64_t
sink_dropped(const struct sink *sink)
{
    const atomic_ullong *lines = queue_ledger(sink->queue)->lines;

    return ledger_dropped(lines) - ledger_read(&lines[LEDGER_DAMAGED]);
}

static void
sink_tell_losses(struct sink_run *run, int64_t now)
{
    uint64_t dropped = sink_dropped(run->sink), more = 0, untold = 0;

    pthread_mutex_lock(&run->lock);
    if (dropped != run->drops_told && now - run->drop_told_at >= SINK_TELL) {
        more = dropped - run->drops_told;
        run->drops_told = dropped;
        run->drop_told_at = now;
    }
    if (run->rejects_untold && now - run->reject_told_at >= SINK_TELL) {
        untold = run->rejects_untold;
        run->rejects_untold = 0;
        run->reject_told_at = now;
    }
    pthread_mutex_unlock(&run->lock);
    if (more)
        sink_log(run, SONDE_WARNING, "its buffer is full: %llu events dropped",
                 (unsigned long long)more);
    if (untold)
        sink_tell_rejects(run, untold);
}

/* What was dropped beside results: states that the far side may not know of. */
static uint64_t
sink_states_lost(const struct sink *sink)
{
    const atomic_ullong *lines = queue_ledger(sink->queue)->lines;

    return ledger_dropped(lines) - ledger_read(&lines[LEDGER_RESULT]);
}

static void
sink_look_for_lost(struct sink_run *run)
{
    uint64_t lost = sink_states_lost(run->sink);

    if (lost != run->states_lost)
        atomic_store(&run->missed, true);
    run->states_lost = lost;
}

static void
sink_tick(struct timer *timer)
{
    struct sink_run *run = container_of(timer, struct sink_run, tick);
    int64_t now = clock_now();

    sink_look_for_lost(run);
    sink_look_for_late(run, now);
    sink_tell_losses(run, now);
    sink_failover(run);
    sink_present(run);
    loop_set(run->delivery, &run->tick, now + SINK_TICK);
}

/* ---- the life of a sink ---- */

static void
sink_on_loop(void *arg)
{
    struct sink_run *run = arg;

    loop_set(run->delivery, &run->tick, clock_now() + SINK_TICK);
    if (run->sink->instance.plugin->sink.submit)
        sink_loop_start(run);
}

static void
sink_ready(void *arg)
{
    struct sink_run *run = arg;

    run->wake(run);
}

static void
sink_run_init(struct sink_run *run)
{
    pthread_condattr_t monotonic;

    pthread_mutex_init(&run->lock, NULL);
    pthread_mutex_init(&run->writing_lock, NULL);
    pthread_mutex_init(&run->letters_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&run->changed, &monotonic);
    pthread_condattr_destroy(&monotonic);
    list_init(&run->out);
    list_init(&run->spare);
    timer_init(&run->tick, sink_tick);
    timer_init(&run->move, sink_move);
}

void
sink_prepare(struct sink *sink, struct loop *delivery, struct workers *workers)
{
    const struct sonde_sink *plugin = &sink->instance.plugin->sink;
    struct sink_run *run = memory_new(sizeof(*run));
    size_t length = strlen(sink->instance.name);
    int64_t long_ago = clock_now() - 3600 * CLOCK_SECOND;

    *run = (struct sink_run){ .owner = { .queue = sink->queue,
                                         .format = sink->format,
                                         .payload = sink->payload,
                                         .several = plugin->in_flight > 1,
                                         .delivered = sink_delivered,
                                         .rejected = sink_rejected,
                                         .back = sink_back,
                                         .misused = sink_misused },
                              .sink = sink,
                              .delivery = delivery,
                              .workers = workers,
                              .opened = true,
                              .most = plugin->batch ? plugin->batch : BATCH_MOST,
                              .in_flight = plugin->in_flight ? plugin->in_flight : 1,
                              .wake = plugin->submit ? sink_loop_wake : sink_thread_wake,
                              .random = text_hash(sink->instance.name, length)
                                        ^ ((uint64_t)clock_now() | 1),
                              .health = { .state = SONDE_UNKNOWN, .since = clock_wall() },
                              .presented_at = long_ago,
                              .reject_told_at = long_ago,
                              .drop_told_at = long_ago,
                              .move_told_at = long_ago,
                              .wrote_at = clock_now(),
                              .drops_told = sink_dropped(sink),
                              .states_lost = sink_states_lost(sink) };
    run->limit = run->most;
    sink_run_init(run);
    run->feeding = true;
    if (sink->other)
        atomic_fetch_add(&sink->other->feeders, 1);
    sink->run = run;
    sink->instance.on_word = sink_word;
    if (plugin->submit)
        sink->instance.loop = delivery;
}

void
sink_start(struct sink *sink, struct loop *delivery, struct workers *workers)
{
    struct sink_run *run;

    if (!sink->run)
        sink_prepare(sink, delivery, workers);
    run = sink->run;
    queue_on_ready(sink->queue, sink_ready, run);
    loop_post(delivery, sink_on_loop, run);
    if (!sink->instance.plugin->sink.submit)
        sink_thread_start(run);
}

void
sink_push(struct sink *sink, struct sonde_event *event, const char *route)
{
    if (sink->spool)
        spool_push(sink->spool, event, route, 0);
    else
        queue_push(sink->queue, event, route);
}

bool
sink_full(struct sink *sink)
{
    return sink->spool ? spool_used(sink->spool, 3) : queue_full(sink->queue);
}

bool
sink_eased(struct sink *sink)
{
    return sink->spool ? !spool_used(sink->spool, 2) : queue_room(sink->queue);
}

/* It gives up a little before the deadline, so that cancel has time to work. */
void
sink_drain(struct sink *sink, int64_t deadline)
{
    struct sink_run *run = sink->run;
    int64_t now = clock_now(), reserve = (deadline - now) / 4;

    if (!run)
        return;
    if (reserve > CLOCK_SECOND / 2)
        reserve = CLOCK_SECOND / 2;
    pthread_mutex_lock(&run->lock);
    if (!run->draining) {
        run->draining = true;
        run->give_up_at = deadline - reserve;
    }
    pthread_mutex_unlock(&run->lock);
    run->wake(run);
}

void
sink_off_loop(void *arg)
{
    struct sink_run *run = arg;

    loop_clear(run->delivery, &run->tick);
    loop_clear(run->delivery, &run->move);
}

bool
sink_stop(struct sink *sink, int64_t deadline)
{
    struct sink_run *run = sink->run;
    bool ended;

    if (!run)
        return true;
    sink_drain(sink, clock_now()); /* nothing if it was asked before */
    ended = sink->instance.plugin->sink.submit ? sink_loop_stop(run, deadline)
                                               : sink_thread_stop(run, deadline);
    if (!ended) {
        sink_log(run, SONDE_WARNING, "is stuck in its plugin and left behind");
        sink_ended(run);
    }
    queue_on_ready(sink->queue, NULL, NULL);
    /* What was posted before runs before this does. */
    return loop_call(run->delivery, sink_off_loop, run, deadline) && ended;
}

void
sink_close(struct sink *sink)
{
    instance_close(&sink->instance);
}

void
sink_deinit(struct sink *sink)
{
    struct sink_run *run = sink->run;

    instance_deinit(&sink->instance);
    arena_deinit(&sink->memory);
    free(sink->otherwise);
    if (!run)
        return;
    list_each_safe (link, &run->spare)
        batch_free(container_of(link, struct sonde_batch, link));
    pthread_cond_destroy(&run->changed);
    event_pool_free(run->letters);
    pthread_mutex_destroy(&run->letters_lock);
    pthread_mutex_destroy(&run->writing_lock);
    pthread_mutex_destroy(&run->lock);
    free(run);
    sink->run = NULL;
}

struct ledger_sum
sink_ledger(const struct sink *sink)
{
    return sink->spool ? spool_sum(sink->spool) : queue_sum(sink->queue);
}

bool
sink_room(const struct sink *sink)
{
    return sink->spool ? spool_room(sink->spool) : queue_room(sink->queue);
}

uint64_t
sink_disk(const struct sink *sink)
{
    return (uint64_t)(sink->options.disk ? sink->options.disk : SINK_DISK);
}
