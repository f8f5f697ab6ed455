/* SPDX-License-Identifier: Apache-2.0
 *
 * keep.h - what survives: the journal's client.
 *
 * Belongs to the daemon and outlives graphs.  It knows what checks are in (recall.c) and
 * what waits for sinks (spool.c), has both written as it changes, and told again after a
 * restart.  Without a state_dir it is the same with nothing on a disk: states still
 * survive a reload.
 */
#ifndef CORE_KEEP_H
#define CORE_KEEP_H

#include "recall.h"
#include "spool.h"

struct keep;

struct keep_options {
    enum journal_sync sync; /* the strictest that any sink asks for */
    int64_t every;          /* ns, of JOURNAL_EVERY */
    uint64_t disk; /* the smallest budget: a segment is an eighth of it; 0: none */
};

struct keep *keep_new(void);
/* Opens the journal in directory/journal and restores; -1: why.  Once, before any graph
 * runs.  *seq, which outlives this, is set so that none is used twice. */
int keep_open(struct keep *keep, const char *directory,
              const struct keep_options *options, atomic_ullong *seq,
              char why[JOURNAL_WHY]);
bool keep_disk(const struct keep *keep); /* it has one */
void keep_start(struct keep *keep); /* threads: writing and reading back; every sink has
                                     * its spool by then */
/* After a reload: other budgets and intervals. */
void keep_retune(struct keep *keep, const struct keep_options *options);
/* Waits until what is there is written, but no longer than to the deadline (clock_now):
 * for a process that ends with threads left behind. */
void keep_flush(struct keep *keep, int64_t deadline);
/* Writes what is there and ends.  Graphs are gone. */
void keep_free(struct keep *keep);

struct recall *keep_recall(struct keep *keep);
/* The spool of the sink of that name, made if there is none; NULL without a disk. */
struct spool *keep_spool(struct keep *keep, const char *name);
/* The same, but NULL where nothing waits in it: for a sink without a disk of its own. */
struct spool *keep_spool_left(struct keep *keep, const char *name);
/* Spools that no sink has and in which something waits. */
void keep_each_orphan(struct keep *keep,
                      void (*fn)(const char *name, uint64_t waiting, void *arg),
                      void *arg);

/* Whoever wants an event. */
struct keep_targets {
    size_t count;
    struct spool *spools[JOURNAL_TARGETS];
    struct journal_target names[JOURNAL_TARGETS];
};
/* [any thread]  Writes the event down, and pushes it to the spools of all that want it.
 * Also with none: a change that is `own` is always kept, and its check's entry in recall
 * is locked.  Where the event has a receipt, a share of it is held until the record is
 * durable.  Never waits. */
void keep_event(struct keep *keep, struct sonde_event *event,
                const struct keep_targets *targets);
/* [check's loop, its entry in recall locked]  A check's unconfirmed answers changed. */
void keep_soft(struct keep *keep, const struct known *known);
/* [its entry in recall locked]  Nothing is to be known of a check after a restart. */
void keep_forget(struct keep *keep, const struct known *known);
/* [any thread]  An event has had this seq. */
void keep_seq(struct keep *keep, uint64_t seq);

/* How the disk is, for the observer; false: it does not take what it should, and why. */
bool keep_health(struct keep *keep, char why[JOURNAL_WHY]);
struct journal_counts keep_counts(struct keep *keep);

#endif
