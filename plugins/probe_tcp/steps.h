/* SPDX-License-Identifier: Apache-2.0
 *
 * steps.h - the option `steps`: what to say and what to expect, one line a step.
 *
 *   "send EHLO {observer}\r\n"          these bytes; {name} is what an earlier
 *                                       step captured ({observer}, {target} and
 *                                       {labels.X}: by the core)
 *   "send-hex 00 01 ff"
 *   "expect +PONG"                      this text must come, somewhere in what is heard
 *   "expect-hex 53"
 *   "expect-regex ^220 (?<banner>[^\r\n]*)\r\n"   captures become details.NAME
 *   "expect(2s, 4KiB) +OK"              a time and a most of bytes for this step alone
 *   "tls"                               the handshake: what follows is encrypted
 *   "close"                             the peer must hang up
 *
 * Compiled once per check, then constant; talk.h has the conversation that follows it.
 */
#ifndef PROBE_TCP_STEPS_H
#define PROBE_TCP_STEPS_H

#include <stdbool.h>
#include <stddef.h>

enum { STEPS_MOST = 64, STEPS_CAPTURES = 16, STEPS_CAPTURE_MOST = 1024 };
enum { STEPS_HEARD = 64 * 1024 /* most bytes of a step, unless it says another */ };
enum { STEPS_DATAGRAM = 65507 /* most bytes of a datagram, by IPv4 */ };

enum step_kind { STEP_END, STEP_SEND, STEP_EXPECT, STEP_TLS, STEP_CLOSE };

struct steps;

extern const char *const steps_protocols[]; /* "no", "smtp", "imap", "pop3", "ftp",
                                             * "postgres", "mysql", "ldap", NULL */

/* protocol: what is said before the lines (starttls.c knows it; it ends with "tls"), or
 * "no" or "".  lines end with NULL and may be NULL.  NULL with a sentence in why that
 * names the line. */
struct steps *steps_new(const char *protocol, const char *const *lines, char *why,
                        size_t size);
void steps_free(struct steps *steps); /* NULL does nothing */
bool steps_have(const struct steps *steps, enum step_kind kind);
/* The number of the first line that sends more bytes than that, before any capture is put
 * in; 0: there is none. */
unsigned steps_longer(const struct steps *steps, size_t most);

#endif
