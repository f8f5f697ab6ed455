/* SPDX-License-Identifier: Apache-2.0
 *
 * held.h - the connection of a check with hold = true, kept until the next run.
 *
 * Nothing is said over it and what the peer says is thrown away: it is there to hear it
 * break, which asks for a run at once.
 */
#ifndef PROBE_TCP_HELD_H
#define PROBE_TCP_HELD_H

#include "tcp.h"
#include "wire.h"

/* Takes the wire of a run that was good, in place of the one held so far; NULL: the peer
 * has closed it. */
void held_take(struct sonde_instance *self, struct wire *wire);
/* Puts into details.held how the last one broke: into the first answer after that, and
 * where explain holds. */
void held_tell(struct tcp *tcp, enum sonde_state state, bool explain);
void held_stop(struct tcp *tcp); /* lets go of it; what held_tell tells is kept */
void held_free(struct tcp *tcp);

#endif
