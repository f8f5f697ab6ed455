/* SPDX-License-Identifier: Apache-2.0
 *
 * web.h - one libcurl multi handle for each probe loop, driven by its watches and
 * one timer.
 *
 * For transfers that are ready to go: nothing here knows what a check asks for.
 */
#ifndef PROBE_HTTP_WEB_H
#define PROBE_HTTP_WEB_H

#include <curl/curl.h>
#include <sonde/plugin.h>

enum { WEB_FIRST = 256 };

typedef void web_fn(void *arg, CURLcode code);

/* One transfer; embedded in the caller's own struct. */
struct web {
    struct sonde_instance *shared;
    CURL *easy;
    web_fn *fn;
    void *arg;
    int fd; /* of the watch */
    struct sonde_watch *watch;
    int64_t connected;     /* sonde_now when the connection was open; 0: it is not */
    int64_t sent;          /* when the request had gone; 0: it has not */
    int64_t length;        /* of the request's body */
    bool blind;            /* a socket of it could not be watched: our own fault */
    bool look;             /* whether first is wanted; set after web_start */
    char first[WEB_FIRST]; /* the first bytes that came, before libcurl read them */
    size_t first_length;
};

/* Hands web->easy over until fn is called or web_stop; it is the caller's again then.
 * fn is never called from within this function.  -1: cannot. */
int web_start(struct web *web, struct sonde_instance *self, CURL *easy, int64_t length,
              web_fn *fn, void *arg);
void web_stop(struct web *web); /* safe to repeat, and on a zeroed one */
/* A new socket was made for it: what was known of the last one is void. */
void web_reopen(struct web *web);

#endif
