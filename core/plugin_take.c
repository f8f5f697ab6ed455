/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin_take.c - from the one constant that a plugin exports to a struct plugin.
 *
 * Pure: it opens no file and calls nothing of the plugin.  It trusts no number
 * before the bytes it promises were found to lie within the plugin's file, so a
 * record that lies costs a sentence and not the daemon.  What is older than this
 * daemon is filled up with zeros; what is newer must be zero where we do not
 * know what it means.
 */
#include "plugin.h"

#include <stdint.h>
#include <string.h>

enum {
    NAME_MOST = 48,
    TEXT_MOST = 4096, /* of a summary, a help, a default */
    ROWS_MOST = 256,
    CHOICES_MOST = 256,
    PRIVATE_MOST = 16 << 20,
    BATCH_MOST = 65536,
    IN_FLIGHT_MOST = 1024
};

/* What every header so far had, and what the three descriptors have in common. */
#define DESCRIPTOR_LEAST offsetof(struct sonde_probe, run)
#define ROW_LEAST        offsetof(struct sonde_option, required)
_Static_assert(offsetof(struct sonde_sink, write) == DESCRIPTOR_LEAST, "one beginning");
_Static_assert(offsetof(struct sonde_source, resume) == DESCRIPTOR_LEAST,
               "one beginning");

struct vetting {
    struct arena *memory;
    plugin_readable_fn *readable;
    void *arg;
    const char **why;
};

__attribute__((format(printf, 2, 3))) static bool
refuse(const struct vetting *vetting, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    *vetting->why = arena_vformat(vetting->memory, format, args);
    va_end(args);
    return false;
}

bool
plugin_name_ok(const char *name)
{
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

    return !name[length] && length > 0 && length <= NAME_MOST && *name >= 'a'
           && *name <= 'z';
}

/* Copies what both sides know of a struct of theirs, whatever its size. */
static bool
take_struct(const struct vetting *vetting, const char *what, void *to, size_t ours,
            const void *from, size_t theirs, size_t least)
{
    if (theirs < least)
        return refuse(vetting,
                      "says that its %s has %zu bytes; no header has fewer than %zu",
                      what, theirs, least);
    if (!vetting->readable(from, theirs, vetting->arg))
        return refuse(vetting,
                      "says that its %s has %zu bytes; they are not all in its file",
                      what, theirs);
    memset(to, 0, ours);
    memcpy(to, from, theirs < ours ? theirs : ours);
    for (size_t at = ours; at < theirs; at++)
        if (((const unsigned char *)from)[at])
            return refuse(vetting,
                          "sets a field of its %s that this daemon does not know; "
                          "it needs a newer sonded",
                          what);
    return true;
}

/* NULL is no text; one without an end within the file is refused. */
static bool
take_text(const struct vetting *vetting, const char *what, const char *text)
{
    for (size_t at = 0; text; at++) {
        if (at == TEXT_MOST)
            return refuse(vetting, "has a %s of more than %d bytes", what, TEXT_MOST);
        if (!vetting->readable(text + at, 1, vetting->arg))
            return refuse(vetting, "has a %s that is not in its file", what);
        if (!text[at])
            break;
    }
    return true;
}

/* ---- options ---- */

static size_t
kind_size(enum sonde_kind kind)
{
    switch (kind) {
    case SONDE_KIND_END:
        return 0;
    case SONDE_KIND_BOOL:
        return sizeof(bool);
    case SONDE_KIND_INTEGER:
    case SONDE_KIND_DURATION:
    case SONDE_KIND_SIZE:
        return sizeof(int64_t);
    case SONDE_KIND_REAL:
        return sizeof(double);
    case SONDE_KIND_CHOICE:
        return sizeof(int);
    case SONDE_KIND_STRING:
    case SONDE_KIND_STRINGS:
    case SONDE_KIND_TEMPLATE:
    case SONDE_KIND_TEMPLATES:
        return sizeof(void *);
    }
    return 0;
}

static bool
vet_choices(const struct vetting *vetting, const struct sonde_option *row)
{
    size_t count = 0;

    for (const char *const *at = row->choices; at; at++, count++) {
        if (count == CHOICES_MOST || !vetting->readable(at, sizeof(*at), vetting->arg))
            return refuse(vetting, "option \"%s\": its choices do not end with NULL",
                          row->name);
        if (!*at)
            break;
        if (!take_text(vetting, "choice", *at))
            return false;
    }
    if (row->kind == SONDE_KIND_CHOICE && !count)
        return refuse(vetting, "option \"%s\" is a choice without choices", row->name);
    return true;
}

static bool
vet_option_name(const struct vetting *vetting, const char *name)
{
    if (!take_text(vetting, "option name", name))
        return false;
    size_t length = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789_");
    if (name[length] || !length || length > NAME_MOST || (*name >= '0' && *name <= '9'))
        return refuse(vetting, "has an option whose name is no name: \"%.*s\"", NAME_MOST,
                      name);
    return true;
}

/* With a size that is not the true one, rows are read askew: a flag that is neither
 * true nor false gives that away, and must not be looked at as a bool. */
static bool
flags_are_bools(const struct sonde_option *row)
{
    const unsigned char *bytes = (const unsigned char *)row;

    return bytes[offsetof(struct sonde_option, required)] <= 1
           && bytes[offsetof(struct sonde_option, secret)] <= 1;
}

static bool
vet_option(const struct vetting *vetting, const struct sonde_option *row, size_t private)
{
    if (!flags_are_bools(row))
        return refuse(vetting,
                      "says that its option rows have a size that they do not have");
    if (!vet_option_name(vetting, row->name)
        || !take_text(vetting, "default", row->fallback)
        || !take_text(vetting, "help", row->help))
        return false;
    size_t size = kind_size(row->kind);
    if (!size)
        return refuse(vetting,
                      "option \"%s\" is of kind %u, which this daemon does not know",
                      row->name, (unsigned)row->kind);
    if (row->offset > private || private - row->offset < size || row->offset % size)
        return refuse(vetting,
                      "option \"%s\" does not fit the private struct of %zu bytes",
                      row->name, private);
    return vet_choices(vetting, row);
}

static bool
is_end(const struct sonde_option *row)
{
    return !row->name && row->kind == SONDE_KIND_END;
}

static const struct sonde_option *
same_name(const struct sonde_option *rows, const struct sonde_option *row)
{
    for (; rows < row; rows++)
        if (strcmp(rows->name, row->name) == 0)
            return rows;
    return NULL;
}

/* The rows lie in a buffer of ROWS_MOST until all are known. */
static bool
take_rows(const struct vetting *vetting, const void *from, size_t theirs, size_t private,
          struct sonde_option *rows, size_t *count)
{
    for (*count = 0; *count < ROWS_MOST; ++*count) {
        struct sonde_option *row = &rows[*count];

        if (!take_struct(vetting, "option row", row, sizeof(*row), from, theirs,
                         ROW_LEAST))
            return false;
        if (is_end(row))
            return true;
        if (!row->name)
            return refuse(vetting, "has an option without a name");
        if (!vet_option(vetting, row, private))
            return false;
        if (same_name(rows, row))
            return refuse(vetting, "has two options \"%s\"", row->name);
        from = (const char *)from + theirs;
    }
    return refuse(vetting, "has more than %d options, or no empty row after the last",
                  ROWS_MOST - 1);
}

static bool
take_options(const struct vetting *vetting, struct plugin *plugin, size_t theirs)
{
    static const struct sonde_option none[1];
    AUTO_FREE struct sonde_option *rows = memory_array(ROWS_MOST, sizeof(*rows));
    size_t count;

    plugin->options = none;
    if (!plugin->probe.options)
        return true;
    if (!take_rows(vetting, plugin->probe.options, theirs, plugin->probe.size, rows,
                   &count))
        return false;
    struct sonde_option *kept = arena_new(vetting->memory, (count + 1) * sizeof(*kept));
    memcpy(kept, rows, count * sizeof(*kept));
    plugin->options = kept;
    return true;
}

/* ---- descriptors ---- */

static bool
vet_probe(const struct vetting *vetting, const struct sonde_probe *probe)
{
    if (probe->run && probe->begin)
        return refuse(vetting, "has both run and begin; a probe has one of them");
    if (!probe->run && !probe->begin)
        return refuse(vetting, "has neither run nor begin; a probe needs one of them");
    if (probe->begin && !probe->cancel)
        return refuse(vetting, "has begin without cancel");
    return true;
}

static bool
vet_sink(const struct vetting *vetting, const struct sonde_sink *sink)
{
    if (sink->write && sink->submit)
        return refuse(vetting, "has both write and submit; a sink has one of them");
    if (!sink->write && !sink->submit)
        return refuse(vetting, "has neither write nor submit; a sink needs one of them");
    if (sink->submit && !sink->cancel)
        return refuse(vetting, "has submit without cancel");
    if (sink->batch > BATCH_MOST)
        return refuse(vetting, "wants %u items in a batch; at most %d", sink->batch,
                      BATCH_MOST);
    if (sink->in_flight > IN_FLIGHT_MOST)
        return refuse(vetting, "wants %u batches in flight; at most %d", sink->in_flight,
                      IN_FLIGHT_MOST);
    return true;
}

static bool
vet_source(const struct vetting *vetting, const struct sonde_source *source)
{
    if (!source->start)
        return refuse(vetting, "has no start; a source hears nothing without it");
    return true;
}

/* What all descriptors begin with; a probe's serves to read any of them. */
static bool
vet_head(const struct vetting *vetting, const struct sonde_probe *head)
{
    if (!head->name)
        return refuse(vetting, "has no name");
    if (!take_text(vetting, "name", head->name))
        return false;
    if (!plugin_name_ok(head->name))
        return refuse(
            vetting,
            "has the name \"%.*s\"; a name is of a-z, 0-9, - and _, begins with a "
            "letter, and has at most %d bytes",
            NAME_MOST, head->name, NAME_MOST);
    if (head->size > PRIVATE_MOST)
        return refuse(vetting, "wants %zu bytes for each instance; at most %d",
                      head->size, PRIVATE_MOST);
    return take_text(vetting, "summary", head->summary);
}

static bool
take_descriptor(const struct vetting *vetting, struct plugin *plugin,
                const struct sonde_plugin *record)
{
    static const size_t sizes[] = { [PLUGIN_PROBE] = sizeof(plugin->probe),
                                    [PLUGIN_SOURCE] = sizeof(plugin->source),
                                    [PLUGIN_SINK] = sizeof(plugin->sink) };

    if (!take_struct(vetting, "descriptor", &plugin->probe, sizes[plugin->role],
                     record->descriptor, record->size, DESCRIPTOR_LEAST))
        return false;
    if (!vet_head(vetting, &plugin->probe))
        return false;
    if (plugin->role == PLUGIN_SINK && !vet_sink(vetting, &plugin->sink))
        return false;
    if (plugin->role == PLUGIN_PROBE && !vet_probe(vetting, &plugin->probe))
        return false;
    if (plugin->role == PLUGIN_SOURCE && !vet_source(vetting, &plugin->source))
        return false;
    return take_options(vetting, plugin, record->option_size);
}

static bool
vet_record(const struct vetting *vetting, const struct sonde_plugin *record)
{
    if ((uintptr_t)record % _Alignof(struct sonde_plugin)
        || !vetting->readable(record, sizeof(*record), vetting->arg))
        return refuse(vetting, "has no record of its own behind the name sonde_plugin");
    if (record->abi != SONDE_ABI)
        return refuse(vetting,
                      "was built for plugin ABI %u, this daemon has %d; build it anew",
                      record->abi, SONDE_ABI);
    if (record->role < PLUGIN_PROBE || record->role > PLUGIN_SINK)
        return refuse(vetting, "has the role %u, which this daemon does not know",
                      record->role);
    return true;
}

struct plugin *
plugin_take(struct arena *memory, const struct sonde_plugin *record,
            plugin_readable_fn *readable, void *arg, const char **why)
{
    const struct vetting vetting = { memory, readable, arg, why };

    if (!vet_record(&vetting, record))
        return NULL;
    struct plugin *plugin = arena_new(memory, sizeof(*plugin));
    plugin->role = (enum plugin_role)record->role;
    if (!take_descriptor(&vetting, plugin, record))
        return NULL;
    plugin->name = plugin->probe.name;
    plugin->summary = plugin->probe.summary ? plugin->probe.summary : "";
    plugin->probe.options = plugin->options;
    return plugin;
}
