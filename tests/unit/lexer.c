/* SPDX-License-Identifier: Apache-2.0
 *
 * lexer.c - each slip in a configuration file has its own sentence, one slip is one
 * sentence, and what is right passes.
 */
#include "said.h"

#include "lexer.h"

struct sample {
    const char *bytes, *said;
};

static void
check_all(const struct sample *samples, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct problems problems = { 0 };
        size_t length = strlen(samples[i].bytes);
        /* a copy of exactly that size, so that reading past it is seen */
        AUTO_FREE char *bytes = memory_new(length);

        memcpy(bytes, samples[i].bytes, length);
        assert_int_equal(lexer_check("f", bytes, length, &problems), !*samples[i].said);
        said_is(&problems, samples[i].said);
    }
}

#define CHECK_ALL(samples) check_all(samples, sizeof(samples) / sizeof(*(samples)))

static void
what_is_right_passes(void **state)
{
    static const struct sample samples[] = {
        { "", "" },
        { "# only a comment, without a line break", "" },
        { "/* a\n b */ a = 1; // c\nb : true, c = FALSE d = \"x\"\n", "" },
        { "a = { b = ( 1, \"x\", { c = [ ] }, ( ) ); };\r\n", "" },
        { "a = [1, -2, +3]; b = [0x10, 5]; c = [1.5, .5, 5., 1e5, -1.5e-3];", "" },
        { "a = 2147483647; b = -2147483648; c = 2147483648L; d = 0xFFFFFFFFFFLL;", "" },
        { "a = \"one \"\n    \"two\";", "" },
        { "a = \"several\nlines = \\\"quoted\\\"\n\";", "" },
        { "a = \"\\d+\\\\s\\x41\\n\";", "" },
        { "*any-name_1 = 1;", "" },
    };

    (void)state;
    CHECK_ALL(samples);
}

static void
commas_are_missed(void **state)
{
    static const struct sample samples[] = {
        { "to = [\"a\" \"b\"];", "f:1: a comma is missing between \"a\" and \"b\"\n" },
        { "to = (\n  \"a\"\n  \"b\"\n);",
          "f:3: a comma is missing between \"a\" and \"b\"\n" },
        { "checks = (\n  { a = 1; }\n  { a = 2; }\n);",
          "f:3: a comma is missing before {\n" },
        { "to = [1 2];", "f:1: a comma is missing before 2\n" },
        { "to = [\"a\", ];",
          "f:1: a comma stands before the closing \"]\": take it away\n" },
        { "checks = (\n  { a = 1; },\n);",
          "f:3: a comma stands before the closing \")\": take it away\n" },
        { "to = [1,,2];", "f:1: a value is missing before this comma\n" },
        { "to = ({ a = 1; }; { a = 2; });",
          "f:1: \";\" stands in a list: its values are separated by commas\n" },
        { "a = { b = \"x\"; } \"y\";", "f:1: \"y\" stands where a name should\n" },
        { "a = 1;;", "f:1: one \";\" too many\n" },
    };

    (void)state;
    CHECK_ALL(samples);
}

static void
quotes_are_missed(void **state)
{
    static const struct sample samples[] = {
        { "a = \"foo;\nb = \"bar\";\nc = \"baz\";\n",
          "f:1: the closing quote is missing in \"foo;\n" },
        { "a = \"foo;\nb = 1;\n", "f:1: the closing quote is missing in \"foo;\n" },
        { "a = foo\";\nb = \"bar\";\n",
          "f:1: a quote is missing before foo: write \"foo\"\n" },
        { "a = foo bar;", "f:1: foo bar needs quotes: write \"foo bar\"\n" },
        { "a = (\n  { b = \"x; c = \"y\"; },\n  { b = \"z\"; }\n);\n",
          "f:2: a quote is missing, or one too many, in \"x; c = \"y\"; },\n" },
        { "a = localhost:9092; b = 192.0.2.1;",
          "f:1: 192.0.2.1 needs quotes: write \"192.0.2.1\"\n"
          "f:1: localhost:9092 needs quotes: write \"localhost:9092\"\n" },
        { "a = https://shop.example/health; # not a comment\nb = 1;",
          "f:1: https://shop.example/health needs quotes: write "
          "\"https://shop.example/health\"\n" },
        { "a = 30s;", "f:1: 30s needs quotes: write \"30s\"\n" },
        { "a = 'x';", "f:1: 'x': a text stands in double quotes\n" },
        { "a = \xe2\x80\x9cx\xe2\x80\x9d;",
          "f:1: \xe2\x80\x9cx\xe2\x80\x9d: a text stands in plain quotes (\")\n" },
    };

    (void)state;
    CHECK_ALL(samples);
}

static void
words_are_no_values(void **state)
{
    static const struct sample samples[] = {
        { "a = yes; b = No, c = ON\nd = off # or on; or not\ne = 1;",
          "f:1: No is no value; write false\nf:1: ON is no value; write true\n"
          "f:1: yes is no value; write true\nf:2: off is no value; write false\n" },
        { "a = [info];", "f:1: info needs quotes: write \"info\"\n" },
        { "a = ;", "f:1: \"a =\" has no value\n" },
        { "a =\nb = 1;", "f:1: \"a =\" has no value\n" },
        { "a = = 1;", "f:1: one \"=\" too many\n" },
        { "a 1;\nb \"x\";\nc { d = 1; };",
          "f:1: a \"=\" is missing behind \"a\"\nf:2: a \"=\" is missing behind \"b\"\n"
          "f:3: a \"=\" is missing behind \"c\"\n" },
        { "a.b = 1;",
          "f:1: a.b is no name: a letter, then letters, digits, \"-\" and \"_\"\n" },
        { "\"a\" = 1;", "f:1: \"a\": a name has no quotes\n" },
        { "true = 1;", "f:1: \"true\" is a value and no name\n" },
        { "@include \"x.conf\"\na = 1;", "f:1: @include is not supported: put the file "
                                         "into the configuration directory\n" },
    };

    (void)state;
    CHECK_ALL(samples);
}

static void
brackets_are_missed(void **state)
{
    static const struct sample samples[] = {
        { "a = { b = 1;\nc = 2;\n", "f:1: the \"{\" that stands here is never closed\n" },
        { "a = 1;\n}\n", "f:2: this \"}\" closes nothing\n" },
        { "a = [1, 2);\nb = 1;", "f:1: the \"[\" of line 1 needs \"]\", not \")\"\n" },
        { "checks = (\n  { a = 1;\n  { a = 2; }\n);\nb = 1;",
          "f:3: \"{\" stands where a name should; is the \"{\" of line 2 not closed?\n" },
        { "checks = (\n  { a = 1; }\nsinks = ( );\n",
          "f:3: \"sinks =\" stands in a list; is the \"(\" of line 1 not closed? "
          "Settings stand "
          "in { }\n" },
        { "checks = (\n  { to = [\"a\"; }\n);",
          "f:2: \";\" stands here while the \"[\" of line 2 is not closed\n" },
        { "checks = (\n  { a = 1;\n);\n",
          "f:3: \")\" stands here while the \"{\" of line 2 is not closed\n" },
        { "checks = ( {\n a = 1;\n }},\n { b = 1; }\n);\n",
          "f:3: this \"}\" closes nothing\n" },
        { "checks = (\n { a = 1; }\n};\n",
          "f:3: the \"(\" of line 1 needs \")\", not \"}\"\n" },
        { "a = 1;\n/* b = 2;\n",
          "f:2: the comment that begins here is never closed by */\n" },
        { "{ a = 1; }", "f:1: \"{\" needs a name before it, as in: checks = (\n" },
    };

    (void)state;
    CHECK_ALL(samples);
}

static void
libconfig_would_misread(void **state)
{
    static const struct sample samples[] = {
        { "a = 2147483648;",
          "f:1: 2147483648 is too large a number: 31 bits are the most, 63 "
          "with an L behind it\n" },
        { "a = 0xFFFFFFFF;",
          "f:1: 0xFFFFFFFF is too large a number: 31 bits are the most, 63 "
          "with an L behind it\n" },
        { "a = 9223372036854775808L;",
          "f:1: 9223372036854775808L is too large a number: 31 bits "
          "are the most, 63 with an L behind it\n" },
        { "a = [1, \"x\"];",
          "f:1: an array [ ] holds values of one kind only; a list ( ) may mix them\n" },
        { "a = [ { b = 1; } ];",
          "f:1: an array [ ] holds plain values only; a list ( ) holds anything\n" },
        { "a = 1;\nb = { a = 1; c = 2;\nc = 3; };\na = 2;",
          "f:3: \"c\" is already set in line 2\nf:4: \"a\" is already set in line 1\n" },
        { "a = \"\\bx\";",
          "f:1: \"\\b\" in a text means different things to different versions "
          "of libconfig; for a backslash write \"\\\\b\"\n" },
        { "a = \"\\x00\";", "f:1: a text cannot hold a zero byte (\"\\x00\")\n" },
        { "a = \"\xff\";", "f:1: holds bytes that are not UTF-8\n" },
        { "\xef\xbb\xbf"
          "a = 1;",
          "f:1: begins with a byte order mark; save it as plain UTF-8\n" },
    };

    (void)state;
    CHECK_ALL(samples);
}

static void
a_zero_byte_is_told(void **state)
{
    struct problems problems = { 0 };

    (void)state;
    assert_false(lexer_check("f", "a = 1;\n\0", 8, &problems));
    said_is(&problems, "f:2: holds a zero byte\n");
}

static void
all_faults_are_told_in_one_run(void **state)
{
    struct problems problems = { 0 };
    static const char bytes[] = "a = yes;\nb = [1, 2,];\nc = 30s;\nd = [\"x\" \"y\"];\n"
                                "e = \"open;\nf = \"z\";\ng = 1\nh = on;\n";

    (void)state;
    assert_false(lexer_check("f", bytes, sizeof(bytes) - 1, &problems));
    assert_int_equal(problems.errors, 6);
    said_is(&problems, "f:1: yes is no value; write true\n"
                       "f:2: a comma stands before the closing \"]\": take it away\n"
                       "f:3: 30s needs quotes: write \"30s\"\n"
                       "f:4: a comma is missing between \"x\" and \"y\"\n"
                       "f:5: the closing quote is missing in \"open;\n"
                       "f:8: on is no value; write true\n");
}

static void
what_is_too_much_ends(void **state)
{
    struct problems problems = { 0 };
    struct text bytes = { 0 };

    (void)state;
    for (int i = 0; i < 65; i++)
        text_puts(&bytes, "a = {");
    assert_false(lexer_check("f", bytes.bytes, bytes.length, &problems));
    said_is(&problems, "f:1: groups and lists are nested deeper than 64 here\n");
    bytes.length = 0;
    for (int i = 0; i < 100000; i++)
        text_puts(&bytes, "}\n");
    assert_false(lexer_check("f", bytes.bytes, bytes.length, &problems));
    assert_int_equal(problems.count, 51);
    problems_deinit(&problems);
    bytes.length = 0;
    for (int i = 0; i < 1025; i++)
        text_printf(&bytes, "a%d = 1;\n", i);
    assert_false(lexer_check("f", bytes.bytes, bytes.length, &problems));
    said_is(&problems, "f: more than 1024 settings in one group\n");
    text_deinit(&bytes);
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(what_is_right_passes),
    cmocka_unit_test(commas_are_missed),
    cmocka_unit_test(quotes_are_missed),
    cmocka_unit_test(words_are_no_values),
    cmocka_unit_test(brackets_are_missed),
    cmocka_unit_test(libconfig_would_misread),
    cmocka_unit_test(a_zero_byte_is_told),
    cmocka_unit_test(all_faults_are_told_in_one_run),
    cmocka_unit_test(what_is_too_much_ends),
};

UNIT_MAIN(tests)
