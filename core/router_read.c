/* SPDX-License-Identifier: Apache-2.0
 *
 * router_read.c - the section `routes`, from settings to routes.
 *
 * What is wrong is told with its place and the nearest right name; a route that
 * holds an error is still read to its end.  That a name is taken is conf.c's to say.
 */
#include "router_inside.h"

#include <string.h>

struct reader {
    struct router *router;
    struct problems *problems;
    struct route *route; /* the one being read */
};

static const char *const route_keys[] = { "name", "match", "to" };
static const char *const match_keys[] = { "kind",   "state",  "previous",
                                          "reason", "check",  "plugin",
                                          "from",   "labels", "not" };
enum { ROUTE_KEYS = 3, MATCH_KEYS = 9, NOT_KEYS = MATCH_KEYS - 1 };

static size_t
names_count(const char *const *names)
{
    size_t count = 0;

    while (names[count])
        count++;
    return count;
}

/* `route "x": unknown WHAT "word"; did you mean "y"?` */
static void
read_unknown(struct reader *reader, const struct setting *at, const char *what,
             const char *word, const char *const *names, size_t count)
{
    bool secret = at->secret && word == at->text;
    const char *near = secret ? NULL : text_nearest(word, names, count);

    if (secret)
        word = "***";
    problem_add(reader->problems, at->place, "route \"%s\": unknown %s \"%s\"%s%s%s",
                reader->route->name, what, word, near ? "; did you mean \"" : "",
                near ? near : "", near ? "\"?" : "");
}

static void
read_expect(struct reader *reader, const struct setting *at, const char *what,
            const char *expected)
{
    problem_add(reader->problems, at->place, "route \"%s\": %s is %s; expected %s",
                reader->route->name, what, setting_kind_name(at->kind), expected);
}

static void
read_keys(struct reader *reader, const struct setting *group, const char *const *keys,
          size_t count)
{
    for (const struct setting *at = group->first; at; at = at->next) {
        bool known = false;

        for (size_t i = 0; i < count; i++)
            known |= strcmp(at->name, keys[i]) == 0;
        if (!known)
            read_unknown(reader, at, "key", at->name, keys, count);
    }
}

/* ---- values: a text, or a list of texts ---- */

typedef void value_fn(struct reader *reader, const struct setting *value, void *arg);

static void
read_values(struct reader *reader, const struct setting *at, const char *what,
            value_fn *fn, void *arg)
{
    if (at->kind == SETTING_TEXT) {
        fn(reader, at, arg);
        return;
    }
    if (at->kind != SETTING_LIST) {
        read_expect(reader, at, what, "a text or a list of texts");
        return;
    }
    if (!at->first)
        problem_add(reader->problems, at->place,
                    "route \"%s\": %s is an empty list, which nothing matches",
                    reader->route->name, what);
    for (const struct setting *value = at->first; value; value = value->next) {
        if (value->kind == SETTING_TEXT)
            fn(reader, value, arg);
        else
            read_expect(reader, value, what, "a text or a list of texts");
    }
}

static void
read_glob(struct reader *reader, const struct setting *value, void *arg)
{
    struct arena *memory = &reader->router->memory;
    struct globs *globs = arg;
    const char **more = arena_new(memory, (globs->count + 1) * sizeof(*more));

    if (globs->count)
        memcpy(more, globs->patterns, globs->count * sizeof(*more));
    more[globs->count++] = arena_text(memory, value->text);
    globs->patterns = more;
}

static void
read_globs(struct reader *reader, const struct setting *match, const char *key,
           struct globs *globs)
{
    const struct setting *at = setting_find(match, key);

    if (at)
        read_values(reader, at, key, read_glob, globs);
}

struct named_bits {
    const char *key;
    const char *const *names; /* end with NULL */
    uint32_t *bits;
};

static void
read_bit(struct reader *reader, const struct setting *value, void *arg)
{
    struct named_bits *named = arg;
    size_t count = names_count(named->names);

    for (size_t i = 0; i < count; i++) {
        if (strcmp(named->names[i], value->text) == 0) {
            *named->bits |= UINT32_C(1) << i;
            return;
        }
    }
    read_unknown(reader, value, named->key, value->text, named->names, count);
}

/* Without the key all values will do. */
static uint32_t
read_bits(struct reader *reader, const struct setting *match, const char *key,
          const char *const *names)
{
    uint32_t bits = 0;
    struct named_bits named = { .key = key, .names = names, .bits = &bits };
    const struct setting *at = setting_find(match, key);

    if (!at)
        return UINT32_MAX;
    read_values(reader, at, key, read_bit, &named);
    return bits;
}

/* ---- match and not ---- */

static void
read_labels(struct reader *reader, const struct setting *match, struct rule *rule)
{
    const struct setting *labels = setting_find(match, "labels");
    struct label_rule **end = &rule->labels;

    if (!labels)
        return;
    if (labels->kind != SETTING_GROUP) {
        read_expect(reader, labels, "labels", "a group, as in { role = \"db\"; }");
        return;
    }
    for (const struct setting *at = labels->first; at; at = at->next) {
        struct label_rule *label = arena_new(&reader->router->memory, sizeof(*label));

        label->name = arena_text(&reader->router->memory, at->name);
        read_values(reader, at, at->name, read_glob, &label->globs);
        *end = label;
        end = &label->next;
    }
}

static void
read_rule(struct reader *reader, const struct setting *match, struct rule *rule)
{
    rule->bits = (struct bits){
        .kinds = read_bits(reader, match, "kind", event_kind_names),
        .states = read_bits(reader, match, "state", event_state_names),
        .previous = read_bits(reader, match, "previous", event_state_names),
        .reasons = read_bits(reader, match, "reason", event_reason_names),
    };
    read_globs(reader, match, "check", &rule->check);
    read_globs(reader, match, "plugin", &rule->plugin);
    read_globs(reader, match, "from", &rule->from);
    read_labels(reader, match, rule);
}

static void
read_except(struct reader *reader, const struct setting *match)
{
    const struct setting *except = setting_find(match, "not");

    if (!except)
        return;
    if (except->kind != SETTING_GROUP || !except->first) {
        problem_add(reader->problems, except->place,
                    "route \"%s\": not: expected a group that names what to leave out",
                    reader->route->name);
        return;
    }
    read_keys(reader, except, match_keys, NOT_KEYS);
    read_rule(reader, except, &reader->route->except);
    reader->route->has_except = true;
}

static void
read_match(struct reader *reader, const struct setting *section)
{
    const struct setting *match = setting_find(section, "match");

    if (match && match->kind != SETTING_GROUP) {
        read_expect(reader, match, "match", "a group, as in { state = \"DOWN\"; }");
        match = NULL;
    }
    if (match)
        read_keys(reader, match, match_keys, MATCH_KEYS);
    read_rule(reader, match, &reader->route->match);
    if (!setting_find(match, "kind"))
        reader->route->match.bits.kinds = UINT32_C(1) << EVENT_CHANGE;
    read_except(reader, match);
}

/* ---- to ---- */

static void
read_sink(struct reader *reader, const struct setting *value, void *arg)
{
    struct router *router = reader->router;
    struct route *route = reader->route;
    const char **names;

    (void)arg;
    for (size_t i = 0; i < route->to_count; i++) {
        if (strcmp(route->to[i]->instance.name, value->text) == 0) {
            problem_warn(reader->problems, value->place,
                         "route \"%s\": sink \"%s\" is named twice", route->name,
                         value->text);
            return;
        }
    }
    for (size_t i = 0; i < router->sink_count; i++) {
        if (strcmp(router->sinks[i]->instance.name, value->text) == 0) {
            route->to[route->to_count++] = router->sinks[i];
            return;
        }
    }
    names = memory_array(router->sink_count, sizeof(*names));
    for (size_t i = 0; i < router->sink_count; i++)
        names[i] = router->sinks[i]->instance.name;
    read_unknown(reader, value, "sink", value->text, names, router->sink_count);
    free(names);
}

static void
read_to(struct reader *reader, const struct setting *section)
{
    const struct setting *to = setting_find(section, "to");
    struct router *router = reader->router;

    if (!to || (to->kind == SETTING_LIST && !to->first)) {
        problem_add(reader->problems, to ? to->place : section->place,
                    "route \"%s\": \"to\" names no sink", reader->route->name);
        return;
    }
    reader->route->to = arena_new(&router->memory,
                                  router->sink_count * sizeof(*reader->route->to));
    read_values(reader, to, "to", read_sink, NULL);
}

/* ---- a route ---- */

static const char *
read_name(struct reader *reader, const struct setting *section)
{
    const struct setting *name = setting_find(section, "name");

    if (name && name->kind == SETTING_TEXT && strlen(name->text) > JOURNAL_TARGET_NAME)
        problem_add(reader->problems, name->place,
                    "a route whose name is longer than %d bytes", JOURNAL_TARGET_NAME);
    if (name && name->kind == SETTING_TEXT && *name->text)
        return arena_text(&reader->router->memory, name->text);
    problem_add(reader->problems, name ? name->place : section->place,
                "a route without a name: every route has one, as a text");
    return NULL;
}

static void
read_route(struct reader *reader, const struct setting *section, struct route ***end)
{
    struct router *router = reader->router;
    struct route *route;
    const char *name;

    if (section->kind != SETTING_GROUP) {
        problem_add(
            reader->problems, section->place,
            "a route is %s; expected a group, as in { name = \"...\"; to = [\"...\"]; }",
            setting_kind_name(section->kind));
        return;
    }
    name = read_name(reader, section);
    route = reader->route = arena_new(&router->memory, sizeof(*route));
    route->name = name ? name : "?";
    route->place = section->place;
    read_keys(reader, section, route_keys, ROUTE_KEYS);
    read_match(reader, section);
    read_to(reader, section);
    **end = route;
    *end = &route->next;
    router->route_count++;
}

void
router_read(struct router *router, const struct setting *routes,
            struct problems *problems)
{
    struct reader reader = { .router = router, .problems = problems };
    struct route **end = &router->routes;

    for (const struct setting *at = routes ? routes->first : NULL; at; at = at->next)
        read_route(&reader, at, &end);
}
