/* SPDX-License-Identifier: Apache-2.0
 *
 * model_disk.c - a disk that forgets what was not synced.  See model_disk.h.
 */
#include "model_disk.h"

#include "list.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

enum { SECTOR = 512 };

struct model_bytes {
    unsigned char *at;
    off_t size, room;
};

struct model_write {
    off_t at;
    size_t length;
    unsigned char *bytes; /* NULL: the size becomes at */
};

struct model_file {
    struct model_bytes cached, lasting;
    struct model_write pending[MODEL_PENDING];
    int pending_count;
};

static struct model_disk *
model_of(struct disk *disk)
{
    return container_of(disk, struct model_disk, disk);
}

unsigned
model_disk_random(struct model_disk *model, unsigned below)
{
    model->random ^= model->random << 13;
    model->random ^= model->random >> 7;
    model->random ^= model->random << 17;
    return (unsigned)(model->random >> 20) % below;
}

static bool
model_fails(struct model_disk *model)
{
    if (model->left && --model->left == 0)
        model->dead = true;
    if (model->dead) {
        errno = EIO;
        return true;
    }
    if (!model->fail || model_disk_random(model, model->fail))
        return false;
    errno = model_disk_random(model, 2) ? EIO : ENOSPC;
    return true;
}

/* ---- bytes and files ---- */

static void
bytes_resize(struct model_bytes *bytes, off_t size)
{
    if (size > bytes->room) {
        bytes->room = size * 2;
        bytes->at = memory_grow(bytes->at, (size_t)bytes->room, 1);
    }
    if (size > bytes->size)
        memset(bytes->at + bytes->size, 0, (size_t)(size - bytes->size));
    bytes->size = size;
}

static void
bytes_write(struct model_bytes *bytes, const void *from, size_t length, off_t at)
{
    if (at + (off_t)length > bytes->size)
        bytes_resize(bytes, at + (off_t)length);
    memcpy(bytes->at + at, from, length);
}

static void
model_later(struct model_file *file, off_t at, const void *bytes, size_t length)
{
    struct model_write *write = &file->pending[file->pending_count++];

    if (file->pending_count > MODEL_PENDING)
        abort();
    *write = (struct model_write){ .at = at, .length = length };
    if (bytes) {
        write->bytes = memory_new(length);
        memcpy(write->bytes, bytes, length);
    }
}

/* All of what is pending, or any part of it. */
static void
model_settle(struct model_disk *model, struct model_file *file, unsigned percent)
{
    for (int i = 0; i < file->pending_count; i++) {
        struct model_write *write = &file->pending[i];

        if (!write->bytes && model_disk_random(model, 100) < percent)
            bytes_resize(&file->lasting, write->at);
        for (size_t from = 0; write->bytes && from < write->length;) {
            size_t end = ((size_t)write->at + from) / SECTOR * SECTOR + SECTOR;
            size_t length = end - (size_t)write->at - from;

            if (length > write->length - from)
                length = write->length - from;
            if (model_disk_random(model, 100) < percent)
                bytes_write(&file->lasting, write->bytes + from, length,
                            write->at + (off_t)from);
            from += length;
        }
        free(write->bytes);
    }
    file->pending_count = 0;
}

/* ---- names ---- */

static struct model_file *
model_find(struct model_entry *entries, const char *name)
{
    for (int i = 0; i < MODEL_NAMES; i++)
        if (entries[i].file && strcmp(entries[i].name, name) == 0)
            return entries[i].file;
    return NULL;
}

static void
model_set(struct model_entry *entries, const struct model_entry *entry)
{
    int slot = -1;

    for (int i = 0; i < MODEL_NAMES; i++) {
        if (entries[i].file && strcmp(entries[i].name, entry->name) == 0)
            entries[i].file = NULL;
        if (!entries[i].file)
            slot = i;
    }
    if (slot == -1)
        abort();
    if (entry->file)
        entries[slot] = *entry;
}

static void
model_change(struct model_disk *model, const struct model_change *change)
{
    if (model->change_count == MODEL_PENDING)
        abort();
    model->changes[model->change_count++] = *change;
    for (int i = 0; i < change->count; i++)
        model_set(model->cached, &change->entries[i]);
}

static void
model_name(struct model_change *change, const char *name, struct model_file *file)
{
    struct model_entry *entry = &change->entries[change->count++];

    snprintf(entry->name, sizeof(entry->name), "%s", name);
    entry->file = file;
}

/* ---- room ---- */

off_t
model_disk_used(const struct model_disk *model)
{
    off_t used = 0;

    for (int i = 0; i < MODEL_NAMES; i++)
        if (model->cached[i].file)
            used += model->cached[i].file->cached.size;
    return used;
}

static bool
model_is_full(const struct model_disk *model, const struct model_file *file, off_t end)
{
    off_t more = end - file->cached.size;

    if (!model->room || more <= 0 || model_disk_used(model) + more <= model->room)
        return false;
    errno = ENOSPC;
    return true;
}

/* ---- the calls ---- */

static int
model_open(struct disk *disk, const char *name, int flags)
{
    struct model_disk *model = model_of(disk);
    struct model_file *file = model_find(model->cached, name);
    struct model_change change = { 0 };
    int fd = 0, slot = 0;

    if (model_fails(model))
        return -1;
    if (!file && !(flags & O_CREAT)) {
        errno = ENOENT;
        return -1;
    }
    if (!file) {
        while (model->files[slot])
            slot++;
        file = model->files[slot] = memory_new(sizeof(*file));
        model_name(&change, name, file);
        model_change(model, &change);
    } else if (flags & O_TRUNC) {
        bytes_resize(&file->cached, 0);
        model_later(file, 0, NULL, 0);
    }
    while (model->open[fd])
        fd++;
    model->open[fd] = file;
    return fd;
}

static void
model_close(struct disk *disk, int fd)
{
    model_of(disk)->open[fd] = NULL;
}

static off_t
model_size(struct disk *disk, int fd)
{
    return model_of(disk)->open[fd]->cached.size;
}

static ssize_t
model_read(struct disk *disk, int fd, void *bytes, size_t length, off_t at)
{
    struct model_bytes *cached = &model_of(disk)->open[fd]->cached;

    if (at >= cached->size)
        return 0;
    if ((off_t)length > cached->size - at)
        length = (size_t)(cached->size - at);
    memcpy(bytes, cached->at + at, length);
    return (ssize_t)length;
}

static ssize_t
model_write(struct disk *disk, int fd, const void *bytes, size_t length, off_t at)
{
    struct model_disk *model = model_of(disk);
    struct model_file *file = model->open[fd];
    bool dead = model->dead;

    if (model_is_full(model, file, at + (off_t)length))
        return -1;
    if (model_fails(model)) {
        if (model->dead == dead || length < 2)
            return -1;
        length = 1 + model_disk_random(model, (unsigned)length - 1); /* died within it */
        bytes_write(&file->cached, bytes, length, at);
        model_later(file, at, bytes, length);
        return -1;
    }
    if (length > 1 && model_disk_random(model, 8) == 0)
        length = 1 + model_disk_random(model, (unsigned)length - 1);
    bytes_write(&file->cached, bytes, length, at);
    model_later(file, at, bytes, length);
    return (ssize_t)length;
}

static int
model_truncate(struct disk *disk, int fd, off_t size)
{
    struct model_file *file = model_of(disk)->open[fd];

    if (model_is_full(model_of(disk), file, size) || model_fails(model_of(disk)))
        return -1;
    bytes_resize(&file->cached, size);
    model_later(file, size, NULL, 0);
    return 0;
}

static int
model_allocate(struct disk *disk, int fd, off_t size)
{
    return size > model_size(disk, fd) ? model_truncate(disk, fd, size) : 0;
}

static int
model_sync(struct disk *disk, int fd)
{
    struct model_disk *model = model_of(disk);

    if (model_fails(model)) {
        if (!model->dead)
            model_settle(model, model->open[fd], 50);
        errno = EIO;
        return -1;
    }
    model_settle(model, model->open[fd], 100);
    return 0;
}

static int
model_rename(struct disk *disk, const char *from, const char *to)
{
    struct model_disk *model = model_of(disk);
    struct model_change change = { 0 };
    struct model_file *file = model_find(model->cached, from);

    if (model_fails(model))
        return -1;
    if (!file) {
        errno = ENOENT;
        return -1;
    }
    model_name(&change, from, NULL);
    model_name(&change, to, file);
    model_change(model, &change);
    return 0;
}

static int
model_unlink(struct disk *disk, const char *name)
{
    struct model_disk *model = model_of(disk);
    struct model_change change = { 0 };

    if (model_fails(model))
        return -1;
    if (!model_find(model->cached, name)) {
        errno = ENOENT;
        return -1;
    }
    model_name(&change, name, NULL);
    model_change(model, &change);
    return 0;
}

static int
model_sync_directory(struct disk *disk)
{
    struct model_disk *model = model_of(disk);

    if (model_fails(model))
        return -1;
    memcpy(model->lasting, model->cached, sizeof(model->lasting));
    model->change_count = 0;
    return 0;
}

static int
model_list(struct disk *disk, void (*each)(void *arg, const char *name), void *arg)
{
    struct model_disk *model = model_of(disk);

    for (int i = 0; i < MODEL_NAMES; i++)
        if (model->cached[i].file) {
            char name[MODEL_NAME]; /* it may be unlinked meanwhile */

            memcpy(name, model->cached[i].name, sizeof(name));
            each(arg, name);
        }
    return 0;
}

static const struct disk_calls model_calls = {
    .open = model_open,
    .close = model_close,
    .size = model_size,
    .read = model_read,
    .write = model_write,
    .allocate = model_allocate,
    .truncate = model_truncate,
    .sync = model_sync,
    .rename = model_rename,
    .unlink = model_unlink,
    .sync_directory = model_sync_directory,
    .list = model_list,
};

/* ---- its life ---- */

void
model_disk_init(struct model_disk *model, uint64_t seed)
{
    memset(model, 0, sizeof(*model));
    model->disk.calls = &model_calls;
    model->random = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
}

static void
model_free_file(struct model_disk *model, int i)
{
    struct model_file *file = model->files[i];

    for (int at = 0; at < file->pending_count; at++)
        free(file->pending[at].bytes);
    free(file->cached.at);
    free(file->lasting.at);
    free(file);
    model->files[i] = NULL;
}

void
model_disk_deinit(struct model_disk *model)
{
    for (int i = 0; i < MODEL_FILES; i++)
        if (model->files[i])
            model_free_file(model, i);
}

static bool
model_is_named(const struct model_disk *model, const struct model_file *file)
{
    for (int i = 0; i < MODEL_NAMES; i++)
        if (model->lasting[i].file == file)
            return true;
    return false;
}

void
model_disk_power_cut(struct model_disk *model)
{
    static const unsigned shares[] = { 0, 20, 50, 90, 100 };
    unsigned percent = shares[model_disk_random(model, 5)];

    for (int i = 0; i < model->change_count; i++)
        if (model_disk_random(model, 100) < percent)
            for (int at = 0; at < model->changes[i].count; at++)
                model_set(model->lasting, &model->changes[i].entries[at]);
    model->change_count = 0;
    memcpy(model->cached, model->lasting, sizeof(model->cached));
    for (int i = 0; i < MODEL_FILES; i++) {
        struct model_file *file = model->files[i];

        if (!file)
            continue;
        if (!model_is_named(model, file)) {
            model_free_file(model, i);
            continue;
        }
        model_settle(model, file, percent);
        bytes_resize(&file->cached, 0);
        if (file->lasting.size)
            bytes_write(&file->cached, file->lasting.at, (size_t)file->lasting.size, 0);
    }
}
