/* SPDX-License-Identifier: Apache-2.0
 *
 * step.h - a compiled step: made by steps.c, followed by talk.c, nobody else's.
 */
#ifndef PROBE_TCP_STEP_H
#define PROBE_TCP_STEP_H

#include "../common/pattern.h"
#include "steps.h"

#include <stdint.h>
#include <sys/types.h>

enum { STEP_REFUSALS = 3 };

/* How long the packet is that the bytes begin with, its head included; 0: too few bytes
 * to tell; -1: they cannot be one. */
typedef ssize_t step_frame_fn(const char *bytes, size_t length);

/* Where a capture goes into what is sent. */
struct step_hole {
    size_t at; /* before this byte */
    unsigned capture;
};

/* What the peer says instead, when it will not. */
struct step_refusal {
    struct pattern *pattern; /* its group "said", if any, is what the peer says */
    const char *words;
};

struct step {
    enum step_kind kind;
    unsigned number; /* of its line; 0: canned */
    char words[20];  /* for messages: its verb, or "starttls smtp" */
    int64_t time;
    size_t most;

    char *bytes; /* to send, or a text to wait for */
    size_t length;
    struct step_hole *holes;
    unsigned hole_count;

    struct pattern *pattern;           /* to wait for, instead of bytes */
    unsigned captures[STEPS_CAPTURES]; /* of each named group: its place in names */
    unsigned capture_count;

    step_frame_fn *frame; /* canned: pattern and refusals look at whole packets */
    struct step_refusal refusals[STEP_REFUSALS];
};

struct steps {
    struct step *list;
    unsigned count;
    char *names[STEPS_CAPTURES]; /* in the order in which the steps capture them */
    unsigned name_count;
};

#endif
