/* SPDX-License-Identifier: Apache-2.0
 *
 * process.c - whether processes run, and the moment when one ends.
 *
 * An asynchronous probe that always answers at once.  Each process that matches is
 * watched (watch.c); while all of them live and that is enough, a run reads nothing.
 * A death asks for a run, which looks for another process in /proc (scan.c, match.c)
 * and answers DOWN where there is none.  Where there are thresholds, a run looks for
 * others too, reads what they all use (measure.c) and judges that (limits.c).
 */
#include "process.h"

#include "unit.h"

#include <pwd.h>
#include <stdlib.h>
#include <string.h>

enum { NAME_MOST = 15 };

#define NO_MOST .min = 0, .max = -1

/* In the order of enum limits_change. */
static const char *const id_changes[] = { "ignore", "warn", "fail", NULL };

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
    SONDE_STRING(struct process, unit,
                 .help =
                     "systemd unit whose control group the process is in, as in "
                     "nginx.service; with user also a unit of the user's own manager"),
    SONDE_STRING(struct process, cgroup,
                 .help = "control group that the process is in or below, as "
                         "/proc/PID/cgroup names it"),
    SONDE_INTEGER(struct process, min, .fallback = "1", .min = 0, .max = 1000000,
                  .help = "at least so many must run"),
    SONDE_INTEGER(struct process, max, .fallback = "-1", .min = -1, .max = 1000000,
                  .help = "at most so many may run; -1 for no limit"),
    SONDE_DURATION(struct process, terminate_delay, .fallback = "0", .min = 0,
                   .max = 86400000,
                   .help = "how long after a death another process may take its place "
                           "before that counts"),
    SONDE_REAL(struct process, cpu_warn, NO_MOST,
               .help = "DEGRADED above so many percent of one core since the run before"),
    SONDE_REAL(struct process, cpu_fail, NO_MOST, .help = "DOWN above so many percent"),
    SONDE_SIZE(struct process, rss_warn, NO_MOST,
               .help = "DEGRADED above so much memory (resident set)"),
    SONDE_SIZE(struct process, rss_fail, NO_MOST, .help = "DOWN above so much memory"),
    SONDE_SIZE(
        struct process, pss_warn, NO_MOST,
        .help = "DEGRADED above so much memory, shared pages by share (PSS, costly)"),
    SONDE_SIZE(struct process, pss_fail, NO_MOST, .help = "DOWN above so much PSS"),
    SONDE_INTEGER(struct process, threads_warn, NO_MOST,
                  .help = "DEGRADED above so many threads"),
    SONDE_INTEGER(struct process, threads_fail, NO_MOST,
                  .help = "DOWN above so many threads"),
    SONDE_INTEGER(struct process, fds_warn, NO_MOST,
                  .help = "DEGRADED above so many open descriptors"),
    SONDE_INTEGER(struct process, fds_fail, NO_MOST,
                  .help = "DOWN above so many open descriptors"),
    SONDE_DURATION(struct process, uptime_warn, NO_MOST,
                   .help = "DEGRADED while the youngest process is younger than this"),
    SONDE_DURATION(struct process, uptime_fail, NO_MOST,
                   .help = "DOWN while the youngest process is younger than this"),
    SONDE_INTEGER(struct process, restarts_warn, .min = 0, .max = RESTARTS_MOST,
                  .help = "DEGRADED from so many restarts within restarts_window on"),
    SONDE_INTEGER(struct process, restarts_fail, .min = 0, .max = RESTARTS_MOST,
                  .help = "DOWN from so many restarts within restarts_window on"),
    SONDE_DURATION(struct process, restarts_window, .fallback = "10m", .min = 1000,
                   .max = 86400000, .help = "how long a restart counts"),
    SONDE_BOOL(struct process, children,
               .help = "the figures include all descendants of the processes"),
    SONDE_CHOICE(struct process, id_change, .fallback = "ignore", .choices = id_changes,
                 .help = "what it means when a process changes its effective user or "
                         "group"),
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
        return sonde_fail(self, "max",
                          "is below min (%d); min = 0 with max = 0 says that none may "
                          "run",
                          (int)p->min);
    if (p->pidfile && p->min > 1)
        return sonde_fail(self, "min", "a pidfile names one process");
    if (p->pidfile && p->max > 0
        && sonde_idle(self, "max", "a pidfile names one process") == -1)
        return -1;
    if (p->min == 0 && p->max < 0)
        return sonde_fail(self, "min",
                          "is 0 without a max, so any number would do; max = 0 says "
                          "that none may run");
    if (p->min > 0)
        return 0;
    return sonde_idle(self, "terminate_delay",
                      "has no meaning with min = 0: no death leaves too few");
}

/* What is judged of processes that run, and of restarts. */
static int
process_check_limits(struct sonde_instance *self, const struct process *p)
{
    const char *idle = limits_check(&p->limits);
    static const char *const idle_rows[] = {
        "cpu_warn",    "cpu_fail",     "rss_warn",      "rss_fail",      "pss_warn",
        "pss_fail",    "threads_warn", "threads_fail",  "fds_warn",      "fds_fail",
        "uptime_warn", "uptime_fail",  "restarts_warn", "restarts_fail", "id_change"
    };

    if (idle)
        return sonde_fail(self, idle,
                          "would never warn: the limit for DOWN is crossed "
                          "first, or with it");
    for (size_t i = 0; p->max == 0 && i < sizeof(idle_rows) / sizeof(*idle_rows); i++)
        if (sonde_idle(self, idle_rows[i],
                       "has nothing to judge: max = 0 says that none may run")
            == -1)
            return -1;
    return 0;
}

static int
process_open_limits(struct sonde_instance *self)
{
    struct process *p = sonde_private(self);

    if (!p->restarts_warn && !p->restarts_fail
        && sonde_idle(self, "restarts_window",
                      "has no meaning without restarts_warn or restarts_fail")
               == -1)
        return -1;
    p->limits = (struct limits){
        .each = { [FIGURE_CPU] = { p->cpu_warn, p->cpu_fail },
                  [FIGURE_RSS] = { (double)p->rss_warn, (double)p->rss_fail },
                  [FIGURE_PSS] = { (double)p->pss_warn, (double)p->pss_fail },
                  [FIGURE_THREADS] = { (double)p->threads_warn, (double)p->threads_fail },
                  [FIGURE_FDS] = { (double)p->fds_warn, (double)p->fds_fail },
                  [FIGURE_UPTIME] = { (double)p->uptime_warn / 1e3,
                                      (double)p->uptime_fail / 1e3 },
                  [FIGURE_RESTARTS] = { (double)p->restarts_warn,
                                        (double)p->restarts_fail } },
        .window = p->restarts_window,
        .id_change = (enum limits_change)p->id_change,
    };
    return process_check_limits(self, p);
}

/* What is to be read is what somebody asks for. */
static int
process_open_measure(struct sonde_instance *self)
{
    struct process *p = sonde_private(self);
    bool sums = false;

    for (enum figure f = FIGURE_CPU; f <= FIGURE_FDS; f++)
        sums |= limits_asked(&p->limits, f);
    if (p->children && !sums)
        return sonde_fail(self, "children",
                          "adds to the figures of cpu, rss, pss, threads and fds, and no "
                          "threshold of these is given");
    p->measure.children = p->children;
    p->measure.pss = limits_asked(&p->limits, FIGURE_PSS);
    p->measure.fds = limits_asked(&p->limits, FIGURE_FDS);
    p->measure.ids = p->limits.id_change != CHANGE_IGNORE;
    p->measure.stat = sums || p->measure.ids;
    /* A look would let go of one that has changed its user, before that is told. */
    p->counting = (sums || limits_asked(&p->limits, FIGURE_UPTIME)) && !p->pidfile
                  && !(p->user && p->measure.ids);
    return 0;
}

static int
process_check_group(struct sonde_instance *self, const struct process *p)
{
    const char *why = p->unit ? unit_check(p->unit) : NULL;

    if (why)
        return sonde_fail(self, "unit", "\"%s\" %s", p->unit, why);
    if (p->unit && p->cgroup)
        return sonde_fail(self, "cgroup", "is given beside unit; give one of them");
    if (p->cgroup
        && (p->cgroup[0] != '/' || strstr(p->cgroup, "/..") || strstr(p->cgroup, "//")))
        return sonde_fail(self, "cgroup",
                          "is not a path as in /proc/PID/cgroup, which begins with / and "
                          "has no .. and no //");
    if (p->cgroup && strncmp(p->cgroup, "/sys/fs/cgroup", 14) == 0)
        return sonde_fail(
            self, "cgroup",
            "is to be given as in /proc/PID/cgroup, without /sys/fs/cgroup");
    return 0;
}

static int
process_check_selectors(struct sonde_instance *self, const struct process *p)
{
    if (!p->pidfile && !p->comm && !p->exe && !p->cmdline && !p->user && !p->unit
        && !p->cgroup)
        return sonde_fail(self, NULL,
                          "says nothing about the process: give pidfile, comm, exe, "
                          "cmdline, user, unit or cgroup");
    if (p->comm && strlen(p->comm) > NAME_MOST)
        return sonde_fail(self, "comm",
                          "is longer than %d bytes, all that the kernel keeps; give "
                          "exe or cmdline instead",
                          NAME_MOST);
    if (p->exe && p->exe[0] != '/')
        return sonde_fail(self, "exe", "is not an absolute path");
    return process_check_group(self, p);
}

static int
process_open(struct sonde_instance *self)
{
    struct process *p = sonde_private(self);
    char why[256];

    if (process_check_selectors(self, p) == -1 || process_check_count(self, p) == -1
        || process_open_limits(self) == -1 || process_open_measure(self) == -1)
        return -1;
    if (p->user && process_find_user(self, p->user, &p->match.uid) == -1)
        return -1;
    if (p->cmdline && !(p->match.pattern = pattern_new(p->cmdline, why, sizeof(why))))
        return sonde_fail(self, "cmdline", "%s", why);
    p->match.comm = p->comm;
    p->match.exe = p->exe;
    p->match.cmdline = p->cmdline;
    p->match.user = p->user;
    p->match.unit = p->unit;
    p->match.cgroup = p->cgroup;
    p->group = (struct group){ .unit = p->unit,
                               .path = p->cgroup,
                               .user = p->user ? (int64_t)p->match.uid : -1 };
    return 0;
}

static void
process_close(struct sonde_instance *self)
{
    struct process *p = sonde_private(self);

    pattern_free(p->match.pattern);
    measure_forget(&p->measure);
}

/* ---- a run ---- */

/* All that match are known and will tell when they end, and more would not matter. */
static bool
process_complete(const struct process *p)
{
    return p->whole && p->max < 0 && p->watch.living >= (size_t)p->min;
}

/* Which processes restarted, and what those that run use. */
static void
process_measure(struct process *p, struct finding *found)
{
    int64_t now = sonde_now(), window = p->restarts_window * PROCESS_MS;

    restarts_note(&p->restarts, p->watch.taken, p->watch.ended, window, now);
    found->measured = !found->fault && p->watch.living > 0;
    if (found->measured)
        measure_run(&p->measure, p->scan, &p->watch, &p->figures);
    else if (!p->watch.living) /* for a fault of ours nothing is forgotten */
        measure_forget(&p->measure);
    if (limits_asked(&p->limits, FIGURE_RESTARTS))
        p->figures.each[FIGURE_RESTARTS] = (struct figure_value){
            .known = true, .value = (double)restarts_within(&p->restarts, window, now)
        };
}

/* A process that came to be like that, or was made like that: told once. */
static void
process_warn(struct sonde_instance *self, const struct finding *found)
{
    struct process *p = sonde_private(self);
    char text[MATCH_TIRING];

    if (found->effort.gave_up && !p->tiring) {
        match_describe_effort(&found->effort, text, sizeof(text));
        sonde_log(self, SONDE_WARNING,
                  "the regular expression of cmdline takes too long on the command line "
                  "of %s: that counts as not matching%s",
                  text, p->max >= 0 ? ", and with max the check is UNKNOWN" : "");
    }
    p->tiring = found->effort.gave_up;
}

static void
process_report(const struct process *p, struct sonde_event *event,
               const struct finding *found)
{
    if (found->fault)
        return;
    sonde_metric(event, "count", (double)found->count, NULL);
    if (found->measured)
        limits_report(event, &p->figures);
    else if (p->figures.each[FIGURE_RESTARTS].known)
        sonde_metric(event, "restarts", p->figures.each[FIGURE_RESTARTS].value, NULL);
}

static void
process_begin(struct sonde_instance *self, struct sonde_event *event)
{
    struct process *p = sonde_private(self);
    struct finding found = { .count = p->watch.living };
    bool complete = process_complete(p);
    enum sonde_state state;

    if (!complete && !p->pidfile)
        scan_follow(p->scan, &p->follower); /* before the look, so that none is missed */
    if (!complete || p->counting) {
        look_run(self, &found);
        process_warn(self, &found);
        p->whole = !found.fault && !found.full;
    }
    if (process_complete(p))
        scan_unfollow(p->scan, &p->follower);
    else if (complete)
        sonde_recheck(self); /* the look found it out: another one, that follows */
    process_measure(p, &found);
    state = answer_run(p, event, &found);
    process_report(p, event, &found);
    sonde_done(event, state);
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

    (void)arg;
    p->whole = false;
    if (p->enough && p->watch.living >= (size_t)p->min)
        return;
    if (!p->enough || !answer_wait(p))
        sonde_recheck(self);
}

/* A process that is known, and matches still, is no news. */
static bool
process_wants(struct sonde_instance *self, struct scan_process *process)
{
    const struct process *p = sonde_private(self);
    bool matches = match_process(&p->match, p->scan, process, NULL) == 1;

    if (matches && (p->unit || p->cgroup))
        matches = group_holds(&p->group, process->stat.pid) == 1;
    return matches != watch_holds(&p->watch, &process->stat);
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
    p->follower = (struct scan_follower){ .self = self, .wants = process_wants };
    p->delay = sonde_timer_new(self, process_delay_over, NULL);
    return 0;
}

static void
process_stop(struct sonde_instance *self)
{
    struct process *p = sonde_private(self);

    scan_unfollow(p->scan, &p->follower);
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
