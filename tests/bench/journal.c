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

enum { PAYLOAD = 626, MOST = 16, BARE = 64 << 20, SLOWER = 1000 /* us */ };

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
bare(const char *name, int records, double seconds)
{
    enum { SIZE = (PAYLOAD + 20 + 7) / 8 * 8 };
    static char bytes[MOST * SIZE];
    size_t length = (size_t)records * SIZE;
    int fd = bare_open("bench-bare");
    int64_t began = clock_now(), end = began + (int64_t)(seconds * 1e9);
    uint64_t count = 0;

    for (off_t at = 0; clock_now() < end; at = (at + (off_t)length) % (BARE / 2), count++)
        if (pwrite(fd, bytes, length, at) == -1 || fdatasync(fd) == -1)
            perror("bench-bare"), exit(1);
    seconds = (double)(clock_now() - began) / 1e9;
    close(fd);
    unlink("bench-bare");
    printf("%-20s %8.0f/s  %6.2f us each  %6ju writes  %6ju syncs\n", name,
           (double)count * records / seconds, seconds * 1e6 / (double)count / records,
           (uintmax_t)count, (uintmax_t)count);
    return (double)count * records / seconds;
}

static double
measure(const char *name, const char *directory, enum journal_sync sync, bool slower,
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
    if (system(remove) != 0)
        fprintf(stderr, "%s is left behind\n", directory);
    printf("%-20s %8.0f/s  %6.2f us each  %6ju writes  %6ju syncs\n", name,
           (double)counts.appended / seconds, seconds * 1e6 / (double)counts.appended,
           (uintmax_t)counts.writes, (uintmax_t)counts.syncs);
    return (double)counts.appended / seconds;
}

int
main(int argc, char **argv)
{
    const char *directory = argc > 1 ? argv[1] : "bench-journal";
    double seconds = argc > 2 ? atof(argv[2]) : 2, one, many, bare_one, bare_many;
    double slow_one, slow_many;

    measure("never", directory, JOURNAL_NEVER, false, seconds);
    measure("50 ms", directory, JOURNAL_EVERY, false, seconds);
    sync(); /* what the rows above left to be written */
    bare_one = bare("bare, 1 at a time", 1, seconds);
    producers = 1;
    one = measure("each, 1 producer", directory, JOURNAL_EACH, false, seconds);
    sync();
    bare_many = bare("bare, 16 at a time", MOST, seconds);
    producers = MOST;
    many = measure("each, 16 producers", directory, JOURNAL_EACH, false, seconds);
    sync();
    producers = 1;
    slow_one = measure("sync + 1 ms, 1", directory, JOURNAL_EACH, true, seconds);
    producers = MOST;
    slow_many = measure("sync + 1 ms, 16", directory, JOURNAL_EACH, true, seconds);
    printf("16 to one: %.1f, bare %.1f, sync + 1 ms %.1f\n", many / one,
           bare_many / bare_one, slow_many / slow_one);
    return 0;
}
