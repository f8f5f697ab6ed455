/* SPDX-License-Identifier: Apache-2.0
 *
 * conf_expand.c - values from the environment and from files.  See conf_expand.h.
 *
 * What was put in is not looked at again: a value that happens to hold ${ or to
 * begin with @file: means itself.
 */
#include "conf_expand.h"

#include "file.h"
#include "text.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { CONF_FILE_SIZE = 64 << 10 };

static const char conf_file_mark[] = "@file:";

static bool
conf_is_utf8(const char *bytes, size_t length)
{
    size_t step;

    for (size_t i = 0; i < length; i += step) {
        step = bytes[i] ? text_utf8(bytes + i, length - i) : 0;
        if (step == 0)
            return false;
    }
    return true;
}

/* How a problem names the setting: `"password": `, or nothing inside a list. */
static const char *
conf_who(const struct setting *setting, struct arena *memory)
{
    return setting->name ? arena_format(memory, "\"%s\": ", setting->name) : "";
}

static bool
conf_is_variable(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    while (isalnum((unsigned char)*name) || *name == '_')
        name++;
    return *name == '\0';
}

/* Adds the value of what stands at ${.  Returns what follows it, NULL where that is a
 * problem. */
static const char *
conf_variable(const struct setting *setting, const char *at, struct text *out,
              struct arena *memory, struct problems *problems)
{
    const char *who = conf_who(setting, memory), *end = strchr(at, '}'), *name, *value;

    if (!end) {
        problem_add(problems, setting->place,
                    "%s\"${\" is not closed by \"}\" (\"$${\" writes it as it is)", who);
        return NULL;
    }
    name = arena_copy(memory, at + 2, (size_t)(end - at) - 2);
    if (!conf_is_variable(name)) {
        problem_add(
            problems, setting->place,
            "%s\"${%s}\" names no environment variable (\"$${\" writes \"${\" as it is)",
            who, name);
        return NULL;
    }
    value = getenv(name);
    if (!value) {
        problem_add(problems, setting->place, "%sthe environment variable %s is not set",
                    who, name);
        return NULL;
    }
    text_puts(out, value);
    return end + 1;
}

/* $${ becomes ${, ${NAME} its value.  false: there was a problem. */
static bool
conf_variables(struct setting *setting, struct arena *memory, struct problems *problems)
{
    struct text out = { 0 };
    const char *at = setting->text, *dollar;
    bool good = true;

    while (good && (dollar = strstr(at, "${"))) {
        bool literal = dollar > at && dollar[-1] == '$';

        text_add(&out, at, (size_t)(dollar - at) - literal);
        if (literal) {
            text_puts(&out, "${");
            at = dollar + 2;
            continue;
        }
        setting->secret = true;
        at = conf_variable(setting, dollar, &out, memory, problems);
        good = at != NULL;
    }
    if (good) {
        text_puts(&out, at);
        setting->text = arena_copy(memory, out.length ? out.bytes : "", out.length);
    }
    text_deinit(&out);
    return good;
}

/* A relative path is a credential's name, as systemd's LoadCredential= gives it. */
static void
conf_file(struct setting *setting, struct arena *memory, struct problems *problems)
{
    const char *path = setting->text + strlen(conf_file_mark),
               *who = conf_who(setting, memory);
    const char *dir = getenv("CREDENTIALS_DIRECTORY");
    char why[FILE_WHY], *bytes;
    size_t length;

    setting->secret = true;
    if (*path != '/' && !dir) {
        problem_add(problems, setting->place,
                    "%s%s is no absolute path, and without CREDENTIALS_DIRECTORY in the "
                    "environment there are no credentials to look among",
                    who, setting->text);
        return;
    }
    if (*path != '/')
        path = arena_format(memory, "%s/%s", dir, path);
    bytes = file_read(path, CONF_FILE_SIZE, &length, why);
    if (!bytes) {
        problem_add(problems, setting->place, "%s%s %s", who, path, why);
        return;
    }
    if (length > 0 && bytes[length - 1] == '\n')
        length--;
    if (length > 0 && bytes[length - 1] == '\r')
        length--;
    setting->text = arena_copy(memory, bytes, length);
    free(bytes);
    if (!conf_is_utf8(setting->text, length))
        problem_add(problems, setting->place, "%s%s holds bytes that are not UTF-8 text",
                    who, path);
}

void
conf_expand(struct setting *setting, struct arena *memory, struct problems *problems)
{
    bool file = strncmp(setting->text, conf_file_mark, strlen(conf_file_mark)) == 0;

    if (strstr(setting->text, "${") && !conf_variables(setting, memory, problems))
        return;
    if (file)
        conf_file(setting, memory, problems);
    else if (!conf_is_utf8(setting->text, strlen(setting->text)))
        problem_add(problems, setting->place, "%sholds bytes that are not UTF-8 text",
                    conf_who(setting, memory));
}
