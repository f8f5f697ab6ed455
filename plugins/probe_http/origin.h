/* SPDX-License-Identifier: Apache-2.0
 *
 * origin.h - whom a URL asks: scheme, host and port, which together are an origin.
 */
#ifndef PROBE_HTTP_ORIGIN_H
#define PROBE_HTTP_ORIGIN_H

#include "../common/address.h"

struct origin {
    char *url;              /* without user, password and fragment */
    char *host;             /* without brackets */
    char *place;            /* host:port, as a sentence shows it */
    struct address address; /* with the port, where the host is one; else family 0 */
    uint16_t port;
    bool tls;      /* https */
    bool userinfo; /* the URL named a user */
};

/* Takes http and https only.  -1 with a sentence in why; then origin is empty. */
int origin_parse(struct origin *origin, const char *url, char *why, size_t size);
void origin_drop(struct origin *origin); /* it is empty again */
bool origin_same(const struct origin *a, const struct origin *b);

#endif
