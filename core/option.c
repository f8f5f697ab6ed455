/* SPDX-License-Identifier: Apache-2.0
 *
 * option.c - tables of options: settings in, filled structs out.  See option.h.
 *
 * Each kind of a row is read in one function; a row's fallback goes the same way
 * as what somebody wrote.
 */
#include "option.h"

#include "option_limits.h"
#include "template.h"
#include "text.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* One row on its way into the target. */
struct option {
    const struct sonde_option *row;
    const struct setting *setting; /* what decides it; made of the fallback where nothing
                                    * was written */
    bool written;
    const char *who;
    struct arena *memory;
    struct problems *problems;
};

/* The value in messages. */
static const char *
option_shown(const struct option *option, const struct setting *value)
{
    return option->row->secret ? "***" : setting_text(option->memory, value);
}

__attribute__((format(printf, 3, 4))) static bool
option_wrong(const struct option *option, const struct setting *value, const char *format,
             ...)
{
    va_list args;
    const char *said;

    va_start(args, format);
    said = arena_vformat(option->memory, format, args);
    va_end(args);
    problem_add(option->problems, value->place, "%s: %s%s %s", option->who,
                option->written ? "" : "the plugin's own default of ", option->row->name,
                said);
    return false;
}

static bool
option_expect(const struct option *option, const struct setting *value, const char *what)
{
    if (value->kind == SETTING_GROUP || value->kind == SETTING_LIST)
        return option_wrong(option, value, "must be %s, this is %s", what,
                            setting_kind_name(value->kind));
    return option_wrong(option, value, "must be %s, not %s", what,
                        option_shown(option, value));
}

/* ---- one function a kind ---- */

static bool
option_text(const struct option *option, const struct setting *value, const char **text)
{
    if (value->kind != SETTING_TEXT)
        return option_expect(option, value, "a text in quotes");
    *text = arena_text(option->memory, value->text);
    return true;
}

static bool
option_template(const struct option *option, const struct setting *value,
                const struct sonde_template **compiled)
{
    const char *error = NULL;

    if (value->kind != SETTING_TEXT)
        return option_expect(option, value, "a text in quotes");
    *compiled = template_compile(option->memory, value->text, &error);
    if (!*compiled && (option->row->secret || value->secret))
        return option_wrong(option, value,
                            "is no template; see the manual for their form");
    if (!*compiled)
        return option_wrong(option, value, "is no template: %s", error);
    return true;
}

static bool
option_bool(const struct option *option, const struct setting *value, bool *truth)
{
    if (value->kind == SETTING_BOOL)
        *truth = value->truth;
    else if (value->kind == SETTING_TEXT && strcmp(value->text, "true") == 0)
        *truth = true;
    else if (value->kind == SETTING_TEXT && strcmp(value->text, "false") == 0)
        *truth = false;
    else
        return option_expect(option, value, "true or false");
    return true;
}

/* A text counts too: that is how a fallback is written, and all that ${NAME} gives. */
static bool
option_integer(const struct option *option, const struct setting *value, int64_t *integer)
{
    char *end = NULL;

    errno = 0;
    if (value->kind == SETTING_INTEGER)
        *integer = value->integer;
    else if (value->kind == SETTING_TEXT && *value->text && *value->text != ' ')
        *integer = strtoll(value->text, &end, 10);
    else
        return option_expect(option, value, "a whole number");
    if (end && (*end != '\0' || errno == ERANGE))
        return option_expect(option, value, "a whole number");
    return option_limits_ok(option->row, *integer)
           || option_wrong(option, value, "must be %s, not %s",
                           option_limits(option->row, option->memory),
                           option_shown(option, value));
}

static bool
option_real(const struct option *option, const struct setting *value, double *real)
{
    const struct sonde_option *row = option->row;
    char *end = NULL;
    bool limits = row->min != 0 || row->max != 0;

    if (value->kind == SETTING_REAL)
        *real = value->real;
    else if (value->kind == SETTING_INTEGER)
        *real = (double)value->integer;
    else if (value->kind == SETTING_TEXT && *value->text && *value->text != ' ')
        *real = strtod(value->text, &end);
    else
        return option_expect(option, value, "a number");
    if (end && *end != '\0')
        return option_expect(option, value, "a number");
    if (!limits
        || (*real >= (double)row->min
            && (row->max < row->min || *real <= (double)row->max)))
        return true;
    return option_wrong(option, value, "must be %s, not %s",
                        option_limits(row, option->memory), option_shown(option, value));
}

/* Durations and sizes: texts, with a unit. */
static bool
option_amount(const struct option *option, const struct setting *value, int64_t *amount)
{
    bool size = option->row->kind == SONDE_KIND_SIZE;
    const char *what = size ? "a size" : "a duration", *as = size ? "16MiB" : "30s";

    if (value->kind == SETTING_INTEGER || value->kind == SETTING_REAL)
        return option_wrong(option, value,
                            "is %s and needs a unit, in quotes, as in \"%s\"", what, as);
    if (value->kind == SETTING_TEXT)
        *amount = size ? text_size(value->text) : text_duration(value->text);
    if (value->kind != SETTING_TEXT || *amount < 0)
        return option_expect(option, value,
                             arena_format(option->memory, "%s, as in \"%s\"", what, as));
    return option_limits_ok(option->row, *amount)
           || option_wrong(option, value, "must be %s, not %s",
                           option_limits(option->row, option->memory),
                           option_shown(option, value));
}

static bool
option_choice(const struct option *option, const struct setting *value, int *choice)
{
    const char *const *choices = option->row->choices;
    struct text all = { 0 };
    const char *near = NULL;
    size_t count = 0;

    for (; choices && choices[count]; count++) {
        if (value->kind == SETTING_TEXT && strcmp(value->text, choices[count]) == 0) {
            *choice = (int)count;
            text_deinit(&all);
            return true;
        }
        text_printf(&all, "%s\"%s\"", count ? ", " : "", choices[count]);
    }
    if (value->kind == SETTING_TEXT && !option->row->secret && !value->secret)
        near = text_nearest(value->text, choices, count);
    option_wrong(option, value, "must be one of %s, not %s%s%s%s",
                 count ? all.bytes : "none", option_shown(option, value),
                 near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    text_deinit(&all);
    return false;
}

/* A list of texts or templates, ending with NULL; a single one is a list of one. */
static bool
option_list(const struct option *option, const struct setting *value, void *field)
{
    const struct setting *first = value->kind == SETTING_LIST ? value->first : value;
    bool list = value->kind == SETTING_LIST, good = true;
    size_t count = 0, i = 0;
    void **all;

    if (!list && value->kind != SETTING_TEXT)
        return option_expect(option, value, "a list of texts, as in [\"a\", \"b\"]");
    for (const struct setting *at = first; at; at = list ? at->next : NULL)
        count++;
    all = arena_new(option->memory, (count + 1) * sizeof(*all));
    for (const struct setting *at = first; at; at = list ? at->next : NULL, i++) {
        const struct sonde_template *compiled = NULL;
        const char *text = NULL;

        if (option->row->kind == SONDE_KIND_TEMPLATES)
            good = option_template(option, at, &compiled) && good;
        else
            good = option_text(option, at, &text) && good;
        all[i] = compiled ? (void *)(uintptr_t)compiled : (void *)(uintptr_t)text;
    }
    memcpy(field, &all, sizeof(all));
    return good;
}

static bool
option_read(const struct option *option, void *field)
{
    const struct setting *value = option->setting;

    switch (option->row->kind) {
    case SONDE_KIND_STRING:
        return option_text(option, value, field);
    case SONDE_KIND_STRINGS:
    case SONDE_KIND_TEMPLATES:
        return option_list(option, value, field);
    case SONDE_KIND_BOOL:
        return option_bool(option, value, field);
    case SONDE_KIND_INTEGER:
        return option_integer(option, value, field);
    case SONDE_KIND_REAL:
        return option_real(option, value, field);
    case SONDE_KIND_DURATION:
    case SONDE_KIND_SIZE:
        return option_amount(option, value, field);
    case SONDE_KIND_CHOICE:
        return option_choice(option, value, field);
    case SONDE_KIND_TEMPLATE:
        return option_template(option, value, field);
    case SONDE_KIND_END:
        break;
    }
    return false;
}

/* ---- the table ---- */

const struct setting *
option_setting(const struct option_sources *sources, const char *name)
{
    const struct setting *found = setting_find(sources->own, name);

    if (!found)
        found = setting_find(sources->defaults[0], name);
    if (found)
        return found;
    found = setting_find(sources->defaults[1], name);
    /* There, a group holds the defaults of the plugin of that name. */
    return found && found->kind != SETTING_GROUP ? found : NULL;
}

/* A list that nobody gave is empty, not absent: a plugin may always walk it. */
static void
option_absent(const struct sonde_option *row, void *field)
{
    static const void *const nothing[1] = { NULL };
    const void *const *empty = nothing;

    if (row->kind == SONDE_KIND_STRINGS || row->kind == SONDE_KIND_TEMPLATES)
        memcpy(field, &empty, sizeof(empty));
}

bool
option_fill(void *target, const struct sonde_option *rows,
            const struct option_sources *sources, struct arena *memory, const char *who,
            struct place place, struct problems *problems)
{
    bool good = true;

    for (const struct sonde_option *row = rows; row->kind != SONDE_KIND_END; row++) {
        void *field = (char *)target + row->offset;
        struct setting fallback = { .kind = SETTING_TEXT,
                                    .place = place,
                                    .text = row->fallback };
        struct option option = { .row = row,
                                 .setting = option_setting(sources, row->name),
                                 .written = true,
                                 .who = who,
                                 .memory = memory,
                                 .problems = problems };

        option_absent(row, field);
        if (!option.setting && row->required) {
            problem_add(problems, place, "%s: %s is missing%s%s", who, row->name,
                        row->help ? ": " : "", row->help ? row->help : "");
            good = false;
            continue;
        }
        if (!option.setting && row->fallback) {
            option.setting = &fallback;
            option.written = false;
        }
        if (option.setting && !option_read(&option, field))
            good = false;
    }
    return good;
}

const struct sonde_option *
option_find(const struct sonde_option *rows, const char *name)
{
    for (; rows && rows->kind != SONDE_KIND_END; rows++) {
        if (strcmp(rows->name, name) == 0)
            return rows;
    }
    return NULL;
}

/* The name nearest to that of a member that no table has. */
static const char *
option_nearest(const char *name, const struct sonde_option *const *tables)
{
    const char **names = NULL, *near;
    size_t count = 0;

    for (; *tables; tables++) {
        for (const struct sonde_option *row = *tables; row->kind != SONDE_KIND_END;
             row++) {
            names = memory_grow(names, count + 1, sizeof(*names));
            names[count++] = row->name;
        }
    }
    near = count ? text_nearest(name, names, count) : NULL;
    free(names);
    return near;
}

bool
option_unknown(const struct setting *section, const struct sonde_option *const *tables,
               const char *who, struct problems *problems)
{
    bool good = true;

    for (const struct setting *at = section->first; at; at = at->next) {
        const struct sonde_option *const *table = tables;
        const char *near;

        while (*table && !option_find(*table, at->name))
            table++;
        if (*table)
            continue;
        near = option_nearest(at->name, tables);
        problem_add(problems, at->place, "%s: unknown option \"%s\"%s%s%s", who, at->name,
                    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
        good = false;
    }
    return good;
}
