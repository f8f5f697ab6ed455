/* SPDX-License-Identifier: Apache-2.0
 *
 * lookup.c - a c-ares channel on a loop.  See lookup.h.
 *
 * Works with c-ares 1.17 and newer: no event thread, no reinit.  A resolv.conf
 * that changed makes a new channel.
 */
#include "lookup.h"

#include "resolve.h"

#include <ares.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/time.h>

enum {
    LOOKUP_SOCKETS = 64,   /* two for each server */
    LOOKUP_TIMEOUT = 1000, /* ms, for the first try; the second waits twice as long */
    LOOKUP_TRIES = 2,
    LOOKUP_BUFFER = 1 << 20,  /* bytes; what answers to a burst of questions need */
    LOOKUP_LOOK = 1000000000, /* nanoseconds between two looks at resolv.conf */
};

static const char lookup_conf[] = "/etc/resolv.conf";

struct lookup_socket {
    int fd;
    struct sonde_watch *watch; /* NULL: a free row */
};

struct lookup {
    struct sonde_instance *shared;
    ares_channel channel;
    void (*processed)(void *arg);
    void *arg;
    int64_t looked;
    struct stat conf; /* of resolv.conf when the channel was made */
    struct lookup_socket sockets[LOOKUP_SOCKETS];
    struct address server; /* sa_family 0: the system's */
};

struct lookup_question {
    lookup_fn *fn;
    void *arg;
    enum address_family family;
};

static void
lookup_ready(struct sonde_instance *shared, int fd, unsigned ready, void *arg)
{
    struct lookup *lookup = arg;

    (void)shared;
    ares_process_fd(lookup->channel, ready & SONDE_READ ? fd : ARES_SOCKET_BAD,
                    ready & SONDE_WRITE ? fd : ARES_SOCKET_BAD);
    lookup->processed(lookup->arg);
}

/* From within c-ares: it wants to know something else of a socket, or with
 * neither, is about to close it. */
static void
lookup_socket(void *arg, ares_socket_t fd, int readable, int writable)
{
    struct lookup *lookup = arg;
    struct lookup_socket *at = NULL;
    unsigned want = (readable ? SONDE_READ : 0u) | (writable ? SONDE_WRITE : 0u);

    for (struct lookup_socket *row = lookup->sockets;
         row < lookup->sockets + LOOKUP_SOCKETS; row++)
        if (row->watch ? row->fd == fd : !at)
            at = row;
    if (!at)
        return; /* its questions time out */
    if (at->watch && !want) {
        sonde_watch_free(at->watch);
        at->watch = NULL;
    } else if (at->watch) {
        sonde_watch_want(at->watch, want);
    } else if (want) {
        at->fd = fd;
        at->watch = sonde_watch_new(lookup->shared, fd, want, lookup_ready, lookup);
    }
}

static int
lookup_open(struct lookup *lookup, ares_channel *channel)
{
    char lookups[] = "fb", server[ADDRESS_TEXT];
    struct ares_options options = {
        .timeout = LOOKUP_TIMEOUT,
        .tries = LOOKUP_TRIES,
        .socket_send_buffer_size = LOOKUP_BUFFER,
        .socket_receive_buffer_size = LOOKUP_BUFFER,
        .lookups = lookups,
        .sock_state_cb = lookup_socket,
        .sock_state_cb_data = lookup,
    };
    int which = ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_SNDBUF
                | ARES_OPT_SOCK_RCVBUF | ARES_OPT_LOOKUPS | ARES_OPT_SOCK_STATE_CB;

#ifdef ARES_OPT_QUERY_CACHE
    which |= ARES_OPT_QUERY_CACHE; /* of 0 s: what is kept is resolve.c's business */
#endif
    if (stat(lookup_conf, &lookup->conf) == -1)
        memset(&lookup->conf, 0, sizeof(lookup->conf));
    if (ares_init_options(channel, &options, which) != ARES_SUCCESS)
        return -1;
    if (lookup->server.any.sa_family == 0)
        return 0;
    address_format(&lookup->server, true, server, sizeof(server));
    if (ares_set_servers_ports_csv(*channel, server) == ARES_SUCCESS)
        return 0;
    ares_destroy(*channel);
    return -1;
}

static void
lookup_prepare(void)
{
    ares_library_init(ARES_LIB_INIT_ALL);
}

struct lookup *
lookup_new(struct sonde_instance *shared, const char *server,
           void (*processed)(void *arg), void *arg)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct lookup *lookup = calloc(1, sizeof(*lookup));

    pthread_once(&once, lookup_prepare);
    if (!lookup)
        return NULL;
    lookup->shared = shared;
    lookup->processed = processed;
    lookup->arg = arg;
    lookup->looked = sonde_now();
    if ((*server && !lookup_server(server, &lookup->server))
        || lookup_open(lookup, &lookup->channel) == -1) {
        free(lookup);
        return NULL;
    }
    return lookup;
}

void
lookup_free(struct lookup *lookup)
{
    if (!lookup)
        return;
    ares_destroy(lookup->channel);
    free(lookup);
}

static enum sonde_reason
lookup_reason(int status)
{
    switch (status) {
    case ARES_SUCCESS:
        return SONDE_OK;
    case ARES_ETIMEOUT:
    case ARES_ECONNREFUSED: /* no server could be asked */
    case ARES_EBADRESP:     /* it says nothing of the name; old c-ares waits on */
        return SONDE_DNSTOUT;
    case ARES_ENOMEM:
    case ARES_EFILE:
    case ARES_ENOTINITIALIZED:
        return SONDE_OBSERVER;
    default:
        return SONDE_DNSERR;
    }
}

static const char *
lookup_text(int status)
{
    switch (status) {
    case ARES_ENOTFOUND:
        return "there is no such name";
    case ARES_ENODATA:
        return "the name has no address of the wanted kind";
    case ARES_ESERVFAIL:
        return "the name server failed to resolve it";
    case ARES_EREFUSED:
        return "the name server refused to answer";
    case ARES_ETIMEOUT:
        return "the name server does not answer";
    case ARES_ECONNREFUSED:
        return "the name server cannot be reached";
    case ARES_EBADRESP:
        return "what the name server answers makes no sense";
    default:
        return ares_strerror(status);
    }
}

/* At most RESOLVE_MOST, of the families wanted. */
static void
lookup_copy(struct lookup_answer *answer, const struct ares_addrinfo *found,
            enum address_family family)
{
    const struct ares_addrinfo_node *node;

    answer->addresses = calloc(RESOLVE_MOST, sizeof(*answer->addresses));
    for (node = found->nodes; answer->addresses && node; node = node->ai_next) {
        struct address *address = &answer->addresses[answer->count];

        if (answer->count == RESOLVE_MOST)
            break;
        if ((node->ai_family != AF_INET && node->ai_family != AF_INET6)
            || (size_t)node->ai_addrlen > sizeof(*address))
            continue;
        memcpy(address, node->ai_addr, (size_t)node->ai_addrlen);
        if (!address_allowed(address, family))
            continue;
        if (answer->count == 0 || node->ai_ttl < answer->ttl)
            answer->ttl = node->ai_ttl;
        answer->count++;
    }
}

static void
lookup_done(void *arg, int status, int timeouts, struct ares_addrinfo *found)
{
    struct lookup_question question = *(struct lookup_question *)arg;
    struct lookup_answer answer = { .reason = lookup_reason(status),
                                    .text = lookup_text(status) };

    (void)timeouts;
    free(arg);
    if (status == ARES_SUCCESS && found)
        lookup_copy(&answer, found, question.family);
    if (status == ARES_SUCCESS && answer.count == 0) {
        answer.reason = answer.addresses ? SONDE_DNSERR : SONDE_OBSERVER;
        answer.text = answer.addresses ? "no address of the wanted kind"
                                       : "out of memory";
    }
    ares_freeaddrinfo(found);
    if (status == ARES_EDESTRUCTION || status == ARES_ECANCELLED)
        question.fn(NULL, question.arg);
    else
        question.fn(&answer, question.arg);
}

void
lookup_start(struct lookup *lookup, const char *name, enum address_family family,
             lookup_fn *fn, void *arg)
{
    struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC,
                                         .ai_socktype = SOCK_STREAM };
    struct lookup_question *question = malloc(sizeof(*question));

    if (!question) {
        fn(&(struct lookup_answer){ .reason = SONDE_OBSERVER, .text = "out of memory" },
           arg);
        return;
    }
    *question = (struct lookup_question){ fn, arg, family };
    if (family != ADDRESS_ANY)
        hints.ai_family = family == ADDRESS_V4 ? AF_INET : AF_INET6;
    ares_getaddrinfo(lookup->channel, name, NULL, &hints, lookup_done, question);
}

void
lookup_process(struct lookup *lookup)
{
    ares_process_fd(lookup->channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

int64_t
lookup_timeout(struct lookup *lookup)
{
    struct timeval room, *left = ares_timeout(lookup->channel, NULL, &room);

    return left ? left->tv_sec * 1000 + left->tv_usec / 1000 + 1 : LOOKUP_TIMEOUT;
}

bool
lookup_renew(struct lookup *lookup, int64_t now)
{
    ares_channel before = lookup->channel, after;
    struct stat conf = { 0 };

    if (now - lookup->looked < LOOKUP_LOOK)
        return false;
    lookup->looked = now;
    if (stat(lookup_conf, &conf) == -1)
        memset(&conf, 0, sizeof(conf));
    if (conf.st_ino == lookup->conf.st_ino && conf.st_size == lookup->conf.st_size
        && conf.st_mtim.tv_sec == lookup->conf.st_mtim.tv_sec
        && conf.st_mtim.tv_nsec == lookup->conf.st_mtim.tv_nsec)
        return false;
    if (lookup_open(lookup, &after) == -1)
        return false; /* better the old servers than none */
    lookup->channel = after;
    ares_destroy(before);
    return true;
}

bool
lookup_server(const char *text, struct address *address)
{
    struct address_parts parts;
    char why[200];

    if (address_literal(text, strlen(text), address)) {
        address_set_port(address, 53);
        return true;
    }
    if (address_parse(text, &parts, why, sizeof(why)) == -1
        || parts.kind != ADDRESS_LITERAL)
        return false;
    *address = parts.literal;
    return true;
}
