/* SPDX-License-Identifier: Apache-2.0
 *
 * option.c - settings and defaults fill a struct through its rows; what does not
 * fit has its own sentence, and a secret is in none of them.
 */
#include "said.h"

#include "option.h"
#include "template.h"

struct sample {
    const char *text;
    const char *const *texts;
    bool truth;
    int64_t integer, timeout, memory;
    double real;
    int ip;
    const struct sonde_template *key;
    const struct sonde_template *const *lines;
};

static const char *const ips[] = { "any", "4", "v6", NULL };
static const struct sonde_option rows[] = {
    SONDE_STRING(struct sample, text),
    SONDE_STRINGS(struct sample, texts),
    SONDE_BOOL(struct sample, truth, .fallback = "true"),
    SONDE_INTEGER(struct sample, integer, .fallback = "7", .min = 1, .max = 9),
    SONDE_DURATION(struct sample, timeout, .fallback = "1m30s", .min = 1000,
                   .max = 3600000),
    SONDE_SIZE(struct sample, memory, .fallback = "16MiB", .min = 65536, .max = -1),
    SONDE_REAL(struct sample, real, .fallback = "0.5", .min = 0, .max = 2),
    SONDE_CHOICE(struct sample, ip, .fallback = "4", .choices = ips),
    SONDE_TEMPLATE(struct sample, key, .fallback = "{check}"),
    SONDE_TEMPLATES(struct sample, lines),
    { 0 },
};

struct bench {
    struct arena memory;
    struct problems problems;
    struct setting own, plugin, all;
    struct option_sources sources;
};

static int
set_up(void **state)
{
    struct bench *bench = memory_new(sizeof(*bench));

    bench->own.kind = bench->plugin.kind = bench->all.kind = SETTING_GROUP;
    bench->sources = (struct option_sources){ &bench->own,
                                              { &bench->plugin, &bench->all } };
    *state = bench;
    return 0;
}

static int
tear_down(void **state)
{
    struct bench *bench = *state;

    problems_deinit(&bench->problems);
    arena_deinit(&bench->memory);
    free(bench);
    return 0;
}

static struct setting *
put(struct bench *bench, struct setting *group, enum setting_kind kind, const char *name)
{
    struct setting *setting = setting_new(&bench->memory, kind, name,
                                          (struct place){ "f", 3 });

    setting_append(group, setting);
    return setting;
}

static struct setting *
put_text(struct bench *bench, struct setting *group, const char *name, const char *text)
{
    struct setting *setting = put(bench, group, SETTING_TEXT, name);

    setting->text = text;
    return setting;
}

static struct setting *
put_integer(struct bench *bench, struct setting *group, const char *name, int64_t integer)
{
    struct setting *setting = put(bench, group, SETTING_INTEGER, name);

    setting->integer = integer;
    return setting;
}

static bool
fill(struct bench *bench, struct sample *sample, const struct sonde_option *table)
{
    *sample = (struct sample){ 0 };
    return option_fill(sample, table, &bench->sources, &bench->memory, "check \"x\"",
                       (struct place){ "f", 1 }, &bench->problems);
}

static void
fallbacks_fill_what_nobody_wrote(void **state)
{
    struct bench *bench = *state;
    struct sample sample;

    assert_true(fill(bench, &sample, rows));
    assert_null(sample.text);
    assert_non_null(sample.texts); /* an empty list can be walked */
    assert_null(sample.texts[0]);
    assert_null(sample.lines[0]);
    assert_true(sample.truth);
    assert_int_equal(sample.integer, 7);
    assert_int_equal(sample.timeout, 90000);
    assert_int_equal(sample.memory, 16 << 20);
    assert_true(sample.real == 0.5);
    assert_int_equal(sample.ip, 1);
    assert_string_equal(sonde_template_text(sample.key), "{check}");
    said_is(&bench->problems, "");
}

static void
each_kind_is_read(void **state)
{
    struct bench *bench = *state;
    struct sample sample;
    struct setting *list;

    put_text(bench, &bench->own, "text", "hello");
    list = put(bench, &bench->own, SETTING_LIST, "texts");
    put_text(bench, list, NULL, "a");
    put_text(bench, list, NULL, "b");
    put(bench, &bench->own, SETTING_BOOL, "truth")->truth = false;
    put_integer(bench, &bench->own, "integer", 9);
    put_text(bench, &bench->own, "timeout", "3s");
    put_text(bench, &bench->own, "memory", "1GiB");
    put_integer(bench, &bench->own, "real", 2);
    put_text(bench, &bench->own, "ip", "v6");
    put_text(bench, &bench->own, "lines", "{state}"); /* a list of one */
    assert_true(fill(bench, &sample, rows));
    said_is(&bench->problems, "");
    assert_string_equal(sample.text, "hello");
    assert_string_equal(sample.texts[1], "b");
    assert_null(sample.texts[2]);
    assert_false(sample.truth);
    assert_int_equal(sample.integer, 9);
    assert_int_equal(sample.timeout, 3000);
    assert_int_equal(sample.memory, 1 << 30);
    assert_true(sample.real == 2.0);
    assert_int_equal(sample.ip, 2);
    assert_string_equal(sonde_template_text(sample.lines[0]), "{state}");
    assert_null(sample.lines[1]);
}

static void
own_goes_before_defaults(void **state)
{
    struct bench *bench = *state;
    struct sample sample;

    put_text(bench, &bench->all, "timeout", "5s");
    put_text(bench, &bench->all, "memory", "1MiB");
    put_text(bench, &bench->all, "text", "all");
    put_text(bench, &bench->plugin, "timeout", "3s");
    put_text(bench, &bench->plugin, "memory", "2MiB");
    put_text(bench, &bench->own, "timeout", "2s");
    put(bench, &bench->all, SETTING_GROUP, "ip"); /* defaults of a plugin of that name */
    assert_true(fill(bench, &sample, rows));
    assert_int_equal(sample.timeout, 2000);
    assert_int_equal(sample.memory, 2 << 20);
    assert_string_equal(sample.text, "all");
    assert_int_equal(sample.ip, 1);
    assert_ptr_equal(option_setting(&bench->sources, "memory"),
                     setting_find(&bench->plugin, "memory"));
    assert_null(option_setting(&bench->sources, "ip"));
}

static void
each_slip_has_its_sentence(void **state)
{
    struct bench *bench = *state;
    struct sample sample;

    put_integer(bench, &bench->own, "text", 80);
    put_integer(bench, &bench->own, "truth", 1);
    put_integer(bench, &bench->own, "integer", 10);
    put_integer(bench, &bench->own, "timeout", 30);
    put_integer(bench, &bench->own, "memory", 1024);
    put_text(bench, &bench->own, "real", "x");
    put_text(bench, &bench->own, "ip", "v5");
    put_text(bench, &bench->own, "key", "{chekc}");
    put(bench, &bench->own, SETTING_GROUP, "lines");
    put_integer(bench, put(bench, &bench->own, SETTING_LIST, "texts"), NULL, 5);
    assert_false(fill(bench, &sample, rows));
    said_is(&bench->problems,
            "f:3: check \"x\": integer must be from 1 to 9, not 10\n"
            "f:3: check \"x\": ip must be one of \"any\", \"4\", \"v6\", not \"v5\"; did "
            "you mean "
            "\"v6\"?\n"
            "f:3: check \"x\": key is no template: unknown field \"chekc\"; did you mean "
            "\"check\"?\n"
            "f:3: check \"x\": lines must be a list of texts, as in [\"a\", \"b\"], this "
            "is a "
            "group\n"
            "f:3: check \"x\": memory is a size and needs a unit, in quotes, as in "
            "\"16MiB\"\n"
            "f:3: check \"x\": real must be a number, not \"x\"\n"
            "f:3: check \"x\": text must be a text in quotes, not 80\n"
            "f:3: check \"x\": texts must be a text in quotes, not 5\n"
            "f:3: check \"x\": timeout is a duration and needs a unit, in quotes, as in "
            "\"30s\"\n"
            "f:3: check \"x\": truth must be true or false, not 1\n");
}

static void
limits_are_told_in_units(void **state)
{
    struct bench *bench = *state;
    struct sample sample;

    put_text(bench, &bench->own, "timeout", "500ms");
    put_text(bench, &bench->own, "memory", "1KiB");
    put(bench, &bench->own, SETTING_REAL, "real")->real = 2.5;
    assert_false(fill(bench, &sample, rows));
    said_is(&bench->problems,
            "f:3: check \"x\": memory must be at least 64KiB, not \"1KiB\"\n"
            "f:3: check \"x\": real must be from 0 to 2, not 2.5\n"
            "f:3: check \"x\": timeout must be from 1s to 1h, not \"500ms\"\n");
    put_text(bench, &bench->plugin, "integer", "7x");
    bench->own.first = bench->own.last = NULL;
    put_text(bench, &bench->own, "timeout", "30");
    assert_false(fill(bench, &sample, rows));
    said_is(&bench->problems,
            "f:3: check \"x\": integer must be a whole number, not \"7x\"\n"
            "f:3: check \"x\": timeout must be a duration, as in \"30s\", not "
            "\"30\"\n");
}

static void
secrets_are_not_told(void **state)
{
    static const struct sonde_option secret_rows[] = {
        SONDE_INTEGER(struct sample, integer, .secret = true),
        SONDE_CHOICE(struct sample, ip, .choices = ips),
        SONDE_TEMPLATE(struct sample, key, .secret = true),
        { 0 },
    };
    struct bench *bench = *state;
    struct sample sample;

    put_text(bench, &bench->own, "integer", "hunter2");
    put_text(bench, &bench->own, "ip", "v4")->secret = true; /* came from ${} */
    put_text(bench, &bench->own, "key", "{hunter2}");
    assert_false(fill(bench, &sample, secret_rows));
    said_is(&bench->problems,
            "f:3: check \"x\": integer must be a whole number, not ***\n"
            "f:3: check \"x\": ip must be one of \"any\", \"4\", \"v6\", not "
            "***\n"
            "f:3: check \"x\": key is no template; see the manual for their "
            "form\n");
}

static void
what_is_required_is_missed(void **state)
{
    static const struct sonde_option required[] = {
        SONDE_STRING(struct sample, text, .required = true, .help = "where to connect"),
        SONDE_INTEGER(struct sample, integer, .fallback = "x"),
        { 0 },
    };
    struct bench *bench = *state;
    struct sample sample;

    assert_false(fill(bench, &sample, required));
    said_is(&bench->problems, "f:1: check \"x\": text is missing: where to connect\n"
                              "f:1: check \"x\": the plugin's own default of integer "
                              "must be a whole number, not "
                              "\"x\"\n");
}

static void
unknown_names_meet_the_nearest(void **state)
{
    static const struct sonde_option more[] = {
        { .name = "topic", .kind = SONDE_KIND_STRING }, { 0 }
    };
    const struct sonde_option *const tables[] = { rows, more, NULL };
    struct bench *bench = *state;

    put_text(bench, &bench->own, "topc", "x");
    put_text(bench, &bench->own, "timeot", "x");
    put_text(bench, &bench->own, "completely", "x");
    put_text(bench, &bench->own, "text", "x");
    assert_false(option_unknown(&bench->own, tables, "sink \"a\"", &bench->problems));
    said_is(&bench->problems,
            "f:3: sink \"a\": unknown option \"completely\"\n"
            "f:3: sink \"a\": unknown option \"timeot\"; did you mean \"timeout\"?\n"
            "f:3: sink \"a\": unknown option \"topc\"; did you mean \"topic\"?\n");
    assert_string_equal(option_find(rows, "ip")->name, "ip");
    assert_null(option_find(rows, "topic"));
}

static void
equal_means_every_value(void **state)
{
    struct bench *bench = *state;
    struct sample a, b;
    struct setting *list = put(bench, &bench->own, SETTING_LIST, "texts"), *last;

    put_text(bench, list, NULL, "a");
    last = put_text(bench, list, NULL, "b");
    put_text(bench, &bench->own, "text", "x");
    assert_true(fill(bench, &a, rows));
    assert_true(fill(bench, &b, rows));
    assert_true(option_equal(&a, &b, rows));
    last->text = "c";
    assert_true(fill(bench, &b, rows));
    assert_false(option_equal(&a, &b, rows));
    last->text = "b";
    put_text(bench, &bench->own, "key", "{state}");
    assert_true(fill(bench, &b, rows));
    assert_false(option_equal(&a, &b, rows));
    assert_true(fill(bench, &a, rows));
    assert_true(option_equal(&a, &b, rows));
    b.truth = !b.truth;
    assert_false(option_equal(&a, &b, rows));
}

static const struct CMUnitTest tests[] = {
    cmocka_unit_test_setup_teardown(fallbacks_fill_what_nobody_wrote, set_up, tear_down),
    cmocka_unit_test_setup_teardown(each_kind_is_read, set_up, tear_down),
    cmocka_unit_test_setup_teardown(own_goes_before_defaults, set_up, tear_down),
    cmocka_unit_test_setup_teardown(each_slip_has_its_sentence, set_up, tear_down),
    cmocka_unit_test_setup_teardown(limits_are_told_in_units, set_up, tear_down),
    cmocka_unit_test_setup_teardown(secrets_are_not_told, set_up, tear_down),
    cmocka_unit_test_setup_teardown(what_is_required_is_missed, set_up, tear_down),
    cmocka_unit_test_setup_teardown(unknown_names_meet_the_nearest, set_up, tear_down),
    cmocka_unit_test_setup_teardown(equal_means_every_value, set_up, tear_down),
};

UNIT_MAIN(tests)
