/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_hang.c - a blocking run that does not come back in time.
 *
 * It sleeps `seconds` past its deadline, heeds no cancel, and then answers UP:
 * an answer that must be thrown away.  With `file` it leaves a line there when it
 * begins and one when it returns.
 */
#include "sonde/plugin.h"

#include <stdio.h>
#include <time.h>

struct hang {
    int64_t seconds;
    const char *file;
};

static const struct sonde_option options[] = {
    SONDE_INTEGER(struct hang, seconds, .fallback = "1", .min = 0, .max = 3600,
                  .help = "how long it stays past the deadline"),
    SONDE_STRING(struct hang, file, .help = "where begin and end leave a line"),
    { 0 }
};

static void
note(const struct hang *hang, const char *what)
{
    FILE *out = hang->file ? fopen(hang->file, "ae") : NULL;

    if (!out)
        return;
    fprintf(out, "%s\n", what);
    fclose(out);
}

static enum sonde_state
hang_run(struct sonde_instance *self, struct sonde_event *event)
{
    const struct hang *hang = sonde_private(self);
    int64_t ms = sonde_time_left(self) + hang->seconds * 1000;
    struct timespec left = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

    note(hang, "begins");
    while (nanosleep(&left, &left) == -1)
        ;
    note(hang, "returns");
    sonde_reason(event, SONDE_OK, "came back late");
    return SONDE_UP;
}

static const struct sonde_probe probe = {
    .name = "hang",
    .summary = "comes back too late",
    .size = sizeof(struct hang),
    .options = options,
    .run = hang_run,
};

SONDE_PLUGIN(probe);
