/* SPDX-License-Identifier: Apache-2.0
 *
 * source_early.c - a source, which no daemon loads yet.
 */
#include "sonde/plugin.h"

static const struct sonde_source source = {
    .name = "early",
    .summary = "comes too early",
};

SONDE_PLUGIN(source);
