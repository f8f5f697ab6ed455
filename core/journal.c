/* SPDX-License-Identifier: Apache-2.0
 *
 * journal.c - appending to the log, the thread that writes it, its end.  See journal.h.
 *
 * There are two buffers.  Who appends fills one under the lock, and wakes the writer only
 * when it was empty and the writer sleeps; the writer takes all of it by a swap, computes
 * the checksums and writes, and meanwhile the other fills.
 */
#include "clock.h"
#include "fault.h"
#include "journal_inside.h"
#include "memory.h"

#include <assert.h>
#include <errno.h>
#include <signal.h>
#include <string.h>

enum { JOURNAL_KEPT = 64 << 10 }; /* bytes of a buffer that it keeps when idle */

/* ---- bytes that grow ---- */

static unsigned char *
journal_bytes_reserve(struct journal_bytes *bytes, size_t more)
{
    if (bytes->room - bytes->length < more) {
        bytes->room = bytes->room * 2 > bytes->length + more ? bytes->room * 2
                                                             : bytes->length + more;
        bytes->at = memory_grow(bytes->at, bytes->room, 1);
    }
    return bytes->at + bytes->length;
}

void
journal_bytes_add(struct journal_bytes *bytes, const void *more, size_t length)
{
    if (!length)
        return;
    memcpy(journal_bytes_reserve(bytes, length), more, length);
    bytes->length += length;
}

void
journal_bytes_trim(struct journal_bytes *bytes)
{
    if (bytes->length || bytes->room <= JOURNAL_KEPT)
        return;
    free(bytes->at);
    *bytes = (struct journal_bytes){ 0 };
}

/* ---- appending ---- */

uint64_t
journal_append(struct journal *journal, uint32_t kind, const struct iovec *parts,
               int count)
{
    size_t length = record_length(parts, count), size = record_size(length);
    uint64_t number = 0;
    bool wake = false;

    assert(kind && kind < (RECORD_SNAPSHOT_END & ~RECORD_BESIDE));
    fault_point("append");
    pthread_mutex_lock(&journal->lock);
    if (length <= JOURNAL_PAYLOAD
        && size + journal->gathering.length + journal->over <= journal->options.buffer
        && !journal->stopping) {
        unsigned char *at = journal_bytes_reserve(&journal->gathering, size);

        number = journal->next++;
        wake = journal->sleeping && !journal->gathering.length;
        record_put(at, number, kind, parts, count);
        journal->gathering.length += size;
    }
    pthread_mutex_unlock(&journal->lock);
    if (wake)
        pthread_cond_signal(&journal->wake);
    atomic_fetch_add_explicit(number ? &journal->counts.appended
                                     : &journal->counts.refused,
                              1, memory_order_relaxed);
    return number;
}

void
journal_retune(struct journal *journal, const struct journal_options *options)
{
    struct journal_options tuned = *options;

    journal_defaults(&tuned);
    pthread_mutex_lock(&journal->lock);
    journal->tuned = tuned;
    journal->retuned = true;
    pthread_mutex_unlock(&journal->lock);
}

void
journal_kick(struct journal *journal)
{
    bool wake;

    pthread_mutex_lock(&journal->lock);
    wake = journal->sleeping && !journal->kicked;
    journal->kicked = true;
    pthread_mutex_unlock(&journal->lock);
    if (wake)
        pthread_cond_signal(&journal->wake);
}

void
journal_note(struct journal_notes *notes, uint32_t kind, const struct iovec *parts,
             int count)
{
    size_t size = record_size(record_length(parts, count));
    unsigned char *at = journal_bytes_reserve(&notes->bytes, size);
    struct record record;

    record_put(at, notes->number, kind | RECORD_BESIDE, parts, count);
    record_seal(at, &record);
    notes->bytes.length += size;
}

/* ---- the thread ---- */

static void *
journal_thread(void *arg)
{
    struct journal *journal = arg;

    pthread_mutex_lock(&journal->lock);
    while (!journal->stopping) {
        int64_t due = journal_due(journal);

        if (due > clock_now()) {
            struct timespec until = { .tv_sec = due / CLOCK_SECOND,
                                      .tv_nsec = due % CLOCK_SECOND };

            journal->sleeping = true;
            pthread_cond_timedwait(&journal->wake, &journal->lock, &until);
            journal->sleeping = false;
            continue;
        }
        pthread_mutex_unlock(&journal->lock);
        journal_step(journal);
        pthread_mutex_lock(&journal->lock);
    }
    pthread_mutex_unlock(&journal->lock);
    return NULL;
}

/* Without a thread the records wait in memory, and the end writes them. */
void
journal_start(struct journal *journal)
{
    sigset_t all, before;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    errno = pthread_create(&journal->thread, NULL, journal_thread, journal);
    journal->started = errno == 0;
    if (journal->started)
        pthread_setname_np(journal->thread, "journal");
    else
        journal_fails(journal, JOURNAL_WRITING, "no thread for the journal");
    pthread_sigmask(SIG_SETMASK, &before, NULL);
}

uint64_t
journal_close(struct journal *journal)
{
    uint64_t lost;

    if (!journal)
        return 0;
    pthread_mutex_lock(&journal->lock);
    journal->stopping = true;
    pthread_mutex_unlock(&journal->lock);
    pthread_cond_signal(&journal->wake);
    if (journal->started)
        pthread_join(journal->thread, NULL);
    if (journal->started || journal->gathering.length)
        journal_finish(journal);
    lost = journal->next - 1 - atomic_load(&journal->written);
    journal_free(journal);
    return lost;
}

/* ---- what there is to know ---- */

uint64_t
journal_next(struct journal *journal)
{
    uint64_t next;

    pthread_mutex_lock(&journal->lock);
    next = journal->next;
    pthread_mutex_unlock(&journal->lock);
    return next;
}

uint64_t
journal_written(const struct journal *journal)
{
    return atomic_load(&journal->written);
}

uint64_t
journal_durable(const struct journal *journal)
{
    return atomic_load(&journal->durable);
}

uint64_t
journal_pinned(struct journal *journal, uint64_t number)
{
    uint64_t bytes = 0;

    pthread_mutex_lock(&journal->list_lock);
    for (size_t i = 0; i < journal->count; i++)
        if (i + 1 == journal->count || journal->list[i + 1].first > number)
            bytes += (uint64_t)journal->list[i].size;
    pthread_mutex_unlock(&journal->list_lock);
    return bytes;
}

uint64_t
journal_behind(struct journal *journal, uint64_t number)
{
    uint64_t behind = 0;

    pthread_mutex_lock(&journal->list_lock);
    for (size_t i = journal->count; i-- > 0 && journal->list[i].first > number;)
        behind = journal->list[i].first;
    pthread_mutex_unlock(&journal->list_lock);
    return behind;
}

struct journal_counts
journal_counts(struct journal *journal)
{
    struct journal_counts counts = {
        .appended = atomic_load(&journal->counts.appended),
        .refused = atomic_load(&journal->counts.refused),
        .writes = atomic_load(&journal->counts.writes),
        .syncs = atomic_load(&journal->counts.syncs),
        .failures = atomic_load(&journal->counts.failures),
        .rotations = atomic_load(&journal->counts.rotations),
        .unlinked = atomic_load(&journal->counts.unlinked),
        .torn = atomic_load(&journal->counts.torn),
        .quarantined = atomic_load(&journal->counts.quarantined),
        .bad = atomic_load(&journal->counts.bad),
        .lost = atomic_load(&journal->counts.lost),
        .gone = atomic_load(&journal->counts.gone),
    };

    counts.bytes = journal_pinned(journal, 0);
    pthread_mutex_lock(&journal->list_lock);
    counts.segments = journal->count;
    pthread_mutex_unlock(&journal->list_lock);
    return counts;
}
