/* SPDX-License-Identifier: Apache-2.0
 *
 * unit.c - see unit.h.  The rules are those of systemd.unit(5) and of systemd's
 * cg_escape.
 */
#include "unit.h"

#include <stdio.h>
#include <string.h>

enum { UNIT_NAME_MOST = 255 };

static bool
unit_ends(const char *name, const char *tail)
{
    size_t length = strlen(name), n = strlen(tail);

    return length > n && strcmp(name + length - n, tail) == 0;
}

const char *
unit_check(const char *name)
{
    static const char valid[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789:-_.\\@";
    static const char *const kinds[] = { ".service", ".scope", ".slice",
                                         ".socket",  ".mount", ".swap" };
    const char *at = strchr(name, '@');

    if (strlen(name) > UNIT_NAME_MOST)
        return "is longer than the name of a unit";
    if (name[strspn(name, valid)] != '\0')
        return "has characters that no unit has; give the name of one unit as systemctl "
               "prints it, with its escapes (a \\ is written \\\\ here)";
    if (at && at[1] == '.')
        return "is a template; give one instance of it, as in getty@tty1.service";
    for (unsigned i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
        if (unit_ends(name, kinds[i]))
            return NULL;
    return "does not end as a unit with processes does: give the whole name, as in "
           "nginx.service";
}

bool
unit_is(const char *unit, const char *directory)
{
    return strcmp(directory[0] == '_' ? directory + 1 : directory, unit) == 0;
}

bool
unit_holds_units(const char *directory, int64_t user)
{
    char manager[48];

    snprintf(manager, sizeof(manager), "user@%lld.service", (long long)user);
    return unit_ends(directory, ".slice")
           || (user >= 0 && strcmp(directory, manager) == 0);
}
