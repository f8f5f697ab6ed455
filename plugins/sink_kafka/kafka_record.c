/* SPDX-License-Identifier: Apache-2.0
 *
 * kafka_record.c - an event as a record: topic, key, headers, payload.
 *
 * Headers are the attributes of CloudEvents 1.0 (Kafka binding, binary mode) and
 * those of the option headers.  The payload is copied by librdkafka: a batch can then
 * go back at any moment, whatever a broker's thread is doing.
 */
#include "kafka.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

static void
add(rd_kafka_headers_t *headers, const char *name, const char *value)
{
    rd_kafka_header_add(headers, name, -1, value, -1);
}

/* ce_source is a URI reference: "/sonde/" and the observer, %-encoded. */
static void
add_source(rd_kafka_headers_t *headers, const char *observer)
{
    char text[8 + 3 * 255] = "/sonde/";
    size_t n = strlen(text);

    for (const char *p = observer; *p && n + 4 < sizeof(text); p++) {
        if (isalnum((unsigned char)*p) || strchr("-._~", *p))
            text[n++] = *p;
        else
            n += (size_t)snprintf(text + n, 4, "%%%02X", (unsigned)(unsigned char)*p);
    }
    rd_kafka_header_add(headers, "ce_source", -1, text, (ssize_t)n);
}

static void
add_cloudevents(const struct kafka *kafka, rd_kafka_headers_t *headers,
                const struct sonde_event *event)
{
    char type[32] = "sonde.";

    strncat(type, sonde_text(event, "kind", NULL), sizeof(type) - strlen(type) - 1);
    add(headers, "ce_specversion", "1.0");
    add(headers, "ce_id", sonde_text(event, "id", NULL));
    add_source(headers, sonde_text(event, "observer", NULL));
    add(headers, "ce_type", type);
    add(headers, "ce_subject", sonde_text(event, "check", NULL));
    add(headers, "ce_time", sonde_text(event, "time", NULL));
    add(headers, "content-type",
        !strcmp(kafka->format, "json") ? "application/json"
                                       : "text/plain; charset=utf-8");
}

/* "name={value}": the first = divides. */
static void
add_rendered(struct sonde_instance *self, rd_kafka_headers_t *headers,
             struct sonde_item *item, const struct sonde_template *template)
{
    size_t length;
    const char *text = sonde_render(item, template, &length);
    const char *equals = memchr(text, '=', length);

    if (!equals || equals == text) {
        sonde_log(self, SONDE_WARNING,
                  "a header is written \"name=value\": one is left out");
        return;
    }
    rd_kafka_header_add(headers, text, equals - text, equals + 1,
                        (ssize_t)length - (equals + 1 - text));
}

static rd_kafka_headers_t *
headers_of(struct sonde_instance *self, struct sonde_item *item)
{
    const struct kafka *kafka = sonde_private(self);
    const struct sonde_template *const *more = kafka->headers;
    rd_kafka_headers_t *headers;

    if (!kafka->cloudevents && !(more && *more))
        return NULL;
    headers = rd_kafka_headers_new(8);
    if (kafka->cloudevents)
        add_cloudevents(kafka, headers, sonde_item_event(item));
    for (; more && *more; more++)
        add_rendered(self, headers, item, *more);
    return headers;
}

rd_kafka_resp_err_t
kafka_record_send(struct sonde_instance *self, struct kafka_record *record)
{
    struct kafka *kafka = sonde_private(self);
    struct sonde_item *item = record->item;
    size_t topic_length, key_length, length;
    const char *topic = sonde_render(item, kafka->topic, &topic_length);
    const char *key = sonde_render(item, kafka->key, &key_length);
    const char *payload = sonde_payload(item, &length);
    rd_kafka_topic_t *handle = kafka_producer_topic(kafka, topic, topic_length);
    rd_kafka_headers_t *headers;
    rd_kafka_resp_err_t error;

    if (!handle)
        return RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION;
    headers = headers_of(self, item);
    /* The headers become librdkafka's only where this succeeds. */
    error = rd_kafka_producev(
        kafka->producer.client, RD_KAFKA_V_RKT(handle),
        RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
        RD_KAFKA_V_VALUE((void *)payload, length),
        RD_KAFKA_V_KEY((void *)(key_length ? key : NULL), key_length),
        RD_KAFKA_V_HEADERS(headers), RD_KAFKA_V_OPAQUE(record), RD_KAFKA_V_END);
    if (error && headers)
        rd_kafka_headers_destroy(headers);
    return error;
}
