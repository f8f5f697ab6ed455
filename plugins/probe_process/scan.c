/* SPDX-License-Identifier: Apache-2.0
 *
 * scan.c - see scan.h.  The list itself is roster.c's; this says when it is read anew,
 * and how much of what it knew is believed (struct roster_terms).
 */
#include "scan.h"
#include "news.h"
#include "procfs.h"
#include "roster.h"

#include <dirent.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define MS INT64_C(1000000)

enum {
    FRESH_MS = 100,            /* how old a list may be that a check still uses */
    BELIEVED_MS = 10000,       /* how old what is known of a process, */
    BELIEVED_DEATH_MS = 1000,  /* the same where a death is judged, before it */
    BELIEVED_NEWS_MS = 300000, /* and where the kernel tells us of changes */
    LOST_MS = 1000,            /* how often at most all is read as news were lost */
    KEPT_MS = 60000,           /* how long a list is kept that nobody uses */
    SCRATCH = ROSTER_SCRATCH   /* the longest command line that is looked at */
};

struct scan {
    struct sonde_instance *self;
    struct sonde_timer *forget;
    int proc; /* /proc, kept open; -1 until first used */
    bool taken;
    int64_t began, ended, outdated; /* sonde_now */
    struct roster_terms terms;      /* of the list */
    struct roster roster;
    struct news news;
    struct scan_follower *followers;
    _Alignas(struct dirent64) char scratch[SCRATCH];
};

static void
scan_drop(struct scan *scan)
{
    roster_clear(&scan->roster);
    scan->taken = false;
}

static void
scan_forget(struct sonde_instance *shared, void *arg)
{
    struct scan *scan = arg;

    (void)shared;
    if (scan->followers)
        sonde_timer_set(scan->forget, KEPT_MS); /* it is kept right for them */
    else
        scan_drop(scan);
}

static void scan_note(void *arg, pid_t pid);
static void scan_tell(void *arg, pid_t pid);

static int
scan_start(struct sonde_instance *shared)
{
    struct scan *scan = sonde_private(shared);

    scan->self = shared;
    scan->proc = -1;
    scan->forget = sonde_timer_new(shared, scan_forget, scan);
    scan->news.self = shared;
    scan->news.note = scan_note;
    scan->news.tell = scan_tell;
    scan->news.arg = scan;
    news_init(&scan->news);
    return 0;
}

static void
scan_stop(struct sonde_instance *shared)
{
    struct scan *scan = sonde_private(shared);

    news_deinit(&scan->news);
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

static int
scan_open(struct scan *scan)
{
    int proc = scan->proc != -1 ? scan->proc : procfs_open();

    if (proc < 0)
        return -proc;
    scan->proc = proc;
    return 0;
}

/* ---- the list ---- */

/* All is doubted once for news that were lost, though not again within LOST_MS; what is
 * young or old is read anyway. */
static struct roster_terms
scan_terms(struct scan *scan, int64_t since)
{
    int64_t heard = news_heard(&scan->news), now = sonde_now();
    struct roster_terms terms = { .oldest = now - BELIEVED_MS * MS,
                                  .heard = heard,
                                  .doubted = scan->terms.doubted };

    if (since && since - BELIEVED_DEATH_MS * MS > terms.oldest)
        terms.oldest = since - BELIEVED_DEATH_MS * MS;
    if (now - BELIEVED_NEWS_MS * MS > terms.doubted)
        terms.doubted = now - BELIEVED_NEWS_MS * MS;
    if (scan->news.lost > terms.doubted && now - terms.doubted > LOST_MS * MS)
        terms.doubted = scan->news.lost;
    return terms;
}

static bool
scan_serves(const struct scan *scan, int64_t since)
{
    return scan->taken && scan->began > since && scan->began > scan->outdated
           && (!since || scan->terms.oldest >= since - BELIEVED_DEATH_MS * MS)
           && sonde_now() - scan->ended <= FRESH_MS * MS;
}

int
scan_take(struct scan *scan, int64_t since)
{
    int error = scan_open(scan);

    if (error)
        return error;
    if (scan_serves(scan, since))
        return 0;
    scan->terms = scan_terms(scan, since);
    scan->began = sonde_now();
    error = roster_update(&scan->roster, scan->proc, &scan->terms, scan->scratch);
    scan->taken = !error;
    scan->ended = sonde_now();
    sonde_timer_set(scan->forget, KEPT_MS);
    return error;
}

void
scan_outdated(struct scan *scan)
{
    scan->outdated = sonde_now();
}

void
scan_doubt(struct scan *scan, pid_t pid)
{
    roster_doubt(&scan->roster, pid);
}

struct scan_process *
scan_processes(struct scan *scan, size_t *count)
{
    *count = scan->roster.count;
    return scan->roster.processes;
}

/* The list ascends: of all we see, the first is pid 1. */
bool
scan_hidden(const struct scan *scan)
{
    return !scan->roster.count || scan->roster.processes[0].stat.pid != 1;
}

/* ---- who follows ---- */

static void
scan_note(void *arg, pid_t pid)
{
    struct scan *scan = arg;

    roster_doubt(&scan->roster, pid);
}

static void
scan_ask(struct scan *scan, struct scan_process *process)
{
    for (struct scan_follower *f = scan->followers; f; f = f->next)
        if (!process || f->wants(f->self, process)) {
            scan_outdated(scan);
            sonde_recheck(f->self);
        }
}

/* One that has ended by now is of no interest. */
static void
scan_tell(void *arg, pid_t pid)
{
    struct scan *scan = arg;
    struct scan_process process = { .listed = true };

    if (!scan->followers)
        return;
    if (!pid)
        scan_ask(scan, NULL);
    else if (scan_open(scan) == 0 && procfs_stat(scan->proc, pid, &process.stat) == 0) {
        scan_ask(scan, &process);
        roster_release(&scan->roster, &process);
    }
}

void
scan_follow(struct scan *scan, struct scan_follower *follower)
{
    if (follower->link)
        return;
    follower->next = scan->followers;
    follower->link = &scan->followers;
    if (follower->next)
        follower->next->link = &follower->next;
    scan->followers = follower;
    news_join(&scan->news);
}

void
scan_unfollow(struct scan *scan, struct scan_follower *follower)
{
    if (!follower->link)
        return;
    *follower->link = follower->next;
    if (follower->next)
        follower->next->link = follower->link;
    follower->link = NULL;
    if (!scan->followers)
        news_leave(&scan->news);
}

/* ---- one process ---- */

int
scan_one(struct scan *scan, pid_t pid, struct scan_process *process)
{
    int error = scan_open(scan);

    *process = (struct scan_process){ 0 };
    if (error)
        return error;
    error = procfs_stat(scan->proc, pid, &process->stat);
    if (!procfs_gone(error))
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
            return procfs_barred(errno) ? EACCES : errno;
        process->uid = status.st_uid;
        process->uid_known = true;
    }
    *uid = process->uid;
    return 0;
}

/* The text in scratch, for the next check. */
static char *
scan_keep(struct scan *scan, struct scan_process *process, size_t length)
{
    return process->listed ? roster_keep(&scan->roster, process, scan->scratch, length)
                           : NULL;
}

/* A link of a process that has just ended is barred as well. */
static int
scan_why_barred(struct scan *scan, const struct scan_process *process)
{
    struct pidstat now;
    int error = procfs_stat(scan->proc, process->stat.pid, &now);

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
            return procfs_barred(errno) ? scan_why_barred(scan, process) : errno;
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

int
scan_cmdline(struct scan *scan, struct scan_process *process, const char **cmdline,
             size_t *length)
{
    int error;

    if (!process->cmdline) {
        error = procfs_read(scan->proc, process->stat.pid, "cmdline", scan->scratch,
                            SCRATCH, &process->cmdline_length);
        if (error)
            return procfs_barred(error) ? EACCES : error;
        process->cmdline_length = procfs_join(scan->scratch, process->cmdline_length);
        process->cmdline = scan_keep(scan, process, process->cmdline_length);
    }
    *cmdline = process->cmdline ? process->cmdline : scan->scratch;
    *length = process->cmdline_length;
    return 0;
}
