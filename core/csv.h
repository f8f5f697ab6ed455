/* SPDX-License-Identifier: Apache-2.0
 *
 * csv.h - comma-separated values, row by row (RFC 4180).
 *
 * Tolerates a byte order mark, CRLF, blanks around unquoted cells; skips blank
 * lines and lines that begin with #.  What the cells mean is the caller's business.
 */
#ifndef CORE_CSV_H
#define CORE_CSV_H

#include "text.h"

enum {
    CSV_CELL = 4096, /* bytes; a longer cell is a fault */
    CSV_CELLS = 256  /* in a row; likewise more of them */
};

enum csv_status {
    CSV_END,
    CSV_ROW,
    CSV_FAULT /* why says what; the next call goes on behind the line */
};

struct csv {
    const char *at, *end;
    unsigned line; /* of at */
    unsigned row;  /* the line where the row began */
    size_t count;  /* its cells */
    const char *why;

    struct text bytes; /* of the cells, each with a NUL */
    size_t *starts;
    size_t room;
};

void csv_init(struct csv *csv, const char *bytes, size_t length);
void csv_deinit(struct csv *csv);
enum csv_status csv_next(struct csv *csv);
/* Text, always: valid UTF-8 without a NUL.  Until the next csv_next. */
const char *csv_cell(const struct csv *csv, size_t index);

#endif
