/* SPDX-License-Identifier: Apache-2.0
 *
 * receipt.h - how a source learns what became of an event that it pushed.
 *
 * A receipt has a share for each sink that wants the event and does not hold it durably,
 * and one for whoever is still handing it out.  The last share given back tells the
 * owner.  Embedded in what the source stage keeps of the event.
 */
#ifndef CORE_RECEIPT_H
#define CORE_RECEIPT_H

#include "sonde/plugin.h"

#include <stdatomic.h>

struct receipt {
    atomic_uint shares;
    atomic_uint worst; /* enum sonde_fate, the worst so far: DELIVERED, REJECTED, RETRY */
    /* [any thread, locks may be held]  Nothing refers to the receipt any more. */
    void (*done)(struct receipt *receipt, enum sonde_fate worst);
};

/* With one share, the caller's. */
void receipt_init(struct receipt *receipt,
                  void (*done)(struct receipt *receipt, enum sonde_fate worst));
void receipt_hold(struct receipt *receipt); /* NULL does nothing */
/* REJECTED also for what was dropped; RETRY: the daemon ends, and it has reached nobody.
 * NULL does nothing. */
void receipt_release(struct receipt *receipt, enum sonde_fate fate);

#endif
