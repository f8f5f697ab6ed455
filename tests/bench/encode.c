/* SPDX-License-Identifier: Apache-2.0
 *
 * encode.c - what it costs to write an event as JSON, beside the least that the same
 * bytes cost: text appended to a buffer, strings escaped byte by byte.
 *
 *   encode CPU COUNT    prints "NAME BYTES BARE-NS OURS-NS" for a result and a change
 */
#include "bare.h"

#include "event.h"

enum { LOT = 256 }; /* events that are made outside the measured time */

static const struct label labels[] = { { "role", "db" }, { "site", "icn" } };
static struct event_pool *pool;
static struct origin *origin;
static char out[4096];

static struct sonde_event *
make(bool change)
{
    struct sonde_event *event = event_new(pool, origin);

    event->seq = 1763650000000000;
    event->kind = change ? EVENT_CHANGE : EVENT_RESULT;
    event->state = change ? SONDE_DOWN : SONDE_UP;
    event->hard = true;
    event->attempt = change ? 2 : 1;
    event->since = event->detected = event->time;
    event->duration_us = 412;
    sonde_timing(event, SONDE_DNS, 0);
    sonde_timing(event, SONDE_CONNECT, 401);
    sonde_reason(event, change ? SONDE_L4CON : SONDE_OK,
                 change ? "192.0.2.1:22: connection refused" : "192.0.2.1:22: connected");
    if (change) {
        event->previous = SONDE_UP;
        event->onset = event->time - 5000000;
        event->has_was = true;
        event->was.state = SONDE_UP;
        event->was.since = event->time - 86400000000;
        event->was.duration_ms = 86400000;
    }
    return event;
}

static double
ours(bool change, long count)
{
    struct sonde_event *events[LOT];
    int64_t spent = 0;

    for (long done = 0; done < count; done += LOT) {
        int64_t began;

        for (int i = 0; i < LOT; i++)
            events[i] = make(change);
        began = bare_now();
        for (int i = 0; i < LOT; i++)
            event_encoded(events[i], EVENT_JSON);
        spent += bare_now() - began;
        for (int i = 0; i < LOT; i++)
            event_unref(events[i]);
    }
    return (double)spent / (double)count;
}

/* ---- the least ---- */

static char *
raw(char *at, const char *text, size_t length)
{
    memcpy(at, text, length);
    return at + length;
}

static char *
integer(char *at, uint64_t value)
{
    char digits[20];
    size_t first = sizeof(digits);

    do
        digits[--first] = (char)('0' + value % 10);
    while (value /= 10);
    return raw(at, digits + first, sizeof(digits) - first);
}

static char *
escaped(char *at, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;

        if (byte == '"' || byte == '\\' || byte < 0x20)
            at += sprintf(at, "\\u%04x", byte);
        else
            *at++ = (char)byte;
    }
    return at;
}

/* A text cut into what is fixed and what is not: each string between quotes that is a
 * value is escaped, each number made of digits is written from its value. */
struct part {
    const char *text;
    size_t length;
    uint64_t value;
    enum { RAW, ESCAPED, INTEGER } kind;
};

static size_t
cut(const char *json, struct part *parts, size_t most)
{
    size_t count = 0;

    while (*json && count < most) {
        struct part *part = &parts[count++];
        bool value = count > 1 && json[-1] == ':';
        const char *end = json + 1;

        if (value && *json == '"') {
            end = strchr(json + 1, '"');
            *part = (struct part){ .text = strndup(json + 1, (size_t)(end - json - 1)),
                                   .kind = ESCAPED };
            end++;
        } else if (value && *json >= '0' && *json <= '9') {
            char *behind;

            *part = (struct part){ .value = strtoull(json, &behind, 10),
                                   .kind = INTEGER };
            end = behind;
        } else {
            while (*end
                   && (end[-1] != ':' || (*end != '"' && (*end < '0' || *end > '9'))))
                end++;
            *part = (struct part){ .text = json, .length = (size_t)(end - json) };
        }
        json = end;
    }
    return count;
}

static double
bare(const char *json, long count)
{
    struct part parts[128];
    size_t n = cut(json, parts, sizeof(parts) / sizeof(*parts));
    int64_t began = bare_now();

    for (long done = 0; done < count; done++) {
        char *at = out;

        for (size_t i = 0; i < n; i++) {
            if (parts[i].kind == INTEGER) {
                at = integer(at, parts[i].value);
            } else if (parts[i].kind == ESCAPED) {
                *at++ = '"';
                at = escaped(at, parts[i].text);
                *at++ = '"';
            } else {
                at = raw(at, parts[i].text, parts[i].length);
            }
        }
        *at = '\0';
        __asm__ volatile("" : : "r"(out) : "memory");
    }
    began = bare_now() - began;
    if (strcmp(out, json) != 0)
        fprintf(stderr, "not the same bytes:\n%s\n%s\n", json, out);
    return (double)began / (double)count;
}

int
main(int argc, char **argv)
{
    if (argc != 3) {
        fprintf(stderr, "usage: encode CPU COUNT\n");
        return 2;
    }
    bare_pin(atoi(argv[1]));
    pool = event_pool_new();
    origin = origin_new("Server-1", "tcp", "node-1", labels, 2);
    for (int change = 0; change < 2; change++) {
        struct sonde_event *event = make(change);
        const struct encoded *json = event_encoded(event, EVENT_JSON);
        double least = bare(json->bytes, atol(argv[2])),
               spent = ours(change, atol(argv[2]));

        printf("%s %zu %.1f %.1f\n", change ? "change" : "result", json->length, least,
               spent);
        event_unref(event);
    }
    origin_unref(origin);
    event_pool_free(pool);
    return 0;
}
