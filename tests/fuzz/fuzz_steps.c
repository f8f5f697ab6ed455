/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_steps.c - any lines are steps or a sentence that says why not, and any bytes heard
 * lead to the same answer in whatever pieces they come.
 *
 * The first byte of the input chooses: a protocol of starttls, a fixed list, or lines
 * from the input (each ends with a line feed, an empty one ends them); its high bit:
 * datagrams. The rest is heard.
 */
#include "probe_tcp/talk.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { LINES_MOST = 70 };

static const char *const fixed[][8] = {
    { "expect-regex ^(?<a>[^ ]+) (?<b>[^\r\n]*)\r\n", "send {a}-{b}{{a}", "expect OK",
      "close" },
    { "expect(64B) ab", "expect-hex 00 ff", "expect-regex(1KiB) (?m)^(?<a>(x|xx)*)$",
      "send {a}{a}", "expect-regex \\w+@\\w+\n" },
};
enum { FIXED = sizeof(fixed) / sizeof(*fixed), PROTOCOLS = 7 };

/* What a conversation came to. */
struct outcome {
    enum talk_answer answer;
    unsigned number, steps;
    size_t waiting;
};

/* Everything that can be asked of it must be there. */
static void
look(struct talk *talk)
{
    const char *value = NULL, *name, *heard;
    size_t length = 0;
    char why[300];

    for (unsigned at = 0; (name = talk_capture(talk, at, &value, &length)); at++)
        if (!*name || !value || length > STEPS_CAPTURE_MOST)
            abort();
    heard = talk_heard(talk, &length);
    if (!heard || talk_waiting(talk) > length || !talk_words(talk) || talk_time(talk) < 0)
        abort();
    if (talk_refused(talk, why, sizeof(why)) && !*why)
        abort();
}

/* Goes through the steps that need nothing to be heard. */
static enum talk_answer
advance(struct talk *talk, struct outcome *outcome, bool ended)
{
    enum talk_answer answer = TALK_YES;
    size_t length;

    while (answer == TALK_YES && talk_kind(talk) != STEP_END) {
        if (talk_kind(talk) == STEP_SEND)
            talk_bytes(talk, &length);
        else if (talk_kind(talk) != STEP_TLS)
            answer = talk_hear(talk, NULL, 0, ended);
        look(talk);
        if (answer == TALK_YES) {
            talk_next(talk);
            outcome->steps++;
        }
    }
    return answer;
}

static struct outcome
converse(const struct steps *steps, bool datagrams, const char *bytes, size_t size,
         size_t piece)
{
    struct talk *talk = talk_new(steps, datagrams);
    struct outcome outcome = { 0 };

    outcome.answer = advance(talk, &outcome, false);
    for (size_t at = 0; at < size && outcome.answer == TALK_MORE; at += piece) {
        size_t length = size - at < piece ? size - at : piece;
        char *copy = malloc(length); /* so that a byte too far is seen */

        memcpy(copy, bytes + at, length);
        outcome.answer = talk_hear(talk, copy, length, false);
        free(copy);
        look(talk);
        if (outcome.answer == TALK_YES)
            outcome.answer = advance(talk, &outcome, false);
    }
    if (outcome.answer == TALK_MORE)
        outcome.answer = advance(talk, &outcome, true);
    outcome.number = talk_number(talk);
    outcome.waiting = talk_waiting(talk);
    talk_free(talk);
    return outcome;
}

/* An expression of the input may match more when more is there: only what is canned or a
 * text has to come to the same in pieces. */
static void
compare(const struct steps *steps, const char *bytes, size_t size)
{
    struct outcome whole = converse(steps, false, bytes, size, size + 1);

    for (size_t piece = 1; piece < 8; piece += 3) {
        struct outcome other = converse(steps, false, bytes, size, piece);

        if (whole.answer == TALK_GAVE_UP || other.answer == TALK_GAVE_UP)
            continue;
        if (whole.answer != other.answer || whole.number != other.number
            || whole.steps != other.steps)
            abort();
    }
}

/* Takes the lines off the input; NULL: they are no steps. */
static struct steps *
from_input(const char **bytes, size_t *size)
{
    char *lines[LINES_MOST + 1] = { NULL }, why[300] = "";
    struct steps *steps;
    unsigned count = 0;

    while (count < LINES_MOST && *size) {
        const char *end = memchr(*bytes, '\n', *size);
        size_t length = end ? (size_t)(end - *bytes) : *size;
        size_t taken = length + (end != NULL);

        if (length)
            lines[count++] = strndup(*bytes, length);
        *bytes += taken;
        *size -= taken;
        if (!length)
            break;
    }
    steps = steps_new("no", (const char *const *)lines, why, sizeof(why));
    if ((steps != NULL) == (*why != '\0'))
        abort();
    for (unsigned i = 0; i < count; i++)
        free(lines[i]);
    return steps;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *bytes = (const char *)data + 1;
    unsigned choice = size ? data[0] & 0x7F : 0;
    struct steps *steps;
    char why[300];

    if (!size--)
        return 0;
    if (choice < PROTOCOLS)
        steps = steps_new(steps_protocols[1 + choice], NULL, why, sizeof(why));
    else if (choice < PROTOCOLS + FIXED)
        steps = steps_new("", fixed[choice - PROTOCOLS], why, sizeof(why));
    else
        steps = from_input(&bytes, &size);
    if (!steps)
        return 0;
    if (choice < PROTOCOLS && !(data[0] & 0x80))
        compare(steps, bytes, size);
    converse(steps, data[0] & 0x80, bytes, size, 1 + choice % 7);
    steps_free(steps);
    return 0;
}
