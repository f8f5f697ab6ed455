/* SPDX-License-Identifier: Apache-2.0
 *
 * keep_note.c - what the journal asks for: snapshots, cursors, what is needed.  See
 * keep.h.
 *
 * All of it runs on the journal's thread.  A snapshot takes each check's lock for as long
 * as its state is written out, a few microseconds.
 */
#include "keep_inside.h"

#include "memory.h"

struct keep_noting {
    struct keep *keep;
    struct journal_notes *notes;
};

static void
keep_note_state(const struct known *known, struct keep_noting *noting)
{
    struct sonde_event *change = state_tell(&known->state, noting->keep->pool,
                                            known->origin);
    const struct encoded *json;

    if (!change)
        return;
    json = event_encoded(change, EVENT_JSON);
    journal_note(noting->notes, JOURNAL_STATE,
                 (struct iovec[]){ { "", 1 }, { (void *)json->bytes, json->length } }, 2);
    event_unref(change);
}

static void
keep_note_known(const struct known *known, void *arg)
{
    struct keep_noting *noting = arg;

    keep_note_state(known, noting);
    if (known->state.streak) {
        AUTO_FREE struct journal_head *head = recall_pack_soft(known);

        journal_note(noting->notes, JOURNAL_SOFT,
                     &(struct iovec){ head->bytes, head->length }, 1);
    }
}

/* With the order locked. */
static void
keep_note_cursor(struct spool *spool, struct journal_notes *notes, uint64_t written)
{
    AUTO_FREE struct journal_head *head = spool_pack(spool, written);

    journal_note(notes, JOURNAL_CURSOR, &(struct iovec){ head->bytes, head->length }, 1);
}

/* Of a spool without a sink in which nothing waits a snapshot does not speak: it is
 * forgotten with the last segment before. */
static void
keep_note_cursors(struct keep *keep, struct journal_notes *notes, uint64_t written,
                  bool snapshot)
{
    pthread_mutex_lock(&keep->order);
    for (struct keep_spool *at = atomic_load(&keep->spools); at; at = at->next)
        if (!snapshot || spool_queue(at->spool) || spool_waiting_count(at->spool))
            keep_note_cursor(at->spool, notes, written);
    pthread_mutex_unlock(&keep->order);
}

void
keep_checkpoint(void *arg, struct journal_notes *notes, uint64_t written)
{
    keep_note_cursors(arg, notes, written, false);
}

void
keep_snapshot(void *arg, struct journal_notes *notes, uint64_t written)
{
    struct keep *keep = arg;
    struct keep_noting noting = { keep, notes };
    uint64_t reserved = atomic_load(&keep->reserved);

    journal_note(notes, JOURNAL_SEQ, &(struct iovec){ &reserved, sizeof(reserved) }, 1);
    recall_each(keep->recall, keep_note_known, &noting);
    keep_note_cursors(keep, notes, written, true);
}

struct spool *
keep_first(struct keep *keep, uint64_t *needed)
{
    struct spool *first = NULL;

    *needed = JOURNAL_NOBODY;
    pthread_mutex_lock(&keep->order);
    for (struct keep_spool *at = atomic_load(&keep->spools); at; at = at->next) {
        uint64_t wanted = spool_needed(at->spool);

        if (wanted < *needed) {
            *needed = wanted;
            first = at->spool;
        }
    }
    pthread_mutex_unlock(&keep->order);
    return first;
}

uint64_t
keep_needed(void *arg)
{
    uint64_t needed;

    keep_first(arg, &needed);
    return needed;
}

void
keep_told(void *arg, uint64_t written, uint64_t durable)
{
    (void)written;
    keep_release(arg, durable, SONDE_DELIVERED);
}
