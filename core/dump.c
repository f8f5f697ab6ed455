/* SPDX-License-Identifier: Apache-2.0
 *
 * dump.c - a record of the journal as a line of JSON.  See dump.h.
 *
 * What a record means is read by those who read it at a start, so both say the same.
 */
#include "dump.h"

#include "json.h"
#include "recall.h"
#include "spool.h"

#include <inttypes.h>
#include <string.h>

static const char *const dump_kinds[] = {
    [JOURNAL_EVENT] = "event",   [JOURNAL_SOFT] = "soft",     [JOURNAL_SEQ] = "seq",
    [JOURNAL_CURSOR] = "cursor", [JOURNAL_FORGET] = "forget", [JOURNAL_STATE] = "state"
};

/* ---- any payload ---- */

static bool
dump_is_text(const unsigned char *bytes, size_t length)
{
    for (size_t at = 0, size; at < length; at += size) {
        size = text_utf8((const char *)bytes + at, length - at);
        if (!size || (size == 1 && bytes[at] < ' ' && !strchr("\t\n\r", bytes[at])))
            return false;
        if (!bytes[at])
            return false;
    }
    return true;
}

static void
dump_payload(struct text *line, const struct record *record)
{
    if (dump_is_text(record->payload, record->length)) {
        text_puts(line, ", \"text\": ");
        json_string(line, (const char *)record->payload, record->length);
        return;
    }
    text_puts(line, ", \"hex\": \"");
    for (size_t i = 0; i < record->length; i++)
        text_printf(line, "%02x", record->payload[i]);
    text_puts(line, "\"");
}

/* ---- each kind; false: the payload is none of it, and nothing was added ---- */

static void
dump_name(struct text *line, const char *member, const struct journal_name *name)
{
    text_printf(line, "\"%s\": ", member);
    json_string(line, name->text, name->length);
}

/* Then its JSON may stand in a line of JSON. */
static bool
dump_is_event(const struct journal_event *event)
{
    struct event_pool *pool = event_pool_new();
    struct sonde_event *decoded = NULL;
    const char *fault;

    if (!memchr(event->json, '\n', event->json_length))
        decoded = event_decode(pool, event->json, event->json_length, &fault);
    event_unref(decoded);
    event_pool_free(pool);
    return decoded;
}

static bool
dump_event(struct text *line, const struct record *record)
{
    struct journal_name sink, route;
    struct journal_event event;
    const char *before = "";

    if (!journal_event_read(&event, record->payload, record->length)
        || !dump_is_event(&event))
        return false;
    text_puts(line, ", \"to\": [");
    while (journal_event_next(&event, &sink, &route)) {
        text_printf(line, "%s { ", before);
        dump_name(line, "sink", &sink);
        text_puts(line, ", ");
        dump_name(line, "route", &route);
        text_puts(line, " }");
        before = ",";
    }
    text_printf(line, "%s], \"event\": ", *before ? " " : "");
    text_add(line, event.json, event.json_length);
    return true;
}

static bool
dump_soft(struct text *line, const struct record *record)
{
    struct recall_soft soft;

    if (!recall_read_soft(record->payload, record->length, &soft))
        return false;
    text_puts(line, ", ");
    dump_name(line, "check", &(struct journal_name){ soft.name, soft.length });
    text_printf(line, ", \"hard\": \"%s\", \"soft\": %u", event_state_name(soft.hard),
                soft.streak);
    return true;
}

static bool
dump_seq(struct text *line, const struct record *record)
{
    uint64_t below;

    if (record->length != sizeof(below))
        return false;
    memcpy(&below, record->payload, sizeof(below));
    text_printf(line, ", \"below\": %" PRIu64, below);
    return true;
}

static bool
dump_cursor(struct text *line, const struct record *record)
{
    struct spool *spool = spool_new("", &(struct spool_home){ 0 });
    struct journal_name sink;
    bool is = spool_pack_name(record->payload, record->length, &sink)
              && spool_restore(spool, record->payload, record->length);

    if (is) {
        text_puts(line, ", ");
        dump_name(line, "sink", &sink);
        text_printf(line, ", \"waiting\": %" PRIu64, spool_waiting_count(spool));
    }
    spool_free(spool);
    return is;
}

static bool
dump_forget(struct text *line, const struct record *record)
{
    const char *name = (const char *)record->payload;

    if (!dump_is_text(record->payload, record->length))
        return false;
    text_puts(line, ", ");
    dump_name(line, "check", &(struct journal_name){ name, record->length });
    return true;
}

static bool
dump_meaning(struct text *line, const struct record *record)
{
    switch (record->kind & ~RECORD_BESIDE) {
    case JOURNAL_EVENT:
    case JOURNAL_STATE:
        return dump_event(line, record);
    case JOURNAL_SOFT:
        return dump_soft(line, record);
    case JOURNAL_SEQ:
        return dump_seq(line, record);
    case JOURNAL_CURSOR:
        return dump_cursor(line, record);
    case JOURNAL_FORGET:
        return dump_forget(line, record);
    default:
        return false;
    }
}

/* ---- a line ---- */

static void
dump_kind(struct text *line, uint32_t kind)
{
    if (kind < sizeof(dump_kinds) / sizeof(*dump_kinds) && dump_kinds[kind])
        text_printf(line, "\"%s\"", dump_kinds[kind]);
    else
        text_printf(line, "%" PRIu32, kind);
}

void
dump_record(struct text *line, uint64_t segment, const struct record *record)
{
    text_printf(line, "{ \"segment\": %" PRIu64 ", ", segment);
    if (record->kind == RECORD_SNAPSHOT_END) {
        text_puts(line, "\"snapshot\": \"end\"");
    } else {
        text_printf(line, "\"number\": %" PRIu64 ", \"kind\": ", record->number);
        dump_kind(line, record->kind & ~RECORD_BESIDE);
        text_printf(line, ", \"note\": %s, \"bytes\": %zu",
                    record->kind & RECORD_BESIDE ? "true" : "false", record->length);
        if (!dump_meaning(line, record))
            dump_payload(line, record);
    }
    text_puts(line, " }\n");
}
