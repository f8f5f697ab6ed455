/* SPDX-License-Identifier: Apache-2.0
 *
 * memory.c - allocation that does not fail, and arenas.  See memory.h.
 */
#include "memory.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { MEMORY_BLOCK = 4096, MEMORY_ALIGN = 16 };

struct arena_block {
    struct arena_block *next;
    size_t size;
    _Alignas(MEMORY_ALIGN) char bytes[];
};

void
memory_out(void)
{
    static const char sentence[] = "sonded: out of memory\n";

    if (write(STDERR_FILENO, sentence, sizeof(sentence) - 1) == -1)
        _exit(70);
    _exit(70); /* EX_SOFTWARE: no handler may allocate now */
}

static void *
memory_must(void *block)
{
    if (!block)
        memory_out();
    return block;
}

void *
memory_new(size_t size)
{
    return memory_must(calloc(1, size ? size : 1));
}

void *
memory_array(size_t count, size_t size)
{
    return memory_must(calloc(count ? count : 1, size));
}

void *
memory_grow(void *block, size_t count, size_t size)
{
    return memory_must(reallocarray(block, count ? count : 1, size));
}

char *
memory_text(const char *text)
{
    return text ? memory_must(strdup(text)) : NULL;
}

char *
memory_format(const char *format, ...)
{
    char *text = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&text, format, args) == -1)
        memory_out();
    va_end(args);
    return text;
}

void
memory_close(int *fd)
{
    if (*fd != -1)
        close(*fd);
}

static void
arena_grow(struct arena *arena, size_t size)
{
    size_t room = arena->block ? arena->block : MEMORY_BLOCK;
    struct arena_block *block;

    if (size > room)
        room = size;
    block = memory_must(malloc(sizeof(*block) + room));
    block->size = room;
    block->next = arena->blocks;
    arena->blocks = block;
    arena->at = block->bytes;
    arena->end = block->bytes + room;
    arena->total += sizeof(*block) + room;
}

/* Aligned to align, not zeroed. */
static char *
arena_take(struct arena *arena, size_t size, size_t align)
{
    size_t pad = (align - (uintptr_t)arena->at % align) % align;
    char *taken;

    if (!arena->at || (size_t)(arena->end - arena->at) < pad
        || (size_t)(arena->end - arena->at) - pad < size) {
        arena_grow(arena, size);
        pad = 0;
    }
    taken = arena->at + pad;
    arena->at = taken + size;
    return taken;
}

void *
arena_new(struct arena *arena, size_t size)
{
    return memset(arena_take(arena, size, MEMORY_ALIGN), 0, size);
}

char *
arena_copy(struct arena *arena, const char *bytes, size_t length)
{
    char *copy = arena_take(arena, length + 1, 1);

    if (length)
        memcpy(copy, bytes, length);
    copy[length] = '\0';
    return copy;
}

char *
arena_text(struct arena *arena, const char *text)
{
    return text ? arena_copy(arena, text, strlen(text)) : NULL;
}

char *
arena_vformat(struct arena *arena, const char *format, va_list args)
{
    va_list again;
    int length;
    char *text;

    va_copy(again, args);
    length = vsnprintf(NULL, 0, format, again);
    va_end(again);
    if (length < 0)
        return arena_text(arena, "");
    text = arena_take(arena, (size_t)length + 1, 1);
    vsnprintf(text, (size_t)length + 1, format, args);
    return text;
}

char *
arena_format(struct arena *arena, const char *format, ...)
{
    va_list args;
    char *text;

    va_start(args, format);
    text = arena_vformat(arena, format, args);
    va_end(args);
    return text;
}

size_t
arena_used(const struct arena *arena)
{
    const struct arena_block *last = arena->blocks;
    size_t used = last ? (size_t)(arena->at - last->bytes) : 0;

    for (const struct arena_block *block = last ? last->next : NULL; block;
         block = block->next)
        used += block->size + MEMORY_ALIGN;
    return used;
}

void
arena_deinit(struct arena *arena)
{
    for (struct arena_block *block = arena->blocks, *next; block; block = next) {
        next = block->next;
        free(block);
    }
    *arena = (struct arena){ .block = arena->block };
}
