/* SPDX-License-Identifier: Apache-2.0
 *
 * request.h - what a check asks for: its options checked, and a libcurl handle set for
 * each hop of a run.
 */
#ifndef PROBE_HTTP_REQUEST_H
#define PROBE_HTTP_REQUEST_H

#include "http.h"

enum request_version { REQUEST_1_0, REQUEST_1_1, REQUEST_2, REQUEST_2_PRIOR };
extern const char *const request_versions[]; /* "1.0", "1.1", "2", "2-prior-knowledge" */

/* In request_open.c.  Checks url, method, headers, body, http_version and credentials;
 * fills first and lines.  -1 = said by sonde_fail; request_close in any case. */
int request_open(struct sonde_instance *self, struct http *http);
void request_close(struct http *http);
bool request_has_body(const struct http *http);

/* Makes run->easy anew for run->to.  -1: out of memory. */
int request_make(struct http_run *run);
/* Frees run->easy, or makes it run->spare: when all its options are as those of a new one
 * or set by every request, and its transfer ended well. */
void request_drop(struct http_run *run);
/* Bytes of body to send. */
int64_t request_length(const struct http_run *run);
/* Whether it had to be HTTP/2, and was not. */
bool request_wrong_version(const struct http_run *run);
/* details.http_version, and what else tells how it was asked. */
void request_tell(const struct http_run *run);

#endif
