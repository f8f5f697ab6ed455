/* SPDX-License-Identifier: Apache-2.0
 *
 * state.c - the judge.  See state.h.
 */
#include "state.h"

#include <string.h>

/* UNKNOWN is neither better nor worse than anything. */
static int
state_severity(enum sonde_state state)
{
    return state == SONDE_DOWN ? 2 : state == SONDE_DEGRADED ? 1 : 0;
}

static unsigned
state_needed(const struct state *state, const struct judge_rules *rules,
             enum sonde_state found)
{
    if (state->hard == SONDE_UNKNOWN)
        return found == SONDE_UP ? 1 : rules->fall;
    if (found == SONDE_UNKNOWN)
        return rules->fall;
    return state_severity(found) < state_severity(state->hard) ? rules->rise
                                                               : rules->fall;
}

/* Says nothing about the target: our own fault, or a silent resolver. */
static bool
state_void(enum sonde_reason reason)
{
    return reason == SONDE_OBSERVER || reason == SONDE_DNSTOUT;
}

struct verdict
state_judge(struct state *state, const struct judge_rules *rules, enum sonde_state found,
            enum sonde_reason reason, bool certain, int64_t began)
{
    struct verdict verdict = { .previous = state->hard, .previous_since = state->since };

    if (state_void(reason)) {
        verdict.hard = state->hard == SONDE_UNKNOWN;
        verdict.soft = state->streak > 0;
        verdict.attempt = state->streak ? state->streak : 1;
        return verdict;
    }
    if (found == state->hard) {
        state->streak = 0;
        verdict.hard = true;
        verdict.attempt = 1;
        return verdict;
    }
    if (state->streak++ == 0)
        state->onset = began;
    verdict.attempt = state->streak;
    if (certain || state->streak >= state_needed(state, rules, found)) {
        state->hard = found;
        state->streak = 0;
        verdict.changed = verdict.hard = true;
    }
    verdict.soft = !verdict.changed;
    return verdict;
}

bool
state_turns_down(const struct state *state, const struct judge_rules *rules, bool certain)
{
    return state->hard != SONDE_DOWN
           && (certain || state->streak + 1u >= state_needed(state, rules, SONDE_DOWN));
}

void
state_remember(struct state *state, const struct sonde_event *change, int64_t now)
{
    state->steady = now;
    state->changed = true;
    state->previous = change->previous;
    state->reason = change->reason;
    state->mode = change->mode;
    state->attempt = (uint16_t)change->attempt;
    memcpy(state->id, change->id, sizeof(state->id));
    state->seq = change->seq;
    state->was_since = change->has_was ? change->was.since : 0;
    state->was_ms = change->has_was ? change->was.duration_ms : 0;
    state->since = change->since;
    state->change_onset = change->onset;
    state->detected = change->detected;
    free(state->message);
    state->message = change->state == SONDE_UP ? NULL : memory_text(change->message);
}

int64_t
state_lasted(const struct state *state, int64_t now, int64_t wall)
{
    if (state->steady)
        return (now - state->steady) / 1000000;
    return wall > state->since ? (wall - state->since) / 1000 : 0;
}

struct sonde_event *
state_tell(const struct state *state, struct event_pool *pool, struct origin *origin)
{
    struct sonde_event *event;

    if (!state->changed)
        return NULL;
    event = event_new(pool, origin);
    memcpy(event->id, state->id, sizeof(event->id));
    event->time = event->since = state->since;
    event->seq = state->seq;
    event->kind = EVENT_CHANGE;
    event->state = state->hard;
    event->previous = state->previous;
    event->hard = true;
    event->attempt = state->attempt;
    event->reason = state->reason;
    event->mode = state->mode;
    event->onset = state->change_onset;
    event->detected = state->detected;
    if (state->message)
        event_set_message(event, state->message);
    if (state->was_since) {
        event->has_was = true;
        event->was.state = state->previous;
        event->was.since = state->was_since;
        event->was.duration_ms = state->was_ms;
    }
    return event;
}

void
state_deinit(struct state *state)
{
    free(state->message);
    *state = (struct state){ 0 };
}
