/* SPDX-License-Identifier: Apache-2.0
 *
 * event_fill.c - what a probe puts into an event while it owns it.
 *
 * The one gate for foreign text: messages and details are cleaned, cut and counted
 * here, so whatever reads an event may show what it finds.  A name that breaks the
 * rules, or one too many, is left out; the rest of the event stays good.
 */
#include "event.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* At most most bytes, not ending within a character. */
static size_t
cut(const char *bytes, size_t length, size_t most)
{
    size_t size = most;

    if (length <= most)
        return length;
    for (int i = 0; i < 3 && size > 0 && ((unsigned char)bytes[size] & 0xC0) == 0x80; i++)
        size--;
    return size;
}

static bool
is_printable(const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (bytes[i] < ' ' || bytes[i] > '~')
            return false;
    return true;
}

const char *
event_clean(struct sonde_event *event, const char *bytes, size_t length, size_t most,
            size_t *size)
{
    struct text clean = { 0 };
    const char *copy;

    length = cut(bytes, length, 2 * most);
    if (!is_printable(bytes, length)) {
        text_clean(&clean, bytes, length);
        bytes = clean.bytes;
        length = clean.length;
    }
    *size = cut(bytes, length, most);
    while (*size && bytes[*size - 1] == ' ')
        --*size;
    copy = arena_copy(&event->memory, bytes, *size);
    text_deinit(&clean);
    return copy;
}

void
event_set_message(struct sonde_event *event, const char *text)
{
    size_t size;

    event->message = event_clean(event, text, strlen(text), EVENT_MESSAGE_MOST, &size);
}

void
event_set_letter(struct sonde_event *event, const struct letter *letter)
{
    struct letter *own = arena_new(&event->memory, sizeof(*own));
    size_t size;

    *own = *letter;
    own->sink = event_clean(event, letter->sink, strlen(letter->sink), EVENT_LETTER_NAME,
                            &size);
    own->route = event_clean(event, letter->route, strlen(letter->route),
                             EVENT_LETTER_NAME, &size);
    own->reason = event_clean(event, letter->reason, strlen(letter->reason),
                              EVENT_MESSAGE_MOST, &size);
    event->letter = own;
}

/* Nearly every sentence is made of texts only, and put together so it costs a fifth of
 * what printf takes.  False: there is another conversion in it. */
static bool
event_join(char *at, size_t room, const char *format, va_list args)
{
    const char *end = at + room - 1;

    for (; *format; format++) {
        const char *text;

        if (*format != '%') {
            if (at < end)
                *at++ = *format;
            continue;
        }
        if (*++format != 's')
            return false;
        text = va_arg(args, const char *);
        for (text = text ? text : "(null)"; *text && at < end; text++)
            *at++ = *text;
    }
    *at = '\0';
    return true;
}

void
event_message(struct sonde_event *event, const char *format, va_list args)
{
    char raw[2 * EVENT_MESSAGE_MOST + 4];
    va_list copy;
    bool joined;

    va_copy(copy, args);
    joined = event_join(raw, sizeof(raw), format, copy);
    va_end(copy);
    if (!joined && vsnprintf(raw, sizeof(raw), format, args) < 0)
        raw[0] = '\0';
    event_set_message(event, raw);
}

void
sonde_reason(struct sonde_event *event, enum sonde_reason reason, const char *format, ...)
{
    va_list args;

    event->reason = (unsigned)reason < EVENT_REASONS ? reason : SONDE_OTHER;
    va_start(args, format);
    event_message(event, format, args);
    va_end(args);
}

void
sonde_timing(struct sonde_event *event, enum sonde_phase phase, int64_t us)
{
    if ((unsigned)phase < EVENT_PHASES && us >= 0)
        atomic_store_explicit(&event->timing_us[phase], us, memory_order_relaxed);
}

void
sonde_certain(struct sonde_event *event)
{
    event->certain = true;
}

/* The length of a name, [A-Za-z0-9_.-]{1,64}: fit for JSON, for a path, for a metric's
 * name elsewhere; 0 where it is none. */
size_t
event_name_length(const char *name)
{
    size_t length = 0;

    for (; name[length]; length++)
        if (length == EVENT_NAME_MOST
            || !(isalnum((unsigned char)name[length]) || name[length] == '_'
                 || name[length] == '.' || name[length] == '-'))
            return 0;
    return length;
}

/* The metric of that name, made at the end where there is none; NULL past the limit. */
static struct metric *
event_metric(struct sonde_event *event, const char *name)
{
    struct metric **at = &event->metrics;

    for (unsigned count = 0; *at; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0 || ++count == EVENT_METRICS)
            return strcmp((*at)->name, name) == 0 ? *at : NULL;
    *at = arena_new(&event->memory, sizeof(**at));
    (*at)->name = arena_text(&event->memory, name);
    return *at;
}

void
sonde_metric(struct sonde_event *event, const char *name, double value, const char *unit)
{
    size_t length = event_name_length(name),
           unit_length = unit ? event_name_length(unit) : 0;
    char key[2 * EVENT_NAME_MOST + 2];
    struct metric *metric;

    if (!length)
        return;
    memcpy(key, name, length);
    if (unit_length) {
        key[length] = '_';
        memcpy(key + length + 1, unit, unit_length);
        unit_length++;
    }
    key[length + unit_length] = '\0';
    metric = event_metric(event, key);
    if (!metric)
        return;
    metric->value = value;
    metric->unit = unit_length ? metric->name + length + 1 : "";
}

static struct detail *
event_detail(struct sonde_event *event, const char *name)
{
    struct detail **at = &event->details;

    for (unsigned count = 0; *at; at = &(*at)->next)
        if (strcmp((*at)->name, name) == 0 || ++count == EVENT_DETAILS)
            return strcmp((*at)->name, name) == 0 ? *at : NULL;
    *at = arena_new(&event->memory, sizeof(**at));
    (*at)->name = arena_text(&event->memory, name);
    return *at;
}

int
sonde_set(struct sonde_event *event, const char *field, const char *text, size_t length)
{
    const size_t kind = strlen("details.");
    struct detail *detail;

    if (strncmp(field, "details.", kind) != 0)
        return event->draft ? event_draft_set(event, field, text, length) : -1;
    if (!event_name_length(field + kind))
        return -1;
    detail = event_detail(event, field + kind);
    if (!detail)
        return -1;
    detail->value = event_clean(event, text, length, EVENT_DETAIL_MOST, &detail->length);
    return 0;
}

/* ---- what was put into another one ---- */

static void
copy_metrics(struct sonde_event *copy, const struct sonde_event *event)
{
    for (const struct metric *metric = event->metrics; metric; metric = metric->next) {
        struct metric *own = event_metric(copy, metric->name);
        size_t unit = strlen(metric->unit);

        if (!own)
            continue;
        own->value = metric->value;
        own->unit = unit ? own->name + strlen(own->name) - unit : "";
    }
}

static void
copy_details(struct sonde_event *copy, const struct sonde_event *event)
{
    for (const struct detail *detail = event->details; detail; detail = detail->next) {
        struct detail *own = event_detail(copy, detail->name);

        if (!own)
            continue;
        own->value = arena_copy(&copy->memory, detail->value, detail->length);
        own->length = detail->length;
    }
}

void
event_copy_found(struct sonde_event *copy, const struct sonde_event *event)
{
    copy->state = event->state;
    copy->reason = event->reason;
    copy->attempt = event->attempt;
    copy->duration_us = event->duration_us;
    copy->mode = event->mode;
    copy->detected = event->detected;
    copy->message = arena_text(&copy->memory, event->message);
    for (int phase = 0; phase < EVENT_PHASES; phase++)
        atomic_init(&copy->timing_us[phase],
                    atomic_load_explicit(&event->timing_us[phase], memory_order_relaxed));
    copy_metrics(copy, event);
    copy_details(copy, event);
}

struct sonde_event *
event_copy(struct event_pool *pool, const struct sonde_event *event)
{
    struct sonde_event *copy = event_new(pool, event->origin);

    memcpy(copy->id, event->id, sizeof(copy->id));
    copy->time = event->time;
    copy->seq = event->seq;
    copy->kind = event->kind;
    copy->previous = event->previous;
    copy->since = event->since;
    copy->hard = event->hard;
    copy->certain = event->certain;
    copy->onset = event->onset;
    copy->has_was = event->has_was;
    copy->was = event->was;
    event_copy_found(copy, event);
    if (event->letter)
        event_set_letter(copy, event->letter);
    return copy;
}
