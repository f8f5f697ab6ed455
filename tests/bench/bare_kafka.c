/* SPDX-License-Identifier: Apache-2.0
 *
 * bare_kafka.c - the limit of the Kafka sink: librdkafka's producer with the settings of
 * the sink, the same bytes, the same key and headers, delivery reports counted.
 *
 *   bare_kafka CPU COUNT RATE BROKERS TOPIC MESSAGE-FILE [NAME=VALUE ...]
 *
 * RATE messages a second, a portion each millisecond, as the daemon's checks come; 0 is
 * as fast as it goes.
 */
#include "bare.h"

#include <librdkafka/rdkafka.h>

static const char *const headers[][2] = {
    { "ce_specversion", "1.0" },
    { "ce_id", "0198f0c4-2f6b-7c3a-9d2e-1f5a6b7c8d9e" },
    { "ce_source", "/sonde/bench" },
    { "ce_type", "sonde.result" },
    { "ce_subject", "ready-0001" },
    { "ce_time", "2026-11-20T15:04:05.123456Z" },
    { "content-type", "application/json" },
};
enum { HEADERS = sizeof(headers) / sizeof(*headers) };

static long delivered, failed;

static void
report(rd_kafka_t *client, const rd_kafka_message_t *message, void *arg)
{
    (void)client, (void)arg;
    delivered += !message->err;
    failed += message->err != 0;
}

static void
set(rd_kafka_conf_t *conf, const char *name, const char *value)
{
    char why[256];

    if (rd_kafka_conf_set(conf, name, value, why, sizeof(why)) == RD_KAFKA_CONF_OK)
        return;
    fprintf(stderr, "%s\n", why);
    exit(1);
}

static rd_kafka_t *
client_of(const char *brokers, char **properties)
{
    rd_kafka_conf_t *conf = rd_kafka_conf_new();
    rd_kafka_t *client;
    char why[256];

    set(conf, "bootstrap.servers", brokers);
    for (; *properties; properties++) {
        char *equals = strchr(*properties, '=');

        if (!equals)
            continue;
        *equals = '\0';
        set(conf, *properties, equals + 1);
    }
    rd_kafka_conf_set_dr_msg_cb(conf, report);
    client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, sizeof(why));
    if (!client) {
        fprintf(stderr, "%s\n", why);
        exit(1);
    }
    return client;
}

/* Metadata first: connecting is not part of the figure. */
static rd_kafka_topic_t *
topic_of(rd_kafka_t *client, const char *name)
{
    rd_kafka_topic_t *topic = rd_kafka_topic_new(client, name, NULL);
    const struct rd_kafka_metadata *metadata = NULL;

    if (!topic || rd_kafka_metadata(client, 0, topic, &metadata, 5000)) {
        fprintf(stderr, "no metadata of topic %s\n", name);
        exit(1);
    }
    rd_kafka_metadata_destroy(metadata);
    return topic;
}

static void
produce(rd_kafka_t *client, rd_kafka_topic_t *topic, char *message, size_t length)
{
    static char key[] = "ready-0001";
    rd_kafka_headers_t *list = rd_kafka_headers_new(HEADERS);
    rd_kafka_resp_err_t error;

    for (int i = 0; i < HEADERS; i++)
        rd_kafka_header_add(list, headers[i][0], -1, headers[i][1], -1);
    do {
        error = rd_kafka_producev(
            client, RD_KAFKA_V_RKT(topic), RD_KAFKA_V_MSGFLAGS(RD_KAFKA_MSG_F_COPY),
            RD_KAFKA_V_VALUE(message, length), RD_KAFKA_V_KEY(key, sizeof(key) - 1),
            RD_KAFKA_V_HEADERS(list), RD_KAFKA_V_END);
        if (error)
            rd_kafka_poll(client, 1);
    } while (error == RD_KAFKA_RESP_ERR__QUEUE_FULL);
}

static size_t
read_file(const char *path, char *bytes, size_t room)
{
    FILE *file = fopen(path, "r");
    size_t length;

    if (!file)
        bare_die(path);
    length = fread(bytes, 1, room, file);
    fclose(file);
    return length;
}

int
main(int argc, char **argv)
{
    static char message[65536];
    size_t length;
    long count, rate;
    rd_kafka_t *client;
    rd_kafka_topic_t *topic;
    struct bare_mark mark;

    if (argc < 7) {
        fprintf(stderr, "usage: bare_kafka CPU COUNT RATE BROKERS TOPIC MESSAGE-FILE "
                        "[NAME=VALUE ...]\n");
        return 2;
    }
    bare_pin(atoi(argv[1]));
    count = atol(argv[2]);
    rate = atol(argv[3]);
    length = read_file(argv[6], message, sizeof(message));
    client = client_of(argv[4], argv + 7);
    topic = topic_of(client, argv[5]);
    mark = bare_mark();
    for (long i = 0; i < count; i++) {
        while (rate && (double)i * 1e9 / (double)rate > (double)(bare_now() - mark.wall))
            usleep(1000);
        if (i % 64 == 0)
            rd_kafka_poll(client, 0);
        produce(client, topic, message, length);
    }
    rd_kafka_flush(client, 20000);
    bare_report(delivered, mark);
    rd_kafka_topic_destroy(topic);
    rd_kafka_destroy(client);
    return failed || delivered != count;
}
