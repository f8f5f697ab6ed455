/* SPDX-License-Identifier: Apache-2.0
 *
 * journal_event.h - what the records of the journal mean: their kinds, and an event in
 * one.
 *
 * An event's record is the sinks that want it, each with the route that named it, and its
 * canonical JSON.  Names and not numbers: it explains itself to whoever reads it, in any
 * later configuration.
 */
#ifndef CORE_JOURNAL_EVENT_H
#define CORE_JOURNAL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

/* Never to be renumbered. */
enum journal_kind {
    JOURNAL_EVENT = 1, /* as below */
    JOURNAL_SOFT,      /* recall.c: a check's unconfirmed answers */
    JOURNAL_SEQ,    /* keep.c: no event has had this number, or one above, as its seq */
    JOURNAL_CURSOR, /* spool.c: how far a sink has got */
    JOURNAL_FORGET, /* recall.c: a check that is configured no more */
    JOURNAL_STATE,  /* as JOURNAL_EVENT, of a change that is what the daemon knows of a check
                     * of its own from now on.  An event that is written once more, or is
                     * another daemon's, is none. */
};

enum { JOURNAL_TARGETS = 255, JOURNAL_TARGET_NAME = 255 /* most, and bytes of a name */ };

struct journal_target {
    const char *sink, *route;
};

/* The bytes before the JSON: a count, then for each target two texts, each a byte of
 * length and its bytes.  Names are cut, targets left out, beyond the limits above
 * (graph_sink.c refuses longer names).  Freed by the caller. */
struct journal_head {
    size_t length;
    char bytes[];
};
struct journal_head *journal_event_head(const struct journal_target *targets,
                                        size_t count);

/* A record read back, part by part; false: these bytes are none.  Names are no C texts:
 * they end at their length. */
struct journal_event {
    size_t targets; /* in all */
    const char *json;
    size_t json_length;
    const unsigned char *at; /* the next target */
};
struct journal_name {
    const char *text;
    size_t length;
};
bool journal_event_read(struct journal_event *event, const void *payload, size_t length);
/* The next target, in turn; false: there is no more. */
bool journal_event_next(struct journal_event *event, struct journal_name *sink,
                        struct journal_name *route);

#endif
