/* SPDX-License-Identifier: Apache-2.0
 *
 * clock.c - the two clocks.  See clock.h.
 */
#include "clock.h"

#include "sonde/plugin.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <time.h>

enum { CLOCK_WHOLE = 19 }; /* bytes of a time without what is less than a second */

static atomic_bool clock_faked;
static _Atomic int64_t clock_fake_now, clock_fake_wall;

void
clock_fake(int64_t now, int64_t wall)
{
    atomic_store(&clock_fake_now, now);
    atomic_store(&clock_fake_wall, wall);
    atomic_store(&clock_faked, now >= 0);
}

int64_t
clock_now(void)
{
    struct timespec at;

    if (atomic_load_explicit(&clock_faked, memory_order_relaxed))
        return atomic_load(&clock_fake_now);
    clock_gettime(CLOCK_MONOTONIC, &at);
    return (int64_t)at.tv_sec * CLOCK_SECOND + at.tv_nsec;
}

int64_t
clock_wall(void)
{
    struct timespec at;

    if (atomic_load_explicit(&clock_faked, memory_order_relaxed))
        return atomic_load(&clock_fake_wall);
    clock_gettime(CLOCK_REALTIME, &at);
    return (int64_t)at.tv_sec * 1000000 + at.tv_nsec / 1000;
}

static void
clock_pair(char *at, uint32_t value)
{
    at[0] = (char)('0' + value / 10); /* all are below 100 */
    at[1] = (char)('0' + value % 10);
}

/* Days since 1970 to a date, by the civil-from-days method (H. Hinnant, "chrono-
 * compatible low-level date algorithms"): gmtime_r takes a lock and is ten times
 * slower, and every event has three times in it. */
static void
clock_date(char *at, uint32_t days)
{
    uint32_t z = days + 719468, era = z / 146097, doe = z % 146097;
    uint32_t yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    uint32_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100), mp = (5 * doy + 2) / 153;
    uint32_t month = mp < 10 ? mp + 3 : mp - 9, year = yoe + era * 400 + (month <= 2);

    clock_pair(at, year / 100);
    clock_pair(at + 2, year % 100);
    clock_pair(at + 5, month);
    clock_pair(at + 8, doy - (153 * mp + 2) / 5 + 1);
}

/* Seconds of the last texts on this thread.  An event has three times in it: two of
 * now, and one of when its state began, which many checks have in common. */
static _Thread_local struct clock_kept {
    uint64_t second;
    char text[CLOCK_TEXT_SIZE];
} clock_kept[16];

static void
clock_whole(struct clock_kept *kept, uint64_t at)
{
    uint32_t second = (uint32_t)(at % 86400);

    memcpy(kept->text, "0000-00-00T00:00:00.000000Z", 28);
    clock_date(kept->text, (uint32_t)(at / 86400));
    clock_pair(kept->text + 11, second / 3600);
    clock_pair(kept->text + 14, second / 60 % 60);
    clock_pair(kept->text + 17, second % 60);
    kept->second = at;
}

char *
clock_text(int64_t wall, char text[CLOCK_TEXT_SIZE])
{
    const int64_t last = INT64_C(253402300799999999); /* of the year 9999 */
    uint64_t at = wall < 0 ? 0 : (uint64_t)(wall < last ? wall : last);
    uint64_t second = at / 1000000;
    uint32_t us = (uint32_t)(at % 1000000);
    struct clock_kept *kept = &clock_kept[second % 16];

    if (kept->second != second || !kept->text[0])
        clock_whole(kept, second);
    memcpy(text, kept->text, 28);
    clock_pair(text + 20, us / 10000);
    clock_pair(text + 22, us / 100 % 100);
    clock_pair(text + 24, us % 100);
    return text;
}

/* Digits, count of them, as a number; -1: there is something else. */
static int
clock_digits(const char *text, int count)
{
    int value = 0;

    for (int i = 0; i < count; i++) {
        if (text[i] < '0' || text[i] > '9')
            return -1;
        value = value * 10 + text[i] - '0';
    }
    return value;
}

/* Minutes east of UTC; false: it is no zone, or something follows it. */
static bool
clock_zone(const char *text, int *minutes)
{
    int hour, minute;

    *minutes = 0;
    if (*text == 'Z' || *text == 'z')
        return !text[1];
    if ((*text != '+' && *text != '-') || strnlen(text, 7) != 6 || text[3] != ':')
        return false;
    hour = clock_digits(text + 1, 2);
    minute = clock_digits(text + 4, 2);
    *minutes = (*text == '-' ? -1 : 1) * (hour * 60 + minute);
    return hour >= 0 && hour < 24 && minute >= 0 && minute < 60;
}

/* The part up to the whole second, which has CLOCK_WHOLE bytes. */
static bool
clock_fields(const char *text, struct tm *tm)
{
    static const char shape[CLOCK_WHOLE + 1] = "dddd-dd-ddTdd:dd:dd";

    for (int i = 0; shape[i]; i++)
        if (shape[i] == 'd' ? text[i] < '0' || text[i] > '9'
                            : text[i] != shape[i] && !(shape[i] == 'T' && text[i] == 't'))
            return false;
    *tm = (struct tm){ .tm_year = clock_digits(text, 4) - 1900,
                       .tm_mon = clock_digits(text + 5, 2) - 1,
                       .tm_mday = clock_digits(text + 8, 2),
                       .tm_hour = clock_digits(text + 11, 2),
                       .tm_min = clock_digits(text + 14, 2),
                       .tm_sec = clock_digits(text + 17, 2) };
    return tm->tm_year >= 70 && tm->tm_mon >= 0 && tm->tm_mon < 12 && tm->tm_mday > 0
           && tm->tm_mday < 32 && tm->tm_hour < 24 && tm->tm_min < 60 && tm->tm_sec < 61;
}

int64_t
clock_parse(const char *text)
{
    int64_t us = 0, worth = 100000, seconds;
    struct tm tm;
    int minutes;

    if (!clock_fields(text, &tm))
        return -1;
    text += CLOCK_WHOLE;
    if (*text == '.' && clock_digits(++text, 1) < 0)
        return -1;
    for (; clock_digits(text, 1) >= 0; text++, worth /= 10)
        us += worth * (*text - '0');
    if (!clock_zone(text, &minutes))
        return -1;
    seconds = timegm(&tm) - INT64_C(60) * minutes;
    return seconds < 0 ? -1 : seconds * 1000000 + us;
}

int64_t
sonde_now(void)
{
    return clock_now();
}
