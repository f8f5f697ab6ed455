/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_refuse_open.c - open never succeeds.
 *
 * With `option` true it blames the row "value", so that the place in the file is
 * told; else nobody.
 */
#include "sonde/plugin.h"

struct refuse {
    bool option;
    const char *value;
};

static const struct sonde_option options[] = {
    SONDE_BOOL(struct refuse, option, .fallback = "false",
               .help = "blame the option value"),
    SONDE_STRING(struct refuse, value, .fallback = "", .help = "what is blamed"),
    { 0 }
};

static int
refuse_open(struct sonde_instance *self)
{
    const struct refuse *refuse = sonde_private(self);

    return sonde_fail(self, refuse->option ? "value" : NULL, "refused, as it always is");
}

static enum sonde_state
refuse_run(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self;
    sonde_reason(event, SONDE_OTHER, "ran although open had failed");
    return SONDE_DOWN;
}

static const struct sonde_probe probe = {
    .name = "refuse-open",
    .summary = "cannot be opened",
    .size = sizeof(struct refuse),
    .options = options,
    .open = refuse_open,
    .run = refuse_run,
};

SONDE_PLUGIN(probe);
