/* SPDX-License-Identifier: Apache-2.0
 *
 * pidstat.h - the text of /proc/PID/stat, read by a pure function.
 *
 * Its second field is a name that the process chose: it may hold blanks,
 * parentheses and anything else.  What follows the last ')' is the kernel's own.
 */
#ifndef PROBE_PROCESS_PIDSTAT_H
#define PROBE_PROCESS_PIDSTAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum {
    PIDSTAT_NAME = 64,   /* a program's name has at most 15 bytes, a kernel thread's 63 */
    PIDSTAT_BYTES = 2048 /* more than the longest line */
};

struct pidstat {
    pid_t pid, parent;
    char name[PIDSTAT_NAME]; /* ends with NUL; some kernels write a newline as \n */
    char state;              /* R, S, D, Z ... */
    bool alive;              /* no zombie; one whose threads go on is alive */
    bool kernel;             /* a thread of the kernel */
    uint64_t start;          /* clock ticks after boot: tells a recycled pid */
    uint64_t ticks;          /* of processor time, its own */
    uint64_t threads;
    uint64_t rss; /* pages in memory, about */
    int ending;   /* a zombie's wait status where we may know it, else 0 */
};

/* false: this is not such a text. */
bool pidstat_parse(const char *bytes, size_t length, struct pidstat *stat);

#endif
