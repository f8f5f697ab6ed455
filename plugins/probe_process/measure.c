/* SPDX-License-Identifier: Apache-2.0
 *
 * measure.c - see measure.h.  Of each process its line in /proc/PID/stat is read last:
 * its start proves that all that was read before belongs to the process that is meant.
 *
 * Processor time is counted in ticks of 10 ms, so runs that follow each other closely
 * share a sample.
 */
#include "measure.h"

#include "family.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    SPAN_MS = 250, /* between two samples of processor time, at least */
    MOST_MS = 250, /* for one run; the loop waits meanwhile */
    SETTLED_S = 5  /* a daemon that starts may give up its rights for so long */
};

struct sample {
    pid_t pid;
    uint64_t start, ticks;
    struct usage_ids ids;
    bool settled; /* ids are what they are to stay */
};

/* One measurement under way. */
struct round {
    struct measure *measure;
    struct figures *figures;
    struct scan *scan;
    struct sample *samples, *before;
    size_t count;
    int64_t now;
    uint64_t boot_ticks, per_second;
    double seconds; /* since the sample before; 0: too few, or there is none */
    bool broken;    /* off: some were not read */
    bool barred[FIGURES];
};

/* What was read of one process, besides its stat; errors are errnos. */
struct reading {
    uint64_t pss, fds;
    struct usage_ids ids;
    int pss_error, fds_error, ids_error;
};

static void measure_fault(struct figures *figures, const char *format, ...)
    SONDE_PRINTF(2);

static void
measure_fault(struct figures *figures, const char *format, ...)
{
    va_list args;

    if (*figures->fault)
        return; /* one is enough */
    va_start(args, format);
    vsnprintf(figures->fault, sizeof(figures->fault), format, args);
    va_end(args);
}

static uint64_t
measure_boot_ticks(uint64_t per_second)
{
    struct timespec now;

    clock_gettime(CLOCK_BOOTTIME, &now);
    return (uint64_t)now.tv_sec * per_second
           + (uint64_t)now.tv_nsec / (UINT64_C(1000000000) / per_second);
}

static void
measure_add(struct figures *figures, enum figure figure, double value,
            const struct pidstat *stat)
{
    struct figure_value *sum = &figures->each[figure];

    if (!sum->known || value > sum->largest) {
        sum->largest = value;
        sum->pid = stat->pid;
        memcpy(sum->name, stat->name, sizeof(sum->name));
    }
    sum->value += value;
    sum->known = true;
}

/* ---- one process ---- */

static void
measure_read(const struct measure *measure, pid_t pid, struct reading *reading)
{
    *reading = (struct reading){ 0 };
    if (measure->pss)
        reading->pss_error = usage_pss(pid, &reading->pss);
    if (measure->fds)
        reading->fds_error = usage_fds(pid, &reading->fds);
    if (measure->ids)
        reading->ids_error = usage_ids(pid, &reading->ids);
}

/* The process lives, and yet something of it could not be read.  Without memory, as
 * between its end and its zombie, it says ESRCH: that is nothing used. */
static bool
measure_may(struct figures *figures, const struct pidstat *stat, const char *what,
            int error)
{
    if (!error || error == ESRCH)
        return true;
    if (error == EACCES || error == EPERM)
        measure_fault(figures,
                      "we may not read the %s of pid %d (%s); give the daemon the "
                      "capability SYS_PTRACE",
                      what, (int)stat->pid, stat->name);
    else
        measure_fault(figures, "the %s of pid %d (%s) cannot be read: %s", what,
                      (int)stat->pid, stat->name, strerror(error));
    return false;
}

/* Both lists are by ascending pid. */
static const struct sample *
measure_before(struct round *round, const struct pidstat *stat)
{
    const struct sample *end = round->measure->samples + round->measure->count;

    while (round->before < end && round->before->pid < stat->pid)
        round->before++;
    return round->before < end && round->before->pid == stat->pid
                   && round->before->start == stat->start
               ? round->before
               : NULL;
}

/* The ticks that the share is counted from: one that started since the last sample used
 * all of its own. */
static uint64_t
measure_base(const struct round *round, const struct sample *before,
             const struct pidstat *stat)
{
    if (before)
        return before->ticks < stat->ticks ? before->ticks : stat->ticks;
    return round->measure->at && stat->start >= round->measure->at_ticks ? 0
                                                                         : stat->ticks;
}

static void
measure_cpu(struct round *round, struct sample *sample, const struct sample *before,
            const struct pidstat *stat)
{
    uint64_t base = measure_base(round, before, stat);

    sample->ticks = base;
    if (round->seconds > 0)
        measure_add(round->figures, FIGURE_CPU,
                    100.0 * (double)(stat->ticks - base) / (double)round->per_second
                        / round->seconds,
                    stat);
    if (round->seconds > 0 || !round->measure->at)
        sample->ticks = stat->ticks;
}

/* True: the process is not what it was when it had settled. */
static bool
measure_ids(const struct round *round, struct sample *sample, const struct sample *before,
            const struct pidstat *stat, const struct usage_ids *ids)
{
    if (before && before->settled) {
        sample->ids = before->ids;
        sample->settled = true;
        return before->ids.uid != ids->uid || before->ids.gid != ids->gid;
    }
    sample->ids = *ids;
    sample->settled = round->boot_ticks >= stat->start + SETTLED_S * round->per_second;
    return false;
}

/* The first that changed is told. */
static void
measure_tell_change(struct figures *figures, const struct pidstat *stat,
                    const struct sample *before, const struct usage_ids *ids)
{
    if (figures->change.pid)
        return;
    figures->change =
        (struct figure_change){ .pid = stat->pid, .was = before->ids, .is = *ids };
    memcpy(figures->change.name, stat->name, sizeof(figures->change.name));
}

/* What only some may read. */
static void
measure_guarded(struct round *round, const struct pidstat *stat,
                const struct reading *reading)
{
    struct figures *figures = round->figures;

    if (!measure_may(figures, stat, "memory map (pss)", reading->pss_error))
        round->barred[FIGURE_PSS] = true;
    else if (round->measure->pss)
        measure_add(figures, FIGURE_PSS, (double)reading->pss, stat);
    if (!measure_may(figures, stat, "descriptors", reading->fds_error))
        round->barred[FIGURE_FDS] = true;
    else if (round->measure->fds)
        measure_add(figures, FIGURE_FDS, (double)reading->fds, stat);
}

static void
measure_take(struct round *round, const struct member *member, const struct pidstat *stat,
             const struct reading *reading)
{
    const struct sample *before = measure_before(round, stat);
    struct sample *sample = &round->samples[round->count++];
    struct figures *figures = round->figures;

    *sample = (struct sample){ .pid = stat->pid, .start = stat->start };
    measure_cpu(round, sample, before, stat);
    measure_add(figures, FIGURE_RSS, (double)stat->rss * (double)sysconf(_SC_PAGESIZE),
                stat);
    measure_add(figures, FIGURE_THREADS, (double)stat->threads, stat);
    measure_guarded(round, stat, reading);
    if (round->measure->ids
        && measure_may(figures, stat, "user and group", reading->ids_error)
        && !reading->ids_error && measure_ids(round, sample, before, stat, &reading->ids)
        && member->matched)
        measure_tell_change(figures, stat, before, &reading->ids);
}

static void
measure_one(struct round *round, const struct member *member)
{
    struct reading reading;
    struct scan_process now;
    int error;

    measure_read(round->measure, member->pid, &reading);
    error = scan_one(round->scan, member->pid, &now);
    if (error == ESRCH
        || (!error && (now.stat.start != member->start || !now.stat.alive)))
        return;
    if (!error) {
        measure_take(round, member, &now.stat, &reading);
        return;
    }
    measure_fault(round->figures, "pid %d cannot be read: %s", (int)member->pid,
                  strerror(error));
    round->broken = true;
}

/* ---- all of them ---- */

static bool
measure_begin(struct round *round, size_t count)
{
    struct measure *measure = round->measure;
    int64_t passed;

    round->samples = calloc(count + 1, sizeof(*round->samples));
    round->before = measure->samples;
    round->now = sonde_now();
    round->per_second = (uint64_t)sysconf(_SC_CLK_TCK);
    round->boot_ticks = measure_boot_ticks(round->per_second);
    passed = round->now - measure->at;
    if (measure->at && passed >= SPAN_MS * INT64_C(1000000))
        round->seconds = (double)passed / 1e9;
    return round->samples != NULL;
}

static void
measure_all(struct round *round, const struct member *members, size_t count)
{
    for (size_t i = 0; i < count && !round->broken; i++) {
        measure_one(round, &members[i]);
        if (i + 1 == count || sonde_now() - round->now <= MOST_MS * INT64_C(1000000))
            continue;
        measure_fault(round->figures,
                      "reading what %zu processes use takes more than %d ms; give "
                      "narrower selectors, or leave pss out",
                      count, MOST_MS);
        round->broken = true;
    }
}

/* The samples become those that the next run counts from. */
static void
measure_keep(struct round *round)
{
    struct measure *measure = round->measure;

    free(measure->samples);
    measure->samples = round->samples;
    measure->count = round->count;
    if (round->seconds > 0)
        measure->cpu = round->figures->each[FIGURE_CPU];
    else
        round->figures->each[FIGURE_CPU] = measure->cpu;
    if (round->seconds > 0 || !measure->at) {
        measure->at = round->now;
        measure->at_ticks = round->boot_ticks;
    }
    round->figures->count = round->count;
}

/* Needs no reading: the start of each is known. */
static void
measure_uptime(const struct watch_set *watch, struct figures *figures)
{
    uint64_t per_second = (uint64_t)sysconf(_SC_CLK_TCK);
    uint64_t now = measure_boot_ticks(per_second);
    struct figure_value *uptime = &figures->each[FIGURE_UPTIME];

    for (const struct watched *w = watch->first; w; w = w->next) {
        double age = now > w->start ? (double)(now - w->start) / (double)per_second : 0;

        if (w->died || (uptime->known && age >= uptime->value))
            continue;
        *uptime = (struct figure_value){
            .known = true, .value = age, .largest = age, .pid = w->pid
        };
        memcpy(uptime->name, w->name, sizeof(uptime->name));
    }
}

/* A sum that lacks a part is none. */
static void
measure_settle(struct round *round)
{
    for (enum figure f = FIGURE_CPU; f <= FIGURE_FDS; f++)
        if (round->broken || round->barred[f])
            round->figures->each[f].known = false;
    if (round->broken)
        free(round->samples);
    else
        measure_keep(round);
}

static void
measure_sums(struct round *round, const struct watch_set *watch)
{
    bool children = round->measure->children;
    struct member *members = NULL;
    size_t count = 0;
    int error = family_take(round->scan, watch, children, &members, &count);

    round->broken = true;
    if (error == EOVERFLOW)
        measure_fault(round->figures,
                      "the processes have more than %d descendants; leave children out",
                      FAMILY_MOST);
    else if (children && !error && scan_hidden(round->scan))
        measure_fault(round->figures,
                      "children may be hidden from us (hidepid= of /proc, or "
                      "ProtectProc= of the unit)");
    else if (error || !measure_begin(round, count))
        measure_fault(round->figures, "processes cannot be read: %s",
                      strerror(error ? error : ENOMEM));
    else
        round->broken = false;
    if (!round->broken)
        measure_all(round, members, count);
    free(members);
    measure_settle(round);
}

void
measure_run(struct measure *measure, struct scan *scan, const struct watch_set *watch,
            struct figures *figures)
{
    struct round round = { .measure = measure, .figures = figures, .scan = scan };

    *figures = (struct figures){ .when = sonde_now() };
    measure_uptime(watch, figures);
    if (measure->stat)
        measure_sums(&round, watch);
}

void
measure_forget(struct measure *measure)
{
    free(measure->samples);
    measure->samples = NULL;
    measure->count = 0;
    measure->at = 0;
    measure->cpu.known = false;
}
