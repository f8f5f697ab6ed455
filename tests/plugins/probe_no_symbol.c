/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_no_symbol.c - a shared object that exports nothing: no plugin at all.
 */
#include "record.h"

static const struct sonde_probe probe = {
    .name = "no-symbol",
    .summary = "forgot SONDE_PLUGIN",
    .run = record_run,
};

const struct sonde_probe *no_plugin(void);

const struct sonde_probe *
no_plugin(void)
{
    return &probe;
}
