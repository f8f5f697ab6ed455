/* SPDX-License-Identifier: Apache-2.0
 *
 * cursor.h - how far one sink has got in the journal.  Pure; no lock, no file.
 *
 * A sink settles its records in any order.  The cursor knows those that are open (begun,
 * not settled) and those settled behind the oldest open one, at most CURSOR_WINDOW in
 * all.  Only records of this sink count; those of others do not use the window up.
 *
 *   ... settled ...  base            window            seen   ... not looked at ...
 *                    the oldest open one               the last begun or passed
 */
#ifndef CORE_CURSOR_H
#define CORE_CURSOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { CURSOR_WINDOW = 4096, CURSOR_PACKED = 8 + 10 * CURSOR_WINDOW /* bytes at most */ };

struct cursor;

/* Everything below from is settled, or not this sink's. */
struct cursor *cursor_new(uint64_t from);
void cursor_free(struct cursor *cursor);

enum cursor_begun {
    CURSOR_OPEN,    /* give it to the sink */
    CURSOR_SETTLED, /* it was settled before the restart: do not */
    CURSOR_FULL     /* not now: the window is full; nothing changed */
};
/* The next record of this sink, above all seen so far. */
enum cursor_begun cursor_begin(struct cursor *cursor, uint64_t number);
/* There is no record of this sink that was not begun, up to this number. */
void cursor_pass(struct cursor *cursor, uint64_t number);
/* False: it is not open. */
bool cursor_settle(struct cursor *cursor, uint64_t number);

uint64_t cursor_seen(const struct cursor *cursor);
/* The lowest number that this sink may still want: the oldest open one, else the one
 * behind the last seen. */
uint64_t cursor_base(const struct cursor *cursor);
size_t cursor_open_count(const struct cursor *cursor);
bool cursor_room(const struct cursor *cursor); /* cursor_begin would not be CURSOR_FULL */
/* Where to keep what belongs to a number that is open: below CURSOR_WINDOW, its own as
 * long as it is open.  CURSOR_WINDOW: it is not. */
size_t cursor_place(const struct cursor *cursor, uint64_t number);
/* The lowest open one above this; 0: there is none. */
uint64_t cursor_next_open(const struct cursor *cursor, uint64_t above);

/* What is settled as bytes, as if nothing above limit had been begun: what is not written
 * yet may get another number.  Returns their length. */
size_t cursor_pack(const struct cursor *cursor, uint64_t limit,
                   unsigned char bytes[CURSOR_PACKED]);
/* NULL: these bytes are no cursor. */
struct cursor *cursor_unpack(const unsigned char *bytes, size_t length);

#endif
