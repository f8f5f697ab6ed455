/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_older.c - built with an older header: its descriptor ends before batch and
 * in_flight.  It must load.
 */
#include "sonde/plugin.h"

struct older_sink {
    const char *name, *summary;
    size_t size;
    const struct sonde_option *options;
    int (*open)(struct sonde_instance *self);
    int (*start)(struct sonde_instance *self);
    void (*stop)(struct sonde_instance *self);
    void (*close)(struct sonde_instance *self);
    enum sonde_fate (*write)(struct sonde_instance *self, struct sonde_batch *batch);
    void (*submit)(struct sonde_instance *self, struct sonde_batch *batch);
    void (*cancel)(struct sonde_instance *self);
};

static enum sonde_fate
older_write(struct sonde_instance *self, struct sonde_batch *batch)
{
    (void)self, (void)batch;
    return SONDE_DELIVERED;
}

static const struct older_sink sink = {
    .name = "older",
    .summary = "built with an older header",
    .write = older_write,
};

const struct sonde_plugin sonde_plugin = { SONDE_ABI, 3, sizeof(sink),
                                           sizeof(struct sonde_option), &sink };
