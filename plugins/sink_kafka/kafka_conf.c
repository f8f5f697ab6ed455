/* SPDX-License-Identifier: Apache-2.0
 *
 * kafka_conf.c - options and properties into librdkafka's settings.
 *
 * librdkafka checks names and values itself and says well what is wrong.  Here
 * is what the sink needs set, and what no configuration may touch: settings that
 * run commands or load code, and those that its promise rests on.
 */
#include "kafka.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

const char *const kafka_conf_compressions[] = { "none", "gzip", "snappy",
                                                "lz4",  "zstd", NULL };

struct setting {
    const char *name, *value;
};

/* murmur2 puts a key where Java producers put it.  The window (8 batches of 512)
 * bounds what waits in librdkafka, so its own bounds only have to hold that.  Events
 * are not durable yet: after five minutes they go back to the sink's own queue. */
static const struct setting ours[] = {
    { "enable.idempotence", "true" },
    { "acks", "all" },
    { "partitioner", "murmur2_random" },
    { "message.timeout.ms", "300000" },
    { "queue.buffering.max.messages", "8192" },
    { "queue.buffering.max.kbytes", "65536" },
    { "socket.keepalive.enable", "true" },
    { "socket.nagle.disable", "true" },
    { "reconnect.backoff.max.ms", "2000" },
    { "log.connection.close", "false" },
    { "log.queue", "true" },
    { "enable.metrics.push", "false" },
};

/* A name that ends with a dot or a star stands for all that begin like it. */
static const struct setting denied[] = {
    { "bootstrap.servers", "is what the option brokers says" },
    { "metadata.broker.list", "is what the option brokers says" },
    { "client.id", "is what the option client_id says" },
    { "compression.codec", "is what the option compression says" },
    { "compression.type", "is what the option compression says" },
    { "plugin.library.paths", "would load code into the daemon" },
    { "ssl.engine.*", "would load code into the daemon" },
    { "ssl_engine_*", "would load code into the daemon" },
    { "ssl.providers", "would load code into the daemon" },
    { "sasl.kerberos.kinit.cmd", "would run a command" },
    { "internal.*", "is not for configurations" },
    { "test.*", "is for tests of librdkafka only" },
    { "opaque", "belongs to the sink" },
    { "interceptors", "belongs to the sink" },
    { "default_topic_conf", "belongs to the sink" },
    { "log.queue", "belongs to the sink" },
    { "delivery.report.only.error", "would hide what was delivered" },
    { "enable.idempotence", "is always true: the order of events rests on it" },
    { "enable.gapless.guarantee", "would let one bad record stop the producer" },
    { "acks", "is always all: delivered means that the cluster has it" },
    { "request.required.acks", "is always all: delivered means that the cluster has it" },
    { "retries", "is the sink's: it tries until the event is delivered" },
    { "message.send.max.retries",
      "is the sink's: it tries until the event is delivered" },
    { "transactional.id", "would need transactions, which the sink does not use" },
    { "enable.auto.offset.store", "is for consumers" },
};

static bool
matches(const char *pattern, const char *name)
{
    size_t n = strlen(pattern);

    if (pattern[n - 1] == '*')
        return !strncasecmp(pattern, name, n - 1);
    return !strcasecmp(pattern, name);
}

static const char *
refusal(const char *name)
{
    size_t n = strlen(name);

    for (size_t i = 0; i < sizeof(denied) / sizeof(*denied); i++) {
        if (matches(denied[i].name, name))
            return denied[i].value;
    }
    if (n > 3 && !strcasecmp(name + n - 3, "_cb"))
        return "belongs to the sink";
    return NULL;
}

/* librdkafka's sentences may quote the value. */
static bool
is_secret(const char *name)
{
    static const char *const words[] = { "password", "secret", "key", "jaas", "token" };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (strcasestr(name, words[i]))
            return true;
    }
    return false;
}

static int
set(struct sonde_instance *self, rd_kafka_conf_t *conf, const char *option,
    const char *name, const char *value)
{
    char why[256];
    rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, name, value, why, sizeof(why));

    if (result == RD_KAFKA_CONF_OK)
        return 0;
    if (result == RD_KAFKA_CONF_INVALID && is_secret(name))
        return sonde_fail(self, option, "\"%s\" does not take this value", name);
    return sonde_fail(self, option, "%s", why);
}

static int
set_property(struct sonde_instance *self, rd_kafka_conf_t *conf, const char *property)
{
    char name[128];
    size_t n = strcspn(property, "=");
    const char *value = property + n + 1, *no;

    if (property[n] != '=')
        return sonde_fail(self, "properties", "a property is written \"name=value\"");
    while (n > 0 && isspace((unsigned char)property[n - 1]))
        n--;
    if (n == 0 || n >= sizeof(name))
        return sonde_fail(self, "properties", "a property is written \"name=value\"");
    snprintf(name, sizeof(name), "%.*s", (int)n, property);
    value += strspn(value, " \t");
    no = refusal(name);
    if (no)
        return sonde_fail(self, "properties", "\"%s\" cannot be set: it %s", name, no);
    return set(self, conf, "properties", name, value);
}

/* host:port, [v6]:port, protocol://host:port; the port may be absent. */
static bool
is_broker(const char *text, size_t n)
{
    const char *end = text + n, *colon = NULL;
    long port = 0;

    for (const char *p = text; p < end; p++) {
        if (isspace((unsigned char)*p) || iscntrl((unsigned char)*p))
            return false;
        if (*p == ':')
            colon = p;
        else if (*p == ']' || *p == '/')
            colon = NULL;
    }
    if (!colon)
        return n > 0;
    for (const char *p = colon + 1; p < end && port <= 65535; p++) {
        if (!isdigit((unsigned char)*p))
            return false;
        port = port * 10 + (*p - '0');
    }
    return colon > text && port > 0 && port <= 65535;
}

static int
set_brokers(struct sonde_instance *self, rd_kafka_conf_t *conf, const char *brokers)
{
    const char *p = brokers;

    for (;;) {
        p += strspn(p, " \t");
        size_t n = strcspn(p, ","), used = n;
        while (used > 0 && isspace((unsigned char)p[used - 1]))
            used--;
        if (!is_broker(p, used))
            return sonde_fail(self, "brokers", "\"%.*s\" is no host:port", (int)used, p);
        if (!p[n])
            break;
        p += n + 1;
    }
    return set(self, conf, "brokers", "bootstrap.servers", brokers);
}

static int
set_ours(struct sonde_instance *self, rd_kafka_conf_t *conf)
{
    for (size_t i = 0; i < sizeof(ours) / sizeof(*ours); i++) {
        char why[256];
        rd_kafka_conf_res_t result = rd_kafka_conf_set(conf, ours[i].name, ours[i].value,
                                                       why, sizeof(why));
        if (result == RD_KAFKA_CONF_INVALID)
            return sonde_fail(self, NULL, "%s", why);
        /* A name that this version does not know yet is left at rest. */
    }
    return 0;
}

rd_kafka_conf_t *
kafka_conf_new(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    char linger[32];

    snprintf(linger, sizeof(linger), "%lld", (long long)kafka->linger);
    if (set_ours(self, conf) || set_brokers(self, conf, kafka->brokers)
        || set(self, conf, "client_id", "client.id", kafka->client_id)
        || set(self, conf, "compression", "compression.codec",
               kafka_conf_compressions[kafka->compression])
        || set(self, conf, "linger", "linger.ms", linger))
        goto fail;
    for (const char *const *p = kafka->properties; p && *p; p++) {
        if (set_property(self, conf, *p))
            goto fail;
    }
    rd_kafka_conf_set_events(conf, RD_KAFKA_EVENT_DR | RD_KAFKA_EVENT_ERROR
                                       | RD_KAFKA_EVENT_LOG);
    return conf;
fail:
    rd_kafka_conf_destroy(conf);
    return NULL;
}
