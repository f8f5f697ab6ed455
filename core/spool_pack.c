/* SPDX-License-Identifier: Apache-2.0
 *
 * spool_pack.c - a spool as a note of the journal, and a spool restored from it.
 *
 *   version   1 byte
 *   name      1 byte of length, then the sink's name
 *   disk      8 bytes, as all numbers little-endian: the budget
 *   written   8 bytes: no record above it is spoken of
 *   routes    4 bytes: how many; then of each its name as above, and 8 bytes: how many
 * wait cursor    the rest, cursor_pack
 *
 * The routes tell what waits without reading a gap of any size at the start.  Records
 * above `written` are told one by one; a note may come behind some of them.
 */
#include "spool_inside.h"

#include "memory.h"

#include <endian.h>
#include <string.h>

enum { PACK_VERSION = 1, PACK_MARKS = 64 };

/* ---- records that a note does not speak of ---- */

void
spool_mark(struct spool *spool, uint64_t number, struct spool_route *route)
{
    struct spool_marks *marks = &spool->marks;

    if (marks->count == marks->room) {
        marks->room = marks->room ? marks->room * 2 : PACK_MARKS;
        marks->marks = memory_grow(marks->marks, marks->room, sizeof(*marks->marks));
    }
    marks->marks[marks->count++] = (struct spool_mark){ number, route };
}

void
spool_marks_prune(struct spool *spool, uint64_t number)
{
    struct spool_marks *marks = &spool->marks;

    while (marks->first < marks->count && marks->marks[marks->first].number <= number)
        marks->first++;
    if (marks->first < marks->count || !marks->room)
        return;
    free(marks->marks);
    *marks = (struct spool_marks){ 0 };
}

/* ---- writing ---- */

static char *
pack_name(char *at, const char *name, size_t length)
{
    *at++ = (char)(unsigned char)length;
    memcpy(at, name, length);
    return at + length;
}

static char *
pack_number(char *at, uint64_t number)
{
    number = htole64(number);
    memcpy(at, &number, sizeof(number));
    return at + sizeof(number);
}

/* How many of each route wait with a record above written. */
static void
pack_count_above(struct spool *spool, uint64_t written)
{
    const struct spool_tail *tail = &spool->tail;
    uint64_t number = written;

    for (struct spool_route *route = spool->routes; route; route = route->next)
        route->above = 0;
    while ((number = cursor_next_open(spool->cursor, number)))
        spool->window[cursor_place(spool->cursor, number)]->above++;
    for (size_t i = tail->first; i < tail->first + tail->count; i++)
        if (tail->entries[i].record > written)
            tail->entries[i].route->above++;
    spool_marks_prune(spool, written);
    for (size_t i = spool->marks.first; i < spool->marks.count; i++)
        spool->marks.marks[i].route->above++;
}

static uint64_t
pack_route_waiting(const struct spool_route *route)
{
    uint64_t all = route->gap + route->held;

    return all > route->above ? all - route->above : 0;
}

/* What is idle pins nothing: it is through with all records that are there. */
static void
pack_pass(struct spool *spool, uint64_t written)
{
    uint64_t record = spool_tail_record(spool);

    if (!spool_has_gap(spool))
        cursor_pass(spool->cursor, record && record <= written ? record - 1 : written);
}

static char *
pack_routes(struct spool *spool, char *at)
{
    uint32_t count = 0;
    char *counted = at;

    at += sizeof(count);
    for (struct spool_route *route = spool->routes; route; route = route->next) {
        if (!pack_route_waiting(route))
            continue;
        at = pack_name(at, route->name, route->length);
        at = pack_number(at, pack_route_waiting(route));
        count++;
    }
    count = htole32(count);
    memcpy(counted, &count, sizeof(count));
    return at;
}

struct journal_head *
spool_pack(struct spool *spool, uint64_t written)
{
    size_t name = strnlen(spool->name, JOURNAL_TARGET_NAME);
    unsigned char bytes[CURSOR_PACKED];
    struct journal_head *head;
    size_t length, most;
    char *at;

    pthread_mutex_lock(&spool->lock);
    pack_pass(spool, written);
    pack_count_above(spool, written);
    length = cursor_pack(spool->cursor, written, bytes);
    most = 1 + 1 + name + 2 * sizeof(uint64_t) + sizeof(uint32_t) + length;
    for (struct spool_route *route = spool->routes; route; route = route->next)
        most += 1 + route->length + sizeof(uint64_t);
    head = memory_new(sizeof(*head) + most);
    at = head->bytes;
    *at++ = PACK_VERSION;
    at = pack_name(at, spool->name, name);
    at = pack_number(at, spool->bounds.disk);
    at = pack_number(at, written);
    at = pack_routes(spool, at);
    pthread_mutex_unlock(&spool->lock);
    memcpy(at, bytes, length);
    head->length = (size_t)(at - head->bytes) + length;
    return head;
}

/* ---- reading ---- */

struct unpacking {
    const unsigned char *at, *end;
    bool bad;
};

static const void *
unpack_bytes(struct unpacking *in, size_t length)
{
    const void *bytes = in->at;

    if (in->bad || (size_t)(in->end - in->at) < length) {
        in->bad = true;
        return NULL;
    }
    in->at += length;
    return bytes;
}

static uint64_t
unpack_number(struct unpacking *in)
{
    const void *bytes = unpack_bytes(in, sizeof(uint64_t));
    uint64_t number = 0;

    if (bytes)
        memcpy(&number, bytes, sizeof(number));
    return le64toh(number);
}

static struct journal_name
unpack_name(struct unpacking *in)
{
    const unsigned char *length = unpack_bytes(in, 1);
    struct journal_name name = { .length = length ? *length : 0 };

    name.text = unpack_bytes(in, name.length);
    return name;
}

static uint32_t
unpack_count(struct unpacking *in)
{
    const void *bytes = unpack_bytes(in, sizeof(uint32_t));
    uint32_t count = 0;

    if (bytes)
        memcpy(&count, bytes, sizeof(count));
    return le32toh(count);
}

static struct unpacking
unpack_begin(const void *payload, size_t length)
{
    struct unpacking in = { .at = payload,
                            .end = (const unsigned char *)payload + length };
    const unsigned char *version = unpack_bytes(&in, 1);

    in.bad = in.bad || *version != PACK_VERSION;
    return in;
}

bool
spool_pack_name(const void *payload, size_t length, struct journal_name *name)
{
    struct unpacking in = unpack_begin(payload, length);

    *name = unpack_name(&in);
    return !in.bad;
}

/* ---- restoring ---- */

/* The counts of the routes; with count_them false they are only looked at. */
static void
unpack_routes(struct spool *spool, struct unpacking *in, bool count_them)
{
    for (uint32_t count = unpack_count(in); count && !in->bad; count--) {
        struct journal_name name = unpack_name(in);
        uint64_t waiting = unpack_number(in);

        if (in->bad || !count_them)
            continue;
        spool_route(spool, name.text, name.length)->gap += waiting;
        spool->gap_count += waiting;
    }
}

bool
spool_restore(struct spool *spool, const void *payload, size_t length)
{
    struct unpacking in = unpack_begin(payload, length), routes;
    struct cursor *cursor = NULL;
    uint64_t disk, written;

    unpack_name(&in);
    disk = unpack_number(&in);
    written = unpack_number(&in);
    routes = in;
    unpack_routes(spool, &in, false);
    if (!in.bad)
        cursor = cursor_unpack(in.at, (size_t)(in.end - in.at));
    if (!cursor)
        return false;
    cursor_free(spool->cursor);
    spool->cursor = cursor;
    spool->bounds.disk = disk;
    spool->restored_written = written;
    for (struct spool_route *route = spool->routes; route; route = route->next)
        route->gap = 0;
    spool->gap_count = 0;
    unpack_routes(spool, &routes, true);
    spool_marks_prune(spool, written);
    return true;
}

void
spool_restore_record(struct spool *spool, uint64_t number,
                     const struct journal_name *route)
{
    const struct spool_marks *marks = &spool->marks;

    if (number <= spool->restored_written
        || (marks->count && marks->marks[marks->count - 1].number >= number))
        return;
    spool_mark(spool, number, spool_route(spool, route->text, route->length));
}

void
spool_open(struct spool *spool, struct journal *journal)
{
    const struct spool_marks *marks = &spool->marks;

    spool->journal = journal;
    spool->gap_end = journal_next(journal);
    if (!spool->cursor)
        spool->cursor = cursor_new(marks->count ? marks->marks[0].number
                                                : spool->gap_end);
    for (size_t i = marks->first; i < marks->count; i++) {
        marks->marks[i].route->gap++;
        spool->gap_count++;
    }
    spool_marks_prune(spool, UINT64_MAX);
    if (!spool->gap_count)
        cursor_pass(spool->cursor, spool->gap_end - 1);
    spool->learn_end = spool->gap_end;
}
