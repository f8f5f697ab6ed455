/* SPDX-License-Identifier: Apache-2.0
 *
 * tcp.c - the tcp check: its options, its questions and its answers.
 *
 * What a run does is in dial.c (connect) and converse.c (talk).  Whatever becomes of it
 * ends here, in tcp_answer or tcp_cancel, which say why where that would be news and let
 * go of all that the run held.
 */
#include "tcp.h"

#include "converse.h"
#include "dial.h"
#include "held.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const handshakes[] = { "full", "half", NULL };
static const char *const transports[] = { "tcp", "udp", NULL };
static const char *const proxies[] = { "no", "v1", "v2", NULL };

static const struct sonde_option options[] = {
    SONDE_STRING(struct tcp, address, .required = true,
                 .help = "Where to connect: host:port, [v6]:port or unix:/path."),
    SONDE_CHOICE(struct tcp, transport, .fallback = "tcp", .choices = transports,
                 .help = "Whether to connect by TCP or to exchange datagrams by UDP."),
    SONDE_CHOICE(struct tcp, ip, .fallback = "any", .choices = address_families,
                 .help = "Which addresses of a name to use."),
    SONDE_STRING(struct tcp, source, .fallback = "",
                 .help = "The local address to connect from."),
    SONDE_CHOICE(struct tcp, handshake, .fallback = "full", .choices = handshakes,
                 .help = "Whether to finish the handshake, or only to see it begin."),
    SONDE_STRING(struct tcp, resolver, .fallback = "",
                 .help = "A name server to ask, as ip:port, instead of the system's."),
    SONDE_CHOICE(struct tcp, send_proxy, .fallback = "no", .choices = proxies,
                 .help = "Whether to begin with a header of the PROXY protocol."),
    SONDE_BOOL(struct tcp, tls, .fallback = "false",
               .help = "Whether to speak TLS from the first byte on."),
    SONDE_CHOICE(struct tcp, starttls, .fallback = "no", .choices = steps_protocols,
                 .help = "The protocol in which to ask for TLS before the steps."),
    TLS_OPTIONS,
    SONDE_STRINGS(struct tcp, alpn,
                  .help = "The protocols to offer in the TLS handshake."),
    SONDE_STRINGS(struct tcp, steps,
                  .help = "What to say and what to expect, one step a line."),
    SONDE_BOOL(struct tcp, hold, .fallback = "false",
               .help = "Whether to keep the connection until the next run, to hear it "
                       "break."),
    { 0 }
};

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
tcp_open_address(struct sonde_instance *self, struct tcp *tcp)
{
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
    if (tcp->kind == ADDRESS_UNIX
        && (sonde_idle(self, "ip", "has no meaning for a unix socket") == -1
            || sonde_idle(self, "resolver", "has no meaning for a unix socket") == -1))
        return -1;
    if (resolve_check(tcp->resolver, why, sizeof(why)) == -1)
        return sonde_fail(self, "resolver", "%s", why);
    return tcp_open_source(self, tcp);
}

/* Half a handshake is no connection to say anything over. */
static int
tcp_open_half(struct sonde_instance *self, const struct tcp *tcp)
{
    const char *other = tcp->hold             ? "hold"
                        : tcp->talks->context ? "TLS"
                        : tcp->talks->steps   ? "steps"
                                              : "send_proxy";

    if (tcp->handshake != TCP_HALF)
        return 0;
    return sonde_fail(self, "handshake",
                      "\"half\" opens no connection; use \"full\" for %s", other);
}

static int
tcp_open_datagrams(struct sonde_instance *self, const struct steps *steps)
{
    unsigned longer;

    if (!steps || !steps_have(steps, STEP_EXPECT))
        return sonde_fail(self, "steps",
                          "udp answers only what it is asked: give a send "
                          "step and an expect step");
    if (steps_have(steps, STEP_CLOSE))
        return sonde_fail(self, "steps",
                          "a close step is for tcp only: udp has no "
                          "connection to close");
    longer = steps_longer(steps, STEPS_DATAGRAM);
    if (longer)
        return sonde_fail(self, "steps",
                          "steps[%u] sends more than %d bytes, the most of a datagram",
                          longer, STEPS_DATAGRAM);
    return 0;
}

static int
tcp_open_udp(struct sonde_instance *self, const struct tcp *tcp)
{
    if (tcp->transport != TCP_DATAGRAM)
        return 0;
    if (tcp->kind == ADDRESS_UNIX)
        return sonde_fail(self, "transport",
                          "udp needs a host and a port, not a unix "
                          "socket");
    if (tcp->handshake == TCP_HALF)
        return sonde_fail(self, "handshake", "udp has no handshake to halve");
    if (tcp->send_proxy)
        return sonde_fail(self, "send_proxy", "the PROXY header is for tcp only");
    if (tcp->hold)
        return sonde_fail(self, "hold", "udp has no connection to hold");
    if (tcp->talks && tcp->talks->context)
        return sonde_fail(self, "transport", "TLS is for tcp only");
    return tcp_open_datagrams(self, tcp->talks ? tcp->talks->steps : NULL);
}

static int
tcp_open_tls(struct sonde_instance *self, struct tcp *tcp)
{
    const struct steps *steps = tcp->talks ? tcp->talks->steps : NULL;
    bool used = tcp->tls || (steps && steps_have(steps, STEP_TLS));

    if (tls_open(self, &tcp->secure, used) == -1)
        return -1;
    if (!used && *tcp->alpn)
        return sonde_fail(self, "alpn",
                          "is for a check that speaks TLS; give tls = true, "
                          "starttls or a tls step");
    if (!used)
        return 0;
    if (tcp->kind == ADDRESS_UNIX && tcp->secure.verify && !*tcp->secure.sni)
        return sonde_fail(self, "sni",
                          "a unix socket has no name that a certificate could "
                          "carry; give the name here, or verify = false");
    tcp->talks->rules = tls_rules(&tcp->secure);
    tcp->talks->context = tls_context(self, &tcp->secure, tcp->alpn);
    return tcp->talks->context ? 0 : -1;
}

static int
tcp_open_steps(struct sonde_instance *self, struct tcp *tcp)
{
    const char *protocol = tcp->starttls ? steps_protocols[tcp->starttls] : "";
    char why[400];

    if (!*tcp->steps && !tcp->starttls)
        return 0;
    if (tcp->tls && tcp->starttls)
        return sonde_fail(self, "starttls",
                          "asks for TLS in plain text, and tls = true "
                          "begins with it; use one of them");
    tcp->talks->steps = steps_new(protocol, tcp->steps, why, sizeof(why));
    if (!tcp->talks->steps)
        return sonde_fail(self, "steps", "%s", why);
    if (tcp->tls && steps_have(tcp->talks->steps, STEP_TLS))
        return sonde_fail(self, "steps",
                          "tls = true has begun TLS already; leave the tls "
                          "step out");
    if (tcp->hold && steps_have(tcp->talks->steps, STEP_CLOSE))
        return sonde_fail(self, "hold",
                          "no connection is left to hold after a close step");
    return 0;
}

static int
tcp_open(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);

    if (tcp_open_address(self, tcp) == -1)
        return -1;
    if (*tcp->steps || tcp->starttls || tcp->tls || tcp->send_proxy || tcp->hold) {
        tcp->talks = calloc(1, sizeof(*tcp->talks));
        if (!tcp->talks)
            return sonde_fail(self, NULL, "out of memory");
        if (tcp_open_steps(self, tcp) == -1)
            return -1;
    }
    if (tcp_open_tls(self, tcp) == -1 || tcp_open_udp(self, tcp) == -1)
        return -1;
    return tcp->talks ? tcp_open_half(self, tcp) : 0;
}

static void
tcp_close(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);

    if (!tcp->talks)
        return;
    steps_free(tcp->talks->steps);
    SSL_CTX_free(tcp->talks->context);
    free(tcp->talks);
    tcp->talks = NULL;
}

/* ---- the end of a run ---- */

struct tcp_run *
tcp_run(struct tcp *tcp)
{
    if (!tcp->run)
        tcp->run = calloc(1, sizeof(*tcp->run));
    return tcp->run;
}

int64_t
tcp_elapsed(const struct tcp *tcp)
{
    return (sonde_now() - tcp->began) / 1000;
}

void
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

enum sonde_state
tcp_say_error(struct tcp *tcp, const struct address *peer, int error)
{
    enum sonde_reason reason = address_reason(error);
    char text[ADDRESS_TEXT];

    if (tcp->transport == TCP_DATAGRAM && error == ECONNREFUSED)
        tcp_say(tcp, reason, peer, "the port is unreachable");
    else
        tcp_say(tcp, reason, peer, address_error(error, text, sizeof(text)));
    return reason == SONDE_OBSERVER ? SONDE_UNKNOWN : SONDE_DOWN;
}

/* What the conversation found out, and why the target is DOWN where that is news. */
static void
tcp_tell(struct tcp *tcp, enum sonde_state state)
{
    bool explain = state == SONDE_DOWN && sonde_explain(tcp->event);

    if (explain)
        dial_explain(tcp);
    if (!tcp->talks)
        return;
    converse_tell(tcp, explain);
    held_tell(tcp, state, explain);
}

/* Lets go of all that a run holds, but for the event. */
static void
tcp_stop_run(struct tcp *tcp)
{
    converse_stop(tcp);
    dial_stop(tcp);
    free(tcp->run);
    tcp->run = NULL;
}

void
tcp_answer(struct sonde_instance *self, enum sonde_state state)
{
    struct tcp *tcp = sonde_private(self);
    struct sonde_event *event = tcp->event;

    tcp_tell(tcp, state);
    if (tcp->talks && state == SONDE_DOWN)
        held_stop(tcp);
    else if (tcp->hold && state != SONDE_UNKNOWN)
        held_take(self, converse_give(tcp));
    tcp_stop_run(tcp);
    tcp->event = NULL;
    sonde_done(event, state);
}

/* ---- a run ---- */

static void
tcp_begin(struct sonde_instance *self, struct sonde_event *event)
{
    struct tcp *tcp = sonde_private(self);

    tcp->event = event;
    dial_start(self);
}

static void
tcp_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    struct tcp *tcp = sonde_private(self);

    (void)event; /* it is tcp->event */
    if (tcp->run && tcp->run->converse)
        converse_late(tcp);
    else
        dial_late(tcp);
    tcp_tell(tcp, SONDE_DOWN);
    if (tcp->talks)
        held_stop(tcp);
    tcp_stop_run(tcp);
    tcp->event = NULL;
}

static void
tcp_stop(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);

    if (tcp->talks)
        held_free(tcp);
    tcp_stop_run(tcp);
}

static const struct sonde_probe probe = {
    .name = "tcp",
    .summary = "whether a TCP, TLS, UDP or unix peer can be reached and answers as it "
               "should",
    .size = sizeof(struct tcp),
    .options = options,
    .open = tcp_open,
    .stop = tcp_stop,
    .close = tcp_close,
    .begin = tcp_begin,
    .cancel = tcp_cancel,
};

SONDE_PLUGIN(probe);
