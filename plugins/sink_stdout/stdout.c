/* SPDX-License-Identifier: Apache-2.0
 *
 * stdout.c - one line per event on standard output.  A blocking sink.
 */
#include "sonde/plugin.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

struct out {
    const char *format; /* the core's, here only for its default */
};

static const struct sonde_option options[] = {
    SONDE_STRING(struct out, format, .fallback = "text",
                 .help = "json, text (a readable line), or a text with fields in braces"),
    { 0 }
};

static enum sonde_fate
out_write(struct sonde_instance *self, struct sonde_batch *batch)
{
    struct sonde_item *item = NULL;

    while ((item = sonde_next(batch, item)))
        puts(sonde_payload(item, NULL));
    if (fflush(stdout) == 0)
        return SONDE_DELIVERED;
    sonde_health(self, SONDE_DOWN, "standard output: %s", strerror(errno));
    clearerr(stdout);
    return SONDE_RETRY;
}

static const struct sonde_sink sink = {
    .name = "stdout",
    .summary = "lines on standard output",
    .size = sizeof(struct out),
    .options = options,
    .write = out_write,
};

SONDE_PLUGIN(sink);
