/* SPDX-License-Identifier: Apache-2.0
 *
 * state.h - the judge: from what a run found to what we believe.
 *
 * Pure: no clock, no I/O, no allocation but the text kept while not UP.  Only
 * this file knows rise, fall, soft and hard.
 */
#ifndef CORE_STATE_H
#define CORE_STATE_H

#include "event.h"

/* What we know of a check between its runs; kept small, there may be a million. */
struct state {
    enum sonde_state hard : 4; /* UNKNOWN until something was confirmed */

    /* The last change, enough to tell it again (sinks with present). */
    enum sonde_state previous : 4;
    enum sonde_reason reason : 8;
    enum event_mode mode : 7;
    bool changed : 1; /* there was one */
    uint16_t attempt;

    uint16_t streak; /* answers in a row that differ from hard; 0 = not soft */
    int64_t onset;   /* microseconds: when the first of them began */

    uint8_t id[16];
    uint64_t seq;
    int64_t since, change_onset, detected, was_since; /* microseconds */
    int64_t was_ms; /* how long it had been what it was */
    int64_t steady; /* since, on clock_now; 0: before this process began */
    char *message;  /* NULL while UP */
};

struct judge_rules {
    unsigned rise, fall;
};

struct verdict {
    bool changed;              /* the hard state is another now */
    bool hard;                 /* what this run found is the hard state */
    bool soft;                 /* unconfirmed: run again after retry_interval */
    unsigned attempt;          /* which answer in a row this is, from 1 */
    enum sonde_state previous; /* the hard state before */
    int64_t previous_since;    /* 0 = never */
};

/* One answer.  began: when its run began, wall microseconds.  Does not touch the
 * last change: state_remember does, with the change event made of the verdict. */
struct verdict state_judge(struct state *state, const struct judge_rules *rules,
                           enum sonde_state found, enum sonde_reason reason, bool certain,
                           int64_t began);
/* Whether an answer of DOWN would be a change now. */
bool state_turns_down(const struct state *state, const struct judge_rules *rules,
                      bool certain);
/* now: on clock_now; 0 for a change of another process, read back. */
void state_remember(struct state *state, const struct sonde_event *change, int64_t now);
/* How long the hard state has lasted, in milliseconds.  The wall clock (microseconds) is
 * asked only where nothing better is known: it may have been set meanwhile. */
int64_t state_lasted(const struct state *state, int64_t now, int64_t wall);
/* The last change once more, with the same id; NULL if there was none. */
struct sonde_event *state_tell(const struct state *state, struct event_pool *pool,
                               struct origin *origin);
void state_deinit(struct state *state);

#endif
