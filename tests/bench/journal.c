/* SPDX-License-Identifier: Apache-2.0
 *
 * journal.c - how many records the journal takes in a second.
 *
 *   journal [DIR] [SECONDS]
 *
 * The records are as long as a change in its canonical JSON.  In the first rows one
 * thread appends as fast as the journal takes them.  In the others each of so many
 * producers has one record under way and makes its next when that is durable: one alone
 * shows the disk, sixteen show how they share a sync.  They live on the journal's thread,
 * as callbacks, so that it is not the scheduler that is measured.
 *
 * The last rows stand for a disk that is slower than many a virtual one, which answers a
 * sync within 30 us: each sync sleeps for a millisecond more.
 */
#include "clock.h"
#include "journal_inside.h"
#include "memory.h"

#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PAYLOAD = 626, MOST = 16, BARE = 64 << 20, SLOWER = 1000 /* us */, ROUNDS = 3 };

static struct journal *journal;
static atomic_bool stop;
static int producers; /* 0: none waits */
static uint64_t under_way[MOST];
static char payload[PAYLOAD];

static uint64_t
append(void)
{
    return journal_append(journal, 1, &(struct iovec){ payload, PAYLOAD }, 1);
}

static void
told(void *arg, uint64_t written, uint64_t durable)
{
    (void)arg;
    (void)written;
    for (int i = 0; i < producers && !atomic_load(&stop); i++)
        if (under_way[i] <= durable)
            under_way[i] = append();
}

static void
run(double seconds)
{
    int64_t end = clock_now() + (int64_t)(seconds * 1e9);

    for (int i = 0; i < producers; i++)
        under_way[i] = append();
    journal_start(journal);
    while (clock_now() < end)
        if (producers || !append())
            usleep(500); /* the disk is behind */
    atomic_store(&stop, true);
}

/* ---- a disk whose syncs take longer ---- */

static struct disk slow;
static struct disk_calls slow_calls;

static int
slow_sync(struct disk *disk, int fd)
{
    (void)disk;
    usleep(SLOWER);
    return fdatasync(fd);
}

static struct journal *
open_slow(const char *directory, const struct journal_options *options,
          const struct journal_client *client, char why[JOURNAL_WHY])
{
    if (mkdir(directory, 0750) == -1 || !disk_init(&slow, directory))
        perror(directory), exit(1);
    slow_calls = *slow.calls;
    slow_calls.sync = slow_sync;
    slow.calls = &slow_calls;
    return journal_open_on(&slow, options, client, why);
}

/* ---- the rows ---- */

/* The sums of all rounds. */
struct row {
    const char *name;
    double records, seconds;
    uint64_t writes, syncs;
};

/* Returns the rate of what is added. */
static double
row_add(struct row *row, double records, double seconds, uint64_t writes, uint64_t syncs)
{
    row->records += records;
    row->seconds += seconds;
    row->writes += writes;
    row->syncs += syncs;
    return records / seconds;
}

static void
row_print(const struct row *row)
{
    printf("%-20s %8.0f/s  %7.2f us each  %7ju writes  %7ju syncs\n", row->name,
           row->records / row->seconds, row->seconds * 1e6 / row->records,
           (uintmax_t)row->writes, (uintmax_t)row->syncs);
}

/* A file whose blocks are in use: no sync waits for the file system to note that. */
static int
bare_open(const char *name)
{
    static char zeros[1 << 20];
    int fd = open(name, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    if (fd == -1)
        perror(name), exit(1);
    for (off_t at = 0; at < BARE; at += (off_t)sizeof(zeros))
        if (pwrite(fd, zeros, sizeof(zeros), at) == -1)
            perror(name), exit(1);
    if (fsync(fd) == -1)
        perror(name), exit(1);
    return fd;
}

/* What the disk does by itself with so many records at a time. */
static double
bare(struct row *row, int fd, int records, double seconds)
{
    enum { SIZE = (PAYLOAD + 20 + 7) / 8 * 8 };
    static char bytes[MOST * SIZE];
    size_t length = (size_t)records * SIZE;
    int64_t began = clock_now(), end = began + (int64_t)(seconds * 1e9);
    uint64_t count = 0;

    for (off_t at = 0; clock_now() < end; at = (at + (off_t)length) % (BARE / 2), count++)
        if (pwrite(fd, bytes, length, at) == -1 || fdatasync(fd) == -1)
            perror("bench-bare"), exit(1);
    seconds = (double)(clock_now() - began) / 1e9;
    return row_add(row, (double)count * records, seconds, count, count);
}

static double
measure(struct row *row, const char *directory, enum journal_sync sync, bool slower,
        double seconds)
{
    struct journal_options options = { .sync = sync };
    struct journal_client client = { .told = told };
    AUTO_FREE char *remove = memory_format("rm -rf '%s'", directory);
    char why[JOURNAL_WHY];
    struct journal_counts counts;
    int64_t began = clock_now();

    atomic_store(&stop, false);
    journal = (slower ? open_slow : journal_open)(directory, &options, &client, why);
    if (!journal) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    run(seconds);
    while (journal_written(journal) + 1 < journal_next(journal))
        usleep(200);
    seconds = (double)(clock_now() - began) / 1e9;
    counts = journal_counts(journal);
    journal_close(journal);
    if (slower)
        memory_close(&slow.directory);
    if (system(remove) != 0)
        fprintf(stderr, "%s is left behind\n", directory);
    return row_add(row, (double)counts.appended, seconds, counts.writes, counts.syncs);
}

static double
middle(double a, double b, double c)
{
    double most = a > b ? a : b, least = a > b ? b : a;

    return c > most ? most : c < least ? least : c;
}

/* One and sixteen take turns, since no disk and no machine is the same for a minute. */
static void
compare(const char *directory, double seconds)
{
    struct row rows[] = {
        { .name = "bare, 1 at a time" }, { .name = "bare, 16 at a time" },
        { .name = "each, 1 producer" },  { .name = "each, 16 producers" },
        { .name = "sync + 1 ms, 1" },    { .name = "sync + 1 ms, 16" }
    };
    double gain[3][ROUNDS];
    int fd = bare_open("bench-bare");

    for (int round = 0; round < ROUNDS; round++)
        for (int kind = 0; kind < 3; kind++) {
            double rates[2];

            sync(); /* what was left to be written */
            for (int many = 0; many < 2; many++) {
                struct row *row = &rows[2 * kind + many];

                producers = many ? MOST : 1;
                rates[many] = kind == 0 ? bare(row, fd, producers, seconds)
                                        : measure(row, directory, JOURNAL_EACH, kind == 2,
                                                  seconds);
            }
            gain[kind][round] = rates[1] / rates[0];
        }
    close(fd);
    unlink("bench-bare");
    for (int i = 0; i < 6; i++)
        row_print(&rows[i]);
    printf("16 to one, the middle of three: %.1f, bare %.1f, sync + 1 ms %.1f\n",
           middle(gain[1][0], gain[1][1], gain[1][2]),
           middle(gain[0][0], gain[0][1], gain[0][2]),
           middle(gain[2][0], gain[2][1], gain[2][2]));
}

int
main(int argc, char **argv)
{
    const char *directory = argc > 1 ? argv[1] : "bench-journal";
    double seconds = argc > 2 ? atof(argv[2]) : 1.2;
    struct row never = { .name = "never" }, often = { .name = "50 ms" };

    measure(&never, directory, JOURNAL_NEVER, false, seconds);
    row_print(&never);
    measure(&often, directory, JOURNAL_EVERY, false, seconds);
    row_print(&often);
    compare(directory, seconds);
    return 0;
}
