/* SPDX-License-Identifier: Apache-2.0
 *
 * response.h - what comes back: taken in within its bounds, then judged.
 */
#ifndef PROBE_HTTP_RESPONSE_H
#define PROBE_HTTP_RESPONSE_H

#include "http.h"

/* Once for a libcurl handle: has it give what it hears to run. */
void response_prepare(struct http_run *run, CURL *easy);

/* The errno of a connection that could not be opened; 0: it was open, or it is not
 * known. */
int response_error(const struct http_run *run, CURLcode code);

/* The transfer ended with code: fills reason, timings and metrics of run->event. */
enum sonde_state response_judge(struct http_run *run, CURLcode code);

/* Time is up, as seen by how far the transfer got. */
void response_late(struct http_run *run);

/* sonde_reason, with "host:port (address): " before what. */
void response_say(const struct http_run *run, enum sonde_reason reason, const char *what);

#endif
