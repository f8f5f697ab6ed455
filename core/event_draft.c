/* SPDX-License-Identifier: Apache-2.0
 *
 * event_draft.c - what a source says of an event beside what a probe may say: who it is
 * about, when it was, what it means.
 *
 * What is said of its origin is kept aside, since origins are shared: the source stage
 * makes one of it when the event is pushed.  Each text passes the gate of event_fill.c.
 */
#include "clock.h"
#include "event.h"

#include <stdio.h>
#include <string.h>

/* Copies what is to be read as one of our words; false: too long for any. */
static bool
draft_word(char word[48], const char *text, size_t length)
{
    if (length >= 48)
        return false;
    memcpy(word, text, length);
    word[length] = '\0';
    return strlen(word) == length;
}

static bool
draft_name(const char *word, const char *const *names, int *which)
{
    for (int i = 0; names[i]; i++) {
        if (strcmp(names[i], word) == 0) {
            *which = i;
            return true;
        }
    }
    return false;
}

static bool
draft_number(const char *word, uint64_t most, uint64_t *number)
{
    char *end;

    if (*word < '0' || *word > '9')
        return false;
    *number = strtoull(word, &end, 10);
    return !*end && *number <= most;
}

static bool
draft_time(const char *word, int64_t *time)
{
    int64_t wall = clock_parse(word);

    if (wall <= 0)
        return false;
    *time = wall;
    return true;
}

static bool
draft_state(const char *word, enum sonde_state *state)
{
    int which;

    if (!draft_name(word, event_state_names, &which))
        return false;
    *state = (enum sonde_state)which;
    return true;
}

static bool
draft_kind(const char *word, struct sonde_event *event)
{
    int which;

    if (!draft_name(word, event_kind_names, &which))
        return false;
    event->kind = (enum event_kind)which;
    return true;
}

static bool
draft_count(const char *word, const char *field, struct sonde_event *event)
{
    uint64_t number;

    if (!draft_number(word, *field == 's' ? INT64_MAX : INT32_MAX, &number))
        return false;
    if (*field == 's')
        event->seq = number;
    else
        event->attempt = (unsigned)number;
    return true;
}

static bool
draft_hard(const char *word, struct sonde_event *event)
{
    event->hard = strcmp(word, "true") == 0;
    return event->hard || strcmp(word, "false") == 0;
}

/* The fields of one word. */
static bool
draft_set_word(struct sonde_event *event, const char *field, const char *word)
{
    if (strcmp(field, "id") == 0)
        return event_id_parse(word, event->id);
    if (strcmp(field, "time") == 0)
        return draft_time(word, &event->time);
    if (strcmp(field, "since") == 0)
        return draft_time(word, &event->since);
    if (strcmp(field, "kind") == 0)
        return draft_kind(word, event);
    if (strcmp(field, "state") == 0)
        return draft_state(word, &event->state);
    if (strcmp(field, "previous") == 0)
        return draft_state(word, &event->previous);
    if (strcmp(field, "hard") == 0)
        return draft_hard(word, event);
    if (strcmp(field, "seq") == 0 || strcmp(field, "attempt") == 0)
        return draft_count(word, field, event);
    return false;
}

static const char **
draft_own(struct draft *draft, const char *field)
{
    if (strcmp(field, "check") == 0)
        return &draft->check;
    if (strcmp(field, "plugin") == 0)
        return &draft->plugin;
    if (strcmp(field, "observer") == 0)
        return &draft->observer;
    return NULL;
}

static bool
draft_label(struct sonde_event *event, const char *name, const char *text, size_t length)
{
    struct draft *draft = event->draft;
    struct label *more;
    size_t at = 0, size;

    if (!event_name_length(name))
        return false;
    while (at < draft->label_count && strcmp(draft->labels[at].name, name) != 0)
        at++;
    if (at == EVENT_LABELS)
        return false;
    if (at == draft->label_room) {
        draft->label_room = draft->label_room ? draft->label_room * 2 : 4;
        more = arena_new(&event->memory, draft->label_room * sizeof(*more));
        if (at)
            memcpy(more, draft->labels, at * sizeof(*more));
        draft->labels = more;
    }
    if (at == draft->label_count)
        draft->labels[draft->label_count++].name = arena_text(&event->memory, name);
    draft->labels[at].value = event_clean(event, text, length, EVENT_LABEL_MOST, &size);
    return true;
}

int
event_draft_set(struct sonde_event *event, const char *field, const char *text,
                size_t length)
{
    const char **own = draft_own(event->draft, field);
    char word[48];
    size_t size;

    if (event->draft->ready)
        return -1;
    if (own) {
        *own = event_clean(event, text, length, EVENT_LABEL_MOST, &size);
        return 0;
    }
    if (strncmp(field, "labels.", 7) == 0)
        return draft_label(event, field + 7, text, length) ? 0 : -1;
    if (strcmp(field, "data") == 0) {
        event->data = event_clean(event, text, length, EVENT_DATA_MOST,
                                  &event->data_length);
        return 0;
    }
    if (strcmp(field, "message") == 0) {
        event->message = event_clean(event, text, length, EVENT_MESSAGE_MOST, &size);
        return 0;
    }
    return draft_word(word, text, length) && draft_set_word(event, field, word) ? 0 : -1;
}
