/* SPDX-License-Identifier: Apache-2.0
 *
 * spare.h - runs that have ended, kept with their libcurl handles for the next runs on
 * their loop.
 *
 * Only memory is used again: a connection never is (keep.h), and what a check set is
 * gone or overwritten (request.c).
 */
#ifndef PROBE_HTTP_SPARE_H
#define PROBE_HTTP_SPARE_H

#include "http.h"

/* All of it is zero but self, and spare where it has a handle.  NULL: out of memory. */
struct http_run *spare_take(struct sonde_instance *self);
/* It has let go of everything but spare. */
void spare_give(struct http_run *run);

#endif
