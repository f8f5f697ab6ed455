/* SPDX-License-Identifier: Apache-2.0
 *
 * check_reload.c - what a reload does to a check: it goes on by other rules, or another
 * goes on in its place.
 */
#include "check_inside.h"

#include "clock.h"

#include <string.h>

static bool
check_same_schedule(const struct schedule *a, const struct schedule *b)
{
    return a->interval == b->interval && a->retry == b->retry && a->down == b->down;
}

static bool
check_same_labels(const struct origin *a, const struct origin *b)
{
    if (a->label_count != b->label_count)
        return false;
    for (size_t i = 0; i < a->label_count; i++)
        if (strcmp(a->labels[i].name, b->labels[i].name) != 0
            || strcmp(a->labels[i].value, b->labels[i].value) != 0)
            return false;
    return true;
}

/* negate first: with its neighbours it would be read in one go with what is written by
 * other threads, and a sanitizer sees that. */
static bool
check_same_rules(const struct check *check, const struct check *fresh)
{
    return check->negate == fresh->negate
           && check_same_labels(check->known->origin, fresh->known->origin)
           && check_same_schedule(&check->schedule, &fresh->schedule)
           && check->rules.rise == fresh->rules.rise
           && check->rules.fall == fresh->rules.fall && check->timeout == fresh->timeout
           && check->latency_warn == fresh->latency_warn
           && check->latency_fail == fresh->latency_fail;
}

/* The next run, by a schedule that is another now.  One that is out arms it itself; one
 * that was asked for comes first. */
static void
check_arm_anew(struct check *check)
{
    bool asked = timer_armed(&check->timer)
                 && check->schedule.asked_at == check->timer.due;

    if (!check->run && !asked)
        check_arm(check, check_first(check));
}

bool
check_adopt(struct check *check, struct check *fresh)
{
    bool same = check_same_rules(check, fresh);
    bool in_time = check_same_schedule(&check->schedule, &fresh->schedule);

    /* What is out may still point to the old origin, which fresh has now. */
    recall_exchange(keep_recall(check->home->keep), check->known, fresh->known);
    check->path = fresh->path;
    check->rules = fresh->rules;
    check->timeout = fresh->timeout;
    check->latency_warn = fresh->latency_warn;
    check->latency_fail = fresh->latency_fail;
    check->negate = fresh->negate;
    check->schedule.interval = fresh->schedule.interval;
    check->schedule.retry = fresh->schedule.retry;
    check->schedule.down = fresh->schedule.down;
    if (!in_time)
        check_arm_anew(check);
    return !same;
}

void
check_inherit(struct check *check, struct check *was)
{
    struct known *fresh = check->known;

    check->schedule.began = was->schedule.began;
    recall_exchange(keep_recall(check->home->keep), was->known, fresh);
    check->known = was->known;
    was->known = fresh;
}
