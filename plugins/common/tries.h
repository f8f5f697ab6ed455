/* SPDX-License-Identifier: Apache-2.0
 *
 * tries.h - the addresses of a name, tried one after the other within a run.
 *
 * Each but the last gets an equal share of the time that is left.  If all fail,
 * the most telling failure is the one to tell: a refusal says more about a server
 * than silence, silence more than no route.  The others are kept for explain.h.
 */
#ifndef PLUGIN_TRIES_H
#define PLUGIN_TRIES_H

#include "resolve.h"

struct tries {
    unsigned count, at;    /* addresses[at] is being tried */
    struct address failed; /* the most telling failure so far, where at > 0 */
    int error;
    int errors[RESOLVE_MOST]; /* of each address; 0: none, or not tried yet */
    struct address addresses[];
};

/* Copies what the resolver found; free() it.  NULL: out of memory. */
struct tries *tries_new(const struct resolve_answer *answer, uint16_t port);
/* Notes why the current address fails, without moving on; NULL does nothing. */
void tries_note(struct tries *tries, int error);
/* Notes why the current address failed and moves on.  False: there is no other,
 * or the fault is our own; failed and error tell. */
bool tries_next(struct tries *tries, int error);
/* Milliseconds for the current address; -1: all that is left. */
int64_t tries_share(const struct tries *tries, const struct sonde_instance *self);
/* Whether an earlier failure tells more than that the current one is silent; NULL
 * has none. */
bool tries_tell_more(const struct tries *tries);

#endif
