/* SPDX-License-Identifier: Apache-2.0
 *
 * watch.c - see watch.h.  How a process that is not our child ended, the kernel tells
 * from 6.15 on through its pidfd, once its parent has collected it; until then, and
 * before 6.15, /proc/PID/stat of the zombie tells those who might trace it.
 */
#include "watch.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* The first version of the kernel's struct pidfd_info, which headers of before 6.13 lack.
 * The kernel goes by the size in the request's number. */
struct watch_info {
    uint64_t mask, cgroup;
    uint32_t ids[11];
    int32_t ending;
};
_Static_assert(sizeof(struct watch_info) == 64, "as the kernel has it");

#define WATCH_GET_INFO  _IOWR(0xFF, 11, struct watch_info)
#define WATCH_INFO_EXIT (UINT64_C(1) << 3)

/* Closing takes the descriptor out of the loop, too: a call less. */
static void
watch_close(struct watched *watched)
{
    if (watched->watch)
        sonde_watch_close(watched->watch);
    else if (watched->fd != -1)
        close(watched->fd);
    watched->watch = NULL;
    watched->fd = -1;
}

static void
watch_learn(struct watched *watched, int status)
{
    watched->ending = WIFSIGNALED(status) ? WATCH_KILLED : WATCH_EXITED;
    watched->code = WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status);
    watch_close(watched);
}

/* A zombie's status of 0 may also mean that we may not know. */
static void
watch_ask(struct watched *watched)
{
    struct watch_info info = { .mask = WATCH_INFO_EXIT };
    struct scan_process process;

    if (watched->ending != WATCH_GONE || watched->fd == -1)
        return;
    if (ioctl(watched->fd, WATCH_GET_INFO, &info) == 0 && info.mask & WATCH_INFO_EXIT)
        watch_learn(watched, info.ending);
    else if (scan_one(watched->set->scan, watched->pid, &process) == 0
             && process.stat.start == watched->start && process.stat.ending != 0)
        watch_learn(watched, process.stat.ending);
}

static void
watch_free(struct watched *watched)
{
    watch_close(watched);
    free(watched);
}

/* Takes *link out of its list. */
static void
watch_remove(struct watched **link)
{
    struct watched *watched = *link;

    *link = watched->next;
    *(watched->died ? &watched->set->dead : &watched->set->living) -= 1;
    watch_free(watched);
}

static void
watch_mark_dead(struct watched *watched)
{
    watched->died = sonde_now();
    watched->set->living--;
    watched->set->dead++;
    watched->set->ended++;
    watch_ask(watched);
    sonde_watch_free(watched->watch); /* or it would stay ready for ever */
    watched->watch = NULL;
    scan_outdated(watched->set->scan);
}

static void
watch_ready(struct sonde_instance *self, int fd, unsigned ready, void *arg)
{
    struct watched *watched = arg;

    (void)fd, (void)ready;
    watch_mark_dead(watched);
    watched->set->died(self, watched->set);
}

/* ---- a round ---- */

void
watch_begin(struct watch_set *set)
{
    if (set->dead > WATCH_MOST)
        watch_bury(set); /* each may hold a descriptor */
    set->at = &set->first;
    for (struct watched *w = set->first; w; w = w->next)
        w->wanted = false;
}

/* Between the listing and pidfd_open the pid may have been given to another process, so
 * its start is read once more behind it. */
static int
watch_open(struct watch_set *set, const struct pidstat *stat, int *fd)
{
    struct scan_process process;
    int error;

    *fd = (int)syscall(SYS_pidfd_open, stat->pid, 0);
    if (*fd == -1)
        return errno == ENOENT || errno == EINVAL ? ESRCH : errno; /* a thread's number */
    error = scan_one(set->scan, stat->pid, &process);
    if (!error && (process.stat.start != stat->start || !process.stat.alive))
        error = ESRCH;
    if (error)
        close(*fd);
    return error;
}

static int
watch_new(struct watch_set *set, struct sonde_instance *self, const struct pidstat *stat)
{
    struct watched *watched;
    int fd, error = watch_open(set, stat, &fd);

    if (error)
        return error;
    watched = calloc(1, sizeof(*watched));
    if (!watched) {
        close(fd);
        return ENOMEM;
    }
    watched->set = set;
    watched->pid = stat->pid;
    watched->start = stat->start;
    watched->wanted = true;
    watched->fd = fd;
    memcpy(watched->name, stat->name, sizeof(watched->name));
    watched->watch = sonde_watch_new(self, fd, SONDE_READ, watch_ready, watched);
    if (!watched->watch) {
        error = errno ? errno : EMFILE;
        watch_free(watched);
        return error;
    }
    watched->next = *set->at;
    *set->at = watched;
    set->living++;
    set->taken++;
    return 0;
}

int
watch_add(struct watch_set *set, struct sonde_instance *self, const struct pidstat *stat)
{
    int error;

    while (*set->at && (*set->at)->pid < stat->pid)
        set->at = &(*set->at)->next;
    for (struct watched *w = *set->at; w && w->pid == stat->pid; w = w->next) {
        if (w->start != stat->start)
            continue; /* another process had this pid */
        w->wanted = true;
        if (w->died)
            scan_doubt(set->scan, stat->pid); /* a zombie by now */
        return w->died ? ESRCH : 0;
    }
    if (set->living >= WATCH_MOST)
        return EOVERFLOW;
    error = watch_new(set, self, stat);
    if (error == ESRCH)
        scan_doubt(set->scan, stat->pid);
    return error;
}

bool
watch_saw_die(const struct watch_set *set, pid_t pid, uint64_t start)
{
    const struct watched *w = set->first;

    while (w && (w->pid != pid || w->start != start))
        w = w->next;
    return w && w->died;
}

bool
watch_holds(const struct watch_set *set, const struct pidstat *stat)
{
    for (const struct watched *w = set->first; w && w->pid <= stat->pid; w = w->next)
        if (w->pid == stat->pid && w->start == stat->start && !w->died)
            return true;
    return false;
}

/* The listing may have seen a death before the loop did. */
static bool
watch_has_died(const struct watched *watched)
{
    struct pollfd ready = { .fd = watched->fd, .events = POLLIN };

    return poll(&ready, 1, 0) == 1;
}

void
watch_end(struct watch_set *set, bool whole)
{
    struct watched **link = &set->first;

    while (whole && *link) {
        struct watched *w = *link;

        if (!w->died && !w->wanted && watch_has_died(w))
            watch_mark_dead(w);
        if (!w->died && !w->wanted)
            watch_remove(link);
        else
            link = &w->next;
    }
    set->at = NULL;
}

/* ---- the dead ---- */

struct watched *
watch_first_dead(const struct watch_set *set)
{
    struct watched *first = NULL;

    for (struct watched *w = set->first; w; w = w->next)
        if (w->died && (!first || w->died < first->died))
            first = w;
    return first;
}

size_t
watch_pending(const struct watch_set *set, int64_t delay, int64_t *next, int64_t *passed)
{
    int64_t now = sonde_now();
    size_t n = 0;

    *next = INT64_MAX;
    *passed = 0;
    for (const struct watched *w = set->first; w; w = w->next) {
        int64_t due = w->died + delay;

        if (!w->died)
            continue;
        n += due > now;
        if (due > now && due < *next)
            *next = due;
        if (due <= now && due > *passed)
            *passed = due;
    }
    return n;
}

void
watch_describe(struct watched *watched, char *text, size_t size)
{
    const char *signal;

    watch_ask(watched);
    signal = watched->ending == WATCH_KILLED ? sigabbrev_np(watched->code) : NULL;
    if (watched->ending == WATCH_EXITED)
        snprintf(text, size, "pid %d (%s) exited with status %d", (int)watched->pid,
                 watched->name, watched->code);
    else if (watched->ending == WATCH_KILLED)
        snprintf(text, size, "pid %d (%s) was killed by signal %d%s%s%s",
                 (int)watched->pid, watched->name, watched->code, signal ? " (SIG" : "",
                 signal ? signal : "", signal ? ")" : "");
    else
        snprintf(text, size, "pid %d (%s) is gone", (int)watched->pid, watched->name);
}

static void
watch_sweep(struct watch_set *set, bool living)
{
    for (struct watched **link = &set->first; *link;) {
        if ((*link)->died || living)
            watch_remove(link);
        else
            link = &(*link)->next;
    }
}

void
watch_bury(struct watch_set *set)
{
    if (set->dead)
        watch_sweep(set, false);
}

void
watch_clear(struct watch_set *set)
{
    watch_sweep(set, true);
}
