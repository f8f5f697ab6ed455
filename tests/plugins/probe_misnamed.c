/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_misnamed.c - is called otherwise than its file.
 */
#include "record.h"

static const struct sonde_probe probe = {
    .name = "other",
    .summary = "has an odd record",
    .run = record_run,
};

const struct sonde_plugin sonde_plugin = { SONDE_ABI, 1, sizeof(probe),
                                           sizeof(struct sonde_option), &probe };
