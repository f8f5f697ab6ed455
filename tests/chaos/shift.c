/* SPDX-License-Identifier: Apache-2.0
 *
 * shift.c - a wall clock that is set back and forth under a whole program: LD_PRELOAD.
 *
 * The file SHIFT is mapped and shared: a 64-bit number of seconds, which is added to what
 * clock_gettime, gettimeofday and time say of the wall clock.  The monotonic clock is
 * left alone, as it is when somebody sets the other.  Waits until a time of the wall
 * clock (pthread_cond_timedwait without CLOCK_MONOTONIC, and the like) are not covered:
 * nothing of ours does that.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static const int64_t none;
static const volatile int64_t *shift = &none;
static int (*real)(clockid_t clock, struct timespec *at);

__attribute__((constructor)) static void
shift_open(void)
{
    const char *path = getenv("SHIFT");
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    void *map = fd == -1 ? MAP_FAILED
                         : mmap(NULL, sizeof(*shift), PROT_READ, MAP_SHARED, fd, 0);

    if (map == MAP_FAILED)
        _exit(99);
    close(fd);
    *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    shift = map;
}

int
clock_gettime(clockid_t clock, struct timespec *at)
{
    int result = real ? real(clock, at)
                      : (int)syscall(SYS_clock_gettime, clock, at); /* very early */

    if (result == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        at->tv_sec += (time_t)*shift;
    return result;
}

int
gettimeofday(struct timeval *restrict at, void *restrict zone)
{
    struct timespec now;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *at = (struct timeval){ .tv_sec = now.tv_sec, .tv_usec = now.tv_nsec / 1000 };
    return 0;
}

time_t
time(time_t *at)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    if (at)
        *at = now.tv_sec;
    return now.tv_sec;
}
