/* SPDX-License-Identifier: Apache-2.0
 *
 * keep.h - the connection that a check with keep = true has between its runs.
 *
 * It is the check's own, in a cache of its own: libcurl does not tell connections apart
 * by all that an option may change (what is trusted, the local address).  It holds for
 * the origin of the URL; where a redirect leads is asked anew.
 */
#ifndef PROBE_HTTP_KEEP_H
#define PROBE_HTTP_KEEP_H

#include "http.h"

bool keep_wanted(const struct http_run *run);
int keep_set(struct http_run *run); /* -1: out of memory */
void keep_close(struct http *http); /* on the loop, with no run out */

/* What the handshake of the connection told, which a later run cannot hear again; NULL:
 * this run keeps none. */
struct cert_report *keep_report(const struct http_run *run);
/* Where a connection of an earlier run leads to; NULL: this run has one of its own. */
const struct address *keep_address(const struct http_run *run);
void keep_opened(const struct http_run *run, const struct address *address);

#endif
