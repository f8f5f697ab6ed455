/* SPDX-License-Identifier: Apache-2.0
 *
 * setting.h - a configuration as a tree that knows where each piece was written.
 *
 * conf.c makes it from libconfig's; everybody else reads this one.  Text has its
 * ${NAME} and @file: already replaced.  A setting lives in its tree's arena.
 */
#ifndef CORE_SETTING_H
#define CORE_SETTING_H

#include "memory.h"
#include "problem.h"

#include <stdbool.h>
#include <stdint.h>

enum setting_kind {
    SETTING_GROUP, /* { name = value; } */
    SETTING_LIST,  /* ( ) or [ ] */
    SETTING_TEXT,
    SETTING_INTEGER,
    SETTING_REAL,
    SETTING_BOOL
};

struct setting {
    const char *name; /* NULL for a member of a list */
    enum setting_kind kind;
    struct place place;
    bool secret; /* came from ${} or @file: and is not to be printed */
    const char *text;
    int64_t integer;
    double real;
    bool truth;
    struct setting *first, *last; /* members */
    struct setting *next;         /* the next member of the same parent */
};

struct setting *setting_new(struct arena *memory, enum setting_kind kind,
                            const char *name, struct place place);
void setting_append(struct setting *parent, struct setting *member);
/* The member of that name, or NULL.  parent may be NULL. */
const struct setting *setting_find(const struct setting *parent, const char *name);
/* "a list", "a text" ..., for messages. */
const char *setting_kind_name(enum setting_kind kind);
/* The value as it would be written, "***" if secret; for messages. */
const char *setting_text(struct arena *memory, const struct setting *setting);

#endif
