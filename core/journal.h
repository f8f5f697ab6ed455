/* SPDX-License-Identifier: Apache-2.0
 *
 * journal.h - one log of numbered records that survives a crash.
 *
 * Any thread appends; that copies the record into memory and gives it a number, never
 * touches the disk and never waits.  A thread of the journal's own writes, syncs, begins
 * new files (segments) and removes those that nobody needs.  What a record means is the
 * client's: it is asked for a snapshot of all that must outlive older segments, at the
 * head of each new one, and told all of it again when the journal is opened.
 *
 * What the client must keep to:
 * - It changes its memory and appends the record of that as one step for the snapshot,
 * under a lock that the snapshot takes for this piece of memory.  Then a snapshot says
 * neither less than the records before it nor more than those that are on the disk with
 * it.
 * - Records are told again in the order of the log, some more than once: each says a
 * whole new value and not a difference.
 * - A snapshot or checkpoint speaks of no record above the number it is given
 * (`written`): what is not on the disk yet gets another number after a crash.
 * - What `needed` answers never falls.
 */
#ifndef CORE_JOURNAL_H
#define CORE_JOURNAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

struct journal;
struct journal_notes;
struct journal_reader;

enum { JOURNAL_WHY = 256, JOURNAL_PAYLOAD = 16 << 20 /* bytes at most */ };
#define JOURNAL_NOBODY UINT64_MAX /* from needed: nothing appended before is needed */

struct journal_record {
    uint64_t number;
    uint32_t kind; /* the client's, 1 to 2^31 - 2 */
    bool note; /* from a snapshot or checkpoint; then number is that of the next record */
    size_t length;
    const void *payload; /* until the next call */
};

enum journal_sync {
    JOURNAL_EVERY, /* durable at most `every` after it was written */
    JOURNAL_EACH,  /* synced after each write; what comes meanwhile is the next write */
    JOURNAL_NEVER  /* survives a crash of the process only; written counts as durable */
};

/* 0 stands for what is in parentheses. */
struct journal_options {
    enum journal_sync sync;
    int64_t every; /* ns (50 ms) */
    size_t buffer; /* bytes that may gather before appending is refused (4 MiB); while the
                    * disk fails, up to twice as many are held beside them */
    size_t segment; /* bytes of a file, at least (16 MiB) */
    int64_t notes;  /* ns at least from one checkpoint to the next (50 ms) */
};

/* Each may be NULL.  restore: within journal_open, on its thread.  The others: on the
 * journal's own thread; they may append and kick, and must not open, read or close. */
struct journal_client {
    void *arg;
    /* Every record and note from the newest whole snapshot on, in order. */
    void (*restore)(void *arg, const struct journal_record *record);
    /* All that must survive when every older segment is gone: with journal_note. */
    void (*snapshot)(void *arg, struct journal_notes *notes, uint64_t written);
    /* What has changed since by no record, as cursors: with journal_note. */
    void (*checkpoint)(void *arg, struct journal_notes *notes, uint64_t written);
    /* The lowest number that somebody still wants to read, or JOURNAL_NOBODY.  While the
     * disk is in trouble, what is below it may not come to be written at all. */
    uint64_t (*needed)(void *arg);
    /* All up to written survives kill -9, all up to durable a power cut. */
    void (*told)(void *arg, uint64_t written, uint64_t durable);
    /* The disk takes what it should (error 0, why ""), or does not: errno, and why. */
    void (*health)(void *arg, int error, const char *why);
};

/* Opens what is in this directory, makes it if need be, puts right what a crash left, and
 * restores.  The caller has the directory to itself (statedir.h).  NULL, why: it cannot
 * be used, or a newer version of this program wrote it.  A full disk is no reason. */
struct journal *journal_open(const char *directory, const struct journal_options *options,
                             const struct journal_client *client, char why[JOURNAL_WHY]);
/* Begins to write; what was appended before waits until then. */
void journal_start(struct journal *journal);
/* Writes and syncs what is there, with a last checkpoint, tries once, and frees.  Readers
 * must be gone.  Returns how many records the disk did not take. */
uint64_t journal_close(struct journal *journal);

/* [any thread]  The number of the record; 0: not held, there is no room (counted). */
uint64_t journal_append(struct journal *journal, uint32_t kind, const struct iovec *parts,
                        int count);
/* [any thread]  Another sync, every and segment than at the start (0 as there), from the
 * next step on. */
void journal_retune(struct journal *journal, const struct journal_options *options);
/* [any thread]  Something is settled: a checkpoint soon, and what is not needed may go.
 */
void journal_kick(struct journal *journal);
/* Within snapshot and checkpoint only. */
void journal_note(struct journal_notes *notes, uint32_t kind, const struct iovec *parts,
                  int count);

uint64_t journal_next(struct journal *journal); /* the number to be given next */
uint64_t journal_written(const struct journal *journal);
uint64_t journal_durable(const struct journal *journal);
/* The bytes of the files that are kept for a reader that wants all from number on. */
uint64_t journal_pinned(struct journal *journal, uint64_t number);
/* The first number of the segment behind the one that holds number: who wants nothing
 * below it keeps one segment less.  0: it is in the newest. */
uint64_t journal_behind(struct journal *journal, uint64_t number);

struct journal_counts {
    uint64_t appended, refused;       /* records */
    uint64_t writes, syncs, failures; /* of the disk */
    uint64_t rotations, unlinked;     /* segments */
    uint64_t segments, bytes;         /* as they are now */
    uint64_t torn;                    /* bytes cut that never were a record */
    uint64_t quarantined;             /* bytes kept aside behind a bad record */
    uint64_t bad;                     /* readers: the rest of a segment cannot be read */
    uint64_t lost;                    /* ... the numbers that this skipped */
    uint64_t gone;                    /* readers: what they want is in no file any more */
};
struct journal_counts journal_counts(struct journal *journal);

/* ---- reading, beside the writer; a reader is for one thread at a time ---- */

enum journal_read {
    JOURNAL_RECORD,
    JOURNAL_NONE, /* not written yet, or the disk does not let it be read: ask again */
    JOURNAL_SKIP /* the numbers below journal_reader_at cannot be had, and were counted */
};

/* From this number on; 0: from the oldest that there is. */
struct journal_reader *journal_reader_new(struct journal *journal, uint64_t from);
enum journal_read journal_read(struct journal_reader *reader,
                               struct journal_record *record);
uint64_t
journal_reader_at(const struct journal_reader *reader); /* the number wanted next */
void journal_reader_free(struct journal_reader *reader);

#endif
