/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin.c - plugins found and loaded.
 *
 * A name becomes a file in one of the plugin directories, never a path.  Loading
 * a file runs code of its own with all our rights, so who may write the file and
 * its directory is looked at first; what it exports is vetted in plugin_take.c.
 * Code is never unloaded: threads and handlers that a library left behind would
 * run on in memory that is gone.
 */
#include "plugin.h"

#include "log.h"
#include "text.h"

#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { STEM_SIZE = 64, SEGMENTS_MOST = 32 };

const char *
plugin_role_name(enum plugin_role role)
{
    static const char *const names[] = { "plugin", "probe", "source", "sink" };

    return names[role];
}

/* ---- who may write it ---- */

/* An owner that is trusted with what runs as us. */
static bool
owner_ok(const struct plugin_dir *dir, const struct stat *file)
{
    return file->st_uid == 0 || (dir->named_by_user && file->st_uid == geteuid());
}

static bool
writers_ok(const struct plugin_dir *dir, const struct stat *file)
{
    bool own_group = dir->named_by_user && file->st_gid == getegid();

    return !(file->st_mode & S_IWOTH) && (own_group || !(file->st_mode & S_IWGRP));
}

static bool
vet_path(struct plugins *plugins, const struct plugin_dir *dir, const char *path,
         const char **why)
{
    struct stat file;

    if (stat(path, &file) == -1)
        *why = arena_format(&plugins->memory, "%s: %s", path, strerror(errno));
    else if (!owner_ok(dir, &file))
        *why = arena_format(
            &plugins->memory,
            "%s belongs to user %u; a plugin and its directory must belong to "
            "root%s",
            path, file.st_uid, dir->named_by_user ? " or to who starts the daemon" : "");
    else if (!writers_ok(dir, &file))
        *why = arena_format(
            &plugins->memory,
            "%s may be written by others (mode %04o); nobody else may change "
            "a plugin or its directory",
            path, file.st_mode & 07777);
    else
        return true;
    return false;
}

/* The file, the directory that it is really in, and the one that it was found in,
 * where a link may lead from one to the other. */
static bool
vet_file(struct plugins *plugins, const struct plugin_dir *dir, const char *real,
         const char **why)
{
    const char *slash = strrchr(real, '/');
    size_t length = slash > real ? (size_t)(slash - real) : 1;
    const char *parent = arena_copy(&plugins->memory, real, length);

    return vet_path(plugins, dir, dir->path, why) && vet_path(plugins, dir, parent, why)
           && vet_path(plugins, dir, real, why);
}

/* ---- one file ---- */

/* Where the loader put the parts of a file that may be read. */
struct segments {
    const struct link_map *map;
    size_t count;
    struct {
        uintptr_t begin, end;
    } each[SEGMENTS_MOST];
};

static int
note_segments(struct dl_phdr_info *info, size_t size, void *arg)
{
    struct segments *segments = arg;

    (void)size;
    if (info->dlpi_addr != segments->map->l_addr
        || strcmp(info->dlpi_name, segments->map->l_name) != 0)
        return 0;
    for (unsigned i = 0; i < info->dlpi_phnum && segments->count < SEGMENTS_MOST; i++) {
        const ElfW(Phdr) *header = &info->dlpi_phdr[i];

        if (header->p_type != PT_LOAD || !(header->p_flags & PF_R))
            continue;
        segments->each[segments->count].begin = info->dlpi_addr + header->p_vaddr;
        segments->each[segments->count++].end = info->dlpi_addr + header->p_vaddr
                                                + header->p_memsz;
    }
    return 1;
}

static bool
in_segments(const void *at, size_t size, void *arg)
{
    const struct segments *segments = arg;

    for (size_t i = 0; i < segments->count; i++) {
        uintptr_t begin = segments->each[i].begin, end = segments->each[i].end;

        if ((uintptr_t)at >= begin && (uintptr_t)at < end)
            return size <= end - (uintptr_t)at;
    }
    return false;
}

/* The name that the file of a plugin carries for it. */
static void
stem_of(const char *name, char stem[STEM_SIZE])
{
    size_t at = 0;

    for (; at < STEM_SIZE - 1 && name[at]; at++)
        stem[at] = name[at] == '-' ? '_' : name[at];
    stem[at] = '\0';
}

static bool
fits_file(struct plugins *plugins, const struct plugin *plugin, enum plugin_role role,
          const char *stem, const char **why)
{
    char own[STEM_SIZE];

    stem_of(plugin->name, own);
    if (plugin->role == role && strcmp(own, stem) == 0)
        return true;
    *why = arena_format(&plugins->memory, "holds the %s \"%s\", whose file is %s_%s.so",
                        plugin_role_name(plugin->role), plugin->name,
                        plugin_role_name(plugin->role), own);
    return false;
}

static struct plugin *
open_file(struct plugins *plugins, const char *real, const char **why)
{
    void *code = dlopen(real, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
    struct segments segments = { 0 };

    if (!code) {
        const char *error = dlerror(); /* begins with the path, mostly */
        size_t length = strlen(real);

        if (strncmp(error, real, length) == 0 && strncmp(error + length, ": ", 2) == 0)
            error += length + 2;
        bool newer = strstr(error, "undefined symbol: sonde_");
        *why = arena_format(&plugins->memory, "cannot be loaded: %s%s", error,
                            newer ? "; it needs a newer sonded" : "");
        return NULL;
    }
    const void *record = dlsym(code, "sonde_plugin");
    if (!record || dlinfo(code, RTLD_DI_LINKMAP, &segments.map) == -1) {
        *why = "is no Sonde plugin: it exports no sonde_plugin";
        return NULL;
    }
    dl_iterate_phdr(note_segments, &segments);
    return plugin_take(&plugins->memory, record, in_segments, &segments, why);
}

static struct plugin *
load_file(struct plugins *plugins, const struct plugin_dir *dir, const char *path,
          enum plugin_role role, const char *stem, const char **why)
{
    AUTO_FREE char *real = realpath(path, NULL);
    const char *fault = NULL;

    if (!real) {
        *why = arena_format(&plugins->memory, "%s: %s", path, strerror(errno));
        return NULL;
    }
    if (!vet_file(plugins, dir, real, why))
        return NULL;
    struct plugin *plugin = open_file(plugins, real, &fault);
    if (!plugin || !fits_file(plugins, plugin, role, stem, &fault)) {
        *why = arena_format(&plugins->memory, "%s %s", path, fault);
        return NULL;
    }
    plugin->file = arena_text(&plugins->memory, real);
    return plugin;
}

static struct plugin *
loaded_before(const struct plugins *plugins, enum plugin_role role, const char *stem)
{
    char own[STEM_SIZE];

    for (struct plugin *at = plugins->loaded; at; at = at->next) {
        stem_of(at->name, own);
        if (at->role == role && strcmp(own, stem) == 0)
            return at;
    }
    return NULL;
}

/* The first directory that has the file decides.  NULL with *why left alone: none
 * has it. */
static struct plugin *
load(struct plugins *plugins, enum plugin_role role, const char *stem, const char **why)
{
    struct plugin *plugin = loaded_before(plugins, role, stem);

    for (size_t i = 0; !plugin && i < plugins->dir_count; i++) {
        const struct plugin_dir *dir = &plugins->dirs[i];
        AUTO_FREE char *path = memory_format("%s/%s_%s.so", dir->path,
                                             plugin_role_name(role), stem);
        struct stat file;

        if (lstat(path, &file) == -1)
            continue;
        plugin = load_file(plugins, dir, path, role, stem, why);
        if (!plugin)
            return NULL;
        plugin->next = plugins->loaded;
        plugins->loaded = plugin;
    }
    return plugin;
}

/* ---- what there is ---- */

struct found {
    enum plugin_role role;
    char stem[STEM_SIZE];
};

struct finds {
    struct found *all;
    size_t count;
};

static bool
read_file_name(const char *file, struct found *found)
{
    for (enum plugin_role role = PLUGIN_PROBE; role <= PLUGIN_SINK; role++) {
        size_t prefix = strlen(plugin_role_name(role)), length = strlen(file);

        if (strncmp(file, plugin_role_name(role), prefix) != 0 || file[prefix] != '_'
            || length < prefix + sizeof("_.so") || length - prefix - 4 >= STEM_SIZE
            || strcmp(file + length - 3, ".so") != 0)
            continue;
        found->role = role;
        snprintf(found->stem, STEM_SIZE, "%.*s", (int)(length - prefix - 4),
                 file + prefix + 1);
        return plugin_name_ok(found->stem) && !strchr(found->stem, '-');
    }
    return false;
}

static int
compare_found(const void *a, const void *b)
{
    const struct found *left = a, *right = b;

    return left->role != right->role ? (left->role < right->role ? -1 : 1)
                                     : strcmp(left->stem, right->stem);
}

static void
read_dir(const struct plugin_dir *dir, struct finds *finds)
{
    DIR *stream = opendir(dir->path);
    struct dirent *entry;

    if (!stream)
        return;
    while ((entry = readdir(stream))) {
        struct found found = { 0 };

        if (!read_file_name(entry->d_name, &found))
            continue;
        finds->all = memory_grow(finds->all, finds->count + 1, sizeof(*finds->all));
        finds->all[finds->count++] = found;
    }
    closedir(stream);
}

/* Sorted, each once; free finds->all. */
static void
find_files(const struct plugins *plugins, struct finds *finds)
{
    size_t kept = 0;

    for (size_t i = 0; i < plugins->dir_count; i++)
        read_dir(&plugins->dirs[i], finds);
    if (!finds->count)
        return;
    qsort(finds->all, finds->count, sizeof(*finds->all), compare_found);
    for (size_t i = 1; i < finds->count; i++)
        if (compare_found(&finds->all[kept], &finds->all[i]) != 0)
            finds->all[++kept] = finds->all[i];
    finds->count = kept + 1;
}

/* A file name does not tell '-' from '_': only the plugin knows how it is written. */
static const char *
true_name(struct plugins *plugins, const struct found *found)
{
    const char *ignored;
    const struct plugin *plugin = load(plugins, found->role, found->stem, &ignored);

    return plugin ? plugin->name : found->stem;
}

static const struct found *
nearest(const struct finds *finds, enum plugin_role role, const char *name)
{
    AUTO_FREE const char **stems = memory_array(finds->count + 1, sizeof(*stems));
    char stem[STEM_SIZE];
    size_t count = 0;

    stem_of(name, stem);
    for (size_t i = 0; i < finds->count; i++)
        if (role == PLUGIN_ANY || finds->all[i].role == role)
            stems[count++] = finds->all[i].stem;
    const char *best = text_nearest(stem, stems, count);
    for (size_t i = 0; best && i < finds->count; i++)
        if (finds->all[i].stem == best)
            return &finds->all[i];
    return NULL;
}

static void
add_dirs(const struct plugins *plugins, struct text *text)
{
    for (size_t i = 0; i < plugins->dir_count; i++) {
        const char *path = plugins->dirs[i].path;

        text_printf(text, "%s%s", i ? ", " : " in ", path);
        if (access(path, R_OK | X_OK) == -1)
            text_printf(text, " (%s)", strerror(errno));
    }
}

/* The other role that has the name: a sink used as a probe, say. */
static enum plugin_role
other_role(const struct finds *finds, const char *name)
{
    char stem[STEM_SIZE];

    stem_of(name, stem);
    for (size_t i = 0; i < finds->count; i++)
        if (strcmp(finds->all[i].stem, stem) == 0)
            return finds->all[i].role;
    return PLUGIN_ANY;
}

static const char *
missing(struct plugins *plugins, enum plugin_role role, const char *name)
{
    struct finds finds = { 0 };
    struct text text = { 0 };

    find_files(plugins, &finds);
    const struct found *near = nearest(&finds, role, name);
    enum plugin_role other = other_role(&finds, name);
    text_printf(&text, "no %s \"%s\"", plugin_role_name(role), name);
    add_dirs(plugins, &text);
    if (near)
        text_printf(&text, "; did you mean \"%s\"?", true_name(plugins, near));
    else if (other != PLUGIN_ANY)
        text_printf(&text, "; there is a %s of that name", plugin_role_name(other));
    const char *sentence = arena_text(&plugins->memory, text.bytes);
    text_deinit(&text);
    free(finds.all);
    return sentence;
}

/* ---- for others ---- */

void
plugins_add_dir(struct plugins *plugins, const char *path, bool named_by_user)
{
    plugins->dirs = memory_grow(plugins->dirs, plugins->dir_count + 1,
                                sizeof(*plugins->dirs));
    plugins->dirs[plugins->dir_count++] =
        (struct plugin_dir){ arena_text(&plugins->memory, path), named_by_user };
}

void
plugins_deinit(struct plugins *plugins)
{
    free(plugins->dirs);
    arena_deinit(&plugins->memory);
    *plugins = (struct plugins){ 0 };
}

const struct plugin *
plugin_find(struct plugins *plugins, enum plugin_role role, const char *name,
            const char **why)
{
    enum plugin_role first = role == PLUGIN_ANY ? PLUGIN_PROBE : role;
    enum plugin_role last = role == PLUGIN_ANY ? PLUGIN_SINK : role;
    char stem[STEM_SIZE];

    *why = NULL;
    if (!plugin_name_ok(name)) {
        *why = arena_format(&plugins->memory,
                            "\"%s\" is no name of a plugin: that is of a-z, 0-9, - and _",
                            name);
        return NULL;
    }
    stem_of(name, stem);
    for (enum plugin_role at = first; at <= last && !*why; at++) {
        const struct plugin *plugin = load(plugins, at, stem, why);

        if (plugin && strcmp(plugin->name, name) == 0)
            return plugin;
    }
    if (!*why)
        *why = missing(plugins, role, name);
    return NULL;
}

const struct plugin **
plugin_all(struct plugins *plugins, size_t *count)
{
    struct finds finds = { 0 };

    find_files(plugins, &finds);
    const struct plugin **all = memory_array(finds.count + 1, sizeof(*all));
    *count = 0;
    for (size_t i = 0; i < finds.count; i++) {
        const char *why = NULL;
        const struct plugin *plugin = load(plugins, finds.all[i].role, finds.all[i].stem,
                                           &why);

        if (plugin)
            all[(*count)++] = plugin;
        else if (why)
            log_warning("%s", why);
    }
    free(finds.all);
    return all;
}
