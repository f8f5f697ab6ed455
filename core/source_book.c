/* SPDX-License-Identifier: Apache-2.0
 *
 * source_book.c - watermarks.  See source_book.h.
 *
 * A receipt that is back goes on a stack, from any thread; the source's loop takes the
 * whole stack and marks the entries.  Entries side by side that are done become one, so
 * there are never more than two for each event that somebody holds: a lane whose oldest
 * event waits for days costs nothing for those behind it.
 * An event that reached nobody because the daemon ends (RETRY) is never done: the
 * watermark stays before it, and after the restart it comes again.
 */
#include "source_book.h"

#include "list.h"
#include "memory.h"

#include <pthread.h>

enum {
    BOOK_BUCKETS = 256, /* of lanes: partitions, of which there are a handful */
    BOOK_SPARE = 4096   /* entries kept to be used again */
};

struct book_lane {
    struct list entries; /* oldest first */
    struct list moved;   /* on the book's, while its oldest entry is done */
    struct book_lane *chain;
    uint64_t number;
};

struct book_entry {
    struct receipt receipt;
    struct source_book *book;
    struct book_lane *lane;
    struct list in_lane;
    struct book_entry *below; /* on the stack, or spare */
    uint64_t cookie;
    size_t bytes;
    enum sonde_fate worst;
    bool done;
};

struct source_book {
    _Atomic(struct book_entry *) stack; /* back, not looked at */
    atomic_size_t refs;                 /* the owner, and each receipt */
    pthread_mutex_t lock;               /* of the two below */
    void (*wake)(void *arg);
    void *arg;

    struct source_bounds bounds;
    size_t out, bytes; /* that somebody holds, as far as we looked */
    struct list moved;
    struct book_lane *lanes[BOOK_BUCKETS];
    struct book_entry *spare;
    size_t spare_count;
};

struct source_book *
source_book_new(struct source_bounds bounds, void (*wake)(void *arg), void *arg)
{
    struct source_book *book = memory_new(sizeof(*book));

    atomic_init(&book->refs, 1);
    pthread_mutex_init(&book->lock, NULL);
    book->bounds = bounds;
    book->wake = wake;
    book->arg = arg;
    list_init(&book->moved);
    return book;
}

void
source_book_bounds_set(struct source_book *book, struct source_bounds bounds)
{
    book->bounds = bounds;
}

static void
book_free(struct source_book *book)
{
    for (size_t i = 0; i < BOOK_BUCKETS; i++) {
        for (struct book_lane *lane = book->lanes[i], *chain; lane; lane = chain) {
            chain = lane->chain;
            list_each_safe (link, &lane->entries)
                free(container_of(link, struct book_entry, in_lane));
            free(lane);
        }
    }
    for (struct book_entry *entry = book->spare, *below; entry; entry = below) {
        below = entry->below;
        free(entry);
    }
    pthread_mutex_destroy(&book->lock);
    free(book);
}

static void
book_unref(struct source_book *book)
{
    if (atomic_fetch_sub_explicit(&book->refs, 1, memory_order_acq_rel) == 1)
        book_free(book);
}

void
source_book_close(struct source_book *book)
{
    if (!book)
        return;
    pthread_mutex_lock(&book->lock);
    book->wake = NULL;
    pthread_mutex_unlock(&book->lock);
    book_unref(book);
}

/* ---- out and back ---- */

/* [any thread]  The entry may be gone as soon as it is on the stack, the book not. */
static void
book_back(struct receipt *receipt, enum sonde_fate worst)
{
    struct book_entry *entry = container_of(receipt, struct book_entry, receipt);
    struct source_book *book = entry->book;
    struct book_entry *top = atomic_load_explicit(&book->stack, memory_order_relaxed);

    entry->worst = worst;
    do
        entry->below = top;
    while (!atomic_compare_exchange_weak_explicit(
        &book->stack, &top, entry, memory_order_release, memory_order_relaxed));
    if (!top) {
        pthread_mutex_lock(&book->lock);
        if (book->wake)
            book->wake(book->arg);
        pthread_mutex_unlock(&book->lock);
    }
    book_unref(book);
}

static struct book_lane *
book_lane(struct source_book *book, uint64_t number)
{
    struct book_lane **bucket = &book->lanes[number % BOOK_BUCKETS], *lane = *bucket;

    while (lane && lane->number != number)
        lane = lane->chain;
    if (lane)
        return lane;
    lane = memory_new(sizeof(*lane));
    lane->number = number;
    list_init(&lane->entries);
    list_init(&lane->moved);
    lane->chain = *bucket;
    return *bucket = lane;
}

static void
book_lane_free(struct source_book *book, struct book_lane *lane)
{
    struct book_lane **at = &book->lanes[lane->number % BOOK_BUCKETS];

    while (*at != lane)
        at = &(*at)->chain;
    *at = lane->chain;
    free(lane);
}

struct receipt *
source_book_enter(struct source_book *book, uint64_t lane, uint64_t cookie, size_t bytes)
{
    struct book_entry *entry = book->spare;

    if (entry) {
        book->spare = entry->below;
        book->spare_count--;
    } else {
        entry = memory_new(sizeof(*entry));
    }
    entry->book = book;
    entry->lane = book_lane(book, lane);
    entry->cookie = cookie;
    entry->bytes = bytes;
    entry->done = false;
    list_push(&entry->lane->entries, &entry->in_lane);
    receipt_init(&entry->receipt, book_back);
    atomic_fetch_add_explicit(&book->refs, 1, memory_order_relaxed);
    book->out++;
    book->bytes += bytes;
    return &entry->receipt;
}

static void
book_forget(struct source_book *book, struct book_entry *entry)
{
    list_remove(&entry->in_lane);
    if (book->spare_count == BOOK_SPARE) {
        free(entry);
        return;
    }
    entry->below = book->spare;
    book->spare = entry;
    book->spare_count++;
}

/* ---- watermarks ---- */

/* The entry at the link, if it is done. */
static struct book_entry *
book_done(const struct book_lane *lane, struct list *link)
{
    struct book_entry *entry = container_of(link, struct book_entry, in_lane);

    return link != &lane->entries && entry->done ? entry : NULL;
}

static enum sonde_fate
book_worse(enum sonde_fate a, enum sonde_fate b)
{
    return a == SONDE_REJECTED ? a : b;
}

static void
book_mark(struct source_book *book, struct book_entry *entry)
{
    struct book_lane *lane = entry->lane;
    struct book_entry *before = book_done(lane, entry->in_lane.prev);
    struct book_entry *behind = book_done(lane, entry->in_lane.next);

    book->out--;
    book->bytes -= entry->bytes;
    if (entry->worst == SONDE_RETRY)
        return;
    entry->done = true;
    if (before) {
        entry->worst = book_worse(before->worst, entry->worst);
        book_forget(book, before);
    }
    if (behind) {
        behind->worst = book_worse(entry->worst, behind->worst);
        book_forget(book, entry);
    }
    if (book_done(lane, lane->entries.next) && list_empty(&lane->moved))
        list_push(&book->moved, &lane->moved);
}

void
source_book_tell(struct source_book *book, source_book_fn *fn, void *arg)
{
    struct book_entry *entry = atomic_exchange_explicit(&book->stack, NULL,
                                                        memory_order_acquire);
    struct list *link;

    for (struct book_entry *below; entry; entry = below) {
        below = entry->below;
        book_mark(book, entry);
    }
    while ((link = list_first(&book->moved))) {
        struct book_lane *lane = container_of(link, struct book_lane, moved);
        struct book_entry *told = book_done(lane, lane->entries.next);
        uint64_t number = lane->number, cookie = told->cookie;
        enum sonde_fate worst = told->worst;

        list_remove(link);
        book_forget(book, told);
        if (list_empty(&lane->entries))
            book_lane_free(book, lane);
        fn(number, cookie, worst, arg);
    }
}

/* ---- bounds ---- */

bool
source_book_full(const struct source_book *book)
{
    return book->out >= book->bounds.events || book->bytes >= book->bounds.bytes;
}

bool
source_book_room(const struct source_book *book)
{
    return book->out * 2 < book->bounds.events && book->bytes * 2 < book->bounds.bytes;
}

size_t
source_book_out(const struct source_book *book)
{
    return book->out;
}
