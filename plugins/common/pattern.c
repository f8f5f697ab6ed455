/* SPDX-License-Identifier: Apache-2.0
 *
 * pattern.c - PCRE2 with bounds.  See pattern.h.
 *
 * The library's match limit counts anew at each start position, so it does not
 * bound `\d+x` over a megabyte of digits, which is quadratic.  A callout before
 * each item of the pattern looks at the thread's CPU clock now and then: after so many
 * callouts, or sooner where they are far apart in the text.  So between two looks the
 * work is at most linear in the text.
 */
#define PCRE2_CODE_UNIT_WIDTH 8
#include "pattern.h"

#include <pcre2.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum {
    PATTERN_STEPS = 200000, /* from one start position */
    PATTERN_DEPTH = 10000,
    PATTERN_HEAP = 4096,         /* KiB */
    PATTERN_TIME = 20 * 1000000, /* nanoseconds */
    PATTERN_SLICE = 1000000,     /* and one for each byte: most between two looks */
    PATTERN_LOOK = 8,            /* callouts between two looks at the clock, or ... */
    PATTERN_WAY = 65536,         /* bytes gone through, if that is sooner */
};

struct pattern {
    pcre2_code *code;
};

/* One match under way. */
struct pattern_watch {
    unsigned callouts;
    size_t at, way; /* in the text: the last callout, and how far since the last look */
    int64_t last;   /* the clock; 0: it was not read yet */
    int64_t left;   /* nanoseconds */
    int64_t most;   /* that may pass between two looks */
};

static int64_t
pattern_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

/* On a virtual machine the time that its host takes counts as ours: what passes between
 * two looks counts as no more than the work there can take. */
static bool
pattern_spend(struct pattern_watch *watch)
{
    int64_t now = pattern_clock(), passed = watch->last ? now - watch->last : 0;

    watch->last = now;
    watch->left -= passed < watch->most ? passed : watch->most;
    return watch->left > 0;
}

static struct pattern_watch
pattern_watch(size_t length, int64_t left)
{
    return (struct pattern_watch){ .left = left,
                                   .most = PATTERN_SLICE + (int64_t)length };
}

static int
pattern_callout(pcre2_callout_block *block, void *arg)
{
    struct pattern_watch *watch = arg;
    size_t at = block->current_position;

    watch->way += at > watch->at ? at - watch->at : watch->at - at;
    watch->at = at;
    if (++watch->callouts % PATTERN_LOOK && watch->way < PATTERN_WAY)
        return 0;
    watch->way = 0;
    return pattern_spend(watch) ? 0 : PCRE2_ERROR_MATCHLIMIT;
}

struct pattern *
pattern_new(const char *text, char *why, size_t size)
{
    const uint32_t options = PCRE2_AUTO_CALLOUT | PCRE2_NEVER_UTF;
    struct pattern *pattern = calloc(1, sizeof(*pattern));
    PCRE2_UCHAR said[160] = "out of memory";
    int error = 0;
    size_t at = 0;

    if (pattern)
        pattern->code = pcre2_compile((PCRE2_SPTR)text, PCRE2_ZERO_TERMINATED, options,
                                      &error, &at, NULL);
    if (pattern && pattern->code)
        return pattern;
    if (error)
        pcre2_get_error_message(error, said, sizeof(said));
    snprintf(why, size, "not a regular expression: %s, at character %zu",
             (const char *)said, at + 1);
    pattern_free(pattern);
    return NULL;
}

void
pattern_free(struct pattern *pattern)
{
    if (!pattern)
        return;
    pcre2_code_free(pattern->code);
    free(pattern);
}

/* The working memory lives for this match only: the library would keep what the
 * largest text needed, for each pattern. */
static enum pattern_answer
pattern_run(const struct pattern *pattern, const char *bytes, size_t length,
            pcre2_match_data *match, struct pattern_watch *watch)
{
    pcre2_match_context *context = pcre2_match_context_create(NULL);
    int count = PCRE2_ERROR_NOMEMORY;

    if (match && context) {
        pcre2_set_match_limit(context, PATTERN_STEPS);
        pcre2_set_depth_limit(context, PATTERN_DEPTH);
        pcre2_set_heap_limit(context, PATTERN_HEAP);
        pcre2_set_callout(context, pattern_callout, watch);
        count = pcre2_match(pattern->code, (PCRE2_SPTR)bytes, length, 0, 0, match,
                            context);
    }
    pcre2_match_context_free(context);
    if (count >= 0)
        return PATTERN_YES;
    return count == PCRE2_ERROR_NOMATCH ? PATTERN_NO : PATTERN_GAVE_UP;
}

enum pattern_answer
pattern_match(const struct pattern *pattern, const char *bytes, size_t length)
{
    pcre2_match_data *match = pcre2_match_data_create(1, NULL);
    struct pattern_watch watch = pattern_watch(length, PATTERN_TIME);
    enum pattern_answer answer = pattern_run(pattern, bytes, length, match, &watch);

    pcre2_match_data_free(match);
    return answer;
}

/* ---- captures ---- */

/* An entry of the library's table: two bytes of number, the name, NUL. */
static const unsigned char *
pattern_entry(const struct pattern *pattern, unsigned at)
{
    uint32_t count = 0, size = 0;
    PCRE2_SPTR table = NULL;

    pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMECOUNT, &count);
    pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMEENTRYSIZE, &size);
    pcre2_pattern_info(pattern->code, PCRE2_INFO_NAMETABLE, &table);
    return at < count ? table + (size_t)at * size : NULL;
}

const char *
pattern_name(const struct pattern *pattern, unsigned at)
{
    const unsigned char *entry = pattern_entry(pattern, at);

    return entry ? (const char *)entry + 2 : NULL;
}

/* \K can put a start behind its end: such a span is empty. */
static struct pattern_span
pattern_span(const PCRE2_SIZE *pairs, unsigned group)
{
    size_t start = pairs[2 * (size_t)group], end = pairs[2 * (size_t)group + 1];

    if (start == PCRE2_UNSET || start > end)
        return (struct pattern_span){ 0 };
    return (struct pattern_span){ start, end };
}

enum pattern_answer
pattern_find(const struct pattern *pattern, const char *bytes, size_t length,
             struct pattern_span *spans, unsigned count, int64_t *cpu)
{
    pcre2_match_data *match = pcre2_match_data_create_from_pattern(pattern->code, NULL);
    int64_t most = *cpu < PATTERN_TIME ? *cpu : PATTERN_TIME;
    struct pattern_watch watch = pattern_watch(length, most);
    enum pattern_answer answer = pattern_spend(&watch)
                                     ? pattern_run(pattern, bytes, length, match, &watch)
                                     : PATTERN_GAVE_UP;

    pattern_spend(&watch); /* what came behind the last look */
    if (answer == PATTERN_YES) {
        const PCRE2_SIZE *pairs = pcre2_get_ovector_pointer(match);

        spans[0] = (struct pattern_span){ pairs[0], pairs[1] };
        for (unsigned i = 1; i < count; i++) {
            const unsigned char *entry = pattern_entry(pattern, i - 1);
            unsigned group = entry ? (unsigned)entry[0] << 8 | entry[1] : 0;

            spans[i] = entry ? pattern_span(pairs, group) : (struct pattern_span){ 0 };
        }
    }
    pcre2_match_data_free(match);
    *cpu -= most - watch.left;
    return answer;
}
