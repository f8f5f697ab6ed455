/* SPDX-License-Identifier: Apache-2.0
 *
 * option_limits.c - limits in words, and whether two filled structs are the same.
 * See option_limits.h and option.h.
 */
#include "option_limits.h"

#include "option.h"
#include "template.h"
#include "text.h"

#include <inttypes.h>
#include <string.h>

bool
option_limits_ok(const struct sonde_option *row, int64_t value)
{
    if (row->min == 0 && row->max == 0)
        return true;
    return value >= row->min && (row->max < row->min || value <= row->max);
}

static const char *
option_size_text(int64_t bytes, struct arena *memory)
{
    static const char *const units[] = { "", "KiB", "MiB", "GiB", "TiB" };
    size_t unit = 0;

    while (bytes >= 1024 && bytes % 1024 == 0 && unit < 4) {
        bytes /= 1024;
        unit++;
    }
    return arena_format(memory, "%" PRId64 "%s", bytes, units[unit]);
}

static const char *
option_limit_text(const struct sonde_option *row, int64_t limit, struct arena *memory)
{
    char duration[64];

    if (row->kind == SONDE_KIND_SIZE)
        return option_size_text(limit, memory);
    if (row->kind == SONDE_KIND_DURATION)
        return arena_text(memory,
                          text_duration_format(limit, duration, sizeof(duration)));
    return arena_format(memory, "%" PRId64, limit);
}

const char *
option_limits(const struct sonde_option *row, struct arena *memory)
{
    const char *min = option_limit_text(row, row->min, memory);

    if (row->max < row->min)
        return arena_format(memory, "at least %s", min);
    return arena_format(memory, "from %s to %s", min,
                        option_limit_text(row, row->max, memory));
}

/* ---- the same? ---- */

static bool
option_same_text(const char *a, const char *b)
{
    return a == b || (a && b && strcmp(a, b) == 0);
}

static bool
option_same_template(const struct sonde_template *a, const struct sonde_template *b)
{
    return option_same_text(a ? sonde_template_text(a) : NULL,
                            b ? sonde_template_text(b) : NULL);
}

static bool
option_same_texts(const char *const *a, const char *const *b)
{
    if (!a || !b)
        return a == b;
    while (*a && *b && strcmp(*a, *b) == 0) {
        a++;
        b++;
    }
    return !*a && !*b;
}

static bool
option_same_templates(const struct sonde_template *const *a,
                      const struct sonde_template *const *b)
{
    if (!a || !b)
        return a == b;
    while (*a && *b && option_same_template(*a, *b)) {
        a++;
        b++;
    }
    return !*a && !*b;
}

static bool
option_same(const char *a, const char *b, enum sonde_kind kind)
{
    switch (kind) {
    case SONDE_KIND_STRING:
        return option_same_text(*(const char *const *)(const void *)a,
                                *(const char *const *)(const void *)b);
    case SONDE_KIND_STRINGS:
        return option_same_texts(*(const char *const *const *)(const void *)a,
                                 *(const char *const *const *)(const void *)b);
    case SONDE_KIND_BOOL:
        return *(const bool *)a == *(const bool *)b;
    case SONDE_KIND_INTEGER:
    case SONDE_KIND_DURATION:
    case SONDE_KIND_SIZE:
        return memcmp(a, b, sizeof(int64_t)) == 0;
    case SONDE_KIND_REAL:
        return memcmp(a, b, sizeof(double)) == 0;
    case SONDE_KIND_CHOICE:
        return memcmp(a, b, sizeof(int)) == 0;
    case SONDE_KIND_TEMPLATE:
        return option_same_template(
            *(const struct sonde_template *const *)(const void *)a,
            *(const struct sonde_template *const *)(const void *)b);
    case SONDE_KIND_TEMPLATES:
        return option_same_templates(
            *(const struct sonde_template *const *const *)(const void *)a,
            *(const struct sonde_template *const *const *)(const void *)b);
    case SONDE_KIND_END:
        break;
    }
    return false;
}

bool
option_equal(const void *a, const void *b, const struct sonde_option *rows)
{
    for (const struct sonde_option *row = rows; row->kind != SONDE_KIND_END; row++) {
        if (!option_same((const char *)a + row->offset, (const char *)b + row->offset,
                         row->kind))
            return false;
    }
    return true;
}
