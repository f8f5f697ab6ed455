/* SPDX-License-Identifier: Apache-2.0
 *
 * steps.c - the lines of the tcp probe's option `steps`: what is read, and what is said
 * about a line that cannot be.
 */
#include "unit.h"

#include "../../plugins/probe_tcp/step.h"
#include "../../plugins/probe_tcp/steps_text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LINES(...)                                                                       \
    (const char *const[])                                                                \
    {                                                                                    \
        __VA_ARGS__, NULL                                                                \
    }

static struct steps *
made(const char *const *lines)
{
    char why[400] = "";
    struct steps *steps = steps_new("", lines, why, sizeof(why));

    if (!steps)
        fail_msg("%s", why);
    assert_string_equal(why, "");
    return steps;
}

/* The lines cannot be, and this is said of them. */
static void
refused(const char *protocol, const char *const *lines, const char *said)
{
    char why[400] = "";
    struct steps *steps = steps_new(protocol, lines, why, sizeof(why));

    assert_null(steps);
    assert_string_equal(why, said);
}

static void
all_verbs_are_read(void **state)
{
    struct steps *steps =
        made(LINES("send  HI \r\n", "send-hex 00 01fF", "expect +OK ", "expect-hex 53",
                   "expect-regex ^220 (?<banner>[^\r\n]*)\r\n", "tls", "close"));
    static const enum step_kind kinds[] = { STEP_SEND,   STEP_SEND,   STEP_EXPECT,
                                            STEP_EXPECT, STEP_EXPECT, STEP_TLS,
                                            STEP_CLOSE };

    (void)state;
    assert_int_equal(steps->count, 7);
    for (unsigned i = 0; i < 7; i++) {
        assert_int_equal(steps->list[i].kind, kinds[i]);
        assert_int_equal(steps->list[i].number, i + 1);
        assert_int_equal(steps->list[i].most, STEPS_HEARD);
        assert_true(steps_have(steps, kinds[i]));
    }
    assert_false(steps_have(steps, STEP_END));
    assert_int_equal(steps->list[0].length, 6);
    assert_memory_equal(steps->list[0].bytes, " HI \r\n", 6);
    assert_int_equal(steps->list[1].length, 3);
    assert_memory_equal(steps->list[1].bytes, "\0\x01\xff", 3);
    assert_int_equal(steps->list[2].length, 4);
    assert_memory_equal(steps->list[2].bytes, "+OK ", 4);
    assert_int_equal(steps->list[3].length, 1);
    assert_string_equal(steps->names[0], "banner");
    steps_free(steps);
}

static void
no_lines_are_no_steps(void **state)
{
    struct steps *steps = made(LINES(NULL));

    (void)state;
    assert_int_equal(steps->count, 0);
    steps_free(steps);
    steps = steps_new("no", NULL, NULL, 0);
    assert_non_null(steps);
    assert_false(steps_have(steps, STEP_TLS));
    steps_free(steps);
    steps_free(NULL);
}

static void
limits_are_read(void **state)
{
    struct steps *steps = made(LINES("expect(2s, 4KiB) a", "expect-regex(512B) a",
                                     "expect-hex(300ms) 00", "send(1m) (2s) x",
                                     "tls( 5s )", "close(7s)", NULL));

    (void)state;
    assert_int_equal(steps->list[0].time, 2000);
    assert_int_equal(steps->list[0].most, 4096);
    assert_string_equal(steps->list[0].bytes, "a");
    assert_int_equal(steps->list[1].time, 0);
    assert_int_equal(steps->list[1].most, 512);
    assert_int_equal(steps->list[2].time, 300);
    assert_int_equal(steps->list[3].time, 60000);
    assert_int_equal(steps->list[3].length, 6);
    assert_memory_equal(steps->list[3].bytes, "(2s) x", 6);
    assert_int_equal(steps->list[4].time, 5000);
    assert_int_equal(steps->list[5].time, 7000);
    steps_free(steps);
}

static void
a_wrong_limit_is_told(void **state)
{
    static const char *const lines[] = { "expect() y", "expect(2s,) y",
                                         "expect(9999999999s) y" };

    (void)state;
    refused("", LINES("send x", "expect(2x) y"),
            "steps[2] (expect): in the parentheses stand times (300ms, 2s, 1m) and sizes "
            "(512B, 4KiB, 1MiB)");
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
        refused("", LINES(lines[i]),
                "steps[1] (expect): in the parentheses stand times (300ms, 2s, 1m) and "
                "sizes (512B, 4KiB, 1MiB)");
    refused("", LINES("expect(2s y"), "steps[1] (expect): a \")\" is missing");
    refused("", LINES("expect(0s) y"),
            "steps[1] (expect): a step may take from 1ms to 60m");
    refused("", LINES("expect(61m) y"),
            "steps[1] (expect): a step may take from 1ms to 60m");
    refused("", LINES("expect(17MiB) y"),
            "steps[1] (expect): a step may hear from 1B to 16MiB");
    refused("", LINES("expect(1s,2s) y"), "steps[1] (expect): two times in one step");
    refused("", LINES("expect(1,2) y"), "steps[1] (expect): two sizes in one step");
    refused("", LINES("send(4KiB) y"),
            "steps[1] (send): only expect, expect-hex and expect-regex take a "
            "size");
    refused("", LINES("expect(2s)y"),
            "steps[1] (expect): a blank is missing behind the verb");
}

static void
a_wrong_verb_is_told(void **state)
{
    (void)state;
    refused("", LINES("send x", "expect y", "expct +OK"),
            "steps[3]: unknown verb; did you mean \"expect\"?");
    refused("", LINES("sned x"),
            "steps[1]: unknown verb; did you mean "
            "\"send\"?");
    refused("", LINES("SEND x"),
            "steps[1]: unknown verb: a step begins with send, send-hex, "
            "expect, expect-hex, expect-regex, tls or close");
    refused("", LINES(""),
            "steps[1]: unknown verb: a step begins with send, send-hex, expect, "
            "expect-hex, expect-regex, tls or close");
    refused("", LINES("send"),
            "steps[1] (send): nothing to send: write it behind the verb, as in \"send "
            "PING\\r\\n\"");
    refused("", LINES("expect "),
            "steps[1] (expect): nothing to wait for: write it behind the verb, as in "
            "\"expect +OK\"");
    refused("", LINES("expect-regex"),
            "steps[1] (expect-regex): nothing to wait for: write it behind the verb, as "
            "in \"expect-regex ^220 \"");
    refused("", LINES("expect-regex a(b"),
            "steps[1] (expect-regex): not a regular expression: missing closing "
            "parenthesis, at character 4");
    refused("", LINES("tls now"), "steps[1] (tls): \"tls\" takes nothing");
    refused("", LINES("close now"),
            "steps[1] (close): \"close\" takes nothing: it waits until the peer "
            "hangs up");
    refused("", LINES("tls", "tls"),
            "steps[2] (tls): the connection is encrypted by then: leave this line out");
    refused("smtp", LINES("tls"),
            "steps[1] (tls): the connection is encrypted by then: leave this line out");
    refused("", LINES("close", "send x"),
            "steps[2] (send): nothing can follow \"close\"");
    refused("gopher", LINES("send x"), "unknown protocol \"gopher\"");
}

static void
wrong_hex_is_told(void **state)
{
    static const char *const lines[] = { "send-hex",       "send-hex 0",   "send-hex 0 0",
                                         "send-hex 0g",    "send-hex 0x1", "send-hex   ",
                                         "expect-hex 1\t2" };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        char said[200];

        snprintf(said, sizeof(said),
                 "steps[1] (%s): write bytes as pairs of hex digits behind the verb, as "
                 "in \"send-hex 00 01 ff\"",
                 *lines[i] == 'e' ? "expect-hex" : "send-hex");
        refused("", LINES(lines[i]), said);
    }
}

/* It may come from a file of secrets; the core knows such a value only whole. */
static void
no_line_is_quoted(void **state)
{
    static const char *const lines[] = {
        "send AUTH sesame {nonce}",
        "send AUTH {sesame}",
        "sned AUTH sesame",
        "sesame",
        "send(4KiB) AUTH sesame",
        "send\tAUTH sesame",
        "send-hex sesame",
        "expect(2x) sesame",
        "expect(sesame) x",
        "expect(1B) sesame",
        "expect-hex sesame",
        "expect-regex sesame(",
        "tls sesame",
        "close sesame",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        char why[400] = "";

        assert_null(steps_new("", LINES(lines[i]), why, sizeof(why)));
        assert_non_null(strstr(why, "steps[1]"));
        assert_null(strstr(why, "sesame"));
    }
}

static void
what_cannot_be_heard_is_not_waited_for(void **state)
{
    (void)state;
    steps_free(made(LINES("expect(5B) +PONG", "expect-hex(1B) 00")));
    refused("", LINES("expect(4B) +PONG"),
            "steps[1] (expect): waits for 5 bytes, and may hear 4: allow "
            "more of them");
    refused("", LINES("expect-hex(1B) 0001"),
            "steps[1] (expect-hex): waits for 2 bytes, and may hear 1: allow "
            "more of them");
}

static void
there_is_a_most_of_steps(void **state)
{
    const char *lines[STEPS_MOST + 2] = { NULL };

    (void)state;
    for (unsigned i = 0; i < STEPS_MOST; i++)
        lines[i] = "send x";
    steps_free(made(lines));
    lines[STEPS_MOST] = "send x";
    refused("", lines, "more than 64 steps");
}

/* ---- captures ---- */

static void
captures_go_where_they_are_named(void **state)
{
    struct steps *steps = made(LINES(
        "expect-regex (?<one>.)(?<two>.)(.)\n", "expect-regex (?<three>.)(?<one>.)\n",
        "send {two}{\"a\":{\"b\":{}}} {{one} {three} {1} {"));
    const struct step *send = &steps->list[2];

    (void)state;
    assert_int_equal(steps->name_count, 3);
    assert_string_equal(steps->names[0], "one");
    assert_string_equal(steps->names[2], "three");
    assert_int_equal(steps->list[1].captures[0], 0);
    assert_int_equal(steps->list[1].captures[1], 2);
    assert_int_equal(send->hole_count, 2);
    assert_int_equal(send->length, strlen("{\"a\":{\"b\":{}}} {one}  {1} {"));
    assert_memory_equal(send->bytes, "{\"a\":{\"b\":{}}} {one}  {1} {", send->length);
    assert_int_equal(send->holes[0].at, 0);
    assert_int_equal(send->holes[0].capture, 1);
    assert_int_equal(send->holes[1].at, strlen("{\"a\":{\"b\":{}}} {one} "));
    assert_int_equal(send->holes[1].capture, 2);
    steps_free(steps);
}

static void
many_holes_are_kept(void **state)
{
    struct steps *steps = made(LINES("expect-regex (?<a>.)",
                                     "send {a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}{a}"
                                     "{a}{a}{a}{a}"));

    (void)state;
    assert_int_equal(steps->list[1].hole_count, 17);
    assert_int_equal(steps->list[1].length, 0);
    steps_free(steps);
}

static void
an_unknown_capture_is_told(void **state)
{
    (void)state;
    refused("", LINES("expect-regex (?<banner>.)\n", "send {baner}"),
            "steps[2] (send): no earlier step captures what stands in braces; "
            "did you mean {banner}? (a brace itself is written {{)");
    refused("", LINES("send {banner}", "expect-regex (?<banner>.)\n"),
            "steps[1] (send): no earlier step captures what stands in braces: "
            "write (?<name>...) in an expect-regex before it, or {{ for a brace itself");
}

static void
captures_are_bounded(void **state)
{
    char line[400] = "expect-regex ", said[600];
    size_t length = strlen(line);

    (void)state;
    for (int i = 0; i < STEPS_CAPTURES; i++)
        length += (size_t)snprintf(line + length, sizeof(line) - length, "(?<c%d>.)", i);
    steps_free(made(LINES(line)));
    snprintf(said, sizeof(said),
             "steps[2] (expect-regex): there may be 16 captures and this is "
             "one more: write (?:...) for a group that nobody reads");
    refused("", LINES(line, "expect-regex (?<more>.)"), said);
    refused("", LINES("expect-regex (?J)(?<a>x)|(?<a>y)"),
            "steps[1] (expect-regex): captures \"a\" twice");
    refused("", LINES("expect-regex (?<cert_issuer>x)"),
            "steps[1] (expect-regex): \"cert_issuer\" stands for "
            "something else already: name the capture differently");
    refused("", LINES("expect-regex (?<target>x)"),
            "steps[1] (expect-regex): \"target\" stands for something else "
            "already: name the capture differently");
}

/* ---- small texts ---- */

static void
a_small_room_for_the_sentence_is_kept(void **state)
{
    char why[20];

    (void)state;
    memset(why, 'x', sizeof(why));
    assert_null(steps_new("", LINES("expct +OK"), why, 12));
    assert_string_equal(why, "steps[1]: u");
    assert_int_equal(why[12], 'x');
}

static void
the_nearest_word(void **state)
{
    static const char *const words[] = { "send", "send-hex", "expect" };
    char longer[200];

    (void)state;
    assert_string_equal(steps_text_nearest("xpect", 5, words, 3), "expect");
    assert_string_equal(steps_text_nearest("sendhex", 7, words, 3), "send-hex");
    assert_string_equal(steps_text_nearest("exp", 3, words, 3), "expect");
    assert_null(steps_text_nearest("x", 1, words, 3));
    assert_null(steps_text_nearest("", 0, words, 3));
    memset(longer, 'e', sizeof(longer));
    assert_null(steps_text_nearest(longer, sizeof(longer), words, 3));
    assert_null(steps_text_nearest("a", 1, NULL, 0));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(all_verbs_are_read),
    cmocka_unit_test(no_lines_are_no_steps),
    cmocka_unit_test(limits_are_read),
    cmocka_unit_test(a_wrong_limit_is_told),
    cmocka_unit_test(a_wrong_verb_is_told),
    cmocka_unit_test(wrong_hex_is_told),
    cmocka_unit_test(no_line_is_quoted),
    cmocka_unit_test(what_cannot_be_heard_is_not_waited_for),
    cmocka_unit_test(there_is_a_most_of_steps),
    cmocka_unit_test(captures_go_where_they_are_named),
    cmocka_unit_test(many_holes_are_kept),
    cmocka_unit_test(an_unknown_capture_is_told),
    cmocka_unit_test(captures_are_bounded),
    cmocka_unit_test(a_small_room_for_the_sentence_is_kept),
    cmocka_unit_test(the_nearest_word),
};

UNIT_MAIN(tests)
