/* SPDX-License-Identifier: Apache-2.0
 *
 * disk.h - the few calls by which the journal touches its directory.
 *
 * They go through a table, so that a test can stand in for the disk and say what is left
 * of it when the power goes.  Names are of files within the one directory.  What fails
 * answers -1 and leaves errno.
 */
#ifndef CORE_DISK_H
#define CORE_DISK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct disk;

struct disk_calls {
    int (*open)(struct disk *disk, const char *name, int flags); /* as open(2) */
    void (*close)(struct disk *disk, int fd);
    off_t (*size)(struct disk *disk, int fd);
    ssize_t (*read)(struct disk *disk, int fd, void *bytes, size_t length, off_t at);
    ssize_t (*write)(struct disk *disk, int fd, const void *bytes, size_t length,
                     off_t at);
    /* The file has this many bytes from now on, and room for them; new ones are zeros. */
    int (*allocate)(struct disk *disk, int fd, off_t size);
    int (*truncate)(struct disk *disk, int fd, off_t size);
    int (*sync)(struct disk *disk, int fd); /* as fdatasync(2) */
    int (*rename)(struct disk *disk, const char *from, const char *to);
    int (*unlink)(struct disk *disk, const char *name);
    int (*sync_directory)(struct disk *disk);
    int (*list)(struct disk *disk, void (*each)(void *arg, const char *name), void *arg);
};

struct disk {
    const struct disk_calls *calls;
    int directory; /* of the real one */
};

/* The real one.  false: the directory cannot be opened, see errno. */
bool disk_init(struct disk *disk, const char *directory);
void disk_deinit(struct disk *disk);

/* All of it, or -1. */
int disk_write(struct disk *disk, int fd, const void *bytes, size_t length, off_t at);
/* How many bytes there were, fewer only at the end of the file, or -1. */
ssize_t disk_read(struct disk *disk, int fd, void *bytes, size_t length, off_t at);

#endif
