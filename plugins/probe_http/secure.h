/* SPDX-License-Identifier: Apache-2.0
 *
 * secure.h - TLS of a request: what is trusted, the client's certificate, the name that
 * is asked for; and a report of what the server showed.
 *
 * libcurl does the handshake, OpenSSL's verification is cert.h's.  libcurl reads no file
 * of certificates: all that it needs was read by open.
 */
#ifndef PROBE_HTTP_SECURE_H
#define PROBE_HTTP_SECURE_H

#include "http.h"

/* used: whether the check speaks TLS at all.  -1 = said by sonde_fail. */
int secure_open(struct sonde_instance *self, struct http *http, bool used);
void secure_close(struct http *http);

/* Once for a libcurl handle; then for each request by TLS: makes run->report.  -1: out
 * of memory. */
void secure_prepare(struct http_run *run, CURL *easy);
int secure_set(struct http_run *run);
/* A new socket was made for it: what an earlier connection showed is void. */
void secure_reopen(struct http_run *run);
void secure_drop(struct http_run *run);

#endif
