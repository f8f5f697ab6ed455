/* SPDX-License-Identifier: Apache-2.0
 *
 * steps_text.h - the small texts within a line of steps: times, sizes, hex, names, and
 * which word was meant.
 */
#ifndef PROBE_TCP_STEPS_TEXT_H
#define PROBE_TCP_STEPS_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* "300ms", "2s", "1m" in ms; -1: it is none. */
int64_t steps_text_time(const char *text, size_t length);
/* "512", "512B", "4KiB", "1MiB" in bytes; -1: it is none. */
int64_t steps_text_size(const char *text, size_t length);
/* Hex digits in pairs, blanks between pairs as one likes, into bytes, which has room for
 * half the text.  The number of bytes; -1: something else is there. */
int64_t steps_text_hex(const char *text, char *bytes);
/* No name for a capture: {NAME} is the core's, or the check itself sets details.NAME. */
bool steps_text_taken(const char *name);
/* The candidate that a misspelt word is nearest to; NULL: it is near to none. */
const char *steps_text_nearest(const char *word, size_t length,
                               const char *const *candidates, size_t count);

#endif
