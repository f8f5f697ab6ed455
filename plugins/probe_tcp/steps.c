/* SPDX-License-Identifier: Apache-2.0
 *
 * steps.c - the lines of `steps`, read and compiled.  See steps.h.
 *
 * One line makes one step; a maker carries what all of them share: the names captured so
 * far, whether the connection is encrypted by then, and where to say what is wrong.
 */
#include "steps.h"

#include "starttls.h"
#include "step.h"
#include "steps_text.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STEPS_TIME = 60 * 60 * 1000, STEPS_SIZE = 16 * 1024 * 1024 }; /* the most */
enum { STEPS_NAME = 64 };                                            /* of a capture */

const char *const steps_protocols[] = { "no",       "smtp",  "imap", "pop3", "ftp",
                                        "postgres", "mysql", "ldap", NULL };

struct steps_maker {
    struct steps *steps;
    struct step *step; /* that is being made */
    const char *line;  /* of it; never in a message, as it may hold what is secret */
    bool encrypted, closed;
    char *why;
    size_t size;
};

/* Each verb reads what stands behind it and its blank: "" where there is nothing. */
struct steps_verb {
    const char *name;
    enum step_kind kind;
    bool (*read)(struct steps_maker *maker, const char *rest);
};

/* ---- what is wrong ---- */

static bool steps_say(const struct steps_maker *maker, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* steps[3] (expect): ... */
static bool
steps_say(const struct steps_maker *maker, const char *format, ...)
{
    const struct step *step = maker->step;
    va_list arguments;
    int length;

    if (*step->words)
        length = snprintf(maker->why, maker->size, "steps[%u] (%s): ", step->number,
                          step->words);
    else
        length = snprintf(maker->why, maker->size, "steps[%u]: ", step->number);
    if (length < 0 || (size_t)length >= maker->size)
        return false;
    va_start(arguments, format);
    vsnprintf(maker->why + length, maker->size - (size_t)length, format, arguments);
    va_end(arguments);
    return false;
}

static bool
steps_no_memory(const struct steps_maker *maker)
{
    snprintf(maker->why, maker->size, "out of memory");
    return false;
}

/* ---- send: text with captures ---- */

/* How many bytes of an identifier stand here. */
static size_t
steps_word(const char *text)
{
    size_t length = 0;

    if (isdigit((unsigned char)*text))
        return 0;
    while (isalnum((unsigned char)text[length]) || text[length] == '_')
        length++;
    return length;
}

static bool
steps_unknown_capture(const struct steps_maker *maker, const char *word, size_t length)
{
    const struct steps *steps = maker->steps;
    const char *near = steps_text_nearest(word, length, (const char *const *)steps->names,
                                          steps->name_count);

    if (near)
        return steps_say(maker,
                         "no earlier step captures what stands in braces; did you mean "
                         "{%s}? (a brace itself is written {{)",
                         near);
    return steps_say(maker,
                     "no earlier step captures what stands in braces: write (?<name>...) "
                     "in an expect-regex before it, or {{ for a brace itself");
}

/* A {word} goes in here. */
static bool
steps_hole(struct steps_maker *maker, const char *word, size_t length)
{
    const struct steps *steps = maker->steps;
    struct step *step = maker->step;
    unsigned at = 0;

    while (at < steps->name_count
           && (strncmp(steps->names[at], word, length) != 0 || steps->names[at][length]))
        at++;
    if (at == steps->name_count)
        return steps_unknown_capture(maker, word, length);
    if (step->hole_count % 8 == 0) {
        struct step_hole *more =
            realloc(step->holes, ((size_t)step->hole_count + 8) * sizeof(*step->holes));

        if (!more)
            return steps_no_memory(maker);
        step->holes = more;
    }
    step->holes[step->hole_count++] = (struct step_hole){ step->length, at };
    return true;
}

static bool
steps_send(struct steps_maker *maker, const char *rest)
{
    struct step *step = maker->step;

    if (!*rest)
        return steps_say(maker, "nothing to send: write it behind the verb, as in "
                                "\"send PING\\r\\n\"");
    step->bytes = malloc(strlen(rest) + 1);
    if (!step->bytes)
        return steps_no_memory(maker);
    while (*rest) {
        size_t word = *rest == '{' ? steps_word(rest + 1) : 0;

        if (word && rest[word + 1] == '}') {
            if (!steps_hole(maker, rest + 1, word))
                return false;
            rest += word + 2;
            continue;
        }
        if (rest[0] == '{' && rest[1] == '{')
            rest++;
        step->bytes[step->length++] = *rest++;
    }
    return true;
}

/* ---- the other verbs ---- */

/* What a step waits for must fit into what it may hear. */
static bool
steps_fits(const struct steps_maker *maker)
{
    const struct step *step = maker->step;

    if (step->kind != STEP_EXPECT || step->length <= step->most)
        return true;
    return steps_say(maker, "waits for %zu bytes, and may hear %zu: allow more of them",
                     step->length, step->most);
}

static bool
steps_expect(struct steps_maker *maker, const char *rest)
{
    if (!*rest)
        return steps_say(maker, "nothing to wait for: write it behind the verb, as in "
                                "\"expect +OK\"");
    maker->step->bytes = strdup(rest);
    maker->step->length = strlen(rest);
    return maker->step->bytes ? steps_fits(maker) : steps_no_memory(maker);
}

static bool
steps_hex(struct steps_maker *maker, const char *rest)
{
    struct step *step = maker->step;
    int64_t count;

    step->bytes = malloc(strlen(rest) / 2 + 1);
    if (!step->bytes)
        return steps_no_memory(maker);
    count = steps_text_hex(rest, step->bytes);
    if (count < 1)
        return steps_say(maker,
                         "write bytes as pairs of hex digits behind the verb, as in "
                         "\"send-hex 00 01 ff\"");
    step->length = (size_t)count;
    return steps_fits(maker);
}

/* What a named group captures, under a name that several steps may use. */
static bool
steps_capture(struct steps_maker *maker, const char *name)
{
    struct steps *steps = maker->steps;
    struct step *step = maker->step;
    unsigned at = 0;

    if (strlen(name) > STEPS_NAME)
        return steps_say(maker, "the name of a capture has at most %d bytes", STEPS_NAME);
    if (steps_text_taken(name))
        return steps_say(maker,
                         "\"%s\" stands for something else already: name the capture "
                         "differently",
                         name);
    while (at < steps->name_count && strcmp(steps->names[at], name) != 0)
        at++;
    for (unsigned i = 0; i < step->capture_count; i++)
        if (step->captures[i] == at)
            return steps_say(maker, "captures \"%s\" twice", name);
    if (at == STEPS_CAPTURES)
        return steps_say(maker,
                         "there may be %d captures and this is one more: write "
                         "(?:...) for a group that nobody reads",
                         STEPS_CAPTURES);
    if (at == steps->name_count) {
        steps->names[at] = strdup(name);
        if (!steps->names[at])
            return steps_no_memory(maker);
        steps->name_count++;
    }
    step->captures[step->capture_count++] = at;
    return true;
}

static bool
steps_regex(struct steps_maker *maker, const char *rest)
{
    struct step *step = maker->step;
    const char *name;
    char why[200];

    if (!*rest)
        return steps_say(maker, "nothing to wait for: write it behind the verb, as in "
                                "\"expect-regex ^220 \"");
    step->pattern = pattern_new(rest, why, sizeof(why));
    if (!step->pattern)
        return steps_say(maker, "%s", why);
    for (unsigned i = 0; (name = pattern_name(step->pattern, i)); i++)
        if (!steps_capture(maker, name))
            return false;
    return true;
}

static bool
steps_tls(struct steps_maker *maker, const char *rest)
{
    if (*rest)
        return steps_say(maker, "\"tls\" takes nothing");
    if (maker->encrypted)
        return steps_say(maker,
                         "the connection is encrypted by then: leave this line out");
    maker->encrypted = true;
    return true;
}

static bool
steps_close(struct steps_maker *maker, const char *rest)
{
    if (*rest)
        return steps_say(maker,
                         "\"close\" takes nothing: it waits until the peer hangs up");
    maker->closed = true;
    return true;
}

static const struct steps_verb verbs[] = {
    { "send", STEP_SEND, steps_send },
    { "send-hex", STEP_SEND, steps_hex },
    { "expect", STEP_EXPECT, steps_expect },
    { "expect-hex", STEP_EXPECT, steps_hex },
    { "expect-regex", STEP_EXPECT, steps_regex },
    { "tls", STEP_TLS, steps_tls },
    { "close", STEP_CLOSE, steps_close },
};
enum { STEPS_VERBS = sizeof(verbs) / sizeof(*verbs) };

/* ---- a line ---- */

static const struct steps_verb *
steps_verb(const struct steps_maker *maker, const char *word, size_t length)
{
    const char *names[STEPS_VERBS], *near;

    for (size_t i = 0; i < STEPS_VERBS; i++) {
        names[i] = verbs[i].name;
        if (strlen(names[i]) == length && memcmp(names[i], word, length) == 0)
            return &verbs[i];
    }
    near = steps_text_nearest(word, length, names, STEPS_VERBS);
    if (near)
        steps_say(maker, "unknown verb; did you mean \"%s\"?", near);
    else
        steps_say(maker, "unknown verb: a step begins with send, send-hex, expect, "
                         "expect-hex, expect-regex, tls or close");
    return NULL;
}

/* One of what stands in the parentheses: a time, or a most of bytes. */
static bool
steps_limit(struct steps_maker *maker, const char *text, size_t length)
{
    struct step *step = maker->step;
    int64_t time = steps_text_time(text, length);
    int64_t most = time == -1 ? steps_text_size(text, length) : -1;

    if (time == -1 && most == -1)
        return steps_say(maker,
                         "in the parentheses stand times (300ms, 2s, 1m) and sizes "
                         "(512B, 4KiB, 1MiB)");
    if (time == 0 || time > STEPS_TIME)
        return steps_say(maker, "a step may take from 1ms to 60m");
    if (most == 0 || most > STEPS_SIZE)
        return steps_say(maker, "a step may hear from 1B to 16MiB");
    if (most != -1 && step->kind != STEP_EXPECT)
        return steps_say(maker, "only expect, expect-hex and expect-regex take a size");
    if ((time != -1 && step->time) || (most != -1 && step->most))
        return steps_say(maker, "two %s in one step", time != -1 ? "times" : "sizes");
    if (time != -1)
        step->time = time;
    else
        step->most = (size_t)most;
    return true;
}

/* "(2s, 4KiB)"; moves *at behind it. */
static bool
steps_limits(struct steps_maker *maker, const char **at)
{
    const char *text = *at + 1, *end = strchr(text, ')');

    if (!end)
        return steps_say(maker, "a \")\" is missing");
    while (text <= end) {
        size_t length = strcspn(text, ",)");
        const char *next = text + length + 1;

        for (; length && *text == ' '; length--)
            text++;
        while (length && text[length - 1] == ' ')
            length--;
        if (!steps_limit(maker, text, length))
            return false;
        text = next;
    }
    *at = end + 1;
    return true;
}

static bool
steps_line(struct steps_maker *maker)
{
    struct step *step = maker->step;
    const char *at = maker->line;
    size_t length = strcspn(at, " (\t");
    const struct steps_verb *verb = steps_verb(maker, at, length);

    if (!verb)
        return false;
    snprintf(step->words, sizeof(step->words), "%s", verb->name);
    if (maker->closed)
        return steps_say(maker, "nothing can follow \"close\"");
    step->kind = verb->kind;
    at += length;
    if (*at == '(' && !steps_limits(maker, &at))
        return false;
    if (*at && *at != ' ')
        return steps_say(maker, "a blank is missing behind the verb");
    if (!step->most)
        step->most = STEPS_HEARD;
    return verb->read(maker, *at ? at + 1 : at);
}

/* ---- all of them ---- */

/* Another step, the one that is being made from here on. */
static bool
steps_add(struct steps_maker *maker, unsigned number)
{
    struct steps *steps = maker->steps;
    struct step *list = realloc(steps->list,
                                ((size_t)steps->count + 1) * sizeof(*steps->list));

    if (!list)
        return steps_no_memory(maker);
    steps->list = list;
    maker->step = &list[steps->count++];
    *maker->step = (struct step){ .number = number };
    return true;
}

static bool
steps_make_canned(struct steps_maker *maker, const char *protocol)
{
    const struct starttls_step *canned = starttls_find(protocol);

    if (!canned) {
        snprintf(maker->why, maker->size, "unknown protocol \"%s\"", protocol);
        return false;
    }
    do {
        if (!steps_add(maker, 0)
            || !(starttls_make(canned, maker->step) || steps_no_memory(maker)))
            return false;
        snprintf(maker->step->words, sizeof(maker->step->words), "starttls %s", protocol);
    } while (canned++->kind != STEP_TLS);
    maker->encrypted = true;
    return true;
}

static bool
steps_make(struct steps_maker *maker, const char *const *lines)
{
    for (unsigned i = 0; lines && lines[i]; i++) {
        if (i == STEPS_MOST) {
            snprintf(maker->why, maker->size, "more than %d steps", STEPS_MOST);
            return false;
        }
        maker->line = lines[i];
        if (!steps_add(maker, i + 1) || !steps_line(maker))
            return false;
    }
    return true;
}

struct steps *
steps_new(const char *protocol, const char *const *lines, char *why, size_t size)
{
    struct steps_maker maker = { .steps = calloc(1, sizeof(*maker.steps)),
                                 .why = why,
                                 .size = size };
    bool canned = *protocol && strcmp(protocol, steps_protocols[0]) != 0;

    if (!maker.steps)
        steps_no_memory(&maker);
    else if ((!canned || steps_make_canned(&maker, protocol))
             && steps_make(&maker, lines))
        return maker.steps;
    steps_free(maker.steps);
    return NULL;
}

static void
step_deinit(struct step *step)
{
    pattern_free(step->pattern);
    for (unsigned i = 0; i < STEP_REFUSALS; i++)
        pattern_free(step->refusals[i].pattern);
    free(step->holes);
    free(step->bytes);
}

void
steps_free(struct steps *steps)
{
    if (!steps)
        return;
    for (unsigned i = 0; i < steps->count; i++)
        step_deinit(&steps->list[i]);
    for (unsigned i = 0; i < steps->name_count; i++)
        free(steps->names[i]);
    free(steps->list);
    free(steps);
}

bool
steps_have(const struct steps *steps, enum step_kind kind)
{
    for (unsigned i = 0; i < steps->count; i++)
        if (steps->list[i].kind == kind)
            return true;
    return false;
}

unsigned
steps_longer(const struct steps *steps, size_t most)
{
    for (unsigned i = 0; i < steps->count; i++)
        if (steps->list[i].kind == STEP_SEND && steps->list[i].length > most)
            return steps->list[i].number;
    return 0;
}
