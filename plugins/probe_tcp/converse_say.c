/* SPDX-License-Identifier: Apache-2.0
 *
 * converse_say.c - how a conversation went: its phases, and the sentence that says which
 * step failed, how, and what was heard instead.
 */
#include "converse_inside.h"
#include "dial.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

enum { CONVERSE_WHERE = 40, CONVERSE_HEARD = 80 };

enum step_kind
converse_kind(const struct converse *c)
{
    return c->talk ? talk_kind(c->talk) : STEP_END;
}

/* ---- phases ---- */

static int64_t
converse_since(int64_t then)
{
    return (sonde_now() - then) / 1000;
}

/* A phase ends, and the next one begins. */
void
converse_phase(struct tcp *tcp, struct converse *c, enum sonde_phase phase)
{
    sonde_timing(tcp->event, phase, converse_since(c->mark));
    c->mark = sonde_now();
}

/* A handshake in the middle belongs to no other phase. */
void
converse_phase_tls(struct tcp *tcp, struct converse *c)
{
    sonde_timing(tcp->event, SONDE_TLS, converse_since(c->tls_began));
    c->mark += sonde_now() - c->tls_began;
}

/* The phase in which the run ended. */
void
converse_phase_end(struct tcp *tcp, struct converse *c)
{
    enum step_kind kind = converse_kind(c);

    if (c->doing == CONVERSE_TLS)
        converse_phase_tls(tcp, c);
    else if (c->heard)
        converse_phase(tcp, c, SONDE_TRANSFER);
    else if (c->doing == CONVERSE_PROXY || kind == STEP_SEND)
        converse_phase(tcp, c, SONDE_SEND);
    else if (kind == STEP_EXPECT || kind == STEP_CLOSE)
        converse_phase(tcp, c, SONDE_FIRST_BYTE);
}

/* ---- sentences ---- */

/* The length without white space at the end. */
static size_t
converse_trim(const char *text, size_t length)
{
    while (length && text[length - 1] && strchr("\r\n\t ", text[length - 1]))
        length--;
    return length;
}

/* "step 2 (expect): ". */
static void
converse_where(const struct converse *c, char *text, size_t size)
{
    const char *words = c->talk ? talk_words(c->talk) : "";

    *text = '\0';
    if (c->doing == CONVERSE_PROXY)
        snprintf(text, size, "PROXY header: ");
    else if (c->doing == CONVERSE_TLS)
        snprintf(text, size, "TLS handshake: ");
    else if (*words && !talk_number(c->talk))
        snprintf(text, size, "%s: ", words);
    else if (*words)
        snprintf(text, size, "step %u (%s): ", talk_number(c->talk), words);
}

/* What came instead, where a step listens.  The core cleans what is left. */
static void
converse_quote(const struct converse *c, char *text, size_t size)
{
    enum step_kind kind = c->doing == CONVERSE_STEPS ? converse_kind(c) : STEP_END;
    char quoted[CONVERSE_HEARD + 1] = "";
    const char *heard;
    size_t length, shown;

    *text = '\0';
    if (kind != STEP_EXPECT && kind != STEP_CLOSE)
        return;
    heard = talk_heard(c->talk, &length);
    length = converse_trim(heard, length);
    shown = length < CONVERSE_HEARD ? length : CONVERSE_HEARD;
    for (size_t i = 0; i < shown; i++)
        quoted[i] = heard[i] ? heard[i] : '?'; /* a text would end there */
    if (length)
        snprintf(text, size, "; heard \"%s\"%s", quoted, shown < length ? "..." : "");
    else
        snprintf(text, size, "; nothing was heard");
}

static void
converse_say(struct tcp *tcp, enum sonde_reason reason, const char *what)
{
    const struct converse *c = tcp->run->converse;
    char where[CONVERSE_WHERE], heard[CONVERSE_HEARD + 40];
    char text[sizeof(where) + sizeof(heard) + CONVERSE_WHAT];

    converse_where(c, where, sizeof(where));
    converse_quote(c, heard, sizeof(heard));
    snprintf(text, sizeof(text), "%s%.*s%s", where, CONVERSE_WHAT, what, heard);
    tcp_say(tcp, reason, &tcp->peer, text);
}

/* Ends the run. */
bool
converse_fail(struct sonde_instance *self, enum sonde_reason reason, const char *what)
{
    converse_say(sonde_private(self), reason, what);
    tcp_answer(self, reason == SONDE_OBSERVER ? SONDE_UNKNOWN : SONDE_DOWN);
    return false;
}

/* The wire did not do what it should: waits, or ends the run. */
bool
converse_broken(struct sonde_instance *self, enum wire_result result)
{
    struct tcp *tcp = sonde_private(self);
    struct converse *c = tcp->run->converse;
    bool tls = c->doing == CONVERSE_TLS;
    int error = c->wire->error;
    char text[CONVERSE_WHAT];

    if (result == WIRE_WAIT)
        return false;
    if (result == WIRE_BIG)
        return converse_fail(self, tls ? SONDE_L6RSP : SONDE_L7BIG,
                             "the peer sends without end");
    if (result == WIRE_ENDED || error == ECONNRESET || error == EPIPE)
        return converse_fail(self, tls ? SONDE_L6RSP : SONDE_L7RSP,
                             result == WIRE_ENDED ? "the peer closed the connection"
                                                  : "the peer reset the connection");
    if (!error) {
        snprintf(text, sizeof(text), "%s%s%s", tls ? "" : "TLS: ", c->wire->why,
                 c->wire->plaintext ? "; the peer does not seem to speak TLS" : "");
        return converse_fail(self, SONDE_L6RSP, text);
    }
    if (c->wire->datagram && !c->heard) { /* ICMP: another address may do */
        converse_stop(tcp);
        dial_failed(self, error);
        return false;
    }
    return converse_fail(self, address_reason(error),
                         address_error(error, text, sizeof(text)));
}

/* ---- time is up ---- */

void
converse_late(struct tcp *tcp)
{
    const struct converse *c = tcp->run->converse;

    if (c->doing == CONVERSE_TLS)
        converse_say(tcp, SONDE_L6TOUT, "not ended in time");
    else if (c->doing == CONVERSE_PROXY || converse_kind(c) == STEP_SEND)
        converse_say(tcp, SONDE_L7TOUT, "could not be sent in time");
    else if (converse_kind(c) == STEP_CLOSE)
        converse_say(tcp, SONDE_L7TOUT, "the peer has not hung up in time");
    else
        converse_say(tcp, SONDE_L7TOUT, "no answer in time");
}
