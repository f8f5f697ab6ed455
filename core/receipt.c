/* SPDX-License-Identifier: Apache-2.0
 *
 * receipt.c - how a source learns what became of an event.  See receipt.h.
 */
#include "receipt.h"

void
receipt_init(struct receipt *receipt,
             void (*done)(struct receipt *receipt, enum sonde_fate worst))
{
    atomic_init(&receipt->shares, 1);
    atomic_init(&receipt->worst, SONDE_DELIVERED);
    receipt->done = done;
}

void
receipt_hold(struct receipt *receipt)
{
    if (receipt)
        atomic_fetch_add_explicit(&receipt->shares, 1, memory_order_relaxed);
}

void
receipt_release(struct receipt *receipt, enum sonde_fate fate)
{
    unsigned good = SONDE_DELIVERED;

    if (!receipt)
        return;
    if (fate == SONDE_RETRY)
        atomic_store_explicit(&receipt->worst, fate, memory_order_relaxed);
    else if (fate == SONDE_REJECTED)
        atomic_compare_exchange_strong(&receipt->worst, &good, SONDE_REJECTED);
    if (atomic_fetch_sub_explicit(&receipt->shares, 1, memory_order_acq_rel) == 1)
        receipt->done(receipt, (enum sonde_fate)atomic_load(&receipt->worst));
}
