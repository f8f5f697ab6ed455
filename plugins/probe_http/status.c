/* SPDX-License-Identifier: Apache-2.0
 *
 * status.c - lists of HTTP status codes.  See status.h.
 */
#include "status.h"

#include "rules.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

/* Three digits; answers where they end, NULL where they are none. */
static const char *
status_code(const char *text, uint16_t *code)
{
    unsigned number = 0;

    for (int i = 0; i < 3; i++) {
        if (!isdigit((unsigned char)text[i]))
            return NULL;
        number = number * 10 + (unsigned)(text[i] - '0');
    }
    *code = (uint16_t)number;
    return number >= 100 ? text + 3 : NULL;
}

static bool
status_parse_one(const char *text, struct status_range *range)
{
    range->except = *text == '!';
    text = status_code(text + (range->except ? 1 : 0), &range->from);
    if (!text)
        return false;
    range->to = range->from;
    if (*text == '-')
        text = status_code(text + 1, &range->to);
    return text && !*text && range->from <= range->to;
}

struct status_range *
status_parse(const char *const *texts, char *why, size_t size)
{
    struct status_range *list = rules_room(texts, sizeof(*list), why, size);

    for (size_t i = 0; list && texts && texts[i]; i++)
        if (!status_parse_one(texts[i], &list[i])) {
            snprintf(why, size,
                     "\"%.40s\" is no status; write \"200\", \"200-299\", \"!404\" or "
                     "\"!500-599\"",
                     texts[i]);
            free(list);
            return NULL;
        }
    return list;
}

bool
status_wanted(const struct status_range *list, long code)
{
    bool asked = false, found = false;

    for (; list->from; list++) {
        bool has = code >= list->from && code <= list->to;

        if (list->except && has)
            return false;
        asked = asked || !list->except;
        found = found || (has && !list->except);
    }
    return found || !asked;
}
