/* SPDX-License-Identifier: Apache-2.0
 *
 * steps_text.c - see steps_text.h.  The daemon's own parsers are not a plugin's to call,
 * and these are fewer.
 */
#include "steps_text.h"

#include <ctype.h>
#include <string.h>

enum { TEXT_DIGITS = 9, TEXT_WORD = 64 };

struct text_unit {
    const char *name;
    int64_t worth;
};

/* A number of up to nine digits and one of the units. */
static int64_t
text_amount(const char *text, size_t length, const struct text_unit *units, size_t count)
{
    int64_t number = 0;
    size_t digits = 0;

    while (digits < length && digits < TEXT_DIGITS
           && isdigit((unsigned char)text[digits]))
        number = number * 10 + (text[digits++] - '0');
    if (digits == 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (strlen(units[i].name) == length - digits
            && memcmp(units[i].name, text + digits, length - digits) == 0)
            return number * units[i].worth;
    return -1;
}

int64_t
steps_text_time(const char *text, size_t length)
{
    static const struct text_unit units[] = { { "ms", 1 },
                                              { "s", 1000 },
                                              { "m", 60000 } };

    return text_amount(text, length, units, sizeof(units) / sizeof(*units));
}

int64_t
steps_text_size(const char *text, size_t length)
{
    static const struct text_unit units[] = {
        { "", 1 }, { "B", 1 }, { "KiB", 1 << 10 }, { "MiB", 1 << 20 }
    };

    return text_amount(text, length, units, sizeof(units) / sizeof(*units));
}

static int
text_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int64_t
steps_text_hex(const char *text, char *bytes)
{
    int64_t count = 0;

    for (; *text; text++) {
        if (*text == ' ')
            continue;
        int high = text_digit(text[0]), low = high == -1 ? -1 : text_digit(text[1]);
        if (low == -1)
            return -1;
        bytes[count++] = (char)(high << 4 | low);
        text++;
    }
    return count;
}

/* ---- names ---- */

bool
steps_text_taken(const char *name)
{
    static const char *const taken[] = { "observer", "target",   "addresses", "held",
                                         "received", "tcp_info", "tries" };

    for (size_t i = 0; i < sizeof(taken) / sizeof(*taken); i++)
        if (strcmp(taken[i], name) == 0)
            return true;
    return strncmp(name, "cert_", 5) == 0 || strncmp(name, "tls_", 4) == 0;
}

/* ---- which word was meant ---- */

static unsigned
least_of(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

/* Damerau-Levenshtein: two neighbours swapped are one step. */
static unsigned
text_distance(const char *a, size_t a_length, const char *b, size_t b_length)
{
    unsigned rows[3][TEXT_WORD + 1];

    for (unsigned j = 0; j <= b_length; j++)
        rows[0][j] = j;
    for (unsigned i = 1; i <= a_length; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *last = rows[(i - 1) % 3], *before = rows[(i + 1) % 3];

        row[0] = i;
        for (size_t j = 1; j <= b_length; j++) {
            row[j] = least_of(least_of(last[j], row[j - 1]) + 1,
                              last[j - 1] + (a[i - 1] != b[j - 1]));
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1])
                row[j] = least_of(row[j], before[j - 2] + 1);
        }
    }
    return rows[a_length % 3][b_length];
}

const char *
steps_text_nearest(const char *word, size_t length, const char *const *candidates,
                   size_t count)
{
    const char *nearest = NULL;
    unsigned best = 0;

    if (length > TEXT_WORD)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t other = strlen(candidates[i]), shared = other < length ? other : length;
        unsigned steps;
        bool begins;

        if (other > TEXT_WORD)
            continue;
        steps = text_distance(word, length, candidates[i], other);
        begins = shared >= 3 && memcmp(word, candidates[i], shared) == 0;
        if ((begins || (steps < length && (steps <= 1 || steps <= length / 3)))
            && (!nearest || steps < best)) {
            nearest = candidates[i];
            best = steps;
        }
    }
    return nearest;
}
