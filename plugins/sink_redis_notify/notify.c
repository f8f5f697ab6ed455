/* SPDX-License-Identifier: Apache-2.0
 *
 * notify.c - each event as a message on a Redis channel.
 *
 * A channel keeps nothing: DELIVERED means that the server took the message,
 * were it for nobody.  What must be found later belongs into redis-store.
 */
#include "../common/redis.h"

#include <string.h>

struct notify {
    struct redis redis; /* first: see there */
    const struct sonde_template *channel;
};

static const struct sonde_option options[] = {
    REDIS_OPTIONS,
    SONDE_TEMPLATE(struct notify, channel, .fallback = "health-status",
                   .help = "channel to publish on"),
    { 0 }
};

static bool
notify_put(struct sonde_instance *self, struct sonde_item *item, bool whole)
{
    struct notify *notify = sonde_private(self);
    const char *argv[3] = { "PUBLISH" };
    size_t length[3] = { strlen("PUBLISH") };

    (void)whole; /* it has no script */
    argv[1] = sonde_render(item, notify->channel, &length[1]);
    argv[2] = sonde_payload(item, &length[2]);
    redis_append(&notify->redis, 3, argv, length);
    return true;
}

static enum sonde_fate
notify_write(struct sonde_instance *self, struct sonde_batch *batch)
{
    return redis_write(self, batch, notify_put);
}

static const struct sonde_sink sink = {
    .name = "redis-notify",
    .summary = "messages on a Redis channel",
    .size = sizeof(struct notify),
    .options = options,
    .open = redis_open,
    .start = redis_start,
    .close = redis_close,
    .write = notify_write,
    .cancel = redis_cancel,
    .batch = REDIS_BATCH,
};

_Static_assert(offsetof(struct notify, redis) == 0, "REDIS_OPTIONS count from the start");

SONDE_PLUGIN(sink);
