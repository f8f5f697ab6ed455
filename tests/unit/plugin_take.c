/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin_take.c - records vetted one by one: what a plugin may say of itself, and
 * what is made of it.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin.h"

#include <stdio.h>
#include <string.h>

#define assert_contains(text, part)                                                      \
    do {                                                                                 \
        if (!strstr((text), (part)))                                                     \
            fail_msg("\"%s\" does not contain \"%s\"", (text), (part));                  \
    } while (0)

struct fields {
    const char *text;
    int64_t number;
    int choice;
    bool flag;
};

static enum sonde_state
run(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self, (void)event;
    return SONDE_UP;
}

static void
begin(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self, (void)event;
}

static enum sonde_fate
write_batch(struct sonde_instance *self, struct sonde_batch *batch)
{
    (void)self, (void)batch;
    return SONDE_DELIVERED;
}

static void
submit(struct sonde_instance *self, struct sonde_batch *batch)
{
    (void)self, (void)batch;
}

static void
cancel(struct sonde_instance *self)
{
    (void)self;
}

static bool
somewhere(const void *at, size_t size, void *arg)
{
    (void)size, (void)arg;
    return at != NULL;
}

static struct arena memory;
static const char *why;

static struct plugin *
take(uint32_t role, size_t size, const void *descriptor)
{
    const struct sonde_plugin record = { SONDE_ABI, role, size,
                                         sizeof(struct sonde_option), descriptor };

    why = NULL;
    struct plugin *plugin = plugin_take(&memory, &record, somewhere, NULL, &why);
    assert_true((plugin == NULL) == (why != NULL));
    return plugin;
}

static void
refused(const struct sonde_probe *probe, const char *part)
{
    assert_null(take(1, sizeof(*probe), probe));
    assert_contains(why, part);
}

static void
refused_row(struct sonde_option row, const char *part)
{
    const struct sonde_option rows[] = { row, { 0 } };
    const struct sonde_probe probe = {
        .name = "x", .size = sizeof(struct fields), .options = rows, .run = run
    };

    refused(&probe, part);
}

static void
a_probe_is_taken_as_it_is(void **state)
{
    static const char *const choices[] = { "a", "b", NULL };
    static const struct sonde_option rows[] = {
        SONDE_STRING(struct fields, text, .required = true, .help = "a text"),
        SONDE_INTEGER(struct fields, number, .fallback = "7", .min = 1, .max = 9),
        SONDE_CHOICE(struct fields, choice, .choices = choices),
        SONDE_BOOL(struct fields, flag),
        { 0 }
    };
    static const struct sonde_probe probe = { .name = "some-probe",
                                              .summary = "something",
                                              .size = sizeof(struct fields),
                                              .options = rows,
                                              .run = run };
    const struct plugin *plugin = take(1, sizeof(probe), &probe);

    (void)state;
    assert_non_null(plugin);
    assert_int_equal(plugin->role, PLUGIN_PROBE);
    assert_string_equal(plugin->name, "some-probe");
    assert_string_equal(plugin->summary, "something");
    assert_ptr_equal(plugin->probe.run, run);
    assert_int_equal(plugin->probe.size, sizeof(struct fields));
    assert_memory_equal(plugin->options, rows, sizeof(rows));
}

static void
options_are_never_null(void **state)
{
    static const struct sonde_sink sink = { .name = "s", .write = write_batch };
    const struct plugin *plugin = take(3, sizeof(sink), &sink);

    (void)state;
    assert_non_null(plugin);
    assert_null(plugin->options->name);
    assert_string_equal(plugin->summary, "");
}

static void
a_probe_has_one_way_to_answer(void **state)
{
    struct sonde_probe probe = { .name = "x" };

    (void)state;
    refused(&probe, "neither run nor begin");
    probe.begin = begin;
    refused(&probe, "begin without cancel");
    probe.cancel = begin;
    assert_non_null(take(1, sizeof(probe), &probe));
    probe.run = run;
    refused(&probe, "both run and begin");
    probe.begin = NULL;
    assert_non_null(take(1, sizeof(probe), &probe)); /* cancel may go with run */
}

static void
refused_sink(const struct sonde_sink *sink, const char *part)
{
    assert_null(take(3, sizeof(*sink), sink));
    assert_contains(why, part);
}

static void
a_sink_has_one_way_to_deliver(void **state)
{
    struct sonde_sink sink = { .name = "x" };

    (void)state;
    refused_sink(&sink, "neither write nor submit");
    sink.submit = submit;
    refused_sink(&sink, "submit without cancel");
    sink.cancel = cancel;
    assert_non_null(take(3, sizeof(sink), &sink));
    sink.write = write_batch;
    refused_sink(&sink, "both write and submit");
    sink.submit = NULL;
    sink.batch = 1000000;
    refused_sink(&sink, "1000000 items in a batch");
    sink.batch = 0;
    sink.in_flight = 1000000;
    refused_sink(&sink, "1000000 batches in flight");
}

static void
a_name_is_a_name(void **state)
{
    static const char *const wrong[] = {
        "", "A", "a b", "../a", "a.so", "1a", "-a", "a/b"
    };
    struct sonde_probe probe = { .run = run };

    (void)state;
    refused(&probe, "has no name");
    for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
        probe.name = wrong[i];
        refused(&probe, "a name is of a-z, 0-9, - and _");
    }
    probe.name = "a-very-long-name-that-goes-on-and-on-beyond-all-measure";
    refused(&probe, "has the name");
}

static void
an_option_fits_its_struct(void **state)
{
    struct sonde_option row = { .name = "n", .kind = SONDE_KIND_INTEGER };

    (void)state;
    row.offset = sizeof(struct fields);
    refused_row(row, "option \"n\" does not fit the private struct");
    row.offset = sizeof(struct fields) - 4;
    refused_row(row, "does not fit");
    row.offset = SIZE_MAX;
    refused_row(row, "does not fit");
    row.offset = 4; /* askew for eight bytes */
    refused_row(row, "does not fit");
}

static void
an_option_is_of_a_known_kind(void **state)
{
    static const char *const none[] = { NULL };

    (void)state;
    refused_row((struct sonde_option){ .name = "n", .kind = (enum sonde_kind)99 },
                "kind 99, which this daemon does not know");
    refused_row((struct sonde_option){ .name = "n" }, "kind 0");
    refused_row((struct sonde_option){ .kind = SONDE_KIND_BOOL }, "without a name");
    refused_row((struct sonde_option){ .name = "a b", .kind = SONDE_KIND_BOOL },
                "no name");
    refused_row((struct sonde_option){ .name = "", .kind = SONDE_KIND_BOOL }, "no name");
    refused_row((struct sonde_option){ .name = "n", .kind = SONDE_KIND_CHOICE },
                "a choice without choices");
    refused_row(
        (struct sonde_option){ .name = "n", .kind = SONDE_KIND_CHOICE, .choices = none },
        "a choice without choices");
}

static void
an_option_comes_once(void **state)
{
    static const struct sonde_option rows[] = { SONDE_BOOL(struct fields, flag),
                                                SONDE_STRING(struct fields, text),
                                                SONDE_BOOL(struct fields, flag),
                                                { 0 } };
    const struct sonde_probe probe = {
        .name = "x", .size = sizeof(struct fields), .options = rows, .run = run
    };

    (void)state;
    refused(&probe, "two options \"flag\"");
}

static void
rows_without_an_end_are_refused(void **state)
{
    static struct sonde_option rows[300];
    static char names[300][16];
    const struct sonde_probe probe = {
        .name = "x", .size = sizeof(struct fields), .options = rows, .run = run
    };

    (void)state;
    for (int i = 0; i < 300; i++) {
        snprintf(names[i], sizeof(names[i]), "n%d", i);
        rows[i] = (struct sonde_option){ .name = names[i], .kind = SONDE_KIND_STRING };
    }
    refused(&probe, "no empty row after the last");
}

static void
a_private_struct_is_bounded(void **state)
{
    const struct sonde_probe probe = { .name = "x", .size = SIZE_MAX, .run = run };

    (void)state;
    refused(&probe, "bytes for each instance");
}

/* Only what lies in this array is readable. */
static bool
in_region(const void *at, size_t size, void *arg)
{
    const struct sonde_plugin *region = arg;
    uintptr_t begin = (uintptr_t)region, end = begin + 4096;

    return (uintptr_t)at >= begin && (uintptr_t)at < end && size <= end - (uintptr_t)at;
}

static void
what_is_not_in_the_file_is_not_read(void **state)
{
    static _Alignas(64) char region[4096];
    struct sonde_plugin *record = (struct sonde_plugin *)(void *)region;
    struct sonde_probe *probe = (struct sonde_probe *)(void *)(region + 1024);

    (void)state;
    memset(region, 'x', sizeof(region)); /* texts in here have no end */
    *record = (struct sonde_plugin){ SONDE_ABI, 1, sizeof(*probe),
                                     sizeof(struct sonde_option), (void *)16 };
    assert_null(plugin_take(&memory, record, in_region, region, &why));
    assert_contains(why, "not all in its file");

    record->descriptor = probe;
    memset(probe, 0, sizeof(*probe));
    probe->run = run;
    probe->name = region + 4090;
    assert_null(plugin_take(&memory, record, in_region, region, &why));
    assert_contains(why, "a name that is not in its file");

    strcpy(region + 2048, "fine");
    probe->name = region + 2048;
    assert_non_null(plugin_take(&memory, record, in_region, region, &why));
    probe->summary = (const char *)16;
    assert_null(plugin_take(&memory, record, in_region, region, &why));
    assert_contains(why, "a summary that is not in its file");

    probe->summary = NULL;
    probe->options = (const struct sonde_option *)(const void *)(region + 4096 - 8);
    assert_null(plugin_take(&memory, record, in_region, region, &why));
    assert_contains(why, "option row");

    record->size = SIZE_MAX;
    assert_null(plugin_take(&memory, record, in_region, region, &why));
    assert_contains(why, "not all in its file");
}

static int
start(struct sonde_instance *self)
{
    (void)self;
    return 0;
}

static void
a_source_has_a_start(void **state)
{
    const struct sonde_source without = { .name = "x" },
                              with = { .name = "x", .start = start };
    struct plugin *plugin;

    (void)state;
    assert_null(take(2, sizeof(without), &without));
    assert_contains(why, "has no start");
    plugin = take(2, sizeof(with), &with);
    assert_non_null(plugin);
    assert_int_equal(plugin->role, PLUGIN_SOURCE);
    assert_ptr_equal(plugin->source.start, start);
}

static void
other_roles_and_abis_are_refused(void **state)
{
    const struct sonde_probe probe = { .name = "x", .run = run };
    const struct sonde_plugin later = { 2, 1, sizeof(probe), sizeof(struct sonde_option),
                                        &probe };

    (void)state;
    assert_null(take(0, sizeof(probe), &probe));
    assert_contains(why, "role 0");
    assert_null(take(4, sizeof(probe), &probe));
    assert_contains(why, "role 4");
    assert_null(plugin_take(&memory, &later, somewhere, NULL, &why));
    assert_contains(why, "plugin ABI 2, this daemon has 1");
}

int
main(void)
{
    const struct CMUnitTest records[] = {
        cmocka_unit_test(a_probe_is_taken_as_it_is),
        cmocka_unit_test(options_are_never_null),
        cmocka_unit_test(a_probe_has_one_way_to_answer),
        cmocka_unit_test(a_sink_has_one_way_to_deliver),
        cmocka_unit_test(a_name_is_a_name),
        cmocka_unit_test(an_option_fits_its_struct),
        cmocka_unit_test(an_option_is_of_a_known_kind),
        cmocka_unit_test(an_option_comes_once),
        cmocka_unit_test(rows_without_an_end_are_refused),
        cmocka_unit_test(a_private_struct_is_bounded),
        cmocka_unit_test(what_is_not_in_the_file_is_not_read),
        cmocka_unit_test(a_source_has_a_start),
        cmocka_unit_test(other_roles_and_abis_are_refused),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    int failed = cmocka_run_group_tests(records, NULL, NULL);

    arena_deinit(&memory);
    return failed;
}
