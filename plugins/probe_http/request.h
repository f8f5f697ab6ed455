/* SPDX-License-Identifier: Apache-2.0
 *
 * request.h - what a check asks for: its options checked, and a libcurl handle
 * made of them for each run.
 */
#ifndef PROBE_HTTP_REQUEST_H
#define PROBE_HTTP_REQUEST_H

#include "http.h"

/* Checks url, method, headers, body and ca; fills host, port, lines.  -1 = said
 * by sonde_fail. */
int request_open(struct sonde_instance *self, struct http *http);

/* Makes run->easy anew, for the current one of run->tries or for the address in the
 * URL.  -1: out of memory. */
int request_make(struct http_run *run);
void request_drop(struct http_run *run);

#endif
