/* SPDX-License-Identifier: Apache-2.0
 *
 * journal_inside.h - an open journal, shared by the files of this stage.
 *
 * journal.c        appending, the thread, the end
 * journal_open.c   what is there at the start
 * journal_write.c  one step of the writer: write, sync
 * journal_rotate.c the next segment
 * journal_trim.c   checkpoints, and what may go
 * journal_read.c   readers
 */
#ifndef CORE_JOURNAL_INSIDE_H
#define CORE_JOURNAL_INSIDE_H

#include "journal.h"
#include "segment.h"

#include <pthread.h>
#include <stdatomic.h>

struct journal_bytes {
    unsigned char *at;
    size_t length, room;
};

enum {
    JOURNAL_SHARE = 4, /* a snapshot takes at most this part of its segment */
    JOURNAL_ROOM = 512 /* kept for a checkpoint, beside the size of two */
};

/* What snapshot and checkpoint write into; their records are sealed at once. */
struct journal_notes {
    struct journal_bytes bytes;
    uint64_t number; /* what each bears */
};

struct journal_entry {
    uint64_t first;
    uint64_t serial; /* tells a file from one that took its name */
    off_t end;       /* of what may be read; -1: not looked at yet, all of it */
    off_t size;
};

/* How far the current segment can be relied on. */
enum journal_trust {
    JOURNAL_SOUND,
    JOURNAL_BROKEN, /* a write failed: what is behind the end is anything */
    JOURNAL_SUSPECT /* a sync failed: what was not synced before may be gone */
};

/* What may be failing, each with a pace of its own. */
enum journal_task { JOURNAL_WRITING, JOURNAL_AHEAD, JOURNAL_TASKS };

struct journal_trouble {
    int64_t retry, pause; /* pause 0: none */
};

struct journal {
    struct disk *disk;
    struct disk real;
    struct journal_options options;
    struct journal_client client;

    /* Under the lock. */
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct journal_bytes gathering; /* appended, not taken by the writer */
    size_t over; /* what the writer holds above the buffer: so much less may gather */
    uint64_t next;
    bool sleeping, stopping, kicked, started, retuned;
    struct journal_options tuned; /* where retuned: for the writer to take */
    pthread_t thread;

    /* Under its own lock; only the writer changes it, so it reads without. */
    pthread_mutex_t list_lock;
    struct journal_entry *list; /* the oldest first; the last is the current one */
    size_t count;
    uint64_t serial;

    /* The writer's own.  held: from the first byte that is not durable on. */
    struct journal_bytes held, taking;
    size_t held_written;
    uint64_t taken;                /* the last number in held */
    struct segment current, ready; /* ready: made ahead */
    off_t synced_end;              /* of current, when it was last synced */
    off_t snapshot_size, notes_size;
    enum journal_trust trust;
    bool rotating;   /* wanted until it is done */
    uint64_t naming; /* a segment with this first number may have its name, and is not in
                      * the list; 0: none */
    bool dirty;
    int64_t dirty_since, last_write, last_notes, next_look;
    uint64_t told_written, told_durable;
    struct journal_trouble trouble[JOURNAL_TASKS];
    char why[JOURNAL_WHY]; /* what health was told last, "" while all is well */

    _Atomic uint64_t written, durable;
    /* Readers: when the disk began not to let itself be read, and did so last. */
    _Atomic int64_t unread_since, unread_last;
    atomic_bool distrusted; /* a reader found the current segment damaged */
    struct {
        atomic_ullong appended, refused, writes, syncs, failures, rotations, unlinked,
            torn, quarantined, bad, lost, gone;
    } counts;
};

/* journal.c */
void journal_bytes_add(struct journal_bytes *bytes, const void *more, size_t length);
void journal_bytes_trim(struct journal_bytes *bytes); /* gives back what a peak took */

/* journal_open.c: what stands for 0. */
void journal_defaults(struct journal_options *options);
/* As journal_open, on a disk that outlives the journal. */
struct journal *journal_open_on(struct disk *disk, const struct journal_options *options,
                                const struct journal_client *client,
                                char why[JOURNAL_WHY]);
void journal_free(struct journal *journal);

/* journal_write.c: all that is due now; when the next is, with the lock held. */
void journal_step(struct journal *journal);
int64_t journal_due(const struct journal *journal);
/* The last step: true when everything is written and synced. */
bool journal_finish(struct journal *journal);
/* Takes over what was appended; writes what was taken. */
void journal_take(struct journal *journal);
bool journal_write(struct journal *journal);
bool journal_sync_now(struct journal *journal);
bool journal_fails(struct journal *journal, enum journal_task task, const char *what);
void journal_works(struct journal *journal, enum journal_task task);

void journal_tell(struct journal *journal, uint64_t written, uint64_t durable);

/* journal_rotate.c: begins the next segment with all that is held. */
bool journal_rotate(struct journal *journal);
off_t journal_wanted_size(const struct journal *journal);

/* journal_trim.c */
bool journal_checkpoint(struct journal *journal);
bool journal_trim(struct journal *journal); /* true: something went */
void journal_look_around(struct journal *journal, int64_t now);

#endif
