/* SPDX-License-Identifier: Apache-2.0
 *
 * talk.h - one conversation that follows the steps of a check.
 *
 * Pure: bytes in, bytes out.  No socket and no wall clock: converse.c has those.
 * What is heard is matched from behind the last match on, as a stream: "expect" takes
 * all up to the end of its text, "expect-regex" all up to the end of its match, and the
 * rest waits for the next step.  With datagrams each one must match by itself, and what
 * is behind the match is dropped.
 */
#ifndef PROBE_TCP_TALK_H
#define PROBE_TCP_TALK_H

#include "steps.h"

#include <stdint.h>

struct talk;

/* steps must outlive it.  NULL: out of memory. */
struct talk *talk_new(const struct steps *steps, bool datagrams);
void talk_free(struct talk *talk); /* NULL does nothing */

enum step_kind talk_kind(const struct talk *talk); /* of the step that is due */
int64_t talk_time(const struct talk *talk);        /* ms for it; 0: all that is left */
unsigned talk_number(const struct talk *talk);     /* of its line, from 1; 0: canned */
/* Its verb, for messages; of a canned step "starttls smtp"; "" at the end.  The rest of
 * the line may be secret. */
const char *talk_words(const struct talk *talk);
/* What a STEP_SEND sends, captures put in; valid until talk_next.  NULL: too large or out
 * of memory. */
const char *talk_bytes(struct talk *talk, size_t *length);
void talk_next(struct talk *talk); /* the step that is due is done */

enum talk_answer {
    TALK_MORE,    /* not yet: it may still come */
    TALK_YES,     /* it came; the caller goes on with talk_next */
    TALK_NO,      /* it will not come: the bytes ended, this datagram is another, or the
                   * peer said no (talk_refused) */
    TALK_BIG,     /* more bytes than the step allows, without it */
    TALK_GAVE_UP, /* the pattern takes too long, or there is no memory */
};

/* Takes more of what was heard (copied) and looks whether the step that is due has come.
 * ended: nothing follows.  Bytes behind a match wait for the next step, so call it with
 * none after each talk_next.  With datagrams: one datagram a call, and none is MORE.
 * For STEP_CLOSE the end is TALK_YES; for other steps the bytes are only kept. */
enum talk_answer talk_hear(struct talk *talk, const char *bytes, size_t length,
                           bool ended);
/* After TALK_NO of a canned step: whether the peer itself said no, and a sentence in why:
 * "the server answers 454 TLS not available", "the server offers no TLS". */
bool talk_refused(const struct talk *talk, char *why, size_t size);
/* Bytes that wait behind the last match.  Where STEP_TLS is due they were said before the
 * encryption: a fault of the peer or an injection, never to be taken as encrypted. */
size_t talk_waiting(const struct talk *talk);

/* What was captured so far: name and value until NULL; value need not end with NUL. */
const char *talk_capture(const struct talk *talk, unsigned at, const char **value,
                         size_t *length);
/* What was heard for the step that is due, for messages and explanations. */
const char *talk_heard(const struct talk *talk, size_t *length);

#endif
