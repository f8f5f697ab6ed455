/* SPDX-License-Identifier: Apache-2.0
 *
 * text.c - growing text, and the small questions asked of text.
 *
 * All of it works on bytes handed in; nothing here knows where they come from.
 * text_clean is what stands between foreign bytes and a terminal: whatever a
 * target, a peer or a file says goes through it once, where it enters.
 * Not here: JSON (json.c), fields of events (event_field.c).
 */
#include "text.h"

#include "memory.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { LEAST_ROOM = 64, NEAREST_LONGEST = 64 };

/* ---- growing ---- */

void
text_reserve(struct text *text, size_t more)
{
    size_t room = text->room ? text->room : LEAST_ROOM;

    if (text->room - text->length > more)
        return;
    while (room - text->length <= more) {
        if (room > SIZE_MAX / 2) {
            room = SIZE_MAX; /* memory_grow says the rest */
            break;
        }
        room *= 2;
    }
    text->bytes = memory_grow(text->bytes, room, 1);
    text->room = room;
}

void
text_add(struct text *text, const char *bytes, size_t length)
{
    text_reserve(text, length);
    if (length)
        memcpy(text->bytes + text->length, bytes, length);
    text->length += length;
    text->bytes[text->length] = '\0';
}

void
text_puts(struct text *text, const char *string)
{
    text_add(text, string, strlen(string));
}

void
text_vprintf(struct text *text, const char *format, va_list args)
{
    va_list again;
    int length;

    text_reserve(text, 1);
    va_copy(again, args);
    length = vsnprintf(text->bytes + text->length, text->room - text->length, format,
                       args);
    if (length
        < 0) { /* a format or a multibyte text that libc refuses: nothing is added */
        text->bytes[text->length] = '\0';
    } else {
        if ((size_t)length >= text->room - text->length) {
            text_reserve(text, (size_t)length);
            vsnprintf(text->bytes + text->length, (size_t)length + 1, format, again);
        }
        text->length += (size_t)length;
    }
    va_end(again);
}

void
text_printf(struct text *text, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    text_vprintf(text, format, args);
    va_end(args);
}

void
text_deinit(struct text *text)
{
    free(text->bytes);
    *text = (struct text){ 0 };
}

/* ---- foreign bytes ---- */

static bool
continues(unsigned char byte)
{
    return (byte & 0xC0) == 0x80;
}

/* The table of well-formed sequences of the Unicode standard: no surrogates, no
 * overlong forms, nothing past U+10FFFF. */
size_t
text_utf8(const char *bytes, size_t length)
{
    const unsigned char *at = (const unsigned char *)bytes;

    if (length >= 1 && at[0] < 0x80)
        return 1;
    if (length >= 2 && at[0] >= 0xC2 && at[0] <= 0xDF)
        return continues(at[1]) ? 2 : 0;
    if (length >= 3 && (at[0] & 0xF0) == 0xE0) {
        if ((at[0] == 0xE0 && at[1] < 0xA0) || (at[0] == 0xED && at[1] > 0x9F))
            return 0;
        return continues(at[1]) && continues(at[2]) ? 3 : 0;
    }
    if (length >= 4 && at[0] >= 0xF0 && at[0] <= 0xF4) {
        if ((at[0] == 0xF0 && at[1] < 0x90) || (at[0] == 0xF4 && at[1] > 0x8F))
            return 0;
        return continues(at[1]) && continues(at[2]) && continues(at[3]) ? 4 : 0;
    }
    return 0;
}

static bool
is_blank(char byte)
{
    return byte == ' ' || (byte >= '\t' && byte <= '\r');
}

/* What may stand in a line as it is, of the sequence of size bytes at at.  A reader
 * must see what is there: nothing that moves the cursor, ends the line, or shows the
 * text in another order than it has. */
static bool
is_harmless(const char *at, size_t size)
{
    const unsigned char *byte = (const unsigned char *)at;
    unsigned low;

    if (size == 1)
        return byte[0] >= 0x20 && byte[0] != 0x7F;
    if (size == 2)
        return !(byte[0] == 0xC2 && byte[1] < 0xA0)      /* C1 */
               && !(byte[0] == 0xD8 && byte[1] == 0x9C); /* U+061C */
    if (size != 3 || byte[0] != 0xE2 || byte[1] < 0x80 || byte[1] > 0x81)
        return true;
    low = (byte[1] & 1U) << 6 | (byte[2] & 0x3FU); /* of U+20xx */
    return !(low == 0x0E || low == 0x0F || (low >= 0x28 && low <= 0x2E)
             || (low >= 0x66 && low <= 0x69));
}

/* A run of white space stays if it is all blanks, else it is one blank. */
static size_t
clean_blanks(struct text *text, const char *bytes, size_t length)
{
    size_t size = 0;
    bool plain = true;

    for (; size < length && is_blank(bytes[size]); size++)
        plain = plain && bytes[size] == ' ';
    if (plain)
        text_add(text, bytes, size);
    else
        text_add(text, " ", 1);
    return size;
}

void
text_clean(struct text *text, const char *bytes, size_t length)
{
    size_t at = 0, size;

    text_reserve(text, length);
    text->bytes[text->length] = '\0';
    while (at < length) {
        for (size = 0;
             at + size < length && bytes[at + size] > ' ' && bytes[at + size] < 0x7F;)
            size++;
        text_add(text, bytes + at, size);
        at += size;
        if (at == length)
            break;
        if (is_blank(bytes[at])) {
            at += clean_blanks(text, bytes + at, length - at);
            continue;
        }
        size = text_utf8(bytes + at, length - at);
        if (!size)
            text_add(text, "\xEF\xBF\xBD", 3);
        else if (is_harmless(bytes + at, size))
            text_add(text, bytes + at, size);
        else
            text_add(text, "?", 1);
        at += size ? size : 1;
    }
}

/* ---- durations and sizes ---- */

struct unit {
    const char *name;
    int64_t worth;
};

/* A number with at most six decimals, which keeps the products below within 63 bits
 * for every unit we know. */
struct decimal {
    int64_t whole, part, scale;
};

static const char *
decimal_parse(const char *at, struct decimal *number)
{
    *number = (struct decimal){ .scale = 1 };
    if (!isdigit((unsigned char)*at))
        return NULL;
    for (; isdigit((unsigned char)*at); at++)
        if (__builtin_mul_overflow(number->whole, 10, &number->whole)
            || __builtin_add_overflow(number->whole, *at - '0', &number->whole))
            return NULL;
    if (*at != '.')
        return at;
    if (!isdigit((unsigned char)*++at))
        return NULL;
    for (; isdigit((unsigned char)*at); at++) {
        number->part = number->part * 10 + (*at - '0');
        number->scale *= 10;
        if (number->scale > 1000000)
            return NULL;
    }
    return at;
}

/* Adds number times worth, rounded down; false where that is too large. */
static bool
decimal_add(int64_t *sum, const struct decimal *number, int64_t worth)
{
    int64_t product;

    if (__builtin_mul_overflow(number->whole, worth, &product)
        || __builtin_add_overflow(product, number->part * worth / number->scale,
                                  &product))
        return false;
    return !__builtin_add_overflow(*sum, product, sum);
}

static const struct unit duration_units[] = {
    { "d", 86400000 }, { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 },
};
enum { DURATION_UNITS = sizeof(duration_units) / sizeof(*duration_units) };

/* The unit at *at, moved past it; DURATION_UNITS if there is none. */
static size_t
duration_unit(const char **at)
{
    size_t length = 0, i;

    while (isalpha((unsigned char)(*at)[length]))
        length++;
    for (i = 0; i < DURATION_UNITS; i++)
        if (strlen(duration_units[i].name) == length
            && memcmp(duration_units[i].name, *at, length) == 0)
            break;
    *at += length;
    return i;
}

int64_t
text_duration(const char *text)
{
    int64_t sum = 0;
    size_t least = 0; /* units only get smaller: "1m1h" is a slip */

    if (strcmp(text, "0") == 0)
        return 0;
    do {
        struct decimal number;
        text = decimal_parse(text, &number);
        if (!text)
            return -1;
        size_t unit = duration_unit(&text);
        if (unit == DURATION_UNITS || unit < least)
            return -1;
        int64_t worth = duration_units[unit].worth;
        if (number.part * worth % number.scale) /* finer than a millisecond */
            return -1;
        if (!decimal_add(&sum, &number, worth))
            return -1;
        least = unit + 1;
    } while (*text);
    return sum;
}

char *
text_duration_format(int64_t ms, char *buffer, size_t size)
{
    uint64_t left = ms < 0 ? 0 - (uint64_t)ms : (uint64_t)ms;
    char whole[64] = "";
    size_t length = 0;

    if (ms < 0)
        whole[length++] = '-';
    for (size_t i = 0; i < DURATION_UNITS; i++) {
        uint64_t worth = (uint64_t)duration_units[i].worth;
        if (left / worth)
            length += (size_t)snprintf(whole + length, sizeof(whole) - length,
                                       "%" PRIu64 "%s", left / worth,
                                       duration_units[i].name);
        left %= worth;
    }
    snprintf(buffer, size, "%s", length ? whole : "0s");
    return buffer;
}

int64_t
text_size(const char *text)
{
    static const struct unit units[] = {
        { "", 1 },
        { "B", 1 },
        { "kB", 1000 },
        { "MB", 1000000 },
        { "GB", 1000000000 },
        { "TB", INT64_C(1000000000000) },
        { "KiB", 1 << 10 },
        { "MiB", 1 << 20 },
        { "GiB", 1 << 30 },
        { "TiB", INT64_C(1) << 40 },
    };
    struct decimal number;
    int64_t sum = 0;

    text = decimal_parse(text, &number);
    if (!text)
        return -1;
    for (size_t i = 0; i < sizeof(units) / sizeof(*units); i++)
        if (strcmp(text, units[i].name) == 0) {
            if (units[i].worth == 1 && number.scale > 1) /* no part of a byte */
                return -1;
            return decimal_add(&sum, &number, units[i].worth) ? sum : -1;
        }
    return -1;
}

/* ---- names ---- */

static const char *
next_character(const char *at)
{
    size_t size = text_utf8(at, strnlen(at, 4));

    return at + (size ? size : 1);
}

/* Goes back to the last star only: an earlier one cannot help where it did not. */
bool
text_glob(const char *pattern, const char *text)
{
    const char *star = NULL, *resume = NULL;

    while (*text) {
        if (*pattern == '*') {
            star = pattern++;
            resume = text;
        } else if (*pattern == '?') {
            pattern++;
            text = next_character(text);
        } else if (*pattern == *text) {
            pattern++;
            text++;
        } else if (star) {
            pattern = star + 1;
            text = resume = next_character(resume);
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return !*pattern;
}

static unsigned
least_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool
same_letter(char a, char b)
{
    return tolower((unsigned char)a) == tolower((unsigned char)b);
}

/* Damerau-Levenshtein (two neighbours swapped are one step), whatever the case. */
static unsigned
distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][NEAREST_LONGEST + 1], *before = rows[0], *last = rows[1],
                                           *row = rows[2];

    for (unsigned j = 0; j <= b_length; j++)
        last[j] = j;
    for (unsigned i = 1; i <= a_length; i++) {
        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = least_of(least_of(last[j], row[j - 1]) + 1,
                              last[j - 1] + !same_letter(a[i - 1], b[j - 1]));
            if (i > 1 && j > 1 && same_letter(a[i - 1], b[j - 2])
                && same_letter(a[i - 2], b[j - 1]))
                row[j] = least_of(row[j], before[j - 2] + 1);
        }
        unsigned *spare = before;
        before = last;
        last = row;
        row = spare;
    }
    return last[b_length];
}

const char *
text_nearest(const char *word, const char *const *candidates, size_t count)
{
    size_t length = strnlen(word, NEAREST_LONGEST + 1);
    const char *nearest = NULL;
    unsigned best = 0;

    if (length == 0 || length > NEAREST_LONGEST)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = strnlen(candidates[i], NEAREST_LONGEST + 1);
        if (other > NEAREST_LONGEST)
            continue;
        unsigned steps = distance(word, length, candidates[i], other);
        size_t shared = other < length ? other : length;
        bool begins = shared >= 3 && strncmp(word, candidates[i], shared) == 0;
        bool near = steps < length && (steps <= 1 || steps <= length / 3);
        if ((begins || near) && (!nearest || steps < best)) {
            nearest = candidates[i];
            best = steps;
        }
    }
    return nearest;
}

uint64_t
text_hash(const char *bytes, size_t length)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < length; i++)
        hash = (hash ^ (unsigned char)bytes[i]) * UINT64_C(0x100000001b3);
    return hash;
}
