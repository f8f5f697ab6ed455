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

enum { PID_LIMIT = 4194304 }; /* the most that any kernel gives, PID_MAX_LIMIT */

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

int
pidfile_read(const char *path, struct pidfile *file, const char **why)
{
    char bytes[64];
    struct stat status;
    ssize_t length = read_start(path, bytes, sizeof(bytes), &status);

    if (length == -1 && errno == EMEDIUMTYPE) {
        *why = "is not a regular file";
        return -1;
    }
    if (length == -1)
        return errno;
    *file = (struct pidfile){ pidfile_parse(bytes, (size_t)length), status.st_dev,
                              status.st_ino, status.st_mtim, status.st_ctim };
    *why = length == 0 ? "is empty" : "does not begin with the number of a process";
    return file->pid ? 0 : -1;
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
