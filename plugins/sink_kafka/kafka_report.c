/* SPDX-License-Identifier: Apache-2.0
 *
 * kafka_report.c - what librdkafka says: delivery reports, errors, log lines.
 *
 * All of it comes through one queue, on the loop; librdkafka calls nothing of ours.
 * It repeats a line at each attempt to connect: the same one is logged once a minute.
 */
#include "kafka.h"

#include <ctype.h>
#include <string.h>

static const int64_t minute = INT64_C(60) * 1000000000;

/* Numbers differ from one repetition to the next, and so does what follows "(after". */
static uint32_t
hash(const char *text)
{
    uint32_t h = 2166136261u;

    for (const char *p = text; *p && strncmp(p, " (after ", 8) != 0; p++) {
        if (!isdigit((unsigned char)*p))
            h = (h ^ (unsigned char)*p) * 16777619u;
    }
    return h;
}

bool
kafka_report_said(struct kafka *kafka, const char *text)
{
    uint32_t h = hash(text);
    int64_t now = sonde_now();
    struct kafka_said *said = kafka->said, *oldest = said;

    for (unsigned i = 0; i < KAFKA_SAID; i++, said++) {
        if (said->when && said->hash == h && now - said->when < minute)
            return true;
        if (said->when < oldest->when)
            oldest = said;
    }
    *oldest = (struct kafka_said){ .hash = h, .when = now };
    return false;
}

static void
take_log(struct sonde_instance *self, rd_kafka_event_t *event)
{
    const char *facility, *text;
    enum sonde_level level = SONDE_DEBUG;
    int syslog;

    if (rd_kafka_event_log(event, &facility, &text, &syslog)
        || kafka_report_said(sonde_private(self), text))
        return;
    if (syslog <= 4)
        level = SONDE_WARNING;
    else if (syslog <= 6)
        level = SONDE_INFO;
    sonde_log(self, level, "librdkafka: %s: %s", facility, text);
}

static void
take_error(struct sonde_instance *self, rd_kafka_event_t *event)
{
    struct kafka *kafka = sonde_private(self);
    const char *text = rd_kafka_event_error_string(event);

    if (rd_kafka_event_error_is_fatal(event)) {
        sonde_log(self, SONDE_WARNING,
                  "the producer is made anew after a fatal error, %zu events may be sent"
                  " again: %s",
                  kafka->window.sent, text);
        kafka_window_collect(self, true);
        return;
    }
    kafka_health_error(self, rd_kafka_event_error(event), text);
    if (!kafka_report_said(kafka, text))
        sonde_log(self, SONDE_DEBUG, "%s", text);
}

static void
take_reports(struct sonde_instance *self, rd_kafka_event_t *event)
{
    const rd_kafka_message_t *message;

    while ((message = rd_kafka_event_message_next(event)))
        kafka_window_report(self, message);
}

void
kafka_report_take(struct sonde_instance *self, int wait)
{
    struct kafka *kafka = sonde_private(self);
    rd_kafka_event_t *event;

    while (kafka->producer.client
           && (event = rd_kafka_queue_poll(kafka->producer.queue, wait))) {
        switch (rd_kafka_event_type(event)) {
        case RD_KAFKA_EVENT_DR:
            take_reports(self, event);
            break;
        case RD_KAFKA_EVENT_ERROR:
            take_error(self, event);
            break;
        case RD_KAFKA_EVENT_LOG:
            take_log(self, event);
            break;
        case RD_KAFKA_EVENT_DESCRIBECONFIGS_RESULT:
            kafka_health_answer(self, event);
            break;
        }
        rd_kafka_event_destroy(event);
        wait = 0;
    }
}
