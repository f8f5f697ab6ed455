/* SPDX-License-Identifier: Apache-2.0
 *
 * rules.h - room for what the texts of an option are compiled to: one rule each, and an
 * empty one that ends the list.  What a rule is, and how it is read, its own file knows.
 */
#ifndef PROBE_HTTP_RULES_H
#define PROBE_HTTP_RULES_H

#include <stdio.h>
#include <stdlib.h>

/* Zeroed, to free with free.  NULL with a sentence in why.  texts may be NULL. */
static inline void *
rules_room(const char *const *texts, size_t each, char *why, size_t size)
{
    size_t count = 0;
    void *room;

    while (texts && texts[count])
        count++;
    room = calloc(count + 1, each);
    if (!room)
        snprintf(why, size, "out of memory");
    return room;
}

#endif
