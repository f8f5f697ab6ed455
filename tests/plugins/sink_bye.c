/* SPDX-License-Identifier: Apache-2.0
 *
 * sink_bye.c - a sink that tells its health from a thread of its own until close joins it.
 */
#include "sonde/plugin.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

struct bye {
    pthread_t thread;
    bool running;
    atomic_bool stop;
};

static void *
bye_thread(void *arg)
{
    struct sonde_instance *self = arg;
    struct bye *bye = sonde_private(self);
    const struct timespec pause = { .tv_nsec = 1000000 };

    for (int i = 0; !atomic_load(&bye->stop); i++) {
        sonde_health(self, i % 2 ? SONDE_UP : SONDE_DOWN, "it comes and goes");
        nanosleep(&pause, NULL);
    }
    return NULL;
}

static int
bye_start(struct sonde_instance *self)
{
    struct bye *bye = sonde_private(self);

    if (pthread_create(&bye->thread, NULL, bye_thread, self) != 0)
        return sonde_fail(self, NULL, "no thread");
    bye->running = true;
    return 0;
}

static void
bye_close(struct sonde_instance *self)
{
    const struct timespec while_it_speaks = { .tv_nsec = 50000000 };
    struct bye *bye = sonde_private(self);

    if (!bye->running)
        return;
    nanosleep(&while_it_speaks, NULL);
    atomic_store(&bye->stop, true);
    pthread_join(bye->thread, NULL);
    bye->running = false;
}

static enum sonde_fate
bye_write(struct sonde_instance *self, struct sonde_batch *batch)
{
    (void)self, (void)batch;
    return SONDE_DELIVERED;
}

static const struct sonde_sink sink = {
    .name = "bye",
    .summary = "speaks until it is closed",
    .size = sizeof(struct bye),
    .start = bye_start,
    .close = bye_close,
    .write = bye_write,
};

SONDE_PLUGIN(sink);
