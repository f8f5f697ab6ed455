/* SPDX-License-Identifier: Apache-2.0
 *
 * answer.c - what a look means, and the sentence that says it.
 *
 * A death is told once, as a fact (sonde_certain), by the run that follows it; later
 * runs say that there is no process, and how the last one ended.
 */
#include "process.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { PIDS_TOLD = 16, PIDS_TEXT = PIDS_TOLD * (PIDSTAT_NAME + 16) + 32 };

static void
answer_set_number(struct sonde_event *event, const char *field, int value)
{
    char text[16];

    snprintf(text, sizeof(text), "%d", value);
    sonde_set(event, field, text, strlen(text));
}

static const struct watched *
answer_first_living(const struct process *p)
{
    const struct watched *w = p->watch.first;

    while (w && w->died)
        w = w->next;
    return w;
}

static size_t
answer_pending(const struct process *p)
{
    int64_t next, passed;

    return watch_pending(&p->watch, p->terminate_delay * PROCESS_MS, &next, &passed);
}

bool
answer_wait(struct process *p)
{
    int64_t next, passed, ms;

    if (!watch_pending(&p->watch, p->terminate_delay * PROCESS_MS, &next, &passed))
        return false;
    ms = (next - sonde_now() + PROCESS_MS - 1) / PROCESS_MS;
    sonde_timer_set(p->delay, ms > 0 ? ms : 0);
    return true;
}

/* The deaths were judged. */
static void
answer_settle(struct process *p)
{
    watch_bury(&p->watch);
    sonde_timer_set(p->delay, -1);
}

/* `pid 7 (nginx) is running`, `3 are running`, `none is running`. */
static void
answer_count_text(const struct process *p, const struct finding *found, char *text,
                  size_t size)
{
    const struct watched *w = answer_first_living(p);

    if (found->count == 1 && w)
        snprintf(text, size, "pid %d (%s) is running", (int)w->pid, w->name);
    else if (found->count)
        snprintf(text, size, "%zu are running", found->count);
    else
        snprintf(text, size, "none is running");
}

/* Enough run: what they use decides.  What is known to be too much outweighs what cannot
 * be known. */
static enum sonde_state
answer_limits(const struct process *p, struct sonde_event *event,
              const struct finding *found, const char *count, const char *ending)
{
    const char *then = *ending ? "; " : "";
    char limit[LIMITS_TEXT] = "";
    enum sonde_state state = SONDE_UP;

    if (found->measured)
        state = limits_judge(&p->limits, &p->figures, limit, sizeof(limit));
    if (state == SONDE_DOWN) {
        sonde_reason(event, SONDE_LIMIT, "%s%s%s", limit, then, ending);
    } else if (found->measured && *p->figures.fault) {
        sonde_reason(event, SONDE_OBSERVER, "%s", p->figures.fault);
        state = SONDE_UNKNOWN;
    } else if (found->full) {
        sonde_reason(event, SONDE_LIMIT,
                     "%s, more than the %d that are watched; the others are counted at "
                     "each run",
                     count, WATCH_MOST);
        state = SONDE_DEGRADED;
    } else if (state == SONDE_DEGRADED) {
        sonde_reason(event, SONDE_LIMIT, "%s%s%s", limit, then, ending);
    } else {
        sonde_reason(event, SONDE_OK, "%s%s%s", count, then, ending);
    }
    return state;
}

static enum sonde_state
answer_up(struct process *p, struct sonde_event *event, const struct finding *found)
{
    struct watched *dead = watch_first_dead(&p->watch);
    const struct watched *w = answer_first_living(p);
    char count[PROCESS_ENDING], ending[PROCESS_ENDING] = "";
    enum sonde_state state;

    answer_count_text(p, found, count, sizeof(count));
    if (dead)
        watch_describe(dead, ending, sizeof(ending));
    if (found->count == 1 && w)
        answer_set_number(event, "details.pid", w->pid);
    state = answer_limits(p, event, found, count, ending);
    answer_settle(p);
    p->ending[0] = '\0';
    p->enough = true;
    return state;
}

static enum sonde_state
answer_many(struct process *p, struct sonde_event *event, const struct finding *found)
{
    answer_settle(p);
    sonde_reason(event, SONDE_PROCMANY, "%zu running, at most %d allowed", found->count,
                 (int)p->max);
    return SONDE_DOWN;
}

/* A death whose delay is not over counts as alive still. */
static enum sonde_state
answer_waiting(struct process *p, struct sonde_event *event)
{
    char ending[PROCESS_ENDING];

    watch_describe(watch_first_dead(&p->watch), ending, sizeof(ending));
    if (!answer_wait(p))
        sonde_timer_set(p->delay, 0); /* it has passed just now */
    sonde_reason(event, SONDE_OK, "%s; another may take its place until %.1f s later",
                 ending, (double)p->terminate_delay / 1e3);
    p->enough = true;
    return SONDE_UP;
}

/* `; 1 of at least 3 running`, or nothing where there is none. */
static void
answer_rest_text(const struct process *p, const struct finding *found, char *text,
                 size_t size)
{
    text[0] = '\0';
    if (found->count)
        snprintf(text, size, "; %zu of at least %d running", found->count, (int)p->min);
}

static enum sonde_state
answer_ended(struct process *p, struct sonde_event *event, const struct finding *found)
{
    struct watched *dead = watch_first_dead(&p->watch);
    char more[64] = "", rest[64];

    watch_describe(dead, p->ending, sizeof(p->ending));
    if (p->watch.dead > 1)
        snprintf(more, sizeof(more), ", and %zu more ended", p->watch.dead - 1);
    answer_rest_text(p, found, rest, sizeof(rest));
    sonde_reason(event, SONDE_PROCEXIT, "%s%s%s", p->ending, more, rest);
    answer_set_number(event, "details.pid", dead->pid);
    if (dead->ending != WATCH_GONE)
        answer_set_number(
            event, dead->ending == WATCH_KILLED ? "details.signal" : "details.exit",
            dead->code);
    sonde_certain(event);
    answer_settle(p);
    return SONDE_DOWN;
}

static enum sonde_state
answer_few(const struct process *p, struct sonde_event *event,
           const struct finding *found)
{
    const char *before = p->ending[0] ? "; " : "";
    char wanted[PROCESS_WHY], zombies[64] = "", tiring[MATCH_TIRING] = "";
    const char *on = "";

    if (found->effort.gave_up) {
        on = "; cmdline takes too long on ";
        match_describe_effort(&found->effort, tiring, sizeof(tiring));
    }
    if (found->zombies)
        snprintf(zombies, sizeof(zombies), " (%zu zombie%s)", found->zombies,
                 found->zombies > 1 ? "s" : "");
    match_describe(&p->match, wanted, sizeof(wanted));
    if (found->count)
        sonde_reason(event, SONDE_PROCNONE, "%zu of at least %d running%s%s%s%s%s",
                     found->count, (int)p->min, zombies, on, tiring, before, p->ending);
    else if (*found->why)
        sonde_reason(event, SONDE_PROCNONE, "%s%s%s", found->why, before, p->ending);
    else
        sonde_reason(event, SONDE_PROCNONE, "no process with %s%s%s%s%s%s", wanted,
                     zombies, on, tiring, before, p->ending);
    return SONDE_DOWN;
}

/* There may be more, which we cannot see. */
static bool
answer_blind(const struct process *p, struct finding *found)
{
    bool listed = !p->pidfile && !p->unit && !p->cgroup;
    bool others = listed && (!p->user || p->match.uid != geteuid());

    if (!found->barred && !(others && scan_hidden(p->scan)))
        return false;
    found->fault = true;
    if (found->barred)
        snprintf(found->why, sizeof(found->why),
                 "we may not read what pid %d (%s) runs, and %zu more; give comm or user "
                 "too, or the daemon the capability SYS_PTRACE",
                 (int)found->barred_first.pid, found->barred_first.name,
                 found->barred - 1);
    else
        snprintf(found->why, sizeof(found->why),
                 "processes of other users are hidden from us (hidepid= of /proc, or "
                 "ProtectProc= of the unit)");
    return true;
}

/* Whoever runs what may not run must not hide it by a command line that tires us. */
static void
answer_tired(struct finding *found)
{
    char tiring[MATCH_TIRING];

    if (found->fault || !found->effort.gave_up)
        return;
    match_describe_effort(&found->effort, tiring, sizeof(tiring));
    found->fault = true;
    snprintf(found->why, sizeof(found->why),
             "cmdline takes too long on %s, so that too many run cannot be ruled out; "
             "give user or comm besides",
             tiring);
}

/* ---- what helps to find out why ---- */

/* `7 (nginx), 8 (nginx) and 40 more`. */
static void
answer_set_pids(const struct process *p, struct sonde_event *event)
{
    char text[PIDS_TEXT] = "";
    size_t used = 0, told = 0;

    for (const struct watched *w = p->watch.first; w && told < PIDS_TOLD; w = w->next) {
        if (w->died)
            continue;
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%d (%s)",
                                 told++ ? ", " : "", (int)w->pid, w->name);
    }
    if (told < p->watch.living)
        used += (size_t)snprintf(text + used, sizeof(text) - used, " and %zu more",
                                 p->watch.living - told);
    if (told)
        sonde_set(event, "details.pids", text, used);
}

/* The figures of a run before: what a process used that has ended since. */
static void
answer_set_last(const struct process *p, struct sonde_event *event)
{
    char text[LIMITS_TEXT];
    size_t used;

    limits_describe(&p->figures, text, sizeof(text) - 64);
    used = strlen(text);
    snprintf(text + used, sizeof(text) - used, ", %.1f s before",
             (double)(sonde_now() - p->figures.when) / 1e9);
    sonde_set(event, "details.last", text, strlen(text));
}

static void
answer_explain(const struct process *p, struct sonde_event *event,
               const struct finding *found)
{
    answer_set_pids(p, event);
    if (!found->measured && p->figures.when)
        answer_set_last(p, event);
}

/* ---- the answer ---- */

static enum sonde_state
answer_judge(struct process *p, struct sonde_event *event, struct finding *found)
{
    size_t min = (size_t)p->min;

    if (!found->fault && p->max >= 0) {
        if (found->count > (size_t)p->max)
            return answer_many(p, event, found);
        answer_blind(p, found);
        answer_tired(found);
    }
    if (!found->fault && found->count >= min)
        return answer_up(p, event, found);
    if (!found->fault && found->count + answer_pending(p) >= min)
        return answer_waiting(p, event);
    if (!found->fault && p->watch.dead)
        return answer_ended(p, event, found);
    if (found->fault || answer_blind(p, found)) {
        sonde_reason(event, SONDE_OBSERVER, "%s", found->why);
        return SONDE_UNKNOWN;
    }
    return answer_few(p, event, found);
}

enum sonde_state
answer_run(struct process *p, struct sonde_event *event, struct finding *found)
{
    char undecided[MATCH_TIRING];
    bool ended = p->watch.dead; /* told once, and believed at once */
    enum sonde_state state;

    p->enough = false;
    state = answer_judge(p, event, found);
    if (found->effort.gave_up) {
        match_describe_effort(&found->effort, undecided, sizeof(undecided));
        sonde_set(event, "details.undecided", undecided, strlen(undecided));
    }
    if (state == SONDE_DOWN && (ended || sonde_explain(event)))
        answer_explain(p, event, found);
    return state;
}
