/* SPDX-License-Identifier: Apache-2.0
 *
 * kafka.c - every event becomes a record of a Kafka topic.
 *
 * An asynchronous sink on the delivery loop.  librdkafka has its own threads and
 * writes to a descriptor when it has something to say; an event counts as delivered
 * when its delivery report says so, never before.  Here are the options and the life
 * of an instance; kafka.h is the map of the rest.
 */
#include "kafka.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

static const struct sonde_option options[] = {
    SONDE_STRING(struct kafka, brokers, .required = true,
                 .help = "where to start from: host:port, or several with commas"),
    SONDE_TEMPLATE(struct kafka, topic, .fallback = "health-alerts",
                   .help = "topic of an event; a template"),
    SONDE_TEMPLATE(
        struct kafka, key, .fallback = "{check}",
        .help = "key of its record, which chooses the partition; a template; empty: "
                "none"),
    SONDE_TEMPLATES(
        struct kafka, headers,
        .help = "more headers, each \"name=value\", where value is a template"),
    SONDE_BOOL(struct kafka, cloudevents, .fallback = "true",
               .help = "add the attributes of CloudEvents 1.0 as ce_ headers"),
    SONDE_CHOICE(struct kafka, compression, .fallback = "none",
                 .choices = kafka_conf_compressions, .help = "of batches of records"),
    SONDE_DURATION(struct kafka, linger, .fallback = "0ms", .max = 900000,
                   .help = "how long a record waits for company"),
    SONDE_STRING(struct kafka, client_id, .fallback = "sonde",
                 .help = "name of this client in the broker's logs and quotas"),
    SONDE_STRINGS(struct kafka, properties, .secret = true,
                  .help = "settings of librdkafka, each \"name=value\"; they come last"),
    SONDE_STRING(struct kafka, format, .fallback = "json",
                 .help = "payload: json, text, or a template"),
    { 0 }
};

static void
kafka_turn(struct sonde_instance *self, void *arg)
{
    struct kafka *kafka = sonde_private(self);

    (void)arg;
    /* A wake-up comes only when the queue was empty; this is for the lost ones. */
    sonde_timer_set(kafka->timer, 1000);
    kafka_report_take(self, 0);
    kafka_health_tick(self);
    kafka_window_tend(self);
}

static void
kafka_ready(struct sonde_instance *self, int fd, unsigned ready, void *arg)
{
    uint64_t count;

    (void)ready;
    if (read(fd, &count, sizeof(count)) == -1 && errno != EAGAIN)
        sonde_log(self, SONDE_ERROR, "eventfd: %s", strerror(errno));
    kafka_turn(self, arg);
}

/* What Kafka allows in the name of a topic; fields are only known with an event. */
static int
kafka_check_topic(struct sonde_instance *self, const char *topic)
{
    bool field = false;

    for (const char *at = topic; *at; at++) {
        if (*at == '{' || *at == '}')
            field = *at == '{';
        else if (!field && !isalnum((unsigned char)*at) && !strchr("._-", *at))
            return sonde_fail(self, "topic",
                              "\"%s\": a topic is made of letters, digits, ., _ and -",
                              topic);
    }
    return 0;
}

static int
kafka_check_header(struct sonde_instance *self, const char *header)
{
    size_t name = strcspn(header, "={");

    if (name && header[name] == '=')
        return 0;
    return sonde_fail(self, "headers", "\"%s\": write name=value", header);
}

static int
kafka_open(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);

    kafka->wake = -1;
    if (kafka_check_topic(self, sonde_template_text(kafka->topic)) == -1)
        return -1;
    for (size_t i = 0; kafka->headers && kafka->headers[i]; i++)
        if (kafka_check_header(self, sonde_template_text(kafka->headers[i])) == -1)
            return -1;
    kafka->conf = kafka_conf_new(self);
    return kafka->conf ? 0 : -1;
}

static int
kafka_start(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);
    char why[256];

    kafka->wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (kafka->wake == -1)
        return sonde_fail(self, NULL, "eventfd: %s", strerror(errno));
    kafka->watch = sonde_watch_new(self, kafka->wake, SONDE_READ, kafka_ready, NULL);
    kafka->timer = sonde_timer_new(self, kafka_turn, NULL);
    if (!kafka->watch)
        return sonde_fail(self, NULL, "the loop takes no more descriptors");
    if (kafka_producer_new(self, false, why, sizeof(why)))
        return sonde_fail(self, NULL, "%s", why);
    return 0;
}

static void
kafka_submit(struct sonde_instance *self, struct sonde_batch *batch)
{
    struct sonde_item *item = NULL;

    while ((item = sonde_next(batch, item)))
        kafka_window_push(sonde_private(self), item);
    kafka_window_tend(self);
}

static void
kafka_stop(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);

    kafka_producer_bury(kafka);
    sonde_watch_free(kafka->watch);
    sonde_timer_free(kafka->timer);
}

static void
kafka_close(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);

    kafka_producer_deinit(kafka);
    kafka_window_deinit(kafka);
    kafka_health_deinit(kafka);
    if (kafka->wake != -1)
        close(kafka->wake);
    if (kafka->conf)
        rd_kafka_conf_destroy(kafka->conf);
}

static const struct sonde_sink sink = {
    .name = "kafka",
    .summary = "records of a Kafka topic",
    .size = sizeof(struct kafka),
    .options = options,
    .open = kafka_open,
    .start = kafka_start,
    .stop = kafka_stop,
    .close = kafka_close,
    .submit = kafka_submit,
    .cancel = kafka_window_cancel,
    .batch = KAFKA_BATCH,
    .in_flight = KAFKA_IN_FLIGHT,
};

SONDE_PLUGIN(sink);
