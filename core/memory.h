/* SPDX-License-Identifier: Apache-2.0
 *
 * memory.h - allocation that does not fail, arenas, and cleanup of locals.
 *
 * Running out of memory ends the process with one sentence: a daemon that limps
 * on without memory loses events silently.  What comes from here is released
 * with free(), unless it came from an arena.
 */
#ifndef CORE_MEMORY_H
#define CORE_MEMORY_H

#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

void memory_out(void) __attribute__((noreturn)); /* ends the process so */
void *memory_new(size_t size);                   /* zeroed */
void *memory_array(size_t count, size_t size);   /* zeroed, checks the product */
void *memory_grow(void *block, size_t count, size_t size); /* as reallocarray */
char *memory_text(const char *text);                       /* a copy; NULL stays NULL */
char *memory_format(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* An arena hands out memory that is freed all at once.  A zeroed struct arena is
 * an empty one; memory comes in blocks of arena->block bytes (0 = 4096). */
struct arena_block;
struct arena {
    struct arena_block *blocks;
    char *at, *end;
    size_t block;
    size_t total; /* bytes taken from the heap */
};

void *arena_new(struct arena *arena, size_t size); /* zeroed, aligned for anything */
char *arena_copy(struct arena *arena, const char *bytes, size_t length); /* adds a NUL */
char *arena_text(struct arena *arena, const char *text);
char *arena_format(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
char *arena_vformat(struct arena *arena, const char *format, va_list args)
    __attribute__((format(printf, 2, 0), nonnull(2)));
/* How much one block would have had to hold of all that was handed out. */
size_t arena_used(const struct arena *arena);
/* Frees everything; the arena can be used again. */
void arena_deinit(struct arena *arena);

/* For locals that end with their scope. */
static inline void
memory_cleanup(void *at)
{
    free(*(void **)at);
}
#define AUTO_FREE __attribute__((cleanup(memory_cleanup)))

void memory_close(int *fd); /* closes unless -1 */
#define AUTO_CLOSE __attribute__((cleanup(memory_close)))

#endif
