/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_unresolved.c - calls a function that no daemon has: refused when it is
 * loaded, not when it is called.
 */
#include "sonde/plugin.h"

enum sonde_state sonde_not_invented_yet(void);

static enum sonde_state
unresolved_run(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self, (void)event;
    return sonde_not_invented_yet();
}

static const struct sonde_probe probe = {
    .name = "unresolved",
    .summary = "calls what does not exist",
    .run = unresolved_run,
};

SONDE_PLUGIN(probe);
