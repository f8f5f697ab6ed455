/* SPDX-License-Identifier: Apache-2.0
 *
 * keep_event.c - what is written as it happens.  See keep.h.
 *
 * Nothing here waits for the disk.  A record that the journal does not take (number 0) is
 * counted there; the event still goes its way, held by memory alone.
 */
#include "keep_inside.h"

#include "memory.h"

#include <string.h>

static uint64_t
keep_append(struct keep *keep, enum journal_kind kind, const struct sonde_event *event,
            const struct journal_target *targets, size_t count)
{
    const struct encoded *json = event_encoded(event, EVENT_JSON);
    AUTO_FREE struct journal_head *head = journal_event_head(targets, count);

    return journal_append(keep->journal, kind,
                          (struct iovec[]){ { head->bytes, head->length },
                                            { (void *)json->bytes, json->length } },
                          2);
}

/* ---- receipts ---- */

static void
keep_shares_grow(struct keep *keep)
{
    size_t room = keep->share_room ? keep->share_room * 2 : 64;
    struct keep_share *shares = memory_array(room, sizeof(*shares));

    for (size_t i = 0; i < keep->share_count; i++)
        shares[i] = keep->shares[(keep->share_first + i) % keep->share_room];
    free(keep->shares);
    keep->shares = shares;
    keep->share_first = 0;
    keep->share_room = room;
}

/* With the order locked.  A record may have become durable since it was appended: whoever
 * told it before this looks has found no share. */
static void
keep_hold(struct keep *keep, struct receipt *receipt, uint64_t record)
{
    bool held;

    if (!receipt)
        return;
    receipt_hold(receipt);
    pthread_mutex_lock(&keep->shares_lock);
    held = journal_durable(keep->journal) < record;
    if (held) {
        if (keep->share_count == keep->share_room)
            keep_shares_grow(keep);
        keep->shares[(keep->share_first + keep->share_count++) % keep->share_room] =
            (struct keep_share){ receipt, record };
    }
    pthread_mutex_unlock(&keep->shares_lock);
    if (!held)
        receipt_release(receipt, SONDE_DELIVERED);
}

void
keep_release(struct keep *keep, uint64_t record, enum sonde_fate fate)
{
    pthread_mutex_lock(&keep->shares_lock);
    while (keep->share_count && keep->shares[keep->share_first].record <= record) {
        struct receipt *receipt = keep->shares[keep->share_first].receipt;

        keep->share_first = (keep->share_first + 1) % keep->share_room;
        keep->share_count--;
        pthread_mutex_unlock(&keep->shares_lock);
        receipt_release(receipt, fate);
        pthread_mutex_lock(&keep->shares_lock);
    }
    pthread_mutex_unlock(&keep->shares_lock);
}

/* ---- events ---- */

void
keep_event(struct keep *keep, struct sonde_event *event,
           const struct keep_targets *targets)
{
    enum journal_kind kind = event->own ? JOURNAL_STATE : JOURNAL_EVENT;
    uint64_t record;

    if (!keep->journal)
        return;
    event_encoded(event, EVENT_JSON); /* before anything is locked */
    if (!targets->count) {
        keep_append(keep, kind, event, NULL, 0);
        return;
    }
    pthread_mutex_lock(&keep->order);
    record = keep_append(keep, kind, event, targets->names, targets->count);
    for (size_t i = 0; i < targets->count; i++)
        spool_push(targets->spools[i], event, targets->names[i].route, record);
    if (record)
        keep_hold(keep, event->receipt, record);
    pthread_mutex_unlock(&keep->order);
}

void
keep_again(void *arg, struct spool *spool, struct sonde_event *event,
           struct ledger_route *route, int64_t accepted)
{
    struct keep *keep = arg;
    struct journal_target target = { spool_name(spool), route->name };

    event_encoded(event, EVENT_JSON);
    pthread_mutex_lock(&keep->order);
    if (!spool_overtaken(spool, event, route))
        spool_push_again(spool, event, route,
                         keep_append(keep, JOURNAL_EVENT, event, &target, 1), accepted);
    pthread_mutex_unlock(&keep->order);
    event_unref(event);
}

/* ---- what is not an event ---- */

void
keep_soft(struct keep *keep, const struct known *known)
{
    if (!keep->journal)
        return;

    AUTO_FREE struct journal_head *head = recall_pack_soft(known);

    journal_append(keep->journal, JOURNAL_SOFT,
                   &(struct iovec){ head->bytes, head->length }, 1);
}

void
keep_forget(struct keep *keep, const struct known *known)
{
    const char *name = known->origin->check;

    if (keep->journal)
        journal_append(keep->journal, JOURNAL_FORGET,
                       &(struct iovec){ (void *)name, strlen(name) }, 1);
}

/* Where the journal does not take it, the next seq tries again. */
static void
keep_reserve(struct keep *keep, uint64_t seq)
{
    uint64_t reserved = seq + KEEP_SEQ;

    pthread_mutex_lock(&keep->lock);
    if (seq + KEEP_SEQ / 2 >= atomic_load(&keep->reserved)
        && journal_append(keep->journal, JOURNAL_SEQ,
                          &(struct iovec){ &reserved, sizeof(reserved) }, 1))
        atomic_store(&keep->reserved, reserved);
    pthread_mutex_unlock(&keep->lock);
}

/* Half a block ahead, so that it is on the disk long before it is used up. */
void
keep_seq(struct keep *keep, uint64_t seq)
{
    if (seq + KEEP_SEQ / 2 >= atomic_load_explicit(&keep->reserved, memory_order_relaxed))
        keep_reserve(keep, seq);
}
