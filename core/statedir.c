/* SPDX-License-Identifier: Apache-2.0
 *
 * statedir.c - the directory that survives restarts.  See statedir.h.
 */
#include "statedir.h"

#include "log.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static void
statedir_name_holder(const char *path, int lock, const char *advice)
{
    char pid[32] = "";
    ssize_t length = pread(lock, pid, sizeof(pid) - 1, 0);

    pid[length > 0 ? strspn(pid, "0123456789") : 0] = '\0';
    log_error("state_dir %s is held by another sonded, pid %s; %s", path,
              *pid ? pid : "unknown", advice);
}

static void
statedir_write_pid(int lock)
{
    char pid[32];
    int length = snprintf(pid, sizeof(pid), "%d\n", (int)getpid());

    if (ftruncate(lock, 0) == -1 || pwrite(lock, pid, (size_t)length, 0) != length)
        log_warning("state_dir: the lock holds no pid: %s", strerror(errno));
}

const char *
statedir_path(const char *configured)
{
    if (!configured || !*configured)
        configured = getenv("STATE_DIRECTORY");
    return configured && *configured ? configured : NULL;
}

int
statedir_take(const char *path, const char *advice, int *lock)
{
    AUTO_FREE char *file = NULL;

    *lock = -1;
    path = statedir_path(path);
    if (!path)
        return 0;
    if (mkdir(path, 0750) == -1 && errno != EEXIST) {
        log_error("state_dir %s cannot be made: %s", path, strerror(errno));
        return -1;
    }
    file = memory_format("%s/lock", path);
    *lock = open(file, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0640);
    if (*lock == -1) {
        log_error("state_dir %s cannot be written: %s", path, strerror(errno));
        return -1;
    }
    if (flock(*lock, LOCK_EX | LOCK_NB) == 0) {
        statedir_write_pid(*lock);
        return 0;
    }
    statedir_name_holder(path, *lock, advice);
    close(*lock);
    *lock = -1;
    return -1;
}
