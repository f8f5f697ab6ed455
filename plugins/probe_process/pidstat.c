/* SPDX-License-Identifier: Apache-2.0
 *
 * pidstat.c - see pidstat.h.  The fields are counted as in proc(5), from 1.
 */
#include "pidstat.h"

#include <limits.h>
#include <string.h>

enum {
    FIELD_STATE = 3,
    FIELD_PARENT = 4,
    FIELD_FLAGS = 9,
    FIELD_USER_TIME = 14,
    FIELD_SYSTEM_TIME = 15,
    FIELD_THREADS = 20,
    FIELD_START = 22,
    FIELD_RSS = 24,
    FIELD_END = 52
};

#define FLAG_KERNEL_THREAD 0x00200000u /* PF_KTHREAD */

/* Reads digits, stops behind them.  What does not fit, or no digit, is false. */
static bool
read_number(const char **at, const char *end, uint64_t *number)
{
    const char *p = *at;
    uint64_t value = 0;

    for (; p < end && *p >= '0' && *p <= '9'; p++) {
        unsigned digit = (unsigned)(*p - '0');

        if (value > (UINT64_MAX - digit) / 10)
            return false;
        value = value * 10 + digit;
    }
    if (p == *at)
        return false;
    *at = p;
    *number = value;
    return true;
}

static void
copy_name(char *name, const char *from, size_t length)
{
    if (length > PIDSTAT_NAME - 1)
        length = PIDSTAT_NAME - 1;
    memcpy(name, from, length);
    name[length] = '\0';
}

static void
take_field(struct pidstat *stat, int field, uint64_t value)
{
    switch (field) {
    case FIELD_PARENT:
        stat->parent = value <= INT_MAX ? (pid_t)value : 0;
        break;
    case FIELD_USER_TIME:
    case FIELD_SYSTEM_TIME:
        stat->ticks += value;
        break;
    case FIELD_FLAGS:
        stat->kernel = value & FLAG_KERNEL_THREAD;
        break;
    case FIELD_THREADS:
        stat->threads = value;
        break;
    case FIELD_START:
        stat->start = value;
        break;
    case FIELD_RSS:
        stat->rss = value;
        break;
    case FIELD_END:
        stat->ending = value <= INT_MAX ? (int)value : 0;
        break;
    }
}

/* What stands behind the name: a letter, then numbers, each after one blank. */
static bool
parse_fields(struct pidstat *stat, const char *at, const char *end)
{
    uint64_t value;
    int field = FIELD_STATE;

    if (end - at < 2 || at[0] != ' ')
        return false;
    stat->state = at[1];
    at += 2;
    while (end - at > 1 && *at == ' ') {
        at++;
        if (*at == '-') /* none of those that we want is ever negative */
            at++;
        if (!read_number(&at, end, &value))
            return false;
        take_field(stat, ++field, value);
    }
    stat->alive = (stat->state != 'Z' && stat->state != 'X') || stat->threads > 1;
    return field >= FIELD_START;
}

bool
pidstat_parse(const char *bytes, size_t length, struct pidstat *stat)
{
    const char *at = bytes, *end = bytes + length;
    const char *close = length ? memrchr(bytes, ')', length) : NULL;
    uint64_t pid;

    *stat = (struct pidstat){ 0 };
    if (!close || !read_number(&at, close, &pid) || pid < 1 || pid > INT_MAX)
        return false;
    if (close - at < 2 || at[0] != ' ' || at[1] != '(')
        return false;
    stat->pid = (pid_t)pid;
    copy_name(stat->name, at + 2, (size_t)(close - at - 2));
    return parse_fields(stat, close + 1, end);
}
