/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_double.c - answers one question twice, in the same breath.
 *
 * The second answer must change nothing and end nothing: it says DOWN where the
 * first said UP.
 */
#include "sonde/plugin.h"

static void
double_begin(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self;
    sonde_reason(event, SONDE_OK, "the first answer");
    sonde_done(event, SONDE_UP);
    sonde_done(event, SONDE_DOWN);
}

static void
double_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self, (void)event;
}

static const struct sonde_probe probe = {
    .name = "double",
    .summary = "answers twice",
    .begin = double_begin,
    .cancel = double_cancel,
};

SONDE_PLUGIN(probe);
