/* SPDX-License-Identifier: Apache-2.0
 *
 * converse.c - what is said over a connection.  See converse.h.
 *
 * One step after the other, as far as the wire lets it go; then the loop calls again.
 * A turn hears once, so that neither a flood nor a costly pattern keeps others waiting.
 */
#include "converse_inside.h"

#include "../common/explain.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static struct converse *
converse_of(const struct tcp *tcp)
{
    return tcp->run ? tcp->run->converse : NULL;
}

/* ---- steps ---- */

static void
converse_step_late(struct sonde_instance *self, void *arg)
{
    (void)arg;
    converse_late(sonde_private(self));
    tcp_answer(self, SONDE_DOWN);
}

static void
converse_begin(struct sonde_instance *self, struct converse *c)
{
    int64_t time = talk_time(c->talk);

    c->begun = true;
    if (time && !c->timer)
        c->timer = sonde_timer_new(self, converse_step_late, NULL);
    if (time)
        sonde_timer_set(c->timer, time);
}

static void
converse_next(struct converse *c)
{
    talk_next(c->talk);
    c->begun = false;
    if (c->timer)
        sonde_timer_set(c->timer, -1);
}

static bool
converse_send(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);
    struct converse *c = tcp->run->converse;
    enum wire_result result;

    if (!c->begun) {
        converse_begin(self, c);
        c->out = talk_bytes(c->talk, &c->out_length);
        c->out_at = 0;
    }
    if (!c->out)
        return converse_fail(self, SONDE_L7BIG,
                             "with what was captured it is too large to send");
    result = wire_send(c->wire, c->out, c->out_length, &c->out_at);
    if (result != WIRE_DONE)
        return converse_broken(self, result);
    if (!c->sent && !c->heard)
        converse_phase(tcp, c, SONDE_SEND);
    c->sent = true;
    converse_next(c);
    return true;
}

static bool
converse_heard_no(struct sonde_instance *self, const struct converse *c)
{
    struct tcp *tcp = sonde_private(self);
    char why[CONVERSE_WHAT], text[CONVERSE_WHAT + 40];

    if (!talk_refused(c->talk, why, sizeof(why)))
        return converse_fail(self, SONDE_L7RSP,
                             c->ended ? "the peer closed the connection"
                                      : "the peer answers otherwise");
    snprintf(text, sizeof(text), "%s: %s", talk_words(c->talk), why);
    tcp_say(tcp, SONDE_L7RSP, &tcp->peer, text);
    tcp_answer(self, SONDE_DOWN);
    return false;
}

static bool
converse_heard(struct sonde_instance *self, struct converse *c, enum talk_answer answer)
{
    switch (answer) {
    case TALK_MORE:
        return converse_broken(self, wire_wait(c->wire));
    case TALK_YES:
        converse_next(c);
        return true;
    case TALK_NO:
        return converse_heard_no(self, c);
    case TALK_BIG:
        return converse_fail(self, SONDE_L7BIG,
                             "more bytes than the step allows, without it");
    case TALK_GAVE_UP:
        break;
    }
    return converse_fail(self, SONDE_L7RSP, "the pattern takes too long on what came");
}

static bool
converse_hear(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);
    struct converse *c = tcp->run->converse;
    enum wire_result result;
    char bytes[WIRE_CHUNK];
    size_t length;

    if (!c->begun) { /* it may have come with what was heard before */
        converse_begin(self, c);
        return converse_heard(self, c, talk_hear(c->talk, NULL, 0, c->ended));
    }
    result = wire_hear(c->wire, bytes, &length);
    if (result == WIRE_FAILED && c->wire->error == ECONNRESET
        && talk_kind(c->talk) == STEP_CLOSE)
        result = WIRE_ENDED;
    c->ended = result == WIRE_ENDED;
    if (result != WIRE_DONE && !c->ended)
        return converse_broken(self, result);
    if (length && !c->heard)
        converse_phase(tcp, c, SONDE_FIRST_BYTE);
    c->heard += (int64_t)length;
    return converse_heard(self, c, talk_hear(c->talk, bytes, length, c->ended));
}

static bool
converse_tls(struct sonde_instance *self)
{
    struct converse *c = converse_of(sonde_private(self));

    if (talk_waiting(c->talk))
        return converse_fail(
            self, SONDE_L6RSP,
            "the peer said more before TLS than it was asked: refused, as "
            "it would pass for encrypted");
    converse_begin(self, c);
    c->doing = CONVERSE_TLS;
    return true;
}

/* ---- the rest ---- */

static bool
converse_proxy(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);
    struct converse *c = tcp->run->converse;
    enum wire_result result = wire_send(c->wire, c->out, c->out_length, &c->out_at);

    if (result != WIRE_DONE)
        return converse_broken(self, result);
    c->doing = tcp->tls ? CONVERSE_TLS : CONVERSE_STEPS;
    return true;
}

static void
converse_good(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);
    struct converse *c = tcp->run->converse;
    char text[100];

    if (*c->degraded) {
        tcp_say(tcp, SONDE_L6CERT, &tcp->peer, c->degraded);
        tcp_answer(self, SONDE_DEGRADED);
        return;
    }
    snprintf(text, sizeof(text), "%s%s%s",
             tcp->transport == TCP_DATAGRAM ? "answered" : "connected",
             c->wire->ssl ? " by " : "",
             c->wire->ssl ? SSL_get_version(c->wire->ssl) : "");
    if (c->talk && tcp->transport == TCP_STREAM)
        strcat(text, ", all steps passed");
    tcp_say(tcp, SONDE_OK, &tcp->peer, text);
    tcp_answer(self, SONDE_UP);
}

static bool
converse_turn(struct sonde_instance *self)
{
    struct converse *c = converse_of(sonde_private(self));

    if (c->doing == CONVERSE_PROXY)
        return converse_proxy(self);
    if (c->doing == CONVERSE_TLS) {
        if (!converse_handshake(self))
            return false;
        if (converse_kind(c) == STEP_TLS)
            converse_next(c);
        return true;
    }
    switch (converse_kind(c)) {
    case STEP_SEND:
        return converse_send(self);
    case STEP_EXPECT:
    case STEP_CLOSE:
        return converse_hear(self);
    case STEP_TLS:
        return converse_tls(self);
    case STEP_END:
        break;
    }
    converse_good(self);
    return false;
}

static void
converse_go(struct sonde_instance *self)
{
    while (converse_turn(self))
        continue;
}

static void
converse_ready(struct sonde_instance *self, struct wire *wire)
{
    (void)wire;
    converse_go(self);
}

/* ---- the beginning and the end ---- */

static void
converse_set_header(const struct tcp *tcp, struct converse *c)
{
    struct address from = { 0 };
    socklen_t length = sizeof(from);

    if (tcp->kind != ADDRESS_UNIX)
        getsockname(c->wire->fd, &from.any, &length);
    c->out = c->header;
    c->out_length = proxy_header(c->header, tcp->send_proxy, &from, &tcp->peer);
}

static struct converse *
converse_new(struct sonde_instance *self, int fd)
{
    const struct tcp *tcp = sonde_private(self);
    const struct steps *steps = tcp->talks->steps;
    bool datagram = tcp->transport == TCP_DATAGRAM;
    struct converse *c = calloc(1, sizeof(*c));

    if (!c) {
        close(fd);
        return NULL;
    }
    c->wire = wire_new(self, fd, datagram, converse_ready);
    c->talk = steps ? talk_new(steps, datagram) : NULL;
    c->mark = sonde_now();
    c->doing = tcp->tls ? CONVERSE_TLS : CONVERSE_STEPS;
    if (c->wire && (c->talk || !steps))
        return c;
    talk_free(c->talk);
    wire_free(c->wire);
    free(c);
    return NULL;
}

void
converse_start(struct sonde_instance *self, int fd)
{
    struct tcp *tcp = sonde_private(self);
    struct tcp_run *run = tcp_run(tcp);

    if (!run)
        close(fd);
    else
        run->converse = converse_new(self, fd);
    if (!run || !run->converse) {
        tcp_answer(self, tcp_say_error(tcp, &tcp->peer, ENOMEM));
        return;
    }
    if (tcp->send_proxy) {
        converse_set_header(tcp, run->converse);
        run->converse->doing = CONVERSE_PROXY;
    }
    converse_go(self);
}

static void
converse_tell_captures(struct tcp *tcp, const struct converse *c)
{
    const char *name, *value;
    size_t length;

    for (unsigned i = 0; (name = talk_capture(c->talk, i, &value, &length)); i++) {
        char field[80];

        snprintf(field, sizeof(field), "details.%s", name);
        sonde_set(tcp->event, field, value, length);
    }
}

void
converse_tell(struct tcp *tcp, bool explain)
{
    struct converse *c = converse_of(tcp);
    const char *heard = NULL;
    size_t length = 0;

    if (!c)
        return;
    converse_phase_end(tcp, c);
    if (c->talk)
        converse_tell_captures(tcp, c);
    if (wire_report(c->wire))
        converse_tell_tls(tcp, c);
    if (!explain)
        return;
    explain_socket(tcp->event, c->wire->fd);
    if (c->talk)
        heard = talk_heard(c->talk, &length);
    explain_received(tcp->event, heard, length, c->wire->received);
}

struct wire *
converse_give(struct tcp *tcp)
{
    struct converse *c = converse_of(tcp);
    struct wire *wire = c && !c->ended ? c->wire : NULL;

    if (wire)
        c->wire = NULL;
    return wire;
}

void
converse_stop(struct tcp *tcp)
{
    struct converse *c = converse_of(tcp);

    if (!c)
        return;
    sonde_timer_free(c->timer);
    talk_free(c->talk);
    wire_free(c->wire);
    free(c);
    tcp->run->converse = NULL;
}
