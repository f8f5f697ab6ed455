/* SPDX-License-Identifier: Apache-2.0
 *
 * status.h - lists of HTTP status codes, as options write them: "200",
 * "200-299", "!404", "!500-599".
 *
 * A code is wanted if an entry without "!" has it, or there is no such entry,
 * and no entry with "!" has it.
 */
#ifndef PROBE_HTTP_STATUS_H
#define PROBE_HTTP_STATUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct status_range {
    uint16_t from, to; /* from 0 ends a list */
    bool except;
};

/* free() it; NULL with a sentence in why. */
struct status_range *status_parse(const char *const *texts, char *why, size_t size);
bool status_wanted(const struct status_range *list, long code);

#endif
