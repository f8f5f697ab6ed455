/* SPDX-License-Identifier: Apache-2.0
 *
 * template.c - texts with fields in braces.  See template.h.
 *
 * Compiling finds every field once; rendering then only copies.  A template comes
 * from the configuration, so each slip in it has its own sentence.
 */
#include "template.h"

#include "json.h"

#include <string.h>

enum { NAME_SHOWN = 64 }; /* of a wrong name, in a message */

struct part {
    struct part *next;
    const char *bytes; /* a literal; NULL: a field */
    size_t length;
    struct field field;
    bool json;
};

struct sonde_template {
    const char *text;
    struct part *parts;
};

struct compiler {
    struct arena *memory;
    struct part **end; /* where the next part is linked */
    const char *error;
};

static struct part *
add_part(struct compiler *compiler)
{
    struct part *part = arena_new(compiler->memory, sizeof(*part));

    *compiler->end = part;
    compiler->end = &part->next;
    return part;
}

static void
add_literal(struct compiler *compiler, const char *bytes, size_t length)
{
    struct part *part;

    if (!length)
        return;
    part = add_part(compiler);
    part->bytes = arena_copy(compiler->memory, bytes, length);
    part->length = length;
}

static void
complain(struct compiler *compiler, const char *what, const char *name,
         const char *nearest)
{
    compiler->error = arena_format(compiler->memory, "unknown %s \"%.*s\"%s%s%s", what,
                                   NAME_SHOWN, name, nearest ? "; did you mean \"" : "",
                                   nearest ? nearest : "", nearest ? "\"?" : "");
}

static const char *
nearest_of_all(const char *word)
{
    size_t count = 0;

    while (field_names[count])
        count++;
    return text_nearest(word, field_names, count);
}

static bool
is_family(const char *name)
{
    return name && name[strlen(name) - 1] == '.';
}

/* "lables.team" is nearest to "labels.team": what follows the dot is anybody's. */
static const char *
nearest_field(struct compiler *compiler, const char *name)
{
    const char *rest = name + strcspn(name, "."), *nearest;

    if (rest[0] && rest[1]) {
        rest++;
        nearest =
            nearest_of_all(arena_copy(compiler->memory, name, (size_t)(rest - name)));
        if (is_family(nearest))
            return arena_format(compiler->memory, "%s%.*s", nearest, NAME_SHOWN, rest);
    }
    nearest = nearest_of_all(name);
    return is_family(nearest) ? arena_format(compiler->memory, "%sNAME", nearest)
                              : nearest;
}

/* What stands between two braces: a path, and ":json" behind it or not. */
static void
add_field(struct compiler *compiler, const char *bytes, size_t length)
{
    static const char *const modifiers[] = { "json" };
    char *name = arena_copy(compiler->memory, bytes, length), *modifier;
    struct field field;
    struct part *part;

    modifier = strchr(name, ':');
    if (modifier)
        *modifier++ = '\0';
    field = field_find(name);
    if (!*name) {
        compiler->error =
            "there is no field between the braces; write \"{{\" for a brace";
    } else if (field.which == -1) {
        complain(compiler, "field", name, nearest_field(compiler, name));
    } else if (modifier && strcmp(modifier, modifiers[0]) != 0) {
        complain(compiler, "modifier", modifier, text_nearest(modifier, modifiers, 1));
    } else {
        part = add_part(compiler);
        part->field = field;
        part->json = modifier != NULL;
    }
}

/* One field or doubled brace at at, which is a brace; returns what follows it. */
static const char *
add_brace(struct compiler *compiler, const char *at)
{
    const char *end;

    if (at[0] == at[1]) {
        add_literal(compiler, at, 1);
        return at + 2;
    }
    if (*at == '}') {
        compiler->error = "\"}\" without a \"{\" before it; write \"}}\" for a brace";
        return at;
    }
    end = at + 1 + strcspn(at + 1, "{}");
    if (*end != '}') {
        compiler->error = "\"{\" without its \"}\"; write \"{{\" for a brace";
        return at;
    }
    add_field(compiler, at + 1, (size_t)(end - at - 1));
    return end + 1;
}

const struct sonde_template *
template_compile(struct arena *memory, const char *text, const char **error)
{
    struct sonde_template *template = arena_new(memory, sizeof(*template));
    struct compiler compiler = { .memory = memory, .end = &template->parts };
    const char *at;

    template->text = at = arena_text(memory, text);
    while (*at && !compiler.error) {
        size_t literal = strcspn(at, "{}");
        add_literal(&compiler, at, literal);
        at += literal;
        if (*at)
            at = add_brace(&compiler, at);
    }
    if (compiler.error) {
        *error = compiler.error;
        return NULL;
    }
    return template;
}

const char *
sonde_template_text(const struct sonde_template *template)
{
    return template->text;
}

const char *
template_constant(const struct sonde_template *template, size_t *length)
{
    const struct part *part = template->parts;

    if (part && (!part->bytes || part->next))
        return NULL;
    *length = part ? part->length : 0;
    return part ? part->bytes : "";
}

void
template_render(const struct sonde_template *template, const struct sonde_event *event,
                struct text *out)
{
    struct text scratch = { 0 };

    text_add(out, "", 0);
    for (const struct part *part = template->parts; part; part = part->next) {
        const char *bytes = part->bytes;
        size_t length = part->length;
        if (!bytes)
            bytes = field_text(event, part->field, &scratch, &length);
        if (part->json)
            json_escape(out, bytes, length);
        else
            text_add(out, bytes, length);
    }
    text_deinit(&scratch);
}
