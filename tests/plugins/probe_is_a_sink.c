/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_is_a_sink.c - a sink in a file that promises a probe.
 */
#include "sonde/plugin.h"

static enum sonde_fate
sink_write(struct sonde_instance *self, struct sonde_batch *batch)
{
    (void)self, (void)batch;
    return SONDE_DELIVERED;
}

static const struct sonde_sink sink = {
    .name = "is-a-sink",
    .summary = "is in the wrong file",
    .write = sink_write,
};

SONDE_PLUGIN(sink);
