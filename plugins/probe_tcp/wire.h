/* SPDX-License-Identifier: Apache-2.0
 *
 * wire.h - bytes in and out of a connected socket, plain or through TLS; never blocks.
 *
 * The wire asks the loop for what an operation waits for, and calls back when it is worth
 * trying again.  A peer that sends without end gets its share of a turn and no more; what
 * it may send in all is bounded.
 */
#ifndef PROBE_TCP_WIRE_H
#define PROBE_TCP_WIRE_H

#include "../common/cert.h"

#include <sonde/plugin.h>

enum { WIRE_CHUNK = 64 * 1024 /* most bytes of one wire_hear; no datagram is longer */ };

enum wire_result {
    WIRE_DONE,
    WIRE_WAIT,   /* the loop calls when to try again */
    WIRE_ENDED,  /* the peer has closed its side */
    WIRE_FAILED, /* error or why tells */
    WIRE_BIG,    /* the peer has sent more than any check wants to hear */
};

struct wire;

/* Something can be tried again.  May free the wire. */
typedef void wire_fn(struct sonde_instance *self, struct wire *wire);

struct wire {
    struct sonde_instance *self;
    wire_fn *ready;
    struct sonde_watch *watch;
    int fd;
    bool datagram, ended;   /* ended: TLS met the end of the bytes */
    int error;              /* errno of what failed; 0: TLS did */
    const char *why;        /* OpenSSL's sentence; constant */
    bool untrusted;         /* it failed for the certificate */
    bool plaintext;         /* it failed as the peer speaks no TLS */
    int64_t received, turn; /* bytes of the socket: in all, and left for this turn */
    SSL *ssl;               /* NULL: plain */
    struct wire_tls *tls;
};

/* Takes the descriptor, whatever comes of it.  NULL: out of memory. */
struct wire *wire_new(struct sonde_instance *self, int fd, bool datagram, wire_fn *ready);
void wire_free(struct wire *wire); /* closes; NULL does nothing */

/* Begins TLS, to be continued by wire_handshake.  host: whom the certificate must name;
 * sni: whether to ask for it.  -1: out of memory. */
int wire_secure(struct wire *wire, SSL_CTX *context, const struct cert_rules *rules,
                const char *host, bool sni);
enum wire_result wire_handshake(struct wire *wire);
/* What the handshake showed of the peer; NULL for a plain wire. */
struct cert_report *wire_report(struct wire *wire);

/* Sends bytes[*at...] and moves *at on; DONE when all are out. */
enum wire_result wire_send(struct wire *wire, const char *bytes, size_t length,
                           size_t *at);
/* DONE with what is there, at most WIRE_CHUNK bytes (a datagram may have none). */
enum wire_result wire_hear(struct wire *wire, char *bytes, size_t *length);
/* Has the loop call when there is something to hear. */
enum wire_result wire_wait(struct wire *wire);

#endif
