/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_newer_row.c - built with a newer header, whose descriptor and option rows are
 * longer. It sets a field that is new in a row, and must be refused.
 */
#include "record.h"

struct newer_option {
    struct sonde_option known;
    int64_t later;
};

struct newer_probe {
    struct sonde_probe known;
    void *later[3];
};

struct newer {
    int64_t limit;
};

static const struct newer_option options[] = {
    { .known = { .name = "limit",
                 .kind = SONDE_KIND_INTEGER,
                 .offset = offsetof(struct newer, limit),
                 .fallback = "3",
                 .help = "something" },
      .later = 7 },
    { .known = { 0 } }
};

static const struct newer_probe probe = {
    .known = { .name = "newer-row",
               .summary = "built with a newer header",
               .size = sizeof(struct newer),
               .options = (const struct sonde_option *)options,
               .run = record_run },
    .later = { NULL, NULL, NULL },
};

const struct sonde_plugin sonde_plugin = { SONDE_ABI, 1, sizeof(probe),
                                           sizeof(struct newer_option), &probe };
