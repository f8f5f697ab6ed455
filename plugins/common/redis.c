/* SPDX-License-Identifier: Apache-2.0
 *
 * redis.c - a batch in one pipeline: commands out, answers back, fates.
 *
 * The rule for a lost connection is short: what has no answer yet is RETRY,
 * health is DOWN, and the next batch connects.  A server that accepts connections
 * but refuses to work is not found again each second: see REDIS_DOUBT.
 */
#include "redis.h"

#include "address.h"
#include "redis_link.h"
#include "redis_tls.h"

#include <stdio.h>
#include <string.h>

/* After the server refused to work, only its work or this much time counts as UP: the
 * core has tried again by then whatever waits. */
#define REDIS_DOUBT (60 * INT64_C(1000000000))

/* Errors that time or somebody else will mend.  The first word decides. */
static const struct redis_class {
    const char *word;
    enum { CLASS_WAIT, CLASS_RECONNECT, CLASS_CLUSTER } class;
} redis_classes[] = {
    { "LOADING", CLASS_WAIT },     { "BUSY", CLASS_WAIT },
    { "TRYAGAIN", CLASS_WAIT },    { "CLUSTERDOWN", CLASS_WAIT },
    { "MASTERDOWN", CLASS_WAIT },  { "OOM", CLASS_WAIT },
    { "NOREPLICAS", CLASS_WAIT },  { "MISCONF", CLASS_WAIT },
    { "NOPERM", CLASS_WAIT },      { "READONLY", CLASS_RECONNECT },
    { "NOAUTH", CLASS_RECONNECT }, { "MOVED", CLASS_CLUSTER },
    { "ASK", CLASS_CLUSTER },      { "CROSSSLOT", CLASS_CLUSTER },
};

/* Before Redis 7 an error inside a script was wrapped:
 * "ERR Error running script (...): @user_script:7: -OOM command not allowed". */
static const char *
redis_inner(const char *text)
{
    const char *inner = strstr(text, ": -");

    return strncmp(text, "ERR Error running script", 24) == 0 && inner ? inner + 3 : text;
}

static const struct redis_class *
redis_class_of(const char *text)
{
    const char *inner = redis_inner(text);
    size_t length = strcspn(inner, " ");

    for (size_t i = 0; i < sizeof(redis_classes) / sizeof(redis_classes[0]); i++)
        if (strlen(redis_classes[i].word) == length
            && memcmp(redis_classes[i].word, inner, length) == 0)
            return &redis_classes[i];
    return NULL;
}

/* Of an error.  true: drop the connection once the batch is through. */
static bool
redis_settle_error(struct redis *redis, struct sonde_item *item)
{
    const char *text = redis->answer.text;
    const struct redis_class *class = redis_class_of(text);

    if (!class) {
        sonde_settle(item, SONDE_REJECTED, text);
        return false;
    }
    if (class->class == CLASS_CLUSTER)
        snprintf(redis->trouble, sizeof(redis->trouble),
                 "a cluster, where this key lives elsewhere; name one server that holds "
                 "all keys (%.100s)",
                 text);
    else
        snprintf(redis->trouble, sizeof(redis->trouble), "%s", text);
    sonde_settle(item, SONDE_RETRY, redis->trouble);
    return class->class == CLASS_RECONNECT;
}

static void
redis_lost(struct sonde_instance *self, const char *why)
{
    struct redis *redis = sonde_private(self);

    redis->up = false;
    sonde_health(self, SONDE_DOWN, "%s: %s", redis->server, why);
    redis_link_drop(redis);
}

/* One by one, since there are others that were not done. */
static void
redis_settle_done(struct redis *redis)
{
    for (unsigned i = 0; i < redis->done_count; i++)
        sonde_settle(redis->done[i], SONDE_DELIVERED, NULL);
}

/* Reads an answer for each of the count items sent.  Good ones are settled together when
 * all are there: a server that trickles keeps them in the queue meanwhile.  Returns how
 * many wait for the script, now at the front of redis->sent, or -1: the connection is
 * lost. */
static int
redis_collect(struct sonde_instance *self, unsigned count, bool *reconnect)
{
    struct redis *redis = sonde_private(self);
    int again = 0;

    for (unsigned i = 0; i < count; i++) {
        struct sonde_item *item = redis->sent[i];
        const char *why = redis_link_read(redis);
        if (!why && redis->answer.type != REDIS_REPLY_INTEGER
            && redis->answer.type != REDIS_REPLY_ERROR)
            why = "an answer of the wrong kind";
        if (why) {
            redis_settle_done(redis);
            redis_lost(self, why);
            return -1;
        }
        if (redis->answer.type == REDIS_REPLY_INTEGER) {
            redis->done[redis->done_count++] = item;
        } else if (strncmp(redis->answer.text, "NOSCRIPT", 8) == 0) {
            redis->sent[again++] = item;
        } else if (redis_settle_error(redis, item)) {
            *reconnect = true;
        }
    }
    return again;
}

static void
redis_found(struct sonde_instance *self)
{
    struct redis *redis = sonde_private(self);

    if (!redis->up)
        sonde_health(self, SONDE_UP, "%s", redis->server);
    redis->up = true;
}

/* How the far side is, after all answers have come. */
static void
redis_conclude(struct sonde_instance *self, bool reconnect)
{
    struct redis *redis = sonde_private(self);

    redis->doubt_until = 0;
    if (redis->trouble[0]) {
        redis->up = false;
        redis->doubt_until = sonde_now() + REDIS_DOUBT;
        sonde_health(self, redis->done_count ? SONDE_DEGRADED : SONDE_DOWN, "%s: %s",
                     redis->server, redis->trouble);
    } else {
        redis_found(self);
    }
    if (reconnect)
        redis_link_drop(redis);
}

static unsigned
redis_send(struct sonde_instance *self, struct sonde_batch *batch, redis_put_fn *put)
{
    struct redis *redis = sonde_private(self);
    struct sonde_item *item = NULL;
    unsigned count = 0;

    while (count < REDIS_BATCH && (item = sonde_next(batch, item)))
        if (put(self, item, false))
            redis->sent[count++] = item;
    return count;
}

static bool
redis_ready(struct sonde_instance *self)
{
    struct redis *redis = sonde_private(self);
    const char *why = redis->context ? redis_link_check(redis) : NULL;

    if (why)
        redis_lost(self, why);
    if (!redis->context && (why = redis_link_connect(redis))) {
        redis_lost(self, why);
        return false;
    }
    return true;
}

/* An empty batch: is the server there?  That it answers a PING does not mean that
 * it takes what it refused a moment ago. */
static enum sonde_fate
redis_look(struct sonde_instance *self)
{
    struct redis *redis = sonde_private(self);
    const char *why = redis_link_ping(redis);

    if (why) {
        redis_lost(self, why);
        return SONDE_RETRY;
    }
    if (sonde_now() >= redis->doubt_until)
        redis_found(self);
    return SONDE_DELIVERED;
}

int
redis_open(struct sonde_instance *self)
{
    struct redis *redis = sonde_private(self);
    struct address_parts to;
    char why[256];

    pthread_mutex_init(&redis->lock, NULL);
    redis->fd = -1;
    if (address_parse(redis->server, &to, why, sizeof(why)) == -1)
        return sonde_fail(self, "server", "%s", why);
    return redis_tls_open(self, to.kind != ADDRESS_UNIX);
}

/* A server that is not there, or not yet as it should be, is no failure: the sink
 * starts, is DOWN, and looks for it once a second. */
int
redis_start(struct sonde_instance *self)
{
    redis_link_allow(sonde_private(self));
    if (redis_ready(self))
        redis_found(self);
    return 0;
}

void
redis_close(struct sonde_instance *self)
{
    struct redis *redis = sonde_private(self);

    redis_link_drop(redis);
    pthread_mutex_destroy(&redis->lock);
}

void
redis_cancel(struct sonde_instance *self)
{
    redis_link_cancel(sonde_private(self));
}

enum sonde_fate
redis_write(struct sonde_instance *self, struct sonde_batch *batch, redis_put_fn *put)
{
    struct redis *redis = sonde_private(self);
    bool reconnect = false;

    redis_link_allow(redis);
    redis->trouble[0] = '\0';
    redis->done_count = 0;
    if (!redis_ready(self))
        return SONDE_RETRY;
    if (!sonde_next(batch, NULL))
        return redis_look(self);
    int again = redis_collect(self, redis_send(self, batch, put), &reconnect);
    if (again > 0) {
        /* The first brings the script itself; the others find it there. */
        unsigned count = 0;
        for (int i = 0; i < again; i++)
            if (put(self, redis->sent[i], i == 0))
                redis->sent[count++] = redis->sent[i];
        again = redis_collect(self, count, &reconnect);
    }
    if (again == 0)
        sonde_settle_rest(batch, SONDE_DELIVERED, NULL); /* for the price of one */
    else if (again > 0)
        redis_settle_done(redis);
    if (again >= 0)
        redis_conclude(self, reconnect);
    return SONDE_RETRY; /* of what is not settled */
}
