/* SPDX-License-Identifier: Apache-2.0
 *
 * sondectl.c - the program sondectl on journals that were made here.
 */
#include "journal_client.h"

#include "recall.h"
#include "spool.h"
#include "statedir.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>

static char *program;
static char said[64 << 10];

/* Runs it and keeps what it says, both outputs; its exit status. */
static int
run(const char *arguments)
{
    AUTO_FREE char *command = memory_format("'%s' %s 2>&1", program, arguments);
    FILE *out = popen(command, "r");
    size_t length;

    assert_non_null(out);
    length = fread(said, 1, sizeof(said) - 1, out);
    said[length] = '\0';
    return WEXITSTATUS(pclose(out));
}

static bool
says(const char *text)
{
    if (!strstr(said, text))
        print_message("# %s\n", said);
    return strstr(said, text);
}

/* Three files or more in s/journal. */
static int
enter(void **state)
{
    struct journal *journal;
    char why[JOURNAL_WHY];

    if (said_enter(state) || mkdir("s", 0755) == -1)
        return -1;
    atomic_store(&client.needed, 1);
    journal = journal_open("s/journal", &(struct journal_options){ .segment = 16 << 10 },
                           &callbacks, why);
    assert_non_null(journal);
    journal_start(journal);
    for (uint64_t i = 1; i <= 100; i++) {
        journal_append(journal, KIND,
                       &(struct iovec){ (char[]){ "{ \"a\": \"b\" }" }, 12 }, 1);
        append(journal, i, 500);
        if (i % 10 == 0)
            wait_durable(journal, 2 * i);
    }
    return journal_close(journal) ? -1 : 0;
}

static void
damage(const char *segment, off_t at)
{
    int fd = open(segment, O_RDWR);

    assert_int_equal(pwrite(fd, "!", 1, at), 1);
    close(fd);
}

static void
a_journal_is_listed_verified_and_dumped(void **state)
{
    (void)state;
    assert_int_equal(run("journal list s"), 0);
    assert_true(says("journal.00000000000000000001 ") && says(" records  to 200\n"));
    assert_int_equal(run("journal verify s"), 0);
    assert_string_equal(said, "");
    assert_int_equal(run("journal dump s | grep -c '\"note\": false'"), 0);
    assert_string_equal(said, "200\n");
    assert_int_equal(run("journal dump s | head -4"), 0);
    assert_true(says("{ \"segment\": 1, \"snapshot\": \"end\" }\n"));
    assert_true(says(
        "{ \"segment\": 1, \"number\": 1, \"kind\": \"forget\", "
        "\"note\": false, \"bytes\": 12, \"check\": \"{ \\\"a\\\": \\\"b\\\" }\" }\n"));
    assert_true(says("\"hex\": \"0100000000000000666666"));
}

static void
append_head(struct journal *journal, enum journal_kind kind, struct journal_head *head,
            const char *more)
{
    journal_append(journal, kind,
                   (struct iovec[]){ { head->bytes, head->length },
                                     { (char *)(uintptr_t)more, strlen(more) } },
                   2);
    free(head);
}

static void
a_record_says_what_it_is(void **state)
{
    struct known *known = recall_begin(origin_new("shop", "tcp", "node-1", NULL, 0));
    struct spool *spool = spool_new("alerts", &(struct spool_home){ 0 });
    struct event_pool *pool = event_pool_new();
    struct sonde_event *event = event_new(pool, known->origin);
    const struct journal_target targets[] = { { "alerts", "all" }, { "live", "" } };
    struct journal *journal;
    char why[JOURNAL_WHY];
    uint64_t seq = 12345;

    (void)state;
    assert_int_equal(mkdir("t", 0755), 0);
    journal = journal_open("t/journal", &(struct journal_options){ 0 },
                           &(struct journal_client){ 0 }, why);
    assert_non_null(journal);
    spool_open(spool, journal);
    known->state.hard = SONDE_DOWN;
    known->state.streak = 3;
    append_head(journal, JOURNAL_EVENT, journal_event_head(targets, 2),
                event_encoded(event, EVENT_JSON)->bytes);
    append_head(journal, JOURNAL_STATE, journal_event_head(NULL, 0), "no\nevent");
    append_head(journal, JOURNAL_SOFT, recall_pack_soft(known), "");
    append_head(journal, JOURNAL_CURSOR, spool_pack(spool, 0), "");
    journal_append(journal, JOURNAL_SEQ, &(struct iovec){ &seq, sizeof(seq) }, 1);
    spool_close(spool);
    journal_close(journal);
    assert_int_equal(run("journal dump t"), 0);
    assert_true(
        says("\"to\": [ { \"sink\": \"alerts\", \"route\": \"all\" }, { \"sink\": "
             "\"live\", \"route\": \"\" } ], \"event\": {\"id\":"));
    assert_true(says("\"check\":\"shop\""));
    assert_true(
        says("\"kind\": \"state\", \"note\": false, \"bytes\": 9, \"hex\": \"00"));
    assert_true(says("\"check\": \"shop\", \"hard\": \"DOWN\", \"soft\": 3 }\n"));
    assert_true(says("\"sink\": \"alerts\", \"waiting\": 0 }\n"));
    assert_true(
        says("\"kind\": \"seq\", \"note\": false, \"bytes\": 8, \"below\": 12345 }"));
    spool_free(spool);
    event_unref(event);
    event_pool_free(pool);
    recall_end(known);
}

static void
damage_is_said_and_is_the_exit_status(void **state)
{
    (void)state;
    damage("s/journal/journal.00000000000000000001", 2000);
    assert_int_equal(run("journal verify s"), 1);
    assert_true(says("journal.00000000000000000001: damaged at byte 1"));
    assert_int_equal(run("journal list s"), 0);
    assert_true(says("  damaged\n"));
    assert_int_equal(run("journal dump s >/dev/null"), 0);
    damage("s/journal/journal.00000000000000000001", 3);
    assert_int_equal(run("journal verify s"), 1);
    assert_true(says("does not begin as a segment does"));
    damage("s/journal/journal.00000000000000000001", 100);
}

static void
trim_asks_first_and_needs_a_stopped_daemon(void **state)
{
    int lock;

    (void)state;
    assert_int_equal(run("journal trim s"), 0);
    assert_true(says("would remove journal.00000000000000000001: numbers 1 to "));
    assert_true(says("--yes"));
    assert_int_equal(access("s/journal/journal.00000000000000000001", F_OK), 0);
    assert_int_equal(statedir_take("s", "", &lock), 0);
    assert_int_equal(run("journal trim --yes s"), 2);
    assert_true(says("is held by another sonded, pid ") && says("; stop it first"));
    close(lock);
    assert_int_equal(run("journal trim --yes s"), 0);
    assert_true(says("removing journal.00000000000000000001"));
    assert_int_equal(access("s/journal/journal.00000000000000000001", F_OK), -1);
    assert_int_equal(run("journal trim --yes s"), 0);
    assert_true(says("nothing to remove"));
}

static void
trim_keeps_all_where_the_newest_is_not_whole(void **state)
{
    (void)state;
    assert_int_equal(system("f=$(ls s/journal/* | tail -1); printf '!!!!' |"
                            " dd of=$f bs=1 seek=52 conv=notrunc 2>/dev/null"),
                     0);
    assert_int_equal(run("journal trim --yes s"), 1);
    assert_true(says("the newest file is not whole"));
    assert_int_equal(access("s/journal/journal.00000000000000000001", F_OK), 0);
}

static void
what_is_wrong_is_a_sentence(void **state)
{
    (void)state;
    assert_int_equal(run("journal list no/such"), 2);
    assert_true(says("sondectl: no/such/journal: No such file or directory\n"));
    assert_int_equal(run("journal trim no/such"), 2);
    assert_true(says("sondectl: no/such: No such file or directory\n"));
    assert_int_equal(run("journal burn s"), 2);
    assert_true(says("list, verify, dump and trim, not \"burn\""));
    assert_int_equal(run("journal list --yes s"), 2);
    assert_int_equal(run(""), 2);
    assert_int_equal(run("--nonsense"), 2);
    assert_int_equal(run("--help"), 0);
    assert_true(says("Usage: sondectl journal"));
    assert_int_equal(run("--version"), 0);
    assert_int_equal(run("journal dump s >/dev/full"), 2);
    damage("s/journal/journal.00000000000000000001", 8);
    assert_int_equal(run("journal list s"), 2);
    assert_true(says("written by a newer version"));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, enter, said_leave)
static const struct CMUnitTest tests[] = {
    TEST(a_journal_is_listed_verified_and_dumped),
    TEST(a_record_says_what_it_is),
    TEST(damage_is_said_and_is_the_exit_status),
    TEST(trim_asks_first_and_needs_a_stopped_daemon),
    TEST(trim_keeps_all_where_the_newest_is_not_whole),
    TEST(what_is_wrong_is_a_sentence),
};

int
main(void)
{
    const char *top = getenv("top_builddir");
    AUTO_FREE char *given = memory_format("%s/sondectl", top ? top : ".");
    int failed;

    program = realpath(given, NULL);
    cmocka_set_message_output(CM_OUTPUT_TAP);
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(program);
    return failed;
}
