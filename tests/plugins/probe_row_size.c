/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_row_size.c - says that its option rows are shorter than they are, so that
 * whoever believes it reads them askew.
 */
#include "record.h"

struct row_size {
    const char *first, *second;
};

static const struct sonde_option options[] = {
    SONDE_STRING(struct row_size, first, .required = true, .help = "one"),
    SONDE_STRING(struct row_size, second, .fallback = "two", .help = "two"),
    { 0 }
};

static const struct sonde_probe probe = {
    .name = "row-size",
    .summary = "has rows of another size",
    .size = sizeof(struct row_size),
    .options = options,
    .run = record_run,
};

const struct sonde_plugin sonde_plugin = { SONDE_ABI, 1, sizeof(probe),
                                           sizeof(struct sonde_option) - 8, &probe };
