/* SPDX-License-Identifier: Apache-2.0
 *
 * keep_restore.c - what the journal tells at the start.  See keep.h.
 *
 * Only what a check knows of itself is made an event of again; what waits for sinks is
 * counted, and read when its turn comes.  A record that makes no sense is passed over,
 * and told with its number, a few of them.
 */
#include "keep_inside.h"

#include "log.h"

#include <inttypes.h>
#include <string.h>

static void
keep_restore_targets(struct keep *keep, struct journal_event *event, uint64_t number)
{
    struct journal_name sink, route;

    while (journal_event_next(event, &sink, &route))
        spool_restore_record(keep_find(keep, sink.text, sink.length, true), number,
                             &route);
}

static const char *
keep_restore_state(struct keep *keep, const struct journal_event *event)
{
    const char *fault = NULL;
    struct sonde_event *change = event_decode(keep->pool, event->json, event->json_length,
                                              &fault);

    if (!change)
        return fault;
    if (change->kind == EVENT_CHANGE)
        recall_restore(keep->recall, change);
    event_unref(change);
    return NULL;
}

static const char *
keep_restore_event(struct keep *keep, const struct journal_record *record)
{
    struct journal_event event;

    if (!journal_event_read(&event, record->payload, record->length))
        return "no event";
    if (!record->note)
        keep_restore_targets(keep, &event, record->number);
    return record->kind == JOURNAL_STATE ? keep_restore_state(keep, &event) : NULL;
}

static const char *
keep_restore_cursor(struct keep *keep, const struct journal_record *record)
{
    struct journal_name name;

    if (!spool_pack_name(record->payload, record->length, &name)
        || !spool_restore(keep_find(keep, name.text, name.length, true), record->payload,
                          record->length))
        return "no cursor";
    return NULL;
}

static const char *
keep_restore_seq(struct keep *keep, const struct journal_record *record)
{
    uint64_t reserved;

    if (record->length != sizeof(reserved))
        return "no seq";
    memcpy(&reserved, record->payload, sizeof(reserved));
    if (atomic_load(&keep->reserved) < reserved)
        atomic_store(&keep->reserved, reserved);
    return NULL;
}

static const char *
keep_restore_one(struct keep *keep, const struct journal_record *record)
{
    switch (record->kind) {
    case JOURNAL_EVENT:
    case JOURNAL_STATE:
        return keep_restore_event(keep, record);
    case JOURNAL_SOFT:
        return recall_restore_soft(keep->recall, record->payload, record->length)
                   ? NULL
                   : "no streak";
    case JOURNAL_FORGET:
        recall_restore_forget(keep->recall, record->payload, record->length);
        return NULL;
    case JOURNAL_SEQ:
        return keep_restore_seq(keep, record);
    case JOURNAL_CURSOR:
        return keep_restore_cursor(keep, record);
    default:
        return "of a kind that is not known";
    }
}

void
keep_restore(void *arg, const struct journal_record *record)
{
    const char *fault = keep_restore_one(arg, record);

    if (fault)
        log_warning("journal: record %" PRIu64 " is passed over: %s", record->number,
                    fault);
}
