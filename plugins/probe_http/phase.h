/* SPDX-License-Identifier: Apache-2.0
 *
 * phase.h - how long each phase of a run took: the sum over redirects, and of the
 * addresses of a host the last that was tried.
 */
#ifndef PROBE_HTTP_PHASE_H
#define PROBE_HTTP_PHASE_H

#include "http.h"

/* Puts timing_us into run->event.  Answers how far this hop is: the phase that is not
 * finished, or SONDE_TRANSFER. */
enum sonde_phase phase_tell(const struct http_run *run);
/* Looking the name up is over, or given up. */
void phase_named(struct http_run *run);
/* The hop is over, and another follows. */
void phase_close(struct http_run *run);

#endif
