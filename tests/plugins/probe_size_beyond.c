/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_size_beyond.c - says that its descriptor reaches far beyond its file.
 */
#include "record.h"

static const struct sonde_probe probe = {
    .name = "size-beyond",
    .summary = "has an odd record",
    .run = record_run,
};

const struct sonde_plugin sonde_plugin = { SONDE_ABI, 1, (size_t)1 << 40,
                                           sizeof(struct sonde_option), &probe };
