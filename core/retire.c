/* SPDX-License-Identifier: Apache-2.0
 *
 * retire.c - what leaves beside the graph that runs.  See retire.h.
 *
 * A timer of the main loop looks: often while something drains or hands over, once a
 * second for what is stuck, which is kept until it comes back or the daemon ends.
 */
#include "retire.h"

#include "clock.h"
#include "log.h"

#include <inttypes.h>
#include <string.h>

#define RETIRE_HAND_OVER (500 * CLOCK_MS) /* for what is out when a sink has an heir */
#define RETIRE_RESERVE   (500 * CLOCK_MS) /* for cancel to work before the deadline */
#define RETIRE_LOOK      (5 * CLOCK_MS)
#define RETIRE_LOOK_LATE CLOCK_SECOND

struct leaver {
    struct list link;
    struct sink *sink, *heir; /* heir NULL: it drains, or the heir has been started */
    int64_t cancel_at, deadline;
    bool cancelled, stuck;
};

struct leaving_source {
    struct list link;
    struct source *source, *heir;
    int64_t deadline;
    bool ending, stuck;
};

struct leaving_check {
    struct list link;
    struct check *check;
    bool gone;
};

static bool
retire_empty(const struct retired *retired)
{
    return list_empty(&retired->sinks) && list_empty(&retired->checks)
           && list_empty(&retired->sources);
}

/* ---- freed when the loops have passed ---- */

struct checks {
    struct check **all;
    size_t count;
};

static void
retire_free_checks(void *arg)
{
    struct checks *checks = arg;

    for (size_t i = 0; i < checks->count; i++) {
        check_deinit(checks->all[i]);
        free(checks->all[i]);
    }
    free(checks->all);
    free(checks);
}

void
retire_checks(struct engine *engine, struct check **all, size_t count)
{
    struct checks *checks = memory_new(sizeof(*checks));

    for (size_t i = 0; i < count; i++)
        check_close(all[i]);
    *checks = (struct checks){ all, count };
    engine_after(engine, retire_free_checks, checks);
}

static void
retire_sink_gone(void *arg)
{
    struct sink *sink = arg;

    presents_free(sink->arg);
    sink_deinit(sink);
    free(sink);
}

/* What waits stays on the disk, for a sink of that name. */
static void
retire_leave_spool(struct sink *sink)
{
    uint64_t waited;

    if (!sink->spool || spool_queue(sink->spool) != sink->queue)
        return;
    waited = spool_waiting_count(sink->spool);
    spool_detach(sink->spool);
    waited -= spool_waiting_count(sink->spool);
    if (waited)
        log_warning("sink \"%s\": %" PRIu64 " event%s that no disk held %s lost%s",
                    sink->instance.name, waited, waited == 1 ? "" : "s",
                    waited == 1 ? "is" : "are",
                    sink->options.present ? "; every state is told again when it is back"
                                          : "");
}

static void
retire_queue_gone(void *arg)
{
    struct sink *sink = arg;

    retire_leave_spool(sink);
    queue_free(sink->queue);
    retire_sink_gone(sink);
}

/* Its threads may tell their health until it is closed. */
static void
retire_close(struct engine *engine, struct sink *sink, bool queue)
{
    sink_close(sink);
    if (sink->arg)
        presents_stop(sink->arg);
    engine_after(engine, queue ? retire_queue_gone : retire_sink_gone, sink);
}

void
retire_free_sink(struct engine *engine, struct sink *sink)
{
    retire_close(engine, sink, true);
}

/* ---- sinks ---- */

static void
retire_start_heir(struct retired *retired, struct leaver *leaver)
{
    sink_start(leaver->heir, retired->engine->delivery, retired->engine->workers);
    leaver->heir = NULL;
    retired->heirs--;
}

static void
retire_say_lost(const struct sink *sink)
{
    uint64_t lost = sink_ledger(sink).queued;

    if (lost && sink->spool)
        log_warning("sink \"%s\" was removed; %" PRIu64
                    " events wait for it on the disk, and go to it when it is back",
                    sink->instance.name, lost);
    else if (lost)
        log_warning("sink \"%s\" was removed; %" PRIu64 " events that waited are lost",
                    sink->instance.name, lost);
    else
        log_info("sink \"%s\" was removed; nothing waited any more", sink->instance.name);
}

void
retire_send_to(struct retired *retired, const struct sink *was, struct sink *now)
{
    list_each (link, &retired->sinks) {
        struct sink *sink = container_of(link, struct leaver, link)->sink;

        if (sink->other == was)
            sink_send_to(sink, now);
    }
}

/* Its instance is not in the plugin any more. */
static void
retire_ended(struct retired *retired, struct leaver *leaver)
{
    struct sink *sink = leaver->sink;
    bool handed = leaver->heir || sink->abandoned;

    list_remove(&leaver->link);
    retire_send_to(retired, sink, NULL);
    sink_end(sink);
    if (leaver->heir)
        retire_start_heir(retired, leaver);
    if (!handed && !leaver->stuck) {
        queue_give_up(sink->queue);
        retire_say_lost(sink);
    }
    retire_close(retired->engine, sink, !handed);
    free(leaver);
}

static void
retire_give_up(struct retired *retired, struct leaver *leaver)
{
    leaver->stuck = true;
    if (leaver->heir) {
        sink_take_back(leaver->sink);
        retire_start_heir(retired, leaver);
        return;
    }
    log_warning("sink \"%s\" was removed and is stuck in its plugin; %" PRIu64
                " events %s",
                leaver->sink->instance.name, sink_ledger(leaver->sink).queued,
                leaver->sink->spool ? "wait on the disk" : "that waited are lost");
    retire_send_to(retired, leaver->sink, NULL);
    sink_send_to(leaver->sink, NULL);
    queue_give_up(leaver->sink->queue);
    retire_leave_spool(leaver->sink);
}

/* Whether it is to be looked at again soon. */
static bool
retire_look_at(struct retired *retired, struct leaver *leaver)
{
    int64_t now = clock_now();

    if (sink_done(leaver->sink)) {
        retire_ended(retired, leaver);
        return false;
    }
    if (leaver->stuck)
        return false;
    if (!leaver->cancelled && now >= leaver->cancel_at) {
        leaver->cancelled = true;
        sink_cancel(leaver->sink);
    }
    if (now < leaver->deadline)
        return true;
    retire_give_up(retired, leaver);
    return false;
}

static void
retire_later(struct retired *retired, bool soon)
{
    int64_t pause = soon ? RETIRE_LOOK : RETIRE_LOOK_LATE;

    if (!retire_empty(retired))
        loop_set(retired->engine->main, &retired->timer, clock_now() + pause);
}

static struct leaver *
retire_leaver(const struct retired *retired, const struct sink *sink)
{
    list_each (link, &retired->sinks) {
        struct leaver *leaver = container_of(link, struct leaver, link);

        if (leaver->sink == sink)
            return leaver;
    }
    return NULL;
}

void
retire_hand_over(struct retired *retired, struct sink *sink, struct sink *heir)
{
    struct leaver *leaver = retire_leaver(retired, sink);
    int64_t now = clock_now();

    leaver->heir = heir;
    leaver->cancelled = false;
    leaver->cancel_at = now + RETIRE_HAND_OVER;
    leaver->deadline = now + RETIRE_DEADLINE;
    retired->heirs++;
    sink_hand_over(sink, leaver->cancel_at);
    retire_later(retired, true);
}

void
retire_sink(struct retired *retired, struct sink *sink, struct sink *heir)
{
    struct leaver *leaver = memory_new(sizeof(*leaver));

    leaver->sink = sink;
    list_push(&retired->sinks, &leaver->link);
    if (heir) {
        retire_hand_over(retired, sink, heir);
        return;
    }
    leaver->deadline = clock_now() + RETIRE_DEADLINE;
    leaver->cancel_at = leaver->deadline - RETIRE_RESERVE;
    sink_drain(sink, leaver->deadline);
    retire_later(retired, true);
}

struct sink *
retire_find(const struct retired *retired, const char *name)
{
    list_each (link, &retired->sinks) {
        const struct leaver *leaver = container_of(link, struct leaver, link);

        if (!leaver->stuck && !leaver->heir
            && strcmp(leaver->sink->instance.name, name) == 0)
            return leaver->sink;
    }
    return NULL;
}

/* ---- checks ---- */

/* On its loop. */
static void
retire_look_at_check(void *arg)
{
    struct leaving_check *leaving = arg;

    leaving->gone = !check_stuck(leaving->check);
}

void
retire_check(struct retired *retired, struct check *check)
{
    struct leaving_check *leaving = memory_new(sizeof(*leaving));

    leaving->check = check;
    list_push(&retired->checks, &leaving->link);
    retire_later(retired, true);
}

static void
retire_look_at_checks(struct retired *retired)
{
    const int64_t deadline = clock_now() + RETIRE_LOOK;

    list_each_safe (link, &retired->checks) {
        struct leaving_check *leaving = container_of(link, struct leaving_check, link);
        struct check **one;

        if (!loop_call(leaving->check->home->loop, retire_look_at_check, leaving,
                       deadline))
            return; /* later; it may still come to it */
        if (!leaving->gone)
            continue;
        list_remove(link);
        one = memory_array(1, sizeof(struct check *));
        one[0] = leaving->check;
        retire_checks(retired->engine, one, 1);
        free(leaving);
    }
}

/* ---- sources ---- */

void
retire_source(struct retired *retired, struct source *source, struct source *heir)
{
    struct leaving_source *leaving = memory_new(sizeof(*leaving));

    leaving->source = source;
    leaving->heir = heir;
    leaving->deadline = clock_now() + (heir ? RETIRE_HAND_OVER : RETIRE_DEADLINE);
    retired->heirs += heir != NULL;
    list_push(&retired->sources, &leaving->link);
    retire_later(retired, true);
}

/* It begins where the other ended. */
static void
retire_start_source(struct retired *retired, struct leaving_source *leaving)
{
    struct source *heir = leaving->heir;

    leaving->heir = NULL;
    if (!heir)
        return;
    retired->heirs--;
    if (retired->ending)
        return;
    source_start(heir);
    engine_add_loop(retired->engine, heir->loop);
}

/* The daemon's own check looks at sources as well. */
static void
retire_free_source(void *arg)
{
    source_deinit(arg);
    free(arg);
}

static void
retire_source_gone(struct retired *retired, struct leaving_source *leaving)
{
    if (!loop_join(leaving->source->loop, clock_now() + CLOCK_SECOND))
        return; /* on its very last steps; the next look */
    list_remove(&leaving->link);
    instance_close(&leaving->source->instance);
    engine_after(retired->engine, retire_free_source, leaving->source);
    retire_start_source(retired, leaving);
    free(leaving);
}

/* Whether it is to be looked at again soon. */
static bool
retire_look_at_source(struct retired *retired, struct leaving_source *leaving)
{
    struct source *source = leaving->source;
    bool late = clock_now() >= leaving->deadline;

    if (leaving->ending && source_gone(source)) {
        retire_source_gone(retired, leaving);
        return false;
    }
    if (!leaving->ending && source_left(source) && (late || !source_out(source))) {
        leaving->ending = true;
        engine_remove_loop(retired->engine, source->loop); /* nothing is posted behind */
        source_quit(source);
        return true;
    }
    if (late && !leaving->stuck && clock_now() >= leaving->deadline + RETIRE_DEADLINE) {
        leaving->stuck = true;
        log_warning("source \"%s\" is stuck in its plugin and left behind",
                    source->instance.name);
        retire_start_source(retired, leaving);
    }
    return !leaving->stuck;
}

/* ---- the look ---- */

static void
retire_look(struct timer *timer)
{
    struct retired *retired = container_of(timer, struct retired, timer);
    bool soon = false;

    list_each_safe (link, &retired->sinks)
        soon |= retire_look_at(retired, container_of(link, struct leaver, link));
    list_each_safe (link, &retired->sources)
        soon |= retire_look_at_source(retired,
                                      container_of(link, struct leaving_source, link));
    retire_look_at_checks(retired);
    retire_later(retired, soon);
}

void
retired_init(struct retired *retired, struct engine *engine)
{
    *retired = (struct retired){ .engine = engine };
    list_init(&retired->sinks);
    list_init(&retired->checks);
    list_init(&retired->sources);
    timer_init(&retired->timer, retire_look);
}

/* ---- the end ---- */

void
retire_hasten(struct retired *retired, int64_t deadline)
{
    const int64_t now = clock_now();

    retired->ending = true;
    list_each (link, &retired->sources)
        container_of(link, struct leaving_source, link)->deadline = now;
    list_each (link, &retired->sinks) {
        struct leaver *leaver = container_of(link, struct leaver, link);
        /* An heir must have time as well. */
        int64_t most = leaver->heir ? now + (deadline - now) / 2 : deadline;

        if (leaver->deadline > most)
            leaver->deadline = most;
        if (leaver->cancel_at > most - RETIRE_RESERVE)
            leaver->cancel_at = most - RETIRE_RESERVE;
    }
}

bool
retire_settled(const struct retired *retired)
{
    list_each (link, &retired->sinks)
        if (!container_of(link, struct leaver, link)->stuck)
            return false;
    list_each (link, &retired->sources)
        if (!container_of(link, struct leaving_source, link)->stuck)
            return false;
    return true;
}

bool
retire_finish(struct retired *retired)
{
    retire_look(&retired->timer);
    return retire_empty(retired);
}

void
retire_log_stuck(const struct retired *retired)
{
    list_each (link, &retired->checks)
        log_warning("check \"%s\" is stuck in its plugin and left behind",
                    container_of(link, struct leaving_check, link)->check->instance.name);
}
