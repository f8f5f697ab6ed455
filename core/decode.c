/* SPDX-License-Identifier: Apache-2.0
 *
 * decode.c - an event's canonical JSON back into an event.
 *
 * For what comes back from a disk or from another daemon: every text in it may be
 * anybody's.  It goes through the same gate as what a probe says (event_fill.c), an
 * unknown member is passed over, and a member of the wrong type makes the whole no
 * event, with a sentence that names it.
 * Not here: writing (encode.c), other formats than ours.
 */
#include "clock.h"
#include "event.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

struct decoding {
    const json_t *root;
    const char *fault; /* the first that was found */
};

static void
decode_fault(struct decoding *decoding, const char *fault)
{
    if (!decoding->fault)
        decoding->fault = fault;
}

/* A member's text; "" where it is absent, or no text, which is a fault. */
static const char *
decode_text(struct decoding *decoding, const json_t *object, const char *name,
            const char *fault)
{
    const json_t *member = json_object_get(object, name);

    if (!member)
        return "";
    if (!json_is_string(member)) {
        decode_fault(decoding, fault);
        return "";
    }
    return json_string_value(member);
}

static int64_t
decode_integer(struct decoding *decoding, const json_t *object, const char *name,
               int64_t absent, const char *fault)
{
    const json_t *member = json_object_get(object, name);

    if (!member)
        return absent;
    if (!json_is_integer(member) || json_integer_value(member) < 0) {
        decode_fault(decoding, fault);
        return absent;
    }
    return json_integer_value(member);
}

/* 0 where it is absent. */
static int64_t
decode_time(struct decoding *decoding, const json_t *object, const char *name,
            const char *fault)
{
    const char *text = decode_text(decoding, object, name, fault);
    int64_t wall = *text ? clock_parse(text) : 0;

    if (wall >= 0)
        return wall;
    decode_fault(decoding, fault);
    return 0;
}

/* Which of the names the member is; absent where there is none. */
static int
decode_name(struct decoding *decoding, const json_t *object, const char *name,
            const char *const *names, int absent, const char *fault)
{
    const char *text = decode_text(decoding, object, name, fault);

    if (!*text)
        return absent;
    for (int i = 0; names[i]; i++)
        if (strcmp(names[i], text) == 0)
            return i;
    decode_fault(decoding, fault);
    return absent;
}

/* ---- who it is about ---- */

static int
label_by_name(const void *a, const void *b)
{
    const struct label *left = a, *right = b;

    return strcmp(left->name, right->name);
}

/* Texts made harmless, kept by the arena. */
static const char *
decode_clean(struct arena *arena, const char *text)
{
    struct text clean = { 0 };
    const char *copy;

    text_clean(&clean, text, strlen(text));
    copy = arena_text(arena, clean.length ? clean.bytes : "");
    text_deinit(&clean);
    return copy;
}

static size_t
decode_labels(struct decoding *decoding, struct arena *arena, struct label *labels)
{
    json_t *object = json_object_get(decoding->root, "labels"), *value;
    const char *name;
    size_t count = 0;

    if (object && (!json_is_object(object) || json_object_size(object) > EVENT_LABELS)) {
        decode_fault(decoding, "labels are not an object of at most 256 texts");
        return 0;
    }
    json_object_foreach(object, name, value)
    {
        if (!json_is_string(value)) {
            decode_fault(decoding, "labels are not an object of at most 256 texts");
            return 0;
        }
        labels[count++] = (struct label){ decode_clean(arena, name),
                                          decode_clean(arena, json_string_value(value)) };
    }
    qsort(labels, count, sizeof(*labels), label_by_name);
    return count;
}

static size_t
decode_via(struct decoding *decoding, struct arena *arena, const char **via)
{
    const json_t *array = json_object_get(decoding->root, "via");
    size_t count = json_array_size(array);

    if (!array)
        return 0;
    if (!json_is_array(array) || count > EVENT_VIA) {
        decode_fault(decoding, "via is no list of at most 16 texts");
        return 0;
    }
    for (size_t i = 0; i < count; i++) {
        const json_t *relay = json_array_get(array, i);

        if (!json_is_string(relay))
            decode_fault(decoding, "via is no list of at most 16 texts");
        via[i] = decode_clean(arena,
                              json_is_string(relay) ? json_string_value(relay) : "");
    }
    return count;
}

static struct origin *
decode_origin(struct decoding *decoding)
{
    struct label labels[EVENT_LABELS];
    const char *via[EVENT_VIA];
    struct arena arena = { 0 };
    size_t count = decode_labels(decoding, &arena, labels);
    size_t via_count = decode_via(decoding, &arena, via);
    const char *own[3];
    static const char *const names[] = { "check", "plugin", "observer" };
    static const char *const faults[] = { "check is no text", "plugin is no text",
                                          "observer is no text" };
    struct origin *origin;

    for (int i = 0; i < 3; i++)
        own[i] = decode_clean(&arena,
                              decode_text(decoding, decoding->root, names[i], faults[i]));
    if (!*own[0])
        decode_fault(decoding, "it names no check");
    origin = origin_new_via(own[0], own[1], own[2], labels, count, via, via_count);
    arena_deinit(&arena);
    return origin;
}

/* ---- what is said ---- */

static void
decode_head(struct decoding *decoding, struct sonde_event *event)
{
    const json_t *root = decoding->root;

    if (!event_id_parse(decode_text(decoding, root, "id", "id is no UUID"), event->id))
        decode_fault(decoding, "id is no UUID");
    event->time = decode_time(decoding, root, "time", "time is no RFC 3339 time");
    if (!event->time)
        decode_fault(decoding, "it has no time");
    event->kind = (enum event_kind)decode_name(decoding, root, "kind", event_kind_names,
                                               EVENT_RESULT, "kind is not a known one");
    event->seq = (uint64_t)decode_integer(decoding, root, "seq", 0, "seq is no integer");
    event->state = (enum sonde_state)decode_name(decoding, root, "state",
                                                 event_state_names, SONDE_UNKNOWN,
                                                 "state is not a known one");
    event->previous = (enum sonde_state)decode_name(decoding, root, "previous",
                                                    event_state_names, SONDE_UNKNOWN,
                                                    "previous is not a known state");
    event->since = decode_time(decoding, root, "since", "since is no RFC 3339 time");
    event->hard = json_is_true(json_object_get(root, "hard"));
    event->attempt = (unsigned)decode_integer(decoding, root, "attempt", 0,
                                              "attempt is no integer");
    event->reason = (enum sonde_reason)decode_name(decoding, root, "reason",
                                                   event_reason_names, SONDE_OTHER,
                                                   "reason is not a known one");
    event_set_message(event,
                      decode_text(decoding, root, "message", "message is no text"));
}

static void
decode_timing(struct decoding *decoding, struct sonde_event *event)
{
    const json_t *timing = json_object_get(decoding->root, "timing_us");

    event->duration_us = decode_integer(decoding, decoding->root, "duration_us", -1,
                                        "duration_us is no integer");
    for (int i = 0; i < EVENT_PHASES; i++)
        sonde_timing(event, (enum sonde_phase)i,
                     decode_integer(decoding, timing, event_phase_names[i], -1,
                                    "timing_us holds what is no integer"));
}

static void
decode_data(struct decoding *decoding, struct sonde_event *event)
{
    const json_t *data = json_object_get(decoding->root, "data");

    if (json_is_string(data))
        event->data = event_clean(event, json_string_value(data),
                                  json_string_length(data), EVENT_DATA_MOST,
                                  &event->data_length);
    else if (data)
        decode_fault(decoding, "data is no text");
}

static void
decode_found(struct decoding *decoding, struct sonde_event *event)
{
    json_t *metrics = json_object_get(decoding->root, "metrics");
    json_t *details = json_object_get(decoding->root, "details"), *value;
    const char *name;

    json_object_foreach(metrics, name, value)
    {
        if (json_is_number(value))
            sonde_metric(event, name, json_number_value(value), NULL);
        else if (!json_is_null(value)) /* what is no number in ours is null in JSON */
            decode_fault(decoding, "metrics hold what is no number");
    }
    json_object_foreach(details, name, value)
    {
        char field[sizeof("details.") + EVENT_NAME_MOST];

        if (!json_is_string(value))
            decode_fault(decoding, "details hold what is no text");
        else if ((size_t)snprintf(field, sizeof(field), "details.%s", name)
                 < sizeof(field))
            sonde_set(event, field, json_string_value(value), json_string_length(value));
    }
}

static void
decode_history(struct decoding *decoding, struct sonde_event *event)
{
    const json_t *detection = json_object_get(decoding->root, "detection");
    const json_t *was = json_object_get(decoding->root, "was");

    event->mode = (enum event_mode)decode_name(decoding, detection, "mode",
                                               event_mode_names, EVENT_POLL,
                                               "detection.mode is not a known one");
    event->onset = decode_time(decoding, detection, "onset",
                               "detection.onset is no RFC 3339 time");
    event->detected = decode_time(decoding, detection, "detected",
                                  "detection.detected is no RFC 3339 time");
    if (!json_is_object(was))
        return;
    event->has_was = true;
    event->was.state = (enum sonde_state)decode_name(decoding, was, "state",
                                                     event_state_names, SONDE_UNKNOWN,
                                                     "was.state is not a known state");
    event->was.since = decode_time(decoding, was, "since",
                                   "was.since is no RFC 3339 time");
    event->was.duration_ms = decode_integer(decoding, was, "duration_ms", -1,
                                            "was.duration_ms is no integer");
}

static void
decode_letter(struct decoding *decoding, struct sonde_event *event)
{
    const json_t *object = json_object_get(decoding->root, "letter");
    struct letter letter;

    if (!object)
        return;
    if (!json_is_object(object))
        decode_fault(decoding, "letter is no object");
    letter.sink = decode_text(decoding, object, "sink", "letter.sink is no text");
    letter.route = decode_text(decoding, object, "route", "letter.route is no text");
    letter.reason = decode_text(decoding, object, "reason", "letter.reason is no text");
    letter.attempts = (unsigned)decode_integer(decoding, object, "attempts", 0,
                                               "letter.attempts is no integer");
    letter.time = decode_time(decoding, object, "time",
                              "letter.time is no RFC 3339 time");
    event_set_letter(event, &letter);
    if (!*event->letter->sink)
        decode_fault(decoding, "letter names no sink");
}

static struct sonde_event *
decode_event(struct decoding *decoding, struct event_pool *pool)
{
    struct origin *origin = decode_origin(decoding);
    struct sonde_event *event = event_new(pool, origin);

    origin_unref(origin);
    decode_head(decoding, event);
    decode_timing(decoding, event);
    decode_found(decoding, event);
    decode_data(decoding, event);
    decode_history(decoding, event);
    decode_letter(decoding, event);
    if (!decoding->fault)
        return event;
    event_unref(event);
    return NULL;
}

struct sonde_event *
event_decode(struct event_pool *pool, const char *bytes, size_t length,
             const char **fault)
{
    json_t *root = json_loadb(bytes, length, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
                              NULL);
    struct decoding decoding = { .root = root };
    struct sonde_event *event = NULL;

    if (!json_is_object(root))
        decode_fault(&decoding, "it is no JSON object");
    else
        event = decode_event(&decoding, pool);
    json_decref(root);
    *fault = decoding.fault;
    return event;
}
