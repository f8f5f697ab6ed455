/* SPDX-License-Identifier: Apache-2.0
 *
 * describe.c - descriptors and option rows in words.  See describe.h.
 *
 * Not here: what an option's value is in some configuration (--check tells).
 */
#include "describe.h"

#include "text.h"

#include <inttypes.h>
#include <string.h>

enum { COLUMNS = 80, NAME_COLUMN = 20, TEXT_COLUMN = 4 };

/* ---- the facts of one option ---- */

static const char *
kind_name(const struct sonde_option *row)
{
    switch (row->kind) {
    case SONDE_KIND_STRING:
        return "text";
    case SONDE_KIND_STRINGS:
        return "list of texts";
    case SONDE_KIND_BOOL:
        return "true or false";
    case SONDE_KIND_INTEGER:
        return "whole number";
    case SONDE_KIND_REAL:
        return "number";
    case SONDE_KIND_DURATION:
        return "duration";
    case SONDE_KIND_SIZE:
        return "size";
    case SONDE_KIND_CHOICE:
        return "one of";
    case SONDE_KIND_TEMPLATE:
        return "text with {fields}";
    case SONDE_KIND_TEMPLATES:
        return "list of texts with {fields}";
    case SONDE_KIND_END:
        break;
    }
    return "";
}

static void
add_size(struct text *text, int64_t bytes)
{
    static const char *const units[] = { "B", "KiB", "MiB", "GiB", "TiB" };
    size_t unit = 0;

    for (; bytes && bytes % 1024 == 0 && unit < 4; unit++)
        bytes /= 1024;
    text_printf(text, "%" PRId64 "%s", bytes, units[unit]);
}

static void
add_limit(struct text *text, const struct sonde_option *row, const char *word,
          int64_t limit)
{
    char buffer[64];

    text_puts(text, word);
    if (row->kind == SONDE_KIND_DURATION && limit >= 0)
        text_puts(text, text_duration_format(limit, buffer, sizeof(buffer)));
    else if (row->kind == SONDE_KIND_SIZE)
        add_size(text, limit);
    else
        text_printf(text, "%" PRId64, limit);
}

static void
add_limits(struct text *text, const struct sonde_option *row)
{
    bool counts = row->kind == SONDE_KIND_INTEGER || row->kind == SONDE_KIND_REAL
                  || row->kind == SONDE_KIND_DURATION || row->kind == SONDE_KIND_SIZE;

    if (!counts || (!row->min && !row->max))
        return;
    if (row->max < row->min) {
        add_limit(text, row, ", at least ", row->min);
        return;
    }
    add_limit(text, row, ", ", row->min);
    add_limit(text, row, " to ", row->max);
}

static void
add_choices(struct text *text, const struct sonde_option *row)
{
    if (row->kind != SONDE_KIND_CHOICE)
        return;
    for (const char *const *at = row->choices; at && *at; at++)
        text_printf(text, "%s\"%s\"", at == row->choices ? " " : ", ", *at);
}

/* As it would be written in a file: with quotes, but for what needs none. */
static void
add_fallback(struct text *text, const struct sonde_option *row)
{
    bool bare = row->kind == SONDE_KIND_BOOL || row->kind == SONDE_KIND_INTEGER
                || row->kind == SONDE_KIND_REAL;

    if (row->required || !row->fallback)
        return;
    if (row->secret)
        text_puts(text, ", has a default");
    else
        text_printf(text, bare ? ", default %s" : ", default \"%s\"", row->fallback);
}

static void
add_facts(struct text *text, const struct sonde_option *row)
{
    text_puts(text, kind_name(row));
    add_choices(text, row);
    add_limits(text, row);
    add_fallback(text, row);
    if (row->required)
        text_puts(text, ", required");
    if (row->secret)
        text_puts(text, ", secret");
}

/* ---- lines ---- */

/* The longest beginning of text, at most room columns wide, that ends with a word;
 * one word that is longer goes unbroken. */
static size_t
line_length(const char *text, size_t room)
{
    size_t columns = 0, fits = 0, at = 0;

    for (; text[at]; at++) {
        if (text[at] == ' ' && (columns <= room || !fits))
            fits = at;
        if (((unsigned char)text[at] & 0xC0) != 0x80)
            columns++;
        if (columns > room && fits)
            return fits;
    }
    return at;
}

static void
print_wrapped(const char *text, size_t indent, FILE *out)
{
    text += strspn(text, " ");
    while (*text) {
        size_t length = line_length(text, COLUMNS - indent);

        fprintf(out, "%*s%.*s\n", (int)indent, "", (int)length, text);
        text += length;
        text += strspn(text, " ");
    }
}

/* The name, then its words beside it; on a line of their own where the name is long. */
static void
print_entry(const char *name, const char *words, FILE *out)
{
    struct text line = { 0 };
    size_t room = COLUMNS - NAME_COLUMN - 2, first;

    if (strlen(name) > NAME_COLUMN - 2) {
        fprintf(out, "  %s\n", name);
        print_wrapped(words, NAME_COLUMN + 2, out);
        return;
    }
    first = line_length(words, room);
    text_printf(&line, "  %-*s%.*s", NAME_COLUMN, name, (int)first, words);
    fprintf(out, "%s\n", line.bytes);
    print_wrapped(words + first, NAME_COLUMN + 2, out);
    text_deinit(&line);
}

static void
describe_option(const struct sonde_option *row, FILE *out)
{
    struct text facts = { 0 };

    add_facts(&facts, row);
    print_entry(row->name, facts.bytes, out);
    if (row->help)
        print_wrapped(row->help, NAME_COLUMN + 2 + TEXT_COLUMN, out);
    text_deinit(&facts);
}

void
describe_options(const char *heading, const struct sonde_option *rows, FILE *out)
{
    fprintf(out, "\n%s\n", heading);
    for (; rows->name; rows++)
        describe_option(rows, out);
}

/* ---- plugins ---- */

static const char *
manner(const struct plugin *plugin)
{
    bool blocking;

    if (plugin->role == PLUGIN_SOURCE)
        return "never blocks, on a loop of its own";
    blocking = plugin->role == PLUGIN_SINK ? plugin->sink.write != NULL
                                           : plugin->probe.run != NULL;

    return blocking ? "may block, on a worker" : "never blocks, on a loop";
}

void
describe_plugin(const struct plugin *plugin, FILE *out)
{
    struct text title = { 0 };

    text_printf(&title, "%s \"%s\": %s", plugin_role_name(plugin->role), plugin->name,
                plugin->summary);
    print_wrapped(title.bytes, 0, out);
    fprintf(out, "%s%s%s\n", manner(plugin), plugin->file ? "; from " : "",
            plugin->file ? plugin->file : "");
    if (plugin->options->name)
        describe_options("Options:", plugin->options, out);
    else
        fputs("\nNo options of its own.\n", out);
    text_deinit(&title);
}

bool
describe_named(struct plugins *plugins, const char *name, FILE *out, const char **why)
{
    const struct plugin *first = plugin_find(plugins, PLUGIN_ANY, name, why), *other;
    const char *ignored;

    if (!first)
        return false;
    describe_plugin(first, out);
    for (enum plugin_role role = first->role + 1; role <= PLUGIN_SINK; role++) {
        other = plugin_find(plugins, role, name, &ignored);
        if (!other)
            continue;
        fputs("\n", out);
        describe_plugin(other, out);
    }
    return true;
}

static void
describe_role(const char *heading, const struct plugin **all, size_t count,
              enum plugin_role role, FILE *out)
{
    bool some = false;

    fprintf(out, "%s\n", heading);
    for (size_t i = 0; i < count; i++) {
        if (all[i]->role != role)
            continue;
        print_entry(all[i]->name, all[i]->summary, out);
        some = true;
    }
    if (!some)
        fputs("  none\n", out);
}

void
describe_all(struct plugins *plugins, FILE *out)
{
    size_t count;
    AUTO_FREE const struct plugin **all = plugin_all(plugins, &count);

    describe_role("Probes, for checks:", all, count, PLUGIN_PROBE, out);
    fputs("\n", out);
    describe_role("Sources:", all, count, PLUGIN_SOURCE, out);
    fputs("\n", out);
    describe_role("Sinks:", all, count, PLUGIN_SINK, out);
}
