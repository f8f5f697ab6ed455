/* SPDX-License-Identifier: Apache-2.0
 *
 * talk.c - a conversation: what is due, what was heard, what was captured.  See talk.h.
 *
 * A peer may send its bytes one at a time.  A text is looked for only where new bytes can
 * have completed it; an expression is matched anew each time, and a budget of CPU time
 * for the step bounds what all those matches take together.
 */
#include "talk.h"

#include "step.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Nanoseconds that the expressions of a step may take. */
enum { TALK_CPU = 100 * 1000000 };

struct talk_value {
    char *bytes;
    size_t length;
};

struct talk {
    const struct steps *steps;
    unsigned at;
    bool datagrams;

    char *heard; /* from behind the last match on */
    size_t length, room;
    size_t looked; /* so many of them are known not to begin what is due */
    size_t match;  /* its end, once it came */
    bool fresh, came;
    int64_t cpu;

    const char *refusal; /* words; NULL: the peer did not refuse */
    struct pattern_span said;

    char *sent;
    struct talk_value values[STEPS_CAPTURES];
    unsigned value_count;
};

/* ---- where it is ---- */

/* NULL: they are all done. */
static const struct step *
talk_step(const struct talk *talk)
{
    return talk->at < talk->steps->count ? &talk->steps->list[talk->at] : NULL;
}

static void
talk_begin(struct talk *talk)
{
    talk->looked = talk->match = 0;
    talk->came = false;
    talk->fresh = true;
    talk->cpu = TALK_CPU;
    talk->refusal = NULL;
}

struct talk *
talk_new(const struct steps *steps, bool datagrams)
{
    struct talk *talk = calloc(1, sizeof(*talk));

    if (!talk)
        return NULL;
    talk->steps = steps;
    talk->datagrams = datagrams;
    talk_begin(talk);
    return talk;
}

void
talk_free(struct talk *talk)
{
    if (!talk)
        return;
    for (unsigned i = 0; i < STEPS_CAPTURES; i++)
        free(talk->values[i].bytes);
    free(talk->sent);
    free(talk->heard);
    free(talk);
}

enum step_kind
talk_kind(const struct talk *talk)
{
    const struct step *step = talk_step(talk);

    return step ? step->kind : STEP_END;
}

int64_t
talk_time(const struct talk *talk)
{
    const struct step *step = talk_step(talk);

    return step ? step->time : 0;
}

unsigned
talk_number(const struct talk *talk)
{
    const struct step *step = talk_step(talk);

    return step ? step->number : 0;
}

const char *
talk_words(const struct talk *talk)
{
    const struct step *step = talk_step(talk);

    return step ? step->words : "";
}

void
talk_next(struct talk *talk)
{
    free(talk->sent);
    talk->sent = NULL;
    if (talk->datagrams)
        talk->match = talk->length;
    talk->length -= talk->match;
    if (talk->length)
        memmove(talk->heard, talk->heard + talk->match, talk->length);
    if (talk->at < talk->steps->count)
        talk->at++;
    talk_begin(talk);
}

/* ---- sending ---- */

static void
talk_put(char **at, const char *bytes, size_t length)
{
    if (length)
        memcpy(*at, bytes, length);
    *at += length;
}

const char *
talk_bytes(struct talk *talk, size_t *length)
{
    const struct step *step = talk_step(talk);
    size_t all = step->length, done = 0;
    char *at;

    *length = all;
    if (!step->hole_count)
        return step->bytes;
    for (unsigned i = 0; i < step->hole_count; i++)
        all += talk->values[step->holes[i].capture].length;
    if (all - step->length > STEPS_HEARD || (talk->datagrams && all > STEPS_DATAGRAM))
        return NULL;
    free(talk->sent);
    talk->sent = at = malloc(all + 1);
    if (!at)
        return NULL;
    for (unsigned i = 0; i < step->hole_count; i++) {
        const struct step_hole *hole = &step->holes[i];
        const struct talk_value *value = &talk->values[hole->capture];

        talk_put(&at, step->bytes + done, hole->at - done);
        talk_put(&at, value->bytes, value->length);
        done = hole->at;
    }
    talk_put(&at, step->bytes + done, step->length - done);
    *length = all;
    return talk->sent;
}

/* ---- hearing ---- */

static bool
talk_keep(struct talk *talk, const char *bytes, size_t length)
{
    if (!length)
        return true;
    if (talk->datagrams)
        talk->length = talk->looked = 0;
    if (length > talk->room - talk->length) {
        size_t room = (talk->length + length) * 2;
        char *heard = realloc(talk->heard, room);

        if (!heard)
            return false;
        talk->heard = heard;
        talk->room = room;
    }
    memcpy(talk->heard + talk->length, bytes, length);
    talk->length += length;
    talk->fresh = true;
    return true;
}

static enum talk_answer
talk_find_text(struct talk *talk, const struct step *step, size_t length)
{
    const char *found;

    if (length < step->length)
        return TALK_MORE;
    found = memmem(talk->heard + talk->looked, length - talk->looked, step->bytes,
                   step->length);
    if (!found) {
        talk->looked = length - step->length + 1;
        return TALK_MORE;
    }
    talk->match = (size_t)(found - talk->heard) + step->length;
    return TALK_YES;
}

static bool
talk_capture_all(struct talk *talk, const struct step *step,
                 const struct pattern_span *spans)
{
    for (unsigned i = 0; i < step->capture_count; i++) {
        struct talk_value *value = &talk->values[step->captures[i]];
        size_t length = spans[i].end - spans[i].start;

        if (length > STEPS_CAPTURE_MOST)
            length = STEPS_CAPTURE_MOST;
        free(value->bytes);
        value->length = 0;
        value->bytes = malloc(length + 1);
        if (!value->bytes)
            return false;
        memcpy(value->bytes, talk->heard + spans[i].start, length);
        value->length = length;
        if (talk->value_count <= step->captures[i])
            talk->value_count = step->captures[i] + 1;
    }
    return true;
}

/* Whether the peer says that it will not. */
static enum talk_answer
talk_find_refusal(struct talk *talk, const struct step *step, size_t length)
{
    struct pattern_span spans[2];

    for (unsigned i = 0; i < STEP_REFUSALS && step->refusals[i].pattern; i++)
        switch (pattern_find(step->refusals[i].pattern, talk->heard, length, spans, 2,
                             &talk->cpu)) {
        case PATTERN_YES:
            talk->refusal = step->refusals[i].words;
            talk->said = spans[1];
            return TALK_NO;
        case PATTERN_GAVE_UP:
            return TALK_GAVE_UP;
        case PATTERN_NO:
            break;
        }
    return TALK_MORE;
}

static enum talk_answer
talk_find_match(struct talk *talk, const struct step *step, size_t length)
{
    struct pattern_span spans[1 + STEPS_CAPTURES];

    switch (pattern_find(step->pattern, talk->heard, length, spans,
                         1 + step->capture_count, &talk->cpu)) {
    case PATTERN_YES:
        talk->match = step->frame ? length : spans[0].end;
        return talk_capture_all(talk, step, spans + 1) ? TALK_YES : TALK_GAVE_UP;
    case PATTERN_GAVE_UP:
        return TALK_GAVE_UP;
    case PATTERN_NO:
        break;
    }
    return talk_find_refusal(talk, step, length);
}

/* Of the first length bytes. */
static enum talk_answer
talk_find(struct talk *talk, const struct step *step, size_t length)
{
    ssize_t whole;

    if (!step->pattern)
        return talk_find_text(talk, step, length);
    if (!step->frame)
        return talk_find_match(talk, step, length);
    whole = step->frame(talk->heard, length);
    if (whole == -1) {
        talk->refusal = step->refusals[STEP_REFUSALS - 1].words;
        talk->said = (struct pattern_span){ 0 };
        return TALK_NO;
    }
    if (whole == 0 || (size_t)whole > length)
        return TALK_MORE;
    return talk_find_match(talk, step, (size_t)whole);
}

static enum talk_answer
talk_expect(struct talk *talk, const struct step *step)
{
    enum talk_answer answer = TALK_MORE;

    if (talk->fresh && talk->length)
        answer = talk_find(talk, step,
                           talk->length < step->most ? talk->length : step->most);
    talk->fresh = false;
    talk->came = answer == TALK_YES;
    return answer;
}

enum talk_answer
talk_hear(struct talk *talk, const char *bytes, size_t length, bool ended)
{
    const struct step *step = talk_step(talk);
    enum talk_answer answer = TALK_MORE;
    size_t most = step ? step->most : STEPS_HEARD;

    if (!talk_keep(talk, bytes, length))
        return TALK_GAVE_UP;
    if (talk->came)
        return TALK_YES;
    if (step && step->kind == STEP_EXPECT && (length || !talk->datagrams))
        answer = talk_expect(talk, step);
    if (answer != TALK_MORE)
        return answer;
    if (step && step->kind == STEP_CLOSE && ended)
        return TALK_YES;
    if (talk->length > most || (talk->length == most && !ended))
        return TALK_BIG;
    return ended || (talk->datagrams && length) ? TALK_NO : TALK_MORE;
}

bool
talk_refused(const struct talk *talk, char *why, size_t size)
{
    int length = (int)(talk->said.end - talk->said.start);

    if (!talk->refusal)
        return false;
    snprintf(why, size, "%s%s%.*s", talk->refusal, length ? " " : "", length,
             talk->heard + talk->said.start);
    return true;
}

size_t
talk_waiting(const struct talk *talk)
{
    return talk->length - talk->match;
}

/* ---- for messages ---- */

const char *
talk_capture(const struct talk *talk, unsigned at, const char **value, size_t *length)
{
    if (at >= talk->value_count)
        return NULL;
    *value = talk->values[at].bytes;
    *length = talk->values[at].length;
    return talk->steps->names[at];
}

const char *
talk_heard(const struct talk *talk, size_t *length)
{
    *length = talk->length;
    return talk->length ? talk->heard : "";
}
