/* SPDX-License-Identifier: Apache-2.0
 *
 * event.h - what travels.
 *
 * An event is filled by one owner, then handed over; from then on it is
 * constant, shared by reference count, and holds its own memory.  It goes back
 * to the pool that made it, whichever thread drops the last reference.
 * Not here: what an event looks like outside (encode.c), who gets it (router.c).
 */
#ifndef CORE_EVENT_H
#define CORE_EVENT_H

#include "memory.h"
#include "receipt.h"
#include "sonde/plugin.h"
#include "text.h"

#include <stdatomic.h>

struct label {
    const char *name, *value;
};

/* Finished JSON that is the same in every event of a check; see encode.c.  `via` stands
 * behind the observer. */
enum { ORIGIN_OBSERVER, ORIGIN_CHECK, ORIGIN_LABELS, ORIGIN_PIECES };

/* Who an event is about: shared by a check and all events of it, so that they
 * may outlive the check.  Labels are sorted by name. */
struct origin {
    atomic_uint refs;
    uint64_t hash; /* text_hash of check */
    const char *check, *plugin, *observer;
    struct label *labels;
    size_t label_count;
    const char **via; /* the daemons through which it came to us, the first one first */
    size_t via_count;
    const char *json; /* the pieces, one behind the other */
    uint32_t ends[ORIGIN_PIECES];
};

/* Copies everything.  The labels come sorted. */
struct origin *origin_new(const char *check, const char *plugin, const char *observer,
                          const struct label *labels, size_t count);
/* The same of an event that comes through others. */
struct origin *origin_new_via(const char *check, const char *plugin, const char *observer,
                              const struct label *labels, size_t count,
                              const char *const *via, size_t via_count);
struct origin *origin_ref(struct origin *origin);
void origin_unref(struct origin *origin); /* NULL does nothing */

enum event_kind { EVENT_RESULT, EVENT_CHANGE, EVENT_BROKEN, EVENT_KINDS };
enum event_mode { EVENT_POLL, EVENT_EVENT, EVENT_PASSIVE };
enum {
    EVENT_STATES = SONDE_DOWN + 1,
    EVENT_PHASES = SONDE_TRANSFER + 1,
    EVENT_REASONS = SONDE_OBSERVER + 1,
    EVENT_MODES = EVENT_PASSIVE + 1
};

/* What a plugin may put into one event. */
enum {
    EVENT_MESSAGE_MOST = 1024,
    EVENT_DETAILS = 64,
    EVENT_DETAIL_MOST = 4096,
    EVENT_METRICS = 64,
    EVENT_NAME_MOST = 64,
    EVENT_LETTER_NAME = 255, /* of a sink, of a route */
    EVENT_LABELS = 256,      /* of a source's event */
    EVENT_LABEL_MOST = 1024, /* likewise; of its check as well */
    EVENT_VIA = 16,          /* relays */
    EVENT_DATA_MOST = 65536,
    EVENT_ROOM = 384 /* bytes of texts that cost no allocation of their own */
};

/* The ways in which an event is written out, each at most once. */
enum event_format { EVENT_JSON, EVENT_TEXT, EVENT_FORMATS };

struct encoded {
    size_t length;
    char bytes[]; /* and a NUL */
};

struct metric {
    struct metric *next;
    const char *name; /* the key in JSON: it ends with the unit, "used_percent" */
    const char *unit; /* never NULL */
    double value;
};

/* What a source says of who its event is about; NULL: nothing. */
struct draft {
    const char *check, *plugin, *observer;
    struct label *labels; /* each name once */
    size_t label_count, label_room;
    bool ready; /* its origin is final, and it may be pushed */
};

struct detail {
    struct detail *next;
    const char *name, *value;
    size_t length;
};

/* A text that sonde_text had to make; kept, since texts live as long as the event. */
struct made_text {
    struct made_text *next;
    int which;        /* as in struct field */
    const char *rest; /* a metric's name, else "" */
    size_t length;
    char bytes[]; /* and a NUL, then rest */
};

/* What makes an event a dead letter: where it was meant to go, and why it did not. */
struct letter {
    const char *sink, *route, *reason;
    unsigned attempts; /* that the sink held against this very event */
    int64_t time;      /* microseconds since 1970; when it was given up */
};

struct sonde_event {
    atomic_uint refs;
    struct event_pool *home;
    struct sonde_event *link; /* while in a pool */
    void *run;                /* check.c's, while a probe fills it */
    struct receipt
        *receipt; /* of a source's event; NULL: nobody asks what becomes of it */
    struct draft *draft;      /* while a source fills it, in its memory */

    struct origin *origin;
    uint8_t id[16]; /* UUIDv7 */
    int64_t time;   /* microseconds since 1970 */
    uint64_t seq;
    enum event_kind kind;
    enum sonde_state state, previous;
    int64_t since; /* microseconds; 0 = absent */
    bool hard, certain;
    bool own; /* a change of a check of this daemon: what it knows from now on */
    unsigned attempt;
    enum sonde_reason reason;
    const char *message;                  /* never NULL */
    int64_t duration_us;                  /* -1 = absent */
    atomic_llong timing_us[EVENT_PHASES]; /* -1 = absent; a late run may still write */
    struct metric *metrics;               /* in the order set, each name once */
    struct detail *details;               /* likewise */
    const char *data;                     /* a source's payload, made harmless, or NULL */
    size_t data_length;
    enum event_mode mode;
    int64_t onset, detected; /* microseconds; 0 = absent */
    bool has_was;
    struct {
        enum sonde_state state;
        int64_t since;
        int64_t duration_ms;
    } was;
    const struct letter *letter; /* of a dead letter, else NULL */

    struct arena memory; /* begins in room */
    _Atomic(struct encoded *) encoded[EVENT_FORMATS];
    _Atomic(struct made_text *) made;
    _Alignas(16) char room[EVENT_ROOM];
};

/* Makes events for one loop.  event_new is for that loop's thread only; an event
 * dropped elsewhere is handed back and found again by the next event_new.  The
 * pool lives until its last event is gone: event_pool_free gives up the owner's
 * share. */
struct event_pool *event_pool_new(void);
void event_pool_free(struct event_pool *pool);
void event_pool_trim(struct event_pool *pool); /* the owner: frees what is kept */

/* A fresh event with one reference, an id and a time; seq and the rest are the
 * caller's.  Takes a reference of origin. */
struct sonde_event *event_new(struct event_pool *pool, struct origin *origin);
struct sonde_event *event_ref(struct sonde_event *event);
void event_unref(struct sonde_event *event);
size_t
event_bytes(const struct sonde_event *event); /* all memory it holds, encodings too */

/* The message is cleaned (text_clean) and cut at 1 KiB. */
void event_message(struct sonde_event *event, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
void event_set_message(struct sonde_event *event, const char *text);
/* Copied, its texts cleaned and cut likewise. */
void event_set_letter(struct sonde_event *event, const struct letter *letter);

/* What was found out: judgement, message, timings, metrics, details. */
void event_copy_found(struct sonde_event *copy, const struct sonde_event *event);
/* Another event that says the same, id and letter too; without a receipt.  For the
 * thread of the pool. */
struct sonde_event *event_copy(struct event_pool *pool, const struct sonde_event *event);

/* Encoded on the first call, the same text ever after.  Any thread. */
const struct encoded *event_encoded(const struct sonde_event *event,
                                    enum event_format format);
/* The canonical JSON back into an event; members that are not known are passed over.
 * NULL: it is none, and fault says why, to be put behind "no event: ".  For the thread
 * of the pool. */
struct sonde_event *event_decode(struct event_pool *pool, const char *bytes,
                                 size_t length, const char **fault);

/* What sonde_set does beside details.*, for an event with a draft; -1: not to be set. */
int event_draft_set(struct sonde_event *event, const char *field, const char *text,
                    size_t length);
/* A copy in the event's memory that may be shown to anybody, at most most bytes. */
const char *event_clean(struct sonde_event *event, const char *bytes, size_t length,
                        size_t most, size_t *size);
size_t event_name_length(const char *name); /* [A-Za-z0-9_.-]{1,64}; 0: it is none */
bool event_id_parse(const char *text, uint8_t id[16]); /* 36 bytes of a UUID */

/* ---- names and fields ---- */

const char *event_state_name(enum sonde_state state);    /* "DOWN" */
const char *event_reason_name(enum sonde_reason reason); /* "L4CON" */
const char *event_reason_help(enum sonde_reason reason); /* what a person can do */
const char *event_kind_name(enum event_kind kind);
extern const char *const event_state_names[]; /* end with NULL */
extern const char *const event_reason_names[];
extern const char *const event_kind_names[];
extern const char *const event_mode_names[];  /* "poll" */
extern const char *const event_phase_names[]; /* "dns" */

enum { EVENT_ID_SIZE = 37 };
/* 36 bytes and a NUL.  Returns text. */
char *event_id_text(const uint8_t id[16], char text[EVENT_ID_SIZE]);

/* A compiled path into an event, "labels.team". */
struct field {
    int which;        /* a row of event_field.c's table; -1 = no such field */
    const char *rest; /* behind "labels.", points into the path */
};
struct field field_find(const char *path);
/* The names that field_find knows, ends with NULL; "labels." stands for its kind. */
extern const char *const field_names[];
/* "" where the event has none.  A text that had to be made overwrites scratch. */
const char *field_text(const struct sonde_event *event, struct field field,
                       struct text *scratch, size_t *length);
/* state, previous, reason by their enums, times in microseconds since 1970, hard as
 * 1 or 0; absent where the event has none, or it is no number. */
double field_number(const struct sonde_event *event, struct field field, double absent);

#endif
