/* SPDX-License-Identifier: Apache-2.0
 *
 * nomem.c - memory that runs out at a given call, for a whole program: LD_PRELOAD.
 *
 * The NOMEM_AT-th call of malloc and its kin answers NULL with ENOMEM, and with
 * NOMEM_ON=1 every later one too; 0 or nothing: none does.  How many calls there were is
 * the number in the file NOMEM_CALLS, mapped and shared.  The file NOMEM_PLACES gets the
 * number of each call that comes from another place than those before it, judged by the
 * innermost frames of its stack: where a loop allocates a million times, one of them says
 * it all.
 *
 * A program that ends by a signal of its own making leaves its stack in the file
 * NOMEM_STACK: a line for each frame, innermost first, with the file that the code is
 * from, the place in it, as addr2line takes it, and the name if it is exported.  cmocka
 * does not get those signals.
 *
 * Programs that this one begins are not touched.  For glibc only, never beside a
 * sanitizer, never linked into anything that ships.
 */
#include <dlfcn.h>
#include <elf.h>
#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <link.h>
#include <malloc.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { FRAMES = 64, STACK = 64 << 10, NEAR = 12, PLACES = 1 << 16 };

static atomic_llong before_main;
static atomic_llong *calls = &before_main;
static long long fails_at;
static bool fails_on;
static atomic_bool crashed;
static const char *stack_path;
static const int crashes[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT };

extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *block, size_t size);
extern void *__libc_memalign(size_t align, size_t size);

static int places = -1;
static atomic_ullong seen[PLACES]; /* hashes of stacks */
static _Thread_local bool looking __attribute__((tls_model("initial-exec")));

/* ---- where a call comes from ---- */

static bool
nomem_new_place(void *const *frames, int count)
{
    unsigned long long hash = 14695981039346656037ull, none = 0;
    size_t i;

    for (int frame = 0; frame < count; frame++)
        hash = (hash ^ (uintptr_t)frames[frame]) * 1099511628211ull;
    hash |= 1;
    i = hash >> 32 & (PLACES - 1);
    for (size_t tries = 0; tries < PLACES; tries++, i = (i + 1) & (PLACES - 1)) {
        if (atomic_load(&seen[i]) == hash)
            return false;
        none = 0;
        if (atomic_compare_exchange_strong(&seen[i], &none, hash))
            return true;
    }
    return false;
}

static void
nomem_place(long long call)
{
    void *frames[NEAR];
    char line[32];
    int length;

    if (looking)
        return;
    looking = true;
    if (nomem_new_place(frames, backtrace(frames, NEAR))) {
        length = snprintf(line, sizeof(line), "%lld\n", call);
        if (write(places, line, (size_t)length) == -1)
            _exit(97);
    }
    looking = false;
}

/* ---- the stack of a crash ---- */

static void
nomem_frame(int fd, const char *address)
{
    char line[4352];
    Dl_info info;
    int length = snprintf(line, sizeof(line), "? %p ?\n", (const void *)address);

    if (dladdr(address, &info)) {
        const ElfW(Ehdr) *head = info.dli_fbase;
        const char *base = head->e_type == ET_EXEC ? NULL : info.dli_fbase;

        length = snprintf(line, sizeof(line), "%s 0x%jx %s\n", info.dli_fname,
                          (uintmax_t)(address - base),
                          info.dli_sname ? info.dli_sname : "?");
    }
    if (fd != -1 && write(fd, line, (size_t)length) == -1)
        _exit(98);
}

/* Where it happened, which is known even if the stack is not what it should be. */
static const char *
nomem_at(const void *context)
{
    const ucontext_t *at = context;

#if defined(__x86_64__)
    return (const char *)at->uc_mcontext.gregs[REG_RIP];
#elif defined(__aarch64__)
    return (const char *)at->uc_mcontext.pc;
#else
    (void)at;
    return NULL;
#endif
}

static void
nomem_crash(int signal_number, siginfo_t *info, void *context)
{
    struct sigaction normal = { .sa_handler = SIG_DFL };
    void *frames[FRAMES];
    int count, fd = -1;

    (void)info;
    if (!atomic_exchange(&crashed, true)) { /* from here on nothing fails any more */
        if (stack_path)
            fd = open(stack_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
        nomem_frame(fd, nomem_at(context));
        count = backtrace(frames, FRAMES);
        for (int i = 0; i < count; i++)
            nomem_frame(fd, (const char *)frames[i] - 1); /* within the call */
    }
    sigaction(signal_number, &normal, NULL);
    raise(signal_number);
}

static bool
nomem_is_crash(int signal_number)
{
    for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
        if (crashes[i] == signal_number)
            return true;
    return false;
}

/* In place of libc's, by which cmocka would take the crashes for itself. */
sighandler_t
signal(int signal_number, sighandler_t handler)
{
    struct sigaction action = { .sa_handler = handler, .sa_flags = SA_RESTART }, before;

    if (nomem_is_crash(signal_number))
        return SIG_DFL;
    return sigaction(signal_number, &action, &before) == -1 ? SIG_ERR : before.sa_handler;
}

/* A thread that blocks every signal would die without a word. */
int
pthread_sigmask(int how, const sigset_t *set, sigset_t *before)
{
    static int (*real)(int, const sigset_t *, sigset_t *);
    sigset_t spared;

    *(void **)&real = dlsym(RTLD_NEXT, "pthread_sigmask");
    if (!set)
        return real(how, NULL, before);
    spared = *set;
    for (size_t i = 0; how != SIG_UNBLOCK && i < sizeof(crashes) / sizeof(*crashes); i++)
        sigdelset(&spared, crashes[i]);
    return real(how, &spared, before);
}

/* By which cmocka leaves a test that failed.  The program ends there instead: what such a
 * test leaves behind, as threads that use its stack, would trip the next one. */
void __longjmp_chk(struct __jmp_buf_tag *at, int value); /* libc's, in no header */

void
__longjmp_chk(struct __jmp_buf_tag *at, int value)
{
    static void (*real)(struct __jmp_buf_tag *, int) __attribute__((noreturn));

    if (fails_at)
        _exit(1);
    *(void **)&real = dlsym(RTLD_NEXT, "__longjmp_chk");
    real(at, value);
}

/* ---- the beginning ---- */

static void
nomem_map(const char *path)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    void *map = MAP_FAILED;

    if (fd != -1 && ftruncate(fd, sizeof(*calls)) == 0)
        map = mmap(NULL, sizeof(*calls), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    if (map == MAP_FAILED)
        _exit(99);
    close(fd);
    calls = map;
    atomic_store(calls, 0);
}

__attribute__((constructor)) static void
nomem_open(void)
{
    static char stack[STACK];
    struct sigaction action = { .sa_sigaction = nomem_crash,
                                .sa_flags = SA_ONSTACK | SA_SIGINFO };
    const char *at = getenv("NOMEM_AT"), *path = getenv("NOMEM_CALLS"),
               *where = getenv("NOMEM_PLACES");
    void *frames[1];

    backtrace(frames, 1); /* loads what it needs while there is memory */
    sigaltstack(&(stack_t){ .ss_sp = stack, .ss_size = sizeof(stack) }, NULL);
    for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
        sigaction(crashes[i], &action, NULL);
    stack_path = getenv("NOMEM_STACK");
    unsetenv("LD_PRELOAD");
    if (path)
        nomem_map(path);
    if (where)
        places = open(where, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    fails_on = getenv("NOMEM_ON") != NULL;
    fails_at = at ? atoll(at) : 0;
}

/* ---- the calls ---- */

static bool
nomem_fails(void)
{
    long long call = atomic_fetch_add_explicit(calls, 1, memory_order_relaxed) + 1;

    if (places != -1)
        nomem_place(call);
    if (!fails_at || call < fails_at || (call > fails_at && !fails_on)
        || atomic_load_explicit(&crashed, memory_order_relaxed))
        return false;
    errno = ENOMEM;
    return true;
}

void *
malloc(size_t size)
{
    return nomem_fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t number, size_t size)
{
    return nomem_fails() ? NULL : __libc_calloc(number, size);
}

void *
realloc(void *block, size_t size)
{
    return nomem_fails() ? NULL : __libc_realloc(block, size);
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
    return nomem_fails() ? NULL : __libc_memalign(align, size);
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
