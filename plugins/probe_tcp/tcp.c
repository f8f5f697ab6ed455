/* SPDX-License-Identifier: Apache-2.0
 *
 * tcp.c - whether a connection can be opened, and how fast.
 *
 * Connects and lets go at once; nothing is sent.  The socket is closed by a reset
 * (SO_LINGER 0), so that no check leaves a TIME_WAIT behind.  With handshake =
 * "half" the last packet of the handshake is held back (TCP_QUICKACK off) until
 * the reset replaces it: three packets in all, and the application never sees a
 * connection.  An idle check holds its options and an address, nothing else.
 */
#include "../common/address.h"
#include "../common/tries.h"

#include <sonde/plugin.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TCP_FULL, TCP_HALF };
enum { TCP_AGAIN = 20 /* ms until a full unix backlog is tried again */ };

struct tcp {
    const char *address, *source, *resolver;
    int ip, handshake;

    struct address peer; /* the one being tried; family 0: unix */
    uint16_t port;
    uint8_t kind, host_length; /* enum address_kind; of the name in address */
    struct sonde_event *event; /* the question that is out, or NULL */
    struct sonde_watch *watch;
    struct resolve *ask;
    struct sonde_timer *timer; /* for the next address, or a full unix backlog */
    struct tries *tries;       /* of a name */
    int64_t began;
};

static const char *const handshakes[] = { "full", "half", NULL };

static const struct sonde_option options[] = {
    SONDE_STRING(struct tcp, address, .required = true,
                 .help = "Where to connect: host:port, [v6]:port or unix:/path."),
    SONDE_CHOICE(struct tcp, ip, .fallback = "any", .choices = address_families,
                 .help = "Which addresses of a name to use."),
    SONDE_STRING(struct tcp, source, .fallback = "",
                 .help = "The local address to connect from."),
    SONDE_CHOICE(struct tcp, handshake, .fallback = "full", .choices = handshakes,
                 .help = "Whether to finish the handshake, or only to see it begin."),
    SONDE_STRING(struct tcp, resolver, .fallback = "",
                 .help = "A name server to ask, as ip:port, instead of the system's."),
    { 0 }
};

static void tcp_try(struct sonde_instance *self);

/* ---- options ---- */

static int
tcp_open_source(struct sonde_instance *self, struct tcp *tcp)
{
    struct address source;

    if (!*tcp->source)
        return 0;
    if (tcp->kind == ADDRESS_UNIX)
        return sonde_fail(self, "source", "a unix socket has no source address");
    if (!address_literal(tcp->source, strlen(tcp->source), &source))
        return sonde_fail(self, "source", "\"%s\" is not an IP address", tcp->source);
    if (!address_allowed(&source, (enum address_family)tcp->ip)
        || (tcp->kind == ADDRESS_LITERAL
            && source.any.sa_family != tcp->peer.any.sa_family))
        return sonde_fail(self, "source", "%s is of the other IP version than the target",
                          tcp->source);
    tcp->ip = source.any.sa_family == AF_INET ? ADDRESS_V4 : ADDRESS_V6;
    return 0;
}

static int
tcp_open(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);
    struct address_parts parts;
    char why[200];

    if (address_parse(tcp->address, &parts, why, sizeof(why)) == -1)
        return sonde_fail(self, "address", "%s", why);
    tcp->kind = (uint8_t)parts.kind;
    tcp->port = parts.port;
    tcp->peer = parts.literal;
    tcp->host_length = parts.kind == ADDRESS_HOST ? (uint8_t)parts.host_length : 0;
    if (tcp->kind == ADDRESS_LITERAL
        && !address_allowed(&tcp->peer, (enum address_family)tcp->ip))
        return sonde_fail(self, "ip", "%s is not an IPv%s address", tcp->address,
                          address_families[tcp->ip]);
    if (tcp->kind == ADDRESS_UNIX && tcp->handshake == TCP_HALF)
        return sonde_fail(self, "handshake", "a unix socket has no handshake to halve");
    if (resolve_check(tcp->resolver, why, sizeof(why)) == -1)
        return sonde_fail(self, "resolver", "%s", why);
    return tcp_open_source(self, tcp);
}

/* ---- the end of a run ---- */

static int64_t
tcp_elapsed(const struct tcp *tcp)
{
    return (sonde_now() - tcp->began) / 1000;
}

/* Lets go of all that a run holds, but for the event. */
static void
tcp_stop(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);

    resolve_stop(tcp->ask);
    tcp->ask = NULL;
    sonde_watch_close(tcp->watch);
    tcp->watch = NULL;
    sonde_timer_free(tcp->timer);
    tcp->timer = NULL;
    free(tcp->tries);
    tcp->tries = NULL;
}

/* The address as configured; for a name also which of its addresses it was. */
static void
tcp_say(struct tcp *tcp, enum sonde_reason reason, const struct address *peer,
        const char *what)
{
    char text[ADDRESS_TEXT];

    if (tcp->kind == ADDRESS_HOST && peer)
        sonde_reason(tcp->event, reason, "%s (%s): %s", tcp->address,
                     address_format(peer, false, text, sizeof(text)), what);
    else
        sonde_reason(tcp->event, reason, "%s: %s", tcp->address, what);
}

static void
tcp_answer(struct sonde_instance *self, enum sonde_state state)
{
    struct tcp *tcp = sonde_private(self);
    struct sonde_event *event = tcp->event;

    tcp_stop(self);
    tcp->event = NULL;
    sonde_done(event, state);
}

static void
tcp_answer_error(struct sonde_instance *self, const struct address *peer, int error)
{
    struct tcp *tcp = sonde_private(self);
    enum sonde_reason reason = address_reason(error);
    char text[ADDRESS_TEXT];

    tcp_say(tcp, reason, peer, address_error(error, text, sizeof(text)));
    tcp_answer(self, reason == SONDE_OBSERVER ? SONDE_UNKNOWN : SONDE_DOWN);
}

/* ---- the next try ---- */

static void
tcp_failed(struct sonde_instance *self, int error)
{
    struct tcp *tcp = sonde_private(self);
    struct tries *tries = tcp->tries;

    sonde_timing(tcp->event, SONDE_CONNECT, tcp_elapsed(tcp));
    if (!tries) {
        tcp_answer_error(self, &tcp->peer, error);
    } else if (tries_next(tries, error)) {
        tcp->peer = tries->addresses[tries->at];
        tcp_try(self);
    } else {
        tcp_answer_error(self, &tries->failed, tries->error);
    }
}

static void
tcp_due(struct sonde_instance *self, void *arg)
{
    struct tcp *tcp = sonde_private(self);

    (void)arg;
    if (tcp->kind == ADDRESS_UNIX) {
        tcp_try(self);
        return;
    }
    sonde_watch_close(tcp->watch);
    tcp->watch = NULL;
    tcp_failed(self, ETIMEDOUT);
}

static void
tcp_set_timer(struct sonde_instance *self, int64_t ms)
{
    struct tcp *tcp = sonde_private(self);

    if (!tcp->timer && ms >= 0)
        tcp->timer = sonde_timer_new(self, tcp_due, NULL);
    if (tcp->timer)
        sonde_timer_set(tcp->timer, ms);
}

/* ---- one connection ---- */

static void
tcp_connected(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);

    sonde_timing(tcp->event, SONDE_CONNECT, tcp_elapsed(tcp));
    tcp_say(tcp, SONDE_OK, &tcp->peer, "connected");
    tcp_answer(self, SONDE_UP);
}

/* The kernel may pick the target's own port to connect from: on this machine a
 * closed port then answers itself. */
static bool
tcp_is_self(const struct tcp *tcp, int fd)
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
tcp_ready(struct sonde_instance *self, int fd, unsigned ready, void *arg)
{
    struct tcp *tcp = sonde_private(self);
    socklen_t length = sizeof(int);
    int error = 0;

    (void)arg;
    /* Only to write was asked for: to read as well means an error. */
    if ((ready & SONDE_READ)
        && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length) == -1)
        error = errno;
    if (!error && tcp_is_self(tcp, fd))
        error = ECONNREFUSED;
    sonde_watch_close(tcp->watch);
    tcp->watch = NULL;
    if (error)
        tcp_failed(self, error);
    else
        tcp_connected(self);
}

static int
tcp_prepare(const struct tcp *tcp, int fd)
{
    static const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
    static const int on = 1, off = 0;
    struct address source;

    if (tcp->kind == ADDRESS_UNIX)
        return 0;
    if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset)) == -1)
        return -1;
    if (tcp->handshake == TCP_HALF
        && setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off)) == -1)
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
tcp_connect(const struct tcp *tcp, int fd)
{
    struct sockaddr_un path = { .sun_family = AF_UNIX };

    if (tcp->kind != ADDRESS_UNIX)
        return connect(fd, &tcp->peer.any, address_length(&tcp->peer));
    snprintf(path.sun_path, sizeof(path.sun_path), "%s", tcp->address + strlen("unix:"));
    return connect(fd, (const struct sockaddr *)&path, sizeof(path));
}

static void
tcp_try(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);
    int family = tcp->kind == ADDRESS_UNIX ? AF_UNIX : tcp->peer.any.sa_family;
    int fd = socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), error = 0;

    tcp->began = sonde_now();
    if (tcp->tries)
        tcp_set_timer(self, tries_share(tcp->tries, self));
    if (fd == -1 || tcp_prepare(tcp, fd) == -1 || tcp_connect(tcp, fd) == -1)
        error = errno;
    if (error == EINPROGRESS) {
        tcp->watch = sonde_watch_new(self, fd, SONDE_WRITE, tcp_ready, NULL);
        if (tcp->watch)
            return;
        error = ENOMEM;
    }
    if (fd != -1)
        close(fd);
    if (!error)
        tcp_connected(self);
    else if (error == EAGAIN && tcp->kind == ADDRESS_UNIX)
        tcp_set_timer(self, TCP_AGAIN); /* the backlog is full; TCP would let us wait */
    else
        tcp_failed(self, error);
}

/* ---- a run ---- */

static void
tcp_resolved(const struct resolve_answer *answer, void *arg)
{
    struct sonde_instance *self = arg;
    struct tcp *tcp = sonde_private(self);
    bool ours = answer->reason == SONDE_DNSTOUT || answer->reason == SONDE_OBSERVER;

    tcp->ask = NULL;
    sonde_timing(tcp->event, SONDE_DNS, tcp_elapsed(tcp));
    if (answer->reason != SONDE_OK) {
        sonde_reason(tcp->event, answer->reason, "%.*s: %s", tcp->host_length,
                     tcp->address, answer->text);
        tcp_answer(self, ours ? SONDE_UNKNOWN : SONDE_DOWN);
        return;
    }
    tcp->tries = tries_new(answer, tcp->port);
    if (!tcp->tries) {
        tcp_answer_error(self, NULL, ENOMEM);
        return;
    }
    tcp->peer = tcp->tries->addresses[0];
    tcp_try(self);
}

static void
tcp_begin(struct sonde_instance *self, struct sonde_event *event)
{
    struct tcp *tcp = sonde_private(self);
    struct resolve *ask;

    tcp->event = event;
    if (tcp->kind != ADDRESS_HOST) {
        tcp_try(self);
        return;
    }
    tcp->began = sonde_now();
    ask = resolve_start(self, tcp->resolver, tcp->address, tcp->host_length,
                        (enum address_family)tcp->ip, tcp_resolved, self);
    if (ask)
        tcp->ask = ask;
}

static void
tcp_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    struct tcp *tcp = sonde_private(self);
    const struct tries *tries = tcp->tries;
    char text[ADDRESS_TEXT];

    sonde_timing(event, tcp->ask ? SONDE_DNS : SONDE_CONNECT, tcp_elapsed(tcp));
    if (tcp->ask)
        sonde_reason(event, SONDE_DNSTOUT, "%.*s: no answer from the name server in time",
                     tcp->host_length, tcp->address);
    else if (tries_tell_more(tries))
        tcp_say(tcp, address_reason(tries->error), &tries->failed,
                address_error(tries->error, text, sizeof(text)));
    else
        tcp_say(tcp, SONDE_L4TOUT, &tcp->peer, "no answer in time");
    tcp_stop(self);
    tcp->event = NULL;
}

static const struct sonde_probe probe = {
    .name = "tcp",
    .summary = "whether a TCP or unix connection can be opened",
    .size = sizeof(struct tcp),
    .options = options,
    .open = tcp_open,
    .stop = tcp_stop,
    .begin = tcp_begin,
    .cancel = tcp_cancel,
};

SONDE_PLUGIN(probe);
