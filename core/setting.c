/* SPDX-License-Identifier: Apache-2.0
 *
 * setting.c - the tree of settings.  See setting.h.
 */
#include "setting.h"

#include "text.h"

#include <inttypes.h>
#include <string.h>

enum { SETTING_SHOWN = 60 }; /* bytes of a text that a message shows */

struct setting *
setting_new(struct arena *memory, enum setting_kind kind, const char *name,
            struct place place)
{
    struct setting *setting = arena_new(memory, sizeof(*setting));

    setting->kind = kind;
    setting->name = arena_text(memory, name);
    setting->place = place;
    return setting;
}

void
setting_append(struct setting *parent, struct setting *member)
{
    member->next = NULL;
    if (parent->last)
        parent->last->next = member;
    else
        parent->first = member;
    parent->last = member;
}

const struct setting *
setting_find(const struct setting *parent, const char *name)
{
    const struct setting *member = parent ? parent->first : NULL;

    while (member && (!member->name || strcmp(member->name, name) != 0))
        member = member->next;
    return member;
}

const char *
setting_kind_name(enum setting_kind kind)
{
    static const char *const names[] = {
        [SETTING_GROUP] = "a group",      [SETTING_LIST] = "a list",
        [SETTING_TEXT] = "a text",        [SETTING_INTEGER] = "an integer",
        [SETTING_REAL] = "a real number", [SETTING_BOOL] = "true or false",
    };

    return names[kind];
}

/* Long texts are cut, at a whole character. */
static const char *
setting_quoted(struct arena *memory, const char *text)
{
    size_t length = 0, whole = strlen(text);

    while (length < whole && length < SETTING_SHOWN) {
        size_t bytes = text_utf8(text + length, whole - length);

        length += bytes ? bytes : 1;
    }
    return arena_format(memory, "\"%.*s%s\"", (int)length, text,
                        length < whole ? "..." : "");
}

const char *
setting_text(struct arena *memory, const struct setting *setting)
{
    if (setting->secret)
        return "***";
    switch (setting->kind) {
    case SETTING_GROUP:
        return setting->first ? "{ ... }" : "{ }";
    case SETTING_LIST:
        return setting->first ? "( ... )" : "( )";
    case SETTING_TEXT:
        return setting_quoted(memory, setting->text);
    case SETTING_INTEGER:
        return arena_format(memory, "%" PRId64, setting->integer);
    case SETTING_REAL:
        return arena_format(memory, "%g", setting->real);
    case SETTING_BOOL:
        return setting->truth ? "true" : "false";
    }
    return "";
}
