/* SPDX-License-Identifier: Apache-2.0
 *
 * journal_read.c - readers of the journal, beside its writer.  See journal.h.
 *
 * A reader has a descriptor of its own for the segment it is in, so that one that is
 * unlinked meanwhile is read to its end.  How far it may read is what the writer
 * published; where a segment goes on in a newer one, numbers that it had are passed over.
 *
 * Where the disk does not let it read, it tries the same place again for a while: what a
 * bad cable or a path that is changed over costs is over in seconds.
 */
#include "clock.h"
#include "journal_inside.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>

#define JOURNAL_PAUSE   (100 * CLOCK_MS)    /* after the first failure, then doubled */
#define JOURNAL_LONGEST (1 * CLOCK_SECOND)  /* ... up to this */
#define JOURNAL_PATIENT (10 * CLOCK_SECOND) /* then the rest of a segment is given up */
#define JOURNAL_OVER    (5 * CLOCK_SECOND)  /* without a failure: the next is another */

struct journal_reader {
    struct journal *journal;
    uint64_t at;              /* the number wanted next; 0: the oldest */
    uint64_t serial;          /* of the segment that is open */
    struct segment_scan scan; /* scan.fd -1: none */
    /* While the disk does not let it; pause 0: it does. */
    int64_t retry, pause;
};

struct journal_reader *
journal_reader_new(struct journal *journal, uint64_t from)
{
    struct journal_reader *reader = memory_new(sizeof(*reader));

    *reader = (struct journal_reader){ .journal = journal, .at = from, .scan.fd = -1 };
    return reader;
}

static void
journal_reader_leave(struct journal_reader *reader)
{
    struct disk *disk = reader->journal->disk;

    segment_scan_deinit(&reader->scan);
    if (reader->scan.fd != -1)
        disk->calls->close(disk, reader->scan.fd);
    reader->scan.fd = -1;
}

void
journal_reader_free(struct journal_reader *reader)
{
    if (!reader)
        return;
    journal_reader_leave(reader);
    free(reader);
}

uint64_t
journal_reader_at(const struct journal_reader *reader)
{
    return reader->at;
}

/* To the first number that can be had. */
static void
journal_reader_skip(struct journal_reader *reader, uint64_t to, atomic_ullong *counter)
{
    atomic_fetch_add(counter, 1);
    atomic_fetch_add(&reader->journal->counts.lost, to - reader->at);
    reader->at = to;
}

/* With the list locked: the newest segment that may hold the number wanted. */
static const struct journal_entry *
journal_reader_find(const struct journal_reader *reader)
{
    const struct journal *journal = reader->journal;
    size_t i = journal->count;

    while (i > 1 && journal->list[i - 1].first > reader->at)
        i--;
    return &journal->list[i - 1];
}

/* JOURNAL_RECORD: a segment is open. */
static enum journal_read
journal_reader_enter(struct journal_reader *reader)
{
    struct journal *journal = reader->journal;
    struct journal_entry entry = { 0 };
    char name[SEGMENT_NAME];
    int fd = -1;

    pthread_mutex_lock(&journal->list_lock);
    if (journal->count) {
        if (!reader->at)
            reader->at = journal->list[0].first;
        entry = *journal_reader_find(reader);
        /* Within the lock: what is listed is there, and has this name. */
        fd = journal->disk->calls->open(journal->disk, segment_name(name, entry.first),
                                        O_RDONLY);
    }
    pthread_mutex_unlock(&journal->list_lock);
    if (fd == -1)
        return JOURNAL_NONE; /* too many descriptors, perhaps: asked again later */
    segment_scan_init(&reader->scan, journal->disk, fd,
                      entry.end == -1 ? entry.size : entry.end);
    reader->serial = entry.serial;
    if (entry.first <= reader->at)
        return JOURNAL_RECORD;
    journal_reader_skip(reader, entry.first, &journal->counts.gone);
    return JOURNAL_SKIP;
}

static void
journal_reader_tell(const struct journal_reader *reader, uint64_t next)
{
    int error = reader->scan.error;

    log_warning("journal: %" PRIu64 " records from %" PRIu64 " on cannot be read: %s",
                next - reader->at, reader->at,
                error ? strerror(error) : "the disk has something else there");
}

/* The segment has no more good records as far as it was known.  JOURNAL_RECORD: go on. */
static enum journal_read
journal_reader_next_segment(struct journal_reader *reader, bool bad)
{
    struct journal *journal = reader->journal;
    uint64_t next = 0;
    size_t i = 0;
    bool listed;

    pthread_mutex_lock(&journal->list_lock);
    while (i < journal->count && journal->list[i].serial != reader->serial)
        i++;
    if (!bad && i < journal->count && journal->list[i].end > reader->scan.limit) {
        reader->scan.limit = journal->list[i].end;
        pthread_mutex_unlock(&journal->list_lock);
        return JOURNAL_RECORD;
    }
    listed = i < journal->count;
    if (i + 1 < journal->count)
        next = journal->list[i + 1].first;
    bad = bad && listed; /* one that was replaced may look so */
    i = journal->count - i;
    pthread_mutex_unlock(&journal->list_lock);
    if (i == 1) { /* it is the current one */
        if (bad && !atomic_exchange(&journal->distrusted, true))
            journal_kick(journal); /* the rest of it is given up: another is begun */
        return JOURNAL_NONE;
    }
    if (bad && next > reader->at)
        journal_reader_tell(reader, next);
    journal_reader_leave(reader);
    reader->pause = 0;
    if (next
        <= reader->at) /* what was bad never counted as written, or stands there again */
        return JOURNAL_RECORD;
    journal_reader_skip(reader, next, bad ? &journal->counts.bad : &journal->counts.gone);
    return JOURNAL_SKIP;
}

/* True: not now, perhaps later.  The time is the journal's, for a reader that was freed
 * meanwhile begins anew. */
static bool
journal_reader_waits(struct journal_reader *reader)
{
    struct journal *journal = reader->journal;
    int64_t now = clock_now();

    if (!reader->scan.error)
        return false;
    reader->pause = reader->pause ? reader->pause * 2 : JOURNAL_PAUSE;
    if (reader->pause > JOURNAL_LONGEST)
        reader->pause = JOURNAL_LONGEST;
    reader->retry = now + reader->pause;
    if (now - atomic_exchange(&journal->unread_last, now) > JOURNAL_OVER)
        atomic_store(&journal->unread_since, now);
    return now - atomic_load(&journal->unread_since) < JOURNAL_PATIENT;
}

enum journal_read
journal_read(struct journal_reader *reader, struct journal_record *out)
{
    for (;;) {
        enum journal_read next = JOURNAL_RECORD;
        struct record record;

        if (reader->scan.fd == -1)
            next = journal_reader_enter(reader);
        if (next != JOURNAL_RECORD)
            return next;
        if (reader->pause && clock_now() < reader->retry)
            return JOURNAL_NONE;
        switch (segment_next(&reader->scan, &record)) {
        case RECORD_TAKEN:
            reader->pause = 0;
            if (record.kind & RECORD_BESIDE || record.number < reader->at)
                continue;
            reader->at = record.number + 1;
            *out = (struct journal_record){ .number = record.number,
                                            .kind = record.kind,
                                            .length = record.length,
                                            .payload = record.payload };
            return JOURNAL_RECORD;
        case RECORD_END:
            reader->pause = 0;
            next = journal_reader_next_segment(reader, false);
            break;
        default:
            if (journal_reader_waits(reader))
                return JOURNAL_NONE;
            next = journal_reader_next_segment(reader, true);
        }
        if (next != JOURNAL_RECORD)
            return next;
    }
}
