/* SPDX-License-Identifier: Apache-2.0
 *
 * tcp.h - one tcp check, as its stages see it.
 *
 * A run goes one way: tcp.c is asked, dial.c connects, converse.c talks where there is
 * anything to say (by wire.c, through TLS or not), held.c keeps the connection, and
 * tcp_answer ends it.  A check that only connects to an address holds what is in struct
 * tcp and allocates nothing for a run.
 */
#ifndef PROBE_TCP_TCP_H
#define PROBE_TCP_TCP_H

#include "../common/address.h"
#include "../common/tls.h"
#include "../common/tries.h"
#include "steps.h"

#include <sonde/plugin.h>

enum { TCP_FULL, TCP_HALF };
enum { TCP_STREAM, TCP_DATAGRAM };
enum { TCP_NO_PROXY, TCP_PROXY_V1, TCP_PROXY_V2 };

struct converse;
struct held;

/* Of a check that does more than connect. */
struct tcp_talks {
    struct steps *steps; /* NULL: nothing to say */
    SSL_CTX *context;    /* NULL: no TLS */
    struct cert_rules rules;
    struct held *held; /* the connection kept between runs; NULL: none */
};

/* Of a question that is out. */
struct tcp_run {
    struct resolve *ask;
    struct sonde_timer *timer; /* for the next address, or a full unix backlog */
    struct tries *tries;       /* of a name */
    struct converse *converse; /* once it is connected */
};

struct tcp {
    struct tls secure; /* the first member: its options count from here */
    const char *address, *source, *resolver;
    const char *const *alpn, *const *steps;
    int ip, handshake, transport, starttls, send_proxy;
    bool tls, hold;

    uint8_t kind, host_length; /* enum address_kind; of the name in address */
    uint16_t port;
    int fd;              /* that connects, while there is a watch */
    struct address peer; /* the one being tried; family 0: unix */
    int64_t began;       /* looking the name up, or connecting */
    struct tcp_talks *talks;
    struct sonde_event *event; /* the question that is out, or NULL */
    struct sonde_watch *watch; /* of the attempt to connect */
    struct tcp_run *run;
};

/* The run, made where there is none; NULL: out of memory. */
struct tcp_run *tcp_run(struct tcp *tcp);
int64_t tcp_elapsed(const struct tcp *tcp); /* microseconds since began */
/* The reason and its sentence: the address as configured; for a name also which of its
 * addresses it was, where peer is given. */
void tcp_say(struct tcp *tcp, enum sonde_reason reason, const struct address *peer,
             const char *what);
/* The same for an errno.  What it says of the target. */
enum sonde_state tcp_say_error(struct tcp *tcp, const struct address *peer, int error);
/* Ends the run. */
void tcp_answer(struct sonde_instance *self, enum sonde_state state);

#endif
