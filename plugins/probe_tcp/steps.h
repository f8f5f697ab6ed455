/* SPDX-License-Identifier: Apache-2.0
 *
 * steps.h - the option `steps`: what to say and what to expect, one line a step.
 *
 *   "send EHLO {observer}\r\n"          these bytes; {name} is what an earlier step captured
 *   "send-hex 00 01 ff"
 *   "expect +PONG"                      this text must come, somewhere in what is heard
 *   "expect-hex 53"
 *   "expect-regex ^220 (?<banner>[^\r\n]*)\r\n"   captures become details.NAME
 *   "expect(2s, 4KiB) +OK"              a time and a most of bytes for this step alone
 *   "tls"                               the handshake: what follows is encrypted
 *   "close"                             the peer must hang up
 *
 * Pure: bytes in, bytes out.  No socket, no clock: who talks does that (tcp.c).
 * What is heard is matched from behind the last match on, as a stream; with datagrams each
 * must match whole.  A capture holds at most STEPS_CAPTURE_MOST bytes.
 */
#ifndef PROBE_TCP_STEPS_H
#define PROBE_TCP_STEPS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STEPS_MOST = 64, STEPS_CAPTURES = 16, STEPS_CAPTURE_MOST = 1024 };
enum { STEPS_HEARD = 64 * 1024 /* most bytes of a step, unless it says another */ };

enum step_kind { STEP_END, STEP_SEND, STEP_EXPECT, STEP_TLS, STEP_CLOSE };

struct steps; /* compiled; constant, any number of conversations at once */

/* protocol: what is said before the lines (starttls.c knows which, ending with "tls"), or
 * "".  NULL with a sentence in why that names the line. */
struct steps *steps_new(const char *protocol, const char *const *lines, char *why,
                        size_t size);
void steps_free(struct steps *steps); /* NULL does nothing */
bool steps_have(const struct steps *steps, enum step_kind kind);
extern const char *const steps_protocols[]; /* "no", "smtp", "imap", "pop3", "ftp",
                                             * "postgres", "mysql", "ldap", NULL */

/* One conversation. */
struct talk;

struct talk *talk_new(const struct steps *steps); /* NULL: out of memory */
void talk_free(struct talk *talk);                /* NULL does nothing */

enum step_kind talk_kind(const struct talk *talk); /* of the step that is due */
int64_t talk_time(const struct talk *talk);        /* ms for it; 0: all that is left */
unsigned talk_number(const struct talk *talk);     /* of its line, from 1; 0: canned */
/* The line as written, for messages; of a canned step "starttls smtp". */
const char *talk_line(const struct talk *talk);
/* What a STEP_SEND sends, captures put in; valid until talk_next.  NULL: too large or out
 * of memory. */
const char *talk_bytes(struct talk *talk, size_t *length);
void talk_next(struct talk *talk); /* the step that is due is done */

enum talk_answer {
    TALK_MORE,    /* not yet: it may still come */
    TALK_YES,     /* it came; the caller goes on with talk_next */
    TALK_NO,      /* it will not come: the bytes ended, or this datagram is another */
    TALK_BIG,     /* more bytes than the step allows, without it */
    TALK_GAVE_UP, /* the pattern takes too long */
};

/* Takes more of what was heard (copied) and looks whether the STEP_EXPECT that is due has
 * come.  ended: nothing follows.  Bytes behind a match wait for the next step, so call it
 * with none after each talk_next. */
enum talk_answer talk_hear(struct talk *talk, const char *bytes, size_t length, bool ended);
/* All bytes waiting for the next step belong to the plain text before TLS began: an error
 * of the peer, or an injection.  How many there are. */
size_t talk_waiting(const struct talk *talk);

/* What was captured so far: name and value until NULL; value need not end with NUL. */
const char *talk_capture(const struct talk *talk, unsigned at, const char **value,
                         size_t *length);
/* What was heard since the last match, for messages and explanations. */
const char *talk_heard(const struct talk *talk, size_t *length);

#endif
