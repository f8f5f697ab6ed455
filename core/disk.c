/* SPDX-License-Identifier: Apache-2.0
 *
 * disk.c - the calls by which the journal touches its directory.  See disk.h.
 */
#include "disk.h"

#include "memory.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DISK_ZEROS = 64 << 10, DISK_MODE = 0640 };

static int
disk_real_open(struct disk *disk, const char *name, int flags)
{
    return openat(disk->directory, name, flags | O_CLOEXEC | O_NOFOLLOW, DISK_MODE);
}

static void
disk_real_close(struct disk *disk, int fd)
{
    (void)disk;
    close(fd);
}

static off_t
disk_real_size(struct disk *disk, int fd)
{
    struct stat status;

    (void)disk;
    return fstat(fd, &status) == 0 ? status.st_size : -1;
}

static ssize_t
disk_real_read(struct disk *disk, int fd, void *bytes, size_t length, off_t at)
{
    (void)disk;
    return pread(fd, bytes, length, at);
}

static ssize_t
disk_real_write(struct disk *disk, int fd, const void *bytes, size_t length, off_t at)
{
    (void)disk;
    return pwrite(fd, bytes, length, at);
}

/* Where the file system cannot reserve, zeros are written: that reserves too. */
static int
disk_real_allocate(struct disk *disk, int fd, off_t size)
{
    AUTO_FREE char *zeros = NULL;
    off_t at;
    int result;

    do
        result = fallocate(fd, 0, 0, size);
    while (result == -1 && errno == EINTR);
    if (result == 0 || (errno != EOPNOTSUPP && errno != ENOSYS))
        return result;
    zeros = memory_new(DISK_ZEROS);
    for (at = disk_real_size(disk, fd); at != -1 && at < size; at += DISK_ZEROS) {
        off_t left = size - at;

        if (disk_write(disk, fd, zeros, left < DISK_ZEROS ? (size_t)left : DISK_ZEROS,
                       at))
            return -1;
    }
    return at == -1 ? -1 : 0;
}

static int
disk_real_truncate(struct disk *disk, int fd, off_t size)
{
    (void)disk;
    return ftruncate(fd, size);
}

static int
disk_real_sync(struct disk *disk, int fd)
{
    (void)disk;
    return fdatasync(fd);
}

static int
disk_real_rename(struct disk *disk, const char *from, const char *to)
{
    return renameat(disk->directory, from, disk->directory, to);
}

static int
disk_real_unlink(struct disk *disk, const char *name)
{
    return unlinkat(disk->directory, name, 0);
}

static int
disk_real_sync_directory(struct disk *disk)
{
    return fsync(disk->directory);
}

static int
disk_real_list(struct disk *disk, void (*each)(void *arg, const char *name), void *arg)
{
    int fd = openat(disk->directory, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *dir = fd == -1 ? NULL : fdopendir(fd);
    struct dirent *entry;

    if (!dir) {
        memory_close(&fd);
        return -1;
    }
    while ((errno = 0, entry = readdir(dir)))
        each(arg, entry->d_name);
    fd = errno;
    closedir(dir);
    errno = fd;
    return errno ? -1 : 0;
}

static const struct disk_calls disk_real = {
    .open = disk_real_open,
    .close = disk_real_close,
    .size = disk_real_size,
    .read = disk_real_read,
    .write = disk_real_write,
    .allocate = disk_real_allocate,
    .truncate = disk_real_truncate,
    .sync = disk_real_sync,
    .rename = disk_real_rename,
    .unlink = disk_real_unlink,
    .sync_directory = disk_real_sync_directory,
    .list = disk_real_list,
};

bool
disk_init(struct disk *disk, const char *directory)
{
    disk->calls = &disk_real;
    disk->directory = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return disk->directory != -1;
}

void
disk_deinit(struct disk *disk)
{
    if (disk->calls == &disk_real)
        memory_close(&disk->directory);
}

int
disk_write(struct disk *disk, int fd, const void *bytes, size_t length, off_t at)
{
    const char *from = bytes;

    while (length) {
        ssize_t wrote = disk->calls->write(disk, fd, from, length, at);

        if (wrote == -1 && errno == EINTR)
            continue;
        if (wrote == 0)
            errno = EIO; /* a file system that takes nothing and does not say why */
        if (wrote <= 0)
            return -1;
        from += wrote;
        at += wrote;
        length -= (size_t)wrote;
    }
    return 0;
}

ssize_t
disk_read(struct disk *disk, int fd, void *bytes, size_t length, off_t at)
{
    char *to = bytes;
    size_t have = 0;

    while (have < length) {
        ssize_t got = disk->calls->read(disk, fd, to + have, length - have,
                                        at + (off_t)have);

        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            return -1;
        if (got == 0)
            break;
        have += (size_t)got;
    }
    return (ssize_t)have;
}
