/* SPDX-License-Identifier: Apache-2.0
 *
 * journal_write.c - one step of the journal's writer: write, sync.  See journal.h.
 *
 * What was written is held in memory until it is synced: after a sync that failed the
 * kernel may have dropped it, and a second sync that succeeds would prove nothing.  A new
 * segment is begun then, with all of it.
 */
#include "clock.h"
#include "fault.h"
#include "journal_inside.h"
#include "memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define JOURNAL_GATHER                                                                   \
    (1 * CLOCK_MS) /* from one write to the next, unless each is synced */
#define JOURNAL_PAUSE   (100 * CLOCK_MS)   /* after the first failure, then doubled */
#define JOURNAL_LONGEST (1 * CLOCK_SECOND) /* ... up to this */

static void
journal_count(atomic_ullong *counter)
{
    atomic_fetch_add_explicit(counter, 1, memory_order_relaxed);
}

/* ---- trouble ---- */

static void
journal_say(struct journal *journal, int error, const char *why)
{
    if (strcmp(journal->why, why) == 0)
        return;
    snprintf(journal->why, sizeof(journal->why), "%s", why);
    if (journal->client.health)
        journal->client.health(journal->client.arg, error, why);
}

/* Always false, for errno and this reason. */
bool
journal_fails(struct journal *journal, enum journal_task task, const char *what)
{
    struct journal_trouble *trouble = &journal->trouble[task];
    char why[JOURNAL_WHY];
    int error = errno ? errno : EIO;

    snprintf(why, sizeof(why), "%s: %s", what, strerror(error));
    journal_count(&journal->counts.failures);
    trouble->pause = trouble->pause ? trouble->pause * 2 : JOURNAL_PAUSE;
    if (trouble->pause > JOURNAL_LONGEST)
        trouble->pause = JOURNAL_LONGEST;
    trouble->retry = clock_now() + trouble->pause;
    journal_say(journal, error, why);
    return false;
}

void
journal_works(struct journal *journal, enum journal_task task)
{
    journal->trouble[task] = (struct journal_trouble){ 0 };
    for (int i = 0; i < JOURNAL_TASKS; i++)
        if (journal->trouble[i].pause)
            return;
    journal_say(journal, 0, "");
}

/* ---- from those who append ---- */

static void
journal_seal(struct journal_bytes *bytes)
{
    unsigned char *at = bytes->at, *end = bytes->at + bytes->length;
    struct record record;

    while (at < end)
        at = record_seal(at, &record);
}

static void
journal_swap(struct journal_bytes *a, struct journal_bytes *b)
{
    struct journal_bytes kept = *a;

    *a = *b;
    *b = kept;
}

/* Each try to begin a segment takes what has gathered, also where it fails. */
static void
journal_bound(struct journal *journal)
{
    size_t held = journal->held.length, buffer = journal->options.buffer;

    if (held <= buffer && !journal->over)
        return;
    pthread_mutex_lock(&journal->lock);
    journal->over = held > buffer ? held - buffer : 0;
    pthread_mutex_unlock(&journal->lock);
}

void
journal_take(struct journal *journal)
{
    pthread_mutex_lock(&journal->lock);
    if (journal->retuned) {
        journal->options.sync = journal->tuned.sync;
        journal->options.every = journal->tuned.every;
        journal->options.segment = journal->tuned.segment;
        journal->retuned = false;
    }
    journal_swap(&journal->gathering, &journal->taking);
    journal->taken = journal->next - 1;
    pthread_mutex_unlock(&journal->lock);
    if (!journal->taking.length)
        return;
    journal_seal(&journal->taking);
    if (journal->held.length)
        journal_bytes_add(&journal->held, journal->taking.at, journal->taking.length);
    else
        journal_swap(&journal->held, &journal->taking);
    journal->taking.length = 0;
    journal_bound(journal);
}

/* ---- how far it got ---- */

void
journal_tell(struct journal *journal, uint64_t written, uint64_t durable)
{
    atomic_store(&journal->written, written);
    atomic_store(&journal->durable, durable);
    if (journal->client.told
        && (written != journal->told_written || durable != journal->told_durable))
        journal->client.told(journal->client.arg, written, durable);
    journal->told_written = written;
    journal->told_durable = durable;
}

static void
journal_publish_end(struct journal *journal)
{
    struct journal_entry *entry = &journal->list[journal->count - 1];

    pthread_mutex_lock(&journal->list_lock);
    entry->end = entry->size = journal->current.end;
    pthread_mutex_unlock(&journal->list_lock);
}

bool
journal_sync_now(struct journal *journal)
{
    if (!journal->dirty)
        return true;
    journal_count(&journal->counts.syncs);
    if (segment_sync(journal->disk, &journal->current) == -1) {
        journal->trust = JOURNAL_SUSPECT;
        return journal_fails(journal, JOURNAL_WRITING, "syncing");
    }
    journal->dirty = false;
    journal->synced_end = journal->current.end;
    journal->held.length -= journal->held_written;
    if (journal->held.length)
        memmove(journal->held.at, journal->held.at + journal->held_written,
                journal->held.length);
    journal->held_written = 0;
    journal_tell(journal, atomic_load(&journal->written), atomic_load(&journal->written));
    return true;
}

/* ---- writing ---- */

/* A checkpoint must find room even where the disk is full: only then may segments go. */
static bool
journal_fits(const struct journal *journal, size_t length)
{
    off_t kept = 2 * journal->notes_size + JOURNAL_ROOM;

    if (kept > journal->current.size / JOURNAL_SHARE)
        kept = journal->current.size / JOURNAL_SHARE;
    return journal->current.end + (off_t)length + kept <= journal->current.size;
}

bool
journal_write(struct journal *journal)
{
    size_t length = journal->held.length - journal->held_written;

    if (journal->current.fd == -1 || journal->rotating || journal->trust != JOURNAL_SOUND
        || atomic_load(&journal->distrusted)
        || (length && !journal_fits(journal, length)))
        return journal_rotate(journal);
    if (!length)
        return true;
    journal_count(&journal->counts.writes);
    if (segment_append(journal->disk, &journal->current,
                       journal->held.at + journal->held_written, length)
        == -1) {
        journal->trust = JOURNAL_BROKEN;
        return journal_fails(journal, JOURNAL_WRITING, "writing");
    }
    if (journal->options.sync == JOURNAL_EACH) /* else too few syncs would be quicker */
        segment_zero_ahead(journal->disk, &journal->current);
    journal_publish_end(journal);
    journal->last_write = clock_now();
    if (!journal->dirty)
        journal->dirty_since = journal->last_write;
    journal->dirty = true;
    journal->held_written = journal->held.length;
    if (journal->options.sync == JOURNAL_NEVER) {
        journal->held.length = journal->held_written = 0;
        journal->synced_end = journal->current.end;
    }
    journal_tell(journal, journal->taken,
                 journal->options.sync == JOURNAL_NEVER ? journal->taken
                                                        : atomic_load(&journal->durable));
    return true;
}

static bool
journal_sync_if_due(struct journal *journal, int64_t now)
{
    if (journal->options.sync == JOURNAL_NEVER || !journal->dirty)
        return true;
    if (journal->options.sync == JOURNAL_EACH
            ? !journal->held_written
            : now - journal->dirty_since < journal->options.every
                  && journal->held.length < journal->options.buffer / 2)
        return true;
    return journal_sync_now(journal);
}

/* Ahead of need, so that a full disk shows while there is still room for records. */
static void
journal_prepare_ahead(struct journal *journal, int64_t now)
{
    bool needed = journal->ready.fd == -1
                  && journal->current.end >= journal->current.size / 2;

    if (needed && journal->trouble[JOURNAL_AHEAD].retry > now)
        return;
    if (!needed
        || segment_prepare(journal->disk, &journal->ready, journal_wanted_size(journal))
               == 0)
        journal_works(journal, JOURNAL_AHEAD);
    else
        journal_fails(journal, JOURNAL_AHEAD, "making the next segment ahead");
}

/* ---- the step ---- */

void
journal_step(struct journal *journal)
{
    int64_t now = clock_now();

    if (journal->trouble[JOURNAL_WRITING].retry > now)
        return;
    if (journal->held.length < journal->options.buffer)
        journal_take(journal);
    if (journal_write(journal) && journal_sync_if_due(journal, now)) {
        journal_works(journal, JOURNAL_WRITING);
        journal_prepare_ahead(journal, now);
        journal_look_around(journal, now);
    }
    journal_bound(journal);
}

static int64_t
journal_sooner(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

int64_t
journal_due(const struct journal *journal)
{
    int64_t due = journal->next_look;

    if (journal->trouble[JOURNAL_WRITING].pause)
        return journal->trouble[JOURNAL_WRITING].retry;
    if (journal->rotating || atomic_load(&journal->distrusted))
        return 0;
    if (journal->trouble[JOURNAL_AHEAD].pause)
        due = journal_sooner(due, journal->trouble[JOURNAL_AHEAD].retry);
    if (journal->gathering.length)
        due = journal_sooner(due, journal->options.sync == JOURNAL_EACH
                                      ? 0
                                      : journal->last_write + JOURNAL_GATHER);
    if (journal->kicked)
        due = journal_sooner(due, journal->last_notes + journal->options.notes);
    if (journal->dirty && journal->options.sync == JOURNAL_EVERY)
        due = journal_sooner(due, journal->dirty_since + journal->options.every);
    return due;
}

bool
journal_finish(struct journal *journal)
{
    journal_take(journal);
    return journal_write(journal)
           && (journal_checkpoint(journal) || journal_write(journal))
           && journal_sync_now(journal);
}
