/* SPDX-License-Identifier: Apache-2.0
 *
 * journal_client.h - for tests of the journal: a client that remembers what it was told.
 */
#ifndef TESTS_JOURNAL_CLIENT_H
#define TESTS_JOURNAL_CLIENT_H

#include "unit.h"

#include "clock.h"
#include "journal_inside.h"
#include "memory.h"
#include "said.h"

#include <pthread.h>
#include <stdio.h>

enum { KIND = 5, NOTE = 6 };

/* A client whose whole memory is the sum of what was appended and how often it was told.
 */
struct client {
    uint64_t restored, notes, last; /* from restore */
    uint64_t noted;                 /* what the last note said */
    atomic_ullong needed, written, durable, downs, ups;
    char why[JOURNAL_WHY];
};

static struct client client;

static void
restore(void *arg, const struct journal_record *record)
{
    (void)arg;
    if (record->note) {
        client.notes++;
        memcpy(&client.noted, record->payload, sizeof(client.noted));
        return;
    }
    assert_true(record->number > client.last);
    client.last = record->number;
    client.restored++;
}

static void
note(void *arg, struct journal_notes *notes, uint64_t written)
{
    (void)arg;
    journal_note(notes, NOTE, &(struct iovec){ &written, sizeof(written) }, 1);
}

static uint64_t
needed(void *arg)
{
    (void)arg;
    return atomic_load(&client.needed);
}

static void
told(void *arg, uint64_t written, uint64_t durable)
{
    (void)arg;
    assert_true(durable <= written);
    atomic_store(&client.written, written);
    atomic_store(&client.durable, durable);
}

static void
health(void *arg, int error, const char *why)
{
    (void)arg;
    assert_true(!error == !*why);
    atomic_fetch_add(error ? &client.downs : &client.ups, 1);
    snprintf(client.why, sizeof(client.why), "%s", why);
}

static const struct journal_client callbacks = {
    .restore = restore,
    .snapshot = note,
    .checkpoint = note,
    .needed = needed,
    .told = told,
    .health = health,
};

static inline struct journal *
open_journal(const struct journal_options *options)
{
    char why[JOURNAL_WHY] = "";
    struct journal *journal;

    memset(&client, 0, sizeof(client));
    journal = journal_open("j", options, &callbacks, why);
    if (!journal)
        fail_msg("%s", why);
    return journal;
}

static inline uint64_t
append(struct journal *journal, uint64_t value, size_t length)
{
    char filler[4096];

    memset(filler, 'f', sizeof(filler));
    return journal_append(
        journal, KIND, (struct iovec[]){ { &value, sizeof(value) }, { filler, length } },
        2);
}

/* A test that waits for half a minute waits for what does not come. */
static inline void
nap(void)
{
    static atomic_int naps;

    if (atomic_fetch_add(&naps, 1) > 30000)
        fail_msg("it does not come");
    usleep(1000);
}

static inline void
wait_durable(struct journal *journal, uint64_t number)
{
    while (journal_durable(journal) < number)
        nap();
}

#endif
