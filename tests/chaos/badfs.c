/* SPDX-License-Identifier: Apache-2.0
 *
 * badfs.c - a disk that goes wrong on command, for a whole program: LD_PRELOAD.
 *
 * It stands before the calls that read, write and sync, for regular files and directories
 * below BADFS_BELOW alone.  Each fault is a file in BADFS_FAULTS, and holds while that
 * file exists; the number in it says how many calls still succeed first:
 *
 *   sync-eio     fdatasync, fsync: EIO
 *   write-eio    write, pwrite, writev, pwritev: EIO
 *   write-short  ... write half of what they were given, at least a byte
 *   write-full   ... and fallocate: ENOSPC
 *   read-eio     read, pread: EIO
 *
 * What it did is counted in BADFS_FAULTS/count, a line a fault: a test sees whether
 * anything went wrong at all.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum badfs_fault { SYNC_EIO, WRITE_EIO, WRITE_SHORT, WRITE_FULL, READ_EIO, FAULTS };

static const char *const names[] = { "sync-eio", "write-eio", "write-short", "write-full",
                                     "read-eio" };
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct {
    struct timespec made; /* of the file: another one begins anew */
    long spared;          /* calls that still succeed */
    unsigned long faults;
} state[FAULTS];

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

static bool
is_below(int fd)
{
    const char *below = getenv("BADFS_BELOW");
    char link[32], path[4096];
    ssize_t length;
    size_t prefix;

    if (!below)
        return false;
    snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
    length = readlink(link, path, sizeof(path) - 1);
    if (length <= 0)
        return false;
    path[length] = 0;
    prefix = strlen(below);
    return strncmp(path, below, prefix) == 0 && (path[prefix] == '/' || !path[prefix]);
}

static void
count_all(const char *directory)
{
    char path[4096], text[256];
    int fd, length = 0;

    snprintf(path, sizeof(path), "%s/count", directory);
    for (int i = 0; i < FAULTS; i++)
        length += snprintf(text + length, sizeof(text) - (size_t)length, "%s %lu\n",
                           names[i], state[i].faults);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd == -1)
        return;
    if (REAL(pwrite)(fd, text, (size_t)length, 0) != length)
        abort();
    close(fd);
}

/* How many calls the file says are spared. */
static long
read_spared(const char *path)
{
    char text[32] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd == -1)
        return 0;
    if (REAL(read)(fd, text, sizeof(text) - 1) < 0)
        text[0] = 0;
    close(fd);
    return atol(text);
}

static bool
goes_wrong(int fd, enum badfs_fault fault)
{
    const char *directory = getenv("BADFS_FAULTS");
    struct stat status;
    char path[4096];
    bool wrong;

    if (!directory)
        return false;
    snprintf(path, sizeof(path), "%s/%s", directory, names[fault]);
    if (stat(path, &status) || !is_below(fd))
        return false;
    pthread_mutex_lock(&lock);
    if (memcmp(&state[fault].made, &status.st_mtim, sizeof(status.st_mtim)) != 0) {
        state[fault].made = status.st_mtim;
        state[fault].spared = read_spared(path);
    }
    wrong = state[fault].spared <= 0;
    if (wrong) {
        state[fault].faults++;
        count_all(directory);
    } else {
        state[fault].spared--;
    }
    pthread_mutex_unlock(&lock);
    return wrong;
}

static int
broken(int error)
{
    errno = error;
    return -1;
}

/* ---- the calls ---- */

int
fdatasync(int fd)
{
    return goes_wrong(fd, SYNC_EIO) ? broken(EIO) : REAL(fdatasync)(fd);
}

int
fsync(int fd)
{
    return goes_wrong(fd, SYNC_EIO) ? broken(EIO) : REAL(fsync)(fd);
}

int
fallocate(int fd, int mode, off_t offset, off_t length)
{
    if (goes_wrong(fd, WRITE_FULL))
        return broken(ENOSPC);
    return REAL(fallocate)(fd, mode, offset, length);
}

int
fallocate64(int fd, int mode, off64_t offset, off64_t length)
{
    return fallocate(fd, mode, offset, length);
}

static int
write_error(int fd)
{
    if (goes_wrong(fd, WRITE_EIO))
        return EIO;
    return goes_wrong(fd, WRITE_FULL) ? ENOSPC : 0;
}

static size_t
write_length(int fd, size_t length)
{
    return length > 1 && goes_wrong(fd, WRITE_SHORT) ? length / 2 : length;
}

ssize_t
write(int fd, const void *bytes, size_t length)
{
    int error = write_error(fd);

    return error ? broken(error) : REAL(write)(fd, bytes, write_length(fd, length));
}

ssize_t
pwrite(int fd, const void *bytes, size_t length, off_t at)
{
    int error = write_error(fd);

    return error ? broken(error) : REAL(pwrite)(fd, bytes, write_length(fd, length), at);
}

ssize_t
pwrite64(int fd, const void *bytes, size_t length, off64_t at)
{
    return pwrite(fd, bytes, length, at);
}

/* Cut short, a vector is its first piece. */
ssize_t
writev(int fd, const struct iovec *pieces, int count)
{
    int error = write_error(fd);

    if (error)
        return broken(error);
    if (count > 0 && goes_wrong(fd, WRITE_SHORT))
        return REAL(write)(fd, pieces->iov_base, (pieces->iov_len + 1) / 2);
    return REAL(writev)(fd, pieces, count);
}

ssize_t
pwritev(int fd, const struct iovec *pieces, int count, off_t at)
{
    int error = write_error(fd);

    if (error)
        return broken(error);
    if (count > 0 && goes_wrong(fd, WRITE_SHORT))
        return REAL(pwrite)(fd, pieces->iov_base, (pieces->iov_len + 1) / 2, at);
    return REAL(pwritev)(fd, pieces, count, at);
}

ssize_t
pwritev64(int fd, const struct iovec *pieces, int count, off64_t at)
{
    return pwritev(fd, pieces, count, at);
}

ssize_t
read(int fd, void *bytes, size_t length)
{
    return goes_wrong(fd, READ_EIO) ? broken(EIO) : REAL(read)(fd, bytes, length);
}

ssize_t
pread(int fd, void *bytes, size_t length, off_t at)
{
    return goes_wrong(fd, READ_EIO) ? broken(EIO) : REAL(pread)(fd, bytes, length, at);
}

ssize_t
pread64(int fd, void *bytes, size_t length, off64_t at)
{
    return pread(fd, bytes, length, at);
}
