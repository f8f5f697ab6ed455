/* SPDX-License-Identifier: Apache-2.0
 *
 * journal_fault.c - a process that ends at each named step of the journal, the first
 * three times it comes there: the next one finds everything that it had been told was
 * durable.
 *
 * Only in a build configured with --enable-fault-points.
 */
#include "journal_client.h"

#include <fcntl.h>
#include <sys/wait.h>

enum { RECORDS = 330, DIED = 137 };

static const struct journal_options options = { .sync = JOURNAL_EACH,
                                                .segment = 16 << 10,
                                                .notes = 1 };
static int pipe_to_parent;

static void
tell_parent(void *arg, uint64_t written, uint64_t durable)
{
    (void)arg;
    (void)written;
    if (write(pipe_to_parent, &durable, sizeof(durable)) != sizeof(durable))
        _exit(1);
}

/* The child: appends, needs the last hundred, and keeps a segment torn for the start. */
static void
work(const char *fault)
{
    struct journal_client told_client = callbacks;
    char why[JOURNAL_WHY];
    struct journal *journal;

    setenv("SONDE_FAULT", fault, 1);
    memset(&client, 0, sizeof(client));
    told_client.told = tell_parent;
    journal = journal_open("j", &options, &told_client, why);
    if (!journal)
        _exit(1);
    journal_start(journal);
    for (uint64_t i = 0; i < RECORDS; i++) {
        uint64_t number = append(journal, i, 200);

        atomic_store(&client.needed, number > 100 ? number - 100 : 1);
        journal_kick(journal);
        wait_durable(journal, number);
    }
    _exit(journal_close(journal) ? 1 : 0);
}

static uint64_t
run_child(const char *fault, int *status)
{
    uint64_t durable = 0, last;
    int ends[2];
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        pipe_to_parent = ends[1];
        work(fault);
    }
    close(ends[1]);
    while (read(ends[0], &last, sizeof(last)) == sizeof(last))
        durable = last;
    close(ends[0]);
    assert_int_equal(waitpid(pid, status, 0), pid);
    return durable;
}

/* All from the first needed to the last durable, none missing.  In a process of its own:
 * this one must not come to a fault point, or its children would not read SONDE_FAULT. */
static int
look_in_child(uint64_t durable)
{
    struct journal *journal = open_journal(&options);
    uint64_t from = client.noted > 100 ? client.noted - 100 : 1;
    struct journal_reader *reader;
    struct journal_record record;

    if (!journal || journal_next(journal) <= durable)
        return 2;
    reader = journal_reader_new(journal, from);
    for (uint64_t i = from; i <= durable; i++)
        if (journal_read(reader, &record) != JOURNAL_RECORD || record.number != i)
            return 3;
    if (journal_counts(journal).gone || journal_counts(journal).bad)
        return 4;
    journal_reader_free(reader);
    return journal_close(journal) ? 5 : 0;
}

static void
look(uint64_t durable)
{
    int status;
    pid_t pid = fork();

    if (pid == 0)
        _exit(look_in_child(durable));
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

/* What a crash leaves in the newest segment, for the steps that put it right. */
static void
tear(bool in_the_middle)
{
    const char *command =
        in_the_middle
            ? "f=$(ls j/journal.*[0-9] | tail -1); printf '!!!!' |"
              " dd of=$f bs=1 seek=400 conv=notrunc 2>/dev/null"
            : "f=$(ls j/journal.*[0-9] | tail -1); printf '!!!!' |"
              " dd of=$f bs=1 seek=$(($(stat -c %s $f) - 8)) conv=notrunc 2>/dev/null";

    assert_int_equal(system(command), 0);
}

static void
every_step_may_be_the_last(void **state)
{
    static const char *const points[] = {
        "append",     "create",         "allocate", "write",    "sync",
        "rename",     "directory-sync", "rotate",   "snapshot", "unlink",
        "checkpoint", "rewrite",        "cut",      NULL
    };

    (void)state;
    for (int point = 0; points[point]; point++) {
        int status = 0, died = 0;

        for (int n = 1; n <= 3; n++) {
            AUTO_FREE char *fault = memory_format("%s:%d", points[point], n);
            uint64_t durable;

            if (strcmp(points[point], "cut") == 0) {
                run_child("none:1", &status);
                tear(false);
            }
            durable = run_child(fault, &status);
            assert_true(WIFEXITED(status));
            assert_in_set((unsigned)WEXITSTATUS(status), ((unsigned long[]){ 0, DIED }),
                          2);
            died += WEXITSTATUS(status) == DIED;
            look(durable);
        }
        /* Some steps are taken once in a life. */
        if (!died)
            print_message("# never came to %s\n", points[point]);
        assert_true(died > 0);
    }
}

static void
a_quarantine_that_dies_is_done_by_the_next(void **state)
{
    int status;

    (void)state;
    run_child("none:1", &status);
    assert_int_equal(WEXITSTATUS(status), 0);
    tear(true);
    run_child("quarantine:1", &status);
    assert_int_equal(WEXITSTATUS(status), DIED);
    run_child("none:1", &status);
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_int_equal(system("ls j/*.bad >/dev/null"), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, said_enter, said_leave)
static const struct CMUnitTest tests[] = {
    TEST(every_step_may_be_the_last),
    TEST(a_quarantine_that_dies_is_done_by_the_next),
};

UNIT_MAIN(tests)
