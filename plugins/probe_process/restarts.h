/* SPDX-License-Identifier: Apache-2.0
 *
 * restarts.h - how often a process ended and another took its place, lately.
 *
 * Pure: told how many processes were ever found and how many of them ended.  One that
 * comes while none is missing, as when a pool grows, is no restart.
 */
#ifndef PROBE_PROCESS_RESTARTS_H
#define PROBE_PROCESS_RESTARTS_H

#include <stddef.h>
#include <stdint.h>

enum { RESTARTS_MOST = 100 }; /* that are remembered */

struct restarts {
    int64_t at[RESTARTS_MOST]; /* when; the last of them */
    size_t next;
    uint64_t found, ended; /* as told last */
    uint64_t missing;      /* ended, and none has taken their place */
    int64_t last_end;
};

/* Times are sonde_now, window in nanoseconds: whoever is missing for longer than that is
 * not waited for any more. */
void restarts_note(struct restarts *restarts, uint64_t found, uint64_t ended,
                   int64_t window, int64_t now);
size_t restarts_within(const struct restarts *restarts, int64_t window, int64_t now);

#endif
