/* SPDX-License-Identifier: Apache-2.0
 *
 * converse_inside.h - what converse.c and its parts share; for nobody else.
 *
 * The functions that take a step answer whether the next one may follow at once: false
 * means that the loop calls, or that the run has ended and its memory is gone.
 */
#ifndef PROBE_TCP_CONVERSE_INSIDE_H
#define PROBE_TCP_CONVERSE_INSIDE_H

#include "converse.h"
#include "proxy.h"
#include "talk.h"

enum { CONVERSE_WHAT = 200 /* most of what converse_fail is given */ };
enum converse_doing { CONVERSE_PROXY, CONVERSE_TLS, CONVERSE_STEPS };

struct converse {
    struct wire *wire;
    struct talk *talk;         /* NULL: no steps */
    struct sonde_timer *timer; /* of a step that has a time of its own */
    enum converse_doing doing;
    bool begun;       /* with the step that is due */
    bool sent, ended; /* something was; the peer has */
    int64_t heard;    /* bytes, out of TLS */
    int64_t mark;     /* when the phase began */
    int64_t tls_began;
    const char *out;
    size_t out_length, out_at;
    char degraded[CERT_TEXT]; /* why the certificate is not good for long; "" = it is */
    char header[PROXY_MOST];
};

/* converse_say.c: phases, sentences, and what went wrong. */
enum step_kind converse_kind(const struct converse *c); /* of the step that is due */
void converse_phase(struct tcp *tcp, struct converse *c, enum sonde_phase phase);
void converse_phase_tls(struct tcp *tcp, struct converse *c);
void converse_phase_end(struct tcp *tcp, struct converse *c); /* the last one */
/* Both end the run, but for WIRE_WAIT. */
bool converse_fail(struct sonde_instance *self, enum sonde_reason reason,
                   const char *what);
bool converse_broken(struct sonde_instance *self, enum wire_result result);

/* converse_tls.c: the handshake; puts what it showed into the event. */
bool converse_handshake(struct sonde_instance *self);
void converse_tell_tls(struct tcp *tcp, const struct converse *c);

#endif
