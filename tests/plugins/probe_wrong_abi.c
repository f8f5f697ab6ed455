/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_wrong_abi.c - was built for an ABI that this daemon does not speak.
 */
#include "record.h"

static const struct sonde_probe probe = {
    .name = "wrong-abi",
    .summary = "has an odd record",
    .run = record_run,
};

const struct sonde_plugin sonde_plugin = { SONDE_ABI + 6, 1, sizeof(probe),
                                           sizeof(struct sonde_option), &probe };
