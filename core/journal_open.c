/* SPDX-License-Identifier: Apache-2.0
 *
 * journal_open.c - what is in the journal's directory at the start.  See journal.h.
 *
 * Only the newest segments are read: back to the one that begins with a whole snapshot,
 * as a rule the newest.  What lies before it is for readers; a backlog of any size does
 * not hold up a start.  Whatever is damaged is put right as far as it can be, said, and
 * gone on from.
 */
#include "fault.h"
#include "journal_inside.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

enum { JOURNAL_BUFFER = 4 << 20, JOURNAL_SEGMENT = 16 << 20, JOURNAL_LEAST = 4 << 10 };
#define JOURNAL_INTERVAL INT64_C(50000000) /* ns: of syncs, and of checkpoints */

/* ---- the list ---- */

static void
journal_found_name(void *arg, const char *name)
{
    struct journal *journal = arg;
    struct journal_entry entry = { .end = -1 };

    if (strcmp(name, SEGMENT_NEW) == 0)
        journal->disk->calls->unlink(journal->disk, name);
    if (!segment_number(name, &entry.first))
        return;
    journal->list = memory_grow(journal->list, journal->count + 1, sizeof(entry));
    entry.serial = ++journal->serial;
    journal->list[journal->count++] = entry;
}

static int
journal_order(const void *a, const void *b)
{
    const struct journal_entry *one = a, *other = b;

    return one->first < other->first ? -1 : one->first > other->first;
}

static void
journal_measure(struct journal *journal)
{
    char name[SEGMENT_NAME];

    for (size_t i = 0; i < journal->count; i++) {
        int fd = journal->disk->calls->open(
            journal->disk, segment_name(name, journal->list[i].first), O_RDONLY);

        if (fd == -1)
            continue;
        journal->list[i].size = journal->disk->calls->size(journal->disk, fd);
        journal->disk->calls->close(journal->disk, fd);
    }
}

static void
journal_drop_entry(struct journal *journal, size_t at)
{
    if (journal->next < journal->list[at].first)
        journal->next = journal->list[at].first;
    journal->count--;
    memmove(journal->list + at, journal->list + at + 1,
            (journal->count - at) * sizeof(*journal->list));
}

/* ---- one segment ---- */

enum journal_opened { JOURNAL_WHOLE, JOURNAL_WITHOUT, JOURNAL_UNUSABLE, JOURNAL_REFUSED };

static void
journal_set_aside(struct journal *journal, const char *name, off_t size)
{
    char bad[SEGMENT_NAME + 4];

    snprintf(bad, sizeof(bad), "%s.bad", name);
    log_warning("journal: %s does not begin as a segment does; it is set aside as %s",
                name, bad);
    fault_point("set-aside");
    if (journal->disk->calls->rename(journal->disk, name, bad) == -1)
        log_warning("journal: %s cannot be renamed: %s", name, strerror(errno));
    atomic_fetch_add(&journal->counts.quarantined, (unsigned long long)size);
}

static void
journal_say_damage(struct journal *journal, const char *name,
                   const struct segment_found *found)
{
    if (found->rest == SEGMENT_CLEAN)
        return;
    if (found->rest == SEGMENT_TORN) {
        atomic_fetch_add(&journal->counts.torn, (unsigned long long)found->rest_length);
        log_info("journal: %s: %jd bytes that were being written when it ended are cut",
                 name, (intmax_t)found->rest_length);
        return;
    }
    atomic_fetch_add(&journal->counts.quarantined,
                     (unsigned long long)found->rest_length);
    log_warning(
        "journal: %s is damaged at byte %jd%s%s; %jd bytes from there on are kept "
        "as %s.bad",
        name, (intmax_t)found->end, found->error ? ": " : "",
        found->error ? strerror(found->error) : "", (intmax_t)found->rest_length, name);
}

/* What is found decides; where it is the newest and its end is in order, writing goes on
 * there. */
static bool
journal_look_at(struct journal *journal, size_t at, int fd, const char *name)
{
    struct journal_entry *entry = &journal->list[at];
    bool newest = at + 1 == journal->count;
    bool keep = false;
    struct segment_found found;

    segment_look(journal->disk, fd, &found);
    journal_say_damage(journal, name, &found);
    if (segment_repair(journal->disk, fd, name, &found, newest) == -1)
        log_warning("journal: %s cannot be put right, and is left as it is: %s", name,
                    strerror(errno));
    else
        keep = newest && found.snapshot && found.rest != SEGMENT_QUARANTINED;
    entry->end = entry->size = found.end;
    if (journal->next < entry->first)
        journal->next = entry->first;
    if (journal->next <= found.last)
        journal->next = found.last + 1;
    if (keep)
        journal->current = (struct segment){
            .fd = fd, .first = entry->first, .size = found.size, .end = found.end
        };
    else
        journal->disk->calls->close(journal->disk, fd);
    return found.snapshot;
}

static enum journal_opened
journal_open_segment(struct journal *journal, size_t at, char why[JOURNAL_WHY])
{
    struct disk *disk = journal->disk;
    char name[SEGMENT_NAME];
    uint64_t first = 0;
    int fd;

    segment_name(name, journal->list[at].first);
    fd = disk->calls->open(disk, name, O_RDWR);
    if (fd == -1) {
        log_warning("journal: %s cannot be opened: %s", name, strerror(errno));
        return JOURNAL_UNUSABLE;
    }
    switch (segment_take_head(disk, fd, &first)) {
    case SEGMENT_NEWER:
        snprintf(
            why, JOURNAL_WHY,
            "%s was written by a newer version of sonde; use that version, or move the "
            "files away",
            name);
        disk->calls->close(disk, fd);
        return JOURNAL_REFUSED;
    case SEGMENT_OURS:
        if (first == journal->list[at].first)
            return journal_look_at(journal, at, fd, name) ? JOURNAL_WHOLE
                                                          : JOURNAL_WITHOUT;
        break;
    case SEGMENT_DAMAGED:
        break;
    }
    journal_set_aside(journal, name, disk->calls->size(disk, fd));
    disk->calls->close(disk, fd);
    return JOURNAL_UNUSABLE;
}

/* ---- the memory of the client ---- */

static void
journal_restore_segment(struct journal *journal, size_t at, uint64_t *last)
{
    struct journal_entry *entry = &journal->list[at];
    char name[SEGMENT_NAME];
    struct segment_scan scan;
    struct record record;
    int fd = journal->disk->calls->open(journal->disk, segment_name(name, entry->first),
                                        O_RDONLY);

    if (fd == -1)
        return;
    segment_scan_init(&scan, journal->disk, fd, entry->end);
    while (segment_next(&scan, &record) == RECORD_TAKEN) {
        bool note = record.kind & RECORD_BESIDE;

        if (record.kind == RECORD_SNAPSHOT_END || (!note && record.number <= *last))
            continue;
        if (!note)
            *last = record.number;
        journal->client.restore(
            journal->client.arg,
            &(struct journal_record){ .number = record.number,
                                      .kind = record.kind & ~RECORD_BESIDE,
                                      .note = note,
                                      .length = record.length,
                                      .payload = record.payload });
    }
    segment_scan_deinit(&scan);
    journal->disk->calls->close(journal->disk, fd);
}

/* False: refused. */
static bool
journal_recover(struct journal *journal, char why[JOURNAL_WHY])
{
    size_t from = journal->count;
    uint64_t last = 0;
    bool whole = false;

    while (from > 0 && !whole) {
        switch (journal_open_segment(journal, --from, why)) {
        case JOURNAL_WHOLE:
            whole = true;
            break;
        case JOURNAL_WITHOUT:
            break;
        case JOURNAL_UNUSABLE:
            journal_drop_entry(journal, from);
            break;
        case JOURNAL_REFUSED:
            return false;
        }
    }
    for (; journal->client.restore && from < journal->count; from++)
        journal_restore_segment(journal, from, &last);
    return true;
}

/* ---- open ---- */

void
journal_defaults(struct journal_options *options)
{
    if (!options->every)
        options->every = JOURNAL_INTERVAL;
    if (!options->notes)
        options->notes = JOURNAL_INTERVAL;
    if (!options->buffer)
        options->buffer = JOURNAL_BUFFER;
    if (!options->segment)
        options->segment = JOURNAL_SEGMENT;
    if (options->segment < JOURNAL_LEAST)
        options->segment = JOURNAL_LEAST;
}

static struct journal *
journal_new(struct disk *disk, const struct journal_options *options,
            const struct journal_client *client)
{
    struct journal *journal = memory_new(sizeof(*journal));
    pthread_condattr_t monotonic;

    journal->disk = disk ? disk : &journal->real;
    journal->real.directory = -1;
    journal->options = *options;
    journal->client = *client;
    journal_defaults(&journal->options);
    pthread_mutex_init(&journal->lock, NULL);
    pthread_mutex_init(&journal->list_lock, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&journal->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    journal->current.fd = journal->ready.fd = -1;
    journal->next = 1;
    atomic_store(&journal->unread_last, INT64_MIN / 2);
    return journal;
}

static struct journal *
journal_begin(struct journal *journal, char why[JOURNAL_WHY])
{
    if (journal->disk->calls->list(journal->disk, journal_found_name, journal) == -1) {
        snprintf(why, JOURNAL_WHY, "the directory cannot be read: %s", strerror(errno));
        journal_free(journal);
        return NULL;
    }
    if (journal->count)
        qsort(journal->list, journal->count, sizeof(*journal->list), journal_order);
    journal_measure(journal);
    if (!journal_recover(journal, why)) {
        journal_free(journal);
        return NULL;
    }
    if (journal->count && journal->disk->calls->sync_directory(journal->disk) == -1)
        log_warning("journal: the directory cannot be synced: %s", strerror(errno));
    journal->taken = journal->next - 1;
    journal->synced_end = journal->current.end;
    journal->told_written = journal->told_durable = journal->taken;
    atomic_store(&journal->written, journal->taken);
    atomic_store(&journal->durable, journal->taken);
    return journal;
}

struct journal *
journal_open_on(struct disk *disk, const struct journal_options *options,
                const struct journal_client *client, char why[JOURNAL_WHY])
{
    return journal_begin(journal_new(disk, options, client), why);
}

struct journal *
journal_open(const char *directory, const struct journal_options *options,
             const struct journal_client *client, char why[JOURNAL_WHY])
{
    struct journal *journal = journal_new(NULL, options, client);

    if ((mkdir(directory, 0750) == -1 && errno != EEXIST)
        || !disk_init(&journal->real, directory)) {
        snprintf(why, JOURNAL_WHY, "%s: %s", directory, strerror(errno));
        journal_free(journal);
        return NULL;
    }
    return journal_begin(journal, why);
}

void
journal_free(struct journal *journal)
{
    segment_close(journal->disk, &journal->current);
    segment_close(journal->disk, &journal->ready);
    if (journal->disk == &journal->real)
        disk_deinit(&journal->real);
    pthread_cond_destroy(&journal->wake);
    pthread_mutex_destroy(&journal->lock);
    pthread_mutex_destroy(&journal->list_lock);
    free(journal->gathering.at);
    free(journal->held.at);
    free(journal->taking.at);
    free(journal->list);
    free(journal);
}
