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
#include "../common/tries.h"
#include "status.h"
#include "web.h"

struct http_run;

struct http {
    const char *url, *method, *body, *body_match, *body_not_match;
    const char *user_agent, *ca, *resolver;
    const char *const *headers, *const *status;
    int64_t max_body, max_headers;
    int ip;
    bool verify;

    bool tls, literal; /* https; the URL's host is an IP address */
    uint16_t port;
    char *host;               /* without brackets */
    struct curl_slist *lines; /* headers as libcurl wants them */
    struct status_range *wanted;
    struct pattern *match, *not_match;
    struct http_run *run; /* NULL while idle */
};

enum { HTTP_LINE = 200 }; /* most of a status line that is kept */

struct http_run {
    struct sonde_instance *self;
    const struct http *http;
    struct sonde_event *event;
    struct resolve *ask;
    struct web web;
    CURL *easy;
    struct curl_slist *resolved; /* the address being tried, as libcurl wants it */
    struct tries *tries;         /* of a name */
    struct sonde_timer *timer;   /* for the next of them */
    int64_t began, opened;       /* the question; the socket for this try */
    int error;                   /* errno of a socket that could not be opened */

    int64_t header_bytes, body_bytes;
    char *body; /* kept only where a pattern wants to see it */
    size_t body_room;
    bool headers_big, body_big, no_memory;
    char line[HTTP_LINE + 1]; /* the status line */
    char trouble[CURL_ERROR_SIZE];
};

#endif
