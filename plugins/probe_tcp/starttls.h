/* SPDX-License-Identifier: Apache-2.0
 *
 * starttls.h - what is said before TLS in the protocols that begin in plain text.
 *
 * Each is a list of steps like those of a user, with two things more: what the peer says
 * when it refuses, so that a no is told at once and not by a timeout; and packets, where
 * the protocol has them instead of lines.
 */
#ifndef PROBE_TCP_STARTTLS_H
#define PROBE_TCP_STARTTLS_H

#include "step.h"

struct starttls_refusal {
    const char *regex, *words;
};

struct starttls_step {
    enum step_kind kind;
    const char *bytes; /* of STEP_SEND */
    size_t length;
    const char *regex; /* of STEP_EXPECT */
    step_frame_fn *frame;
    struct starttls_refusal refusals[STEP_REFUSALS];
};

/* Ends with STEP_TLS.  NULL: no such protocol. */
const struct starttls_step *starttls_find(const char *protocol);
/* Compiles one into an empty step.  false: out of memory. */
bool starttls_make(const struct starttls_step *canned, struct step *step);

#endif
