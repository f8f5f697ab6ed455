/* SPDX-License-Identifier: Apache-2.0
 *
 * batch.h - a handful of events on their way through a sink's plugin.
 *
 * A batch holds a reference of each event, so what the plugin reads stays until
 * the batch goes back, however its items were settled.  DELIVERED and REJECTED
 * reach the queue at once; a RETRY stays with its item until the batch is back,
 * when it is known whether others passed.
 */
#ifndef CORE_BATCH_H
#define CORE_BATCH_H

#include "queue.h"
#include "template.h"

#include <pthread.h>

enum {
    BATCH_MOST = 512,
    BATCH_WHY = 256,
    BATCH_GATHER = 64 /* settled for one lock: whoever pushes waits for no more */
};

/* Who gave the batch out; its functions are called on any thread. */
struct batch_owner {
    struct queue *queue;
    enum event_format format;
    const struct sonde_template *payload; /* NULL: in format */
    bool several;                         /* of one check in a batch */
    void (*delivered)(struct batch_owner *owner, size_t count);
    /* Says on which line of the ledger it ends. */
    enum ledger_line (*rejected)(struct batch_owner *owner,
                                 const struct queue_entry *entry, const char *why);
    /* The last hold is gone: what is left in the items are RETRYs. */
    void (*back)(struct batch_owner *owner, struct sonde_batch *batch);
    void (*misused)(struct batch_owner *owner, const char *what); /* by the plugin */
};

struct sonde_item {
    struct sonde_batch *batch;
    const struct sonde_event *event; /* the batch's reference */
    struct queue_entry *entry;       /* NULL once delivered or rejected */
    atomic_bool settled;
    atomic_bool retry; /* settled as RETRY: the entry stays until the batch is back */
    bool blamed;       /* RETRY of this very item, not of the rest */
};

struct sonde_batch {
    struct list link; /* the owner's */
    struct batch_owner *owner;
    int64_t since; /* clock_now when it was given out */
    size_t count, room;
    struct sonde_item *items;
    struct queue_entry **entries; /* for queue_take */
    atomic_size_t holds;          /* unsettled items, and one while it is with submit */
    atomic_size_t delivered, rejected;
    struct text scratch;
    struct arena texts;
    pthread_mutex_t lock;
    char why[BATCH_WHY]; /* under lock: of the first RETRY that said so */
};

struct sonde_batch *batch_new(struct batch_owner *owner, size_t room);
void batch_free(struct sonde_batch *batch);
/* Takes what the queue gives, at most most.  The batch has a hold more than items. */
size_t batch_fill(struct sonde_batch *batch, size_t most, int64_t now);
bool batch_hold(struct sonde_batch *batch); /* false: it is going back */
void batch_release(struct sonde_batch *batch);
/* Its entries go back to the queue as RETRY, though the plugin still has the batch; with
 * a hold on it. */
void batch_take_back(struct sonde_batch *batch);
/* A reason made harmless and cut. */
void batch_why(char out[BATCH_WHY], const char *why);
void batch_clear(struct sonde_batch *batch); /* it is back, and may be filled again */

#endif
