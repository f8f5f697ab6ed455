/* SPDX-License-Identifier: Apache-2.0
 *
 * process_roster.c - the list of processes that the process probe keeps: what an update
 * reads, believes and forgets.  Pure: the kernel's listing, the reading of a process and
 * both clocks are played here, below.
 */
#include "unit.h"

#include "../../plugins/probe_process/procfs.h"
#include "../../plugins/probe_process/roster.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define SECOND INT64_C(1000000000)

enum { OLD = 100, MOST = 8, AT_ONCE = 3 };

/* ---- the machine that is played ---- */

static struct {
    const char *name; /* in the listing */
    ino_t inode;
    int age; /* seconds, when the machine is set up */
    int error;
} entries[MOST];

static size_t listed, told;
static int64_t now; /* since boot, and since whatever sonde_now counts from */
static int reads;
static char last_read[16];
static int proc;
static struct roster roster;
static _Alignas(struct dirent64) char scratch[ROSTER_SCRATCH];

int64_t
sonde_now(void)
{
    return now;
}

int
clock_gettime(clockid_t clock, struct timespec *time)
{
    (void)clock;
    *time = (struct timespec){ now / SECOND, now % SECOND };
    return 0;
}

/* A few at a time, as a kernel with little room. */
ssize_t
getdents64(int fd, void *buffer, size_t size)
{
    char *at = buffer;

    assert_int_equal(fd, proc);
    for (int n = 0; n < AT_ONCE && told < listed; n++, told++) {
        struct dirent64 entry = { .d_ino = entries[told].inode,
                                  .d_reclen = sizeof(entry) };

        assert_true(size >= sizeof(entry));
        snprintf(entry.d_name, sizeof(entry.d_name), "%s", entries[told].name);
        memcpy(at, &entry, sizeof(entry));
        at += sizeof(entry);
    }
    if (at == buffer)
        told = 0;
    return at - (char *)buffer;
}

bool
procfs_gone(int error)
{
    return error == ENOENT || error == ESRCH;
}

int
procfs_stat(int fd, pid_t pid, struct pidstat *stat)
{
    assert_int_equal(fd, proc);
    for (size_t i = 0; i < listed; i++) {
        if (atol(entries[i].name) != pid)
            continue;
        reads++;
        snprintf(last_read, sizeof(last_read), "%d", (int)pid);
        *stat = (struct pidstat){
            .pid = pid,
            .alive = true,
            .start = (uint64_t)(OLD * 1000 - entries[i].age)
                     * (uint64_t)sysconf(_SC_CLK_TCK),
        };
        return entries[i].error;
    }
    return ENOENT;
}

static void
add(const char *name, ino_t inode, int age)
{
    assert_true(listed < MOST);
    entries[listed].name = name;
    entries[listed].inode = inode;
    entries[listed].age = age;
    entries[listed++].error = 0;
}

static int
set_up(void **state)
{
    (void)state;
    listed = told = 0;
    now = OLD * 1000 * SECOND;
    add("meminfo", 1, 0);
    add("10", 100, OLD);
    add("20", 200, OLD);
    add("30", 300, OLD);
    add("40", 400, OLD);
    proc = open("/dev/null", O_RDONLY | O_CLOEXEC); /* the roster winds it back */
    return proc == -1;
}

static int
tear_down(void **state)
{
    (void)state;
    roster_clear(&roster);
    assert_int_equal(roster.texts, 0);
    return close(proc);
}

/* ---- updates ---- */

/* As a look does where nobody tells of changes. */
static const struct roster_terms *
plain_terms(void)
{
    static struct roster_terms terms;

    terms = (struct roster_terms){ .oldest = now - 10 * SECOND,
                                   .heard = INT64_MAX,
                                   .doubted = now - 300 * SECOND };
    return &terms;
}

static void
holds(const char *pids)
{
    char text[128] = "";

    for (size_t i = 0; i < roster.count; i++)
        snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%d", i ? " " : "",
                 (int)roster.processes[i].stat.pid);
    assert_string_equal(text, pids);
}

/* A tenth of a second after the one before. */
static void
updated(const struct roster_terms *terms, const char *pids, int read)
{
    now += SECOND / 10;
    reads = 0;
    assert_int_equal(roster_update(&roster, proc, terms, scratch), 0);
    holds(pids);
    assert_int_equal(reads, read);
}

static void
only_what_is_new_is_read(void **state)
{
    (void)state;
    updated(plain_terms(), "10 20 30 40", 4);
    updated(plain_terms(), "10 20 30 40", 0);
    entries[3].name = "25"; /* 30 has ended, another came before it in the order */
    entries[3].inode = 250;
    updated(plain_terms(), "10 20 25 40", 1);
    assert_string_equal(last_read, "25");
    add("50", 500, OLD);
    updated(plain_terms(), "10 20 25 40 50", 1);
    listed = 2;
    updated(plain_terms(), "10", 0);
    listed = 0;
    updated(plain_terms(), "", 0);
}

static void
a_pid_given_away_is_read_anew(void **state)
{
    (void)state;
    updated(plain_terms(), "10 20 30 40", 4);
    entries[2].inode = 201;
    updated(plain_terms(), "10 20 30 40", 1);
    assert_string_equal(last_read, "20");
}

static void
the_young_are_read_each_time(void **state)
{
    (void)state;
    add("50", 500, 0);
    updated(plain_terms(), "10 20 30 40 50", 5);
    updated(plain_terms(), "10 20 30 40 50", 1);
    now += 2 * SECOND;
    updated(plain_terms(), "10 20 30 40 50", 1); /* it was young when it was read */
    updated(plain_terms(), "10 20 30 40 50", 0);
}

static void
what_is_old_or_doubted_is_read(void **state)
{
    (void)state;
    updated(plain_terms(), "10 20 30 40", 4);
    roster_doubt(&roster, 30);
    roster_doubt(&roster, 35); /* unknown: nothing to doubt */
    updated(plain_terms(), "10 20 30 40", 1);
    assert_string_equal(last_read, "30");
    now += 10 * SECOND;
    updated(plain_terms(), "10 20 30 40", 4);
}

static void
where_changes_are_told_more_is_believed(void **state)
{
    struct roster_terms terms = { .heard = now };

    (void)state;
    add("50", 500, 0);
    terms.oldest = terms.doubted = now;
    updated(&terms, "10 20 30 40 50", 5);
    terms.oldest = now + 1;
    updated(&terms, "10 20 30 40 50", 0); /* not even the young one */
    roster_doubt(&roster, 50);
    updated(&terms, "10 20 30 40 50", 1);
    terms.doubted = now; /* news were lost */
    updated(&terms, "10 20 30 40 50", 5);
}

/* ---- what is kept besides ---- */

static void
texts_go_with_their_process(void **state)
{
    struct scan_process *process;
    char *kept;

    (void)state;
    updated(plain_terms(), "10 20 30 40", 4);
    for (size_t i = 0; i < roster.count; i++) {
        process = &roster.processes[i];
        process->exe = roster_keep(&roster, process, "/bin/x", 6);
        process->cmdline = roster_keep(&roster, process, "x y", 3);
        process->cmdline_length = 3;
    }
    assert_int_equal(roster.texts, 4 * (7 + 4));
    kept = roster.processes[3].exe;
    entries[2].inode = 201;  /* 20 is another */
    entries[3] = entries[4]; /* 30 has ended */
    listed--;
    updated(plain_terms(), "10 20 40", 1);
    assert_ptr_equal(roster.processes[2].exe, kept);
    assert_string_equal(roster.processes[2].cmdline, "x y");
    assert_null(roster.processes[1].exe);
    assert_int_equal(roster.texts, 2 * (7 + 4));
    now += 10 * SECOND;
    updated(plain_terms(), "10 20 40", 3);
    assert_int_equal(roster.texts, 0);
}

static void
texts_are_bounded(void **state)
{
    static char text[60000];
    size_t kept = 0;

    (void)state;
    updated(plain_terms(), "10 20 30 40", 4);
    memset(text, 'x', sizeof(text));
    for (int i = 0; i < 200; i++) {
        struct scan_process *process = &roster.processes[0];
        char *copy = roster_keep(&roster, process, text, sizeof(text));

        kept += copy != NULL;
        free(copy);
    }
    assert_in_range(kept, 1, (4 << 20) / sizeof(text));
    roster.texts -= kept * (sizeof(text) + 1);
}

/* ---- what cannot be read ---- */

static void
what_is_gone_or_barred_is_left_out(void **state)
{
    (void)state;
    entries[2].error = ESRCH;
    entries[3].error = EACCES;
    updated(plain_terms(), "10 40", 4);
    entries[3].error = 0;
    updated(plain_terms(), "10 30 40", 2);
}

static void
a_fault_empties_the_list(void **state)
{
    (void)state;
    updated(plain_terms(), "10 20 30 40", 4);
    roster.processes[3].exe = roster_keep(&roster, &roster.processes[3], "/bin/x", 6);
    entries[2].inode = 201;
    entries[2].error = EMFILE;
    assert_int_equal(roster_update(&roster, proc, plain_terms(), scratch), EMFILE);
    holds("");
    assert_int_equal(roster.texts, 0);
    told = 0;
    entries[2].error = 0;
    updated(plain_terms(), "10 20 30 40", 4);
}

static void
names_that_are_no_pid_are_left_out(void **state)
{
    (void)state;
    listed = 0;
    add("self", 1, OLD);
    add("1x", 1, OLD);
    add("0", 1, OLD);
    add("07", 1, OLD);
    add("", 1, OLD);
    add("2147483648", 1, OLD);
    add("99999999999999999999", 1, OLD);
    add("2147483647", 1, OLD);
    updated(plain_terms(), "2147483647", 1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

static const struct CMUnitTest tests[] = {
    TEST(only_what_is_new_is_read),
    TEST(a_pid_given_away_is_read_anew),
    TEST(the_young_are_read_each_time),
    TEST(what_is_old_or_doubted_is_read),
    TEST(where_changes_are_told_more_is_believed),
    TEST(texts_go_with_their_process),
    TEST(texts_are_bounded),
    TEST(what_is_gone_or_barred_is_left_out),
    TEST(a_fault_empties_the_list),
    TEST(names_that_are_no_pid_are_left_out),
};

UNIT_MAIN(tests)
