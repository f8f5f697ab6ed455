/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_flip.c - a probe that is UP and DOWN in turn, `flips` times, then stays as it
 * is: changes on demand, for tests of what happens to them.
 */
#include "sonde/plugin.h"

struct flip {
    int64_t flips, after;
    int64_t done, began;
};

static const struct sonde_option options[] = {
    SONDE_INTEGER(struct flip, flips, .fallback = "1000000000", .min = 1, .max = -1,
                  .help = "changes until it stays as it is"),
    SONDE_DURATION(struct flip, after, .fallback = "0",
                   .help = "nothing is known until then, so that the far sides are ready"),
    { 0 }
};

static void
flip_begin(struct sonde_instance *self, struct sonde_event *event)
{
    struct flip *flip = sonde_private(self);

    if (!flip->began)
        flip->began = sonde_now();
    if (sonde_now() - flip->began < flip->after * 1000000) {
        sonde_done(event, SONDE_UNKNOWN);
        return;
    }
    if (flip->done < flip->flips)
        flip->done++;
    sonde_reason(event, flip->done % 2 ? SONDE_OK : SONDE_OTHER, "flip %d", (int)flip->done);
    sonde_certain(event);
    sonde_done(event, flip->done % 2 ? SONDE_UP : SONDE_DOWN);
}

static void
flip_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self, (void)event;
}

static const struct sonde_probe probe = {
    .name = "flip",
    .summary = "UP and DOWN in turn",
    .size = sizeof(struct flip),
    .options = options,
    .begin = flip_begin,
    .cancel = flip_cancel,
};

SONDE_PLUGIN(probe);
