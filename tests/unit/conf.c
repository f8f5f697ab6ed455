/* SPDX-License-Identifier: Apache-2.0
 *
 * conf.c - a directory of files becomes one tree, or sentences that say why not.
 */
#include "said.h"

#include "conf.h"

#include <fcntl.h>
#include <sys/stat.h>

static struct setting *
reads(struct arena *memory, const char *path, const char *said)
{
    struct problems problems = { 0 };
    struct setting *tree = conf_read(path, memory, &problems);

    said_is(&problems, said);
    assert_non_null(tree);
    return tree;
}

static const struct setting *
at(const struct setting *group, const char *name)
{
    const struct setting *found = setting_find(group, name);

    assert_non_null(found);
    return found;
}

static void
files_are_merged_in_name_order(void **state)
{
    struct arena memory = { 0 };
    const struct setting *tree, *checks;

    (void)state;
    assert_int_equal(mkdir("d", 0700), 0);
    said_write("d/20-b.conf",
               "checks = ( { name = \"second\"; } );\ndaemon = { loops = 2; };\n"
               "defaults = { http = { proxy = \"x\"; }; };");
    said_write("d/10-a.conf",
               "checks = ( { name = \"first\"; rise = 3; real = 1.5; on = true;\n"
               "big = 4294967296L; } );\ndaemon = { log = \"info\"; };\n"
               "defaults = { interval = \"30s\"; http = { timeout = \"3s\"; }; };");
    said_write("d/.hidden.conf", "broken");
    said_write("d/10-a.conf~", "broken");
    said_write("d/10-a.conf.dpkg-old", "broken");
    said_write("d/10-a.conf.rpmnew", "broken");
    said_write("d/README", "broken");
    assert_int_equal(mkdir("d/x.conf", 0700), 0);
    tree = reads(&memory, "d/", "");
    checks = at(tree, "checks");
    assert_int_equal(checks->kind, SETTING_LIST);
    assert_string_equal(at(checks->first, "name")->text, "first");
    assert_int_equal(at(checks->first, "rise")->integer, 3);
    assert_true(at(checks->first, "real")->real == 1.5);
    assert_true(at(checks->first, "on")->truth);
    assert_int_equal(at(checks->first, "big")->integer, INT64_C(4294967296));
    assert_string_equal(at(checks->first, "big")->place.file, "d/10-a.conf");
    assert_int_equal(at(checks->first, "big")->place.line, 2);
    assert_string_equal(at(checks->first->next, "name")->text, "second");
    assert_null(checks->first->next->next);
    assert_int_equal(at(at(tree, "daemon"), "loops")->integer, 2);
    assert_string_equal(at(at(tree, "daemon"), "log")->text, "info");
    assert_string_equal(at(at(at(tree, "defaults"), "http"), "proxy")->text, "x");
    assert_string_equal(at(at(at(tree, "defaults"), "http"), "timeout")->text, "3s");
    arena_deinit(&memory);
}

static void
a_single_file_will_do(void **state)
{
    struct arena memory = { 0 };

    (void)state;
    said_write("one", "daemon = { log = \"\"; } # no line break behind this");
    assert_string_equal(at(at(reads(&memory, "one", ""), "daemon"), "log")->text, "");
    arena_deinit(&memory);
}

static void
one_key_two_files_cites_both(void **state)
{
    struct arena memory = { 0 };

    (void)state;
    assert_int_equal(mkdir("d", 0700), 0);
    said_write("d/1.conf", "daemon = { log = \"info\"; };\ndefaults = { rise = 1;\n"
                           "http = { timeout = \"3s\"; }; };\n"
                           "sinks = ( { name = \"a\"; }, { name = \"b\"; } );");
    said_write("d/2.conf",
               "daemon = { log = \"info\"; };\ndefaults = { rise = 1;\n"
               "http = { timeout = \"3s\"; }; };\nsinks = ( {\nname = \"a\"; } );");
    reads(&memory, "d",
          "d/2.conf:1: daemon: \"log\" is already set at d/1.conf:1; a key stands in one "
          "file "
          "only\n"
          "d/2.conf:2: defaults: \"rise\" is already set at d/1.conf:2; a key stands in "
          "one file "
          "only\n"
          "d/2.conf:3: http: \"timeout\" is already set at d/1.conf:3; a key stands in "
          "one file "
          "only\n"
          "d/2.conf:5: sink \"a\": the name is taken at d/1.conf:4\n");
    arena_deinit(&memory);
}

static void
all_files_are_told_in_one_run(void **state)
{
    struct arena memory = { 0 };

    (void)state;
    assert_int_equal(mkdir("d", 0700), 0);
    said_write("d/1.conf", "daemon = yes;\n");
    said_write("d/2.conf", "cheks = ( );\nwhatever = 1;\nsinks = { };\ndaemon = 1;\n"
                           "routes = ( 1 );\n");
    said_write("d/3.conf", "a = [1 2];\n");
    assert_int_equal(symlink("nowhere", "d/4.conf"), 0);
    reads(&memory, "d",
          "d/1.conf:1: yes is no value; write true\n"
          "d/2.conf:1: unknown section \"cheks\"; did you mean \"checks\"?\n"
          "d/2.conf:2: unknown section \"whatever\"; there are daemon, defaults, "
          "targets, checks, "
          "sources, sinks and routes\n"
          "d/2.conf:3: \"sinks\" must be a list of groups, ( { ... }, { ... } ), this is "
          "a group\n"
          "d/2.conf:4: \"daemon\" must be a group, { ... }, this is an integer\n"
          "d/2.conf:5: routes: each member is a group, { name = ...; }, this one is an "
          "integer\n"
          "d/3.conf:1: a comma is missing before 2\n"
          "d/4.conf: cannot be read: No such file or directory\n");
    arena_deinit(&memory);
}

static void
what_cannot_be_read_is_told(void **state)
{
    struct arena memory = { 0 };
    AUTO_CLOSE int fd = -1;

    (void)state;
    reads(&memory, "nowhere", "nowhere: cannot be read: No such file or directory\n");
    assert_int_equal(mkdir("d", 0700), 0);
    reads(&memory, "d", "d: holds no file named *.conf\n");
    assert_int_equal(mkfifo("d/a.conf", 0600), 0);
    reads(&memory, "d", "d/a.conf: is not a regular file\n");
    assert_int_equal(unlink("d/a.conf"), 0);
    fd = open("d/b.conf", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_int_equal(ftruncate(fd, (16 << 20) + 1), 0);
    reads(&memory, "d", "d/b.conf: is larger than 16 MiB\n");
    arena_deinit(&memory);
}

static void
the_environment_is_put_in(void **state)
{
    struct arena memory = { 0 };
    const struct setting *daemon;

    (void)state;
    setenv("SONDE_A", "one", 1);
    setenv("SONDE_B", "${SONDE_A}", 1);
    unsetenv("SONDE_C");
    said_write("f", "daemon = { a = \"<${SONDE_A}${SONDE_A}>\"; b = \"${SONDE_B}\";\n"
                    "c = \"$${SONDE_A} $ $$ {}\"; d = (\"${SONDE_A}\"); };");
    daemon = at(reads(&memory, "f", ""), "daemon");
    assert_string_equal(at(daemon, "a")->text, "<oneone>");
    assert_true(at(daemon, "a")->secret);
    assert_string_equal(at(daemon, "b")->text, "${SONDE_A}");
    assert_string_equal(at(daemon, "c")->text, "${SONDE_A} $ $$ {}");
    assert_false(at(daemon, "c")->secret);
    assert_string_equal(at(daemon, "d")->first->text, "one");
    said_write(
        "f", "daemon = { a = \"${SONDE_C}\";\nb = \"${SONDE_A\";\nc = (\"${a.b}\"); };");
    reads(&memory, "f",
          "f:1: \"a\": the environment variable SONDE_C is not set\n"
          "f:2: \"b\": \"${\" is not closed by \"}\" (\"$${\" writes it as it is)\n"
          "f:3: \"${a.b}\" names no environment variable (\"$${\" writes \"${\" as it "
          "is)\n");
    arena_deinit(&memory);
}

static void
files_are_put_in(void **state)
{
    struct arena memory = { 0 };
    AUTO_FREE char *here = getcwd(NULL, 0);
    AUTO_FREE char *conf =
        memory_format("daemon = { a = \"@file:%s/secret\"; b = \"@file:secret\"; "
                      "c = \"x@file:y\"; };",
                      here);
    AUTO_FREE char *said = memory_format(
        "f:1: \"a\": %s/none cannot be read: No such file or directory\n"
        "f:2: \"b\": @file:secret is no absolute path, and without "
        "CREDENTIALS_DIRECTORY in the environment there are no credentials to look "
        "among\n"
        "f:3: \"c\": %s/binary holds bytes that are not UTF-8 text\n",
        here, here);
    AUTO_FREE char *wrong =
        memory_format("daemon = { a = \"@file:%s/none\";\nb = \"@file:secret\";\n"
                      "c = \"@file:%s/binary\"; };",
                      here, here);
    const struct setting *daemon;

    (void)state;
    assert_non_null(here);
    said_write("secret", "hunter2 ${HOME}\n");
    said_write("f", conf);
    setenv("CREDENTIALS_DIRECTORY", here, 1);
    daemon = at(reads(&memory, "f", ""), "daemon");
    assert_string_equal(at(daemon, "a")->text, "hunter2 ${HOME}");
    assert_true(at(daemon, "a")->secret);
    assert_string_equal(setting_text(&memory, at(daemon, "a")), "***");
    assert_string_equal(at(daemon, "b")->text, "hunter2 ${HOME}");
    assert_string_equal(at(daemon, "c")->text, "x@file:y");
    unsetenv("CREDENTIALS_DIRECTORY");
    said_write("binary", "\xff\xfe");
    said_write("f", wrong);
    reads(&memory, "f", said);
    arena_deinit(&memory);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, said_enter, said_leave)

static const struct CMUnitTest tests[] = {
    TEST(files_are_merged_in_name_order),
    TEST(a_single_file_will_do),
    TEST(one_key_two_files_cites_both),
    TEST(all_files_are_told_in_one_run),
    TEST(what_cannot_be_read_is_told),
    TEST(the_environment_is_put_in),
    TEST(files_are_put_in),
};

UNIT_MAIN(tests)
