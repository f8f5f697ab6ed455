/* SPDX-License-Identifier: Apache-2.0
 *
 * json.c - the pieces of JSON text.
 *
 * Strings are copied in runs: eight bytes are looked at together, since hardly
 * any text of ours has something to escape.  json_put_* write at a place that the
 * caller has made large enough; json_* add to a text and make it grow.
 */
#include "json.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PORTION = 256 };

static const char digit_pairs[] = "00010203040506070809101112131415161718192021222324"
                                  "25262728293031323334353637383940414243444546474849"
                                  "50515253545556575859606162636465666768697071727374"
                                  "75767778798081828384858687888990919293949596979899";

/* Whether one of eight bytes is a control character, a quote, a backslash, or not
 * ASCII.  Each term leaves its high bit set in such a byte; a borrow may mark the byte
 * above one that is rightly marked, which does no harm. */
static bool
has_special(const char *bytes)
{
    const uint64_t ones = UINT64_C(0x0101010101010101), high = ones << 7;
    uint64_t eight, quote, slash;

    memcpy(&eight, bytes, sizeof(eight));
    quote = eight ^ (ones * '"');
    slash = eight ^ (ones * '\\');
    return ((eight | (eight - ones * 0x20) | (quote - ones) | (slash - ones)) & high)
           != 0;
}

static size_t
plain_run(const char *bytes, size_t length)
{
    size_t at = 0;

    while (length - at >= 8 && !has_special(bytes + at))
        at += 8;
    while (at < length && (unsigned char)bytes[at] >= 0x20
           && (unsigned char)bytes[at] < 0x80 && bytes[at] != '"' && bytes[at] != '\\')
        at++;
    return at;
}

static char *
put_control(char *at, unsigned char byte)
{
    static const char hex[] = "0123456789abcdef";
    char letter = byte == '\n'   ? 'n'
                  : byte == '\t' ? 't'
                  : byte == '\r' ? 'r'
                  : byte == '"'  ? '"'
                  : byte == '\\' ? '\\'
                                 : '\0';

    *at++ = '\\';
    if (letter) {
        *at++ = letter;
        return at;
    }
    memcpy(at, "u00", 3);
    at[3] = hex[byte >> 4];
    at[4] = hex[byte & 15];
    return at + 5;
}

char *
json_put_escaped(char *at, const char *bytes, size_t length)
{
    while (length) {
        size_t size = plain_run(bytes, length);
        memcpy(at, bytes, size);
        at += size;
        bytes += size;
        length -= size;
        if (!length)
            break;
        size = 1;
        if ((unsigned char)*bytes < 0x80) {
            at = put_control(at, (unsigned char)*bytes);
        } else if ((size = text_utf8(bytes, length)) != 0) {
            memcpy(at, bytes, size);
            at += size;
        } else {
            memcpy(at, "\xEF\xBF\xBD", 3);
            at += 3;
            size = 1;
        }
        bytes += size;
        length -= size;
    }
    return at;
}

char *
json_put_integer(char *at, int64_t value)
{
    uint64_t left = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    char digits[20];
    size_t first = sizeof(digits);

    while (left >= 100) {
        memcpy(digits + (first -= 2), digit_pairs + left % 100 * 2, 2);
        left /= 100;
    }
    if (left >= 10)
        memcpy(digits + (first -= 2), digit_pairs + left * 2, 2);
    else
        digits[--first] = (char)('0' + left);
    if (value < 0)
        *at++ = '-';
    memcpy(at, digits + first, sizeof(digits) - first);
    return at + (sizeof(digits) - first);
}

/* Most values are whole, and many need few digits; the rest takes all seventeen.  The
 * daemon never leaves the C locale, so the point is a point. */
char *
json_put_number(char *at, double value)
{
    int length = 0;

    if (!isfinite(value)) {
        memcpy(at, "null", 4);
        return at + 4;
    }
    if (fabs(value) < 1e15 && value == (double)(int64_t)value)
        return json_put_integer(at, (int64_t)value);
    for (int digits = 15; digits <= 17; digits++) {
        length = snprintf(at, JSON_NUMBER_SIZE, "%.*g", digits, value);
        if (strtod(at, NULL) == value)
            break;
    }
    return at + length;
}

void
json_escape(struct text *out, const char *bytes, size_t length)
{
    text_add(out, "", 0);
    while (length) { /* in portions, so as not to reserve six times a long text */
        size_t part = length < PORTION ? length : PORTION;
        for (int i = 0;
             i < 3 && part < length && ((unsigned char)bytes[part] & 0xC0) == 0x80; i++)
            part--; /* not within a character */
        text_reserve(out, JSON_ESCAPED_SIZE(part));
        char *end = json_put_escaped(out->bytes + out->length, bytes, part);
        *end = '\0';
        out->length = (size_t)(end - out->bytes);
        bytes += part;
        length -= part;
    }
}

void
json_string(struct text *out, const char *bytes, size_t length)
{
    text_add(out, "\"", 1);
    json_escape(out, bytes, length);
    text_add(out, "\"", 1);
}

void
json_integer(struct text *out, int64_t value)
{
    char digits[JSON_NUMBER_SIZE];

    text_add(out, digits, (size_t)(json_put_integer(digits, value) - digits));
}

void
json_number(struct text *out, double value)
{
    char digits[JSON_NUMBER_SIZE];

    text_add(out, digits, (size_t)(json_put_number(digits, value) - digits));
}
