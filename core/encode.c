/* SPDX-License-Identifier: Apache-2.0
 *
 * encode.c - what an event looks like outside: its JSON, and one readable line.
 *
 * JSON is written by a cursor into a buffer that json_bound has made large enough, in
 * the fixed order of the event's page; what is the same in every event of a check was
 * written when its origin was made.  An event is encoded at most once per format,
 * however many sinks read it, by whichever thread comes first.
 * Not here: who wants which format (router.c), templates (template.c).
 */
#include "clock.h"
#include "event.h"
#include "json.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

enum {
    /* All keys, punctuation, names, times and integers of an event, generously: */
    JSON_FIXED = 1536,
    JSON_LETTER = 256,   /* likewise of a letter */
    ENCODE_BUFFER = 4096 /* most events fit; the others take a detour over the heap */
};

/* ---- JSON ---- */

#define PUT(at, literal) put(at, literal, sizeof(literal) - 1)

static inline char *
put(char *at, const char *bytes, size_t length)
{
    memcpy(at, bytes, length);
    return at + length;
}

static inline char *
put_text(char *at, const char *text)
{
    return put(at, text, strlen(text));
}

static char *
put_time(char *at, int64_t wall)
{
    *at++ = '"';
    clock_text(wall, at);
    at[27] = '"';
    return at + 28;
}

/* What is the same in every event of a check. */
static char *
put_piece(char *at, const struct origin *origin, int piece)
{
    uint32_t begin = piece ? origin->ends[piece - 1] : 0;

    return put(at, origin->json + begin, origin->ends[piece] - begin);
}

static char *
put_head(char *at, const struct sonde_event *event)
{
    at = PUT(at, "{\"id\":\"");
    at = event_id_text(event->id, at) + EVENT_ID_SIZE - 1;
    at = PUT(at, "\",\"time\":");
    at = put_time(at, event->time);
    at = PUT(at, ",\"kind\":\"");
    at = put_text(at, event_kind_name(event->kind));
    at = PUT(at, "\",\"observer\":");
    at = put_piece(at, event->origin, ORIGIN_OBSERVER);
    at = PUT(at, ",\"seq\":");
    at = json_put_integer(at, (int64_t)event->seq);
    at = PUT(at, ",\"check\":");
    at = put_piece(at, event->origin, ORIGIN_CHECK);
    return PUT(at, ",\"state\":\"");
}

static char *
put_judgement(char *at, const struct sonde_event *event)
{
    at = put_text(at, event_state_name(event->state));
    if (event->kind == EVENT_CHANGE) {
        at = PUT(at, "\",\"previous\":\"");
        at = put_text(at, event_state_name(event->previous));
    }
    *at++ = '"';
    if (event->since) {
        at = PUT(at, ",\"since\":");
        at = put_time(at, event->since);
    }
    at = event->hard ? PUT(at, ",\"hard\":true,\"attempt\":")
                     : PUT(at, ",\"hard\":false,\"attempt\":");
    at = json_put_integer(at, event->attempt);
    at = PUT(at, ",\"reason\":\"");
    at = put_text(at, event_reason_name(event->reason));
    at = PUT(at, "\",\"message\":\"");
    at = json_put_escaped(at, event->message, strlen(event->message));
    *at++ = '"';
    return at;
}

static char *
put_timing(char *at, const struct sonde_event *event)
{
    bool some = false;

    if (event->duration_us >= 0) {
        at = PUT(at, ",\"duration_us\":");
        at = json_put_integer(at, event->duration_us);
    }
    at = PUT(at, ",\"timing_us\":{");
    for (int i = 0; i < EVENT_PHASES; i++) {
        int64_t us = atomic_load_explicit(&event->timing_us[i], memory_order_relaxed);
        if (us < 0)
            continue;
        at = some ? PUT(at, ",\"") : PUT(at, "\"");
        at = put_text(at, event_phase_names[i]);
        at = PUT(at, "\":");
        at = json_put_integer(at, us);
        some = true;
    }
    *at++ = '}';
    return at;
}

static char *
put_found(char *at, const struct sonde_event *event)
{
    at = PUT(at, ",\"metrics\":{");
    for (const struct metric *metric = event->metrics; metric; metric = metric->next) {
        at = PUT(at, "\"");
        at = json_put_escaped(at, metric->name, strlen(metric->name));
        at = PUT(at, "\":");
        at = json_put_number(at, metric->value);
        if (metric->next)
            *at++ = ',';
    }
    *at++ = '}';
    at = PUT(at, ",\"labels\":{");
    at = put_piece(at, event->origin, ORIGIN_LABELS);
    at = PUT(at, "},\"details\":{");
    for (const struct detail *detail = event->details; detail; detail = detail->next) {
        at = PUT(at, "\"");
        at = json_put_escaped(at, detail->name, strlen(detail->name));
        at = PUT(at, "\":\"");
        at = json_put_escaped(at, detail->value, detail->length);
        at = detail->next ? PUT(at, "\",") : PUT(at, "\"");
    }
    *at++ = '}';
    if (event->data) {
        at = PUT(at, ",\"data\":\"");
        at = json_put_escaped(at, event->data, event->data_length);
        *at++ = '"';
    }
    return at;
}

static char *
put_history(char *at, const struct sonde_event *event)
{
    if (event->kind != EVENT_BROKEN) {
        at = PUT(at, ",\"detection\":{\"mode\":\"");
        at = put_text(at, event_mode_names[event->mode]);
        *at++ = '"';
        if (event->onset && event->kind == EVENT_CHANGE)
            at = put_time(PUT(at, ",\"onset\":"), event->onset);
        if (event->detected)
            at = put_time(PUT(at, ",\"detected\":"), event->detected);
        *at++ = '}';
    }
    if (event->has_was) {
        at = PUT(at, ",\"was\":{\"state\":\"");
        at = put_text(at, event_state_name(event->was.state));
        *at++ = '"';
        if (event->was.since)
            at = put_time(PUT(at, ",\"since\":"), event->was.since);
        if (event->was.duration_ms >= 0)
            at = json_put_integer(PUT(at, ",\"duration_ms\":"), event->was.duration_ms);
        *at++ = '}';
    }
    return at;
}

static char *
put_letter(char *at, const struct letter *letter)
{
    at = PUT(at, ",\"letter\":{\"sink\":\"");
    at = json_put_escaped(at, letter->sink, strlen(letter->sink));
    at = PUT(at, "\",\"route\":\"");
    at = json_put_escaped(at, letter->route, strlen(letter->route));
    at = PUT(at, "\",\"reason\":\"");
    at = json_put_escaped(at, letter->reason, strlen(letter->reason));
    at = PUT(at, "\",\"attempts\":");
    at = json_put_integer(at, letter->attempts);
    if (letter->time)
        at = put_time(PUT(at, ",\"time\":"), letter->time);
    *at++ = '}';
    return at;
}

/* No event of these needs more. */
static size_t
json_bound(const struct sonde_event *event)
{
    size_t bound = JSON_FIXED + JSON_ESCAPED_SIZE(strlen(event->message));

    bound += event->origin->ends[ORIGIN_LABELS];
    if (event->letter)
        bound += JSON_LETTER
                 + JSON_ESCAPED_SIZE(strlen(event->letter->sink)
                                     + strlen(event->letter->route)
                                     + strlen(event->letter->reason));
    bound += JSON_ESCAPED_SIZE(event->data_length);
    for (const struct metric *metric = event->metrics; metric; metric = metric->next)
        bound += JSON_ESCAPED_SIZE(strlen(metric->name)) + JSON_NUMBER_SIZE + 8;
    for (const struct detail *detail = event->details; detail; detail = detail->next)
        bound += JSON_ESCAPED_SIZE(strlen(detail->name) + detail->length) + 8;
    return bound;
}

static struct encoded *
encoded_new(const char *bytes, size_t length)
{
    struct encoded *encoded = memory_grow(NULL, sizeof(*encoded) + length + 1, 1);

    encoded->length = length;
    memcpy(encoded->bytes, bytes, length);
    encoded->bytes[length] = '\0';
    return encoded;
}

static struct encoded *
encode_json(const struct sonde_event *event)
{
    char near[ENCODE_BUFFER], *far = NULL, *start = near, *at;
    size_t bound = json_bound(event);
    struct encoded *encoded;

    if (bound > sizeof(near))
        start = far = memory_grow(NULL, bound, 1);
    at = put_head(start, event);
    at = put_judgement(at, event);
    at = put_timing(at, event);
    at = put_found(at, event);
    at = put_history(at, event);
    if (event->letter)
        at = put_letter(at, event->letter);
    *at++ = '}';
    assert((size_t)(at - start) < bound);
    encoded = encoded_new(start, (size_t)(at - start));
    free(far);
    return encoded;
}

/* ---- one readable line ---- */

/* The two leading units are enough for a person: "2h 3m". */
static void
add_duration(struct text *out, int64_t ms)
{
    static const struct {
        int64_t worth;
        char name;
    } units[] = { { 86400, 'd' }, { 3600, 'h' }, { 60, 'm' }, { 1, 's' } };
    int64_t s = ms / 1000;
    size_t i = 0;

    if (s == 0) {
        text_printf(out, "%" PRId64 "ms", ms);
        return;
    }
    while (s < units[i].worth)
        i++;
    text_printf(out, "%" PRId64 "%c", s / units[i].worth, units[i].name);
    if (i < 3 && s % units[i].worth / units[i + 1].worth)
        text_printf(out, " %" PRId64 "%c", s % units[i].worth / units[i + 1].worth,
                    units[i + 1].name);
}

/* What sets the event apart: the state before it, or how long the run took. */
static void
add_context(struct text *out, const struct sonde_event *event)
{
    if (event->kind == EVENT_CHANGE) {
        text_puts(out, "was ");
        text_puts(out, event_state_name(event->previous));
        if (event->has_was && event->was.since && event->was.duration_ms >= 0) {
            text_puts(out, " for ");
            add_duration(out, event->was.duration_ms);
        }
        return;
    }
    if (event->duration_us >= 100000)
        text_printf(out, "in %.1fs", (double)event->duration_us / 1e6);
    else if (event->duration_us >= 0)
        text_printf(out, "in %.1fms", (double)event->duration_us / 1e3);
    if (event->kind == EVENT_RESULT && !event->hard)
        text_puts(out, event->duration_us >= 0 ? ", soft" : "soft");
}

/* A column ends with at least two blanks. */
static void
pad(struct text *out, size_t from, size_t width)
{
    do
        text_add(out, " ", 1);
    while (out->length < from + width);
}

static struct encoded *
encode_text(const struct sonde_event *event)
{
    struct text out = { 0 };
    struct encoded *encoded;
    char time[CLOCK_TEXT_SIZE];
    size_t column;

    clock_text(event->time, time);
    time[10] = ' ';
    text_add(&out, time, 23);
    text_puts(&out, "Z  ");
    column = out.length;
    text_puts(&out,
              event->kind == EVENT_BROKEN ? "BROKEN" : event_state_name(event->state));
    pad(&out, column, 10);
    column = out.length;
    text_clean(&out, event->origin->check, strlen(event->origin->check));
    text_puts(&out, " ");
    pad(&out, column, 18);
    column = out.length;
    add_context(&out, event);
    text_puts(&out, " ");
    pad(&out, column, 24);
    column = out.length;
    text_puts(&out, event_reason_name(event->reason));
    if (*event->message) {
        pad(&out, column, 10);
        text_puts(&out, event->message);
    }
    if (event->letter)
        text_printf(&out, "  [sink %s: %s]", event->letter->sink, event->letter->reason);
    encoded = encoded_new(out.bytes, out.length);
    text_deinit(&out);
    return encoded;
}

/* ---- for everybody ---- */

const struct encoded *
event_encoded(const struct sonde_event *event, enum event_format format)
{
    _Atomic(struct encoded *) *slot = &((struct sonde_event *)event)->encoded[format];
    struct encoded *theirs = atomic_load_explicit(slot, memory_order_acquire), *mine;

    if (theirs)
        return theirs;
    mine = format == EVENT_TEXT ? encode_text(event) : encode_json(event);
    if (atomic_compare_exchange_strong_explicit(slot, &theirs, mine, memory_order_acq_rel,
                                                memory_order_acquire))
        return mine;
    free(mine);
    return theirs;
}

const char *
sonde_json(const struct sonde_event *event, size_t *length)
{
    const struct encoded *encoded = event_encoded(event, EVENT_JSON);

    if (length)
        *length = encoded->length;
    return encoded->bytes;
}
