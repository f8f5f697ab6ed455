/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin.h - plugins found, loaded and vetted.
 *
 * A plugin file is ROLE_NAME.so, '-' in a name being '_' in the file.  It is
 * opened once and never closed.  What it exports is copied into structs of our
 * own size, so the rest of core sees one shape however old the plugin is.
 */
#ifndef CORE_PLUGIN_H
#define CORE_PLUGIN_H

#include "memory.h"
#include "sonde/plugin.h"

enum plugin_role { PLUGIN_PROBE = 1, PLUGIN_SOURCE = 2, PLUGIN_SINK = 3 };
#define PLUGIN_ANY ((enum plugin_role)0) /* only a way to ask */

struct plugin {
    struct plugin *next;
    enum plugin_role role;
    const char *name, *summary, *file;  /* file NULL: built into the daemon */
    const struct sonde_option *options; /* of our size; end with an empty row; not NULL */
    union {
        struct sonde_probe probe;
        struct sonde_source source;
        struct sonde_sink sink;
    };
};

/* Directories in the order searched.  Those of the command line come first. */
struct plugin_dir {
    const char *path;
    bool named_by_user; /* --plugin-dir: may belong to the invoking user */
};

/* What is loaded; one for the process, since code is never unloaded. */
struct plugins {
    struct plugin_dir *dirs;
    size_t dir_count;
    struct plugin *loaded;
    struct arena memory;
};

void plugins_add_dir(struct plugins *plugins, const char *path, bool named_by_user);
void plugins_deinit(struct plugins *plugins);

/* Loads on first use.  NULL with *why set (in plugins' memory) when there is
 * none, or it is refused: the sentence names the directories searched, the
 * nearest plugin there is, or what is wrong with the file.  PLUGIN_ANY: the
 * first role that has the name. */
const struct plugin *plugin_find(struct plugins *plugins, enum plugin_role role,
                                 const char *name, const char **why);

/* Loads whatever the directories hold, skipping with a warning what is refused.
 * Sorted by role and name; count goes to *count; free() the array. */
const struct plugin **plugin_all(struct plugins *plugins, size_t *count);

const char *plugin_role_name(enum plugin_role role); /* "probe"; "plugin" for any */
bool plugin_name_ok(const char *name); /* of [a-z0-9_-], begins with a letter */

/* The pure part, in plugin_take.c: vets and copies one exported record.  readable
 * tells whether the bytes lie within the plugin's file, whose constants the result
 * goes on pointing at.  NULL with *why set.  That name and role fit the file is for
 * the caller to see. */
typedef bool plugin_readable_fn(const void *at, size_t size, void *arg);
struct plugin *plugin_take(struct arena *memory, const struct sonde_plugin *record,
                           plugin_readable_fn *readable, void *arg, const char **why);

#endif
