/* SPDX-License-Identifier: Apache-2.0
 *
 * text.h - growing text, and the small questions asked of text: durations,
 * sizes, globs, nearest names, hashes, and making foreign bytes harmless.
 */
#ifndef CORE_TEXT_H
#define CORE_TEXT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed struct text is empty.  bytes ends with NUL once something was added. */
struct text {
    char *bytes;
    size_t length, room;
};

void text_reserve(struct text *text, size_t more);
void text_add(struct text *text, const char *bytes, size_t length);
void text_puts(struct text *text, const char *string);
void text_printf(struct text *text, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void text_vprintf(struct text *text, const char *format, va_list args)
    __attribute__((format(printf, 2, 0)));
void text_deinit(struct text *text);

/* Adds foreign bytes made harmless: control characters (C0, DEL, C1), line and
 * paragraph separators and bidirectional overrides become '?', a run of white space with
 * anything but blanks in it becomes one blank, broken UTF-8 becomes U+FFFD. */
void text_clean(struct text *text, const char *bytes, size_t length);
/* The length of the valid UTF-8 sequence at bytes, 0 if there is none. */
size_t text_utf8(const char *bytes, size_t length);

/* "90s", "1m30s", "500ms", "1.5s", "2h", "1d", "0" in milliseconds; -1 if it is none. */
int64_t text_duration(const char *text);
/* The shortest exact form, as "1m30s". */
char *text_duration_format(int64_t ms, char *buffer, size_t size);
/* "512", "64KiB", "1.5MiB", "1GiB", "10kB", "1MB" in bytes; -1 if it is none. */
int64_t text_size(const char *text);

/* * matches any run, ? one character; no escapes, no sets. */
bool text_glob(const char *pattern, const char *text);

/* The candidate most like word, whatever the case of its letters; NULL where none is near
 * enough to suggest. */
const char *text_nearest(const char *word, const char *const *candidates, size_t count);

uint64_t text_hash(const char *bytes, size_t length); /* FNV-1a, the same for ever */

#endif
