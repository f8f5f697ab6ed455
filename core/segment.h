/* SPDX-License-Identifier: Apache-2.0
 *
 * segment.h - one file of the journal: made, appended to, read, and put right after a
 * crash.
 *
 * A segment is named by the number of the first record that it may hold, and begins with
 * a head: a magic, the version of the format, that number, a checksum.  Records follow,
 * then zeros up to the room that was reserved for it.  It is made as journal.new and gets
 * its name when it is whole, so what has a name has a head and a snapshot.
 *
 * No thread of its own, no lock: the journal has both.
 */
#ifndef CORE_SEGMENT_H
#define CORE_SEGMENT_H

#include "disk.h"
#include "record.h"

enum { SEGMENT_HEAD = 32, SEGMENT_VERSION = 1, SEGMENT_NAME = 40 };
#define SEGMENT_NEW "journal.new"

struct segment {
    int fd; /* -1: none */
    uint64_t first;
    off_t size;   /* reserved */
    off_t end;    /* where the next record goes */
    off_t filled; /* zeros were written ahead up to here; 0: never */
};

/* Returns name. */
char *segment_name(char name[SEGMENT_NAME], uint64_t first);
bool segment_number(const char *name, uint64_t *first); /* false: not the name of one */

void segment_put_head(unsigned char head[SEGMENT_HEAD], uint64_t first);
enum segment_head { SEGMENT_OURS, SEGMENT_NEWER, SEGMENT_DAMAGED };
enum segment_head segment_take_head(struct disk *disk, int fd, uint64_t *first);

/* Makes journal.new with room for size bytes, all of it on the disk, so that what can
 * lack lacks here.  -1, errno: it could not be made, and is not there. */
int segment_prepare(struct disk *disk, struct segment *segment, off_t size);
/* journal.new, written and synced by the caller, becomes the segment that begins with
 * first, for good. */
int segment_commit(struct disk *disk, struct segment *segment, uint64_t first);
int segment_append(struct disk *disk, struct segment *segment, const void *bytes,
                   size_t length);
/* Writes zeros behind the end, ahead of need.  What is reserved reads as zeros too, but a
 * sync behind the first write to a block also waits for the file system to note that the
 * block is in use; this pays that once for many syncs, with twice the bytes.  Nothing
 * relies on it, so it cannot fail. */
void segment_zero_ahead(struct disk *disk, struct segment *segment);
int segment_sync(struct disk *disk, const struct segment *segment);
void segment_close(struct disk *disk, struct segment *segment);

/* ---- reading: record by record, in chunks ---- */

struct segment_scan {
    struct disk *disk;
    int fd;
    off_t at;    /* of the record that comes next */
    off_t limit; /* nothing from here on is read; may grow between two calls */
    int error;   /* errno where reading failed; then the answer is RECORD_BAD */
    unsigned char *bytes;
    size_t room, have;
    off_t from; /* where in the file bytes begin */
};

void segment_scan_init(struct segment_scan *scan, struct disk *disk, int fd, off_t limit);
void segment_scan_deinit(struct segment_scan *scan);
/* RECORD_TAKEN (until the next call), RECORD_END or RECORD_BAD; the place moves on behind
 * a record that was taken only. */
enum record_taken segment_next(struct segment_scan *scan, struct record *record);

/* ---- after a crash ---- */

enum segment_rest {
    SEGMENT_CLEAN,      /* nothing behind the last record */
    SEGMENT_TORN,       /* the beginning of one, or of several that never were whole */
    SEGMENT_QUARANTINED /* good records behind a bad one, or it cannot be read */
};

struct segment_found {
    off_t size, end;        /* end: behind the last good record */
    uint64_t last, records; /* of those that have numbers of their own; 0: none */
    bool snapshot;          /* it begins with a complete one */
    enum segment_rest rest;
    off_t rest_length; /* from end to the last byte that is not zero */
    int error;         /* errno where it could not be read */
};

/* Looks only.  fd is open for reading, its head is ours. */
void segment_look(struct disk *disk, int fd, struct segment_found *found);
/* Puts right what was found: a torn tail is cut; a quarantined one is copied to NAME.bad
 * and then cut.  newest: the room behind the end is reserved again, for writing goes on
 * there, and all of it is on the disk when this returns.  -1, errno: it could not be
 * done. */
int segment_repair(struct disk *disk, int fd, const char *name,
                   const struct segment_found *found, bool newest);

#endif
