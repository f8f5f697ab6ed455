/* SPDX-License-Identifier: Apache-2.0
 *
 * journal_event.c - an event as a record of the journal.  See journal_event.h.
 */
#include "journal_event.h"

#include "memory.h"

#include <string.h>

static size_t
journal_name_length(const char *name)
{
    return strnlen(name, JOURNAL_TARGET_NAME);
}

static char *
journal_put_name(char *at, const char *name)
{
    size_t length = journal_name_length(name);

    *at++ = (char)(unsigned char)length;
    memcpy(at, name, length);
    return at + length;
}

struct journal_head *
journal_event_head(const struct journal_target *targets, size_t count)
{
    struct journal_head *head;
    size_t length = 1;
    char *at;

    if (count > JOURNAL_TARGETS)
        count = JOURNAL_TARGETS;
    for (size_t i = 0; i < count; i++)
        length += 2 + journal_name_length(targets[i].sink)
                  + journal_name_length(targets[i].route);
    head = memory_new(sizeof(*head) + length);
    head->length = length;
    at = head->bytes;
    *at++ = (char)(unsigned char)count;
    for (size_t i = 0; i < count; i++) {
        at = journal_put_name(at, targets[i].sink);
        at = journal_put_name(at, targets[i].route);
    }
    return head;
}

static bool
journal_take_name(const unsigned char **at, const unsigned char *end,
                  struct journal_name *name)
{
    if (*at == end || (size_t)(end - *at) < 1 + (size_t) * *at)
        return false;
    name->length = **at;
    name->text = (const char *)*at + 1;
    *at += 1 + name->length;
    return true;
}

bool
journal_event_read(struct journal_event *event, const void *payload, size_t length)
{
    const unsigned char *at = payload, *end = at + length;
    struct journal_name name;

    if (!length)
        return false;
    event->targets = *at++;
    event->at = at;
    for (size_t i = 0; i < 2 * event->targets; i++)
        if (!journal_take_name(&at, end, &name))
            return false;
    event->json = (const char *)at;
    event->json_length = (size_t)(end - at);
    return true;
}

bool
journal_event_next(struct journal_event *event, struct journal_name *sink,
                   struct journal_name *route)
{
    const unsigned char *end = (const unsigned char *)event->json;

    return event->at < end && journal_take_name(&event->at, end, sink)
           && journal_take_name(&event->at, end, route);
}
