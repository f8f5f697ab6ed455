/* SPDX-License-Identifier: Apache-2.0
 *
 * process.c - whether processes run, and the moment when one ends.
 *
 * An asynchronous probe that always answers at once.  Each process that matches is
 * watched (watch.c); while all of them live and that is enough, a run reads nothing.
 * A death asks for a run, which looks for another process in /proc (scan.c, match.c)
 * and answers DOWN where there is none.  Not here: what a process uses of memory or
 * processor.
 */
#include "process.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MOST = 15 };

static const struct sonde_option options[] = {
    SONDE_STRING(struct process, pidfile,
                 .help = "file whose first line is the number of the process"),
    SONDE_STRING(struct process, comm,
                 .help = "name of the program as in /proc/PID/comm, at most 15 bytes"),
    SONDE_STRING(struct process, exe, .help = "path of the program's file"),
    SONDE_STRING(struct process, cmdline,
                 .help = "regular expression that some part of the command line, its "
                         "arguments joined with blanks, matches"),
    SONDE_STRING(struct process, user, .help = "effective user, by name or number"),
    SONDE_INTEGER(struct process, min, .fallback = "1", .min = 0, .max = 1000000,
                  .help = "at least so many must run"),
    SONDE_INTEGER(struct process, max, .fallback = "-1", .min = -1, .max = 1000000,
                  .help = "at most so many may run; -1 for no limit"),
    SONDE_DURATION(struct process, terminate_delay, .fallback = "0", .min = 0,
                   .max = 86400000,
                   .help = "how long after a death another process may take its place "
                           "before that counts"),
    { 0 }
};

/* ---- open ---- */

static int
process_find_user(struct sonde_instance *self, const char *user, uid_t *uid)
{
    char *end, buffer[16384];
    struct passwd entry, *found = NULL;
    unsigned long number;
    int error;

    error = getpwnam_r(user, &entry, buffer, sizeof(buffer), &found);
    if (found) {
        *uid = found->pw_uid;
        return 0;
    }
    number = strtoul(user, &end, 10);
    if (*user >= '0' && *user <= '9' && *end == '\0' && number < UINT32_MAX) {
        *uid = (uid_t)number;
        return 0;
    }
    if (error)
        return sonde_fail(self, "user", "\"%s\" cannot be looked up: %s", user,
                          strerror(error));
    return sonde_fail(self, "user", "there is no user \"%s\"", user);
}

static int
process_check_count(struct sonde_instance *self, const struct process *p)
{
    if (p->max >= 0 && p->max < p->min)
        return sonde_fail(self, "max", "is below min (%d)", (int)p->min);
    if (p->pidfile && p->min > 1)
        return sonde_fail(self, "min", "a pidfile names one process");
    if (p->min == 0 && p->max < 0)
        return sonde_fail(self, "min",
                          "is 0 without a max, so any number would do; max = 0 says "
                          "that none may run");
    return 0;
}

static int
process_open(struct sonde_instance *self)
{
    struct process *p = sonde_private(self);
    char why[256];

    if (!p->pidfile && !p->comm && !p->exe && !p->cmdline && !p->user)
        return sonde_fail(self, NULL,
                          "says nothing about the process: give pidfile, comm, exe, "
                          "cmdline or user");
    if (p->comm && strlen(p->comm) > NAME_MOST)
        return sonde_fail(self, "comm",
                          "is longer than %d bytes, all that the kernel keeps; give "
                          "exe or cmdline instead",
                          NAME_MOST);
    if (p->exe && p->exe[0] != '/')
        return sonde_fail(self, "exe", "is not an absolute path");
    if (process_check_count(self, p) == -1)
        return -1;
    if (p->user && process_find_user(self, p->user, &p->match.uid) == -1)
        return -1;
    if (p->cmdline && !(p->match.pattern = pattern_new(p->cmdline, why, sizeof(why))))
        return sonde_fail(self, "cmdline", "%s", why);
    p->match.comm = p->comm;
    p->match.exe = p->exe;
    p->match.cmdline = p->cmdline;
    p->match.user = p->user;
    return 0;
}

static void
process_close(struct sonde_instance *self)
{
    struct process *p = sonde_private(self);

    pattern_free(p->match.pattern);
}

/* ---- a run ---- */

static bool
process_quiet(const struct process *p)
{
    return p->whole && p->max < 0 && p->watch.living >= (size_t)p->min;
}

static void
process_begin(struct sonde_instance *self, struct sonde_event *event)
{
    struct process *p = sonde_private(self);
    struct finding found = { .count = p->watch.living };

    if (!process_quiet(p)) {
        look_run(self, &found);
        p->whole = !found.fault && !found.full;
    }
    p->last = answer_run(p, event, &found);
    if (!found.fault)
        sonde_metric(event, "count", (double)found.count, NULL);
    sonde_done(event, p->last);
}

/* begin has always answered by the time it returns. */
static void
process_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self, (void)event;
}

/* ---- between runs ---- */

static void
process_delay_over(struct sonde_instance *self, void *arg)
{
    (void)arg;
    sonde_recheck(self);
}

/* Where enough are left, the next run in its time will count anew. */
static void
process_died(struct sonde_instance *self, void *arg)
{
    struct process *p = sonde_private(self);
    bool enough = p->last == SONDE_UP || p->last == SONDE_DEGRADED;

    (void)arg;
    p->whole = false;
    if (enough && p->watch.living >= (size_t)p->min)
        return;
    if (!enough || !answer_wait(p))
        sonde_recheck(self);
}

static int
process_start(struct sonde_instance *self)
{
    struct process *p = sonde_private(self);

    p->scan = scan_shared(self);
    if (!p->scan)
        return sonde_fail(self, NULL, "there is no room on the loop");
    p->watch.scan = p->scan;
    p->watch.died = process_died;
    p->delay = sonde_timer_new(self, process_delay_over, NULL);
    return 0;
}

static void
process_stop(struct sonde_instance *self)
{
    struct process *p = sonde_private(self);

    watch_clear(&p->watch);
}

static const struct sonde_probe probe = {
    .name = "process",
    .summary = "processes that run, and the moment when one ends",
    .size = sizeof(struct process),
    .options = options,
    .open = process_open,
    .start = process_start,
    .stop = process_stop,
    .close = process_close,
    .begin = process_begin,
    .cancel = process_cancel,
};

SONDE_PLUGIN(probe);
