/* SPDX-License-Identifier: Apache-2.0
 *
 * template.c - fields in braces are filled in, and each slip has its own sentence.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "event.h"
#include "template.h"

#include <string.h>

static const struct label labels[] = { { "team", "ops \"a\"" } };

struct bench {
    struct event_pool *pool;
    struct sonde_event *event;
    struct arena memory;
};

static int
set_up(void **state)
{
    struct bench *bench = memory_new(sizeof(*bench));
    struct origin *origin = origin_new("shop", "http", "node-1", labels, 1);

    clock_fake(CLOCK_SECOND, INT64_C(1795197845123456));
    bench->pool = event_pool_new();
    bench->event = event_new(bench->pool, origin);
    bench->event->state = SONDE_DOWN;
    bench->event->attempt = 2;
    sonde_reason(bench->event, SONDE_L7STS, "answered \"%d\"", 503);
    sonde_metric(bench->event, "used", 0.5, NULL);
    origin_unref(origin);
    *state = bench;
    return 0;
}

static int
tear_down(void **state)
{
    struct bench *bench = *state;

    event_unref(bench->event);
    event_pool_free(bench->pool);
    arena_deinit(&bench->memory);
    free(bench);
    clock_fake(-1, 0);
    return 0;
}

static void
renders(struct bench *bench, const char *template, const char *expected)
{
    const char *error = NULL;
    const struct sonde_template *compiled = template_compile(&bench->memory, template,
                                                             &error);
    struct text out = { 0 };

    if (!compiled)
        fail_msg("\"%s\": %s", template, error);
    assert_string_equal(sonde_template_text(compiled), template);
    template_render(compiled, bench->event, &out);
    assert_string_equal(out.bytes, expected);
    template_render(compiled, bench->event, &out); /* adds */
    assert_int_equal(out.length, 2 * strlen(expected));
    text_deinit(&out);
}

static void
is_wrong(struct bench *bench, const char *template, const char *expected)
{
    const char *error = NULL;

    assert_null(template_compile(&bench->memory, template, &error));
    assert_string_equal(error, expected);
}

static void
fields_are_filled_in(void **state)
{
    struct bench *bench = *state;

    renders(bench, "", "");
    renders(bench, "plain", "plain");
    renders(bench, "{check}", "shop");
    renders(bench, "ALERT: {check} is {state}!", "ALERT: shop is DOWN!");
    renders(bench, "{reason}{message}", "L7STSanswered \"503\"");
    renders(bench, "{labels.team}|{attempt}|{metrics.used}", "ops \"a\"|2|0.5");
    renders(bench, "{time} {time}",
            "2026-11-20T18:04:05.123456Z 2026-11-20T18:04:05.123456Z");
}

static void
absent_fields_leave_nothing(void **state)
{
    renders(*state, "[{labels.none}{previous}{was.since}{details.x:json}{duration_us}]",
            "[]");
}

static void
json_is_escaped(void **state)
{
    renders(*state, "{{\"text\":\"{message:json}\",\"team\":\"{labels.team:json}\"}}",
            "{\"text\":\"answered \\\"503\\\"\",\"team\":\"ops \\\"a\\\"\"}");
}

static void
doubled_braces_are_braces(void **state)
{
    struct bench *bench = *state;

    renders(bench, "{{", "{");
    renders(bench, "}}", "}");
    renders(bench, "{{}}", "{}");
    renders(bench, "{{{check}}}", "{shop}");
    renders(bench, "{{check}}", "{check}");
}

static void
each_slip_has_its_sentence(void **state)
{
    struct bench *bench = *state;

    is_wrong(bench, "{chek}", "unknown field \"chek\"; did you mean \"check\"?");
    is_wrong(bench, "{lables.team}",
             "unknown field \"lables.team\"; did you mean \"labels.team\"?");
    is_wrong(bench, "{detection.onst}",
             "unknown field \"detection.onst\"; did you mean \"detection.onset\"?");
    is_wrong(bench, "{timing_us.conect}",
             "unknown field \"timing_us.conect\"; did you mean \"timing_us.connect\"?");
    is_wrong(bench, "{banana}", "unknown field \"banana\"");
    is_wrong(bench, "{labels}",
             "unknown field \"labels\"; did you mean \"labels.NAME\"?");
    is_wrong(bench, "{labels.}",
             "unknown field \"labels.\"; did you mean \"labels.NAME\"?");
    is_wrong(bench, "{message:jsn}", "unknown modifier \"jsn\"; did you mean \"json\"?");
    is_wrong(bench, "{message:}", "unknown modifier \"\"");
    is_wrong(bench, "{message:xml}", "unknown modifier \"xml\"");
    is_wrong(bench, "{}",
             "there is no field between the braces; write \"{{\" for a brace");
    is_wrong(bench, "{:json}",
             "there is no field between the braces; write \"{{\" for a brace");
    is_wrong(bench, "a {check", "\"{\" without its \"}\"; write \"{{\" for a brace");
    is_wrong(bench, "{", "\"{\" without its \"}\"; write \"{{\" for a brace");
    is_wrong(bench, "{check{state}", "\"{\" without its \"}\"; write \"{{\" for a brace");
    is_wrong(bench, "check} x",
             "\"}\" without a \"{\" before it; write \"}}\" for a brace");
    is_wrong(bench, "{check}}",
             "\"}\" without a \"{\" before it; write \"}}\" for a brace");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int
main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(fields_are_filled_in),
        TEST(absent_fields_leave_nothing),
        TEST(json_is_escaped),
        TEST(doubled_braces_are_braces),
        TEST(each_slip_has_its_sentence),
    };

    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests_name("template", tests, NULL, NULL);
}
