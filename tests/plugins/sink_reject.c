/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_reject.c - rejects the events of chosen checks, of all where none is named,
 * and delivers the others.
 */
#include "sonde/plugin.h"

#include <string.h>

struct reject {
    const char *const *checks;
};

static const struct sonde_option options[] = {
    SONDE_STRINGS(struct reject, checks, .help = "whose events are rejected; none: all"),
    { 0 }
};

static bool
unwanted(const struct reject *reject, const char *check)
{
    if (!reject->checks || !reject->checks[0])
        return true;
    for (size_t i = 0; reject->checks[i]; i++)
        if (strcmp(reject->checks[i], check) == 0)
            return true;
    return false;
}

static enum sonde_fate
reject_write(struct sonde_instance *self, struct sonde_batch *batch)
{
    const struct reject *reject = sonde_private(self);
    struct sonde_item *item = NULL;

    while ((item = sonde_next(batch, item)))
        if (unwanted(reject, sonde_text(sonde_item_event(item), "check", NULL)))
            sonde_settle(item, SONDE_REJECTED, "not wanted here");
    return SONDE_DELIVERED;
}

static const struct sonde_sink sink = {
    .name = "reject",
    .summary = "does not want what it is given",
    .size = sizeof(struct reject),
    .options = options,
    .write = reject_write,
};

SONDE_PLUGIN(sink);
