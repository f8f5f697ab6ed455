/* SPDX-License-Identifier: Apache-2.0
 *
 * pattern.h - regular expressions over bytes that a target controls.
 *
 * PCRE2 without JIT (a hardened service may not make memory executable) and with
 * bounds on steps, depth, memory and time, so that neither a careless pattern nor
 * hostile text holds the caller for long.  Text is bytes, not UTF-8.
 */
#ifndef PLUGIN_PATTERN_H
#define PLUGIN_PATTERN_H

#include <stddef.h>

struct pattern;

enum pattern_answer {
    PATTERN_NO,
    PATTERN_YES,
    PATTERN_GAVE_UP, /* it took too many steps, or more than 20 ms of CPU time */
};

/* NULL with a sentence in why: what is wrong, and at which character. */
struct pattern *pattern_new(const char *text, char *why, size_t size);
void pattern_free(struct pattern *pattern); /* NULL does nothing */

/* Whether some part of the bytes matches.  Any thread. */
enum pattern_answer pattern_match(const struct pattern *pattern, const char *bytes,
                                  size_t length);

#endif
