/* SPDX-License-Identifier: Apache-2.0
 *
 * redis.h - a connection to one Redis server, for blocking sinks.
 *
 * Blocking and pipelined, on the sink's own worker: redis_write sends a command
 * for each item of a batch, then reads their answers and settles them.  A lost
 * server is told as health, and the next batch connects anew.
 * Not here: which command an event becomes (the sinks), pauses between attempts
 * (the core), cluster and sentinel.
 */
#ifndef PLUGINS_COMMON_REDIS_H
#define PLUGINS_COMMON_REDIS_H

#include <sonde/plugin.h>

#include <hiredis/hiredis.h>
#include <pthread.h>

enum { REDIS_BATCH = 512, REDIS_TEXT = 256 };

/* What the server answered; text is cut to fit. */
struct redis_answer {
    int type; /* REDIS_REPLY_...; 0 is none of those that we ask for */
    long long integer;
    char text[REDIS_TEXT];
};

/* The first member of a sink's private struct: the rows of REDIS_OPTIONS count
 * their offsets from here. */
struct redis {
    const char *server, *user, *password;
    int64_t db, connect_timeout, timeout;
    bool tls;
    const char *ca, *cert, *key_file, *sni;

    const char *script; /* loaded after each connect; NULL = none */
    char digest[41];    /* its name at the server */

    pthread_mutex_t lock; /* of fd and cancelled, which redis_cancel sees */
    int fd;               /* of the connection or the attempt; -1 = none */
    bool cancelled;
    bool up;               /* told last; false at first */
    int64_t doubt_until;   /* it refused to work: an answer alone is not UP */
    int64_t deadline;      /* of an attempt to connect */
    redisContext *context; /* NULL = not connected */
    char *out;             /* commands that wait to be sent */
    size_t out_length, out_room;
    struct redis_answer answer; /* the last one */
    char why[REDIS_TEXT + 64];  /* what failed last */
    char trouble[REDIS_TEXT];   /* why a RETRY was answered in this batch */
    struct sonde_item *sent[REDIS_BATCH];
    struct sonde_item *done[REDIS_BATCH]; /* answered well, not settled yet */
    unsigned done_count;
};

#define REDIS_OPTIONS                                                                    \
    SONDE_STRING(struct redis, server, .required = true,                                 \
                 .help = "host:port, [v6]:port or unix:/path"),                          \
        SONDE_STRING(struct redis, user, .help = "ACL user (Redis 6 or newer)"),         \
        SONDE_STRING(struct redis, password, .secret = true, .help = "its password"),    \
        SONDE_INTEGER(struct redis, db, .fallback = "0", .max = 1 << 20,                 \
                      .help = "number of the database"),                                 \
        SONDE_DURATION(struct redis, connect_timeout, .fallback = "2s", .min = 1,        \
                       .max = 600000, .help = "for a connection to be usable"),          \
        SONDE_DURATION(struct redis, timeout, .fallback = "5s", .min = 1, .max = 600000, \
                       .help = "for the next answer to arrive"),                         \
        SONDE_BOOL(struct redis, tls, .fallback = "false", .help = "speak TLS"),         \
        SONDE_STRING(struct redis, ca,                                                   \
                     .help = "file of trusted certificates (default: the system's)"),    \
        SONDE_STRING(struct redis, cert, .help = "file of the client's certificate"),    \
        SONDE_STRING(struct redis, key_file, .help = "file of the client's key"),        \
        SONDE_STRING(struct redis, sni,                                                  \
                     .help = "name that the server's certificate must carry (default: "  \
                             "the host)")

int redis_open(struct sonde_instance *self);    /* checks the options */
int redis_start(struct sonde_instance *self);   /* connects if it can */
void redis_close(struct sonde_instance *self);  /* in whatever state */
void redis_cancel(struct sonde_instance *self); /* any thread: makes redis_write return */

/* Appends one command for the item (redis_append) and answers true, or settles
 * the item itself.  whole: the server lacks the script, so send its text. */
typedef bool redis_put_fn(struct sonde_instance *self, struct sonde_item *item,
                          bool whole);

/* The write of a sink, whose batch is at most REDIS_BATCH. */
enum sonde_fate redis_write(struct sonde_instance *self, struct sonde_batch *batch,
                            redis_put_fn *put);
void redis_append(struct redis *redis, int argc, const char **argv, const size_t *length);

#endif
