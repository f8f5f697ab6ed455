/* SPDX-License-Identifier: Apache-2.0
 *
 * inventory.c - hosts with their labels.  See inventory.h.
 */
#include "inventory.h"

#include "csv.h"
#include "file.h"
#include "option.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>

enum {
    INVENTORY_SIZE = 16 << 20,
    INVENTORY_TOLD = 20 /* faults of one file */
};

struct inventory_section {
    const char *name, *file;
    const char *const *hosts;
};

static const struct sonde_option inventory_rows[] = {
    SONDE_STRING(struct inventory_section, name, .required = true,
                 .help = "what the checks call this list"),
    SONDE_STRING(struct inventory_section, file, .help = "a CSV file"),
    SONDE_STRINGS(struct inventory_section, hosts, .help = "the targets"),
    { 0 },
};
static const struct sonde_option inventory_labels_row[] = {
    { .name = "labels", .kind = SONDE_KIND_STRING }, /* a group: read here */
    { 0 },
};

/* A section while it is read. */
struct inventory_reader {
    struct inventory *list;
    struct arena *memory;
    struct problems *problems;
    struct place place; /* of the section */
    const char *who, *file;
    struct label *labels; /* of the section, sorted */
    size_t label_count;
    size_t room;
    size_t told;
};

/* A label of a CSV's rows: a column's, the section's, or both. */
struct inventory_column {
    const char *name;
    size_t column;      /* 0: none */
    const char *always; /* the section's; NULL: none */
};

/* ---- labels ---- */

bool
inventory_label_name_ok(const char *name)
{
    if (!isalpha((unsigned char)*name) && *name != '_')
        return false;
    while (isalnum((unsigned char)*name) || *name == '_' || *name == '.' || *name == '-')
        name++;
    return *name == '\0';
}

int
inventory_label_order(const void *left, const void *right)
{
    const struct label *a = left, *b = right;

    return strcmp(a->name, b->name);
}

const char *
inventory_label(const struct setting *setting, struct arena *memory)
{
    switch (setting->kind) {
    case SETTING_TEXT:
        return arena_text(memory, setting->text);
    case SETTING_INTEGER:
        return arena_format(memory, "%" PRId64, setting->integer);
    case SETTING_REAL:
        return arena_format(memory, "%.15g", setting->real);
    case SETTING_BOOL:
        return setting->truth ? "true" : "false";
    case SETTING_GROUP:
    case SETTING_LIST:
        break;
    }
    return NULL;
}

static void
inventory_section_labels(struct inventory_reader *reader, const struct setting *group)
{
    size_t count = 0;

    if (group && group->kind != SETTING_GROUP) {
        problem_add(reader->problems, group->place,
                    "%s: labels must be a group, as in { site = \"icn\"; }", reader->who);
        return;
    }
    for (const struct setting *at = group ? group->first : NULL; at; at = at->next)
        count++;
    reader->labels = arena_new(reader->memory, count * sizeof(*reader->labels));
    for (const struct setting *at = group ? group->first : NULL; at; at = at->next) {
        const char *value = inventory_label(at, reader->memory);

        if (!value || !inventory_label_name_ok(at->name)
            || strcmp(at->name, "target") == 0)
            problem_add(reader->problems, at->place,
                        value
                            ? "%s: \"%s\" cannot name a label"
                            : "%s: label \"%s\" must be a text, a number, true or false",
                        reader->who, at->name);
        else
            reader->labels[reader->label_count++] =
                (struct label){ arena_text(reader->memory, at->name), value };
    }
    if (reader->label_count)
        qsort(reader->labels, reader->label_count, sizeof(*reader->labels),
              inventory_label_order);
}

static void
inventory_name_labels(struct inventory_reader *reader,
                      const struct inventory_column *columns, size_t count)
{
    struct inventory *list = reader->list;

    list->label_names = arena_new(reader->memory,
                                  (count + 1) * sizeof(*list->label_names));
    list->label_count = count;
    for (size_t i = 0; i < count; i++)
        list->label_names[i] = columns[i].name;
}

/* ---- targets ---- */

/* labels is the target's to keep. */
static void
inventory_add(struct inventory_reader *reader, const char *name, struct label *labels,
              size_t count, struct place row)
{
    struct inventory *list = reader->list;

    if (list->count == reader->room) {
        size_t room = reader->room ? reader->room * 2 : 64;
        struct inventory_target *more = arena_new(reader->memory, room * sizeof(*more));

        if (list->count)
            memcpy(more, list->targets, list->count * sizeof(*more));
        list->targets = more;
        reader->room = room;
    }
    list->targets[list->count++] =
        (struct inventory_target){ arena_text(reader->memory, name), labels, count, row };
}

/* What cannot be a target's name; NULL: it can. */
static const char *
inventory_name_fault(const char *name)
{
    if (*name == '\0')
        return "the target is empty";
    for (const unsigned char *at = (const unsigned char *)name; *at; at++) {
        if (*at < 0x20 || *at == 0x7f)
            return "the target holds a control character";
    }
    return NULL;
}

static int
inventory_target_order(const void *left, const void *right)
{
    const struct inventory_target *a = *(const struct inventory_target *const *)left;
    const struct inventory_target *b = *(const struct inventory_target *const *)right;
    int order = strcmp(a->name, b->name);

    return order != 0                  ? order
           : a->row.line < b->row.line ? -1
                                       : a->row.line > b->row.line;
}

/* Tells the second of two targets of one name. */
static void
inventory_duplicates(struct inventory_reader *reader)
{
    const struct inventory *list = reader->list;
    const struct inventory_target **sorted = memory_array(list->count, sizeof(*sorted));

    for (size_t i = 0; i < list->count; i++)
        sorted[i] = &list->targets[i];
    qsort(sorted, list->count, sizeof(*sorted), inventory_target_order);
    for (size_t i = 1; i < list->count; i++) {
        if (strcmp(sorted[i - 1]->name, sorted[i]->name) != 0
            || reader->told > INVENTORY_TOLD)
            continue;
        problem_add(reader->problems, sorted[i]->row,
                    "target \"%s\" is in line %u already (%s, %s:%u)", sorted[i]->name,
                    sorted[i - 1]->row.line, reader->who, reader->place.file,
                    reader->place.line);
        reader->told++;
    }
    free(sorted);
}

static void
inventory_hosts(struct inventory_reader *reader, const char *const *hosts,
                const struct setting *written)
{
    const struct setting *at = written->kind == SETTING_LIST ? written->first : written;
    struct inventory_column *columns =
        arena_new(reader->memory, (reader->label_count + 1) * sizeof(*columns));

    for (size_t i = 0; i < reader->label_count; i++)
        columns[i].name = reader->labels[i].name;
    inventory_name_labels(reader, columns, reader->label_count);
    for (; *hosts; hosts++, at = at->next) {
        const char *fault = inventory_name_fault(*hosts);

        if (fault)
            problem_add(reader->problems, at->place, "%s: %s", reader->who, fault);
        else
            inventory_add(reader, *hosts, reader->labels, reader->label_count, at->place);
    }
}

/* ---- CSV ---- */

static void
inventory_fault(struct inventory_reader *reader, unsigned row, const char *what)
{
    struct place place = { reader->file, row };

    if (reader->told++ < INVENTORY_TOLD)
        problem_add(reader->problems, place, "%s (%s, %s:%u)", what, reader->who,
                    reader->place.file, reader->place.line);
    else if (reader->told == INVENTORY_TOLD + 1)
        problem_add(reader->problems, place, "more rows are wrong than these (%s)",
                    reader->who);
}

static int
inventory_column_order(const void *left, const void *right)
{
    const struct inventory_column *a = left, *b = right;

    return strcmp(a->name, b->name);
}

/* Adds what the section says to the columns, which are sorted then. */
static size_t
inventory_merge(const struct inventory_reader *reader, struct inventory_column *columns,
                size_t count)
{
    size_t own = count;

    for (size_t i = 0; i < reader->label_count; i++) {
        size_t at = 0;

        while (at < own && strcmp(columns[at].name, reader->labels[i].name) != 0)
            at++;
        if (at == own)
            columns[count++].name = reader->labels[i].name;
        columns[at == own ? count - 1 : at].always = reader->labels[i].value;
    }
    if (count)
        qsort(columns, count, sizeof(*columns), inventory_column_order);
    return count;
}

/* From the first row.  NULL: it is wrong. */
static struct inventory_column *
inventory_header(struct inventory_reader *reader, const struct csv *csv)
{
    struct inventory_column *columns =
        arena_new(reader->memory, (csv->count + reader->label_count) * sizeof(*columns));
    size_t count = csv->count - 1, told = reader->told;

    if (strcmp(csv_cell(csv, 0), "target") != 0)
        inventory_fault(
            reader, csv->row,
            "the first row names the columns, and the first of them is \"target\"");
    for (size_t i = 0; i < count; i++) {
        const char *name = arena_text(reader->memory, csv_cell(csv, i + 1));

        if (!inventory_label_name_ok(name) || strcmp(name, "target") == 0)
            inventory_fault(
                reader, csv->row,
                arena_format(reader->memory, "\"%s\" cannot name a label", name));
        columns[i] = (struct inventory_column){ name, i + 1, NULL };
        for (size_t k = 0; k < i; k++) {
            if (strcmp(columns[k].name, name) == 0)
                inventory_fault(
                    reader, csv->row,
                    arena_format(reader->memory, "two columns are named \"%s\"", name));
        }
    }
    inventory_name_labels(reader, columns, inventory_merge(reader, columns, count));
    return reader->told == told ? columns : NULL;
}

/* An empty cell is a label that this target does not have. */
static void
inventory_row(struct inventory_reader *reader, const struct csv *csv,
              const struct inventory_column *columns)
{
    struct label *labels = arena_new(reader->memory,
                                     reader->list->label_count * sizeof(*labels));
    const char *fault = inventory_name_fault(csv_cell(csv, 0));
    size_t count = 0;

    for (size_t i = 0; i < reader->list->label_count; i++) {
        const char *value = columns[i].column ? csv_cell(csv, columns[i].column) : "";

        if (*value)
            value = arena_text(reader->memory, value);
        else
            value = columns[i].always;
        if (value)
            labels[count++] = (struct label){ columns[i].name, value };
    }
    if (fault)
        inventory_fault(reader, csv->row, fault);
    else
        inventory_add(reader, csv_cell(csv, 0), labels, count,
                      (struct place){ reader->file, csv->row });
}

static void
inventory_rows_of(struct inventory_reader *reader, struct csv *csv)
{
    struct inventory_column *columns = NULL;
    enum csv_status status;
    size_t width = 0;

    while ((status = csv_next(csv)) != CSV_END) {
        if (status == CSV_FAULT) {
            inventory_fault(reader, csv->row, csv->why);
        } else if (width == 0) {
            width = csv->count;
            columns = inventory_header(reader, csv);
            if (!columns)
                return;
        } else if (csv->count != width) {
            inventory_fault(reader, csv->row,
                            arena_format(reader->memory,
                                         "%zu cells in a row, %zu in the first",
                                         csv->count, width));
        } else {
            inventory_row(reader, csv, columns);
        }
    }
    if (width == 0)
        inventory_fault(reader, 0, "is empty; the first row should name the columns");
}

/* Beside the configuration file that names it. */
static const char *
inventory_path(const struct inventory_reader *reader, const char *file)
{
    const char *from = reader->place.file ? reader->place.file : "";
    const char *slash = strrchr(from, '/');

    if (*file == '/' || !slash)
        return arena_text(reader->memory, file);
    return arena_format(reader->memory, "%.*s/%s", (int)(slash - from), from, file);
}

static void
inventory_file(struct inventory_reader *reader, const char *file)
{
    char why[FILE_WHY], *bytes;
    struct csv csv;
    size_t length;

    reader->file = inventory_path(reader, file);
    bytes = file_read(reader->file, INVENTORY_SIZE, &length, why);
    if (!bytes) {
        problem_add(reader->problems, reader->place, "%s: %s %s", reader->who,
                    reader->file, why);
        return;
    }
    csv_init(&csv, bytes, length);
    inventory_rows_of(reader, &csv);
    csv_deinit(&csv);
    free(bytes);
}

struct inventory *
inventory_read(const struct setting *section, struct arena *memory,
               struct problems *problems)
{
    static const struct sonde_option *const tables[] = { inventory_rows,
                                                         inventory_labels_row, NULL };
    const struct setting *name = setting_find(section, "name");
    const struct setting *hosts = setting_find(section, "hosts");
    struct inventory_section options = { 0 };
    struct inventory_reader reader = { .memory = memory,
                                       .problems = problems,
                                       .place = section->place };
    bool named = name && name->kind == SETTING_TEXT;
    size_t before = problems->errors;
    struct option_sources sources = { .own = section };

    reader.who = named ? arena_format(memory, "targets \"%s\"", name->text) : "targets";
    option_unknown(section, tables, reader.who, problems);
    if (!option_fill(&options, inventory_rows, &sources, memory, reader.who,
                     section->place, problems)
        && !named)
        return NULL;
    reader.list = arena_new(memory, sizeof(*reader.list));
    reader.list->name = options.name;
    inventory_section_labels(&reader, setting_find(section, "labels"));
    if (!options.file == !hosts)
        problem_add(problems, section->place,
                    "%s: either file or hosts says what is in it", reader.who);
    else if (problems->errors == before && options.file)
        inventory_file(&reader, options.file);
    else if (problems->errors == before)
        inventory_hosts(&reader, options.hosts, hosts);
    inventory_duplicates(&reader);
    reader.list->broken = problems->errors != before;
    return reader.list;
}
