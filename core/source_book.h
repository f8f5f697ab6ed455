/* SPDX-License-Identifier: Apache-2.0
 *
 * source_book.h - what a source has pushed and has not been told of yet.
 *
 * Events of a lane stand in the order pushed.  However they are settled, what the source
 * is told of a lane is a watermark: everything up to a cookie, never past an event that
 * somebody still holds.  Lanes do not wait for each other.
 * The book belongs to the source's loop; only the receipts that it gives out go
 * elsewhere.  It lives until the last of them is back.
 */
#ifndef CORE_SOURCE_BOOK_H
#define CORE_SOURCE_BOOK_H

#include "receipt.h"

struct source_book;

struct source_bounds {
    size_t events, bytes;
};

typedef void source_book_fn(uint64_t lane, uint64_t cookie, enum sonde_fate worst,
                            void *arg);

/* wake: [any thread, locks held]  there is something to tell, and was not before. */
struct source_book *source_book_new(struct source_bounds bounds, void (*wake)(void *arg),
                                    void *arg);
void source_book_bounds_set(struct source_book *book, struct source_bounds bounds);
/* Nobody is woken and nothing told any more.  NULL does nothing. */
void source_book_close(struct source_book *book);

/* A receipt with one share, the caller's, for an event of so many bytes. */
struct receipt *source_book_enter(struct source_book *book, uint64_t lane,
                                  uint64_t cookie, size_t bytes);
bool source_book_full(const struct source_book *book); /* by either bound */
bool source_book_room(const struct source_book *book); /* half empty, by both */
size_t source_book_out(const struct source_book *book);
/* Tells each lane whose watermark has moved, once.  fn may enter. */
void source_book_tell(struct source_book *book, source_book_fn *fn, void *arg);

#endif
