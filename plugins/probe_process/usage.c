/* SPDX-License-Identifier: Apache-2.0
 *
 * usage.c - see usage.h.
 */
#include "usage.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { ROLLUP_BYTES = 4096, FDS_MOST = 65536, PATH_BYTES = 64 };

static const char *
usage_path(char *path, pid_t pid, const char *name)
{
    snprintf(path, PATH_BYTES, "/proc/%d%s", (int)pid, name);
    return path;
}

static bool
usage_number(const char *at, const char *end, uint64_t *number)
{
    uint64_t value = 0;
    const char *from;

    while (at < end && *at == ' ')
        at++;
    for (from = at; at < end && *at >= '0' && *at <= '9'; at++) {
        if (value > (UINT64_MAX - 9) / 10)
            return false;
        value = value * 10 + (uint64_t)(*at - '0');
    }
    *number = value;
    return at > from && end - at >= 3 && memcmp(at, " kB", 3) == 0;
}

bool
usage_pss_parse(const char *bytes, size_t length, uint64_t *pss)
{
    static const char key[] = "Pss:";
    const size_t size = sizeof(key) - 1;
    const char *end = bytes + length;
    uint64_t kib;

    for (const char *line = bytes; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));

        stop = stop ? stop : end;
        if ((size_t)(stop - line) > size && memcmp(line, key, size) == 0) {
            if (!usage_number(line + size, stop, &kib) || kib > UINT64_MAX / 1024)
                return false;
            *pss = kib * 1024;
            return true;
        }
        line = stop < end ? stop + 1 : end;
    }
    return false;
}

int
usage_pss(pid_t pid, uint64_t *bytes)
{
    char path[PATH_BYTES], text[ROLLUP_BYTES];
    int error, fd = open(usage_path(path, pid, "/smaps_rollup"), O_RDONLY | O_CLOEXEC);
    ssize_t n;

    if (fd == -1)
        return errno;
    n = read(fd, text, sizeof(text));
    error = n == -1 ? errno : 0;
    close(fd);
    if (error)
        return error;
    return usage_pss_parse(text, (size_t)n, bytes) ? 0 : EBADMSG;
}

static int
usage_fds_counted(const char *path, uint64_t *count)
{
    DIR *dir = opendir(path);
    const struct dirent *entry;

    if (!dir)
        return errno;
    *count = 0;
    while (*count < FDS_MOST && (entry = readdir(dir)))
        *count += entry->d_name[0] != '.';
    closedir(dir);
    return 0;
}

/* From 6.2 on the size of the directory is the number, and anybody may know it; before,
 * it is 0 for all, and so for us. */
int
usage_fds(pid_t pid, uint64_t *count)
{
    char path[PATH_BYTES];
    struct stat status, own;

    if (stat(usage_path(path, pid, "/fd"), &status) == -1)
        return errno;
    *count = (uint64_t)status.st_size;
    if (*count || (stat("/proc/self/fd", &own) == 0 && own.st_size > 0))
        return 0;
    return usage_fds_counted(path, count);
}

/* The directory belongs to them even where the process may not be dumped. */
int
usage_ids(pid_t pid, struct usage_ids *ids)
{
    char path[PATH_BYTES];
    struct stat status;

    if (stat(usage_path(path, pid, ""), &status) == -1)
        return errno;
    *ids = (struct usage_ids){ .uid = status.st_uid, .gid = status.st_gid };
    return 0;
}
