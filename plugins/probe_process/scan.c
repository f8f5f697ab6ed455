/* SPDX-License-Identifier: Apache-2.0
 *
 * scan.c - see scan.h.  Reading /proc costs about 7 us a process: getdents, then
 * openat, read and close of each stat.  A process that ends meanwhile is left out.
 * Every size is bounded: the list, the texts kept for it, and one text.
 */
#include "scan.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FRESH_MS = 100,          /* how old a list may be that a check still uses */
    PROCESSES_MOST = 131072, /* about 16 MiB */
    TEXTS_MOST = 4 << 20,    /* kept for one list, in bytes; more is read each time */
    SCRATCH = 64 << 10       /* the longest command line that is looked at */
};

struct scan {
    struct sonde_instance *self;
    struct sonde_timer *forget;
    int proc; /* /proc, kept open; -1 until first used */
    bool taken, first_seen;
    int64_t began, ended, outdated; /* sonde_now */
    struct scan_process *processes;
    size_t count, room, texts;
    _Alignas(struct dirent64) char scratch[SCRATCH];
};

static void
scan_drop(struct scan *scan)
{
    for (size_t i = 0; i < scan->count; i++) {
        free(scan->processes[i].exe);
        free(scan->processes[i].cmdline);
    }
    free(scan->processes);
    scan->processes = NULL;
    scan->count = scan->room = scan->texts = 0;
    scan->taken = false;
}

static void
scan_forget(struct sonde_instance *shared, void *arg)
{
    (void)shared;
    scan_drop(arg);
}

static int
scan_start(struct sonde_instance *shared)
{
    struct scan *scan = sonde_private(shared);

    scan->self = shared;
    scan->proc = -1;
    scan->forget = sonde_timer_new(shared, scan_forget, scan);
    return 0;
}

static void
scan_stop(struct sonde_instance *shared)
{
    struct scan *scan = sonde_private(shared);

    scan_drop(scan);
    if (scan->proc != -1)
        close(scan->proc);
}

struct scan *
scan_shared(struct sonde_instance *self)
{
    struct sonde_instance *shared = sonde_shared(self, sizeof(struct scan), scan_start,
                                                 scan_stop);

    return shared ? sonde_private(shared) : NULL;
}

/* The /proc of another pid namespace would name other processes than pidfd_open. */
static int
scan_open(struct scan *scan)
{
    char self[32];
    int proc;
    ssize_t length;

    if (scan->proc != -1)
        return 0;
    proc = open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (proc == -1)
        return errno == ENOENT ? ENXIO : errno; /* ENOENT speaks of a process */
    length = readlinkat(proc, "self", self, sizeof(self) - 1);
    self[length > 0 ? length : 0] = '\0';
    if (atol(self) != getpid()) {
        close(proc);
        return EXDEV;
    }
    scan->proc = proc;
    return 0;
}

/* 0 or an errno; bytes end with NUL. */
static int
scan_slurp(struct scan *scan, pid_t pid, const char *name, char *bytes, size_t size,
           size_t *length)
{
    char path[64];
    ssize_t n;
    int fd, error;

    snprintf(path, sizeof(path), "%d/%s", (int)pid, name);
    fd = openat(scan->proc, path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return errno;
    n = read(fd, bytes, size - 1);
    error = n == -1 ? errno : 0;
    close(fd);
    *length = n > 0 ? (size_t)n : 0;
    bytes[*length] = '\0';
    return error;
}

/* ENOENT: no such directory; ESRCH: it ended while we read. */
static bool
scan_gone(int error)
{
    return error == ENOENT || error == ESRCH;
}

static bool
scan_barred(int error)
{
    return error == EACCES || error == EPERM;
}

static int
scan_stat(struct scan *scan, pid_t pid, struct pidstat *stat)
{
    char bytes[PIDSTAT_BYTES];
    size_t length;
    int error = scan_slurp(scan, pid, "stat", bytes, sizeof(bytes), &length);

    if (error)
        return scan_barred(error) ? EACCES : error;
    return pidstat_parse(bytes, length, stat) ? 0 : EBADMSG;
}

/* ---- the list ---- */

static int
scan_reserve(struct scan *scan)
{
    size_t room = scan->room ? scan->room * 2 : 256;
    struct scan_process *more;

    if (scan->count < scan->room)
        return 0;
    if (room > PROCESSES_MOST)
        return EOVERFLOW;
    more = realloc(scan->processes, room * sizeof(*more));
    if (!more)
        return ENOMEM;
    scan->processes = more;
    scan->room = room;
    return 0;
}

static int
scan_add(struct scan *scan, const char *name)
{
    struct scan_process process = { .listed = true };
    long pid = strtol(name, NULL, 10);
    int error;

    if (pid < 1 || pid > INT_MAX)
        return 0; /* not a process: "meminfo" */
    error = scan_stat(scan, (pid_t)pid, &process.stat);
    if (scan_gone(error) || error == EACCES)
        return 0;
    if (!error)
        error = scan_reserve(scan);
    if (error)
        return error;
    scan->first_seen |= pid == 1;
    scan->processes[scan->count++] = process;
    return 0;
}

static int
scan_list(struct scan *scan)
{
    ssize_t n;
    int error = 0;

    if (lseek(scan->proc, 0, SEEK_SET) == -1)
        return errno;
    while (!error && (n = getdents64(scan->proc, scan->scratch, SCRATCH)) != 0) {
        if (n == -1)
            return errno;
        for (ssize_t at = 0; !error && at < n;) {
            const struct dirent64 *entry = (const void *)(scan->scratch + at);

            error = scan_add(scan, entry->d_name);
            at += entry->d_reclen;
        }
    }
    return error;
}

int
scan_take(struct scan *scan, int64_t since)
{
    int error = scan_open(scan);

    if (error)
        return error;
    if (scan->taken && scan->began > since && scan->began > scan->outdated
        && sonde_now() - scan->ended <= FRESH_MS * INT64_C(1000000))
        return 0;
    scan_drop(scan);
    scan->began = sonde_now();
    scan->first_seen = false;
    error = scan_list(scan);
    if (error)
        scan_drop(scan);
    else
        scan->taken = true;
    scan->ended = sonde_now();
    sonde_timer_set(scan->forget, FRESH_MS);
    return error;
}

void
scan_outdated(struct scan *scan)
{
    scan->outdated = sonde_now();
}

struct scan_process *
scan_processes(struct scan *scan, size_t *count)
{
    *count = scan->count;
    return scan->processes;
}

bool
scan_hidden(const struct scan *scan)
{
    return !scan->first_seen;
}

/* ---- one process ---- */

int
scan_one(struct scan *scan, pid_t pid, struct scan_process *process)
{
    int error = scan_open(scan);

    *process = (struct scan_process){ 0 };
    if (error)
        return error;
    error = scan_stat(scan, pid, &process->stat);
    if (!scan_gone(error))
        return error;
    /* hidepid=2 hides the directory; a signal still finds the process. */
    return kill(pid, 0) == 0 || errno == EPERM ? EACCES : ESRCH;
}

/* The directory belongs to the effective user, even where the files in it, for a process
 * that may not be dumped, belong to root. */
int
scan_uid(struct scan *scan, struct scan_process *process, uid_t *uid)
{
    char path[16];
    struct stat status;

    if (!process->uid_known) {
        snprintf(path, sizeof(path), "%d", (int)process->stat.pid);
        if (fstatat(scan->proc, path, &status, 0) == -1)
            return scan_barred(errno) ? EACCES : errno;
        process->uid = status.st_uid;
        process->uid_known = true;
    }
    *uid = process->uid;
    return 0;
}

/* Keeps the text in scratch with the list, while there is room, for the next check. */
static char *
scan_keep(struct scan *scan, const struct scan_process *process, size_t length)
{
    bool room = process->listed && scan->texts + length < TEXTS_MOST;
    char *copy = room ? malloc(length + 1) : NULL;

    if (copy) {
        memcpy(copy, scan->scratch, length + 1);
        scan->texts += length + 1;
    }
    return copy;
}

/* A link of a process that has just ended is barred as well. */
static int
scan_why_barred(struct scan *scan, const struct scan_process *process)
{
    struct pidstat now;
    int error = scan_stat(scan, process->stat.pid, &now);

    if (!error && (!now.alive || now.start != process->stat.start))
        return ESRCH;
    return error ? error : EACCES;
}

int
scan_exe(struct scan *scan, struct scan_process *process, const char **exe)
{
    static const char deleted[] = " (deleted)";
    const size_t tail = sizeof(deleted) - 1;
    char path[32];
    ssize_t length;

    if (!process->exe) {
        snprintf(path, sizeof(path), "%d/exe", (int)process->stat.pid);
        length = readlinkat(scan->proc, path, scan->scratch, SCRATCH - 1);
        if (length == -1)
            return scan_barred(errno) ? scan_why_barred(scan, process) : errno;
        /* The file was replaced by a newer one, as an upgrade does. */
        if ((size_t)length > tail
            && memcmp(scan->scratch + length - tail, deleted, tail) == 0)
            length -= (ssize_t)tail;
        scan->scratch[length] = '\0';
        process->exe = scan_keep(scan, process, (size_t)length);
    }
    *exe = process->exe ? process->exe : scan->scratch;
    return 0;
}

/* Joins the arguments with blanks; those that end the text are not the program's. */
static size_t
scan_join(char *bytes, size_t length)
{
    while (length && (bytes[length - 1] == '\0' || bytes[length - 1] == ' '))
        length--;
    for (size_t i = 0; i < length; i++)
        if (bytes[i] == '\0')
            bytes[i] = ' ';
    bytes[length] = '\0';
    return length;
}

int
scan_cmdline(struct scan *scan, struct scan_process *process, const char **cmdline,
             size_t *length)
{
    int error;

    if (!process->cmdline) {
        error = scan_slurp(scan, process->stat.pid, "cmdline", scan->scratch, SCRATCH,
                           &process->cmdline_length);
        if (error)
            return scan_barred(error) ? EACCES : error;
        process->cmdline_length = scan_join(scan->scratch, process->cmdline_length);
        process->cmdline = scan_keep(scan, process, process->cmdline_length);
    }
    *cmdline = process->cmdline ? process->cmdline : scan->scratch;
    *length = process->cmdline_length;
    return 0;
}
