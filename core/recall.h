/* SPDX-License-Identifier: Apache-2.0
 *
 * recall.h - what is known of every check, by its name.
 *
 * A check points to its entry and judges there.  The entry outlives the check: the one of
 * the same name after a reload, or a restart, goes on with it.  What becomes of the
 * entries on the disk is keep.c's business.
 */
#ifndef CORE_RECALL_H
#define CORE_RECALL_H

#include "journal_event.h"
#include "state.h"

struct recall;

/* Written by the check's own loop, under recall_lock; so that loop reads it without. */
struct known {
    struct known *chain;
    struct origin *origin; /* as it was when the entry was last entered; a reference */
    struct state state;
    bool kept;    /* in a table */
    bool entered; /* by a check of this process */
    bool history; /* there was a run before this process */
};

struct recall *recall_new(void);
void recall_free(struct recall *recall); /* with all entries */

/* What is known of a check at first, in no table; takes over the reference. */
struct known *recall_begin(struct origin *origin);
/* NULL, or one that is in a table, does nothing. */
void recall_end(struct known *known);
/* [main thread]  Into the table, of a check whose name no other check has.  Where there
 * is an entry of that name, of before the start, it goes on with the origin of this one,
 * which is freed.  The answer is what the check has from now on. */
struct known *recall_enter(struct recall *recall, struct known *known);
/* [main thread]  Out of the table; to be ended by who has it. */
void recall_leave(struct recall *recall, struct known *known);
/* [loop of the check]  known, which is in the table, gets the origin of fresh, which is
 * not, and the other way round. */
void recall_exchange(struct recall *recall, struct known *known, struct known *fresh);
/* Entries share locks.  Held while a check's answer is judged, and until what comes of it
 * is with the journal, so that a snapshot is never ahead of the log. */
void recall_lock(struct recall *recall, const struct known *known);
void recall_unlock(struct recall *recall, const struct known *known);
/* [any thread]  Each entry, one at a time under its lock; one that is entered meanwhile
 * perhaps not, others perhaps twice. */
void recall_each(struct recall *recall, void (*fn)(const struct known *known, void *arg),
                 void *arg);
/* [main thread]  Each entry that no check has entered, under its lock; then it is gone.
 */
void recall_sweep(struct recall *recall, void (*fn)(struct known *known, void *arg),
                  void *arg);
size_t recall_count(struct recall *recall);

/* ---- after a restart ---- */

/* The last change of a check.  One with the reason REMOVED forgets it. */
void recall_restore(struct recall *recall, const struct sonde_event *change);
void recall_restore_forget(struct recall *recall, const void *name, size_t length);
/* What recall_pack_soft said of unconfirmed answers; false: it is none. */
struct recall_soft {
    enum sonde_state hard;
    uint16_t streak;
    int64_t onset;
    const char *name; /* no C text */
    size_t length;
};
bool recall_read_soft(const void *payload, size_t length, struct recall_soft *soft);
bool recall_restore_soft(struct recall *recall, const void *payload, size_t length);
/* Freed by the caller. */
struct journal_head *recall_pack_soft(const struct known *known);

#endif
