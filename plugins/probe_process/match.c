/* SPDX-License-Identifier: Apache-2.0
 *
 * match.c - see match.h.
 */
#include "match.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static int
match_error(int error)
{
    return error == ENOENT || error == ESRCH ? 0 : -error;
}

static int
match_user(const struct match *match, struct scan *scan, struct scan_process *process)
{
    uid_t uid = 0;
    int error = match->user ? scan_uid(scan, process, &uid) : 0;

    if (error)
        return match_error(error);
    return !match->user || uid == match->uid;
}

/* A thread of the kernel runs no program; only its name and user can be asked for. */
static int
match_exe(const struct match *match, struct scan *scan, struct scan_process *process)
{
    const char *exe = NULL;
    int error;

    if (!match->exe)
        return 1;
    if (process->stat.kernel)
        return 0;
    error = scan_exe(scan, process, &exe);
    return error ? match_error(error) : strcmp(exe, match->exe) == 0;
}

static int
match_cmdline(const struct match *match, struct scan *scan, struct scan_process *process)
{
    const char *cmdline = NULL;
    size_t length = 0;
    enum pattern_answer answer;
    int error;

    if (!match->pattern)
        return 1;
    if (process->stat.kernel)
        return 0;
    error = scan_cmdline(scan, process, &cmdline, &length);
    if (error)
        return match_error(error);
    if (length == 0)
        return 0;
    answer = pattern_match(match->pattern, cmdline, length);
    return answer == PATTERN_GAVE_UP ? -ETIME : answer == PATTERN_YES;
}

int
match_process(const struct match *match, struct scan *scan, struct scan_process *process)
{
    int answer;

    if (!process->stat.alive)
        return 0;
    if (match->comm && strcmp(match->comm, process->stat.name) != 0)
        return 0;
    answer = match_user(match, scan, process);
    if (answer == 1)
        answer = match_exe(match, scan, process);
    if (answer == 1)
        answer = match_cmdline(match, scan, process);
    return answer;
}

bool
match_zombie(const struct match *match, struct scan *scan, struct scan_process *process)
{
    if (process->stat.alive || match->exe || match->cmdline)
        return false;
    if (match->comm && strcmp(match->comm, process->stat.name) != 0)
        return false;
    return match_user(match, scan, process) == 1;
}

static void
describe(char *text, size_t size, const char *what, const char *value)
{
    size_t used = strlen(text);

    if (value)
        snprintf(text + used, size - used, "%s%s \"%s\"", used ? ", " : "", what, value);
}

void
match_describe(const struct match *match, char *text, size_t size)
{
    text[0] = '\0';
    describe(text, size, "comm", match->comm);
    describe(text, size, "exe", match->exe);
    describe(text, size, "cmdline", match->cmdline);
    describe(text, size, "user", match->user);
    describe(text, size, "unit", match->unit);
    describe(text, size, "cgroup", match->cgroup);
}
