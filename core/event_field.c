/* SPDX-License-Identifier: Apache-2.0
 *
 * event_field.c - paths into events: "check", "labels.team", "was.since".
 *
 * A path is that of the JSON form, so whoever can read an event outside can name its
 * fields inside.  One table says what there is; field_value reads it, everything else
 * turns the value into what the caller wants.
 * Not here: writing (event_fill.c), the order in JSON (encode.c).
 */
#include "clock.h"
#include "event.h"
#include "json.h"

#include <string.h>

enum row_type {
    ROW_ID,
    ROW_KIND,
    ROW_MODE,
    ROW_ORIGIN, /* a text of struct origin */
    ROW_MESSAGE,
    ROW_TEXT,
    ROW_STATE,
    ROW_REASON,
    ROW_TIME, /* 0 = absent */
    ROW_INT64,
    ROW_UNSIGNED,
    ROW_BOOL,
    ROW_PHASE, /* offset is the phase */
    ROW_DATA,
    ROW_METRIC,
    ROW_LABEL,
    ROW_DETAIL
};

/* When a field is there at all, as in encode.c. */
enum row_when { ALWAYS, OF_CHANGE, WITH_WAS, NOT_BROKEN, OF_LETTER };

#define AT(field)     offsetof(struct sonde_event, field)
#define LETTER(field) offsetof(struct letter, field)
#define ROWS(ROW)                                                                        \
    ROW("id", ROW_ID, 0, ALWAYS)                                                         \
    ROW("time", ROW_TIME, AT(time), ALWAYS)                                              \
    ROW("kind", ROW_KIND, 0, ALWAYS)                                                     \
    ROW("observer", ROW_ORIGIN, offsetof(struct origin, observer), ALWAYS)               \
    ROW("seq", ROW_INT64, AT(seq), ALWAYS)                                               \
    ROW("check", ROW_ORIGIN, offsetof(struct origin, check), ALWAYS)                     \
    ROW("plugin", ROW_ORIGIN, offsetof(struct origin, plugin), ALWAYS)                   \
    ROW("state", ROW_STATE, AT(state), ALWAYS)                                           \
    ROW("previous", ROW_STATE, AT(previous), OF_CHANGE)                                  \
    ROW("since", ROW_TIME, AT(since), ALWAYS)                                            \
    ROW("hard", ROW_BOOL, AT(hard), ALWAYS)                                              \
    ROW("attempt", ROW_UNSIGNED, AT(attempt), ALWAYS)                                    \
    ROW("reason", ROW_REASON, AT(reason), ALWAYS)                                        \
    ROW("message", ROW_MESSAGE, 0, ALWAYS)                                               \
    ROW("duration_us", ROW_INT64, AT(duration_us), ALWAYS)                               \
    ROW("timing_us.dns", ROW_PHASE, SONDE_DNS, ALWAYS)                                   \
    ROW("timing_us.connect", ROW_PHASE, SONDE_CONNECT, ALWAYS)                           \
    ROW("timing_us.tls", ROW_PHASE, SONDE_TLS, ALWAYS)                                   \
    ROW("timing_us.send", ROW_PHASE, SONDE_SEND, ALWAYS)                                 \
    ROW("timing_us.first_byte", ROW_PHASE, SONDE_FIRST_BYTE, ALWAYS)                     \
    ROW("timing_us.transfer", ROW_PHASE, SONDE_TRANSFER, ALWAYS)                         \
    ROW("metrics.", ROW_METRIC, 0, ALWAYS)                                               \
    ROW("labels.", ROW_LABEL, 0, ALWAYS)                                                 \
    ROW("details.", ROW_DETAIL, 0, ALWAYS)                                               \
    ROW("data", ROW_DATA, 0, ALWAYS)                                                     \
    ROW("detection.mode", ROW_MODE, 0, NOT_BROKEN)                                       \
    ROW("detection.onset", ROW_TIME, AT(onset), OF_CHANGE)                               \
    ROW("detection.detected", ROW_TIME, AT(detected), NOT_BROKEN)                        \
    ROW("was.state", ROW_STATE, AT(was.state), WITH_WAS)                                 \
    ROW("was.since", ROW_TIME, AT(was.since), WITH_WAS)                                  \
    ROW("was.duration_ms", ROW_INT64, AT(was.duration_ms), WITH_WAS)                     \
    ROW("letter.sink", ROW_TEXT, LETTER(sink), OF_LETTER)                                \
    ROW("letter.route", ROW_TEXT, LETTER(route), OF_LETTER)                              \
    ROW("letter.reason", ROW_TEXT, LETTER(reason), OF_LETTER)                            \
    ROW("letter.attempts", ROW_UNSIGNED, LETTER(attempts), OF_LETTER)                    \
    ROW("letter.time", ROW_TIME, LETTER(time), OF_LETTER)

#define ROW_NAME(name, type, offset, when)  name,
#define ROW_FACTS(name, type, offset, when) { type, when, offset },

const char *const field_names[] = { ROWS(ROW_NAME) NULL };

static const struct row {
    enum row_type type;
    enum row_when when;
    size_t offset;
} rows[] = { ROWS(ROW_FACTS) };

enum { FIELDS = sizeof(rows) / sizeof(*rows) };

struct field
field_find(const char *path)
{
    for (int i = 0; i < FIELDS; i++) {
        const char *name = field_names[i];
        size_t length = strlen(name);
        if (*path != *name || strncmp(path, name, length) != 0)
            continue;
        if (path[length] ? name[length - 1] == '.' : name[length - 1] != '.')
            return (struct field){ i, path + length };
    }
    return (struct field){ -1, "" };
}

/* ---- reading ---- */

struct value {
    enum {
        ABSENT,
        TEXT,
        NUMBERED,
        INTEGER,
        REAL,
        TIME,
        ID
    } kind; /* NUMBERED: text and number */
    const char *text;
    size_t length;
    int64_t integer;
    double real;
};

static struct value
text_value(const char *text)
{
    return (struct value){ .kind = TEXT, .text = text, .length = strlen(text) };
}

static struct value
named(const char *name, int64_t number)
{
    struct value value = text_value(name);

    value.kind = NUMBERED;
    value.integer = number;
    return value;
}

static struct value
integer(int64_t number, bool absent)
{
    return (struct value){ .kind = absent ? ABSENT : INTEGER, .integer = number };
}

static struct value
metric_value(const struct sonde_event *event, const char *name)
{
    for (const struct metric *metric = event->metrics; metric; metric = metric->next)
        if (strcmp(metric->name, name) == 0)
            return (struct value){ .kind = REAL, .real = metric->value };
    return (struct value){ .kind = ABSENT };
}

static struct value
label_value(const struct origin *origin, const char *name)
{
    for (size_t i = 0; i < origin->label_count; i++)
        if (strcmp(origin->labels[i].name, name) == 0)
            return text_value(origin->labels[i].value);
    return (struct value){ .kind = ABSENT };
}

static struct value
detail_value(const struct sonde_event *event, const char *name)
{
    for (const struct detail *detail = event->details; detail; detail = detail->next)
        if (strcmp(detail->name, name) == 0)
            return (struct value){ .kind = TEXT,
                                   .text = detail->value,
                                   .length = detail->length };
    return (struct value){ .kind = ABSENT };
}

static bool
is_there(const struct sonde_event *event, enum row_when when)
{
    switch (when) {
    case OF_CHANGE:
        return event->kind == EVENT_CHANGE;
    case WITH_WAS:
        return event->has_was;
    case NOT_BROKEN:
        return event->kind != EVENT_BROKEN;
    case OF_LETTER:
        return event->letter != NULL;
    case ALWAYS:
        break;
    }
    return true;
}

/* Rows whose value lies in the event, its letter or its origin, at the row's offset. */
static struct value
plain_value(const struct sonde_event *event, const struct row *row)
{
    const void *in = row->when == OF_LETTER ? (const void *)event->letter : event;
    const char *at = (const char *)in + row->offset;

    switch (row->type) {
    case ROW_STATE: {
        enum sonde_state state = *(const enum sonde_state *)(const void *)at;
        return named(event_state_name(state), state);
    }
    case ROW_REASON:
        return named(event_reason_name(event->reason), event->reason);
    case ROW_TIME: {
        int64_t time = *(const int64_t *)(const void *)at;
        return (struct value){ .kind = time ? TIME : ABSENT, .integer = time };
    }
    case ROW_INT64: {
        int64_t number = *(const int64_t *)(const void *)at;
        return integer(number, number < 0);
    }
    case ROW_UNSIGNED:
        return integer(*(const unsigned *)(const void *)at, false);
    case ROW_TEXT:
        return text_value(*(const char *const *)(const void *)at);
    case ROW_BOOL: {
        bool truth = *(const bool *)at;
        return named(truth ? "true" : "false", truth);
    }
    default: /* ROW_ORIGIN */
        at = (const char *)event->origin + row->offset;
        return text_value(*(const char *const *)(const void *)at);
    }
}

static struct value
field_value(const struct sonde_event *event, struct field field)
{
    const struct row *row;

    if (field.which < 0 || !is_there(event, rows[field.which].when))
        return (struct value){ .kind = ABSENT };
    row = &rows[field.which];
    switch (row->type) {
    case ROW_ID:
        return (struct value){ .kind = ID };
    case ROW_KIND:
        return text_value(event_kind_name(event->kind));
    case ROW_MODE:
        return text_value(event_mode_names[event->mode]);
    case ROW_MESSAGE:
        return text_value(event->message);
    case ROW_DATA:
        return event->data ? (struct value){ .kind = TEXT,
                                             .text = event->data,
                                             .length = event->data_length }
                           : (struct value){ .kind = ABSENT };
    case ROW_PHASE: {
        int64_t us = atomic_load_explicit(&event->timing_us[row->offset],
                                          memory_order_relaxed);
        return integer(us, us < 0);
    }
    case ROW_METRIC:
        return metric_value(event, field.rest);
    case ROW_LABEL:
        return label_value(event->origin, field.rest);
    case ROW_DETAIL:
        return detail_value(event, field.rest);
    default:
        return plain_value(event, row);
    }
}

const char *
field_text(const struct sonde_event *event, struct field field, struct text *scratch,
           size_t *length)
{
    struct value value = field_value(event, field);

    *length = value.length;
    if (value.kind == TEXT || value.kind == NUMBERED)
        return value.text;
    if (value.kind == ABSENT)
        return "";
    scratch->length = 0;
    text_reserve(scratch, EVENT_ID_SIZE);
    if (value.kind == INTEGER)
        json_integer(scratch, value.integer);
    else if (value.kind == REAL)
        json_number(scratch, value.real);
    else if (value.kind == TIME)
        text_puts(scratch, clock_text(value.integer, (char[CLOCK_TEXT_SIZE]){ 0 }));
    else
        text_puts(scratch, event_id_text(event->id, (char[EVENT_ID_SIZE]){ 0 }));
    *length = scratch->length;
    return scratch->bytes;
}

double
field_number(const struct sonde_event *event, struct field field, double absent)
{
    struct value value = field_value(event, field);

    switch (value.kind) {
    case NUMBERED:
    case INTEGER:
    case TIME:
        return (double)value.integer;
    case REAL:
        return value.real;
    default:
        return absent;
    }
}

/* ---- for plugins ---- */

static const struct made_text *
made_find(const struct made_text *made, struct field field)
{
    while (made && !(made->which == field.which && strcmp(made->rest, field.rest) == 0))
        made = made->next;
    return made;
}

/* Keeps one made text for each field, whichever thread was first: the event is shared,
 * so the list only ever grows, at its head. */
static const struct made_text *
made_keep(struct sonde_event *event, struct field field, const char *bytes, size_t length)
{
    size_t rest = strlen(field.rest) + 1;
    struct made_text *head = atomic_load_explicit(&event->made, memory_order_acquire);
    struct made_text *mine = memory_grow(NULL, sizeof(*mine) + length + 1 + rest, 1);

    mine->which = field.which;
    mine->length = length;
    memcpy(mine->bytes, bytes, length + 1);
    mine->rest = memcpy(mine->bytes + length + 1, field.rest, rest);
    do {
        const struct made_text *theirs = made_find(head, field);
        if (theirs) {
            free(mine);
            return theirs;
        }
        mine->next = head;
    } while (!atomic_compare_exchange_weak_explicit(
        &event->made, &head, mine, memory_order_acq_rel, memory_order_acquire));
    return mine;
}

const char *
sonde_text(const struct sonde_event *event, const char *field, size_t *length)
{
    struct field found = field_find(field);
    const struct made_text *made =
        made_find(atomic_load_explicit(&event->made, memory_order_acquire), found);
    struct text scratch = { 0 };
    const char *text;
    size_t size;

    if (made) {
        text = made->bytes;
        size = made->length;
    } else {
        text = field_text(event, found, &scratch, &size);
        if (text == scratch.bytes)
            text = made_keep((struct sonde_event *)event, found, text, size)->bytes;
    }
    text_deinit(&scratch);
    if (length)
        *length = size;
    return text;
}

double
sonde_number(const struct sonde_event *event, const char *field, double absent)
{
    return field_number(event, field_find(field), absent);
}
