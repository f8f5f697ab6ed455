/* SPDX-License-Identifier: Apache-2.0
 *
 * batch.c - batches and items: what a sink's plugin sees of them.  See batch.h.
 */
#include "batch.h"

#include <string.h>

enum { BATCH_TEXTS = 16384 }; /* rendered texts come in blocks of this */

struct sonde_batch *
batch_new(struct batch_owner *owner, size_t room)
{
    struct sonde_batch *batch = memory_new(sizeof(*batch));

    batch->owner = owner;
    batch->room = room;
    batch->items = memory_array(room, sizeof(*batch->items));
    batch->entries = memory_array(room, sizeof(*batch->entries));
    batch->texts.block = BATCH_TEXTS;
    list_init(&batch->link);
    pthread_mutex_init(&batch->lock, NULL);
    return batch;
}

void
batch_free(struct sonde_batch *batch)
{
    if (!batch)
        return;
    batch_clear(batch);
    text_deinit(&batch->scratch);
    pthread_mutex_destroy(&batch->lock);
    free(batch->items);
    free(batch->entries);
    free(batch);
}

size_t
batch_fill(struct sonde_batch *batch, size_t most, int64_t now)
{
    struct batch_owner *owner = batch->owner;

    if (most > batch->room)
        most = batch->room;
    batch->since = now;
    batch->count =
        most ? queue_take(owner->queue, batch->entries, most, owner->several, now) : 0;
    atomic_store(&batch->holds, batch->count + 1);
    for (size_t i = 0; i < batch->count; i++) {
        struct sonde_item *item = &batch->items[i];

        item->batch = batch;
        item->entry = batch->entries[i];
        item->event = event_ref(item->entry->event);
        item->blamed = false;
        atomic_store_explicit(&item->retry, false, memory_order_relaxed);
        atomic_store_explicit(&item->settled, false, memory_order_release);
    }
    return batch->count;
}

void
batch_clear(struct sonde_batch *batch)
{
    for (size_t i = 0; i < batch->count; i++) {
        sonde_event_unref(batch->items[i].event);
        batch->items[i].event = NULL;
    }
    batch->count = 0;
    batch->why[0] = '\0';
    atomic_store_explicit(&batch->delivered, 0, memory_order_relaxed);
    atomic_store_explicit(&batch->rejected, 0, memory_order_relaxed);
    if (batch->texts.blocks)
        arena_deinit(&batch->texts);
}

bool
batch_hold(struct sonde_batch *batch)
{
    size_t holds = atomic_load(&batch->holds);

    while (holds)
        if (atomic_compare_exchange_weak(&batch->holds, &holds, holds + 1))
            return true;
    return false;
}

void
batch_release(struct sonde_batch *batch)
{
    if (atomic_fetch_sub_explicit(&batch->holds, 1, memory_order_acq_rel) == 1)
        batch->owner->back(batch->owner, batch);
}

void
batch_why(char out[BATCH_WHY], const char *why)
{
    struct text clean = { 0 };

    text_clean(&clean, why, strnlen(why, BATCH_WHY));
    out[0] = '\0';
    if (clean.length)
        strncat(out, clean.bytes, BATCH_WHY - 1);
    text_deinit(&clean);
}

static void
batch_blame(struct sonde_batch *batch, const char *why)
{
    if (!why || !*why)
        return;
    pthread_mutex_lock(&batch->lock);
    if (!batch->why[0])
        batch_why(batch->why, why);
    pthread_mutex_unlock(&batch->lock);
}

/* The first to come wins; false: it was settled before. */
static bool
item_claim(struct sonde_item *item)
{
    return !atomic_load_explicit(&item->settled, memory_order_relaxed)
           && !atomic_exchange_explicit(&item->settled, true, memory_order_acq_rel);
}

static struct queue_entry *
item_give(struct sonde_item *item)
{
    struct queue_entry *entry = item->entry;

    item->entry = NULL;
    return entry;
}

static void
batch_settled(struct sonde_batch *batch, struct queue_entry *const *entries, size_t count,
              enum ledger_line line)
{
    struct batch_owner *owner = batch->owner;
    bool delivered = line == LEDGER_DELIVERED;

    atomic_fetch_add_explicit(delivered ? &batch->delivered : &batch->rejected, count,
                              memory_order_relaxed);
    if (delivered)
        owner->delivered(owner, count);
    queue_end(owner->queue, entries, count, line);
}

static bool
item_settle(struct sonde_item *item, enum sonde_fate fate, const char *why, bool blamed)
{
    struct sonde_batch *batch = item->batch;

    if (!item_claim(item))
        return false;
    if (fate == SONDE_DELIVERED || fate == SONDE_REJECTED) {
        struct queue_entry *entry = item_give(item);
        enum ledger_line line = LEDGER_DELIVERED;

        if (fate == SONDE_REJECTED)
            line = batch->owner->rejected(batch->owner, entry, why);
        batch_settled(batch, &entry, 1, line);
    } else {
        item->blamed = blamed;
        batch_blame(batch, why);
        atomic_store_explicit(&item->retry, true, memory_order_release);
    }
    batch_release(batch);
    return true;
}

/* The last goes first, so that the first is first in line.  What the plugin settles at
 * this moment is its own. */
void
batch_take_back(struct sonde_batch *batch)
{
    for (size_t i = batch->count; i-- > 0;) {
        struct sonde_item *item = &batch->items[i];
        bool ours = item_claim(item);

        if (!ours && !atomic_exchange_explicit(&item->retry, false, memory_order_acquire))
            continue;
        queue_settle(batch->owner->queue, item_give(item), SONDE_RETRY, 0);
        if (ours)
            batch_release(batch);
    }
}

/* All that is left was delivered.  With a hold on the batch. */
static void
batch_deliver(struct sonde_batch *batch)
{
    struct queue_entry *entries[BATCH_GATHER];
    size_t gathered = 0;

    for (size_t i = 0; i < batch->count; i++) {
        if (item_claim(&batch->items[i]))
            entries[gathered++] = item_give(&batch->items[i]);
        if (gathered && (gathered == BATCH_GATHER || i + 1 == batch->count)) {
            batch_settled(batch, entries, gathered, LEDGER_DELIVERED);
            atomic_fetch_sub_explicit(&batch->holds, gathered, memory_order_acq_rel);
            gathered = 0;
        }
    }
}

/* ---- what plugins call ---- */

struct sonde_item *
sonde_next(struct sonde_batch *batch, const struct sonde_item *item)
{
    size_t next = item ? (size_t)(item - batch->items) + 1 : 0;

    return next < batch->count ? &batch->items[next] : NULL;
}

const struct sonde_event *
sonde_item_event(const struct sonde_item *item)
{
    return item->event;
}

const char *
sonde_payload(struct sonde_item *item, size_t *length)
{
    const struct batch_owner *owner = item->batch->owner;
    const struct encoded *encoded;

    if (owner->payload)
        return sonde_render(item, owner->payload, length);
    encoded = event_encoded(item->event, owner->format);
    if (length)
        *length = encoded->length;
    return encoded->bytes;
}

const char *
sonde_render(struct sonde_item *item, const struct sonde_template *text, size_t *length)
{
    struct sonde_batch *batch = item->batch;
    size_t constant_length;
    const char *constant = template_constant(text, &constant_length);

    if (!constant) {
        batch->scratch.length = 0;
        template_render(text, item->event, &batch->scratch);
    }
    if (length)
        *length = constant ? constant_length : batch->scratch.length;
    return constant ? constant
                    : arena_copy(&batch->texts,
                                 batch->scratch.length ? batch->scratch.bytes : "",
                                 batch->scratch.length);
}

void
sonde_settle(struct sonde_item *item, enum sonde_fate fate, const char *why)
{
    struct batch_owner *owner = item->batch->owner;

    if (!item_settle(item, fate, why, true))
        owner->misused(owner, "it settled an item twice");
}

void
sonde_settle_rest(struct sonde_batch *batch, enum sonde_fate fate, const char *why)
{
    if (!batch_hold(batch))
        return; /* nothing is left, and it is on its way back */
    if (fate == SONDE_DELIVERED)
        batch_deliver(batch);
    else
        for (size_t i = 0; i < batch->count; i++)
            item_settle(&batch->items[i], fate, why, false);
    batch_release(batch);
}
