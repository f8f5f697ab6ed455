/* SPDX-License-Identifier: Apache-2.0
 *
 * dial.h - from an address or a name to a connected socket.
 *
 * A name is resolved, its addresses are tried in turn.  What is connected goes on to
 * converse.h, or is the answer by itself.
 */
#ifndef PROBE_TCP_DIAL_H
#define PROBE_TCP_DIAL_H

#include "tcp.h"

void dial_start(struct sonde_instance *self);
/* The current address does not do after all: the next one, or the answer. */
void dial_failed(struct sonde_instance *self, int error);
/* Time is up before there was a connection: says why. */
void dial_late(struct tcp *tcp);
/* Puts into details.* what was tried, and what became of it. */
void dial_explain(const struct tcp *tcp);
/* Lets go of all that is under way. */
void dial_stop(struct tcp *tcp);

#endif
