/* SPDX-License-Identifier: Apache-2.0
 *
 * dial.c - from an address or a name to a connected socket.  See dial.h.
 *
 * The socket will be closed by a reset (SO_LINGER 0), so that no check leaves a TIME_WAIT
 * behind.  With handshake = "half" the last packet of the handshake is held back
 * (TCP_QUICKACK off) until the reset replaces it: three packets in all, and the
 * application never sees a connection.
 */
#include "dial.h"

#include "../common/explain.h"
#include "converse.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { DIAL_AGAIN = 20 /* ms until a full unix backlog is tried again */ };

static void dial_try(struct sonde_instance *self);

/* ---- the next try ---- */

void
dial_failed(struct sonde_instance *self, int error)
{
    struct tcp *tcp = sonde_private(self);
    struct tries *tries = tcp->run ? tcp->run->tries : NULL;
    enum sonde_state state;

    sonde_timing(tcp->event, SONDE_CONNECT, tcp_elapsed(tcp));
    if (tries && tries_next(tries, error)) {
        tcp->peer = tries->addresses[tries->at];
        dial_try(self);
        return;
    }
    state = tries ? tcp_say_error(tcp, &tries->failed, tries->error)
                  : tcp_say_error(tcp, &tcp->peer, error);
    tcp_answer(self, state);
}

static void
dial_close(struct tcp *tcp)
{
    sonde_watch_close(tcp->watch);
    tcp->watch = NULL;
}

static void
dial_due(struct sonde_instance *self, void *arg)
{
    struct tcp *tcp = sonde_private(self);

    (void)arg;
    if (tcp->kind == ADDRESS_UNIX) {
        dial_try(self);
        return;
    }
    dial_close(tcp);
    dial_failed(self, ETIMEDOUT);
}

static void
dial_set_timer(struct sonde_instance *self, int64_t ms)
{
    struct tcp *tcp = sonde_private(self);
    struct tcp_run *run = ms < 0 ? tcp->run : tcp_run(tcp);

    if (run && !run->timer && ms >= 0)
        run->timer = sonde_timer_new(self, dial_due, NULL);
    if (run && run->timer)
        sonde_timer_set(run->timer, ms);
}

/* ---- one connection ---- */

/* Takes the descriptor where there is no watch. */
static void
dial_connected(struct sonde_instance *self, int fd)
{
    struct tcp *tcp = sonde_private(self);

    sonde_timing(tcp->event, SONDE_CONNECT, tcp_elapsed(tcp));
    if (tcp->talks) {
        sonde_watch_free(tcp->watch); /* the conversation has one of its own */
        tcp->watch = NULL;
        dial_set_timer(self, -1);
        converse_start(self, fd);
        return;
    }
    if (tcp->watch)
        dial_close(tcp);
    else
        close(fd);
    tcp_say(tcp, SONDE_OK, &tcp->peer, "connected");
    tcp_answer(self, SONDE_UP);
}

/* The kernel may pick the target's own port to connect from: on this machine a
 * closed port then answers itself. */
static bool
dial_is_self(const struct tcp *tcp, int fd)
{
    struct address own = { 0 };
    socklen_t length = sizeof(own);

    if (tcp->port < 1024 || getsockname(fd, &own.any, &length) == -1)
        return false;
    if (own.any.sa_family == AF_INET)
        return own.v4.sin_port == tcp->peer.v4.sin_port
               && own.v4.sin_addr.s_addr == tcp->peer.v4.sin_addr.s_addr;
    return own.v6.sin6_port == tcp->peer.v6.sin6_port
           && memcmp(&own.v6.sin6_addr, &tcp->peer.v6.sin6_addr, sizeof(own.v6.sin6_addr))
                  == 0;
}

static void
dial_ready(struct sonde_instance *self, int fd, unsigned ready, void *arg)
{
    struct tcp *tcp = sonde_private(self);
    socklen_t length = sizeof(int);
    int error = 0;

    (void)arg;
    /* Only to write was asked for: to read as well means an error. */
    if ((ready & SONDE_READ)
        && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1)
        error = errno;
    if (error == ECONNRESET || error == EPIPE)
        error = 0; /* it was open before anybody looked, else it would be refused */
    if (!error && dial_is_self(tcp, fd))
        error = ECONNREFUSED;
    if (!error) {
        dial_connected(self, fd);
        return;
    }
    dial_close(tcp);
    dial_failed(self, error);
}

static int
dial_prepare_tcp(const struct tcp *tcp, int fd)
{
    static const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
    static const int off = 0;

    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == -1)
        return -1;
    if (tcp->handshake == TCP_HALF)
        return setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
    return 0;
}

static int
dial_prepare(const struct tcp *tcp, int fd)
{
    static const int on = 1;
    struct address source;

    if (tcp->kind == ADDRESS_UNIX)
        return 0;
    if (tcp->transport == TCP_STREAM && dial_prepare_tcp(tcp, fd) == -1)
        return -1;
    if (!*tcp->source)
        return 0;
    if (!address_literal(tcp->source, strlen(tcp->source), &source)) {
        errno = EADDRNOTAVAIL; /* its interface is gone */
        return -1;
    }
    /* The port is chosen by connect, which can use one for several targets. */
    if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof(on)) == -1)
        return -1;
    return bind(fd, &source.any, address_length(&source));
}

static int
dial_connect(const struct tcp *tcp, int fd)
{
    struct sockaddr_un path = { .sun_family = AF_UNIX };

    if (tcp->kind != ADDRESS_UNIX) {
        int connected = connect(fd, &tcp->peer.any, address_length(&tcp->peer));

        if (connected == 0 && dial_is_self(tcp, fd)) {
            errno = ECONNREFUSED;
            return -1;
        }
        return connected;
    }
    snprintf(path.sun_path, sizeof(path.sun_path), "%s", tcp->address + strlen("unix:"));
    return connect(fd, (const struct sockaddr *)&path, sizeof(path));
}

static void
dial_try(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);
    int family = tcp->kind == ADDRESS_UNIX ? AF_UNIX : tcp->peer.any.sa_family;
    int type = tcp->transport == TCP_STREAM ? SOCK_STREAM : SOCK_DGRAM, error = 0;
    int fd = socket(family, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    tcp->began = sonde_now();
    if (tcp->run && tcp->run->tries)
        dial_set_timer(self, tries_share(tcp->run->tries, self));
    if (fd == -1 || dial_prepare(tcp, fd) == -1 || dial_connect(tcp, fd) == -1)
        error = errno;
    if (error == EINPROGRESS) {
        tcp->watch = sonde_watch_new(self, fd, SONDE_WRITE, dial_ready, NULL);
        tcp->fd = fd;
        if (tcp->watch)
            return;
        error = ENOMEM;
    }
    if (!error) {
        dial_connected(self, fd);
        return;
    }
    if (fd != -1)
        close(fd);
    if (error == EAGAIN && tcp->kind == ADDRESS_UNIX)
        dial_set_timer(self, DIAL_AGAIN); /* the backlog is full; TCP would let us wait */
    else
        dial_failed(self, error);
}

/* ---- a name ---- */

static void
dial_resolved(const struct resolve_answer *answer, void *arg)
{
    struct sonde_instance *self = arg;
    struct tcp *tcp = sonde_private(self);
    bool ours = answer->reason == SONDE_DNSTOUT || answer->reason == SONDE_OBSERVER;

    tcp->run->ask = NULL;
    sonde_timing(tcp->event, SONDE_DNS, tcp_elapsed(tcp));
    if (answer->reason != SONDE_OK) {
        sonde_reason(tcp->event, answer->reason, "%.*s: %s", tcp->host_length,
                     tcp->address, answer->text);
        tcp_answer(self, ours ? SONDE_UNKNOWN : SONDE_DOWN);
        return;
    }
    tcp->run->tries = tries_new(answer, tcp->port);
    if (!tcp->run->tries) {
        tcp_answer(self, tcp_say_error(tcp, NULL, ENOMEM));
        return;
    }
    tcp->peer = tcp->run->tries->addresses[0];
    dial_try(self);
}

void
dial_start(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);
    struct resolve *ask;

    if (tcp->kind != ADDRESS_HOST) {
        dial_try(self);
        return;
    }
    tcp->began = sonde_now();
    if (!tcp_run(tcp)) {
        tcp_answer(self, tcp_say_error(tcp, NULL, ENOMEM));
        return;
    }
    ask = resolve_start(self, tcp->resolver, tcp->address, tcp->host_length,
                        (enum address_family)tcp->ip, dial_resolved, self);
    if (ask)
        tcp->run->ask = ask;
}

/* ---- the end ---- */

void
dial_late(struct tcp *tcp)
{
    struct tries *tries = tcp->run ? tcp->run->tries : NULL;
    bool asking = tcp->run && tcp->run->ask;

    sonde_timing(tcp->event, asking ? SONDE_DNS : SONDE_CONNECT, tcp_elapsed(tcp));
    if (!asking)
        tries_note(tries, ETIMEDOUT);
    if (asking)
        sonde_reason(tcp->event, SONDE_DNSTOUT,
                     "%.*s: no answer from the name server in time", tcp->host_length,
                     tcp->address);
    else if (tries && tries_tell_more(tries))
        tcp_say_error(tcp, &tries->failed, tries->error);
    else
        tcp_say(tcp, SONDE_L4TOUT, &tcp->peer, "no answer in time");
}

void
dial_explain(const struct tcp *tcp)
{
    if (tcp->run)
        explain_tries(tcp->event, tcp->run->tries);
    if (tcp->watch)
        explain_socket(tcp->event, tcp->fd);
}

void
dial_stop(struct tcp *tcp)
{
    dial_close(tcp);
    if (!tcp->run)
        return;
    resolve_stop(tcp->run->ask);
    sonde_timer_free(tcp->run->timer);
    free(tcp->run->tries);
}
