/* SPDX-License-Identifier: Apache-2.0
 *
 * kafka_producer.c - the producer: made, watched, replaced, buried; and its topic
 * handles.
 *
 * A producer lives until its instance ends, a fatal error ends it, or records have
 * to be sent one by one.  rd_kafka_destroy joins threads that may hang in a resolver,
 * so a thread of its own does that; one at a time.
 */
#include "kafka.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int
kafka_producer_new(struct sonde_instance *self, bool alone, char *why, size_t size)
{
    struct kafka *kafka = sonde_private(self);
    struct kafka_producer *producer = &kafka->producer;
    rd_kafka_conf_t *conf = rd_kafka_conf_dup(kafka->conf);
    uint64_t one = 1;

    if (alone)
        rd_kafka_conf_set(conf, "batch.num.messages", "1", NULL, 0);
    producer->client = rd_kafka_new(RD_KAFKA_PRODUCER, conf, why, size);
    if (!producer->client) {
        rd_kafka_conf_destroy(conf);
        return -1;
    }
    kafka->health.asked = false;
    producer->alone = alone;
    producer->made = sonde_now();
    rd_kafka_set_log_queue(producer->client, NULL);
    producer->queue = rd_kafka_queue_get_main(producer->client);
    rd_kafka_queue_io_event_enable(producer->queue, kafka->wake, &one, sizeof(one));
    /* What was queued before the line above never wakes us. */
    sonde_timer_set(kafka->timer, 0);
    /* Asks for their partitions before there is anything to send. */
    for (unsigned i = 0; i < producer->count; i++)
        producer->topics[i].handle = rd_kafka_topic_new(producer->client,
                                                        producer->topics[i].name, NULL);
    return 0;
}

static void *
destroy(void *arg)
{
    struct kafka_producer *producer = arg;

    rd_kafka_destroy(producer->dead);
    atomic_store(&producer->buried, true);
    return NULL;
}

static void
join(struct kafka_producer *producer)
{
    if (producer->burying)
        pthread_join(producer->grave, NULL);
    producer->burying = false;
    producer->dead = NULL;
}

/* Everything of the client that is ours goes first, or destroying it never ends. */
static void
undress(struct kafka_producer *producer)
{
    for (unsigned i = 0; i < producer->count; i++) {
        if (producer->topics[i].handle)
            rd_kafka_topic_destroy(producer->topics[i].handle);
        producer->topics[i].handle = NULL;
    }
    rd_kafka_queue_io_event_enable(producer->queue, -1, NULL, 0);
    rd_kafka_queue_destroy(producer->queue);
    producer->queue = NULL;
}

void
kafka_producer_bury(struct kafka *kafka)
{
    struct kafka_producer *producer = &kafka->producer;
    sigset_t all, before;

    if (!producer->client)
        return;
    join(producer);
    undress(producer);
    producer->dead = producer->client;
    producer->client = NULL;
    atomic_store(&producer->buried, false);
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    producer->burying = !pthread_create(&producer->grave, NULL, destroy, producer);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (!producer->burying)
        destroy(producer);
}

bool
kafka_producer_buried(struct kafka *kafka)
{
    struct kafka_producer *producer = &kafka->producer;

    if (producer->burying && atomic_load(&producer->buried))
        join(producer);
    return !producer->burying;
}

void
kafka_producer_deinit(struct kafka *kafka)
{
    struct kafka_producer *producer = &kafka->producer;

    join(producer);
    if (producer->client) {
        undress(producer);
        rd_kafka_destroy(producer->client);
        producer->client = NULL;
    }
    for (unsigned i = 0; i < producer->count; i++)
        free(producer->topics[i].name);
    producer->count = 0;
    producer->last = NULL;
}

/* What a rendered name may be; a label's value decides nothing else in the cluster. */
static bool
is_topic(const char *name, size_t length)
{
    static const char legal[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";

    if (length == 0 || length > 249 || strspn(name, legal) != length)
        return false;
    return strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

static struct kafka_topic *
find(struct kafka_producer *producer, const char *name)
{
    for (unsigned i = 0; i < producer->count; i++) {
        if (!strcmp(producer->topics[i].name, name))
            return &producer->topics[i];
    }
    return NULL;
}

/* A free place, or that of the topic that was not used for longest. */
static struct kafka_topic *
place(struct kafka_producer *producer)
{
    struct kafka_topic *oldest = &producer->topics[0];

    if (producer->count < KAFKA_TOPICS)
        return &producer->topics[producer->count++];
    for (unsigned i = 1; i < producer->count; i++) {
        if (producer->topics[i].used < oldest->used)
            oldest = &producer->topics[i];
    }
    if (oldest->handle)
        rd_kafka_topic_destroy(oldest->handle);
    free(oldest->name);
    return oldest;
}

rd_kafka_topic_t *
kafka_producer_topic(struct kafka *kafka, const char *name, size_t length)
{
    struct kafka_producer *producer = &kafka->producer;
    struct kafka_topic *topic = producer->last;

    if (!topic || strcmp(topic->name, name) != 0) {
        if (!is_topic(name, length))
            return NULL;
        topic = find(producer, name);
        if (!topic) {
            topic = place(producer);
            topic->name = strdup(name);
            if (!topic->name)
                abort();
            topic->handle = NULL;
        }
        producer->last = topic;
    }
    if (!topic->handle)
        topic->handle = rd_kafka_topic_new(producer->client, topic->name, NULL);
    topic->used = ++producer->uses;
    return topic->handle;
}
