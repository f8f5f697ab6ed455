/* SPDX-License-Identifier: Apache-2.0
 *
 * judge.h - the rules of a check, and whether an answer keeps them.
 *
 * The rules come in an order, and the first that is broken is the one that is told:
 * status, headers, size, patterns, JSON, digest, age.
 */
#ifndef PROBE_HTTP_JUDGE_H
#define PROBE_HTTP_JUDGE_H

#include "http.h"

/* A sentence's end says why. */
struct verdict {
    enum sonde_state state;
    enum sonde_reason reason;
    char why[400];
};

extern const char *const judge_saves[]; /* "never", "on-failure", NULL */

/* Compiles the rules.  -1 = said by sonde_fail; judge_close in any case. */
int judge_open(struct sonde_instance *self, struct http *http);
void judge_close(struct http *http);

/* A whole answer, or one that was stopped since it is too large.  Metric
 * age_seconds goes to event. */
struct verdict judge_answer(const struct http *http, const struct answer *answer,
                            long status, struct sonde_event *event);

#endif
