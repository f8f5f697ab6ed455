/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_size_tiny.c - says that its descriptor has eight bytes.
 */
#include "record.h"

static const struct sonde_probe probe = {
    .name = "size-tiny",
    .summary = "has an odd record",
    .run = record_run,
};

const struct sonde_plugin sonde_plugin = { SONDE_ABI, 1, 8, sizeof(struct sonde_option),
                                           &probe };
