/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_conf.c - any bytes as a configuration file: they are refused with a sentence
 * or become checks, and what the lexer accepts, libconfig accepts too.
 */
#include "conf.h"
#include "lexer.h"
#include "targets.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static void
nothing(const struct setting *made, const struct label *labels, size_t count,
        struct place row, void *arg)
{
    (void)made, (void)labels, (void)count, (void)row, (void)arg;
}

/* The whole way of a file, up to the checks that it makes. */
static void
read_all(const char *path, struct problems *problems)
{
    struct arena memory = { 0 };
    struct setting *tree = conf_read(path, &memory, problems);
    struct targets *targets = targets_new(setting_find(tree, "targets"), problems);
    const struct setting *checks = setting_find(tree, "checks");

    for (const struct setting *at = checks ? checks->first : NULL; at; at = at->next)
        targets_each(targets, at, "node-1", nothing, NULL, problems);
    targets_free(targets);
    arena_deinit(&memory);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

int
LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
    struct problems problems = { 0 };
    bool good = lexer_check("f", (const char *)bytes, length, &problems);
    char path[32];
    int fd;

    if (good != (problems.errors == 0))
        abort();
    if (good) {
        fd = memfd_create("conf", MFD_CLOEXEC);
        if (fd == -1 || write(fd, bytes, length) != (ssize_t)length)
            abort();
        snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
        read_all(path, &problems);
        close(fd);
    }
    for (size_t i = 0; good && i < problems.count; i++) {
        if (strncmp(problems.all[i].text, "cannot be read: ", 16) == 0)
            abort(); /* by libconfig: the lexer should have said it */
    }
    problems_deinit(&problems);
    return 0;
}
