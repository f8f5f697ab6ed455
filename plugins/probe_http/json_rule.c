/* SPDX-License-Identifier: Apache-2.0
 *
 * json_rule.c - the text of JSON rules, compiled.  See json_rule.h; judged they are in
 * json_rule_judge.c.
 */
#include "json_rule.h"

#include "json_rule_inside.h"
#include "rules.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An integer that 64 bits do not hold becomes a real one. */
json_t *
json_rule_load(const char *bytes, size_t length, json_error_t *error)
{
    size_t flags = JSON_DECODE_ANY | JSON_ALLOW_NUL;
    json_t *value = json_loadb(bytes, length, flags, error);

    if (!value && json_error_code(error) == json_error_numeric_overflow)
        value = json_loadb(bytes, length, flags | JSON_DECODE_INT_AS_REAL, error);
    return value;
}

/* Reads one rule. */
struct json_rule_reader {
    const char *text, *at;
    char *why;
    size_t size;
};

/* -1, and why with the place; what also says what to write. */
__attribute__((format(printf, 2, 3))) static int
json_rule_wrong(const struct json_rule_reader *reader, const char *what, ...)
{
    int length = snprintf(reader->why, reader->size,
                          "\"%.60s\", at character %zu: ", reader->text,
                          (size_t)(reader->at - reader->text) + 1);
    va_list args;

    va_start(args, what);
    if (length > 0 && (size_t)length < reader->size)
        vsnprintf(reader->why + length, reader->size - (size_t)length, what, args);
    va_end(args);
    return -1;
}

static void
json_rule_blanks(struct json_rule_reader *reader)
{
    reader->at += strspn(reader->at, " \t\r\n");
}

/* Takes key over. */
static int
json_rule_add(struct json_rule_reader *reader, struct json_rule *rule, char *key,
              size_t index)
{
    struct json_rule_step *steps = realloc(rule->steps,
                                           (rule->count + 1) * sizeof(*steps));

    if (!steps) {
        free(key);
        return json_rule_wrong(reader, "out of memory");
    }
    rule->steps = steps;
    steps[rule->count++] = (struct json_rule_step){
        .key = key, .index = index, .end = (size_t)(reader->at - reader->text)
    };
    return 0;
}

static int
json_rule_key(struct json_rule_reader *reader, struct json_rule *rule)
{
    size_t length = strcspn(reader->at, " \t\r\n.[]\"=!<>~");
    char *key;

    if (length == 0)
        return json_rule_wrong(reader, "a key is missing; write a.b[0] == \"ok\"");
    key = strndup(reader->at, length);
    if (!key)
        return json_rule_wrong(reader, "out of memory");
    reader->at += length;
    return json_rule_add(reader, rule, key, 0);
}

/* How long the JSON string at text is, with its quotes; 0: it does not end. */
static size_t
json_rule_quoted(const char *text)
{
    size_t at = 1;

    while (text[at] && text[at] != '"')
        at += text[at] == '\\' && text[at + 1] ? 2 : 1;
    return text[at] ? at + 1 : 0;
}

/* ["odd key"] */
static int
json_rule_odd_key(struct json_rule_reader *reader, struct json_rule *rule)
{
    size_t length = json_rule_quoted(reader->at + 1);
    json_error_t error;
    json_t *name = NULL;
    char *key;

    if (length && reader->at[1 + length] == ']')
        name = json_loadb(reader->at + 1, length, JSON_DECODE_ANY, &error);
    if (!name)
        return json_rule_wrong(reader, "an odd key is written [\"odd key\"]");
    reader->at += length + 2;
    key = strdup(json_string_value(name));
    json_decref(name);
    return key ? json_rule_add(reader, rule, key, 0)
               : json_rule_wrong(reader, "out of memory");
}

/* [0] */
static int
json_rule_index(struct json_rule_reader *reader, struct json_rule *rule)
{
    size_t digits = strspn(reader->at + 1, "0123456789");
    size_t index = (size_t)strtoul(reader->at + 1, NULL, 10);

    if (digits == 0 || digits > 9 || reader->at[1 + digits] != ']')
        return json_rule_wrong(reader, "an element of a list is written [0], the first");
    reader->at += digits + 2;
    return json_rule_add(reader, rule, NULL, index);
}

static int
json_rule_path(struct json_rule_reader *reader, struct json_rule *rule)
{
    bool begun = reader->at[0] == '$' && strchr(" \t.[=!<>~", reader->at[1]);
    int done = 0;

    if (begun)
        reader->at++;
    while (done == 0) {
        if (*reader->at == '[')
            done = reader->at[1] == '"' ? json_rule_odd_key(reader, rule)
                                        : json_rule_index(reader, rule);
        else if (!begun)
            done = json_rule_key(reader, rule);
        else if (*reader->at == '.' && reader->at++)
            done = json_rule_key(reader, rule);
        else
            break;
        begun = true;
    }
    return done;
}

static int
json_rule_op(struct json_rule_reader *reader, struct json_rule *rule)
{
    static const char *const ops[] = { "==", "!=", "<=", ">=", "<", ">", "~" };

    json_rule_blanks(reader);
    for (size_t i = 0; i < sizeof(ops) / sizeof(*ops); i++)
        if (strncmp(reader->at, ops[i], strlen(ops[i])) == 0) {
            rule->op = (enum json_rule_op)i;
            reader->at += strlen(ops[i]);
            json_rule_blanks(reader);
            return 0;
        }
    return json_rule_wrong(reader, "after the path comes ==, !=, <, <=, >, >= or ~");
}

static int
json_rule_regex(struct json_rule_reader *reader, struct json_rule *rule)
{
    const char *text = json_string_value(rule->value);
    char said[200];

    if (!text || strlen(text) != json_string_length(rule->value))
        return json_rule_wrong(reader,
                               "~ wants a regular expression in quotes, \"^ok$\"");
    rule->pattern = pattern_new(text, said, sizeof(said));
    return rule->pattern ? 0 : json_rule_wrong(reader, "%s", said);
}

static int
json_rule_value(struct json_rule_reader *reader, struct json_rule *rule)
{
    json_error_t error;

    rule->value = json_rule_load(reader->at, strlen(reader->at), &error);
    if (!rule->value || json_is_object(rule->value) || json_is_array(rule->value))
        return json_rule_wrong(
            reader, "the value is \"a string\" in quotes, a number, true, false or null");
    if (rule->op == OP_MATCH)
        return json_rule_regex(reader, rule);
    if (rule->op != OP_EQ && rule->op != OP_NE && !json_is_number(rule->value)
        && !json_is_string(rule->value))
        return json_rule_wrong(reader, "only numbers and strings have an order; "
                                       "write == or !=");
    return 0;
}

static int
json_rule_parse(const char *text, struct json_rule *rule, char *why, size_t size)
{
    struct json_rule_reader reader = { text, text, why, size };

    rule->text = text;
    json_rule_blanks(&reader);
    return json_rule_path(&reader, rule) == 0 && json_rule_op(&reader, rule) == 0
                   && json_rule_value(&reader, rule) == 0
               ? 0
               : -1;
}

struct json_rule *
json_rule_new(const char *const *texts, char *why, size_t size)
{
    struct json_rule *rules = rules_room(texts, sizeof(*rules), why, size);

    for (size_t i = 0; rules && texts[i]; i++)
        if (json_rule_parse(texts[i], &rules[i], why, size) == -1) {
            json_rule_free(rules);
            return NULL;
        }
    return rules;
}

void
json_rule_free(struct json_rule *rules)
{
    for (struct json_rule *rule = rules; rule && rule->text; rule++) {
        for (size_t i = 0; i < rule->count; i++)
            free(rule->steps[i].key);
        free(rule->steps);
        json_decref(rule->value);
        pattern_free(rule->pattern);
    }
    free(rules);
}
