/* SPDX-License-Identifier: Apache-2.0
 *
 * family.c - see family.h.  The list of the scan says who is whose parent; each line of
 * ancestors is walked once, however the processes are numbered.
 *
 * A parent never started after its child: where the list says so, or lacks the parent,
 * the parent has ended and the child belongs to another one by now, which is read anew.
 */
#include "family.h"

#include <errno.h>
#include <stdlib.h>

enum mark { UNSEEN, OUTSIDE, INSIDE, MATCHED };

struct family {
    struct scan *scan;
    struct scan_process *each;
    size_t n;
    struct {
        uint32_t parent; /* index; n for none */
        uint8_t mark;
    } * at;
};

static int
family_compare(const void *pid, const void *process)
{
    pid_t a = *(const pid_t *)pid, b = ((const struct scan_process *)process)->stat.pid;

    return (a > b) - (a < b);
}

/* n where there is none. */
static size_t
family_find(const struct family *family, pid_t pid)
{
    const struct scan_process *found = bsearch(&pid, family->each, family->n,
                                               sizeof(*found), family_compare);

    return found ? (size_t)(found - family->each) : family->n;
}

static size_t
family_listed_parent(const struct family *family, size_t i)
{
    const struct pidstat *stat = &family->each[i].stat;
    size_t parent = family_find(family, stat->parent);

    if (parent < family->n && family->each[parent].stat.start <= stat->start)
        return parent;
    return family->n;
}

static size_t
family_parent(const struct family *family, size_t i)
{
    struct pidstat *stat = &family->each[i].stat;
    size_t parent = family_listed_parent(family, i);
    struct scan_process now;

    if (parent < family->n || stat->parent == 0)
        return parent;
    if (scan_one(family->scan, stat->pid, &now) != 0 || now.stat.start != stat->start)
        return family->n;
    stat->parent = now.stat.parent;
    return family_listed_parent(family, i);
}

/* Up to one who is known; if that is one of the family, so are all on the way. */
static void
family_settle(struct family *family, size_t from)
{
    size_t i = from;

    while (i < family->n && family->at[i].mark == UNSEEN) {
        family->at[i].mark = OUTSIDE; /* ends a circle, too */
        family->at[i].parent = (uint32_t)family_parent(family, i);
        i = family->at[i].parent;
    }
    if (i == family->n || family->at[i].mark == OUTSIDE)
        return;
    for (i = from; family->at[i].mark == OUTSIDE; i = family->at[i].parent)
        family->at[i].mark = INSIDE;
}

static void
family_mark(struct family *family, const struct watch_set *watch)
{
    for (const struct watched *w = watch->first; w; w = w->next) {
        size_t i = w->died ? family->n : family_find(family, w->pid);

        if (i < family->n && family->each[i].stat.start == w->start)
            family->at[i].mark = MATCHED;
    }
    for (size_t i = 0; i < family->n; i++)
        family_settle(family, i);
}

static int
family_collect(const struct family *family, struct member *members, size_t *count)
{
    *count = 0;
    for (size_t i = 0; i < family->n; i++) {
        const struct pidstat *stat = &family->each[i].stat;

        if (family->at[i].mark == OUTSIDE || !stat->alive)
            continue;
        if (*count == FAMILY_MOST)
            return EOVERFLOW;
        members[(*count)++] = (struct member){ .pid = stat->pid,
                                               .start = stat->start,
                                               .matched = family->at[i].mark == MATCHED };
    }
    return 0;
}

static int
family_with_children(struct scan *scan, const struct watch_set *watch,
                     struct member *members, size_t *count)
{
    struct family family = { .scan = scan };
    int error = scan_take(scan, 0);

    if (error)
        return error;
    family.each = scan_processes(scan, &family.n);
    if (family.n == 0)
        return 0;
    family.at = calloc(family.n, sizeof(*family.at));
    if (!family.at)
        return ENOMEM;
    family_mark(&family, watch);
    error = family_collect(&family, members, count);
    free(family.at);
    return error;
}

static void
family_alone(const struct watch_set *watch, struct member *members, size_t *count)
{
    for (const struct watched *w = watch->first; w; w = w->next)
        if (!w->died)
            members[(*count)++] =
                (struct member){ .pid = w->pid, .start = w->start, .matched = true };
}

_Static_assert((int)FAMILY_MOST >= (int)WATCH_MOST, "all that are watched have room");

int
family_take(struct scan *scan, const struct watch_set *watch, bool children,
            struct member **members, size_t *count)
{
    size_t room = children ? FAMILY_MOST : watch->living + 1;
    int error = 0;

    *count = 0;
    *members = calloc(room, sizeof(**members));
    if (!*members)
        return ENOMEM;
    if (children)
        error = family_with_children(scan, watch, *members, count);
    else
        family_alone(watch, *members, count);
    return error;
}
