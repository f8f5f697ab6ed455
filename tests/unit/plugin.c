/* SPDX-License-Identifier: Apache-2.0
 *
 * plugin.c - files found, refused and loaded: the modules of tests/plugins, each of
 * which is odd in its own way.  SONDE_TEST_PLUGINS tells where they were built.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin.h"
#include "text.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define assert_contains(text, part)                                                      \
    do {                                                                                 \
        if (!strstr((text), (part)))                                                     \
            fail_msg("\"%s\" does not contain \"%s\"", (text), (part));                  \
    } while (0)

static struct plugins plugins;
static const char *why;

static const char *
modules(void)
{
    const char *path = getenv("SONDE_TEST_PLUGINS");

    return path ? path : "tests/plugins/.libs";
}

static int
open_modules(void **state)
{
    (void)state;
    plugins_add_dir(&plugins, modules(), true);
    return 0;
}

static int
close_modules(void **state)
{
    (void)state;
    plugins_deinit(&plugins);
    return 0;
}

static void
module_refused(const char *name, const char *part)
{
    const char *sentence = NULL;

    if (plugin_find(&plugins, PLUGIN_PROBE, name, &sentence))
        fail_msg("%s was loaded", name);
    assert_contains(sentence, part);
}

static void
older_plugins_load(void **state)
{
    const struct plugin *probe = plugin_find(&plugins, PLUGIN_PROBE, "older", &why);
    const struct plugin *sink = plugin_find(&plugins, PLUGIN_SINK, "older", &why);

    (void)state;
    assert_non_null(probe);
    assert_non_null(probe->probe.run);
    assert_null(probe->probe.cancel);
    assert_string_equal(probe->options[0].name, "limit");
    assert_string_equal(probe->options[0].fallback, "3");
    assert_int_equal(probe->options[0].max, 9);
    assert_null(probe->options[0].help);
    assert_string_equal(probe->options[1].name, "path");
    assert_null(probe->options[1].choices);
    assert_null(probe->options[2].name);
    assert_non_null(sink);
    assert_int_equal(sink->sink.batch, 0);
    assert_int_equal(sink->sink.in_flight, 0);
}

static void
newer_plugins_load_if_they_use_nothing_new(void **state)
{
    const struct plugin *probe = plugin_find(&plugins, PLUGIN_PROBE, "newer", &why);

    (void)state;
    assert_non_null(probe);
    assert_string_equal(probe->options[0].name, "limit");
    assert_null(probe->options[1].name);
    module_refused("newer-used",
                   "sets a field of its descriptor that this daemon does not know");
    module_refused("newer-row",
                   "sets a field of its option row that this daemon does not know");
}

static void
lying_plugins_are_refused(void **state)
{
    (void)state;
    module_refused("wrong-abi", "plugin ABI 7");
    module_refused("size-beyond", "1099511627776 bytes; they are not all in its file");
    module_refused("size-tiny", "8 bytes; no header has fewer");
    module_refused("elsewhere", "not all in its file");
    module_refused("row-size", "option row");
    module_refused("misnamed", "holds the probe \"other\", whose file is probe_other.so");
    module_refused("is-a-sink", "holds the sink \"is-a-sink\"");
    module_refused("no-symbol", "exports no sonde_plugin");
    module_refused("unresolved",
                   "undefined symbol: sonde_not_invented_yet; it needs a newer sonded");
}

static void
a_plugin_is_loaded_once(void **state)
{
    const struct plugin *first = plugin_find(&plugins, PLUGIN_PROBE, "older", &why);

    (void)state;
    assert_non_null(first);
    assert_ptr_equal(plugin_find(&plugins, PLUGIN_PROBE, "older", &why), first);
    assert_ptr_equal(plugin_find(&plugins, PLUGIN_ANY, "older", &why), first);
}

static void
a_missing_plugin_names_places_and_the_nearest(void **state)
{
    struct plugins many = { 0 };
    const char *sentence;

    (void)state;
    plugins_add_dir(&many, modules(), true);
    plugins_add_dir(&many, "/nowhere/at/all", false);
    assert_null(plugin_find(&many, PLUGIN_PROBE, "oldr", &sentence));
    assert_contains(sentence, "no probe \"oldr\" in ");
    assert_contains(sentence, modules());
    assert_contains(sentence, ", /nowhere/at/all (No such file or directory)");
    assert_contains(sentence, "did you mean \"older\"?");
    assert_null(plugin_find(&many, PLUGIN_ANY, "zzzzzzzzzzzz", &sentence));
    assert_contains(sentence, "no plugin \"zzzzzzzzzzzz\" in ");
    assert_null(strstr(sentence, "did you mean"));
    assert_null(plugin_find(&many, PLUGIN_PROBE, "numbers", &sentence));
    assert_contains(sentence, "there is a source of that name");
    assert_null(plugin_find(&many, PLUGIN_PROBE, "../older", &sentence));
    assert_contains(sentence, "is no name of a plugin");
    plugins_deinit(&many);
}

/* ---- who may write them ---- */

struct place {
    char dir[128], file[192];
    struct plugins plugins;
};

/* A directory with a copy of one module, and nothing wrong with it. */
static void
place_init(struct place *place, const char *module, bool named_by_user)
{
    AUTO_FREE char *from = memory_format("%s/%s.so", modules(), module);
    FILE *in = fopen(from, "re"), *out;
    char bytes[4096];
    size_t got;

    *place = (struct place){ 0 };
    snprintf(place->dir, sizeof(place->dir), "%s/sonde-plugin-XXXXXX",
             getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    assert_non_null(in);
    assert_non_null(mkdtemp(place->dir));
    snprintf(place->file, sizeof(place->file), "%s/%s.so", place->dir, module);
    out = fopen(place->file, "we");
    assert_non_null(out);
    while ((got = fread(bytes, 1, sizeof(bytes), in)) > 0)
        assert_int_equal(fwrite(bytes, 1, got, out), got);
    fclose(in);
    fclose(out);
    chmod(place->file, 0644);
    plugins_add_dir(&place->plugins, place->dir, named_by_user);
}

static const struct plugin *
place_find(struct place *place)
{
    why = NULL;
    return plugin_find(&place->plugins, PLUGIN_PROBE, "older", &why);
}

static void
place_deinit(struct place *place)
{
    plugins_deinit(&place->plugins);
    unlink(place->file);
    rmdir(place->dir);
}

static void
what_others_may_write_is_refused(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, "probe_older", true);
    chmod(place.file, 0646);
    assert_null(place_find(&place));
    assert_contains(why, "may be written by others (mode 0646)");
    chmod(place.file, 0644);
    chmod(place.dir, 0777);
    assert_null(place_find(&place));
    assert_contains(why, "may be written by others (mode 0777)");
    chmod(place.dir, 01777);
    assert_null(place_find(&place));
    chmod(place.dir, 0755);
    assert_non_null(place_find(&place));
    place_deinit(&place);
}

static void
a_group_may_write_only_where_the_user_said_so(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, "probe_older", true);
    chmod(place.file, 0664); /* of our own primary group */
    chmod(place.dir, 0775);
    assert_non_null(place_find(&place));
    place_deinit(&place);

    place_init(&place, "probe_older", false);
    chmod(place.file, 0664);
    assert_null(place_find(&place));
    place_deinit(&place);
}

/* Whoever runs the tests: root gives the file away, others have one that is not root's.
 */
static void
a_file_of_somebody_else_is_refused(void **state)
{
    struct place place;
    bool root = geteuid() == 0;

    (void)state;
    place_init(&place, "probe_older", root);
    if (root)
        assert_int_equal(chown(place.file, 65534, 65534), 0);
    assert_null(place_find(&place));
    assert_contains(why, "belongs to user");
    place_deinit(&place);
}

static void
a_link_is_followed_before_it_is_judged(void **state)
{
    struct place real, link;

    (void)state;
    place_init(&real, "probe_older", true);
    place_init(&link, "probe_older", true);
    unlink(link.file);
    assert_int_equal(symlink(real.file, link.file), 0);
    chmod(real.dir, 0777);
    assert_null(place_find(&link));
    assert_contains(why, real.dir);
    chmod(real.dir, 0755);
    assert_non_null(place_find(&link));
    place_deinit(&real);
    assert_non_null(place_find(&link)); /* loaded once and for all */
    place_deinit(&link);
}

static void
a_refused_file_hides_none_behind_it(void **state)
{
    struct place bad, good;

    (void)state;
    place_init(&bad, "probe_older", true);
    place_init(&good, "probe_older", true);
    chmod(bad.file, 0666);
    plugins_add_dir(&bad.plugins, good.dir, true);
    assert_null(place_find(&bad));
    assert_contains(why, bad.file);
    place_deinit(&bad);
    place_deinit(&good);
}

static void
a_file_that_is_no_object_is_refused(void **state)
{
    struct place place;

    (void)state;
    place_init(&place, "probe_older", true);
    assert_int_equal(truncate(place.file, 0), 0);
    assert_null(place_find(&place));
    assert_contains(why, "cannot be loaded: file too short");
    unlink(place.file);
    assert_int_equal(mkdir(place.file, 0755), 0);
    assert_null(place_find(&place));
    assert_contains(why, "cannot be loaded");
    rmdir(place.file);
    place_deinit(&place);
}

static void
all_that_can_be_loaded_is_listed(void **state)
{
    size_t count;
    const struct plugin **all = plugin_all(&plugins, &count);
    bool older = false;

    (void)state;
    assert_true(count >= 3);
    for (size_t i = 0; i < count; i++) {
        older = older || strcmp(all[i]->name, "older") == 0;
        assert_string_not_equal(all[i]->name, "wrong-abi");
        if (i && all[i - 1]->role == all[i]->role)
            assert_true(strcmp(all[i - 1]->name, all[i]->name) < 0);
        if (i)
            assert_true(all[i - 1]->role <= all[i]->role);
    }
    assert_true(older);
    free(all);
}

int
main(void)
{
    const struct CMUnitTest files[] = {
        cmocka_unit_test_setup_teardown(older_plugins_load, open_modules, close_modules),
        cmocka_unit_test_setup_teardown(newer_plugins_load_if_they_use_nothing_new,
                                        open_modules, close_modules),
        cmocka_unit_test_setup_teardown(lying_plugins_are_refused, open_modules,
                                        close_modules),
        cmocka_unit_test_setup_teardown(a_plugin_is_loaded_once, open_modules,
                                        close_modules),
        cmocka_unit_test(a_missing_plugin_names_places_and_the_nearest),
        cmocka_unit_test(what_others_may_write_is_refused),
        cmocka_unit_test(a_group_may_write_only_where_the_user_said_so),
        cmocka_unit_test(a_file_of_somebody_else_is_refused),
        cmocka_unit_test(a_link_is_followed_before_it_is_judged),
        cmocka_unit_test(a_refused_file_hides_none_behind_it),
        cmocka_unit_test(a_file_that_is_no_object_is_refused),
        cmocka_unit_test_setup_teardown(all_that_can_be_loaded_is_listed, open_modules,
                                        close_modules),
    };
    cmocka_set_message_output(CM_OUTPUT_TAP);
    return cmocka_run_group_tests(files, NULL, NULL);
}
