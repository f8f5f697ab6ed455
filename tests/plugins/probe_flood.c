/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_flood.c - asks to be asked again, from a thread of its own, without end.
 *
 * The answer carries how often it was asked (runs) and how often it called
 * sonde_recheck (calls), so a test sees how the storm was slowed down.
 */
#include "sonde/plugin.h"

#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <time.h>

struct flood {
    int64_t burst;
    pthread_t thread;
    bool running;
    atomic_bool stop;
    atomic_llong calls;
    long long runs;
};

static const struct sonde_option options[] = {
    SONDE_INTEGER(struct flood, burst, .fallback = "1000", .min = 1, .max = 1000000,
                  .help = "calls in a millisecond"),
    { 0 }
};

static void *
flood_thread(void *arg)
{
    struct sonde_instance *self = arg;
    struct flood *flood = sonde_private(self);
    const struct timespec pause = { .tv_nsec = 1000000 };

    while (!atomic_load(&flood->stop)) {
        for (int64_t i = 0; i < flood->burst; i++)
            sonde_recheck(self);
        atomic_fetch_add(&flood->calls, flood->burst);
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static int
flood_start(struct sonde_instance *self)
{
    struct flood *flood = sonde_private(self);
    int error = pthread_create(&flood->thread, NULL, flood_thread, self);

    if (error)
        return sonde_fail(self, NULL, "no thread: %s", strerror(error));
    flood->running = true;
    return 0;
}

static void
flood_stop(struct sonde_instance *self)
{
    struct flood *flood = sonde_private(self);

    atomic_store(&flood->stop, true);
}

static void
flood_close(struct sonde_instance *self)
{
    struct flood *flood = sonde_private(self);

    if (flood->running)
        pthread_join(flood->thread, NULL);
    flood->running = false;
}

static void
flood_begin(struct sonde_instance *self, struct sonde_event *event)
{
    struct flood *flood = sonde_private(self);

    sonde_metric(event, "runs", (double)++flood->runs, "");
    sonde_metric(event, "calls", (double)atomic_load(&flood->calls), "");
    sonde_reason(event, SONDE_OK, "run %lld", flood->runs);
    sonde_done(event, SONDE_UP);
}

static void
flood_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self, (void)event;
}

static const struct sonde_probe probe = {
    .name = "flood",
    .summary = "asks to be asked, all the time",
    .size = sizeof(struct flood),
    .options = options,
    .start = flood_start,
    .stop = flood_stop,
    .close = flood_close,
    .begin = flood_begin,
    .cancel = flood_cancel,
};

SONDE_PLUGIN(probe);
