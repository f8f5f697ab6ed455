/* SPDX-License-Identifier: Apache-2.0
 *
 * talk.c - conversations of the tcp probe: whatever the pieces in which a peer speaks,
 * the answer is the same, and what it may cost is bounded.
 */
#include "unit.h"

#include "../../plugins/probe_tcp/talk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LINES(...)                                                                       \
    (const char *const[])                                                                \
    {                                                                                    \
        __VA_ARGS__, NULL                                                                \
    }
#define BYTES(text) text, sizeof(text) - 1

static struct steps *
made(const char *protocol, const char *const *lines)
{
    char why[400] = "";
    struct steps *steps = steps_new(protocol, lines, why, sizeof(why));

    if (!steps)
        fail_msg("%s", why);
    return steps;
}

static struct talk *
talk_made(const struct steps *steps, bool datagrams)
{
    struct talk *talk = talk_new(steps, datagrams);

    assert_non_null(talk);
    return talk;
}

static void
captured(const struct talk *talk, unsigned at, const char *name, const char *value)
{
    const char *bytes = NULL;
    size_t length = 0;

    assert_string_equal(talk_capture(talk, at, &bytes, &length), name);
    assert_int_equal(length, strlen(value));
    assert_memory_equal(bytes, value, length);
}

static void
sends(struct talk *talk, const char *bytes, size_t length)
{
    size_t count = 0;
    const char *sent;

    assert_int_equal(talk_kind(talk), STEP_SEND);
    sent = talk_bytes(talk, &count);
    assert_non_null(sent);
    assert_int_equal(count, length);
    assert_memory_equal(sent, bytes, length);
    talk_next(talk);
}

/* ---- one after the other ---- */

static void
a_conversation_goes_its_way(void **state)
{
    struct steps *steps = made("", LINES("expect-regex ^220 (?<banner>[^\r\n]*)\r\n",
                                         "send(2s) HI {banner}", "expect OK",
                                         "expect-hex 00", "close"));
    struct talk *talk = talk_made(steps, false);
    size_t length;

    (void)state;
    assert_string_equal(talk_words(talk), "expect-regex");
    assert_int_equal(talk_number(talk), 1);
    assert_int_equal(talk_hear(talk, NULL, 0, false), TALK_MORE);
    assert_int_equal(talk_hear(talk, BYTES("220 a b\r\nrest"), false), TALK_YES);
    assert_int_equal(talk_hear(talk, NULL, 0, false), TALK_YES);
    assert_int_equal(talk_waiting(talk), 4);
    captured(talk, 0, "banner", "a b");
    assert_null(talk_capture(talk, 1, &(const char *){ NULL }, &length));
    talk_next(talk);
    assert_int_equal(talk_time(talk), 2000);
    assert_int_equal(talk_waiting(talk), 4);
    sends(talk, BYTES("HI a b"));
    assert_int_equal(talk_hear(talk, NULL, 0, false), TALK_MORE);
    assert_int_equal(talk_hear(talk, BYTES("O"), false), TALK_MORE);
    assert_int_equal(talk_hear(talk, BYTES("OKOK\0x"), false), TALK_YES);
    assert_memory_equal(talk_heard(talk, &length), "restOOKOK\0x", 11);
    assert_int_equal(length, 11);
    talk_next(talk);
    assert_int_equal(talk_hear(talk, NULL, 0, false), TALK_YES);
    talk_next(talk);
    assert_int_equal(talk_kind(talk), STEP_CLOSE);
    assert_int_equal(talk_hear(talk, BYTES("y"), false), TALK_MORE);
    assert_int_equal(talk_hear(talk, NULL, 0, true), TALK_YES);
    talk_next(talk);
    assert_int_equal(talk_kind(talk), STEP_END);
    assert_string_equal(talk_words(talk), "");
    talk_next(talk);
    assert_int_equal(talk_kind(talk), STEP_END);
    talk_free(talk);
    talk_free(NULL);
    steps_free(steps);
}

static void
an_end_before_it_is_no(void **state)
{
    struct steps *steps = made("", LINES("expect OK"));
    struct talk *talk = talk_made(steps, false);
    char why[100];

    (void)state;
    assert_int_equal(talk_hear(talk, BYTES("K"), false), TALK_MORE);
    assert_int_equal(talk_hear(talk, BYTES("O"), true), TALK_NO);
    assert_false(talk_refused(talk, why, sizeof(why)));
    talk_free(talk);
    talk = talk_made(steps, false);
    assert_int_equal(talk_hear(talk, BYTES("OK"), true), TALK_YES);
    talk_free(talk);
    steps_free(steps);
}

/* Text and expressions, in pieces of every size. */
static void
pieces_make_no_difference(void **state)
{
    static const char heard[] = "aabaabaaab220-x\r\n220-y\r\n220 ready\r\nTAIL";
    struct steps *steps = made(
        "",
        LINES("expect aabaaa", "expect-regex (?m)^220 (?<word>\\w+)\r\n", "expect TAIL"));

    (void)state;
    for (size_t piece = 1; piece <= sizeof(heard); piece++) {
        struct talk *talk = talk_made(steps, false);

        for (size_t at = 0; at < sizeof(heard) - 1; at += piece) {
            size_t left = sizeof(heard) - 1 - at, size = left < piece ? left : piece;

            if (talk_hear(talk, heard + at, size, false) == TALK_YES)
                do
                    talk_next(talk);
                while (talk_kind(talk) == STEP_EXPECT
                       && talk_hear(talk, NULL, 0, false) == TALK_YES);
        }
        assert_int_equal(talk_kind(talk), STEP_END);
        assert_int_equal(talk_waiting(talk), 0);
        captured(talk, 0, "word", "ready");
        talk_free(talk);
    }
    steps_free(steps);
}

/* ---- bounds ---- */

static void
too_many_bytes_are_big(void **state)
{
    struct steps *steps = made("", LINES("expect(8B) OK"));
    struct talk *talk = talk_made(steps, false);

    (void)state;
    assert_int_equal(talk_hear(talk, BYTES("0123456"), false), TALK_MORE);
    assert_int_equal(talk_hear(talk, BYTES("O"), false), TALK_BIG);
    talk_free(talk);
    talk = talk_made(steps, false);
    assert_int_equal(talk_hear(talk, BYTES("0123456OK"), false), TALK_BIG);
    talk_free(talk);
    talk = talk_made(steps, false);
    assert_int_equal(talk_hear(talk, BYTES("012345OK89"), false), TALK_YES);
    assert_int_equal(talk_waiting(talk), 2);
    talk_free(talk);
    steps_free(steps);
}

static void
bytes_that_nobody_waits_for_are_bounded(void **state)
{
    struct steps *steps = made("", LINES("send x"));
    struct talk *talk = talk_made(steps, false);
    static char much[STEPS_HEARD];

    (void)state;
    assert_int_equal(talk_hear(talk, much, sizeof(much) - 1, false), TALK_MORE);
    assert_int_equal(talk_waiting(talk), sizeof(much) - 1);
    assert_int_equal(talk_hear(talk, much, 1, false), TALK_BIG);
    talk_free(talk);
    steps_free(steps);
}

static int64_t
cpu_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* 64 KiB, one byte at a time, that never match: what it may cost at most. */
static void
single_bytes_do_not_cost_seconds(void **state)
{
    static const char *const lines[] = { "expect aaaaaaaaaaab", "expect-regex a+b",
                                         "expect-regex (?:a|aa)+$(?<x>b)",
                                         "expect-regex ^b" };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        struct steps *steps = made("", LINES(lines[i]));
        struct talk *talk = talk_made(steps, false);
        enum talk_answer answer = TALK_MORE;
        int64_t began = cpu_ms();

        for (int at = 0; at < STEPS_HEARD && answer == TALK_MORE; at++)
            answer = talk_hear(talk, "a", 1, false);
        assert_true(answer == TALK_BIG || answer == TALK_GAVE_UP);
        assert_true(i > 0 || answer == TALK_BIG);
        assert_in_range(cpu_ms() - began, 0, 1500);
        talk_free(talk);
        steps_free(steps);
    }
}

static void
a_capture_is_cut(void **state)
{
    struct steps *steps =
        made("", LINES("expect-regex (?<all>x+)(?<none>y)?\n", "send <{all}{none}>"));
    struct talk *talk = talk_made(steps, false);
    char much[2000];
    size_t length;

    (void)state;
    memset(much, 'x', sizeof(much));
    assert_int_equal(talk_hear(talk, much, sizeof(much), false), TALK_MORE);
    assert_int_equal(talk_hear(talk, "\n", 1, false), TALK_YES);
    captured(talk, 1, "none", "");
    talk_next(talk);
    assert_non_null(talk_bytes(talk, &length));
    assert_int_equal(length, STEPS_CAPTURE_MOST + 2);
    talk_free(talk);
    steps_free(steps);
}

static void
what_is_sent_is_bounded(void **state)
{
    char line[400] = "send ", much[STEPS_CAPTURE_MOST + 1];
    struct steps *steps;
    struct talk *talk;
    size_t length;

    (void)state;
    for (int i = 0; i < 65; i++)
        strcat(line, "{x}");
    memset(much, 'y', sizeof(much));
    much[sizeof(much) - 1] = '\n';
    steps = made("", LINES("expect-regex (?<x>y*)\n", line));
    talk = talk_made(steps, false);
    assert_int_equal(talk_hear(talk, much, sizeof(much), false), TALK_YES);
    talk_next(talk);
    assert_null(talk_bytes(talk, &length));
    talk_free(talk);
    steps_free(steps);
}

/* ---- datagrams ---- */

static void
a_datagram_stands_by_itself(void **state)
{
    struct steps *steps = made("", LINES("expect OK", "expect-regex ^(?<n>\\d)"));
    struct talk *talk = talk_made(steps, true);
    size_t length;

    (void)state;
    assert_int_equal(talk_hear(talk, NULL, 0, false), TALK_MORE);
    assert_int_equal(talk_hear(talk, BYTES("an OK 7"), false), TALK_YES);
    talk_next(talk);
    assert_int_equal(talk_waiting(talk), 0);
    assert_int_equal(talk_hear(talk, NULL, 0, false), TALK_MORE);
    assert_int_equal(talk_hear(talk, BYTES("8"), false), TALK_YES);
    captured(talk, 0, "n", "8");
    talk_free(talk);
    talk = talk_made(steps, true);
    assert_int_equal(talk_hear(talk, BYTES("O"), false), TALK_NO);
    assert_int_equal(talk_hear(talk, BYTES("K"), false), TALK_NO);
    assert_memory_equal(talk_heard(talk, &length), "K", 1);
    assert_int_equal(length, 1);
    talk_free(talk);
    steps_free(steps);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_conversation_goes_its_way),
    cmocka_unit_test(an_end_before_it_is_no),
    cmocka_unit_test(pieces_make_no_difference),
    cmocka_unit_test(too_many_bytes_are_big),
    cmocka_unit_test(bytes_that_nobody_waits_for_are_bounded),
    cmocka_unit_test(single_bytes_do_not_cost_seconds),
    cmocka_unit_test(a_capture_is_cut),
    cmocka_unit_test(what_is_sent_is_bounded),
    cmocka_unit_test(a_datagram_stands_by_itself),
};

UNIT_MAIN(tests)
