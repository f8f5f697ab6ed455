/* SPDX-License-Identifier: Apache-2.0
 *
 * journal_trim.c - checkpoints of the journal's client, and the segments that may go. See
 * journal.h.
 *
 * A segment goes when every record in it is below what anybody needs.  That nobody needs
 * it is what the client's checkpoint says, so that is on the disk first: the other way
 * round, a crash in between would leave a cursor that points at a file that is gone.
 */
#include "clock.h"
#include "fault.h"
#include "journal_inside.h"
#include "log.h"
#include "memory.h"

#include <errno.h>
#include <string.h>

/* What was appended before the client spoke is written first: a record may be settled
 * because another took its place.  Not within the making of a segment: there a checkpoint
 * may be what makes room for it. */
static bool
journal_write_before(struct journal *journal)
{
    if (journal->rotating)
        return true;
    if (journal->held.length >= journal->options.buffer && !journal_sync_now(journal))
        return false;
    journal_take(journal);
    return journal_write(journal);
}

/* True: what the client had to say is in the file, or in the snapshot of a new one. */
bool
journal_checkpoint(struct journal *journal)
{
    struct journal_notes notes = { .number = atomic_load(&journal->written) + 1 };
    uint64_t segment = journal->current.first;
    bool done = true;

    if (journal->client.checkpoint)
        journal->client.checkpoint(journal->client.arg, &notes, notes.number - 1);
    journal->last_notes = clock_now();
    journal->notes_size = (off_t)notes.bytes.length;
    if (notes.bytes.length && !journal_write_before(journal)) {
        done = false;
    } else if (journal->current.first != segment) {
        /* begun with a snapshot that says all of it, or more */
    } else if (journal->notes_size > journal->current.size - journal->current.end) {
        journal->rotating = true; /* the next segment begins with it */
        done = false;
    } else if (notes.bytes.length) {
        fault_point("checkpoint");
        done = segment_append(journal->disk, &journal->current, notes.bytes.at,
                              notes.bytes.length)
               == 0;
        if (done && !journal->dirty)
            journal->dirty_since = journal->last_notes;
        if (done)
            journal->dirty = true;
        else {
            journal->trust = JOURNAL_BROKEN;
            journal_fails(journal, JOURNAL_WRITING, "writing a checkpoint");
        }
    }
    free(notes.bytes.at);
    return done;
}

/* How many segments lie wholly below this number; never the current one. */
static size_t
journal_unneeded(const struct journal *journal, uint64_t needed)
{
    size_t count = 0;

    while (count + 1 < journal->count && journal->list[count + 1].first <= needed)
        count++;
    return count;
}

static void
journal_unlink_oldest(struct journal *journal)
{
    char name[SEGMENT_NAME];

    segment_name(name, journal->list[0].first);
    pthread_mutex_lock(&journal->list_lock);
    journal->count--;
    memmove(journal->list, journal->list + 1, journal->count * sizeof(*journal->list));
    pthread_mutex_unlock(&journal->list_lock);
    fault_point("unlink");
    if (journal->disk->calls->unlink(journal->disk, name) == -1 && errno != ENOENT)
        log_warning("journal: %s is not needed, and cannot be removed: %s", name,
                    strerror(errno));
    else
        atomic_fetch_add(&journal->counts.unlinked, 1);
}

bool
journal_trim(struct journal *journal)
{
    uint64_t needed = journal->client.needed ? journal->client.needed(journal->client.arg)
                                             : JOURNAL_NOBODY;
    size_t count;

    if (!journal_unneeded(journal, needed) || !journal_checkpoint(journal)
        || !journal_sync_now(journal))
        return false;
    /* Counted now: where the checkpoint began another segment, room may have been made
     * for that already. */
    for (count = journal_unneeded(journal, needed); count; count--)
        journal_unlink_oldest(journal);
    return true;
}

static void
journal_give_back(struct journal *journal)
{
    journal_bytes_trim(&journal->held);
    journal_bytes_trim(&journal->taking);
    pthread_mutex_lock(&journal->lock);
    journal_bytes_trim(&journal->gathering);
    pthread_mutex_unlock(&journal->lock);
}

static bool
journal_was_kicked(struct journal *journal, int64_t now)
{
    bool kicked;

    pthread_mutex_lock(&journal->lock);
    kicked = journal->kicked && now - journal->last_notes >= journal->options.notes;
    if (kicked)
        journal->kicked = false;
    pthread_mutex_unlock(&journal->lock);
    return kicked;
}

void
journal_look_around(struct journal *journal, int64_t now)
{
    bool kicked = journal_was_kicked(journal, now), look = now >= journal->next_look;

    if (look) {
        journal->next_look = now + CLOCK_SECOND;
        journal_give_back(journal);
    }
    if ((kicked || look) && !journal_trim(journal) && kicked && !journal->rotating
        && !journal->trouble[JOURNAL_WRITING].pause)
        journal_checkpoint(journal);
}
