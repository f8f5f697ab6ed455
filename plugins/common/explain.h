/* SPDX-License-Identifier: Apache-2.0
 *
 * explain.h - what helps to find out why a target is DOWN, put into details.* of the
 * answer that makes it so (sonde_explain says which).  Bounded, and no part of it waits.
 */
#ifndef PLUGIN_EXPLAIN_H
#define PLUGIN_EXPLAIN_H

#include "tries.h"

/* details.addresses: what the name was resolved to; details.tries: which of them failed
 * how.  tries may be NULL. */
void explain_tries(struct sonde_event *event, const struct tries *tries);
/* details.tcp_info: state, round trip, retransmissions, bytes either way, of a TCP
 * socket; nothing for another one. */
void explain_socket(struct sonde_event *event, int fd);
/* details.received: the first bytes that were heard (at most 256), and
 * metrics.received_bytes, how many there were. */
void explain_received(struct sonde_event *event, const char *bytes, size_t length,
                      int64_t all);

#endif
