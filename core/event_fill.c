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

/* A copy that may be shown to anybody, at most most bytes, without blanks at its end. */
static const char *
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
static size_t
name_length(const char *name)
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
    size_t length = name_length(name), unit_length = unit ? name_length(unit) : 0;
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

    if (strncmp(field, "details.", kind) != 0 || !name_length(field + kind))
        return -1;
    detail = event_detail(event, field + kind);
    if (!detail)
        return -1;
    detail->value = event_clean(event, text, length, EVENT_DETAIL_MOST, &detail->length);
    return 0;
}
