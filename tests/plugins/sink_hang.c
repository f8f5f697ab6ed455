/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_hang.c - a write that takes `seconds`, heeds no cancel, and delivers then.
 */
#include "sonde/plugin.h"

#include <time.h>

struct hang {
    int64_t seconds;
};

static const struct sonde_option options[] = {
    SONDE_INTEGER(struct hang, seconds, .fallback = "3600", .min = 0, .max = 86400,
                  .help = "how long a batch takes"),
    { 0 }
};

static enum sonde_fate
hang_write(struct sonde_instance *self, struct sonde_batch *batch)
{
    const struct hang *hang = sonde_private(self);
    struct timespec left = { .tv_sec = hang->seconds };

    if (!sonde_next(batch, NULL))
        return SONDE_DELIVERED; /* only asked whether the far side is there */
    while (nanosleep(&left, &left) == -1)
        ;
    return SONDE_DELIVERED;
}

static const struct sonde_sink sink = {
    .name = "hang",
    .summary = "takes its time",
    .size = sizeof(struct hang),
    .options = options,
    .write = hang_write,
};

SONDE_PLUGIN(sink);
