/* SPDX-License-Identifier: Apache-2.0
 *
 * bare.h - what the bare loops share: a processor to run on, CPU time, a result line.
 *
 * A bare loop does the work of one row of the bench table and nothing else, on one
 * processor, and prints "operations CPU-microseconds-per-operation
 * operations-per-second".
 */
#ifndef TESTS_BENCH_BARE_H
#define TESTS_BENCH_BARE_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

struct bare_mark {
    int64_t wall, cpu; /* nanoseconds */
};

static inline int64_t
bare_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static inline struct bare_mark
bare_mark(void)
{
    struct timespec cpu;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &cpu);
    return (struct bare_mark){ bare_now(),
                               (int64_t)cpu.tv_sec * 1000000000 + cpu.tv_nsec };
}

static inline void
bare_pin(int cpu)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET((size_t)cpu, &set);
    if (cpu >= 0 && sched_setaffinity(0, sizeof(set), &set) == -1)
        perror("sched_setaffinity");
}

_Noreturn static inline void
bare_die(const char *what)
{
    perror(what);
    exit(1);
}

static inline void
bare_report(long count, struct bare_mark began)
{
    struct bare_mark end = bare_mark();

    printf("%ld %.4f %.0f\n", count, (double)(end.cpu - began.cpu) / 1e3 / (double)count,
           (double)count * 1e9 / (double)(end.wall - began.wall));
}

/* 127.0.1.1 and on: as many addresses as the checks of the bench have. */
static inline struct sockaddr_in
bare_address(int number, int port)
{
    return (
        struct sockaddr_in){ .sin_family = AF_INET,
                             .sin_port = htons((uint16_t)port),
                             .sin_addr.s_addr = htonl(0x7f000101u + (unsigned)number) };
}

#endif
