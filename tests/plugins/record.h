/* SPDX-License-Identifier: Apache-2.0
 *
 * record.h - what the plugins with an odd record share: a probe that is UP.  What
 * is odd about each is told in its own file; they call nothing of the daemon, so
 * that any program can load them.
 */
#ifndef TESTS_RECORD_H
#define TESTS_RECORD_H

#include "sonde/plugin.h"

static inline enum sonde_state
record_run(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self, (void)event;
    return SONDE_UP;
}

#endif
