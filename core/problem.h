/* SPDX-License-Identifier: Apache-2.0
 *
 * problem.h - what is wrong with a configuration: all of it, told in one run.
 *
 * Whoever finds a fault adds it and goes on; who asked for the configuration
 * prints the list sorted by place and gives up if it holds an error.
 */
#ifndef CORE_PROBLEM_H
#define CORE_PROBLEM_H

#include "memory.h"
#include "text.h"

#include <stdbool.h>
#include <stdio.h>

/* Where something was written.  file NULL: nowhere (a command line, a default). */
struct place {
    const char *file;
    unsigned line;
};

struct problem {
    struct place place;
    bool warning;
    const char *text;
};

/* Zeroed = empty. */
struct problems {
    struct arena memory;
    struct problem *all;
    size_t count, errors;
};

void problem_add(struct problems *problems, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
void problem_warn(struct problems *problems, struct place place, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* "conf.d/20-sinks.conf:4: sink "alerts": ...", one a line, sorted by place,
 * each sentence once. */
void problem_print(struct problems *problems, FILE *out);
void problems_deinit(struct problems *problems);

#endif
