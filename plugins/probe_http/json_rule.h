/* SPDX-License-Identifier: Apache-2.0
 *
 * json_rule.h - lists of "PATH OP VALUE" for a body of JSON: a.b[0] == "ok".
 *
 *   PATH   keys joined by dots, [N] for an element of a list (from 0), ["odd key"] for
 *          any key; $ alone is the whole body, and may begin a path
 *   OP     == != < <= > >= with a number, a string, true, false or null; ~ with a
 *          regular expression, written as a JSON string
 *
 * Numbers compare as numbers, strings byte by byte.  Values of different types are not
 * equal, and have no order.  A path that is not there breaks the rule, whatever OP is.
 */
#ifndef PROBE_HTTP_JSON_RULE_H
#define PROBE_HTTP_JSON_RULE_H

#include <sonde/plugin.h>

enum {
    JSON_RULE_BODY = 4 << 20, /* most bytes of a body: some 60 ms */
    JSON_RULE_VALUES = 30000  /* most values in it: some 10 MiB, and 30 ms of the loop */
};

struct json_rule; /* a list; the texts must outlive it */

/* NULL with a sentence in why: which rule, where in it, and what to write. */
struct json_rule *json_rule_new(const char *const *texts, char *why, size_t size);
void json_rule_free(struct json_rule *rules); /* NULL does nothing */

/* SONDE_OK: all hold.  Else L7BODY, L7BIG or OBSERVER, with a sentence's end in why. */
enum sonde_reason json_rule_judge(const struct json_rule *rules, const char *body,
                                  size_t length, char *why, size_t size);

#endif
