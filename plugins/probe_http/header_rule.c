/* SPDX-License-Identifier: Apache-2.0
 *
 * header_rule.c - headers against expressions.  See header_rule.h.
 *
 * One header is judged within the bounds of pattern.h, but a server may send thousands
 * of the same name: all of them together get no more time than two would.
 */
#include "header_rule.h"

#include "../common/pattern.h"
#include "rules.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HEADER_RULE_TIME = 40 * 1000000 /* nanoseconds of CPU, for one rule */ };

/* The list ends with an empty name. */
struct header_rule {
    const char *name, *expression; /* of the option's text */
    size_t length;                 /* of the name */
    struct pattern *pattern;
};

/* ---- open ---- */

static int
header_rule_parse(const char *text, struct header_rule *rule, char *why, size_t size)
{
    char said[200];

    rule->name = text;
    rule->length = strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789!#$%&'*+-.^_`|~");
    if (rule->length == 0 || text[rule->length] != ':') {
        snprintf(why, size,
                 "\"%.60s\" has no header's name; write \"Content-Type: ^text/html\"",
                 text);
        return -1;
    }
    text += rule->length + 1;
    rule->expression = text + strspn(text, " \t");
    rule->pattern = pattern_new(rule->expression, said, sizeof(said));
    if (rule->pattern)
        return 0;
    snprintf(why, size, "\"%.60s\": %s", rule->expression, said);
    return -1;
}

struct header_rule *
header_rule_new(const char *const *texts, char *why, size_t size)
{
    struct header_rule *rules = rules_room(texts, sizeof(*rules), why, size);

    for (size_t i = 0; rules && texts[i]; i++)
        if (header_rule_parse(texts[i], &rules[i], why, size) == -1) {
            header_rule_free(rules);
            return NULL;
        }
    return rules;
}

void
header_rule_free(struct header_rule *rules)
{
    for (struct header_rule *rule = rules; rule && rule->name; rule++)
        pattern_free(rule->pattern);
    free(rules);
}

/* ---- headers, one after the other ---- */

struct header_rule_value {
    const char *bytes;
    size_t length;
};

static bool
header_rule_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\n';
}

/* The value where this line is a header of that name. */
static bool
header_rule_value(const char *line, const char *end, const char *name, size_t length,
                  struct header_rule_value *value)
{
    if ((size_t)(end - line) <= length || line[length] != ':'
        || strncasecmp(line, name, length) != 0)
        return false;
    line += length + 1;
    while (line < end && header_rule_blank(*line))
        line++;
    while (end > line && header_rule_blank(end[-1]))
        end--;
    value->bytes = line;
    value->length = (size_t)(end - line);
    return true;
}

/* The next header of that name from *at on, which moves behind it. */
static bool
header_rule_next(const char **at, const char *end, const char *name, size_t length,
                 struct header_rule_value *value)
{
    while (*at < end) {
        const char *line = *at, *stop = memchr(line, '\n', (size_t)(end - line));

        stop = stop ? stop + 1 : end;
        *at = stop;
        if (header_rule_value(line, stop, name, length, value))
            return true;
    }
    return false;
}

const char *
header_rule_find(const char *headers, size_t length, const char *name,
                 size_t *value_length)
{
    struct header_rule_value value;

    if (!header_rule_next(&headers, headers + length, name, strlen(name), &value))
        return NULL;
    *value_length = value.length;
    return value.bytes;
}

/* ---- judged ---- */

/* PATTERN_YES: value is the one that matches; PATTERN_NO: the first of that name, or
 * none has it and bytes is NULL. */
static enum pattern_answer
header_rule_match(const struct header_rule *rule, const char *headers, size_t length,
                  struct header_rule_value *value)
{
    struct header_rule_value next;
    const char *end = headers + length;
    int64_t cpu = HEADER_RULE_TIME;
    struct pattern_span span;

    value->bytes = NULL;
    while (header_rule_next(&headers, end, rule->name, rule->length, &next)) {
        enum pattern_answer answer = pattern_find(rule->pattern, next.bytes, next.length,
                                                  &span, 1, &cpu);

        if (!value->bytes || answer != PATTERN_NO)
            *value = next;
        if (answer != PATTERN_NO)
            return answer;
    }
    return PATTERN_NO;
}

bool
header_rule_holds(const struct header_rule *rules, bool wanted, const char *headers,
                  size_t length, char *why, size_t size)
{
    for (const struct header_rule *rule = rules; rule->name; rule++) {
        struct header_rule_value value;
        enum pattern_answer answer = header_rule_match(rule, headers, length, &value);
        int name = (int)rule->length;

        if (answer == (wanted ? PATTERN_YES : PATTERN_NO))
            continue;
        if (answer == PATTERN_GAVE_UP)
            snprintf(why, size, "%s takes too long on the header %.*s",
                     wanted ? "headers_match" : "headers_not_match", name, rule->name);
        else if (!value.bytes)
            snprintf(why, size, "the header %.*s is absent", name, rule->name);
        else
            snprintf(why, size, "the header %.*s is \"%.*s\", which %s \"%.100s\"", name,
                     rule->name, (int)(value.length < 100 ? value.length : 100),
                     value.bytes, wanted ? "does not match" : "matches",
                     rule->expression);
        return false;
    }
    return true;
}
