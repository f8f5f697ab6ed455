/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_elsewhere.c - says that its descriptor is where nothing is.
 */
#include "sonde/plugin.h"

const struct sonde_plugin sonde_plugin = { SONDE_ABI, 1, sizeof(struct sonde_probe),
                                           sizeof(struct sonde_option),
                                           (const void *)64 };
