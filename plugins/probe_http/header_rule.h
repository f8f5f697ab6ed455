/* SPDX-License-Identifier: Apache-2.0
 *
 * header_rule.h - lists of "Name: regular expression" for headers of an answer.
 *
 * The name is compared without regard to case, the expression with the value, without
 * the blanks around it.  An empty expression matches any value: the header is there.
 */
#ifndef PROBE_HTTP_HEADER_RULE_H
#define PROBE_HTTP_HEADER_RULE_H

#include <stdbool.h>
#include <stddef.h>

struct header_rule; /* a list; the texts must outlive it */

/* NULL with a sentence in why. */
struct header_rule *header_rule_new(const char *const *texts, char *why, size_t size);
void header_rule_free(struct header_rule *rules); /* NULL does nothing */

/* Whether some header of that name matches each rule (wanted), or none matches any
 * (not wanted); false with a sentence's end in why.  headers are lines as they came. */
bool header_rule_holds(const struct header_rule *rules, bool wanted, const char *headers,
                       size_t length, char *why, size_t size);

/* The value of the first header of that name, trimmed; NULL: there is none. */
const char *header_rule_find(const char *headers, size_t length, const char *name,
                             size_t *value_length);

#endif
