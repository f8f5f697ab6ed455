/* SPDX-License-Identifier: Apache-2.0
 *
 * journal_rotate.c - the next segment of the journal.  See journal.h.
 *
 * A new segment is made as journal.new: a head, the snapshot, its end, and every record
 * that was appended until the snapshot was taken.  Only when all of that is on the disk
 * does it get its name.  So a named segment always holds a whole snapshot, and no
 * snapshot speaks of a record that is not on the disk.
 *
 * Where the disk has not room for all of what is wanted, a new segment is made as large
 * as it can be; and of what gathered meanwhile it gets what somebody still needs, since
 * all of it may be more than the disk holds, and the snapshot says what the rest said.
 */
#include "fault.h"
#include "journal_inside.h"
#include "memory.h"

#include <errno.h>

enum { JOURNAL_SMALL = 64 << 10 /* a segment, where the disk has not room for more */ };

off_t
journal_wanted_size(const struct journal *journal)
{
    off_t asked = (off_t)journal->options.segment;
    off_t least = SEGMENT_HEAD + JOURNAL_SHARE * journal->snapshot_size;

    return asked > least ? asked : least;
}

static void
journal_drop_ready(struct journal *journal)
{
    segment_close(journal->disk, &journal->ready);
    journal->disk->calls->unlink(journal->disk, SEGMENT_NEW);
}

/* The number that the new segment begins with, and where in held. */
struct journal_start {
    uint64_t first;
    size_t from;
};

/* Below it nobody needs what was appended so far. */
static uint64_t
journal_needed(const struct journal *journal)
{
    uint64_t taken = journal->taken, needed; /* taken before it is asked */

    needed = journal->client.needed(journal->client.arg);
    return needed > taken ? taken + 1 : needed;
}

/* Behind what is in the old one; after a failure, behind what nobody needs as well.  What
 * may have its name already must get the same again. */
static struct journal_start
journal_find_start(struct journal *journal)
{
    bool suspect = journal->trust == JOURNAL_SUSPECT;
    struct journal_start start = {
        1 + atomic_load(suspect ? &journal->durable : &journal->written),
        suspect ? 0 : journal->held_written
    };
    uint64_t first = start.first;
    struct record record;
    size_t size;

    if (journal->naming)
        first = journal->naming;
    else if (journal->trouble[JOURNAL_WRITING].pause && journal->client.needed)
        first = journal_needed(journal);
    if (first <= start.first)
        return start;
    start.first = first;
    while (start.from < journal->held.length
           && record_take(journal->held.at + start.from,
                          journal->held.length - start.from, &record, &size)
                  == RECORD_TAKEN
           && record.number < first)
        start.from += size;
    return start;
}

static void
journal_snapshot(struct journal *journal, struct journal_notes *notes, uint64_t first)
{
    unsigned char head[SEGMENT_HEAD] = { 0 };
    uint64_t next = atomic_load(&journal->written) + 1;

    fault_point("snapshot");
    notes->number = first > next ? first : next;
    journal_bytes_add(&notes->bytes, head, sizeof(head)); /* its place */
    if (journal->client.snapshot)
        journal->client.snapshot(journal->client.arg, notes, notes->number - 1);
    journal_note(notes, RECORD_SNAPSHOT_END, NULL, 0);
    journal_take(journal);
}

/* The new one is in its place: the list, what is written and what is durable follow. */
static void
journal_adopt(struct journal *journal)
{
    struct journal_entry entry = { .first = journal->ready.first,
                                   .serial = ++journal->serial,
                                   .end = journal->ready.end,
                                   .size = journal->ready.end };
    off_t end = journal->trust == JOURNAL_SUSPECT ? journal->synced_end
                                                  : journal->current.end;
    bool replaced = journal->count
                    && journal->list[journal->count - 1].first == entry.first;

    pthread_mutex_lock(&journal->list_lock);
    if (!replaced) {
        journal->list = memory_grow(journal->list, journal->count + 1, sizeof(entry));
        if (journal->count && journal->current.fd != -1)
            journal->list[journal->count - 1].end =
                journal->list[journal->count - 1].size = end;
        journal->count++;
    }
    journal->list[journal->count - 1] = entry;
    pthread_mutex_unlock(&journal->list_lock);
    /* What was reserved and not used, or cannot be relied on.  A failure does no harm. */
    if (journal->current.fd != -1 && !replaced)
        journal->disk->calls->truncate(journal->disk, journal->current.fd, end);
    segment_close(journal->disk, &journal->current);
    journal->current = journal->ready;
    journal->ready.fd = -1;
    journal->synced_end = journal->current.end;
    journal->trust = JOURNAL_SOUND;
    journal->rotating = journal->dirty = false;
    journal->naming = 0;
    atomic_store(&journal->distrusted, false);
    journal->held.length = journal->held_written = 0;
    atomic_fetch_add(&journal->counts.rotations, 1);
    journal_tell(journal, journal->taken, journal->taken);
}

static bool
journal_lacks_room(void)
{
    return errno == ENOSPC || errno == EDQUOT;
}

/* In journal.new for these bytes and a checkpoint, and of the wanted ones what there is.
 */
static bool
journal_make_room(struct journal *journal, off_t needed, off_t wanted)
{
    struct segment *ready = &journal->ready;
    off_t least = needed + 2 * journal->notes_size + JOURNAL_ROOM, more = wanted - least;

    for (more = more > 0 ? more : 0; ready->size < least + more;) {
        int error;

        fault_point("allocate");
        if (journal->disk->calls->allocate(journal->disk, ready->fd, least + more) == 0) {
            ready->size = least + more;
            return true;
        }
        error = errno;
        journal->disk->calls->truncate(journal->disk, ready->fd, ready->size);
        errno = error; /* what it has got of a full disk is given back */
        if (!more || !journal_lacks_room())
            return false;
        more = more > JOURNAL_SMALL ? more / 2 : 0;
    }
    return true;
}

/* Fills journal.new and gives it its name. */
static bool
journal_fill(struct journal *journal, struct journal_notes *notes,
             struct journal_start start)
{
    size_t length = journal->held.length - start.from;

    journal->snapshot_size = (off_t)notes->bytes.length;
    segment_put_head(notes->bytes.at, start.first);
    if (!journal_make_room(journal, journal->snapshot_size + (off_t)length,
                           journal_wanted_size(journal) + (off_t)length))
        return journal_fails(journal, JOURNAL_WRITING, "making room for a segment");
    if (segment_append(journal->disk, &journal->ready, notes->bytes.at,
                       notes->bytes.length)
            == -1
        || segment_append(journal->disk, &journal->ready, journal->held.at + start.from,
                          length)
               == -1)
        return journal_fails(journal, JOURNAL_WRITING, "writing a segment");
    if (segment_sync(journal->disk, &journal->ready) == -1)
        return journal_fails(journal, JOURNAL_WRITING, "syncing a segment");
    journal->naming = start.first;
    if (segment_commit(journal->disk, &journal->ready, start.first) == -1)
        return journal_fails(journal, JOURNAL_WRITING, "naming a segment");
    return true;
}

/* Where there is no room for a whole one, perhaps when what nobody needs has gone, and
 * else for a small one. */
static bool
journal_make_ready(struct journal *journal)
{
    off_t size = journal_wanted_size(journal);
    bool may_trim = !journal->naming && journal->trust != JOURNAL_SUSPECT
                    && journal->current.fd != -1;
    int error;

    if (journal->ready.fd != -1
        || segment_prepare(journal->disk, &journal->ready, size) == 0)
        return true;
    error = errno;
    if (may_trim && journal_trim(journal)
        && segment_prepare(journal->disk, &journal->ready, size) == 0)
        return true;
    errno = error;
    return journal_lacks_room() && size > JOURNAL_SMALL
           && segment_prepare(journal->disk, &journal->ready, JOURNAL_SMALL) == 0;
}

bool
journal_rotate(struct journal *journal)
{
    struct journal_notes notes = { 0 };
    struct journal_start start;
    bool done;

    fault_point("rotate");
    journal->rotating = true;
    if (journal->trust != JOURNAL_SUSPECT)
        journal_sync_now(journal); /* if that fails, the new one gets all that is held */
    if (!journal_make_ready(journal))
        return journal_fails(journal, JOURNAL_WRITING, "making a segment");
    start = journal_find_start(journal);
    journal_snapshot(journal, &notes, start.first);
    done = journal_fill(journal, &notes, start);
    free(notes.bytes.at);
    if (done)
        journal_adopt(journal);
    else
        journal_drop_ready(journal);
    return done;
}
