/* SPDX-License-Identifier: Apache-2.0
 *
 * targets.c - one check written down becomes one for each target that it selects;
 * what is wrong cites the check's line and the target's row.
 */
#include "said.h"

#include "conf.h"
#include "targets.h"

/* What came out, a line each: texts of the check, then its labels. */
struct made {
    struct text text;
    size_t count;
};

static void
show(struct text *out, const struct setting *setting)
{
    for (const struct setting *at = setting->first; at; at = at->next) {
        if (at->kind == SETTING_TEXT)
            text_printf(out, "%s ", at->text);
        else
            show(out, at);
    }
}

static void
collect(const struct setting *made, const struct label *labels, size_t count,
        struct place row, void *arg)
{
    struct made *all = arg;

    show(&all->text, made);
    for (size_t i = 0; i < count; i++)
        text_printf(&all->text, "%s=%s ", labels[i].name, labels[i].value);
    text_printf(&all->text, "%s:%u\n", row.file, row.line);
    all->count++;
}

/* The checks made of the file `f` are these, and this is said. */
static void
makes(const char *conf, const char *expected, const char *said)
{
    struct arena memory = { 0 };
    struct problems problems = { 0 };
    struct made made = { 0 };
    struct setting *tree;
    const struct setting *checks;
    struct targets *targets;

    said_write("f", conf);
    tree = conf_read("f", &memory, &problems);
    targets = targets_new(setting_find(tree, "targets"), &problems);
    checks = setting_find(tree, "checks");
    for (const struct setting *at = checks ? checks->first : NULL; at; at = at->next)
        targets_each(targets, at, "node-1", collect, &made, &problems);
    targets_free(targets);
    arena_deinit(&memory);
    text_puts(&made.text, "");
    said_is(&problems, said);
    assert_string_equal(made.text.bytes ? made.text.bytes : "", expected);
    text_deinit(&made.text);
}

static void
without_targets_one_check_is_made(void **state)
{
    (void)state;
    makes("checks = ( { name = \"{observer}/nginx\"; labels = { team = \"ops\"; n = 3; b "
          "= true;\n"
          "r = 0.5; }; cmd = (\"{labels.team}\", { deep = \"{x} {check} {\"; }); } );",
          "node-1/nginx ops {x} {check} { b=true n=3 r=0.5 team=ops f:1\n", "");
}

static void
a_list_makes_one_check_a_target(void **state)
{
    (void)state;
    said_write("fleet.csv", "\xef\xbb\xbf# hosts\r\n"
                            "target,role, site\r\n"
                            "web1,web,\"icn, \"\"hall\"\" 2\"\r\n"
                            "\r\n"
                            "  db1 , db ,\r\n"
                            "\"db2\",db,fra");
    makes("targets = ( { name = \"fleet\"; file = \"fleet.csv\"; labels = { site = "
          "\"any\"; os = "
          "\"deb\"; }; } );\n"
          "checks = ( { name = \"ssh:{target}\"; address = \"{target}:22\"; targets = "
          "[\"fleet\"]; } );",
          "ssh:web1 web1:22 os=deb role=web site=icn, \"hall\" 2 fleet.csv:3\n"
          "ssh:db1 db1:22 os=deb role=db site=any fleet.csv:5\n"
          "ssh:db2 db2:22 os=deb role=db site=fra fleet.csv:6\n",
          "");
}

static void
hosts_can_be_written_down(void **state)
{
    (void)state;
    makes(
        "targets = ( { name = \"edge\"; hosts = [\"web1\",\n\"web2\"]; labels = { site = "
        "\"icn\"; }; },\n{ name = \"one\"; hosts = \"lone\"; } );\n"
        "checks = ( { name = \"a:{target}\"; targets = \"edge\"; labels = { site = "
        "\"{labels.site}!\"; host = \"{target}\"; }; u = \"{labels.site}\"; },\n"
        "{ name = \"b:{target}\"; targets = (\"edge\", \"one\"); } );",
        "a:web1 icn! host=web1 site=icn! f:1\n"
        "a:web2 icn! host=web2 site=icn! f:2\n"
        "b:web1 site=icn f:1\nb:web2 site=icn f:2\nb:lone f:3\n",
        "");
}

static void
where_and_except_select(void **state)
{
    (void)state;
    said_write("l.csv", "target,role,n\nweb1,web,1\nweb2,web,2\ndb1,db,1\ndb2,db,\n");
    makes("targets = ( { name = \"l\"; file = \"l.csv\"; } );\n"
          "checks = (\n{ name = \"a{target}\"; targets = \"l\"; where = { role = \"db\"; "
          "}; },\n"
          "{ name = \"b{target}\"; targets = \"l\"; where = { role = [\"d*\", \"x\"]; n "
          "= 1; }; },\n"
          "{ name = \"c{target}\"; targets = \"l\"; except = { role = \"w?b\"; n = (1, "
          "3); }; },\n"
          "{ name = \"d{target}\"; targets = \"l\"; where = { target = \"*2\"; }; },\n"
          "{ name = \"e\"; targets = \"l\"; where = { target = \"db1\"; }; },\n"
          "{ name = \"f\"; targets = \"l\"; where = { n = \"7\"; }; } );",
          "adb1 n=1 role=db l.csv:4\nadb2 role=db l.csv:5\n"
          "bdb1 n=1 role=db l.csv:4\n"
          "cweb2 n=2 role=web l.csv:3\ncdb1 n=1 role=db l.csv:4\ncdb2 role=db l.csv:5\n"
          "dweb2 n=2 role=web l.csv:3\nddb2 role=db l.csv:5\n"
          "e n=1 role=db l.csv:4\n",
          "f:8: warning: check \"f\": no target is left, so nothing is checked\n");
}

static void
slips_in_a_check_are_told(void **state)
{
    (void)state;
    said_write("l.csv", "target,role,port\nweb1,web,80\nweb2,web,\n");
    makes("targets = ( { name = \"fleet\"; file = \"l.csv\"; } );\nchecks = (\n"
          "{ name = \"a{target}\"; targets = \"flet\"; },\n"
          "{ name = \"b{target}\"; targets = \"fleet\"; where = { rol = 1; }; },\n"
          "{ name = \"c{target}\"; targets = \"fleet\";\n address = \"x:{labels.port}\"; "
          "},\n"
          "{ name = \"d\"; targets = \"fleet\"; },\n"
          "{ name = \"e\"; address = \"{target}:1\"; },\n"
          "{ name = \"g\"; address = \"{labels.x}:1\"; },\n"
          "{ name = \"h\"; where = { role = 1; }; labels = { a = ( ); }; },\n"
          "{ name = \"i\"; labels = 1; },\n"
          "{ name = \"j{target}\"; targets = \"fleet\"; where = { role = { }; }; },\n"
          "{ name = \"k{target}\"; targets = 1; except = 1; } );",
          "cweb1 x:80 port=80 role=web l.csv:2\n",
          "f:3: check \"a{target}\": no target list is named \"flet\"; did you mean "
          "\"fleet\"?\n"
          "f:4: check \"b{target}\": where: no target of its lists has a label \"rol\"; "
          "did you "
          "mean \"role\"?\n"
          "f:6: check \"c{target}\": \"address\" wants {labels.port}, which target "
          "\"web2\" "
          "(l.csv:3) lacks\n"
          "f:7: check \"d\": 2 checks come of it, and each needs a name of its own: put "
          "{target} "
          "into the name, as in \"d:{target}\"\n"
          "f:8: check \"e\": \"address\" uses {target}, and the check has no targets\n"
          "f:9: check \"g\": \"address\" wants {labels.x}, and the check has no such "
          "label\n"
          "f:10: check \"h\": label \"a\" must be a text, a number, true or false\n"
          "f:10: check \"h\": where chooses among targets, and this check has none\n"
          "f:11: check \"i\": labels must be a group, as in { role = \"db\"; }\n"
          "f:12: check \"j{target}\": \"role\" must be a value or a list of values, this "
          "is a "
          "group\n"
          "f:13: check \"k{target}\": targets names lists, as in targets = [\"fleet\"]; "
          "this is an "
          "integer\n");
}

static void
slips_in_a_list_are_told(void **state)
{
    (void)state;
    said_write("bad.csv",
               "target,role\nweb1\nweb1,a\nweb2,b\nweb1,c\n,d\n\"x,\"y,e\n\"a\nb\",f\n"
               "w\"eb,g\n\xff,h\n\"open,i\n");
    said_write("head.csv", "host,role,role,a b\nweb1,a,b,c\n");
    said_write("empty.csv", "# nothing\n");
    makes(
        "targets = (\n{ name = \"bad\"; file = \"bad.csv\"; },\n"
        "{ name = \"head\"; file = \"head.csv\"; },\n{ name = \"empty\"; file = "
        "\"empty.csv\"; "
        "},\n{ name = \"none\"; file = \"none.csv\"; },\n{ name = \"neither\"; },\n"
        "{ name = \"both\"; file = \"bad.csv\"; hosts = [\"a\"]; },\n"
        "{ hosts = [\"a\"]; },\n{ name = \"twice\"; hosts = [\"a\", \"b\", \"a\", \"\"]; "
        "},\n"
        "{ name = \"odd\"; host = [\"a\"]; labels = { target = \"x\"; b = ( ); }; hosts "
        "= "
        "\"a\"; } );\n"
        "checks = ( { name = \"a{target}\"; targets = \"bad\"; } );",
        "",
        "bad.csv:2: 1 cells in a row, 2 in the first (targets \"bad\", f:2)\n"
        "bad.csv:5: target \"web1\" is in line 3 already (targets \"bad\", f:2)\n"
        "bad.csv:6: the target is empty (targets \"bad\", f:2)\n"
        "bad.csv:7: something follows a closing quote; within quotes, a quote is \"\" "
        "(targets "
        "\"bad\", f:2)\n"
        "bad.csv:8: the target holds a control character (targets \"bad\", f:2)\n"
        "bad.csv:10: a quote within an unquoted cell (targets \"bad\", f:2)\n"
        "bad.csv:11: a cell holds bytes that are not UTF-8 text (targets \"bad\", f:2)\n"
        "bad.csv:12: a quote that begins in this row is never closed (targets \"bad\", "
        "f:2)\n"
        "empty.csv: is empty; the first row should name the columns (targets \"empty\", "
        "f:4)\n"
        "f:5: targets \"none\": none.csv cannot be read: No such file or directory\n"
        "f:6: targets \"neither\": either file or hosts says what is in it\n"
        "f:7: targets \"both\": either file or hosts says what is in it\n"
        "f:8: targets: name is missing: what the checks call this list\n"
        "f:9: target \"a\" is in line 9 already (targets \"twice\", f:9)\n"
        "f:9: targets \"twice\": the target is empty\n"
        "f:10: targets \"odd\": \"target\" cannot name a label\n"
        "f:10: targets \"odd\": label \"b\" must be a text, a number, true or false\n"
        "f:10: targets \"odd\": unknown option \"host\"; did you mean \"hosts\"?\n"
        "head.csv:1: \"a b\" cannot name a label (targets \"head\", f:3)\n"
        "head.csv:1: the first row names the columns, and the first of them is "
        "\"target\" "
        "(targets \"head\", f:3)\n"
        "head.csv:1: two columns are named \"role\" (targets \"head\", f:3)\n");
}

static void
count_only(const struct setting *made, const struct label *labels, size_t count,
           struct place row, void *arg)
{
    size_t *all = arg;

    (void)made, (void)labels, (void)count, (void)row;
    (*all)++;
}

static size_t
makes_many(const char *conf, struct problems *problems)
{
    struct arena memory = { 0 };
    struct setting *tree;
    struct targets *targets;
    size_t all = 0;

    said_write("f", conf);
    tree = conf_read("f", &memory, problems);
    targets = targets_new(setting_find(tree, "targets"), problems);
    for (const struct setting *at = setting_find(tree, "checks")->first; at;
         at = at->next)
        targets_each(targets, at, "node-1", count_only, &all, problems);
    targets_free(targets);
    arena_deinit(&memory);
    return all;
}

static void
write_fleet(int count)
{
    FILE *csv = fopen("fleet.csv", "w");

    assert_non_null(csv);
    fputs("target,role\n", csv);
    for (int i = 0; i < count; i++)
        fprintf(csv, "host-%06d,%s\n", i, i % 2 ? "web" : "");
    assert_int_equal(fclose(csv), 0);
}

static const char three[] =
    "targets = ( { name = \"fleet\"; file = \"fleet.csv\"; } );\nchecks = (\n"
    "{ name = \"tcp:{target}\"; address = \"{target}:22\"; targets = \"fleet\"; },\n"
    "{ name = \"http:{target}\"; url = \"http://{target}/\"; targets = \"fleet\"; },\n"
    "{ name = \"disk:{target}\"; path = \"/\"; targets = \"fleet\"; } );";

static void
many_hosts_come_from_one_file(void **state)
{
    struct problems problems = { 0 };

    (void)state;
    write_fleet(300);
    assert_int_equal(makes_many(three, &problems), 900);
    write_fleet(100000);
    assert_int_equal(makes_many(three, &problems), 300000);
    said_is(&problems, "");
}

static void
what_is_wrong_for_all_is_told_for_ten(void **state)
{
    struct problems problems = { 0 };

    (void)state;
    write_fleet(1000);
    assert_int_equal(
        makes_many("targets = ( { name = \"fleet\"; file = \"fleet.csv\"; } );\n"
                   "checks = ( { name = \"tcp:{target}\"; r = \"{labels.role}\"; "
                   "targets = \"fleet\"; } );",
                   &problems),
        9);
    assert_int_equal(problems.errors, 11);
    problems_deinit(&problems);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, said_enter, said_leave)

static const struct CMUnitTest tests[] = {
    TEST(without_targets_one_check_is_made), TEST(a_list_makes_one_check_a_target),
    TEST(hosts_can_be_written_down),         TEST(where_and_except_select),
    TEST(slips_in_a_check_are_told),         TEST(slips_in_a_list_are_told),
    TEST(many_hosts_come_from_one_file),     TEST(what_is_wrong_for_all_is_told_for_ten),
};

UNIT_MAIN(tests)
