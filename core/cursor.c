/* SPDX-License-Identifier: Apache-2.0
 *
 * cursor.c - how far one sink has got in the journal.  See cursor.h.
 *
 * The numbers of the window lie in a ring, in order, each with a bit for settled; the
 * oldest is always open.  Packed, it is the base and the numbers settled behind it, each
 * as the distance to the one before, in seven bits a byte.  Numbers, not places: a place
 * would be that of another record where one in between can no longer be read.
 */
#include "cursor.h"

#include "memory.h"

#include <endian.h>
#include <string.h>

struct cursor {
    uint64_t seen;
    size_t first, count; /* of the ring */
    size_t open;
    uint64_t numbers[CURSOR_WINDOW];
    bool settled[CURSOR_WINDOW];
    /* Settled before the restart and not met again yet, in order. */
    size_t known_first, known_count;
    uint64_t *known;
};

static size_t
cursor_slot(const struct cursor *cursor, size_t i)
{
    return (cursor->first + i) % CURSOR_WINDOW;
}

struct cursor *
cursor_new(uint64_t from)
{
    struct cursor *cursor = memory_new(sizeof(*cursor));

    cursor->seen = from ? from - 1 : 0;
    return cursor;
}

void
cursor_free(struct cursor *cursor)
{
    if (!cursor)
        return;
    free(cursor->known);
    free(cursor);
}

static bool
cursor_was_settled(struct cursor *cursor, uint64_t number)
{
    while (cursor->known_first < cursor->known_count
           && cursor->known[cursor->known_first] < number)
        cursor->known_first++;
    return cursor->known_first < cursor->known_count
           && cursor->known[cursor->known_first] == number;
}

enum cursor_begun
cursor_begin(struct cursor *cursor, uint64_t number)
{
    size_t place = cursor_slot(cursor, cursor->count);
    bool settled;

    if (number <= cursor->seen)
        return CURSOR_SETTLED;
    settled = cursor_was_settled(cursor, number);
    /* One that is settled needs no place where nothing before it is open. */
    if (!settled || cursor->count) {
        if (cursor->count == CURSOR_WINDOW)
            return CURSOR_FULL;
        cursor->numbers[place] = number;
        cursor->settled[place] = settled;
        cursor->count++;
        cursor->open += !settled;
    }
    cursor->seen = number;
    return settled ? CURSOR_SETTLED : CURSOR_OPEN;
}

void
cursor_pass(struct cursor *cursor, uint64_t number)
{
    if (number > cursor->seen)
        cursor->seen = number;
}

/* How many of the window are below this number. */
static size_t
cursor_below(const struct cursor *cursor, uint64_t number)
{
    size_t low = 0, high = cursor->count;

    while (low < high) {
        size_t middle = (low + high) / 2;

        if (cursor->numbers[cursor_slot(cursor, middle)] < number)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

size_t
cursor_place(const struct cursor *cursor, uint64_t number)
{
    size_t i = cursor_below(cursor, number), slot = cursor_slot(cursor, i);

    return i < cursor->count && cursor->numbers[slot] == number && !cursor->settled[slot]
               ? slot
               : CURSOR_WINDOW;
}

uint64_t
cursor_next_open(const struct cursor *cursor, uint64_t above)
{
    for (size_t i = cursor_below(cursor, above + 1); i < cursor->count; i++) {
        size_t slot = cursor_slot(cursor, i);

        if (!cursor->settled[slot])
            return cursor->numbers[slot];
    }
    return 0;
}

bool
cursor_settle(struct cursor *cursor, uint64_t number)
{
    size_t place = cursor_place(cursor, number);

    if (place == CURSOR_WINDOW)
        return false;
    cursor->settled[place] = true;
    cursor->open--;
    while (cursor->count && cursor->settled[cursor->first]) {
        cursor->first = cursor_slot(cursor, 1);
        cursor->count--;
    }
    return true;
}

uint64_t
cursor_seen(const struct cursor *cursor)
{
    return cursor->seen;
}

uint64_t
cursor_base(const struct cursor *cursor)
{
    return cursor->count ? cursor->numbers[cursor->first] : cursor->seen + 1;
}

size_t
cursor_open_count(const struct cursor *cursor)
{
    return cursor->open;
}

bool
cursor_room(const struct cursor *cursor)
{
    return cursor->count < CURSOR_WINDOW;
}

/* ---- as bytes ---- */

static unsigned char *
cursor_put(unsigned char *at, uint64_t value)
{
    for (; value > 0x7F; value >>= 7)
        *at++ = (unsigned char)(value | 0x80);
    *at++ = (unsigned char)value;
    return at;
}

size_t
cursor_pack(const struct cursor *cursor, uint64_t limit,
            unsigned char bytes[CURSOR_PACKED])
{
    uint64_t base = cursor_base(cursor), last, raw;
    unsigned char *at = bytes + sizeof(raw);
    size_t known = cursor->known_first;

    /* Where nothing is open, the next that was settled before the restart may be the
     * very next number: then the base is behind it. */
    for (; !cursor->count && known < cursor->known_count && cursor->known[known] <= base;
         known++)
        if (cursor->known[known] == base)
            base++;
    if (base > limit + 1)
        base = limit + 1;
    raw = htole64(base);
    memcpy(bytes, &raw, sizeof(raw));
    last = base;
    for (size_t i = 0; i < cursor->count; i++) {
        size_t place = cursor_slot(cursor, i);

        if (cursor->numbers[place] > limit)
            return (size_t)(at - bytes);
        if (!cursor->settled[place])
            continue;
        at = cursor_put(at, cursor->numbers[place] - last);
        last = cursor->numbers[place];
    }
    /* What was settled before the restart and has not come by again. */
    for (size_t i = known; i < cursor->known_count; i++)
        if (cursor->known[i] > cursor->seen && cursor->known[i] <= limit
            && at - bytes <= CURSOR_PACKED - 10) {
            at = cursor_put(at, cursor->known[i] - last);
            last = cursor->known[i];
        }
    return (size_t)(at - bytes);
}

/* 0: the bytes are none, or it would not be above last. */
static uint64_t
cursor_take(const unsigned char **at, const unsigned char *end, uint64_t last)
{
    uint64_t value = 0;

    for (int shift = 0; *at < end && shift < 64; shift += 7) {
        unsigned char byte = *(*at)++;

        value |= (uint64_t)(byte & 0x7F) << shift;
        if (!(byte & 0x80))
            return value && value <= UINT64_MAX - last ? last + value : 0;
    }
    return 0;
}

struct cursor *
cursor_unpack(const unsigned char *bytes, size_t length)
{
    const unsigned char *at = bytes + sizeof(uint64_t), *end = bytes + length;
    struct cursor *cursor;
    uint64_t last;

    if (length < sizeof(last) || length > CURSOR_PACKED)
        return NULL;
    memcpy(&last, bytes, sizeof(last));
    last = le64toh(last);
    cursor = cursor_new(last);
    cursor->known = memory_array(length - sizeof(last),
                                 sizeof(last)); /* a byte each, at least */
    while (last && at < end) {
        last = cursor_take(&at, end, last);
        cursor->known[cursor->known_count++] = last;
    }
    if (last)
        return cursor;
    cursor_free(cursor);
    return NULL;
}
