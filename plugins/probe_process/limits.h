/* SPDX-License-Identifier: Apache-2.0
 *
 * limits.h - which figures are too high (or an uptime too low), and the sentence that
 * says so.
 */
#ifndef PROBE_PROCESS_LIMITS_H
#define PROBE_PROCESS_LIMITS_H

#include "measure.h"

enum limits_change { CHANGE_IGNORE, CHANGE_WARN, CHANGE_FAIL };

enum { LIMITS_TEXT = 400 };

/* 0: not judged. */
struct limit {
    double warn, fail;
};

struct limits {
    struct limit each[FIGURES];
    int64_t window; /* of the restarts, in ms */
    enum limits_change id_change;
};

/* The option at fault where a warning could not come before the failure, else NULL. */
const char *limits_check(const struct limits *limits);
/* Whether this figure is to be judged at all. */
bool limits_asked(const struct limits *limits, enum figure figure);

/* UP where all is within its limits, else DEGRADED or DOWN with the sentence. */
enum sonde_state limits_judge(const struct limits *limits, const struct figures *figures,
                              char *text, size_t size);

/* The figures as metrics of the event. */
void limits_report(struct sonde_event *event, const struct figures *figures);
/* `cpu 97.3 %, rss 512.3 MiB`: what is known. */
void limits_describe(const struct figures *figures, char *text, size_t size);

#endif
