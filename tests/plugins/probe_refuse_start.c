/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_refuse_start.c - start fails `times` times, then succeeds.
 *
 * What it keeps is wiped between two attempts, as it should be, so it counts in
 * `file`: a byte for each start, o for each open and c for each close beside them.
 */
#include "sonde/plugin.h"

#include <stdio.h>

struct refuse {
    int64_t times;
    const char *file;
    int64_t left_over; /* must be 0 whenever open begins */
};

static const struct sonde_option options[] = {
    SONDE_INTEGER(struct refuse, times, .fallback = "2", .min = 0, .max = 1000,
                  .help = "how often start fails"),
    SONDE_STRING(struct refuse, file, .required = true, .help = "where it counts"),
    { 0 }
};

/* Adds a letter to the file; returns how often it is there now. */
static int64_t
note(const struct refuse *refuse, char letter)
{
    FILE *file = fopen(refuse->file, "a+e");
    int64_t count = 0;
    int at;

    if (!file)
        return 0;
    fputc(letter, file);
    rewind(file);
    while ((at = fgetc(file)) != EOF)
        count += at == letter;
    fclose(file);
    return count;
}

static int
refuse_open(struct sonde_instance *self)
{
    struct refuse *refuse = sonde_private(self);

    note(refuse, refuse->left_over ? '!' : 'o');
    refuse->left_over = 1;
    return 0;
}

static int
refuse_start(struct sonde_instance *self)
{
    const struct refuse *refuse = sonde_private(self);

    if (note(refuse, 's') <= refuse->times)
        return sonde_fail(self, NULL, "not yet");
    return 0;
}

static void
refuse_close(struct sonde_instance *self)
{
    note(sonde_private(self), 'c');
}

static enum sonde_state
refuse_run(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self;
    sonde_reason(event, SONDE_OK, "started at last");
    return SONDE_UP;
}

static const struct sonde_probe probe = {
    .name = "refuse-start",
    .summary = "starts at the third attempt or so",
    .size = sizeof(struct refuse),
    .options = options,
    .open = refuse_open,
    .start = refuse_start,
    .close = refuse_close,
    .run = refuse_run,
};

SONDE_PLUGIN(probe);
