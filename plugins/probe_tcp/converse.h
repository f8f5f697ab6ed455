/* SPDX-License-Identifier: Apache-2.0
 *
 * converse.h - what is said over a connection: PROXY header, TLS handshake, steps.
 *
 * Follows a struct talk over a wire, judges what comes back, and answers the run.
 */
#ifndef PROBE_TCP_CONVERSE_H
#define PROBE_TCP_CONVERSE_H

#include "tcp.h"
#include "wire.h"

/* Takes the connected descriptor. */
void converse_start(struct sonde_instance *self, int fd);
/* Time is up: says what was waited for. */
void converse_late(struct tcp *tcp);
/* Puts into the event what was found out: captures, the certificate; and where explain
 * holds, how the connection is and what was heard.  Before converse_stop. */
void converse_tell(struct tcp *tcp, bool explain);
/* Hands the connection over; NULL where the peer has closed it already. */
struct wire *converse_give(struct tcp *tcp);
void converse_stop(struct tcp *tcp);

#endif
