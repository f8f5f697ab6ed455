/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_ready.c - answers at once, with as little work as an answer needs: what is left
 * is the core's and the sinks' share.  For the benches; it misbehaves in nothing.
 */
#include "sonde/plugin.h"

static void
ready_begin(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self;
    sonde_timing(event, SONDE_CONNECT, 401);
    sonde_reason(event, SONDE_OK, "connected");
    sonde_done(event, SONDE_UP);
}

static void
ready_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self, (void)event;
}

struct ready {
    int nothing;
};

static const struct sonde_option options[] = { { 0 } };

static const struct sonde_probe probe = {
    .name = "ready",
    .summary = "an answer at once",
    .size = sizeof(struct ready),
    .options = options,
    .begin = ready_begin,
    .cancel = ready_cancel,
};

SONDE_PLUGIN(probe);
