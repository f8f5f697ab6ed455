/* SPDX-License-Identifier: Apache-2.0
 *
 * kafka_window.c - what was taken and is not settled: order, re-sending.
 *
 * While all is well a record is sent as it comes and settled by its report; one
 * key goes to one partition, where the idempotent producer keeps the order.  After a
 * failure nothing is sent until every record has been reported (collecting).  Then
 * one pass in the order of submission decides: an event that was acknowledged behind
 * an unsettled one of its check goes again, or the older one would have the last
 * word.  A record that failed in company (one bad record fails its whole request) is
 * suspect and goes again through a producer that sends one record a request; only
 * what fails there is rejected.  A producer with a fatal error is replaced.
 */
#include "kafka.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MANY = 3 }; /* renewals without a delivery before all goes back to the core */

static const int64_t ms = 1000000;

static const char *
check_of(const struct kafka_record *record)
{
    return sonde_text(sonde_item_event(record->item), "check", NULL);
}

void
kafka_window_push(struct kafka *kafka, struct sonde_item *item)
{
    struct kafka_window *window = &kafka->window;
    struct kafka_record *record = window->spare;

    if (record)
        window->spare = record->next;
    else
        record = malloc(sizeof(*record));
    if (!record)
        abort();
    *record = (struct kafka_record){ .item = item, .previous = window->last };
    *(window->last ? &window->last->next : &window->first) = record;
    window->last = record;
    if (!window->unsent)
        window->unsent = record;
}

static void
forget(struct kafka_window *window, struct kafka_record *record)
{
    if (window->unsent == record)
        window->unsent = record->next;
    *(record->previous ? &record->previous->next : &window->first) = record->next;
    *(record->next ? &record->next->previous : &window->last) = record->previous;
    window->suspects -= record->suspect;
    record->next = window->spare;
    window->spare = record;
}

static void
settle(struct kafka *kafka, struct kafka_record *record, enum sonde_fate fate,
       const char *why)
{
    struct sonde_item *item = record->item;

    forget(&kafka->window, record);
    sonde_settle(item, fate, why);
}

static void
give_back(struct kafka *kafka, struct kafka_record *record)
{
    settle(kafka, record, SONDE_RETRY,
           record->error ? rd_kafka_err2str(record->error)
                         : "an earlier event of this check has to go first");
}

/* ---- what an error means ---- */

/* The record itself is at fault, or another one of its request. */
static bool
blames_record(rd_kafka_resp_err_t error)
{
    switch ((int)error) {
    case RD_KAFKA_RESP_ERR_INVALID_MSG:
    case RD_KAFKA_RESP_ERR_INVALID_MSG_SIZE:
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
    case RD_KAFKA_RESP_ERR_RECORD_LIST_TOO_LARGE:
    case RD_KAFKA_RESP_ERR_INVALID_TIMESTAMP:
    case RD_KAFKA_RESP_ERR_INVALID_RECORD:
        return true;
    }
    return false;
}

/* Nobody's fault: the producer ended, or we purged it. */
static bool
blames_producer(const struct kafka *kafka, rd_kafka_resp_err_t error)
{
    char why[8];

    switch ((int)error) {
    case RD_KAFKA_RESP_ERR__PURGE_QUEUE:
    case RD_KAFKA_RESP_ERR__PURGE_INFLIGHT:
    case RD_KAFKA_RESP_ERR__FATAL:
    case RD_KAFKA_RESP_ERR__DESTROY:
    case RD_KAFKA_RESP_ERR_OUT_OF_ORDER_SEQUENCE_NUMBER:
    case RD_KAFKA_RESP_ERR_DUPLICATE_SEQUENCE_NUMBER:
    case RD_KAFKA_RESP_ERR_INVALID_PRODUCER_EPOCH:
    case RD_KAFKA_RESP_ERR_UNKNOWN_PRODUCER_ID:
        return true;
    }
    return rd_kafka_fatal_error(kafka->producer.client, why, sizeof(why)) != 0;
}

static const char *
why_rejected(rd_kafka_resp_err_t error)
{
    switch ((int)error) {
    case RD_KAFKA_RESP_ERR_MSG_SIZE_TOO_LARGE:
        return "larger than Kafka takes (message.max.bytes, or max.message.bytes of the "
               "topic)";
    case RD_KAFKA_RESP_ERR_TOPIC_EXCEPTION:
        return "no topic can have this name";
    case RD_KAFKA_RESP_ERR__QUEUE_FULL:
        return "larger than queue.buffering.max.kbytes";
    }
    return rd_kafka_err2str(error);
}

/* ---- sending ---- */

/* librdkafka refuses the record at once: what its topic lacks is no fault of the
 * others, but later events of its check may not overtake it. */
static void
refuse(struct sonde_instance *self, struct kafka_record *record,
       rd_kafka_resp_err_t error)
{
    struct kafka *kafka = sonde_private(self);
    struct kafka_record *r, *previous;

    if (blames_record(error) || error == RD_KAFKA_RESP_ERR__QUEUE_FULL) {
        settle(kafka, record, SONDE_REJECTED, why_rejected(error));
        return;
    }
    kafka_health_refused(self, sonde_render(record->item, kafka->topic, NULL), error);
    record->error = error;
    for (r = kafka->window.last; r != record; r = previous) {
        previous = r->previous;
        if (!strcmp(check_of(r), check_of(record)))
            give_back(kafka, r);
    }
    give_back(kafka, record);
}

static void
send_unsent(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);
    struct kafka_window *window = &kafka->window;

    while (window->unsent) {
        struct kafka_record *record = window->unsent;
        rd_kafka_resp_err_t error = kafka_record_send(self, record);

        if (!error) {
            record->place = KAFKA_SENT;
            window->unsent = record->next;
            window->sent++;
        } else if (error == RD_KAFKA_RESP_ERR__QUEUE_FULL && window->sent > 0) {
            return; /* the next report makes room */
        } else if (error == RD_KAFKA_RESP_ERR__FATAL) {
            kafka_window_collect(self, true);
            return;
        } else {
            refuse(self, record, error);
        }
    }
}

/* ---- reports ---- */

static void
report_failure(struct sonde_instance *self, struct kafka_record *record,
               const rd_kafka_message_t *message)
{
    struct kafka *kafka = sonde_private(self);

    record->place = KAFKA_WAITS;
    if (blames_producer(kafka, message->err)) {
        kafka_window_collect(self, false);
    } else if (!blames_record(message->err)) {
        record->place = KAFKA_FAILED;
        record->error = message->err;
        kafka_health_refused(self, rd_kafka_topic_name(message->rkt), message->err);
        kafka_window_collect(self, false);
    } else if (kafka->producer.alone) {
        kafka->window.renewals = 0;
        settle(kafka, record, SONDE_REJECTED, why_rejected(message->err));
    } else {
        record->suspect = true;
        kafka->window.suspects++;
        kafka_window_collect(self, true);
    }
}

void
kafka_window_report(struct sonde_instance *self, const rd_kafka_message_t *message)
{
    struct kafka *kafka = sonde_private(self);
    struct kafka_record *record = message->_private;

    kafka->window.sent--;
    if (message->err) {
        report_failure(self, record, message);
    } else {
        kafka->window.renewals = 0;
        kafka_health_delivered(self, message);
        if (kafka->window.collecting)
            record->place = KAFKA_LANDED;
        else
            settle(kafka, record, SONDE_DELIVERED, NULL);
    }
}

/* ---- collecting ---- */

void
kafka_window_collect(struct sonde_instance *self, bool renew)
{
    struct kafka *kafka = sonde_private(self);

    if (!kafka->window.collecting)
        kafka->window.collecting = sonde_now();
    kafka->window.renew |= renew;
    sonde_timer_set(kafka->timer, 0);
}

/* A check of which something is still to be delivered. */
struct seen {
    const char *check;
    bool failed;
};

static struct seen *
look_up(struct seen *table, size_t mask, const char *check)
{
    size_t hash = 5381;

    for (const char *p = check; *p; p++)
        hash = hash * 33 + (unsigned char)*p;
    while (table[hash & mask].check && strcmp(table[hash & mask].check, check) != 0)
        hash++;
    return &table[hash & mask];
}

static void
judge(struct kafka_record *record, struct seen *table, size_t mask, bool all)
{
    struct seen *seen = look_up(table, mask, check_of(record));

    if (!seen->check && record->place == KAFKA_LANDED)
        return;
    seen->check = check_of(record);
    if (record->place == KAFKA_SENT)
        return;
    if (record->place == KAFKA_LANDED)
        record->place = KAFKA_WAITS;
    if (all && !record->error)
        record->error = RD_KAFKA_RESP_ERR__FATAL;
    if (all || seen->failed)
        record->place = KAFKA_FAILED;
    seen->failed = record->place == KAFKA_FAILED;
}

/* The newest goes first: back at the head of its lane each stands before the one
 * that went back before it. */
static void
settle_judged(struct kafka *kafka)
{
    struct kafka_record *record, *previous;

    for (record = kafka->window.last; record; record = previous) {
        previous = record->previous;
        if (record->place == KAFKA_LANDED)
            settle(kafka, record, SONDE_DELIVERED, NULL);
        else if (record->place == KAFKA_FAILED)
            give_back(kafka, record);
    }
}

static void
sort_out(struct kafka *kafka, bool all)
{
    struct kafka_window *window = &kafka->window;
    struct seen *table;
    size_t count = 0, size = 16;

    for (const struct kafka_record *r = window->first; r; r = r->next)
        count++;
    while (size < count * 2)
        size *= 2;
    table = calloc(size, sizeof(*table));
    if (!table)
        abort();
    for (struct kafka_record *r = window->first; r; r = r->next)
        judge(r, table, size - 1, all);
    settle_judged(kafka);
    free(table);
    window->unsent = window->first;
}

static void
purge(struct kafka *kafka)
{
    rd_kafka_purge(kafka->producer.client, RD_KAFKA_PURGE_F_QUEUE
                                               | RD_KAFKA_PURGE_F_INFLIGHT
                                               | RD_KAFKA_PURGE_F_NON_BLOCKING);
}

/* Reports that do not come are forced: what was on its way may then arrive twice. */
static bool
collected(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);
    struct kafka_window *window = &kafka->window;
    char why[8];

    if (window->sent > 0) {
        if (sonde_now() - window->collecting > KAFKA_COLLECT * ms) {
            window->collecting = sonde_now();
            window->renew = true;
            purge(kafka);
        }
        return false;
    }
    if (rd_kafka_fatal_error(kafka->producer.client, why, sizeof(why)))
        window->renew = true;
    sort_out(kafka, window->renewals >= MANY);
    if (window->renew)
        kafka_producer_bury(kafka);
    window->renew = false;
    window->collecting = 0;
    return true;
}

/* A cluster that ends every producer gets a new one a second. */
static bool
revive(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);
    struct kafka_window *window = &kafka->window;
    char why[256];

    if (!kafka_producer_buried(kafka))
        return false;
    if (window->renewals > 1 && sonde_now() - kafka->producer.made < 1000 * ms)
        return false;
    window->renewals++;
    if (kafka_producer_new(self, window->suspects > 0, why, sizeof(why))) {
        kafka->producer.made = sonde_now();
        kafka_health_error(self, RD_KAFKA_RESP_ERR__FATAL, why);
        return false;
    }
    return true;
}

void
kafka_window_tend(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);

    if ((kafka->window.collecting && !collected(self))
        || (!kafka->producer.client && !revive(self)))
        sonde_timer_set(kafka->timer, 10);
    else if (kafka->producer.alone && !kafka->window.suspects)
        kafka_window_collect(self, true);
    else
        send_unsent(self);
}

/* What is reported within 50 ms still counts; the rest, and the producer that may
 * yet deliver some of it, is forgotten. */
void
kafka_window_cancel(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);
    struct kafka_window *window = &kafka->window;
    int64_t end = sonde_now() + 50 * ms;

    if (window->sent > 0) {
        kafka_window_collect(self, true);
        purge(kafka);
        while (window->sent > 0 && sonde_now() < end)
            kafka_report_take(self, 5);
    }
    sort_out(kafka, false);
    while (window->first)
        forget(window, window->first);
    if (window->renew)
        kafka_producer_bury(kafka);
    window->sent = 0;
    window->collecting = 0;
    window->renew = false;
}

void
kafka_window_deinit(struct kafka *kafka)
{
    struct kafka_record *record;

    while ((record = kafka->window.first))
        forget(&kafka->window, record);
    while ((record = kafka->window.spare)) {
        kafka->window.spare = record->next;
        free(record);
    }
}
