/* SPDX-License-Identifier: Apache-2.0
 *
 * redirect.h - where an answer sends us, and whether we go there.
 *
 * libcurl could follow by itself, but would then look the new host up by itself.
 */
#ifndef PROBE_HTTP_REDIRECT_H
#define PROBE_HTTP_REDIRECT_H

#include "http.h"

/* The transfer has ended well.  True: run is at its next hop, which has no handle yet.
 * False: its answer is the one to judge, as run->refused says. */
bool redirect_take(struct http_run *run);

#endif
