/* SPDX-License-Identifier: Apache-2.0
 *
 * describe.c - what --describe says of an option, and that it fits a terminal.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "describe.h"

#include <stdio.h>
#include <string.h>

static const char *const choices[] = { "any", "4", "6", NULL };

struct fields {
    const char *address, *password, *plain;
    const char *const *names;
    int64_t wait, room, count, free;
    double ratio;
    bool flag;
    int family;
    const struct sonde_template *key;
};

static const struct sonde_option rows[] = {
    SONDE_STRING(struct fields, address, .required = true,
                 .help =
                     "host:port or [v6]:port, and then a sentence that goes on and on "
                     "until it has no room on one line any more, nor on two of them"),
    SONDE_STRING(struct fields, password, .secret = true, .fallback = "hunter2"),
    SONDE_STRING(struct fields, plain, .fallback = "/"),
    SONDE_STRINGS(struct fields, names, .help = "several"),
    SONDE_DURATION(struct fields, wait, .fallback = "5s", .min = 1, .max = 90000),
    SONDE_SIZE(struct fields, room, .fallback = "16MiB", .min = 4096, .max = 1 << 30),
    SONDE_INTEGER(struct fields, count, .fallback = "3", .min = 1, .max = 9),
    SONDE_INTEGER(struct fields, free, .min = 2, .max = 1),
    SONDE_REAL(struct fields, ratio, .fallback = "0.5"),
    SONDE_BOOL(struct fields, flag, .fallback = "true"),
    SONDE_CHOICE(struct fields, family, .fallback = "any", .choices = choices),
    SONDE_TEMPLATE(struct fields, key, .fallback = "{check}"),
    { 0 }
};

static const struct plugin probe = {
    .role = PLUGIN_PROBE,
    .name = "some",
    .summary = "does something",
    .file = "/nowhere/probe_some.so",
    .options = rows,
};

static char *
described(void)
{
    char *text = NULL;
    size_t size;
    FILE *out = open_memstream(&text, &size);

    assert_non_null(out);
    describe_plugin(&probe, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(text);
    return text;
}

static void
every_fact_is_told(void **state)
{
    static const char *const facts[] = {
        "probe \"some\": does something\n",
        "/nowhere/probe_some.so\n",
        "  address             text, required\n",
        "  password            text, has a default, secret\n",
        "  plain               text, default \"/\"\n",
        "  names               list of texts\n                          several\n",
        "  wait                duration, 1ms to 1m30s, default \"5s\"\n",
        "  room                size, 4KiB to 1GiB, default \"16MiB\"\n",
        "  count               whole number, 1 to 9, default 3\n",
        "  free                whole number, at least 2\n",
        "  ratio               number, default 0.5\n",
        "  flag                true or false, default true\n",
        "  family              one of \"any\", \"4\", \"6\", default \"any\"\n",
        "  key                 text with {fields}, default \"{check}\"\n",
    };
    AUTO_FREE char *text = described();

    (void)state;
    for (size_t i = 0; i < sizeof(facts) / sizeof(*facts); i++)
        if (!strstr(text, facts[i]))
            fail_msg("\"%s\" is not in\n%s", facts[i], text);
    assert_null(strstr(text, "hunter2"));
}

static void
every_line_has_eighty_columns_at_most(void **state)
{
    AUTO_FREE char *text = described();

    (void)state;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"))
        if (strlen(line) > 80)
            fail_msg("too long: %s", line);
}

int
main(void)
{
    const struct CMUnitTest descriptions[] = {
        cmocka_unit_test(every_fact_is_told),
        cmocka_unit_test(every_line_has_eighty_columns_at_most),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(descriptions, NULL, NULL);
}
