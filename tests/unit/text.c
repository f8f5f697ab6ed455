/* SPDX-License-Identifier: Apache-2.0
 *
 * text.c - texts grow, foreign bytes become harmless, durations and sizes are read
 * exactly, and a suggestion is made only where it helps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "json.h"
#include "memory.h"
#include "text.h"

#include <math.h>
#include <string.h>

#define REPLACED "\xEF\xBF\xBD"

static void
texts_grow(void **state)
{
    struct text text = { 0 };
    size_t longest = 3000;
    AUTO_FREE char *many = memory_new(longest + 1);

    (void)state;
    memset(many, 'x', longest);
    text_add(&text, NULL, 0);
    assert_string_equal(text.bytes, "");
    text_puts(&text, "a");
    text_printf(&text, "%d%s", 7, many);
    assert_int_equal(text.length, longest + 2);
    assert_int_equal(strlen(text.bytes), text.length);
    assert_memory_equal(text.bytes, "a7x", 3);
    for (int i = 0; i < 500; i++)
        text_printf(&text, "%c", 'a' + i % 26);
    assert_int_equal(text.length, longest + 502);
    text_deinit(&text);
    assert_null(text.bytes);
    text_deinit(&text);
}

/* ---- foreign bytes ---- */

static void
cleans_to(const char *bytes, size_t length, const char *expected)
{
    struct text text = { 0 };
    /* a copy of exactly that size, so that reading past it is seen */
    AUTO_FREE char *copy = memory_new(length);

    memcpy(copy, bytes, length);
    text_clean(&text, copy, length);
    assert_string_equal(text.bytes, expected);
    assert_int_equal(text.length, strlen(expected));
    text_deinit(&text);
}
#define CLEANS(bytes, expected) cleans_to(bytes, sizeof(bytes) - 1, expected)

static void
foreign_bytes_become_harmless(void **state)
{
    (void)state;
    CLEANS("", "");
    CLEANS("plain ~ text", "plain ~ text");
    CLEANS("gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80",
           "gr\xC3\xBC\xC3\x9F \xE2\x82\xAC \xF0\x9F\x98\x80");
    CLEANS("a\0b\x1B[2J\x7F", "a?b?[2J?");
    CLEANS("\xC2\x80|\xC2\x85|\xC2\x9F|\xC2\xA0", "?|?|?|\xC2\xA0");
    CLEANS("\xE2\x80\xA8\xE2\x80\xA9", "??");
    CLEANS("\xE2\x80\x8D|\xE2\x80\x8E|\xE2\x80\x8F|\xE2\x80\x90",
           "\xE2\x80\x8D|?|?|\xE2\x80\x90");
    CLEANS("\xE2\x80\xAA\xE2\x80\xAE|\xE2\x80\xAF", "??|\xE2\x80\xAF");
    CLEANS("\xE2\x81\xA5|\xE2\x81\xA6|\xE2\x81\xA9|\xE2\x81\xAA",
           "\xE2\x81\xA5|?|?|\xE2\x81\xAA");
    CLEANS("\xD8\x9C", "?");
}

static void
runs_of_white_space_become_one_blank(void **state)
{
    (void)state;
    CLEANS("a  b", "a  b");
    CLEANS("a \r\n\t b\n", "a b ");
    CLEANS("\n\n\n", " ");
    CLEANS("a\tb", "a b");
    CLEANS("a\v\fb", "a b");
}

static void
broken_utf8_is_replaced(void **state)
{
    (void)state;
    CLEANS("\xFF", REPLACED);
    CLEANS("a\xC3", "a" REPLACED);
    CLEANS("\xC0\xAF", REPLACED REPLACED);              /* overlong */
    CLEANS("\xED\xA0\x80", REPLACED REPLACED REPLACED); /* surrogate */
    CLEANS("\xF4\x90\x80\x80", REPLACED REPLACED REPLACED REPLACED);
    CLEANS("\xE2\x82z", REPLACED REPLACED "z");
}

static void
utf8_is_told(void **state)
{
    (void)state;
    assert_int_equal(text_utf8("", 0), 0);
    assert_int_equal(text_utf8("\0", 1), 1);
    assert_int_equal(text_utf8("\xC3\xBC", 2), 2);
    assert_int_equal(text_utf8("\xC3\xBC", 1), 0);
    assert_int_equal(text_utf8("\xC1\xBF", 2), 0);
    assert_int_equal(text_utf8("\xE0\x9F\xBF", 3), 0);
    assert_int_equal(text_utf8("\xE0\xA0\x80", 3), 3);
    assert_int_equal(text_utf8("\xED\x9F\xBF", 3), 3);
    assert_int_equal(text_utf8("\xEF\xBF\xBF", 3), 3);
    assert_int_equal(text_utf8("\xF0\x8F\xBF\xBF", 4), 0);
    assert_int_equal(text_utf8("\xF4\x8F\xBF\xBF", 4), 4);
    assert_int_equal(text_utf8("\xF5\x80\x80\x80", 4), 0);
}

/* ---- durations and sizes ---- */

static void
durations_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        { "0", 0 },
        { "0s", 0 },
        { "1ms", 1 },
        { "90s", 90000 },
        { "1m30s", 90000 },
        { "500ms", 500 },
        { "2h", 7200000 },
        { "1d", 86400000 },
        { "1d2h3m4s5ms", 93784005 },
        { "1.5s", 1500 },
        { "0.25m", 15000 },
        { "1.000s", 1000 },
        { "1m0.5s", 60500 },
        { "106751991167d", INT64_C(9223372036828800000) },
        { "", -1 },
        { "30", -1 },
        { "00", -1 },
        { "s", -1 },
        { "-1s", -1 },
        { "1s ", -1 },
        { " 1s", -1 },
        { "1 s", -1 },
        { "1S", -1 },
        { "1x", -1 },
        { "1ss", -1 },
        { "1s1m", -1 },
        { "1s1s", -1 },
        { "1.s", -1 },
        { ".5s", -1 },
        { "1..5s", -1 },
        { "1e3s", -1 },
        { "1m30", -1 },
        { "0.5ms", -1 },
        { "0.0005s", -1 },
        { "1.0000000s", -1 },
        { "106751991168d", -1 },
        { "9223372036854775807ms1ms", -1 },
        { "99999999999999999999s", -1 },
        { "+1s", -1 },
        { "yes", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (text_duration(rows[i].text) != rows[i].ms)
            fail_msg("\"%s\" is read as %lld", rows[i].text,
                     (long long)text_duration(rows[i].text));
}

static void
durations_are_written(void **state)
{
    static const int64_t samples[] = { 1,     999,     1000,     5000,
                                       90000, 3600000, 93784005, INT64_MAX };
    char buffer[64], narrow[3];

    (void)state;
    assert_string_equal(text_duration_format(0, buffer, sizeof(buffer)), "0s");
    assert_string_equal(text_duration_format(90000, buffer, sizeof(buffer)), "1m30s");
    assert_string_equal(text_duration_format(93784005, buffer, sizeof(buffer)),
                        "1d2h3m4s5ms");
    assert_string_equal(text_duration_format(-1500, buffer, sizeof(buffer)), "-1s500ms");
    assert_string_equal(text_duration_format(INT64_MIN, buffer, sizeof(buffer)),
                        "-106751991167d7h12m55s808ms");
    assert_string_equal(text_duration_format(90000, narrow, sizeof(narrow)), "1m");
    for (size_t i = 0; i < sizeof(samples) / sizeof(*samples); i++)
        assert_int_equal(
            text_duration(text_duration_format(samples[i], buffer, sizeof(buffer))),
            samples[i]);
}

static void
sizes_are_read(void **state)
{
    static const struct {
        const char *text;
        int64_t bytes;
    } rows[] = {
        { "0", 0 },
        { "512", 512 },
        { "512B", 512 },
        { "64KiB", 65536 },
        { "16MiB", 16777216 },
        { "1GiB", 1073741824 },
        { "10kB", 10000 },
        { "1MB", 1000000 },
        { "1.5KiB", 1536 },
        { "0.5MB", 500000 },
        { "2TiB", INT64_C(2199023255552) },
        { "9223372036854775807", INT64_MAX },
        { "8388607TiB", INT64_C(9223370937343148032) },
        { "", -1 },
        { "B", -1 },
        { "1K", -1 },
        { "1KB", -1 },
        { "1 MB", -1 },
        { "1.5", -1 },
        { "1.5B", -1 },
        { "-1", -1 },
        { "1MiBs", -1 },
        { "8388608TiB", -1 },
        { "9223372036854775808", -1 },
        { "0x10", -1 },
        { "1e6", -1 },
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++)
        if (text_size(rows[i].text) != rows[i].bytes)
            fail_msg("\"%s\" is read as %lld", rows[i].text,
                     (long long)text_size(rows[i].text));
}

/* ---- names ---- */

static void
globs_match(void **state)
{
    (void)state;
    assert_true(text_glob("", ""));
    assert_true(text_glob("*", ""));
    assert_true(text_glob("***", "abc"));
    assert_true(text_glob("web-*", "web-1"));
    assert_true(text_glob("*-db-*", "a-db-db-1"));
    assert_true(text_glob("a*b*c", "a-b-b-c"));
    assert_true(text_glob("?", "\xC3\xBC"));
    assert_true(text_glob("x?y", "x\xF0\x9F\x98\x80y"));
    assert_true(text_glob("[a]", "[a]"));
    assert_false(text_glob("", "a"));
    assert_false(text_glob("?", ""));
    assert_false(text_glob("web-*", "web"));
    assert_false(text_glob("a*b", "a-b-c"));
    assert_false(text_glob("[a]", "a"));
    assert_false(
        text_glob("*a*a*a*a*a*a*a*b",
                  "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"));
}

static void
the_nearest_name_is_suggested(void **state)
{
    static const char *const names[] = { "topic",   "brokers", "properties", "key",
                                         "timeout", "DOWN",    "interval",   "x" };
    const size_t count = sizeof(names) / sizeof(*names);
    char word[300];

    (void)state;
    assert_string_equal(text_nearest("topc", names, count), "topic");
    assert_string_equal(text_nearest("tpoic", names, count), "topic");
    assert_string_equal(text_nearest("borkers", names, count), "brokers");
    assert_string_equal(text_nearest("prop", names, count), "properties");
    assert_string_equal(text_nearest("timeouts", names, count), "timeout");
    assert_string_equal(text_nearest("keys", names, count), "key");
    assert_string_equal(text_nearest("down", names, count), "DOWN");
    assert_string_equal(text_nearest("intreval", names, count), "interval");
    assert_null(text_nearest("pr", names, count));
    assert_null(text_nearest("banana", names, count));
    assert_null(text_nearest("y", names, count));
    assert_null(text_nearest("", names, count));
    assert_null(text_nearest("topic", names, 0));
    memset(word, 'w', sizeof(word));
    word[sizeof(word) - 1] = '\0';
    assert_null(text_nearest(word, names, count));
}

static void
the_hash_never_changes(void **state)
{
    (void)state;
    assert_true(text_hash("", 0) == UINT64_C(0xcbf29ce484222325));
    assert_true(text_hash("foobar", 6) == UINT64_C(0x85944171f73967e8));
}

/* ---- JSON ---- */

static void
plainly_escaped(struct text *out, const unsigned char *bytes, size_t length)
{
    for (size_t i = 0; i < length;) {
        size_t size = text_utf8((const char *)bytes + i, length - i);
        if (!size)
            text_puts(out, REPLACED);
        else if (size > 1)
            text_add(out, (const char *)bytes + i, size);
        else if (bytes[i] == '"' || bytes[i] == '\\')
            text_printf(out, "\\%c", bytes[i]);
        else if (bytes[i] == '\n' || bytes[i] == '\t' || bytes[i] == '\r')
            text_puts(out, bytes[i] == '\n' ? "\\n" : bytes[i] == '\t' ? "\\t" : "\\r");
        else if (bytes[i] < 0x20)
            text_printf(out, "\\u%04x", bytes[i]);
        else
            text_add(out, (const char *)bytes + i, 1);
        i += size ? size : 1;
    }
}

static size_t
below(size_t limit) /* the same numbers in every run */
{
    static uint64_t random = 42;

    random = random * UINT64_C(6364136223846793005) + 1442695040888963407;
    return (size_t)(random >> 33) % limit;
}

/* Against the slow and obvious way, on texts of which every alignment, and every place
 * where a portion may end, is among. */
static void
strings_are_escaped(void **state)
{
    static const char *const pieces[] = {
        "a",
        "hello, world",
        "\"",
        "\\",
        "\n",
        "\x01",
        "\x1F",
        "\x7F",
        "\xC3\xBC",
        "\xE2\x82\xAC",
        "\xF0\x9F\x98\x80",
        "\xFF",
        "\xE2\x82",
        "\x80",
        " ",
        "!",
        "#",
        "[",
        "]",
    };
    const size_t count = sizeof(pieces) / sizeof(*pieces);

    (void)state;
    for (int round = 0; round < 3000; round++) {
        struct text in = { 0 }, out = { 0 }, expected = { 0 };
        size_t wanted = below(round % 10 ? 40 : 700);
        while (in.length < wanted)
            text_puts(&in, pieces[below(count)]);
        plainly_escaped(&expected, (const unsigned char *)in.bytes, in.length);
        json_escape(&out, in.bytes, in.length);
        text_add(&expected, "", 0);
        assert_string_equal(out.bytes, expected.bytes);
        text_deinit(&in);
        text_deinit(&out);
        text_deinit(&expected);
    }
}

static void
strings_are_quoted(void **state)
{
    struct text out = { 0 };

    (void)state;
    json_string(&out, "a\0\"", 3);
    json_string(&out, "", 0);
    assert_string_equal(out.bytes, "\"a\\u0000\\\"\"\"\"");
    text_deinit(&out);
}

static void
number_is(double value, const char *expected)
{
    struct text out = { 0 };

    json_number(&out, value);
    assert_string_equal(out.bytes, expected);
    text_deinit(&out);
}

static void
numbers_are_written(void **state)
{
    struct text out = { 0 };

    (void)state;
    number_is(0, "0");
    number_is(-17, "-17");
    number_is(81.2, "81.2");
    number_is(0.1 + 0.2, "0.30000000000000004");
    number_is(1e300, "1e+300");
    number_is(5e-324, "4.94065645841247e-324");
    number_is(NAN, "null");
    number_is(-INFINITY, "null");
    number_is(123456789012345678.0, "1.2345678901234568e+17");
    json_integer(&out, INT64_MIN);
    text_puts(&out, " ");
    json_integer(&out, INT64_MAX);
    text_puts(&out, " ");
    json_integer(&out, 100);
    assert_string_equal(out.bytes, "-9223372036854775808 9223372036854775807 100");
    text_deinit(&out);
}

int
main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_grow),
        cmocka_unit_test(foreign_bytes_become_harmless),
        cmocka_unit_test(runs_of_white_space_become_one_blank),
        cmocka_unit_test(broken_utf8_is_replaced),
        cmocka_unit_test(utf8_is_told),
        cmocka_unit_test(durations_are_read),
        cmocka_unit_test(durations_are_written),
        cmocka_unit_test(sizes_are_read),
        cmocka_unit_test(globs_match),
        cmocka_unit_test(the_nearest_name_is_suggested),
        cmocka_unit_test(the_hash_never_changes),
        cmocka_unit_test(strings_are_escaped),
        cmocka_unit_test(strings_are_quoted),
        cmocka_unit_test(numbers_are_written),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
