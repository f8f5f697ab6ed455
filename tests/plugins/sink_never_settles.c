/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_never_settles.c - takes batches and never says what became of them, until
 * cancel, which gives all of them back untouched.
 */
#include "sonde/plugin.h"

static void
never_submit(struct sonde_instance *self, struct sonde_batch *batch)
{
    struct sonde_item *item = NULL;
    int count = 0;

    while ((item = sonde_next(batch, item)))
        count++;
    sonde_log(self, SONDE_DEBUG, "keeps %d events", count);
}

static void
never_cancel(struct sonde_instance *self)
{
    (void)self;
}

static const struct sonde_sink sink = {
    .name = "never-settles",
    .summary = "keeps what it is given",
    .submit = never_submit,
    .cancel = never_cancel,
    .batch = 16,
    .in_flight = 2,
};

SONDE_PLUGIN(sink);
