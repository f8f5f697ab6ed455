/* SPDX-License-Identifier: Apache-2.0
 *
 * converse_tls.c - the TLS handshake of a conversation, and what it showed of the peer.
 *
 * A certificate that is wrong ends the run by itself, whether OpenSSL failed for it or
 * not; one that ends soon is told once everything else is good.
 */
#include "converse_inside.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

/* Whom the certificate must name; "" for a unix socket without a name. */
static void
converse_host(const struct tcp *tcp, char host[ADDRESS_NAME_MAX + 1])
{
    int length = tcp->host_length;

    if (*tcp->secure.sni)
        snprintf(host, ADDRESS_NAME_MAX + 1, "%s", tcp->secure.sni);
    else if (tcp->kind == ADDRESS_LITERAL)
        address_format(&tcp->peer, false, host, ADDRESS_NAME_MAX + 1);
    else /* the dot of a full name is not part of it here */
        snprintf(host, ADDRESS_NAME_MAX + 1, "%.*s",
                 length && tcp->address[length - 1] == '.' ? length - 1 : length,
                 tcp->address);
}

static int
converse_secure(struct tcp *tcp, struct converse *c)
{
    char host[ADDRESS_NAME_MAX + 1];
    struct address address;
    bool sni;

    converse_host(tcp, host);
    sni = *host && !address_literal(host, strlen(host), &address);
    c->tls_began = sonde_now();
    return wire_secure(c->wire, tcp->talks->context, &tcp->talks->rules, host, sni);
}

/* The certificate, after a handshake that succeeded or failed for its sake. */
static enum sonde_state
converse_judge(struct tcp *tcp, struct converse *c)
{
    struct cert_report *report = wire_report(c->wire);
    enum sonde_state state;
    char why[CERT_TEXT];

    state = cert_judge(report, time(NULL), why, sizeof(why));
    if (state == SONDE_DOWN)
        tcp_say(tcp, SONDE_L6CERT, &tcp->peer, why);
    if (state == SONDE_DEGRADED)
        snprintf(c->degraded, sizeof(c->degraded), "%s", why);
    return state;
}

bool
converse_handshake(struct sonde_instance *self)
{
    struct tcp *tcp = sonde_private(self);
    struct converse *c = tcp->run->converse;
    enum wire_result result;

    if (!c->wire->ssl && converse_secure(tcp, c) == -1)
        return converse_fail(self, SONDE_OBSERVER, "out of memory");
    result = wire_handshake(c->wire);
    if (result == WIRE_WAIT)
        return false;
    if ((result == WIRE_DONE || c->wire->untrusted)
        && converse_judge(tcp, c) == SONDE_DOWN) {
        tcp_answer(self, SONDE_DOWN);
        return false;
    }
    if (result != WIRE_DONE)
        return converse_broken(self, result);
    converse_phase_tls(tcp, c);
    c->doing = CONVERSE_STEPS;
    return true;
}

void
converse_tell_tls(struct tcp *tcp, const struct converse *c)
{
    struct cert_report *report = wire_report(c->wire);
    const unsigned char *chosen = NULL;
    unsigned length = 0;

    cert_end(report, c->wire->ssl);
    cert_tell(report, tcp->event);
    if (!*tcp->alpn || !SSL_is_init_finished(c->wire->ssl))
        return;
    SSL_get0_alpn_selected(c->wire->ssl, &chosen, &length);
    sonde_set(tcp->event, "details.tls_alpn", length ? (const char *)chosen : "none",
              length ? length : strlen("none"));
}
