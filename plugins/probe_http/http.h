/* SPDX-License-Identifier: Apache-2.0
 *
 * http.h - what the files of this probe share: the check, and one run of it.
 *
 * A check holds its options and what open made of them.  All that a run needs is
 * in struct http_run, which exists only while a question is out.
 */
#ifndef PROBE_HTTP_HTTP_H
#define PROBE_HTTP_HTTP_H

#include "../common/address.h"
#include "../common/pattern.h"
#include "../common/tls.h"
#include "../common/tries.h"
#include "answer.h"
#include "header_rule.h"
#include "json_rule.h"
#include "origin.h"
#include "status.h"
#include "web.h"

struct http_run;
struct way;
struct keep;

struct http {
    struct tls tls; /* first: TLS_OPTIONS count from here */

    /* Of the request: request.c, way.c, redirect.c. */
    const char *url, *method, *body, *user_agent, *resolver;
    const char *user, *password, *bearer;
    const char *resolve, *source, *unix_socket;
    const char *proxy, *proxy_user, *proxy_password;
    const char *const *headers;
    int64_t max_redirects;
    int ip, http_version; /* enum address_family, enum request_version */
    bool redirect_downgrade, compression, keep;

    struct origin first;      /* of url */
    struct curl_slist *lines; /* headers as libcurl wants them */
    struct way *way;          /* NULL: straight to the URL's host */
    SSL_CTX *context;         /* what secure.c copies from; NULL: no TLS */
    struct cert_rules rules;
    struct keep *kept; /* the connection that `keep` keeps */

    /* Of the answer, the oldest. */
    const char *body_match, *body_not_match;
    const char *const *status;
    int64_t max_body, max_headers;

    /* Of the answer; judge.c compiles them. */
    const char *const *headers_match, *const *headers_not_match, *const *json;
    const char *body_sha256;
    int64_t min_body, max_age; /* bytes; ms */
    int save_body;             /* 1: on failure */
    struct header_rule *headers_wanted, *headers_unwanted;
    struct json_rule *json_rules;

    struct status_range *wanted;
    struct pattern *match, *not_match;
    struct http_run *run; /* NULL while idle */
};

struct http_run {
    struct sonde_instance *self;
    const struct http *http;
    struct sonde_event *event;

    /* The hop: the URL, or where a redirect sent us. */
    const struct origin *to; /* http->first or other */
    struct origin other;
    struct curl_slist *lines; /* its headers, where they are not http->lines */
    unsigned redirects;
    bool foreign;  /* another origin than the first: no credentials */
    bool bodyless; /* a redirect made a GET of it */
    bool refused;  /* a redirect is not followed: trouble says why */

    /* The try: one address of that host, or of the proxy. */
    struct resolve *ask;
    struct tries *tries;       /* of a name */
    struct sonde_timer *timer; /* for the next of them */
    struct web web;
    CURL *easy;                 /* of the request; NULL: none is made yet */
    CURL *spare;                /* else a handle for the next, if there is one */
    struct cert_report *report; /* of its TLS; NULL: there is none */
    int64_t began;              /* the question, or the try */
    int64_t heard;              /* the first line of the answer; 0: not yet */
    int64_t opened, handshake;  /* the socket; TLS; 0: not yet, or a kept connection */
    int error;                  /* errno of a socket that could not be opened */
    bool plain, again;          /* easy: as most requests; fit for another */

    int64_t spent[SONDE_TRANSFER + 1]; /* us of earlier hops, by phase */
    unsigned phases;                   /* bits: which of them there were */

    struct answer answer;
    char trouble[CURL_ERROR_SIZE];
};

#endif
