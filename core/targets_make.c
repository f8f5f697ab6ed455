/* SPDX-License-Identifier: Apache-2.0
 *
 * targets_make.c - {target}, {observer} and {labels.X} replaced in every text of a
 * check.  See targets_make.h.
 *
 * All other braces are somebody else's: templates that an event fills later.
 */
#include "targets_make.h"

#include "text.h"

#include <string.h>

static const struct label *
make_label(const struct targets_make *make, const char *name)
{
    struct label key = { name, NULL };

    return make->count ? bsearch(&key, make->labels, make->count, sizeof(key),
                                 inventory_label_order)
                       : NULL;
}

/* How a setting is called in a sentence: `"address" `, or nothing inside a list. */
static const char *
make_named(struct targets_make *make, const struct setting *setting)
{
    return setting->name ? arena_format(&make->memory, "\"%s\" ", setting->name) : "";
}

static const char *
make_no_label(struct targets_make *make, const struct setting *setting, const char *name)
{
    const struct inventory_target *target = make->target;
    const char *named = make_named(make, setting);

    make->failed = true;
    if (target)
        problem_add(make->problems, setting->place,
                    "%s: %swants {labels.%s}, which target \"%s\" (%s:%u) lacks",
                    make->who, named, name, target->name, target->row.file,
                    target->row.line);
    else
        problem_add(make->problems, setting->place,
                    "%s: %swants {labels.%s}, and the check has no such label", make->who,
                    named, name);
    return "";
}

/* The value of what stands between two braces; NULL: it is not ours. */
static const char *
make_value(struct targets_make *make, const struct setting *setting, const char *name)
{
    const struct label *label;

    if (strcmp(name, "observer") == 0)
        return make->observer ? make->observer : "";
    if (strcmp(name, "target") == 0) {
        if (make->target)
            return make->target->name;
        make->failed = true;
        problem_add(make->problems, setting->place,
                    "%s: %suses {target}, and the check has no targets", make->who,
                    make_named(make, setting));
        return "";
    }
    if (strncmp(name, "labels.", 7) != 0 || !inventory_label_name_ok(name + 7))
        return NULL;
    label = make_label(make, name + 7);
    return label ? label->value : make_no_label(make, setting, name + 7);
}

static const char *
make_text(struct targets_make *make, const struct setting *setting)
{
    const char *at = setting->text, *open, *close, *value;
    struct text out = { 0 };
    const char *made;

    if (!strchr(at, '{'))
        return at;
    while ((open = strchr(at, '{')) && (close = strpbrk(open + 1, "{}"))) {
        text_add(&out, at, (size_t)(open - at));
        value = *close == '}' ? make_value(
                    make, setting,
                    arena_copy(&make->memory, open + 1, (size_t)(close - open) - 1))
                              : NULL;
        if (value)
            text_puts(&out, value);
        else
            text_add(&out, open, (size_t)(close - open) + (*close == '}'));
        at = close + (*close == '}');
    }
    text_puts(&out, at);
    made = arena_copy(&make->memory, out.bytes, out.length);
    text_deinit(&out);
    return made;
}

/* Recursive: lexer.c bounds the depth. */
static struct setting *
make_copy(struct targets_make *make, const struct setting *setting)
{
    struct setting *copy = arena_new(&make->memory, sizeof(*copy));

    *copy = *setting;
    copy->first = copy->last = copy->next = NULL;
    if (copy->kind == SETTING_TEXT)
        copy->text = make_text(make, setting);
    for (const struct setting *at = setting->first; at; at = at->next)
        setting_append(copy, make_copy(make, at));
    return copy;
}

static struct setting *
make_check(struct targets_make *make)
{
    static const char *const ours[] = { "targets", "where", "except", "labels" };
    const struct setting *check = make->check;
    struct setting *copy = arena_new(&make->memory, sizeof(*copy));

    *copy = *check;
    copy->first = copy->last = copy->next = NULL;
    for (const struct setting *at = check->first; at; at = at->next) {
        bool keep = true;

        for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++)
            keep = keep && strcmp(at->name, ours[i]) != 0;
        if (keep)
            setting_append(copy, make_copy(make, at));
    }
    return copy;
}

/* ---- labels ---- */

/* One of the check's own; its text may use the target's. */
static bool
make_own_label(struct targets_make *make, const struct setting *setting,
               struct label *label)
{
    const char *value = setting->kind == SETTING_TEXT
                            ? make_text(make, setting)
                            : inventory_label(setting, &make->memory);

    *label = (struct label){ setting->name, value };
    if (value && inventory_label_name_ok(setting->name))
        return true;
    make->failed = true;
    problem_add(make->problems, setting->place,
                value ? "%s: \"%s\" cannot name a label"
                      : "%s: label \"%s\" must be a text, a number, true or false",
                make->who, setting->name);
    return false;
}

/* Into labels, which has room.  Returns how many there are. */
static size_t
make_merge(struct targets_make *make, const struct setting *own, struct label *labels)
{
    size_t count = 0;

    for (const struct setting *at = own ? own->first : NULL; at; at = at->next)
        count += make_own_label(make, at, &labels[count]);
    for (size_t i = 0, written = count; i < make->count; i++) {
        size_t at = 0;

        while (at < written && strcmp(labels[at].name, make->labels[i].name) != 0)
            at++;
        if (at == written) /* else what the check says goes before */
            labels[count++] = make->labels[i];
    }
    if (count)
        qsort(labels, count, sizeof(*labels), inventory_label_order);
    return count;
}

/* The target's and the check's own. */
static void
make_labels(struct targets_make *make)
{
    const struct setting *own = setting_find(make->check, "labels");
    struct label *labels;
    size_t room = make->target ? make->target->count : 0;

    make->labels = make->target ? make->target->labels : NULL;
    make->count = room;
    if (own && own->kind != SETTING_GROUP) {
        make->failed = true;
        problem_add(make->problems, own->place,
                    "%s: labels must be a group, as in { role = \"db\"; }", make->who);
        return;
    }
    for (const struct setting *at = own ? own->first : NULL; at; at = at->next)
        room++;
    labels = arena_new(&make->memory, room * sizeof(*labels));
    make->count = make_merge(make, own, labels);
    make->labels = labels;
}

void
targets_make(struct targets_make *make, const struct inventory_target *target,
             targets_fn *fn, void *arg)
{
    struct setting *made;

    arena_deinit(&make->memory);
    make->target = target;
    make->failed = false;
    make_labels(make);
    made = make_check(make);
    if (!make->failed)
        fn(made, make->labels, make->count, target ? target->row : make->check->place,
           arg);
}
