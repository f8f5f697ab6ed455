/* SPDX-License-Identifier: Apache-2.0
 *
 * json_rule_inside.h - what a compiled JSON rule looks like.
 *
 * Only for json_rule.c, which makes them, and json_rule_judge.c, which reads them.
 */
#ifndef PROBE_HTTP_JSON_RULE_INSIDE_H
#define PROBE_HTTP_JSON_RULE_INSIDE_H

#include "../common/pattern.h"
#include "json_rule.h"

#include <jansson.h>

enum json_rule_op { OP_EQ, OP_NE, OP_LE, OP_GE, OP_LT, OP_GT, OP_MATCH };

struct json_rule_step {
    char *key; /* NULL: an element of a list */
    size_t index;
    size_t end; /* where the path so far ends in the rule's text */
};

/* A list ends with an empty one. */
struct json_rule {
    const char *text;
    struct json_rule_step *steps;
    size_t count;
    enum json_rule_op op;
    json_t *value;
    struct pattern *pattern; /* of OP_MATCH */
};

/* A body, or the value of a rule. */
json_t *json_rule_load(const char *bytes, size_t length, json_error_t *error);

#endif
