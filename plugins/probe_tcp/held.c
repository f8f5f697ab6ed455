/* SPDX-License-Identifier: Apache-2.0
 *
 * held.c - the connection kept between runs.  See held.h.
 *
 * A connection that says nothing hears nothing of a peer that vanished without a word:
 * keepalive asks.  What ICMP says to a packet of ours is an error at once (IP_RECVERR).
 */
#include "held.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    HELD_MOST = 64 * 1024, /* bytes that a peer may say meanwhile */
    /* ms from the break to the run that is asked for: a server that ends may close its
     * connections before the port that it listens on, which would still answer. */
    HELD_PAUSE = 10,
};

struct held {
    struct wire *wire; /* NULL: broken, or let go */
    struct sonde_timer *pause;
    int64_t since;
    size_t heard;
    bool told;
    char broke[ADDRESS_TEXT + 40]; /* how the last one did; "" = not, or UP since */
};

static void
held_ask(struct sonde_instance *self, void *arg)
{
    (void)arg;
    sonde_recheck(self);
}

static void
held_broke(struct sonde_instance *self, struct held *held, const char *how)
{
    snprintf(held->broke, sizeof(held->broke), "%s after %.1f s", how,
             (double)(sonde_now() - held->since) / 1e9);
    held->told = false;
    wire_free(held->wire);
    held->wire = NULL;
    if (!held->pause)
        held->pause = sonde_timer_new(self, held_ask, NULL);
    sonde_timer_set(held->pause, HELD_PAUSE);
}

static void
held_failed(struct sonde_instance *self, struct held *held, const struct wire *wire)
{
    char text[ADDRESS_TEXT];

    if (wire->error == ECONNRESET || wire->error == EPIPE)
        held_broke(self, held, "reset by the peer");
    else if (wire->error)
        held_broke(self, held, address_error(wire->error, text, sizeof(text)));
    else
        held_broke(self, held, wire->why);
}

static void
held_ready(struct sonde_instance *self, struct wire *wire)
{
    struct tcp *tcp = sonde_private(self);
    struct held *held = tcp->talks->held;
    char bytes[WIRE_CHUNK];
    size_t length;

    switch (wire_hear(wire, bytes, &length)) {
    case WIRE_WAIT:
        break;
    case WIRE_DONE:
        held->heard += length;
        if (held->heard > HELD_MOST || wire_wait(wire) != WIRE_WAIT)
            held_stop(tcp);
        break;
    case WIRE_BIG:
        held_stop(tcp);
        break;
    case WIRE_ENDED:
        held_broke(self, held, "closed by the peer");
        break;
    case WIRE_FAILED:
        held_failed(self, held, wire);
        break;
    }
}

/* What cannot be set makes the connection deafer, no more. */
static void
held_listen(int fd)
{
    static const int on = 1, idle = 5, interval = 2, probes = 3; /* seconds */

    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof(idle));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof(interval));
    setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof(probes));
    setsockopt(fd, IPPROTO_IP, IP_RECVERR, &on, sizeof(on));
    setsockopt(fd, IPPROTO_IPV6, IPV6_RECVERR, &on, sizeof(on));
}

void
held_take(struct sonde_instance *self, struct wire *wire)
{
    struct tcp *tcp = sonde_private(self);
    struct held *held = tcp->talks->held;

    if (!held)
        held = tcp->talks->held = calloc(1, sizeof(*held));
    if (!held) {
        wire_free(wire);
        return;
    }
    held_stop(tcp);
    if (!wire)
        return;
    held->wire = wire;
    held->since = sonde_now();
    held->heard = 0;
    wire->ready = held_ready;
    if (tcp->kind != ADDRESS_UNIX)
        held_listen(wire->fd);
    if (wire_wait(wire) != WIRE_WAIT)
        held_stop(tcp);
}

void
held_tell(struct tcp *tcp, enum sonde_state state, bool explain)
{
    struct held *held = tcp->talks->held;

    if (!held || !*held->broke)
        return;
    if (!held->told || explain)
        sonde_set(tcp->event, "details.held", held->broke, strlen(held->broke));
    held->told = true;
    if (state == SONDE_UP || state == SONDE_DEGRADED)
        *held->broke = '\0';
}

void
held_stop(struct tcp *tcp)
{
    struct held *held = tcp->talks->held;

    if (!held)
        return;
    wire_free(held->wire);
    held->wire = NULL;
}

void
held_free(struct tcp *tcp)
{
    struct held *held = tcp->talks->held;

    held_stop(tcp);
    if (held)
        sonde_timer_free(held->pause);
    free(held);
    tcp->talks->held = NULL;
}
