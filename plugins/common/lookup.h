/* SPDX-License-Identifier: Apache-2.0
 *
 * lookup.h - a c-ares channel on a loop: sockets, server list, resolv.conf.
 *
 * For resolve.c only, which keeps what is known and who asks.
 */
#ifndef PLUGIN_LOOKUP_H
#define PLUGIN_LOOKUP_H

#include "address.h"

struct lookup;

struct lookup_answer {
    enum sonde_reason reason;
    const char *text; /* constant */
    int ttl;          /* seconds */
    unsigned count;
    struct address *addresses; /* the receiver frees them */
};

/* answer NULL: the channel was renewed or ended before there was one. */
typedef void lookup_fn(struct lookup_answer *answer, void *arg);

/* server "" is what resolv.conf says.  processed is called after answers came in
 * from a socket, when lookups may be started and freed again. */
struct lookup *lookup_new(struct sonde_instance *shared, const char *server,
                          void (*processed)(void *arg), void *arg);
void lookup_free(struct lookup *lookup); /* answers NULL to all that are out */

/* fn is called from within this function, lookup_process or a socket's turn. */
void lookup_start(struct lookup *lookup, const char *name, enum address_family family,
                  lookup_fn *fn, void *arg);
/* Repeats or gives up what is overdue. */
void lookup_process(struct lookup *lookup);
int64_t lookup_timeout(struct lookup *lookup); /* ms until it is time for that */
/* Looks at most once a second whether resolv.conf changed; true: it did, and all
 * lookups that were out have been answered NULL. */
bool lookup_renew(struct lookup *lookup, int64_t now);

/* Takes the address of a name server apart; its port is 53 unless it says so. */
bool lookup_server(const char *text, struct address *address);

#endif
