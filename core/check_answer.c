/* SPDX-License-Identifier: Apache-2.0
 *
 * check_answer.c - what happens to the answer of a run: it becomes a result, is judged,
 * sent on, followed by a change where the state is another now; then the next run is
 * due.  Whose answer it is (the plugin's, or ours when time is up) is check.c's business.
 */
#include "check_inside.h"

#include "clock.h"

#include <assert.h>
#include <stdio.h>

static uint64_t
check_seq(const struct check *check)
{
    uint64_t seq = atomic_fetch_add_explicit(check->home->seq, 1, memory_order_relaxed);

    keep_seq(check->home->keep, seq);
    return seq;
}

/* What a result made hard; follows it. */
static void
check_change(struct check *check, const struct sonde_event *result,
             const struct verdict *verdict)
{
    struct sonde_event *change = event_new(loop_pool(check->home->loop),
                                           check->known->origin);
    int64_t now = clock_now();

    change->time = result->time;
    event_copy_found(change, result);
    change->kind = EVENT_CHANGE;
    change->own = true;
    change->seq = check_seq(check);
    change->hard = true;
    change->previous = verdict->previous;
    change->since = result->time;
    change->onset = check->known->state.onset;
    if (verdict->previous_since) {
        change->has_was = true;
        change->was.state = verdict->previous;
        change->was.since = verdict->previous_since;
        change->was.duration_ms = state_lasted(&check->known->state, now, result->time);
    }
    state_remember(&check->known->state, change, now);
    router_push(check->path, change);
    event_unref(change);
}

static void
check_negate(struct sonde_event *event, enum sonde_state *state)
{
    char message[256];

    if (*state == SONDE_UNKNOWN)
        return;
    *state = *state == SONDE_DOWN ? SONDE_UP : SONDE_DOWN;
    snprintf(message, sizeof(message), "negated: %s", event->message);
    event_set_message(event, message);
    event->reason = *state == SONDE_UP ? SONDE_OK : SONDE_OTHER;
}

/* An answer that is good but came late.  What the probe said follows. */
static void
check_slow(const struct check *check, struct sonde_event *event, enum sonde_state *state)
{
    int64_t fail = check->latency_fail, warn = check->latency_warn;
    bool failed = fail && event->duration_us > fail * 1000;
    char most[32], message[EVENT_MESSAGE_MOST];

    if (*state == SONDE_UNKNOWN || *state == SONDE_DOWN
        || (!failed && !(*state == SONDE_UP && warn && event->duration_us > warn * 1000)))
        return;
    snprintf(message, sizeof(message), "took %.1f ms, more than latency_%s = %s%s%s",
             (double)event->duration_us / 1e3, failed ? "fail" : "warn",
             text_duration_format(failed ? fail : warn, most, sizeof(most)),
             *event->message ? "; " : "", event->message);
    event_set_message(event, message);
    event->reason = SONDE_LIMIT;
    *state = failed ? SONDE_DOWN : SONDE_DEGRADED;
}

/* Decides what the run found; the plugin's answer is only a part of it. */
static enum sonde_state
check_found(const struct check *check, struct sonde_event *event, enum sonde_state state,
            bool timed)
{
    if (event->reason == SONDE_OBSERVER || event->reason == SONDE_DNSTOUT)
        return SONDE_UNKNOWN;
    if (timed)
        check_slow(check, event, &state);
    if (check->negate)
        check_negate(event, &state);
    if (event->reason == SONDE_OTHER && state == SONDE_UP)
        event->reason = SONDE_OK;
    return state;
}

static void
check_judge(struct check *check, struct sonde_event *event, int64_t began_wall)
{
    struct keep *keep = check->home->keep;
    struct recall *recall = keep_recall(keep);
    struct known *known = check->known;
    unsigned streak = known->state.streak;
    struct verdict verdict;

    recall_lock(recall, known);
    verdict = state_judge(&known->state, &check->rules, event->state, event->reason,
                          event->certain, began_wall);
    event->seq = check_seq(check);
    event->hard = verdict.hard;
    event->attempt = verdict.attempt;
    event->since = !verdict.hard ? 0 : verdict.changed ? event->time : known->state.since;
    router_push(check->path, event);
    if (verdict.changed)
        check_change(check, event, &verdict);
    else if (known->state.streak != streak)
        keep_soft(keep, known);
    recall_unlock(recall, known);
}

static void
check_again(struct check *check, int64_t now)
{
    const struct state *state = &check->known->state;
    int64_t follow = schedule_follow(&check->schedule, now), next;
    unsigned missed;

    if (check->home->on_result)
        return;
    next = schedule_next(&check->schedule, check->known->origin->hash, state->streak > 0,
                         state->hard == SONDE_DOWN, now, &missed);
    if (missed)
        atomic_fetch_add(&check->home->stats.overruns, missed);
    if (follow <= next) {
        check->schedule.asked_at = follow;
        next = follow;
    }
    check_arm(check, next);
}

void
check_finish(struct check *check, struct check_run *run, struct sonde_event *event,
             enum sonde_state state)
{
    int64_t now = clock_now(), took = (now - run->began) / 1000;
    bool timed = !check_stood_still(check, run, now); /* else nobody knows how long */

    assert(check->run == run);
    check->run = NULL;
    loop_clear(check->home->loop, &run->deadline);
    atomic_store_explicit(&check->instance.deadline, 0, memory_order_relaxed);
    event->run = NULL;
    event->kind = EVENT_RESULT;
    event->time = event->detected = clock_wall();
    event->duration_us = timed ? took : (int64_t)check->timeout * 1000;
    event->mode = run->mode;
    event->state = check_found(check, event, state, timed);
    atomic_fetch_add_explicit(&check->home->stats.runs, 1, memory_order_relaxed);
    if (check->home->on_result)
        check->home->on_result(check, event, check->home->arg);
    else
        check_judge(check, event, run->began_wall);
    event_unref(event);
    check_again(check, now);
}

void
check_present(const struct check *check, struct sink *sink)
{
    struct sonde_event *event = state_tell(
        &check->known->state, loop_pool(check->home->loop), check->known->origin);
    const char *route = event ? path_reaches(check->path, event, sink) : NULL;

    if (route) {
        if (!sink->payload)
            event_encoded(event, sink->format);
        sink_push(sink, event, route);
    }
    if (event)
        event_unref(event);
}
