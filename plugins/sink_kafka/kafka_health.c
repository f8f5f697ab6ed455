/* SPDX-License-Identifier: Apache-2.0
 *
 * kafka_health.c - what we believe about the cluster.
 *
 * A delivery proves it well.  "All brokers are down" proves nothing: librdkafka says
 * it too when a broker closes its idle connection.  So whenever nobody seems to be
 * there, and while the cluster is not known to be well, a harmless question
 * (DescribeConfigs) is asked; any answer is one.
 */
#include "kafka.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    PATIENCE = 2000, /* ms for an answer, and until the next question */
    SORE = 60000     /* ms without a failure until one topic counts no more */
};

static const int64_t ms = 1000000;

static void SONDE_PRINTF(3)
    say(struct sonde_instance *self, enum sonde_state state, const char *format, ...)
{
    struct kafka *kafka = sonde_private(self);
    char text[256];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (kafka->health.state == state && !strcmp(kafka->health.text, text))
        return;
    kafka->health.state = state;
    memcpy(kafka->health.text, text, sizeof(text));
    sonde_health(self, state, "%s", text);
}

static void
say_up(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);

    kafka->health.doubt = false;
    kafka->health.proven = true;
    kafka->health.link[0] = '\0';
    if (kafka->health.state != SONDE_UP && !kafka->health.sore)
        say(self, SONDE_UP, "connected to %s", kafka->brokers);
}

static void
say_down(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);

    if (kafka->health.link[0])
        say(self, SONDE_DOWN, "%s", kafka->health.link);
    else
        say(self, SONDE_DOWN, "no broker of %s answers", kafka->brokers);
}

void
kafka_health_delivered(struct sonde_instance *self, const rd_kafka_message_t *message)
{
    struct kafka_health *health = &((struct kafka *)sonde_private(self))->health;

    if (health->state == SONDE_UP && !health->doubt)
        return;
    if (health->sore
        && (!strcmp(health->sore, rd_kafka_topic_name(message->rkt))
            || sonde_now() - health->sore_at > SORE * ms)) {
        free(health->sore);
        health->sore = NULL;
    }
    say_up(self);
}

static const char *
why_refused(rd_kafka_resp_err_t error)
{
    switch ((int)error) {
    case RD_KAFKA_RESP_ERR__UNKNOWN_TOPIC:
    case RD_KAFKA_RESP_ERR__UNKNOWN_PARTITION:
    case RD_KAFKA_RESP_ERR_UNKNOWN_TOPIC_OR_PART:
        return "there is no such topic, and the broker does not create it";
    case RD_KAFKA_RESP_ERR_TOPIC_AUTHORIZATION_FAILED:
        return "we are not allowed to write to it";
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
        return "we are not allowed to be an idempotent producer";
    case RD_KAFKA_RESP_ERR__MSG_TIMED_OUT:
        return "nothing was acknowledged in time";
    }
    return rd_kafka_err2str(error);
}

/* One topic of several says little about the cluster. */
void
kafka_health_refused(struct sonde_instance *self, const char *topic,
                     rd_kafka_resp_err_t error)
{
    struct kafka *kafka = sonde_private(self);
    enum sonde_state state = kafka->producer.count > 1 ? SONDE_DEGRADED : SONDE_DOWN;

    if (kafka->health.state == SONDE_DOWN && error == RD_KAFKA_RESP_ERR__MSG_TIMED_OUT)
        return; /* a better reason is known */
    free(kafka->health.sore);
    kafka->health.sore = strdup(topic);
    kafka->health.sore_at = sonde_now();
    if (kafka->health.state != state)
        say(self, state, "topic %s: %s", topic, why_refused(error));
}

/* What changes from attempt to attempt follows "(after". */
static void
remember(struct kafka_health *health, const char *text)
{
    const char *after = strstr(text, " (after ");
    size_t length = after ? (size_t)(after - text) : strlen(text);

    snprintf(health->link, sizeof(health->link), "%.*s", (int)length, text);
}

void
kafka_health_error(struct sonde_instance *self, rd_kafka_resp_err_t error,
                   const char *text)
{
    struct kafka_health *health = &((struct kafka *)sonde_private(self))->health;

    switch ((int)error) {
    case RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN:
        health->doubt = true;
        break;
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__RESOLVE:
    case RD_KAFKA_RESP_ERR__SSL:
        remember(health, text);
        break;
    case RD_KAFKA_RESP_ERR__AUTHENTICATION:
    case RD_KAFKA_RESP_ERR_SASL_AUTHENTICATION_FAILED:
    case RD_KAFKA_RESP_ERR_CLUSTER_AUTHORIZATION_FAILED:
    case RD_KAFKA_RESP_ERR__FATAL:
        remember(health, text);
        say_down(self);
        break;
    }
}

/* Topics are described by any broker; whether this one exists does not matter. */
static void
ask(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);
    rd_kafka_t *client = kafka->producer.client;
    rd_kafka_ConfigResource_t *what = rd_kafka_ConfigResource_new(RD_KAFKA_RESOURCE_TOPIC,
                                                                  "-");
    rd_kafka_AdminOptions_t *options =
        rd_kafka_AdminOptions_new(client, RD_KAFKA_ADMIN_OP_DESCRIBECONFIGS);
    char why[128];

    rd_kafka_AdminOptions_set_request_timeout(options, PATIENCE, why, sizeof(why));
    rd_kafka_DescribeConfigs(client, &what, 1, options, kafka->producer.queue);
    rd_kafka_AdminOptions_destroy(options);
    rd_kafka_ConfigResource_destroy(what);
    kafka->health.asked = true;
    kafka->health.proven = false;
}

void
kafka_health_answer(struct sonde_instance *self, rd_kafka_event_t *answer)
{
    struct kafka *kafka = sonde_private(self);

    kafka->health.asked = false;
    kafka->health.next = sonde_now() + PATIENCE * ms;
    switch ((int)rd_kafka_event_error(answer)) {
    case RD_KAFKA_RESP_ERR__TIMED_OUT:
    case RD_KAFKA_RESP_ERR_REQUEST_TIMED_OUT:
    case RD_KAFKA_RESP_ERR__TRANSPORT:
    case RD_KAFKA_RESP_ERR__DESTROY:
        if (!kafka->health.proven)
            say_down(self);
        break;
    default:
        say_up(self);
    }
}

void
kafka_health_tick(struct sonde_instance *self)
{
    struct kafka *kafka = sonde_private(self);
    struct kafka_health *health = &kafka->health;

    if (!kafka->producer.client || health->asked || sonde_now() < health->next)
        return;
    if (health->doubt || (health->state != SONDE_UP && !health->sore))
        ask(self);
}

void
kafka_health_deinit(struct kafka *kafka)
{
    free(kafka->health.sore);
    kafka->health.sore = NULL;
}
