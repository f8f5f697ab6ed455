/* SPDX-License-Identifier: Apache-2.0
 *
 * file.c - one line per event at the end of a file.  A blocking sink.
 *
 * The file is opened anew when its path names another one, so that it may be
 * rotated by renaming.  A line is in it whole or not at all: what a full disk cut
 * short is taken back.
 */
#include "sonde/plugin.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct file {
    const char *path;
    bool sync;

    int fd;
    char *lines; /* of a batch */
    size_t length, room;
};

static const struct sonde_option options[] = {
    SONDE_STRING(struct file, path, .required = true, .help = "file to append lines to"),
    SONDE_BOOL(struct file, sync, .fallback = "false",
               .help = "a line counts as delivered only when it is on the disk"),
    { 0 }
};

static int
file_open(struct sonde_instance *self)
{
    struct file *file = sonde_private(self);

    file->fd = -1;
    if (!*file->path)
        return sonde_fail(self, "path", "is empty");
    return 0;
}

static void
file_let_go(struct file *file)
{
    if (file->fd != -1)
        close(file->fd);
    file->fd = -1;
}

static void
file_close(struct sonde_instance *self)
{
    struct file *file = sonde_private(self);

    file_let_go(file);
    free(file->lines);
    file->lines = NULL;
    file->room = 0;
}

static enum sonde_fate
file_down(struct sonde_instance *self, const char *why)
{
    struct file *file = sonde_private(self);

    sonde_health(self, SONDE_DOWN, "%s: %s", file->path, why);
    return SONDE_RETRY;
}

/* Whether the path still names what we have open. */
static bool
file_same(const struct file *file)
{
    struct stat ours, named;

    return file->fd != -1 && fstat(file->fd, &ours) == 0 && stat(file->path, &named) == 0
           && ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

/* O_NONBLOCK: or a pipe put there would hold us until it has a reader. */
static int
file_append_to(const char *path)
{
    int flags = O_APPEND | O_CREAT | O_CLOEXEC | O_NONBLOCK;
    int fd = open(path, O_RDWR | flags, 0640);

    return fd == -1 && errno == EACCES ? open(path, O_WRONLY | flags, 0640) : fd;
}

/* A process that is killed while it writes leaves half a line: ours begin on a new one.
 * What is there is left there, it may be somebody else's. */
static bool
file_begin_line(const struct file *file, off_t size)
{
    char last;

    if (!size || pread(file->fd, &last, 1, size - 1) != 1 || last == '\n')
        return true;
    return write(file->fd, "\n", 1) == 1;
}

static enum sonde_fate
file_ready(struct sonde_instance *self)
{
    struct file *file = sonde_private(self);
    struct stat opened;

    if (file_same(file))
        return SONDE_DELIVERED;
    file_let_go(file);
    file->fd = file_append_to(file->path);
    if (file->fd == -1)
        return file_down(self, strerror(errno));
    if (fstat(file->fd, &opened) == -1 || !S_ISREG(opened.st_mode)) {
        file_let_go(file);
        return file_down(self, "is no regular file");
    }
    if (!file_begin_line(file, opened.st_size)) {
        int error = errno;

        file_let_go(file);
        return file_down(self, strerror(error));
    }
    sonde_health(self, SONDE_UP, "%s", file->path);
    return SONDE_DELIVERED;
}

static int
file_add(struct file *file, const char *line, size_t length)
{
    if (file->room - file->length < length + 1) {
        size_t room = (file->length + length + 1) * 2;
        char *lines = realloc(file->lines, room);

        if (!lines)
            return -1;
        file->lines = lines;
        file->room = room;
    }
    memcpy(file->lines + file->length, line, length);
    file->lines[file->length + length] = '\n';
    file->length += length + 1;
    return 0;
}

/* Returns how much was written; errno says why not all. */
static size_t
file_put(const struct file *file)
{
    size_t done = 0;

    while (done < file->length) {
        ssize_t wrote = write(file->fd, file->lines + done, file->length - done);

        if (wrote == -1 && errno == EINTR)
            continue;
        if (wrote <= 0)
            break;
        done += (size_t)wrote;
    }
    return done;
}

/* Takes back the last bytes that we wrote, unless somebody wrote behind them. */
static void
file_take_back(const struct file *file, size_t bytes)
{
    off_t end = lseek(file->fd, 0, SEEK_CUR);
    struct stat now;

    if (!bytes || end < (off_t)bytes || fstat(file->fd, &now) == -1 || now.st_size != end
        || ftruncate(file->fd, end - (off_t)bytes) == -1)
        return;
    lseek(file->fd, end - (off_t)bytes, SEEK_SET);
}

/* Settles the items whose lines are whole within the bytes written. */
static void
file_settle(const struct file *file, struct sonde_batch *batch, size_t done)
{
    struct sonde_item *item = NULL;
    size_t at = 0, length;

    while ((item = sonde_next(batch, item))) {
        sonde_payload(item, &length);
        if (at + length + 1 > done)
            break;
        at += length + 1;
        sonde_settle(item, SONDE_DELIVERED, NULL);
    }
    file_take_back(file, done - at);
}

static enum sonde_fate
file_write(struct sonde_instance *self, struct sonde_batch *batch)
{
    struct file *file = sonde_private(self);
    struct sonde_item *item = NULL;
    const char *line;
    size_t length, done;
    int error;

    if (file_ready(self) != SONDE_DELIVERED)
        return SONDE_RETRY;
    file->length = 0;
    while ((item = sonde_next(batch, item))) {
        line = sonde_payload(item, &length);
        if (file_add(file, line, length) == -1)
            return file_down(self, "out of memory");
    }
    done = file_put(file);
    error = errno;
    if (file->sync && done && fdatasync(file->fd) == -1) {
        error = errno;
        file_take_back(file, done);
        return file_down(self, strerror(error));
    }
    if (done == file->length)
        return SONDE_DELIVERED;
    file_settle(file, batch, done);
    return file_down(self, strerror(error));
}

static const struct sonde_sink sink = {
    .name = "file",
    .summary = "lines in a file",
    .size = sizeof(struct file),
    .options = options,
    .open = file_open,
    .close = file_close,
    .write = file_write,
};

SONDE_PLUGIN(sink);
