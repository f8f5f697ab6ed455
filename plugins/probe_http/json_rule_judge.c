/* SPDX-License-Identifier: Apache-2.0
 *
 * json_rule_judge.c - a body of JSON against compiled rules.  See json_rule.h.
 *
 * The library makes a tree of the body, which for "[{},{}," is a hundred times as
 * large: values are counted before.  It takes the last of several values with the same
 * key, refuses a NUL in keys, what is not UTF-8, and more than 2048 levels.
 */
#include "json_rule.h"

#include "json_rule_inside.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What it is, for a sentence. */
static const char *
json_rule_show(const json_t *value, char *text, size_t size)
{
    switch (json_typeof(value)) {
    case JSON_OBJECT:
        return "an object";
    case JSON_ARRAY:
        return "a list";
    case JSON_STRING:
        snprintf(text, size, "\"%.80s\"", json_string_value(value));
        return text;
    case JSON_INTEGER:
        snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        return text;
    case JSON_REAL:
        snprintf(text, size, "%.17g", json_real_value(value));
        return text;
    case JSON_TRUE:
        return "true";
    case JSON_FALSE:
        return "false";
    default:
        return "null";
    }
}

/* Where the rule's path leads; NULL with how far it went. */
static const json_t *
json_rule_walk(const struct json_rule *rule, const json_t *at, char *why, size_t size)
{
    for (size_t i = 0; i < rule->count; i++) {
        const struct json_rule_step *step = &rule->steps[i];
        const char *far = i ? rule->text + strspn(rule->text, " \t\r\n") : "the body";
        int length = i ? (int)(rule->text + step[-1].end - far) : 8;
        const json_t *next = step->key ? json_object_get(at, step->key)
                                       : json_array_get(at, step->index);
        char text[100];

        if (length > 100)
            length = 100;
        if (!next && (step->key ? !json_is_object(at) : !json_is_array(at)))
            snprintf(why, size, "%.*s is %s, not %s", length, far,
                     json_rule_show(at, text, sizeof(text)),
                     step->key ? "an object" : "a list");
        else if (!next && step->key)
            snprintf(why, size, "%.*s has no \"%.60s\"", length, far, step->key);
        else if (!next)
            snprintf(why, size, "%.*s has %zu elements", length, far,
                     json_array_size(at));
        if (!next)
            return NULL;
        at = next;
    }
    return at;
}

static int
json_rule_compare_strings(const json_t *a, const json_t *b)
{
    size_t one = json_string_length(a), other = json_string_length(b);
    int order = memcmp(json_string_value(a), json_string_value(b),
                       one < other ? one : other);

    return order ? order : (one > other) - (one < other);
}

/* Two numbers or two strings.  A long double holds any 64-bit integer where we run. */
static int
json_rule_compare(const json_t *a, const json_t *b)
{
    long double one, other;

    if (json_is_string(a))
        return json_rule_compare_strings(a, b);
    one = json_is_integer(a) ? (long double)json_integer_value(a) : json_real_value(a);
    other = json_is_integer(b) ? (long double)json_integer_value(b) : json_real_value(b);
    return (one > other) - (one < other);
}

static bool
json_rule_ordered(const struct json_rule *rule, const json_t *value)
{
    int order = json_rule_compare(value, rule->value);

    switch (rule->op) {
    case OP_EQ:
        return order == 0;
    case OP_NE:
        return order != 0;
    case OP_LE:
        return order <= 0;
    case OP_GE:
        return order >= 0;
    case OP_LT:
        return order < 0;
    default:
        return order > 0;
    }
}

static bool
json_rule_same_kind(const json_t *a, const json_t *b)
{
    return (json_is_number(a) && json_is_number(b))
           || (json_is_string(a) && json_is_string(b));
}

/* Whether the rule holds for the value; else a further word in more, where needed. */
static bool
json_rule_holds(const struct json_rule *rule, const json_t *value, const char **more)
{
    enum pattern_answer match;

    if (rule->op == OP_MATCH && json_is_string(value)) {
        match = pattern_match(rule->pattern, json_string_value(value),
                              json_string_length(value));
        *more = match == PATTERN_GAVE_UP ? ", on which the expression takes too long"
                                         : "";
        return match == PATTERN_YES;
    }
    if (rule->op == OP_MATCH) {
        *more = ", and ~ is for strings";
        return false;
    }
    if (json_rule_same_kind(value, rule->value))
        return json_rule_ordered(rule, value);
    if (rule->op == OP_EQ || rule->op == OP_NE)
        return (json_typeof(value) == json_typeof(rule->value)) == (rule->op == OP_EQ);
    *more = json_is_number(rule->value) ? ", which has no order with a number"
                                        : ", which has no order with a string";
    return false;
}

/* At least as many as the library will make. */
static size_t
json_rule_values(const char *body, size_t length)
{
    bool quoted = false;
    size_t values = 1;

    for (size_t i = 0; i < length; i++) {
        char c = body[i];

        if (quoted && c == '\\')
            i++;
        else if (c == '"')
            quoted = !quoted;
        else if (!quoted && (c == ',' || c == '[' || c == '{'))
            values++;
    }
    return values;
}

static bool
json_rule_judge_one(const struct json_rule *rule, const json_t *root, char *why,
                    size_t size)
{
    char far[320], text[100];
    const json_t *value = json_rule_walk(rule, root, far, sizeof(far));
    const char *more = "";

    if (value && json_rule_holds(rule, value, &more))
        return true;
    if (value)
        snprintf(far, sizeof(far), "it is %s%s",
                 json_rule_show(value, text, sizeof(text)), more);
    snprintf(why, size, "%.120s does not hold: %s", rule->text, far);
    return false;
}

enum sonde_reason
json_rule_judge(const struct json_rule *rules, const char *body, size_t length, char *why,
                size_t size)
{
    enum sonde_reason reason = SONDE_OK;
    json_error_t error;
    json_t *root;

    if (length > JSON_RULE_BODY || json_rule_values(body, length) > JSON_RULE_VALUES) {
        snprintf(why, size, "the body is too much JSON: at most %d bytes and %d values",
                 JSON_RULE_BODY, JSON_RULE_VALUES);
        return SONDE_L7BIG;
    }
    if (length == 0) {
        snprintf(why, size, "the body is empty, and no JSON");
        return SONDE_L7BODY;
    }
    root = json_rule_load(body, length, &error);
    if (!root && json_error_code(&error) == json_error_out_of_memory) {
        snprintf(why, size, "out of memory");
        return SONDE_OBSERVER;
    }
    if (!root) {
        snprintf(why, size, "the body is not JSON: %s, at line %d, column %d", error.text,
                 error.line, error.column);
        return SONDE_L7BODY;
    }
    for (; rules->text && reason == SONDE_OK; rules++)
        if (!json_rule_judge_one(rules, root, why, size))
            reason = SONDE_L7BODY;
    json_decref(root);
    return reason;
}
