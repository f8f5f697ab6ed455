/* SPDX-License-Identifier: Apache-2.0
 *
 * json_rule.c - JSON rules: what they take, what holds, and what is said where not.
 */
#include "unit.h"

#include "../../plugins/probe_http/json_rule.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char why[400];

/* Of one rule and one body. */
static enum sonde_reason
judge_bytes(const char *rule, const char *body, size_t length)
{
    const char *const texts[] = { rule, NULL };
    struct json_rule *rules = json_rule_new(texts, why, sizeof(why));
    char *copy = malloc(length ? length : 1); /* for the sanitizer to see its end */
    enum sonde_reason reason;

    assert_non_null(copy);
    if (!rules)
        fail_msg("%s", why);
    memcpy(copy, body, length);
    why[0] = '\0';
    reason = json_rule_judge(rules, copy, length, why, sizeof(why));
    free(copy);
    json_rule_free(rules);
    return reason;
}

static bool
holds(const char *rule, const char *body)
{
    return judge_bytes(rule, body, strlen(body)) == SONDE_OK;
}

static void
breaks(const char *rule, const char *body, const char *said)
{
    assert_int_equal(judge_bytes(rule, body, strlen(body)), SONDE_L7BODY);
    assert_string_equal(why, said);
}

static void
wrong(const char *rule, const char *said)
{
    const char *const texts[] = { "a == 1", rule, NULL };

    assert_null(json_rule_new(texts, why, sizeof(why)));
    assert_string_equal(why, said);
}

static void
a_path_leads_to_a_value(void **state)
{
    (void)state;
    assert_true(holds("a == 1", "{\"a\":1}"));
    assert_true(holds("  a.b[0]  ==  \"ok\"  ", "{\"a\":{\"b\":[\"ok\"]}}"));
    assert_true(holds("[\"odd key\"].x==2", "{\"odd key\":{\"x\":2}}"));
    assert_true(holds("a[\"b.c[0] == \\\"\"] == 3", "{\"a\":{\"b.c[0] == \\\"\":3}}"));
    assert_true(holds("[\"]\"][\"\\u00e9\"] == 4", "{\"]\":{\"\xc3\xa9\":4}}"));
    assert_true(holds("[1][0].x == 5", "[0,[{\"x\":5}]]"));
    assert_true(holds("$ == \"ok\"", "\"ok\""));
    assert_true(holds("$ >= 42", " 42 "));
    assert_true(holds("$[0] == null", "[null]"));
    assert_true(holds("$.a == true", "{\"a\":true}"));
    assert_true(holds("$x == 1", "{\"$x\":1}"));
    assert_true(holds("a-b_c@d/e:f == 1", "{\"a-b_c@d/e:f\":1}"));
    assert_true(holds("0.1 == 1", "{\"0\":{\"1\":1}}"));
    assert_true(holds("[\"\"] == 1", "{\"\":1}"));
    assert_true(holds("a == 2", "{\"a\":1,\"a\":2}")); /* the last one */
}

static void
a_missing_path_says_how_far_it_went(void **state)
{
    (void)state;
    breaks("a == 1", "{}", "a == 1 does not hold: the body has no \"a\"");
    breaks("a != 1", "{}", "a != 1 does not hold: the body has no \"a\"");
    breaks("a.b.c == 1", "{\"a\":{\"b\":{}}}",
           "a.b.c == 1 does not hold: a.b has no \"c\"");
    breaks("a.b[2] == 1", "{\"a\":{\"b\":[1,2]}}",
           "a.b[2] == 1 does not hold: a.b has 2 elements");
    breaks("  a.b == 1", "{\"a\":\"x\"}",
           "  a.b == 1 does not hold: a is \"x\", not an object");
    breaks("a[0].b == 1", "{\"a\":{}}",
           "a[0].b == 1 does not hold: a is an object, not a list");
    breaks("a == 1", "[]", "a == 1 does not hold: the body is a list, not an object");
    breaks("[\"x y\"][3] == 1", "{\"x y\":[]}",
           "[\"x y\"][3] == 1 does not hold: [\"x y\"] has 0 elements");
    breaks("[999999999] == 1", "[]",
           "[999999999] == 1 does not hold: the body has 0 elements");
}

static void
numbers_compare_as_numbers(void **state)
{
    (void)state;
    assert_true(holds("a == 1", "{\"a\":1.0}"));
    assert_true(holds("a == 1e2", "{\"a\":100}"));
    assert_true(holds("a < 10", "{\"a\":9}"));
    assert_true(holds("a <= 9", "{\"a\":9}"));
    assert_true(holds("a > 8.5", "{\"a\":9}"));
    assert_true(holds("a >= -1", "{\"a\":-0.5}"));
    assert_true(holds("a != 1", "{\"a\":2}"));
    assert_true(holds("a > 9007199254740992", "{\"a\":9007199254740993}"));
    assert_true(holds("a != 9007199254740992.0", "{\"a\":9007199254740993}"));
    /* beyond 64 bits: not exact, but a number, wherever in the body it is */
    assert_true(holds("a > 1", "{\"a\":18446744073709551616}"));
    assert_true(holds("b == 1", "{\"a\":18446744073709551616,\"b\":1}"));
    assert_true(holds("a < 18446744073709551616", "{\"a\":1}"));
    breaks("a < 1", "{\"a\":1}", "a < 1 does not hold: it is 1");
    breaks("a == 0.5", "{\"a\":0.25}", "a == 0.5 does not hold: it is 0.25");
    assert_int_equal(judge_bytes("a == 1", "{\"a\":1e999}", 11), SONDE_L7BODY);
}

static void
strings_compare_by_bytes(void **state)
{
    (void)state;
    assert_true(holds("a == \"ok\"", "{\"a\":\"ok\"}"));
    assert_true(holds("a == \"\\u00e9\"", "{\"a\":\"\xc3\xa9\"}"));
    assert_true(holds("a < \"b\"", "{\"a\":\"a\"}"));
    assert_true(holds("a < \"ab\"", "{\"a\":\"a\"}"));
    assert_true(holds("a > \"a\"", "{\"a\":\"a\\u0000\"}"));
    assert_true(holds("a == \"x\\u0000y\"", "{\"a\":\"x\\u0000y\"}"));
    assert_true(holds("a > \"z\"", "{\"a\":\"\xc3\xa9\"}"));
    assert_true(holds("a >= \"10\"", "{\"a\":\"9\"}"));
    breaks("a == \"x\"", "{\"a\":\"x\\u0000\"}", "a == \"x\" does not hold: it is \"x\"");
    breaks("a != \"ok\"", "{\"a\":\"ok\"}", "a != \"ok\" does not hold: it is \"ok\"");
}

static void
types_that_differ_are_not_equal(void **state)
{
    (void)state;
    assert_true(holds("a != \"1\"", "{\"a\":1}"));
    assert_true(holds("a != null", "{\"a\":0}"));
    assert_true(holds("a != true", "{\"a\":false}"));
    assert_true(holds("a == null", "{\"a\":null}"));
    assert_true(holds("a != 1", "{\"a\":[1]}"));
    breaks("a == \"1\"", "{\"a\":1}", "a == \"1\" does not hold: it is 1");
    breaks("a == true", "{\"a\":false}", "a == true does not hold: it is false");
    breaks("a == 1", "{\"a\":{}}", "a == 1 does not hold: it is an object");
    breaks("a < 2", "{\"a\":\"1\"}",
           "a < 2 does not hold: it is \"1\", which has no order with a number");
    breaks("a >= \"1\"", "{\"a\":null}",
           "a >= \"1\" does not hold: it is null, which has no order with a string");
}

static void
expressions_are_for_strings(void **state)
{
    static const char digits[] = "{\"a\":\"";
    static char long_body[600000];

    (void)state;
    assert_true(holds("a ~ \"^o.$\"", "{\"a\":\"ok\"}"));
    assert_true(holds("a ~ \"\\\\d+\"", "{\"a\":\"v12\"}"));
    breaks("a ~ \"^x\"", "{\"a\":\"ok\"}", "a ~ \"^x\" does not hold: it is \"ok\"");
    breaks("a ~ \"1\"", "{\"a\":1}",
           "a ~ \"1\" does not hold: it is 1, and ~ is for strings");
    memset(long_body, '1', sizeof(long_body));
    memcpy(long_body, digits, strlen(digits));
    memcpy(long_body + sizeof(long_body) - 3, "\"}", 3);
    assert_false(holds("a ~ \"[0-9]++[a-z]\"", long_body));
    assert_non_null(strstr(why, ", on which the expression takes too long"));
}

static void
what_is_not_json_is_told(void **state)
{
    static const char *const broken[] = {
        "nonsense",
        "{\"a\":1",
        "{\"a\":1}}",
        "{\"a\":01}",
        "{a:1}",
        "[1,]",
        "\"a",
        "\"\xff\"",
        "\"\xed\xa0\x80\"",
        "{\"\\u0000\":1}",
        "\xef\xbb\xbf{}",
        "\"\\ud800\"",
        "[\"\x01\"]",
        "NaN",
        "{\"a\":1}\x1b[2J",
    };

    (void)state;
    breaks("a == 1", "", "the body is empty, and no JSON");
    for (size_t i = 0; i < sizeof(broken) / sizeof(*broken); i++) {
        assert_false(holds("$ != 1", broken[i]));
        assert_int_equal(strncmp(why, "the body is not JSON: ", 22), 0);
    }
    breaks("a == 1", "{\"a\"\n :1,}",
           "the body is not JSON: string or '}' expected near '}', at line 2, column 5");
    assert_int_equal(judge_bytes("a == 1", "{\"a\":1}\0", 8), SONDE_L7BODY);
}

/* As many as many times the bytes, then a rest. */
static enum sonde_reason
judge_many(const char *unit, size_t times, const char *rest)
{
    size_t length = strlen(unit) * times + strlen(rest);
    char *body = malloc(length + 1), *at = body;
    enum sonde_reason reason;

    assert_non_null(body);
    while (times--)
        at = stpcpy(at, unit);
    strcpy(at, rest);
    reason = judge_bytes("$ != 1", body, length);
    free(body);
    return reason;
}

static void
a_bomb_is_not_unpacked(void **state)
{
    (void)state;
    assert_int_equal(judge_many("[", 2000, ""), SONDE_L7BODY);
    assert_int_equal(judge_many("[", JSON_RULE_VALUES - 1, ""),
                     SONDE_L7BODY); /* too deep */
    assert_int_equal(judge_many("[", JSON_RULE_VALUES, ""), SONDE_L7BIG);
    assert_int_equal(judge_many("[{},{},", JSON_RULE_VALUES, ""), SONDE_L7BIG);
    assert_int_equal(judge_many(" ", JSON_RULE_BODY, "1"), SONDE_L7BIG);
    assert_non_null(strstr(why, "too much JSON"));
    assert_int_equal(judge_many(" ", JSON_RULE_BODY - 1, "2"), SONDE_OK);
    /* what is in a text counts for nothing */
    assert_int_equal(judge_many("[\"\\\\\\\"", 1, ",,\"]"), SONDE_OK);
    assert_int_equal(judge_many("\"", 1, ""), SONDE_L7BODY);
    assert_int_equal(judge_many("\\", 3, ""), SONDE_L7BODY);
}

static void
wrong_rules_are_told(void **state)
{
    (void)state;
    wrong("", "\"\", at character 1: a key is missing; write a.b[0] == \"ok\"");
    wrong("a..b == 1",
          "\"a..b == 1\", at character 3: a key is missing; write a.b[0] == \"ok\"");
    wrong("== 1", "\"== 1\", at character 1: a key is missing; write a.b[0] == \"ok\"");
    wrong("a = 1",
          "\"a = 1\", at character 3: after the path comes ==, !=, <, <=, >, >= or ~");
    wrong("a", "\"a\", at character 2: after the path comes ==, !=, <, <=, >, >= or ~");
    wrong(
        "a[x] == 1",
        "\"a[x] == 1\", at character 2: an element of a list is written [0], the first");
    wrong(
        "a[-1] == 1",
        "\"a[-1] == 1\", at character 2: an element of a list is written [0], the first");
    wrong("a[0 == 1",
          "\"a[0 == 1\", at character 2: an element of a list is written [0], the first");
    wrong("[\"x] == 1",
          "\"[\"x] == 1\", at character 1: an odd key is written [\"odd key\"]");
    wrong("[\"\\u0000\"] == 1",
          "\"[\"\\u0000\"] == 1\", at character 1: an odd key is written [\"odd key\"]");
    wrong("a == ok",
          "\"a == ok\", at character 6: the value is \"a string\" in quotes, a "
          "number, true, false or null");
    wrong("a == [1]",
          "\"a == [1]\", at character 6: the value is \"a string\" in quotes, "
          "a number, true, false or null");
    wrong("a == 1 2",
          "\"a == 1 2\", at character 6: the value is \"a string\" in quotes, "
          "a number, true, false or null");
    wrong("a < true", "\"a < true\", at character 5: only numbers and strings have an "
                      "order; write == or !=");
    wrong("a ~ 1", "\"a ~ 1\", at character 5: ~ wants a regular expression in quotes, "
                   "\"^ok$\"");
    wrong("a ~ \"a(b\"", "\"a ~ \"a(b\"\", at character 5: not a regular expression: "
                         "missing closing parenthesis, at character 4");
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test(a_path_leads_to_a_value),
    cmocka_unit_test(a_missing_path_says_how_far_it_went),
    cmocka_unit_test(numbers_compare_as_numbers),
    cmocka_unit_test(strings_compare_by_bytes),
    cmocka_unit_test(types_that_differ_are_not_equal),
    cmocka_unit_test(expressions_are_for_strings),
    cmocka_unit_test(what_is_not_json_is_told),
    cmocka_unit_test(a_bomb_is_not_unpacked),
    cmocka_unit_test(wrong_rules_are_told),
};

UNIT_MAIN(tests)
