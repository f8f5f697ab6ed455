/* SPDX-License-Identifier: Apache-2.0
 *
 * wire.c - bytes in and out of a socket.  See wire.h.
 *
 * OpenSSL reads and writes through a BIO of our own, so that it meets the same bounds as
 * a plain wire: however many records a peer sends without a byte of data in them, the
 * turn ends and others get theirs.
 */
#include "wire.h"

#include "../common/address.h"

#include <errno.h>
#include <openssl/err.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    WIRE_TURN = 256 * 1024,       /* bytes of the socket read in one turn of the loop */
    WIRE_READ = 1024,             /* a read costs at least this much of them */
    WIRE_MOST = 16 * 1024 * 1024, /* bytes in all */
};

/* Of a wire with TLS. */
struct wire_tls {
    struct cert_report report;
    char host[ADDRESS_NAME_MAX + 1];
};

static BIO_METHOD *wire_method;

/* ---- life ---- */

static void
wire_is_ready(struct sonde_instance *self, int fd, unsigned ready, void *arg)
{
    struct wire *wire = arg;

    (void)fd, (void)ready;
    wire->turn = WIRE_TURN;
    wire->ready(self, wire);
}

struct wire *
wire_new(struct sonde_instance *self, int fd, bool datagram, wire_fn *ready)
{
    struct wire *wire = calloc(1, sizeof(*wire));

    if (!wire) {
        close(fd);
        return NULL;
    }
    wire->self = self;
    wire->fd = fd;
    wire->datagram = datagram;
    wire->ready = ready;
    wire->turn = WIRE_TURN;
    return wire;
}

void
wire_free(struct wire *wire)
{
    if (!wire)
        return;
    SSL_free(wire->ssl);
    free(wire->tls);
    if (wire->watch)
        sonde_watch_close(wire->watch);
    else
        close(wire->fd);
    free(wire);
}

static enum wire_result
wire_want(struct wire *wire, unsigned want)
{
    sonde_watch_want(wire->watch, want);
    if (!wire->watch)
        wire->watch = sonde_watch_new(wire->self, wire->fd, want, wire_is_ready, wire);
    if (wire->watch)
        return WIRE_WAIT;
    wire->error = ENOMEM;
    return WIRE_FAILED;
}

enum wire_result
wire_wait(struct wire *wire)
{
    return wire_want(wire, SONDE_READ);
}

/* ---- the socket ---- */

/* As recv, within the bounds: EAGAIN where the turn is over, EMSGSIZE past the last one.
 */
static ssize_t
wire_recv(struct wire *wire, char *bytes, size_t size)
{
    ssize_t got;

    if (wire->received >= WIRE_MOST) {
        errno = EMSGSIZE;
        return -1;
    }
    if (wire->turn <= 0) {
        errno = EAGAIN;
        return -1;
    }
    do
        got = recv(wire->fd, bytes, size, 0);
    while (got == -1 && errno == EINTR);
    if (got > 0)
        wire->received += got;
    wire->turn -= got > WIRE_READ ? got : WIRE_READ;
    return got;
}

static ssize_t
wire_put(const struct wire *wire, const char *bytes, size_t size)
{
    ssize_t put;

    do
        put = send(wire->fd, bytes, size, MSG_NOSIGNAL);
    while (put == -1 && errno == EINTR);
    return put;
}

/* What a failed call on the socket means; for a wait, what it waits for. */
static enum wire_result
wire_failed(struct wire *wire, unsigned want)
{
    if (errno == EAGAIN)
        return wire_want(wire, want);
    wire->error = errno;
    return errno == EMSGSIZE && !wire->datagram ? WIRE_BIG : WIRE_FAILED;
}

/* ---- OpenSSL's way to the socket ---- */

static int
wire_bio_read(BIO *bio, char *bytes, int size)
{
    struct wire *wire = BIO_get_data(bio);
    ssize_t got = wire_recv(wire, bytes, (size_t)size);

    BIO_clear_retry_flags(bio);
    if (got == -1 && errno == EAGAIN)
        BIO_set_retry_read(bio);
    else if (got == -1)
        wire->error = errno;
    wire->ended = got == 0;
    return (int)got;
}

static int
wire_bio_write(BIO *bio, const char *bytes, int size)
{
    struct wire *wire = BIO_get_data(bio);
    ssize_t put = wire_put(wire, bytes, (size_t)size);

    BIO_clear_retry_flags(bio);
    if (put == -1 && errno == EAGAIN)
        BIO_set_retry_write(bio);
    else if (put == -1)
        wire->error = errno;
    return (int)put;
}

static long
wire_bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
    const struct wire *wire = BIO_get_data(bio);

    (void)number, (void)pointer;
    return command == BIO_CTRL_EOF ? wire->ended : command == BIO_CTRL_FLUSH;
}

static void
wire_method_make(void)
{
    BIO_METHOD *method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK,
                                      "sonde wire");

    if (!method)
        return;
    BIO_meth_set_read(method, wire_bio_read);
    BIO_meth_set_write(method, wire_bio_write);
    BIO_meth_set_ctrl(method, wire_bio_ctrl);
    wire_method = method;
}

static BIO *
wire_bio_new(struct wire *wire)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    BIO *bio;

    pthread_once(&once, wire_method_make);
    bio = wire_method ? BIO_new(wire_method) : NULL;
    if (bio) {
        BIO_set_data(bio, wire);
        BIO_set_init(bio, 1);
    }
    return bio;
}

/* ---- TLS ---- */

int
wire_secure(struct wire *wire, SSL_CTX *context, const struct cert_rules *rules,
            const char *host, bool sni)
{
    BIO *bio = wire_bio_new(wire);

    wire->tls = calloc(1, sizeof(*wire->tls));
    wire->ssl = SSL_new(context);
    if (!bio || !wire->tls || !wire->ssl) {
        BIO_free(bio);
        return -1;
    }
    SSL_set_bio(wire->ssl, bio, bio);
    snprintf(wire->tls->host, sizeof(wire->tls->host), "%s", host);
    wire->tls->report = (struct cert_report){ .rules = rules, .host = wire->tls->host };
    cert_watch_ssl(wire->ssl, &wire->tls->report);
    if (sni && !SSL_set_tlsext_host_name(wire->ssl, host))
        return -1;
    /* A record without data ends a read: the next one may be another turn's. */
    SSL_clear_mode(wire->ssl, SSL_MODE_AUTO_RETRY);
    SSL_set_connect_state(wire->ssl);
    return 0;
}

struct cert_report *
wire_report(struct wire *wire)
{
    return wire->ssl && wire->tls ? &wire->tls->report : NULL;
}

/* The first error is what went wrong, the others are what came of it. */
static enum wire_result
wire_tls_error(struct wire *wire)
{
    unsigned long error = ERR_peek_error();
    int reason = ERR_GET_REASON(error);

    wire->error = 0;
#ifdef SSL_R_UNEXPECTED_EOF_WHILE_READING
    if (ERR_GET_LIB(error) == ERR_LIB_SSL && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return WIRE_ENDED;
#endif
    wire->why = ERR_reason_error_string(error);
    if (!wire->why)
        wire->why = "unknown error";
    wire->untrusted = reason == SSL_R_CERTIFICATE_VERIFY_FAILED;
    wire->plaintext = reason == SSL_R_WRONG_VERSION_NUMBER;
    return WIRE_FAILED;
}

static enum wire_result
wire_tls_result(struct wire *wire, int answer)
{
    switch (SSL_get_error(wire->ssl, answer)) {
    case SSL_ERROR_WANT_READ:
        return wire_want(wire, SONDE_READ);
    case SSL_ERROR_WANT_WRITE:
        return wire_want(wire, SONDE_WRITE);
    case SSL_ERROR_ZERO_RETURN:
        return WIRE_ENDED;
    case SSL_ERROR_SYSCALL:
        if (!wire->error)
            return WIRE_ENDED;
        return wire->error == EMSGSIZE ? WIRE_BIG : WIRE_FAILED;
    default:
        return wire_tls_error(wire);
    }
}

enum wire_result
wire_handshake(struct wire *wire)
{
    int answer;

    ERR_clear_error();
    wire->error = 0;
    answer = SSL_do_handshake(wire->ssl);
    return answer == 1 ? WIRE_DONE : wire_tls_result(wire, answer);
}

/* ---- bytes ---- */

static enum wire_result
wire_send_tls(struct wire *wire, const char *bytes, size_t length, size_t *at)
{
    while (*at < length) {
        size_t put;
        int answer;

        ERR_clear_error();
        wire->error = 0;
        answer = SSL_write_ex(wire->ssl, bytes + *at, length - *at, &put);
        if (answer != 1)
            return wire_tls_result(wire, answer);
        *at += put;
    }
    return WIRE_DONE;
}

enum wire_result
wire_send(struct wire *wire, const char *bytes, size_t length, size_t *at)
{
    if (wire->ssl)
        return wire_send_tls(wire, bytes, length, at);
    do {
        ssize_t put = wire_put(wire, bytes + *at, length - *at);

        if (put == -1)
            return wire_failed(wire, SONDE_WRITE);
        *at += (size_t)put;
    } while (*at < length);
    return WIRE_DONE;
}

enum wire_result
wire_hear(struct wire *wire, char *bytes, size_t *length)
{
    ssize_t got;

    *length = 0;
    if (wire->ssl) {
        int answer;

        ERR_clear_error();
        wire->error = 0;
        answer = SSL_read_ex(wire->ssl, bytes, WIRE_CHUNK, length);
        return answer == 1 ? WIRE_DONE : wire_tls_result(wire, answer);
    }
    got = wire_recv(wire, bytes, WIRE_CHUNK);
    if (got == -1)
        return wire_failed(wire, SONDE_READ);
    if (got == 0 && !wire->datagram)
        return WIRE_ENDED;
    *length = (size_t)got;
    return WIRE_DONE;
}
