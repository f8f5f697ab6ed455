/* SPDX-License-Identifier: Apache-2.0
 *
 * mockd.c - librdkafka's mock cluster in a process of its own, for errors that no real
 * broker makes on demand.
 *
 *   mockd FIFO [BROKERS]    prints its host:port list, then obeys the lines of FIFO:
 *     topic NAME PARTITIONS
 *     error KEY CODE COUNT  the next COUNT requests of this API key (0: Produce) get CODE
 *     down BROKER, up BROKER
 *     delay BROKER MS       of each answer
 *     quit
 * Each line is answered with "done" on standard output.  It keeps no more than 5 MiB a
 * partition and knows no sequence numbers: a resent record is there twice.
 */
#include <librdkafka/rdkafka.h>
#include <librdkafka/rdkafka_mock.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
obey(rd_kafka_mock_cluster_t *cluster, const char *line)
{
    char topic[250];
    int a, b, c;

    if (sscanf(line, "topic %249s %d", topic, &a) == 2) {
        return rd_kafka_mock_topic_create(cluster, topic, a, 1);
    } else if (sscanf(line, "error %d %d %d", &a, &b, &c) == 3) {
        while (c-- > 0)
            rd_kafka_mock_push_request_errors(cluster, (int16_t)a, 1,
                                              (rd_kafka_resp_err_t)b);
        return 0;
    } else if (sscanf(line, "down %d", &a) == 1) {
        return rd_kafka_mock_broker_set_down(cluster, a);
    } else if (sscanf(line, "up %d", &a) == 1) {
        return rd_kafka_mock_broker_set_up(cluster, a);
    } else if (sscanf(line, "delay %d %d", &a, &b) == 2) {
        return rd_kafka_mock_broker_set_rtt(cluster, a, b);
    }
    return -1;
}

int
main(int argc, char **argv)
{
    char why[512], line[512];
    rd_kafka_t *client;
    rd_kafka_mock_cluster_t *cluster;
    /* Open for writing as well: that a writer has gone is no end. */
    FILE *fifo = argc > 1 ? fopen(argv[1], "r+") : NULL;

    if (!fifo) {
        fprintf(stderr, "usage: mockd FIFO [BROKERS]\n");
        return 2;
    }
    client = rd_kafka_new(RD_KAFKA_PRODUCER, rd_kafka_conf_new(), why, sizeof(why));
    cluster = client ? rd_kafka_mock_cluster_new(client, argc > 2 ? atoi(argv[2]) : 1)
                     : NULL;
    if (!cluster)
        return 1;
    printf("%s\n", rd_kafka_mock_cluster_bootstraps(cluster));
    fflush(stdout);
    while (fgets(line, sizeof(line), fifo) && strcmp(line, "quit\n") != 0) {
        puts(obey(cluster, line) ? "failed" : "done");
        fflush(stdout);
    }
    fclose(fifo);
    rd_kafka_mock_cluster_destroy(cluster);
    rd_kafka_destroy(client);
    return 0;
}
