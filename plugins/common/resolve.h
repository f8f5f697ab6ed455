/* SPDX-License-Identifier: Apache-2.0
 *
 * resolve.h - names to addresses on a probe loop, by c-ares; never blocks.
 *
 * One resolver for each loop and server list, shared by all instances of a plugin
 * there.  Askers for the same name share one lookup.  An answer is kept for its
 * TTL (1 s to 60 s), a name that does not exist for 5 s.  At most 256 lookups are
 * out at once; the others wait.  /etc/hosts is asked first; NSS modules are not.
 */
#ifndef PLUGIN_RESOLVE_H
#define PLUGIN_RESOLVE_H

#include "address.h"

enum { RESOLVE_MOST = 16 }; /* addresses kept of one name */

struct resolve_answer {
    enum sonde_reason reason; /* OK; DNSERR no such name; DNSTOUT silence; OBSERVER */
    const char *text;         /* what the resolver says where it is not OK */
    unsigned count;
    const struct address *addresses; /* in the order to try (RFC 6724), without ports */
};

/* The answer lives until the function returns. */
typedef void resolve_fn(const struct resolve_answer *answer, void *arg);

struct resolve; /* one asker */

/* Whether a `resolver` option ("ip:port", "ip", or "" for the system's) can be
 * used; -1 with why set. */
int resolve_check(const char *server, char *why, size_t size);

/* Calls fn once: before it returns, then it answers NULL; or later.  server may
 * be NULL.  On the instance's loop. */
struct resolve *resolve_start(struct sonde_instance *self, const char *server,
                              const char *name, size_t length, enum address_family family,
                              resolve_fn *fn, void *arg);
/* fn is not called any more; others who ask for the name are.  NULL does nothing. */
void resolve_stop(struct resolve *ask);

#endif
