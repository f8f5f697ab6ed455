/* SPDX-License-Identifier: Apache-2.0
 *
 * way.h - how the connection is made where it does not go straight to the URL's host:
 * the options resolve, source, proxy and unix_socket; and, for every check, the socket.
 *
 * libcurl never learns an address: it believes that everything is at one made-up place,
 * and is handed a socket for it.  So there is nothing that it could look up.
 */
#ifndef PROBE_HTTP_WAY_H
#define PROBE_HTTP_WAY_H

#include "http.h"

enum { WAY_TEXT = 700 }; /* room for way_text */

/* Makes http->way of the options, where there are any; after request_open.  -1 = said by
 * sonde_fail. */
int way_open(struct sonde_instance *self, struct http *http);
void way_close(struct http *http);

/* What has to be looked up before the hop can begin; NULL: nothing. */
const char *way_name(const struct http_run *run, size_t *length);
uint16_t way_port(const struct http_run *run); /* for the addresses found */
enum address_family way_family(const struct http *http);
bool way_is_plain(const struct http_run *run); /* a TCP connection, and nothing to set */

/* Once for a libcurl handle; then for each request. */
void way_prepare(struct http_run *run, CURL *easy);
void way_set(struct http_run *run);

/* "shop.example:443 via proxy:3128 (192.0.2.1)": where a sentence begins.  reason: the
 * address that failed for it is told, if there was one. */
const char *way_text(const struct http_run *run, enum sonde_reason reason, char *text,
                     size_t size);
/* Whether it was the proxy that failed; then what it said is in why.  trouble: what
 * libcurl says. */
bool way_failed(const struct http_run *run, const char *trouble, char *why, size_t size);

#endif
