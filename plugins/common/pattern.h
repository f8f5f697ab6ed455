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
#include <stdint.h>

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

/* ---- captures, and a text that grows ---- */

struct pattern_span {
    size_t start, end;
};

/* The name of the named group at, in the order of the alphabet; NULL: there is none. */
const char *pattern_name(const struct pattern *pattern, unsigned at);

/* As pattern_match, and on YES where: spans[0] is the whole match, spans[1 + at] the
 * named group at; one that took no part is empty.  cpu: nanoseconds of CPU time that may
 * be used, of which it takes its own; a caller who looks again with each piece of a text
 * bounds by it what all looks take together. */
enum pattern_answer pattern_find(const struct pattern *pattern, const char *bytes,
                                 size_t length, struct pattern_span *spans,
                                 unsigned count, int64_t *cpu);

#endif
