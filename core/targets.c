/* SPDX-License-Identifier: Apache-2.0
 *
 * targets.c - which targets a check as written is made for.  See targets.h.
 *
 * The lists come from inventory.c; what is made of a check and one target is
 * targets_make.c's business.
 */
#include "targets.h"

#include "inventory.h"
#include "targets_make.h"
#include "text.h"

#include <string.h>

enum { TARGETS_WRONG = 10 }; /* targets of one check that are told to be wrong */

struct targets {
    struct arena memory;
    struct inventory *first, **end;
};

/* One key of `where` or `except`: any of its values suffices. */
struct targets_term {
    const char *name;
    const char **values;
    size_t count;
};

struct targets_filter {
    struct targets_term *terms;
    size_t count;
};

/* One check while it is made. */
struct targets_job {
    struct targets *targets;
    struct targets_make make;
    struct arena memory; /* until the check is done; what one target needs is make's */
    const struct inventory **lists;
    size_t list_count;
    struct targets_filter where, except;
    const struct inventory_target **chosen;
    size_t chosen_count, room;
};

struct targets *
targets_new(const struct setting *section, struct problems *problems)
{
    struct targets *targets = memory_new(sizeof(*targets));

    targets->memory.block = 65536;
    targets->end = &targets->first;
    for (const struct setting *at = section ? section->first : NULL; at; at = at->next) {
        struct inventory *list = inventory_read(at, &targets->memory, problems);

        if (!list)
            continue;
        *targets->end = list;
        targets->end = &list->next;
    }
    return targets;
}

void
targets_free(struct targets *targets)
{
    if (!targets)
        return;
    arena_deinit(&targets->memory);
    free(targets);
}

/* ---- which lists ---- */

static void
targets_unknown(struct targets_job *job, const struct setting *named)
{
    const char **names = NULL, *near;
    size_t count = 0;

    for (const struct inventory *at = job->targets->first; at; at = at->next) {
        names = memory_grow(names, count + 1, sizeof(*names));
        names[count++] = at->name;
    }
    near = count && !named->secret ? text_nearest(named->text, names, count) : NULL;
    problem_add(job->make.problems, named->place, "%s: no target list is named %s%s%s%s",
                job->make.who, setting_text(&job->memory, named),
                near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    free(names);
}

static bool
targets_add_list(struct targets_job *job, const struct setting *named)
{
    const struct inventory *list = job->targets->first;

    if (named->kind != SETTING_TEXT) {
        problem_add(job->make.problems, named->place,
                    "%s: targets names lists, as in targets = [\"fleet\"]; this is %s",
                    job->make.who, setting_kind_name(named->kind));
        return false;
    }
    while (list && strcmp(list->name, named->text) != 0)
        list = list->next;
    if (!list) {
        targets_unknown(job, named);
        return false;
    }
    job->lists[job->list_count++] = list;
    return !list->broken;
}

static bool
targets_lists(struct targets_job *job, const struct setting *names)
{
    bool many = names->kind == SETTING_LIST, good = true;
    const struct setting *first = many ? names->first : names;
    size_t count = 0;

    for (const struct setting *at = first; at; at = many ? at->next : NULL)
        count++;
    job->lists = arena_new(&job->memory, (count + 1) * sizeof(*job->lists));
    for (const struct setting *at = first; at; at = many ? at->next : NULL)
        good = targets_add_list(job, at) && good;
    return good;
}

/* ---- where and except ---- */

static bool
targets_term(struct targets_job *job, const struct setting *setting,
             struct targets_term *term)
{
    bool many = setting->kind == SETTING_LIST;
    const struct setting *first = many ? setting->first : setting;
    size_t count = 0;

    for (const struct setting *at = first; at; at = many ? at->next : NULL)
        count++;
    term->name = setting->name;
    term->values = arena_new(&job->memory, count * sizeof(*term->values));
    for (const struct setting *at = first; at; at = many ? at->next : NULL) {
        const char *value = inventory_label(at, &job->memory);

        if (value) {
            term->values[term->count++] = value;
            continue;
        }
        problem_add(job->make.problems, at->place,
                    "%s: \"%s\" must be a value or a list of values, this is %s",
                    job->make.who, setting->name, setting_kind_name(at->kind));
        return false;
    }
    return true;
}

/* A label that no target of these lists can have is a slip of the pen. */
static bool
targets_known(struct targets_job *job, const struct setting *setting, const char *section)
{
    const char **names = NULL, *near;
    size_t count = 0;
    bool known = strcmp(setting->name, "target") == 0;

    for (size_t i = 0; i < job->list_count && !known; i++) {
        const struct inventory *list = job->lists[i];

        for (size_t k = 0; k < list->label_count && !known; k++) {
            known = strcmp(list->label_names[k], setting->name) == 0;
            names = memory_grow(names, count + 1, sizeof(*names));
            names[count++] = list->label_names[k];
        }
    }
    near = !known && count ? text_nearest(setting->name, names, count) : NULL;
    if (!known)
        problem_add(job->make.problems, setting->place,
                    "%s: %s: no target of its lists has a label \"%s\"%s%s%s",
                    job->make.who, section, setting->name,
                    near ? "; did you mean \"" : "", near ? near : "", near ? "\"?" : "");
    free(names);
    return known;
}

static bool
targets_filter(struct targets_job *job, const struct setting *group, const char *section,
               struct targets_filter *filter)
{
    bool good = true;
    size_t count = 0;

    if (!group)
        return true;
    if (group->kind != SETTING_GROUP) {
        problem_add(job->make.problems, group->place,
                    "%s: %s must be a group of labels, as in { role = \"db\"; }",
                    job->make.who, section);
        return false;
    }
    for (const struct setting *at = group->first; at; at = at->next)
        count++;
    filter->terms = arena_new(&job->memory, count * sizeof(*filter->terms));
    for (const struct setting *at = group->first; at; at = at->next) {
        good = targets_term(job, at, &filter->terms[filter->count++]) && good;
        good = targets_known(job, at, section) && good;
    }
    return good;
}

static const char *
targets_label(const struct inventory_target *target, const char *name)
{
    struct label key = { name, NULL };
    const struct label *found;

    if (strcmp(name, "target") == 0)
        return target->name;
    found = target->count ? bsearch(&key, target->labels, target->count, sizeof(key),
                                    inventory_label_order)
                          : NULL;
    return found ? found->value : NULL;
}

/* All terms hold. */
static bool
targets_match(const struct targets_filter *filter, const struct inventory_target *target)
{
    for (size_t i = 0; i < filter->count; i++) {
        const struct targets_term *term = &filter->terms[i];
        const char *value = targets_label(target, term->name);
        bool holds = false;

        for (size_t k = 0; value && k < term->count && !holds; k++)
            holds = text_glob(term->values[k], value);
        if (!holds)
            return false;
    }
    return true;
}

static void
targets_choose(struct targets_job *job, const struct inventory *list)
{
    for (size_t i = 0; i < list->count; i++) {
        const struct inventory_target *target = &list->targets[i];

        if (!targets_match(&job->where, target)
            || (job->except.count && targets_match(&job->except, target)))
            continue;
        if (job->chosen_count == job->room) {
            job->room = job->room ? job->room * 2 : 64;
            job->chosen = memory_grow(job->chosen, job->room,
                                      sizeof(const struct inventory_target *));
        }
        job->chosen[job->chosen_count++] = target;
    }
}

/* ---- one check ---- */

/* A name that is the same for all of them would be told once for each. */
static bool
targets_names_differ(const struct targets_job *job)
{
    const struct setting *name = setting_find(job->make.check, "name");

    if (job->chosen_count < 2 || !name || name->kind != SETTING_TEXT
        || strstr(name->text, "{target}") || strstr(name->text, "{labels."))
        return true;
    problem_add(
        job->make.problems, name->place,
        "%s: %zu checks come of it, and each needs a name of its own: put {target} into "
        "the name, as in \"%s:{target}\"",
        job->make.who, job->chosen_count, name->text);
    return false;
}

static void
targets_make_all(struct targets_job *job, targets_fn *fn, void *arg)
{
    struct problems *problems = job->make.problems;
    const struct setting *check = job->make.check;
    size_t wrong = 0;

    for (size_t i = 0; i < job->chosen_count; i++) {
        size_t before = problems->errors;

        targets_make(&job->make, job->chosen[i], fn, arg);
        wrong += problems->errors > before;
        if (wrong < TARGETS_WRONG || i + 1 == job->chosen_count)
            continue;
        problem_add(problems, check->place,
                    "%s: wrong for %zu targets so far; %zu more are not looked at",
                    job->make.who, wrong, job->chosen_count - i - 1);
        break;
    }
}

static void
targets_job(struct targets_job *job, const struct setting *names, targets_fn *fn,
            void *arg)
{
    const struct setting *where = setting_find(job->make.check, "where");
    const struct setting *except = setting_find(job->make.check, "except");

    if (!targets_lists(job, names) || !targets_filter(job, where, "where", &job->where)
        || !targets_filter(job, except, "except", &job->except))
        return;
    for (size_t i = 0; i < job->list_count; i++)
        targets_choose(job, job->lists[i]);
    if (job->chosen_count == 0)
        problem_warn(job->make.problems, names->place,
                     "%s: no target is left, so nothing is checked", job->make.who);
    else if (targets_names_differ(job))
        targets_make_all(job, fn, arg);
}

/* Without targets there is nothing to choose from. */
static void
targets_single(struct targets_job *job, targets_fn *fn, void *arg)
{
    static const char *const keys[] = { "where", "except" };

    for (size_t i = 0; i < 2; i++) {
        const struct setting *filter = setting_find(job->make.check, keys[i]);

        if (filter)
            problem_add(job->make.problems, filter->place,
                        "%s: %s chooses among targets, and this check has none",
                        job->make.who, keys[i]);
    }
    targets_make(&job->make, NULL, fn, arg);
}

void
targets_each(struct targets *targets, const struct setting *check, const char *observer,
             targets_fn *fn, void *arg, struct problems *problems)
{
    const struct setting *name = setting_find(check, "name");
    const struct setting *names = setting_find(check, "targets");
    AUTO_FREE char *who = name && name->kind == SETTING_TEXT
                              ? memory_format("check \"%s\"", name->text)
                              : memory_text("check");
    struct targets_job job = {
        .targets = targets,
        .make = { .check = check,
                  .observer = observer,
                  .who = who,
                  .problems = problems },
    };

    if (names)
        targets_job(&job, names, fn, arg);
    else
        targets_single(&job, fn, arg);
    free(job.chosen);
    arena_deinit(&job.make.memory);
    arena_deinit(&job.memory);
}
