/* SPDX-License-Identifier: Apache-2.0
 *
 * csv.c - comma-separated values, row by row.  See csv.h.
 */
#include "csv.h"

#include "memory.h"

#include <string.h>

void
csv_init(struct csv *csv, const char *bytes, size_t length)
{
    bool mark = length >= 3 && memcmp(bytes, "\xef\xbb\xbf", 3) == 0;

    *csv = (struct csv){ .at = bytes + (mark ? 3 : 0), .end = bytes + length, .line = 1 };
}

void
csv_deinit(struct csv *csv)
{
    text_deinit(&csv->bytes);
    free(csv->starts);
}

const char *
csv_cell(const struct csv *csv, size_t index)
{
    return csv->bytes.bytes + csv->starts[index];
}

static bool
csv_blank(char byte)
{
    return byte == ' ' || byte == '\t' || byte == '\r';
}

static const char *
csv_line_end(const struct csv *csv)
{
    const char *end = memchr(csv->at, '\n', (size_t)(csv->end - csv->at));

    return end ? end : csv->end;
}

static void
csv_skip_line(struct csv *csv)
{
    csv->at = csv_line_end(csv);
    if (csv->at < csv->end) {
        csv->at++;
        csv->line++;
    }
}

/* Blank lines and comments. */
static void
csv_skip_empty(struct csv *csv)
{
    while (csv->at < csv->end) {
        const char *at = csv->at, *end = csv_line_end(csv);

        while (at < end && csv_blank(*at))
            at++;
        if (at < end && *csv->at != '#')
            return;
        csv_skip_line(csv);
    }
}

static bool
csv_fault(struct csv *csv, const char *why)
{
    csv->why = why;
    return false;
}

static bool
csv_quoted(struct csv *csv)
{
    csv->at++;
    for (;; csv->at++) {
        if (csv->at == csv->end)
            return csv_fault(csv, "a quote that begins in this row is never closed");
        if (*csv->at == '"' && (csv->at + 1 == csv->end || csv->at[1] != '"'))
            break;
        if (*csv->at == '"')
            csv->at++; /* "" is one */
        csv->line += *csv->at == '\n';
        text_add(&csv->bytes, csv->at, 1);
    }
    csv->at++;
    while (csv->at < csv->end && csv_blank(*csv->at))
        csv->at++;
    if (csv->at < csv->end && *csv->at != ',' && *csv->at != '\n')
        return csv_fault(
            csv, "something follows a closing quote; within quotes, a quote is \"\"");
    return true;
}

static bool
csv_bare(struct csv *csv)
{
    const char *begin = csv->at, *end;

    while (csv->at < csv->end && *csv->at != ',' && *csv->at != '\n' && *csv->at != '"')
        csv->at++;
    if (csv->at < csv->end && *csv->at == '"')
        return csv_fault(csv, "a quote within an unquoted cell");
    for (end = csv->at; end > begin && csv_blank(end[-1]); end--)
        ;
    text_add(&csv->bytes, begin, (size_t)(end - begin));
    return true;
}

static bool
csv_is_text(const char *bytes, size_t length)
{
    size_t step;

    for (size_t i = 0; i < length; i += step) {
        step = bytes[i] ? text_utf8(bytes + i, length - i) : 0;
        if (step == 0)
            return false;
    }
    return true;
}

/* One cell, up to the comma or line break behind it. */
static bool
csv_take(struct csv *csv)
{
    size_t start = csv->bytes.length, length;
    bool good;

    if (csv->count == CSV_CELLS)
        return csv_fault(csv, "more than 256 cells in a row");
    if (csv->count == csv->room) {
        csv->room = csv->room ? csv->room * 2 : 16;
        csv->starts = memory_grow(csv->starts, csv->room, sizeof(*csv->starts));
    }
    csv->starts[csv->count++] = start;
    while (csv->at < csv->end && csv_blank(*csv->at))
        csv->at++;
    good = csv->at < csv->end && *csv->at == '"' ? csv_quoted(csv) : csv_bare(csv);
    length = csv->bytes.length - start;
    if (good && length > CSV_CELL)
        good = csv_fault(csv, "a cell is longer than 4 KiB");
    if (good && length && !csv_is_text(csv->bytes.bytes + start, length))
        good = csv_fault(csv, "a cell holds bytes that are not UTF-8 text");
    text_add(&csv->bytes, "", 1);
    return good;
}

enum csv_status
csv_next(struct csv *csv)
{
    csv_skip_empty(csv);
    csv->bytes.length = 0;
    csv->count = 0;
    csv->row = csv->line;
    if (csv->at == csv->end)
        return CSV_END;
    while (csv_take(csv)) {
        if (csv->at == csv->end)
            return CSV_ROW;
        csv->line += *csv->at == '\n';
        if (*csv->at++ == '\n')
            return CSV_ROW;
    }
    csv_skip_line(csv);
    return CSV_FAULT;
}
