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

#include "state.h"

struct recall;

struct known {
    struct known *chain;
    struct origin *origin; /* as it was when the entry was last used; a reference */
    struct state state;    /* under recall_lock */
    bool used;             /* by a check of the graph that runs */
    bool history;          /* there was a run before this start */
};

struct recall *recall_new(void);
void recall_free(struct recall *recall);

/* The entry of that name, made if there is none.  Never moves. */
struct known *recall_enter(struct recall *recall, struct origin *origin);
/* Entries share locks.  Held while a check's answer is judged, and until what comes of it
 * is with the journal, so that a snapshot is never ahead of the log. */
void recall_lock(struct recall *recall, const struct known *known);
void recall_unlock(struct recall *recall, const struct known *known);
/* Each entry, one at a time under its lock. */
void recall_each(struct recall *recall, void (*fn)(struct known *known, void *arg),
                 void *arg);
/* Out of the table, and freed.  Nobody may use it. */
void recall_forget(struct recall *recall, struct known *known);

/* ---- after a restart ---- */

/* The last change of a check. */
void recall_restore(struct recall *recall, const struct sonde_event *change);
/* What recall_pack said of unconfirmed answers; false: it is none. */
bool recall_restore_soft(struct recall *recall, const void *payload, size_t length);
struct journal_head;
struct journal_head *recall_pack_soft(const struct known *known);

#endif
