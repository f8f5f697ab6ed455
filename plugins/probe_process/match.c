/* SPDX-License-Identifier: Apache-2.0
 *
 * match.c - see match.h.
 */
#include "match.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* CPU time in nanoseconds. */
enum {
    MATCH_LONG = 5000000,       /* for one command line, */
    MATCH_SHORT = 250000,       /* and when those that took too long */
    MATCH_LOST_LONG = 50000000, /* had this together */
    MATCH_LOST = 250000000      /* then the look is broken off */
};

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
match_gave_up(struct match_effort *effort, const struct pidstat *stat, int64_t spent)
{
    if (!effort)
        return 0;
    if (!effort->gave_up++)
        effort->first = *stat;
    effort->lost += spent;
    return effort->lost > MATCH_LOST ? -ETIMEDOUT : 0;
}

static int
match_pattern(const struct match *match, const struct pidstat *stat, const char *cmdline,
              size_t length, struct match_effort *effort)
{
    int64_t most = effort && effort->lost < MATCH_LOST_LONG ? MATCH_LONG : MATCH_SHORT;
    int64_t left = most;
    struct pattern_span span;
    enum pattern_answer answer = pattern_find(match->pattern, cmdline, length, &span, 1,
                                              &left);

    return answer == PATTERN_GAVE_UP ? match_gave_up(effort, stat, most - left)
                                     : answer == PATTERN_YES;
}

static int
match_cmdline(const struct match *match, struct scan *scan, struct scan_process *process,
              struct match_effort *effort)
{
    const char *cmdline = NULL;
    size_t length = 0;
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
    return match_pattern(match, &process->stat, cmdline, length, effort);
}

int
match_process(const struct match *match, struct scan *scan, struct scan_process *process,
              struct match_effort *effort)
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
        answer = match_cmdline(match, scan, process, effort);
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

void
match_describe_effort(const struct match_effort *effort, char *text, size_t size)
{
    char more[32] = "";

    if (effort->gave_up > 1)
        snprintf(more, sizeof(more), " and %zu more", effort->gave_up - 1);
    snprintf(text, size, "pid %d (%s)%s", (int)effort->first.pid, effort->first.name,
             more);
}
