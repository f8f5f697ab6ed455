/* SPDX-License-Identifier: Apache-2.0
 *
 * heapcount.c - counts the live blocks of the heap exactly, preloaded in the test of
 * growth.
 *
 * The counters lie in the file that HEAPCOUNT names, mapped and shared, so that a test
 * reads them when it likes and disturbs nothing: 64-bit numbers, bytes first, then
 * blocks, then the blocks of each size, as malloc_usable_size tells it: of less than 16
 * bytes, of less than 32 and so on, at last of all larger ones.  It allocates nothing,
 * has no thread and handles no signal.  What is mapped without malloc is not counted. For
 * glibc only, never beside a sanitizer, never linked into anything that ships.
 */
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

enum { CLASS_WIDTH = 16, CLASSES = 513 };

struct counts {
    atomic_llong bytes, blocks, sizes[CLASSES];
};

static struct counts before_main;
static struct counts *counts = &before_main;

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t align, size_t size);
extern void __libc_free(void *block);

static void
count(size_t size, int sign)
{
    size_t class = size / CLASS_WIDTH;

    atomic_fetch_add_explicit(&counts->bytes, sign * (long long)size,
                              memory_order_relaxed);
    atomic_fetch_add_explicit(&counts->blocks, sign, memory_order_relaxed);
    atomic_fetch_add_explicit(&counts->sizes[class < CLASSES ? class : CLASSES - 1], sign,
                              memory_order_relaxed);
}

static void *
counted(void *block)
{
    if (block)
        count(malloc_usable_size(block), 1);
    return block;
}

/* Before there are threads. */
__attribute__((constructor)) static void
heapcount_open(void)
{
    const char *path = getenv("HEAPCOUNT");
    int fd = path ? open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600) : -1;
    void *map = MAP_FAILED;

    if (fd != -1 && ftruncate(fd, sizeof(*counts)) == 0)
        map = mmap(NULL, sizeof(*counts), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        _exit(99);
    close(fd);
    *(struct counts *)map = before_main;
    counts = map;
}

void *
malloc(size_t size)
{
    return counted(__libc_malloc(size));
}

void *
calloc(size_t number, size_t size)
{
    return counted(__libc_calloc(number, size));
}

void *
realloc(void *block, size_t size)
{
    size_t old = block ? malloc_usable_size(block) : 0;
    void *moved = __libc_realloc(block, size);

    if (block && (moved || size == 0))
        count(old, -1);
    return counted(moved);
}

void *
reallocarray(void *block, size_t number, size_t size)
{
    size_t all;

    if (__builtin_mul_overflow(number, size, &all)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(block, all);
}

void *
memalign(size_t align, size_t size)
{
    return counted(__libc_memalign(align, size));
}

void *
aligned_alloc(size_t align, size_t size)
{
    return memalign(align, size);
}

int
posix_memalign(void **block, size_t align, size_t size)
{
    void *got = memalign(align, size);

    if (!got)
        return ENOMEM;
    *block = got;
    return 0;
}

void
free(void *block)
{
    if (block)
        count(malloc_usable_size(block), -1);
    __libc_free(block);
}
