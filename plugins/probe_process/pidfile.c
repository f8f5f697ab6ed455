/* SPDX-License-Identifier: Apache-2.0
 *
 * pidfile.c - see pidfile.h.  Only the first line counts, as some servers write more.
 */
#include "pidfile.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    PID_LIMIT = 4194304, /* the most that any kernel gives, PID_MAX_LIMIT */
    SETTLED_MS = 20,
    SETTLED_COARSE_MS = 2100
};

pid_t
pidfile_parse(const char *bytes, size_t length)
{
    size_t at = 0, first;
    long pid = 0;

    while (at < length && (bytes[at] == ' ' || bytes[at] == '\t'))
        at++;
    for (first = at; at < length && bytes[at] >= '0' && bytes[at] <= '9'; at++) {
        pid = pid * 10 + (bytes[at] - '0');
        if (pid > PID_LIMIT)
            return 0;
    }
    if (at == first)
        return 0;
    while (at < length && (bytes[at] == ' ' || bytes[at] == '\t' || bytes[at] == '\r'))
        at++;
    return at == length || bytes[at] == '\n' ? (pid_t)pid : 0;
}

/* Not opened before it is known to be a regular file: a FIFO would hold the loop, and to
 * open a device may set it going (a watchdog, a tape). */
static int
open_regular(const char *path, struct stat *status)
{
    char again[32];
    int found = open(path, O_PATH | O_CLOEXEC), fd = -1, error;

    if (found == -1)
        return -1;
    snprintf(again, sizeof(again), "/proc/self/fd/%d", found);
    if (fstat(found, status) == 0) {
        if (S_ISREG(status->st_mode))
            fd = open(again, O_RDONLY | O_CLOEXEC);
        else
            errno = EMEDIUMTYPE;
    }
    error = errno;
    close(found);
    errno = error;
    return fd;
}

static ssize_t
read_start(const char *path, char *bytes, size_t size, struct stat *status)
{
    int fd = open_regular(path, status), error;
    ssize_t length;

    if (fd == -1)
        return -1;
    length = read(fd, bytes, size);
    error = errno;
    close(fd);
    errno = error;
    return length;
}

/* Whether the file, which was read after now, was old enough.  A file system notes times
 * by the tick of the kernel, 10 ms at most, or, where they have no fraction, by one or
 * two seconds: what is written in the tick of the last change may leave them as they are.
 */
static bool
pidfile_settled(const struct stat *status, const struct timespec *now)
{
    bool coarse = !status->st_ctim.tv_nsec && !status->st_mtim.tv_nsec;

    return (now->tv_sec - status->st_ctim.tv_sec) * 1000
               + (now->tv_nsec - status->st_ctim.tv_nsec) / 1000000
           >= (coarse ? SETTLED_COARSE_MS : SETTLED_MS);
}

static struct pidfile
pidfile_of(const struct stat *status, pid_t pid)
{
    return (struct pidfile){ .pid = pid,
                             .device = status->st_dev,
                             .inode = status->st_ino,
                             .modified = status->st_mtim,
                             .changed = status->st_ctim };
}

int
pidfile_read(const char *path, struct pidfile *file, const char **why)
{
    char bytes[64];
    struct stat status;
    struct timespec now;
    ssize_t length;
    pid_t pid;

    clock_gettime(CLOCK_REALTIME, &now);
    length = read_start(path, bytes, sizeof(bytes), &status);
    if (length == -1 && errno == EMEDIUMTYPE) {
        *why = "is not a regular file";
        return -1;
    }
    if (length == -1)
        return errno;
    pid = pidfile_parse(bytes, (size_t)length);
    *file = pidfile_of(&status, pid);
    file->settled = pidfile_settled(&status, &now);
    *why = length == 0 ? "is empty" : "does not begin with the number of a process";
    return pid ? 0 : -1;
}

bool
pidfile_same(const struct pidfile *a, const struct pidfile *b)
{
    return a->pid == b->pid && a->device == b->device && a->inode == b->inode
           && a->modified.tv_sec == b->modified.tv_sec
           && a->modified.tv_nsec == b->modified.tv_nsec
           && a->changed.tv_sec == b->changed.tv_sec
           && a->changed.tv_nsec == b->changed.tv_nsec;
}

bool
pidfile_unchanged(const char *path, const struct pidfile *file)
{
    struct stat status;
    struct pidfile now;

    if (!file->settled || stat(path, &status) == -1)
        return false;
    now = pidfile_of(&status, file->pid);
    return pidfile_same(&now, file);
}
