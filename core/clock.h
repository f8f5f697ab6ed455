/* SPDX-License-Identifier: Apache-2.0
 *
 * clock.h - the two clocks, both replaceable by a test.
 *
 * Everything that waits or measures uses clock_now (monotonic); the wall clock
 * is only ever written into events and logs.
 */
#ifndef CORE_CLOCK_H
#define CORE_CLOCK_H

#include <stddef.h>
#include <stdint.h>

#define CLOCK_MS INT64_C(1000000)      /* nanoseconds */
#define CLOCK_SECOND INT64_C(1000000000)

enum { CLOCK_TEXT_SIZE = 32 };

int64_t clock_now(void);  /* monotonic nanoseconds */
int64_t clock_wall(void); /* microseconds since 1970, UTC */

/* RFC 3339 with microseconds, as in "2026-11-20T15:04:05.123456Z"; always 27
 * bytes and a NUL.  Returns text. */
char *clock_text(int64_t wall, char text[CLOCK_TEXT_SIZE]);
/* An RFC 3339 time of the years 1970 to 9999, in microseconds since 1970, what is finer
 * left out; -1 if it is none. */
int64_t clock_parse(const char *text);

/* Tests only: from now on both clocks stand still at these values; a negative
 * now gives the real ones back. */
void clock_fake(int64_t now, int64_t wall);

#endif
