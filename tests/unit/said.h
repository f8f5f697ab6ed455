/* SPDX-License-Identifier: Apache-2.0
 *
 * said.h - for tests of the configuration: what was said about it, as one text, and
 * a directory to write files into.
 */
#ifndef TESTS_SAID_H
#define TESTS_SAID_H

#include "unit.h"

#include "problem.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* The sentences are exactly these, sorted, one a line; empties problems. */
static inline void
said_is(struct problems *problems, const char *expected)
{
    char *said = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&said, &size);

    assert_non_null(out);
    problem_print(problems, out);
    assert_int_equal(fclose(out), 0);
    assert_non_null(said);
    assert_string_equal(said, expected);
    free(said);
    problems_deinit(problems);
}

/* A fresh directory, entered: file names in messages are the bare ones. */
static inline int
said_enter(void **state)
{
    const char *where = getenv("TMPDIR");
    char *dir = memory_format("%s/sonde-unit-XXXXXX", where ? where : "/tmp");

    *state = dir;
    return mkdtemp(dir) && chdir(dir) == 0 ? 0 : -1;
}

static inline int
said_leave(void **state)
{
    AUTO_FREE char *dir = *state;
    AUTO_FREE char *command = memory_format("rm -rf '%s'", dir);

    return chdir("/") == 0 && system(command) == 0 ? 0 : -1;
}

static inline void
said_write(const char *name, const char *bytes)
{
    FILE *file = fopen(name, "w");

    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, strlen(bytes), file), strlen(bytes));
    assert_int_equal(fclose(file), 0);
}

#endif
