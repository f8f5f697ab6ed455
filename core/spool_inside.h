/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_inside.h - a spool, shared by the files of this stage.
 *
 * spool.c       its life, pushing, the window
 * spool_tail.c  what waits in memory behind the window
 * spool_news.c  the newest change of each check among what waits
 * spool_read.c  reading back from the disk
 * spool_shed.c  the budget on the disk
 * spool_pack.c  the spool as a note of the journal, and back
 *
 * Locks: work (held through spool_work, attach and detach), then lock, then the queue's.
 * The cursor moves over the gap only under work, so its reader works without lock.
 */
#ifndef CORE_SPOOL_INSIDE_H
#define CORE_SPOOL_INSIDE_H

#include "cursor.h"
#include "spool.h"

#include <pthread.h>

struct spool_route {
    struct spool_route *next;
    struct ledger_route *ledger; /* NULL while there is no queue */
    uint64_t gap;                /* records in the gap */
    uint64_t held;               /* ... open in the window, or in the tail */
    uint64_t above;              /* spool_pack's: of these, above a limit */
    size_t length;
    char name[];
};

struct spool_waiting {
    struct sonde_event *event; /* a reference */
    struct spool_route *route;
    uint64_t record; /* 0: none holds it, and it has a share of the event's receipt */
    int64_t accepted;
    size_t bytes;
};

/* Oldest first, from first on. */
struct spool_tail {
    struct spool_waiting *entries;
    size_t first, count, room, bytes;
    size_t results; /* that no record holds */
    size_t looked;  /* of the entries, those in front that are known to be written, or
                     * held by no record */
    size_t lagging; /* bytes of what has a record among the others */
    size_t loose;   /* bytes of what no record holds */
};

/* A record of the gap that may not be written yet. */
struct spool_mark {
    uint64_t number;
    struct spool_route *route;
};

struct spool_marks {
    struct spool_mark *marks;
    size_t first, count, room; /* the marks from first to count, in order */
};

struct spool_newest;
struct spool_news {
    struct spool_newest **buckets;
    size_t bucket_count, count;
    bool
        overtaken; /* since this was false last, a change met an older one of its check */
};

struct spool {
    char *name;
    struct spool_home home;
    struct journal *journal; /* NULL until spool_open */
    pthread_mutex_t work, lock;

    /* Under the lock. */
    struct queue *queue;
    struct spool_bounds bounds;
    struct cursor *cursor;
    struct spool_route *routes;
    struct spool_route *window[CURSOR_WINDOW]; /* of what is open, by cursor_place */
    uint64_t gap_end;   /* the gap is what is above cursor_seen and below this */
    uint64_t gap_count; /* of this sink's records in it */
    struct spool_tail tail;
    struct spool_marks marks;
    uint64_t again; /* given to home.again, and not pushed again yet */
    struct spool_news news;
    bool woken, pressed;
    uint64_t restored_written; /* what the newest note spoke of */

    /* Under work: the reading thread's. */
    struct journal_reader *reader; /* NULL: none */
    struct event_pool *pool;
    uint64_t learn_at, learn_end; /* the part of the gap that news do not know of */
    int64_t said;                 /* when a record that is none was told of */
    struct {
        uint64_t limit; /* what is below goes; 0: nothing */
        uint64_t until; /* when this is reached, the budget has gone by once */
        uint64_t again; /* bytes that were written again since */
        uint64_t lost;  /* events of a sink that is configured no more */
    } shed;
};

/* spool.c.  All with the lock held. */
struct spool_route *spool_route(struct spool *spool, const char *name, size_t length);
void spool_count(struct spool *spool, struct spool_route *route, enum ledger_line line,
                 uint64_t count);
bool spool_has_gap(const struct spool *spool);
bool spool_has_room(struct spool *spool); /* of the window */
/* Into the window: its record, if any, is the cursor's next. */
void spool_admit(struct spool *spool, const struct spool_waiting *waiting);
void spool_settle(struct spool *spool, uint64_t record);
void spool_refill(struct spool *spool); /* from the tail, or says that there is to read */
uint64_t spool_wanted(const struct spool *spool); /* as spool_needed */

/* spool_tail.c, with the lock held */
void spool_tail_push(struct spool *spool, const struct spool_waiting *waiting);
struct spool_waiting *spool_tail_front(struct spool *spool); /* NULL: it is empty */
void spool_tail_pop(struct spool *spool); /* the front; its reference is the caller's */
/* The lowest record in it; 0: none. */
uint64_t spool_tail_record(const struct spool *spool);
/* Bytes of what the disk does not have. */
size_t spool_tail_unwritten(struct spool *spool);
/* Entries of which fn says so are taken out; the reference is fn's then. */
void spool_tail_filter(struct spool *spool,
                       bool (*fn)(struct spool *spool, struct spool_waiting *waiting,
                                  void *arg),
                       void *arg);
void spool_tail_fit(struct spool *spool);   /* makes room by the rules */
void spool_tail_leave(struct spool *spool); /* no queue any more: all to the gap */

/* spool_news.c, with the lock held */
void spool_news_add(struct spool_news *news, const struct sonde_event *event);
bool spool_news_newer(const struct spool_news *news, const struct sonde_event *event);
void spool_news_clear(struct spool_news *news);

/* spool_read.c, with work held and the lock not */
enum { SPOOL_SLICE = 256 /* records */ };
#define SPOOL_SLICE_TIME INT64_C(5000000) /* ns */

struct spool_slice {
    unsigned records;
    int64_t until;
};

struct spool_found {
    uint64_t number;
    struct journal_name route;
    const char *json;
    size_t json_length;
};

enum spool_read {
    SPOOL_FOUND,
    SPOOL_REACHED, /* there is no other below the limit */
    SPOOL_OVER,    /* the slice is */
    SPOOL_LATER    /* not written yet, or not to be read now */
};
struct spool_slice spool_slice(void);
void spool_seek(struct spool *spool, uint64_t from);
enum spool_read spool_next(struct spool *spool, struct spool_slice *slice, uint64_t limit,
                           struct spool_found *found);
/* The event; NULL: these bytes are none, which was said. */
struct sonde_event *spool_decode(struct spool *spool, const struct spool_found *found);
/* With the lock held: a record of the gap is in the gap no more. */
void spool_take(struct spool *spool, struct spool_route *route, uint64_t number);
/* With the lock held: everything below at was looked at, and at may be the gap's end. */
void spool_passed(struct spool *spool, uint64_t at);

/* spool_shed.c, with work held */
bool spool_shed(struct spool *spool); /* true: something was done, and there is more */

/* spool_pack.c, with the lock held */
void spool_mark(struct spool *spool, uint64_t number, struct spool_route *route);
void spool_marks_prune(struct spool *spool, uint64_t number); /* up to this one */

#endif
