/* SPDX-License-Identifier: Apache-2.0
 *
 * file.c - reads a whole file, bounded.  See file.h.
 *
 * Only regular files: a pipe or a device might never end, or never begin.
 */
#include "file.h"

#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_STEP = 64 << 10 };

static void
file_why(char why[FILE_WHY], int error)
{
    snprintf(why, FILE_WHY, "cannot be read: %s", strerror(error));
}

/* Everything up to cap and one byte more, so that the caller sees what is too much.
 * What stat says of the size is not trusted: in /proc it is 0. */
static ssize_t
file_take(int fd, size_t cap, char **bytes)
{
    size_t length = 0, room = 0;
    ssize_t got;

    do {
        if (room - length < 2) {
            room += length < FILE_STEP ? FILE_STEP : length;
            *bytes = memory_grow(*bytes, room, 1);
        }
        got = read(fd, *bytes + length, room - length - 1);
        if (got > 0)
            length += (size_t)got;
    } while ((got > 0 && length <= cap) || (got == -1 && errno == EINTR));
    (*bytes)[length] = '\0';
    return got == -1 ? -1 : (ssize_t)length;
}

char *
file_read(const char *path, size_t cap, size_t *length, char why[FILE_WHY])
{
    AUTO_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    char *bytes = NULL;
    struct stat status;
    ssize_t got;

    if (fd == -1 || fstat(fd, &status) == -1) {
        file_why(why, errno);
        return NULL;
    }
    if (!S_ISREG(status.st_mode)) {
        snprintf(why, FILE_WHY, "is not a regular file");
        return NULL;
    }
    got = file_take(fd, cap, &bytes);
    if (got >= 0 && (size_t)got <= cap) {
        *length = (size_t)got;
        return bytes;
    }
    if (got == -1)
        file_why(why, errno);
    else
        snprintf(why, FILE_WHY, "is larger than %zu %s",
                 cap >> 20 ? cap >> 20 : cap >> 10, cap >> 20 ? "MiB" : "KiB");
    free(bytes);
    return NULL;
}
