/* SPDX-License-Identifier: Apache-2.0
 *
 * redis_link.c - one connection to a Redis server: dial, greet, read, drop.
 *
 * The socket is ours (close-on-exec, every address of the name tried, one
 * deadline for the whole attempt) and then hiredis'.  Whatever a server sends, it
 * takes no more memory than REDIS_ANSWER_MAX.
 */
#include "redis_link.h"

#include "address.h"
#include "redis_tls.h"
#include "redis_wire.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

enum { REDIS_ANSWER_MAX = 65536 }; /* bytes; we ask for nothing longer than a digest */

const char *
redis_link_why(struct redis *redis, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(redis->why, sizeof(redis->why), format, args);
    va_end(args);
    return redis->why;
}

static const char *
redis_link_error(struct redis *redis, int error)
{
    return address_error(error, redis->why, sizeof(redis->why));
}

static bool
redis_link_cancelled(struct redis *redis)
{
    pthread_mutex_lock(&redis->lock);
    const bool cancelled = redis->cancelled;
    pthread_mutex_unlock(&redis->lock);
    return cancelled;
}

static const char *
redis_link_broken(struct redis *redis)
{
    const redisContext *context = redis->context;
    const int error = errno;

    if (redis_link_cancelled(redis))
        return redis_link_why(redis, "cancelled in the middle of its work");
    if (context->err == REDIS_ERR_IO && (error == EAGAIN || error == EWOULDBLOCK))
        return redis_link_why(redis, "no answer in time");
    if (context->err == REDIS_ERR_EOF)
        return redis_link_why(redis, "the server closed the connection");
    if (context->err == REDIS_ERR_PROTOCOL || context->err == REDIS_ERR_OOM)
        return redis_link_why(redis, "what came is no answer of a Redis server");
    return redis_link_why(redis, "%s", context->errstr);
}

/* When the next answer must be there. */
static int64_t
redis_link_due(const struct redis *redis)
{
    return redis->deadline ? redis->deadline : sonde_now() + redis->timeout * 1000000;
}

/* Through hiredis, which encrypts. */
static const char *
redis_link_send_tls(struct redis *redis, int64_t limit)
{
    int done = 0;

    if (redisAppendFormattedCommand(redis->context, redis->out, redis->out_length)
        == REDIS_ERR)
        return redis_link_broken(redis);
    while (!done && sonde_now() < limit)
        if (redisBufferWrite(redis->context, &done) == REDIS_ERR)
            return redis_link_broken(redis);
    return done ? NULL : redis_link_why(redis, "no answer in time");
}

/* What hiredis would copy into a buffer of its own first. */
static const char *
redis_link_send_plain(struct redis *redis, int64_t limit)
{
    const char *at = redis->out, *end = at + redis->out_length;

    while (at < end && sonde_now() < limit) {
        const ssize_t sent = send(redis->fd, at, (size_t)(end - at), MSG_NOSIGNAL);
        if (sent > 0)
            at += sent;
        else if (errno == EAGAIN || errno == EWOULDBLOCK)
            break;
        else if (errno != EINTR)
            return redis_link_cancelled(redis) ? redis_link_broken(redis)
                                               : redis_link_error(redis, errno);
    }
    return at == end ? NULL : redis_link_why(redis, "no answer in time");
}

static const char *
redis_link_flush(struct redis *redis)
{
    const int64_t limit = redis_link_due(redis);
    const char *why = redis->tls ? redis_link_send_tls(redis, limit)
                                 : redis_link_send_plain(redis, limit);

    redis_wire_sent(redis);
    return why;
}

const char *
redis_link_read(struct redis *redis)
{
    redisContext *context = redis->context;
    int64_t limit = 0;
    size_t fed = 0;
    void *reply = NULL;
    const char *why = redis->out_length ? redis_link_flush(redis) : NULL;

    if (why)
        return why;
    redis->answer.type = 0;
    while (redisGetReplyFromReader(context, &reply) == REDIS_OK && !reply) {
        const size_t before = context->reader->len;
        if (!limit)
            limit = redis_link_due(redis);
        if (sonde_now() >= limit)
            return redis_link_why(redis, "no answer in time");
        if (redisBufferRead(context) == REDIS_ERR)
            return redis_link_broken(redis);
        fed += context->reader->len - before;
        if (fed > REDIS_ANSWER_MAX)
            return redis_link_why(redis, "an answer without end");
    }
    return context->err ? redis_link_broken(redis) : NULL;
}

/* ---- the socket ---- */

void
redis_link_allow(struct redis *redis)
{
    pthread_mutex_lock(&redis->lock);
    redis->cancelled = false;
    pthread_mutex_unlock(&redis->lock);
}

void
redis_link_cancel(struct redis *redis)
{
    pthread_mutex_lock(&redis->lock);
    redis->cancelled = true;
    if (redis->fd >= 0)
        shutdown(redis->fd, SHUT_RDWR);
    pthread_mutex_unlock(&redis->lock);
}

/* From here on a cancel reaches the descriptor. */
static bool
redis_link_publish(struct redis *redis, int fd)
{
    pthread_mutex_lock(&redis->lock);
    redis->fd = fd;
    pthread_mutex_unlock(&redis->lock);
    return !redis_link_cancelled(redis);
}

void
redis_link_drop(struct redis *redis)
{
    const int fd = redis->fd;

    redis_link_publish(redis, -1);
    if (redis->context)
        redisFree(redis->context); /* closes it too */
    else if (fd >= 0)
        close(fd);
    redis->context = NULL;
    redis_wire_clear(redis);
}

static int
redis_link_left(const struct redis *redis)
{
    const int64_t left = (redis->deadline - sonde_now()) / 1000000;

    return left > 0 ? (int)left : 0;
}

/* Answers 0 or an errno. */
static int
redis_link_settled(const struct redis *redis)
{
    struct pollfd ready = { .fd = redis->fd, .events = POLLOUT };
    int error = 0, answer;
    socklen_t size = sizeof(error);

    do
        answer = poll(&ready, 1, redis_link_left(redis));
    while (answer == -1 && errno == EINTR);
    if (answer == 0)
        return ETIMEDOUT;
    if (answer == -1 || getsockopt(redis->fd, SOL_SOCKET, SO_ERROR, &error, &size) == -1)
        return errno;
    return error;
}

static const char *
redis_link_dial_one(struct redis *redis, const struct sockaddr *address, socklen_t size)
{
    const int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                          0);
    int error = 0;

    if (fd == -1)
        return redis_link_error(redis, errno);
    if (!redis_link_publish(redis, fd))
        error = ECANCELED;
    else if (connect(fd, address, size) == -1)
        error = errno == EINPROGRESS ? redis_link_settled(redis) : errno;
    if (!error && fcntl(fd, F_SETFL, 0) == -1)
        error = errno;
    if (error) {
        redis_link_drop(redis);
        return redis_link_error(redis, error);
    }
    if (address->sa_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &(int){ 1 }, sizeof(int));
    }
    return NULL;
}

static const char *
redis_link_dial_unix(struct redis *redis, const struct address_parts *to)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    memcpy(address.sun_path, to->host, to->host_length); /* address_parse: it fits */
    return redis_link_dial_one(redis, (const struct sockaddr *)&address, sizeof(address));
}

static void
redis_link_begin(struct redis *redis)
{
    redis->deadline = sonde_now() + redis->connect_timeout * 1000000;
}

/* Each address gets its share of the time, so that a silent one does not use it up. */
static const char *
redis_link_dial_all(struct redis *redis, const struct addrinfo *found)
{
    const int64_t deadline = redis->deadline;
    const char *why = NULL;
    int count = 0;

    for (const struct addrinfo *one = found; one; one = one->ai_next)
        count++;
    for (const struct addrinfo *one = found; one; one = one->ai_next) {
        const int64_t now = sonde_now();
        redis->deadline = now + (deadline - now) / count--;
        why = redis_link_dial_one(redis, one->ai_addr, one->ai_addrlen);
        if (!why)
            break;
    }
    redis->deadline = deadline;
    return why;
}

static const char *
redis_link_dial_name(struct redis *redis, const char *name, uint16_t port)
{
    const struct addrinfo hints = { .ai_socktype = SOCK_STREAM };
    struct addrinfo *found = NULL;
    char service[8];

    snprintf(service, sizeof(service), "%u", port);
    const int error = getaddrinfo(name, service, &hints, &found);
    if (error)
        return redis_link_why(redis, "%s", gai_strerror(error));
    redis_link_begin(redis); /* a slow resolver is not the server's fault */
    const char *why = redis_link_dial_all(redis, found);
    freeaddrinfo(found);
    return why;
}

static const char *
redis_link_dial(struct redis *redis, const struct address_parts *to, const char *host)
{
    if (to->kind == ADDRESS_UNIX)
        return redis_link_dial_unix(redis, to);
    if (to->kind == ADDRESS_HOST)
        return redis_link_dial_name(redis, host, to->port);
    return redis_link_dial_one(redis, &to->literal.any, address_length(&to->literal));
}

/* ---- a connection ---- */

static void
redis_link_limit(struct redis *redis, int64_t ms)
{
    /* 0 would mean for ever. */
    redisSetTimeout(redis->context, (struct timeval){ .tv_sec = ms / 1000,
                                                      .tv_usec = ms % 1000 * 1000 + 1 });
}

static const char *
redis_link_adopt(struct redis *redis)
{
    redis->context = redisConnectFd(redis->fd);
    if (!redis->context || redis->context->err)
        return redis_link_why(redis, "no memory for a connection");
    redis->context->reader->fn = &redis_wire_decoder;
    redis->context->reader->privdata = &redis->answer;
    redis_link_limit(redis, redis_link_left(redis));
    return NULL;
}

static const char *
redis_link_ask(struct redis *redis, int argc, const char **argv)
{
    size_t length[3];

    for (int i = 0; i < argc; i++)
        length[i] = strlen(argv[i]);
    redis_append(redis, argc, argv, length);

    const char *why = redis_link_read(redis);
    if (why)
        return why;
    if (redis->answer.type == REDIS_REPLY_ERROR)
        return redis_link_why(redis, "%s: %s", argv[0], redis->answer.text);
    return NULL;
}

const char *
redis_link_ping(struct redis *redis)
{
    const char *why = redis_link_ask(redis, 1, (const char *[]){ "PING" });

    /* A user who may not ping is answered nevertheless. */
    if (why && redis->answer.type == REDIS_REPLY_ERROR
        && strncmp(redis->answer.text, "NOPERM", 6) == 0)
        return NULL;
    return why;
}

static const char *
redis_link_login(struct redis *redis)
{
    const char *password = redis->password ? redis->password : "";

    if (redis->user && redis->user[0])
        return redis_link_ask(redis, 3,
                              (const char *[]){ "AUTH", redis->user, password });
    if (password[0])
        return redis_link_ask(redis, 2, (const char *[]){ "AUTH", password });
    return NULL;
}

static const char *
redis_link_select(struct redis *redis)
{
    char db[24];

    if (redis->db == 0)
        return NULL;
    snprintf(db, sizeof(db), "%lld", (long long)redis->db);
    return redis_link_ask(redis, 2, (const char *[]){ "SELECT", db });
}

static const char *
redis_link_load(struct redis *redis)
{
    const char *argv[] = { "SCRIPT", "LOAD", redis->script };

    if (!redis->script)
        return NULL;
    const char *why = redis_link_ask(redis, 3, argv);
    if (why)
        return why;
    if (redis->answer.type != REDIS_REPLY_STRING || strlen(redis->answer.text) != 40)
        return redis_link_why(redis, "SCRIPT LOAD: answered by no digest");
    memcpy(redis->digest, redis->answer.text, sizeof(redis->digest));
    return NULL;
}

static const char *
redis_link_greet(struct redis *redis)
{
    const char *why = redis_link_login(redis);

    if (!why)
        why = redis_link_select(redis);
    if (!why)
        why = redis_link_ping(redis);
    if (!why)
        why = redis_link_load(redis);
    return why;
}

const char *
redis_link_connect(struct redis *redis)
{
    struct address_parts to;
    char host[128 + ADDRESS_NAME_MAX]; /* or a path */
    const char *why;

    redis_link_begin(redis);
    address_parse(redis->server, &to, redis->why, sizeof(redis->why)); /* as in open */
    snprintf(host, sizeof(host), "%.*s", (int)to.host_length, to.host);
    why = redis_link_dial(redis, &to, host);
    if (!why)
        why = redis_link_adopt(redis);
    if (!why && redis->tls)
        why = redis_tls_begin(redis, host);
    if (!why)
        why = redis_link_greet(redis);
    if (why)
        redis_link_drop(redis);
    else
        redis_link_limit(redis, redis->timeout);
    redis->deadline = 0;
    return why;
}

const char *
redis_link_check(struct redis *redis)
{
    const redisReader *reader = redis->context->reader;
    char byte;
    const ssize_t got = recv(redis->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

    if (got == 0)
        return redis_link_why(redis, "the server closed the connection");
    if (got == -1 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR)
        return redis_link_error(redis, errno);
    /* TLS brings tickets of its own. */
    if ((got == 1 && !redis->tls) || reader->pos < reader->len)
        return redis_link_why(redis, "an answer that nobody asked for");
    return NULL;
}
