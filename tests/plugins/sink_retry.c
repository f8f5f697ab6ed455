/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_retry.c - asks for the events of chosen checks again, and writes down the
 * order in which it got them.
 *
 * For each of `checks` the first `times` items are answered with RETRY, every other
 * item with DELIVERED.  A line of `file` is `retry CHECK STATE ID` or `delivered
 * CHECK STATE ID`.  The fates are told one by one: the answer of write, REJECTED,
 * must never count.
 */
#include "sonde/plugin.h"

#include <stdio.h>
#include <string.h>

enum { CHECKS_MOST = 64 };

struct retry {
    const char *const *checks;
    int64_t times;
    const char *file;
    int64_t seen[CHECKS_MOST]; /* items of checks[i] so far, up to times */
};

static const struct sonde_option options[] = {
    SONDE_STRINGS(struct retry, checks, .required = true,
                  .help = "whose events are retried"),
    SONDE_INTEGER(struct retry, times, .fallback = "1", .min = 0, .max = 1000000,
                  .help = "how often"),
    SONDE_STRING(struct retry, file, .required = true,
                 .help = "where the order is written"),
    { 0 }
};

static int
retry_open(struct sonde_instance *self)
{
    const struct retry *retry = sonde_private(self);
    size_t count = 0;

    while (retry->checks[count])
        count++;
    return count > CHECKS_MOST ? sonde_fail(self, "checks", "more than %d", CHECKS_MOST)
                               : 0;
}

static bool
again(struct retry *retry, const char *check)
{
    for (size_t i = 0; retry->checks[i]; i++)
        if (strcmp(retry->checks[i], check) == 0)
            return retry->seen[i] < retry->times && ++retry->seen[i];
    return false;
}

static enum sonde_fate
retry_write(struct sonde_instance *self, struct sonde_batch *batch)
{
    struct retry *retry = sonde_private(self);
    FILE *out = fopen(retry->file, "ae");
    struct sonde_item *item = NULL;

    if (!out)
        return SONDE_RETRY;
    while ((item = sonde_next(batch, item))) {
        const struct sonde_event *event = sonde_item_event(item);
        const char *check = sonde_text(event, "check", NULL);
        bool retried = again(retry, check);

        fprintf(out, "%s %s %s %s\n", retried ? "retry" : "delivered", check,
                sonde_text(event, "state", NULL), sonde_text(event, "id", NULL));
        sonde_settle(item, retried ? SONDE_RETRY : SONDE_DELIVERED,
                     retried ? "later" : NULL);
    }
    fclose(out);
    return SONDE_REJECTED;
}

static const struct sonde_sink sink = {
    .name = "retry",
    .summary = "asks for chosen events again",
    .size = sizeof(struct retry),
    .options = options,
    .open = retry_open,
    .write = retry_write,
};

SONDE_PLUGIN(sink);
