/* SPDX-License-Identifier: Apache-2.0
 *
 * kafka.h - what the files of the Kafka sink share.
 *
 *   kafka.c           the options and the life of an instance
 *   kafka_conf.c      options and properties into librdkafka's settings
 *   kafka_producer.c  the producer: made, watched, replaced, buried
 *   kafka_window.c    what was taken and is not settled: order, re-sending
 *   kafka_record.c    an event as a record: topic, key, headers, payload
 *   kafka_report.c    what librdkafka says: reports, errors, log lines
 *   kafka_health.c    what we believe about the cluster
 */
#ifndef SINK_KAFKA_H
#define SINK_KAFKA_H

#include "sonde/plugin.h"

#include <librdkafka/rdkafka.h>
#include <pthread.h>
#include <stdatomic.h>

enum {
    KAFKA_BATCH = 512,
    KAFKA_IN_FLIGHT = 8,
    KAFKA_TOPICS = 64,   /* handles kept; more are made anew when needed */
    KAFKA_SAID = 16,     /* log lines remembered */
    KAFKA_COLLECT = 2000 /* ms to wait for reports before they are forced */
};

/* Where a record stands.  Only SENT is known to librdkafka. */
enum kafka_place {
    KAFKA_WAITS, /* to be sent, or to be sent again */
    KAFKA_SENT,
    KAFKA_LANDED, /* acknowledged while collecting, behind who knows what */
    KAFKA_FAILED  /* goes back to the core as RETRY */
};

struct kafka_record {
    struct kafka_record *previous, *next; /* in the order of submission */
    struct sonde_item *item;
    enum kafka_place place;
    bool suspect;              /* failed in company: goes alone next */
    rd_kafka_resp_err_t error; /* of FAILED */
};

struct kafka_window {
    struct kafka_record *first, *last;
    struct kafka_record *unsent; /* all from here on WAIT; NULL: nothing */
    struct kafka_record *spare;
    size_t sent, suspects;
    int64_t collecting; /* since then nothing is sent; 0: no */
    bool renew;         /* with a new producer afterwards */
    unsigned renewals;  /* since the last delivery */
};

struct kafka_topic {
    char *name;
    rd_kafka_topic_t *handle;
    uint64_t used;
};

struct kafka_producer {
    rd_kafka_t *client; /* NULL: none for the moment */
    rd_kafka_queue_t *queue;
    struct kafka_topic topics[KAFKA_TOPICS], *last;
    unsigned count;
    uint64_t uses;
    bool alone; /* one record a request */
    int64_t made;
    rd_kafka_t *dead; /* what the grave destroys */
    pthread_t grave;
    bool burying;
    atomic_bool buried;
};

struct kafka_health {
    enum sonde_state state;
    char text[256];
    char *sore; /* the topic that failed last, until it takes something */
    int64_t sore_at;
    char link[192]; /* what the last broken connection said */
    bool asked;     /* a question is out */
    bool doubt;     /* nobody seems to be there */
    bool proven;    /* somebody was, since the question */
    int64_t next;   /* when to ask again */
};

struct kafka {
    const char *brokers, *client_id, *format;
    const struct sonde_template *topic, *key;
    const struct sonde_template *const *headers;
    const char *const *properties;
    bool cloudevents;
    int compression;
    int64_t linger;

    rd_kafka_conf_t *conf; /* checked in open, copied for each producer */
    int wake;
    struct sonde_watch *watch;
    struct sonde_timer *timer;
    struct kafka_producer producer;
    struct kafka_window window;
    struct kafka_health health;
    struct kafka_said {
        uint32_t hash;
        int64_t when;
    } said[KAFKA_SAID];
};

extern const char *const kafka_conf_compressions[];

/* NULL: sonde_fail has said why. */
rd_kafka_conf_t *kafka_conf_new(struct sonde_instance *self);

/* -1: why is filled. */
int kafka_producer_new(struct sonde_instance *self, bool alone, char *why, size_t size);
/* Takes the client off the loop at once; another thread destroys it, which can
 * take as long as a resolver does.  Waits for the funeral before. */
void kafka_producer_bury(struct kafka *kafka);
bool kafka_producer_buried(struct kafka *kafka); /* a new one may be made */
void kafka_producer_deinit(struct kafka *kafka); /* may block */
/* NULL: no such name is possible. */
rd_kafka_topic_t *kafka_producer_topic(struct kafka *kafka, const char *name,
                                       size_t length);

rd_kafka_resp_err_t kafka_record_send(struct sonde_instance *self,
                                      struct kafka_record *record);

void kafka_window_push(struct kafka *kafka, struct sonde_item *item);
void kafka_window_report(struct sonde_instance *self, const rd_kafka_message_t *message);
void kafka_window_collect(struct sonde_instance *self, bool renew);
void kafka_window_tend(struct sonde_instance *self); /* goes on with whatever can */
void kafka_window_cancel(struct sonde_instance *self);
void kafka_window_deinit(struct kafka *kafka);

/* Everything that librdkafka has to say now, or, at first, within some ms. */
void kafka_report_take(struct sonde_instance *self, int wait);
/* Whether much the same was said within a minute; remembers it. */
bool kafka_report_said(struct kafka *kafka, const char *text);

void kafka_health_delivered(struct sonde_instance *self,
                            const rd_kafka_message_t *message);
void kafka_health_refused(struct sonde_instance *self, const char *topic,
                          rd_kafka_resp_err_t error);
void kafka_health_error(struct sonde_instance *self, rd_kafka_resp_err_t error,
                        const char *text);
void kafka_health_answer(struct sonde_instance *self, rd_kafka_event_t *answer);
void kafka_health_tick(struct sonde_instance *self);
void kafka_health_deinit(struct kafka *kafka);

#endif
