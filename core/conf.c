/* SPDX-License-Identifier: Apache-2.0
 *
 * conf.c - files in, one tree of settings out.  See conf.h.
 *
 * The only file that knows libconfig.  Each file is parsed, copied into settings
 * and forgotten before the next one is opened.
 */
#include "conf.h"

#include "conf_expand.h"
#include "file.h"
#include "lexer.h"
#include "text.h"

#include <dirent.h>
#include <errno.h>
#include <libconfig.h>
#include <malloc.h>
#include <string.h>
#include <sys/stat.h>

enum { CONF_SIZE = 16 << 20 };

static const char *const conf_groups[] = { "daemon", "defaults" };
static const char *const conf_lists[] = { "targets", "checks", "sources", "sinks",
                                          "routes" };
static const char *const conf_keys[] = { "daemon",  "defaults", "targets", "checks",
                                         "sources", "sinks",    "routes" };
enum { CONF_GROUPS = 2, CONF_LISTS = 5, CONF_KEYS = 7 };

struct conf {
    struct setting *tree;
    struct arena *memory;
    struct problems *problems;
};

/* ---- libconfig's tree into ours ---- */

static enum setting_kind
conf_kind(const config_setting_t *from)
{
    switch (config_setting_type(from)) {
    case CONFIG_TYPE_GROUP:
        return SETTING_GROUP;
    case CONFIG_TYPE_STRING:
        return SETTING_TEXT;
    case CONFIG_TYPE_INT:
    case CONFIG_TYPE_INT64:
        return SETTING_INTEGER;
    case CONFIG_TYPE_FLOAT:
        return SETTING_REAL;
    case CONFIG_TYPE_BOOL:
        return SETTING_BOOL;
    default:
        return SETTING_LIST;
    }
}

static void
conf_scalar(struct conf *conf, struct setting *setting, const config_setting_t *from)
{
    switch (setting->kind) {
    case SETTING_TEXT:
        setting->text = arena_text(conf->memory, config_setting_get_string(from));
        if (!setting->text)
            setting->text = ""; /* libconfig keeps none for "" */
        conf_expand(setting, conf->memory, conf->problems);
        break;
    case SETTING_INTEGER:
        setting->integer = config_setting_type(from) == CONFIG_TYPE_INT
                               ? config_setting_get_int(from)
                               : config_setting_get_int64(from);
        break;
    case SETTING_REAL:
        setting->real = config_setting_get_float(from);
        break;
    case SETTING_BOOL:
        setting->truth = config_setting_get_bool(from);
        break;
    case SETTING_GROUP:
    case SETTING_LIST:
        break;
    }
}

/* Recursive: lexer.c has seen to it that nothing is nested deeply. */
static struct setting *
conf_convert(struct conf *conf, config_setting_t *from, const char *file)
{
    struct place place = { file, config_setting_source_line(from) };
    struct setting *setting = setting_new(conf->memory, conf_kind(from),
                                          config_setting_name(from), place);
    int count = config_setting_length(from);

    if (setting->kind != SETTING_GROUP && setting->kind != SETTING_LIST) {
        conf_scalar(conf, setting, from);
        return setting;
    }
    for (int i = 0; i < count; i++) {
        config_setting_t *member = config_setting_get_elem(from, (unsigned)i);

        setting_append(setting, conf_convert(conf, member, file));
    }
    return setting;
}

/* ---- merging ---- */

static struct setting *
conf_find(struct setting *parent, const char *name)
{
    struct setting *member = parent->first;

    while (member && (!member->name || strcmp(member->name, name) != 0))
        member = member->next;
    return member;
}

/* groups: those of both are merged in turn, as the plugins' in `defaults`. */
static void
conf_merge_group(struct conf *conf, struct setting *into, struct setting *from,
                 bool groups)
{
    struct setting *next;

    for (struct setting *member = from->first; member; member = next) {
        struct setting *there = conf_find(into, member->name);

        next = member->next;
        if (!there)
            setting_append(into, member);
        else if (groups && there->kind == SETTING_GROUP && member->kind == SETTING_GROUP)
            conf_merge_group(conf, there, member, false);
        else
            problem_add(
                conf->problems, member->place,
                "%s: \"%s\" is already set at %s:%u; a key stands in one file only",
                into->name, member->name, there->place.file, there->place.line);
    }
}

static void
conf_merge_list(struct setting *into, struct setting *from)
{
    struct setting *next;

    for (struct setting *member = from->first; member; member = next) {
        next = member->next;
        setting_append(into, member);
    }
}

static bool
conf_among(const char *name, const char *const *names, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strcmp(names[i], name) == 0)
            return true;
    }
    return false;
}

static void
conf_unknown(struct conf *conf, const struct setting *section)
{
    const char *near = text_nearest(section->name, conf_keys, CONF_KEYS);

    if (near)
        problem_add(conf->problems, section->place,
                    "unknown section \"%s\"; did you mean \"%s\"?", section->name, near);
    else
        problem_add(
            conf->problems, section->place,
            "unknown section \"%s\"; there are daemon, defaults, targets, checks, "
            "sources, sinks and routes",
            section->name);
}

/* The members of a list that are no groups are told and left out. */
static void
conf_check_members(struct conf *conf, struct setting *list)
{
    struct setting *next, *member = list->first;

    list->first = list->last = NULL;
    for (; member; member = next) {
        next = member->next;
        if (member->kind == SETTING_GROUP)
            setting_append(list, member);
        else
            problem_add(conf->problems, member->place,
                        "%s: each member is a group, { name = ...; }, this one is %s",
                        list->name, setting_kind_name(member->kind));
    }
}

static void
conf_merge(struct conf *conf, struct setting *section)
{
    bool group = conf_among(section->name, conf_groups, CONF_GROUPS);
    struct setting *there = conf_find(conf->tree, section->name);

    if (!group && !conf_among(section->name, conf_lists, CONF_LISTS)) {
        conf_unknown(conf, section);
        return;
    }
    if (section->kind != (group ? SETTING_GROUP : SETTING_LIST)) {
        problem_add(conf->problems, section->place, "\"%s\" must be %s, this is %s",
                    section->name,
                    group ? "a group, { ... }" : "a list of groups, ( { ... }, { ... } )",
                    setting_kind_name(section->kind));
        return;
    }
    if (!group)
        conf_check_members(conf, section);
    if (!there)
        setting_append(conf->tree, section);
    else if (group)
        conf_merge_group(conf, there, section, strcmp(section->name, "defaults") == 0);
    else
        conf_merge_list(there, section);
}

/* ---- files ---- */

/* bytes end with a line break: libconfig 1.5 wants one behind a comment. */
static void
conf_parse(struct conf *conf, const char *file, const char *bytes)
{
    config_t parsed;
    struct setting *root, *next;
    bool read;

    config_init(&parsed);
    errno = 0;
    read = config_read_string(&parsed, bytes) == CONFIG_TRUE;
    if (errno == ENOMEM)
        memory_out(); /* libconfig does not look: a name or a text would be missing */
    if (read) {
        root = conf_convert(conf, config_root_setting(&parsed), file);
        for (struct setting *section = root->first; section; section = next) {
            next = section->next;
            conf_merge(conf, section);
        }
    } else {
        struct place place = { file, (unsigned)config_error_line(&parsed) };
        const char *text = config_error_text(&parsed);

        problem_add(conf->problems, place, "cannot be read: %s near here",
                    text ? text : "syntax error");
    }
    config_destroy(&parsed);
}

static void
conf_file(struct conf *conf, const char *path)
{
    const char *file = arena_text(conf->memory, path);
    char why[FILE_WHY];
    size_t length;
    char *bytes = file_read(path, CONF_SIZE, &length, why);

    if (!bytes) {
        problem_add(conf->problems, (struct place){ file, 0 }, "%s", why);
        return;
    }
    if (lexer_check(file, bytes, length, conf->problems)) {
        bytes = memory_grow(bytes, length + 2, 1);
        memcpy(bytes + length, "\n", 2);
        conf_parse(conf, file, bytes);
    }
    free(bytes);
}

/* *.conf, which leaves out what editors and package managers put beside: 10-a.conf~,
 * 10-a.conf.dpkg-old, 10-a.conf.rpmnew. */
static int
conf_is_wanted(const struct dirent *entry)
{
    size_t length = strlen(entry->d_name);

    return entry->d_name[0] != '.' && length > 5
           && strcmp(entry->d_name + length - 5, ".conf") == 0;
}

static int
conf_name_order(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void
conf_dir(struct conf *conf, const char *path)
{
    size_t length = strlen(path);
    struct dirent **entries;
    struct stat status;
    int count = scandir(path, &entries, conf_is_wanted, conf_name_order), files = 0;

    if (count == -1) {
        problem_add(conf->problems, (struct place){ path, 0 }, "cannot be read: %s",
                    strerror(errno));
        return;
    }
    while (length > 1 && path[length - 1] == '/')
        length--;
    for (int i = 0; i < count; i++) {
        AUTO_FREE char *file = memory_format("%.*s%s%s", (int)length, path,
                                             path[length - 1] == '/' ? "" : "/",
                                             entries[i]->d_name);

        if (stat(file, &status) == -1 || !S_ISDIR(status.st_mode)) {
            conf_file(conf, file); /* it says why where it cannot */
            files++;
        }
        free(entries[i]);
    }
    free(entries);
    if (files == 0)
        problem_add(conf->problems, (struct place){ path, 0 },
                    "holds no file named *.conf");
}

/* ---- over all files ---- */

static const char *
conf_name_of(const struct setting *member)
{
    const struct setting *name = setting_find(member, "name");

    return name && name->kind == SETTING_TEXT ? name->text : NULL;
}

static int
conf_order(const void *left, const void *right)
{
    const struct setting *a = *(const struct setting *const *)left;
    const struct setting *b = *(const struct setting *const *)right;
    int order = strcmp(conf_name_of(a), conf_name_of(b));

    if (order == 0)
        order = strcmp(a->place.file, b->place.file);
    if (order == 0 && a->place.line != b->place.line)
        order = a->place.line < b->place.line ? -1 : 1;
    return order;
}

static void
conf_name_taken(struct conf *conf, const char *kind, const struct setting *name,
                struct place by)
{
    problem_add(conf->problems, name->place, "%s \"%s\": the name is taken at %s:%u",
                kind, name->text, by.file, by.line);
}

/* The same name twice.  Those of checks may yet have to be made, of targets: the graph
 * compares them. */
static void
conf_check_names(struct conf *conf, const struct setting *list, const char *kind)
{
    const struct setting **named = NULL;
    size_t count = 0, room = 0;

    for (const struct setting *at = list ? list->first : NULL; at; at = at->next) {
        const char *name = conf_name_of(at);

        if (!name)
            continue;
        if (count == room) {
            room = room ? room * 2 : 64;
            named = memory_grow(named, room, sizeof(const struct setting *));
        }
        named[count++] = at;
    }
    if (count)
        qsort(named, count, sizeof(*named), conf_order);
    for (size_t i = 1; i < count; i++) {
        if (strcmp(conf_name_of(named[i - 1]), conf_name_of(named[i])) == 0)
            conf_name_taken(conf, kind, setting_find(named[i], "name"),
                            setting_find(named[i - 1], "name")->place);
    }
    free(named);
}

static void
conf_check(struct conf *conf)
{
    conf_check_names(conf, setting_find(conf->tree, "targets"), "targets");
    conf_check_names(conf, setting_find(conf->tree, "sources"), "source");
    conf_check_names(conf, setting_find(conf->tree, "sinks"), "sink");
    conf_check_names(conf, setting_find(conf->tree, "routes"), "route");
}

struct setting *
conf_read(const char *path, struct arena *memory, struct problems *problems)
{
    struct place place = { arena_text(memory, path), 0 };
    struct conf conf = {
        .tree = setting_new(memory, SETTING_GROUP, NULL, place),
        .memory = memory,
        .problems = problems,
    };
    struct stat status;

    if (stat(path, &status) == -1)
        problem_add(problems, place, "cannot be read: %s", strerror(errno));
    else if (S_ISDIR(status.st_mode))
        conf_dir(&conf, path);
    else
        conf_file(&conf, path);
    conf_check(&conf);
    malloc_trim(0); /* libconfig's trees are gone, ours will stay */
    return conf.tree;
}
