/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_slow.c - a sink that takes its time: a line of `file` for each event, then a
 * pause.
 */
#include "sonde/plugin.h"

#include <stdio.h>
#include <time.h>

struct slow {
    int64_t pause;
    const char *file;
};

static const struct sonde_option options[] = {
    SONDE_DURATION(struct slow, pause, .fallback = "100ms", .min = 1, .max = 3600000,
                   .help = "how long each event takes"),
    SONDE_STRING(struct slow, file, .required = true, .help = "where they are written"),
    { 0 }
};

static enum sonde_fate
slow_write(struct sonde_instance *self, struct sonde_batch *batch)
{
    const struct slow *slow = sonde_private(self);
    const struct timespec pause = { slow->pause / 1000, slow->pause % 1000 * 1000000 };
    struct sonde_item *item = NULL;
    FILE *out;

    while ((item = sonde_next(batch, item))) {
        out = fopen(slow->file, "ae");
        if (!out)
            return SONDE_RETRY;
        fprintf(out, "%s\n", sonde_payload(item, NULL));
        fclose(out);
        nanosleep(&pause, NULL);
        sonde_settle(item, SONDE_DELIVERED, NULL);
    }
    return SONDE_DELIVERED;
}

static const struct sonde_sink sink = {
    .name = "slow",
    .summary = "takes its time for each event",
    .size = sizeof(struct slow),
    .options = options,
    .write = slow_write,
    .batch = 1,
};

SONDE_PLUGIN(sink);
