/* SPDX-License-Identifier: Apache-2.0
 *
 * look.c - one look for the processes of a check: by its pidfile, which costs the
 * reading of that one process, through those of its unit or control group, or through
 * the list that the checks of a loop share.  What matches is watched from then on.
 */
#include "process.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MEMBERS_TIME = 250000000 }; /* nanoseconds of CPU time to read those of a group */

static void look_why(struct finding *found, bool fault, const char *format, ...)
    SONDE_PRINTF(3);

static void
look_why(struct finding *found, bool fault, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(found->why, sizeof(found->why), format, args);
    va_end(args);
    found->fault = fault;
}

static void
look_fault(struct finding *found, int error)
{
    char tiring[MATCH_TIRING];

    match_describe_effort(&found->effort, tiring, sizeof(tiring));
    if (error == EXDEV)
        look_why(found, true, "/proc shows another pid namespace than ours");
    else if (error == ETIMEDOUT)
        look_why(found, true,
                 "the regular expression of cmdline takes too long on %s; give user or "
                 "comm besides",
                 tiring);
    else if (error == ETIME)
        look_why(found, true, "the control group takes too long to read");
    else if (error == ENXIO)
        look_why(found, true, "there are no control groups below /sys/fs/cgroup");
    else if (error == EOVERFLOW)
        look_why(found, true, "there are more processes than we read");
    else
        look_why(found, true, "processes cannot be read: %s", strerror(error));
}

/* A process that matches: ESRCH where it is gone, 0 also for a fault. */
static int
look_take(struct sonde_instance *self, struct finding *found, const struct pidstat *stat)
{
    struct process *p = sonde_private(self);
    int error = watch_add(&p->watch, self, stat);

    if (error == ESRCH)
        return error;
    found->count++;
    if (error == EOVERFLOW)
        found->full = true;
    else if (error)
        look_why(found, true, "pid %d (%s) cannot be watched: %s", (int)stat->pid,
                 stat->name, strerror(error));
    return 0;
}

static void
look_count_barred(struct finding *found, const struct pidstat *stat)
{
    if (!found->barred++)
        found->barred_first = *stat;
}

/* Counts and watches it if it matches; false where it is gone by now. */
static bool
look_judge(struct sonde_instance *self, struct finding *found,
           struct scan_process *process)
{
    struct process *p = sonde_private(self);
    int answer = match_process(&p->match, p->scan, process, &found->effort);

    if (answer == 1)
        return look_take(self, found, &process->stat) == 0;
    if (answer == -EACCES)
        look_count_barred(found, &process->stat);
    else if (answer < 0)
        look_fault(found, -answer);
    else
        found->zombies += match_zombie(&p->match, p->scan, process);
    return true;
}

/* Goes through the list once; false where a process on it is gone by now. */
static bool
look_sift(struct sonde_instance *self, struct finding *found)
{
    struct process *p = sonde_private(self);
    struct scan_process *each;
    size_t n;
    bool current = true;

    each = scan_processes(p->scan, &n);
    watch_begin(&p->watch);
    for (size_t i = 0; i < n && !found->fault; i++)
        current &= look_judge(self, found, &each[i]);
    watch_end(&p->watch, !found->fault);
    return current;
}

/* since: a death is judged only by what was read after its delay. */
static void
look_around(struct sonde_instance *self, struct finding *found)
{
    struct process *p = sonde_private(self);
    int64_t next, since;
    int error;

    watch_pending(&p->watch, p->terminate_delay * PROCESS_MS, &next, &since);
    for (int attempt = 0; attempt < 2; attempt++) {
        *found = (struct finding){ 0 };
        error = scan_take(p->scan, since);
        if (error) {
            look_fault(found, error);
            return;
        }
        if (look_sift(self, found))
            break;
        scan_outdated(p->scan);
    }
}

/* ---- by unit or control group ---- */

static void
look_member(struct sonde_instance *self, struct finding *found, pid_t pid)
{
    const struct process *p = sonde_private(self);
    struct scan_process process;
    int error = scan_one(p->scan, pid, &process);

    if (error == EACCES)
        look_why(found, true, "pid %d is hidden from us", (int)pid);
    else if (error && error != ESRCH)
        look_fault(found, error);
    else if (!error)
        look_judge(self, found, &process);
}

static void
look_group_fault(const struct process *p, struct finding *found, int error)
{
    if (error == ENOENT && p->unit)
        look_why(found, false, "unit \"%s\" is not active, or there is none of that name",
                 p->unit);
    else if (error == ENOENT)
        look_why(found, false, "there is no control group \"%s\"", p->cgroup);
    else if (error == EOVERFLOW)
        look_why(found, true,
                 "the control group has more than %d processes, or than %d groups in it",
                 GROUP_PIDS_MOST, GROUP_GROUPS_MOST);
    else
        look_fault(found, error);
}

static void
look_in_group(struct sonde_instance *self, struct finding *found)
{
    struct process *p = sonde_private(self);
    pid_t *pids = NULL;
    size_t count = 0;
    int error = group_take(&p->group, &pids, &count);
    int64_t began = group_clock();

    watch_begin(&p->watch);
    if (error)
        look_group_fault(p, found, error);
    for (size_t i = 0; i < count && !found->fault; i++) {
        if (i % 256 == 255 && group_clock() - began > MEMBERS_TIME)
            look_fault(found, ETIME);
        else
            look_member(self, found, pids[i]);
    }
    watch_end(&p->watch, !found->fault);
    free(pids);
}

/* ---- by pidfile ---- */

/* The pid of an unchanged file that by now means another process than it did. */
static bool
look_recycled(const struct process *p, const struct pidfile *file,
              const struct pidstat *stat)
{
    return pidfile_same(&p->file, file) && p->file_start != stat->start;
}

/* Why the process of the file is not the one that is meant. */
static void
look_reject(const struct process *p, struct finding *found, const struct pidfile *file,
            const struct pidstat *stat)
{
    char wanted[PROCESS_WHY];

    match_describe(&p->match, wanted, sizeof(wanted));
    if (found->effort.gave_up)
        look_why(found, false,
                 "%s: the regular expression of cmdline takes too long on pid %d (%s)",
                 p->pidfile, (int)stat->pid, stat->name);
    else if (!stat->alive)
        look_why(found, false, "%s: pid %d (%s) is a zombie", p->pidfile, (int)stat->pid,
                 stat->name);
    else if (look_recycled(p, file, stat))
        look_why(found, false, "%s: pid %d is another process by now (%s)", p->pidfile,
                 (int)stat->pid, stat->name);
    else
        look_why(found, false, "%s: pid %d (%s) is not one with %s", p->pidfile,
                 (int)stat->pid, stat->name, wanted);
}

static void
look_at(struct sonde_instance *self, struct finding *found, const struct pidfile *file)
{
    struct process *p = sonde_private(self);
    struct scan_process process;
    int answer, error = scan_one(p->scan, file->pid, &process);

    if (error == ESRCH) {
        look_why(found, false, "%s: pid %d is not running", p->pidfile, (int)file->pid);
        return;
    }
    answer = error ? -error : match_process(&p->match, p->scan, &process, &found->effort);
    if (answer == 1 && (p->unit || p->cgroup))
        answer = group_holds(&p->group, file->pid);
    if (answer == -EACCES)
        look_why(found, true, "%s: pid %d is hidden from us", p->pidfile, (int)file->pid);
    else if (answer < 0)
        look_fault(found, -answer);
    else if (answer == 0 || look_recycled(p, file, &process.stat))
        look_reject(p, found, file, &process.stat);
    else if (look_take(self, found, &process.stat) == ESRCH)
        look_why(found, false, "%s: pid %d is gone", p->pidfile, (int)file->pid);
    if (found->count) {
        p->file = *file;
        p->file_start = process.stat.start;
    }
}

/* The file still names a process whose end we saw: whoever has its number by now is not
 * meant, so nothing is to be read. */
static bool
look_has_died(const struct process *p)
{
    return watch_saw_die(&p->watch, p->file.pid, p->file_start)
           && pidfile_unchanged(p->pidfile, &p->file);
}

static void
look_in_file(struct sonde_instance *self, struct finding *found)
{
    struct process *p = sonde_private(self);
    struct pidfile file;
    const char *why = "";
    bool died = look_has_died(p);
    int error = died ? 0 : pidfile_read(p->pidfile, &file, &why);

    watch_begin(&p->watch);
    if (died)
        look_why(found, false, "%s: pid %d has ended", p->pidfile, (int)p->file.pid);
    else if (error == -1)
        look_why(found, false, "%s %s", p->pidfile, why);
    else if (error)
        look_why(found, error != ENOENT && error != ENOTDIR, "%s: %s", p->pidfile,
                 strerror(error));
    else
        look_at(self, found, &file);
    watch_end(&p->watch, !found->fault);
}

void
look_run(struct sonde_instance *self, struct finding *found)
{
    const struct process *p = sonde_private(self);

    *found = (struct finding){ 0 };
    if (p->pidfile)
        look_in_file(self, found);
    else if (p->unit || p->cgroup)
        look_in_group(self, found);
    else
        look_around(self, found);
}
