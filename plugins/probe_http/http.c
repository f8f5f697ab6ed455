/* SPDX-License-Identifier: Apache-2.0
 *
 * http.c - whether a URL answers as it should, and how fast in each phase.
 *
 * The flow of a run: the name is resolved (plugins/common), request.c makes a
 * libcurl handle, web.c runs it on the loop, response.c takes the answer in and
 * judges it.  Each run is a connection of its own.  The deadline is the core's.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "http.h"

#include "request.h"
#include "response.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

static const struct sonde_option options[] = {
    SONDE_STRING(struct http, url, .required = true,
                 .help = "What to ask for; begins with http:// or https://."),
    SONDE_STRING(struct http, method, .fallback = "GET", .help = "The request's method."),
    SONDE_STRINGS(struct http, headers, .secret = true,
                  .help = "Further request headers, each \"Name: value\"."),
    SONDE_STRING(struct http, body, .fallback = "",
                 .help = "What to send with the request."),
    SONDE_STRINGS(struct http, status, .fallback = "200-299",
                  .help = "Status codes that are right: \"200\", \"200-299\", \"!404\"."),
    SONDE_STRING(struct http, body_match, .fallback = "",
                 .help = "A regular expression that the body must match."),
    SONDE_STRING(struct http, body_not_match, .fallback = "",
                 .help = "A regular expression that the body must not match."),
    SONDE_SIZE(struct http, max_body, .fallback = "1MiB", .min = 1, .max = 256 << 20,
               .help = "A larger body is wrong."),
    SONDE_SIZE(struct http, max_headers, .fallback = "64KiB", .min = 256, .max = 1 << 20,
               .help = "More headers than that are wrong."),
    SONDE_STRING(struct http, user_agent, .fallback = "sonde/" PACKAGE_VERSION,
                 .help = "What we call ourselves."),
    SONDE_CHOICE(struct http, ip, .fallback = "any", .choices = address_families,
                 .help = "Which addresses of a name to use."),
    SONDE_STRING(struct http, resolver, .fallback = "",
                 .help = "A name server to ask, as ip:port, instead of the system's."),
    SONDE_STRING(struct http, ca, .fallback = "",
                 .help = "A file of certificates to trust, instead of the system's."),
    SONDE_BOOL(struct http, verify, .fallback = "true",
               .help = "Whether the server's certificate has to be right."),
    { 0 }
};

/* ---- options ---- */

static void
http_prepare(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int
http_open_pattern(struct sonde_instance *self, const char *option, const char *text,
                  struct pattern **pattern)
{
    char why[250];

    if (!*text)
        return 0;
    *pattern = pattern_new(text, why, sizeof(why));
    return *pattern ? 0 : sonde_fail(self, option, "%s", why);
}

static int
http_open(struct sonde_instance *self)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct http *http = sonde_private(self);
    char why[200];

    pthread_once(&once, http_prepare);
    if (request_open(self, http) == -1
        || http_open_pattern(self, "body_match", http->body_match, &http->match) == -1
        || http_open_pattern(self, "body_not_match", http->body_not_match,
                             &http->not_match)
               == -1)
        return -1;
    if (resolve_check(http->resolver, why, sizeof(why)) == -1)
        return sonde_fail(self, "resolver", "%s", why);
    http->wanted = status_parse(http->status, why, sizeof(why));
    return http->wanted ? 0 : sonde_fail(self, "status", "%s", why);
}

static void
http_close(struct sonde_instance *self)
{
    struct http *http = sonde_private(self);

    free(http->host);
    curl_slist_free_all(http->lines);
    free(http->wanted);
    pattern_free(http->match);
    pattern_free(http->not_match);
}

/* ---- a run ---- */

static void
http_stop(struct sonde_instance *self)
{
    struct http *http = sonde_private(self);
    struct http_run *run = http->run;

    if (!run)
        return;
    http->run = NULL;
    resolve_stop(run->ask);
    web_stop(&run->web);
    request_drop(run);
    sonde_timer_free(run->timer);
    free(run->tries);
    free(run->body);
    free(run);
}

static void
http_answer(struct http_run *run, enum sonde_state state)
{
    struct sonde_event *event = run->event;

    http_stop(run->self);
    sonde_done(event, state);
}

static void
http_fail(struct http_run *run)
{
    response_say(run, SONDE_OBSERVER, "the request cannot be set up");
    http_answer(run, SONDE_UNKNOWN);
}

static void http_send(struct http_run *run);

/* The address has had its share of the time.  Once connected, it keeps the rest. */
static void
http_due(struct sonde_instance *self, void *arg)
{
    struct http_run *run = arg;

    (void)self;
    if (!run->web.connected && tries_next(run->tries, ETIMEDOUT))
        http_send(run);
}

static void
http_answered(void *arg, CURLcode code)
{
    struct http_run *run = arg;
    int error = response_error(run, code);

    if (error && run->tries && tries_next(run->tries, error))
        http_send(run);
    else
        http_answer(run, response_judge(run, code));
}

/* Asks the current address. */
static void
http_send(struct http_run *run)
{
    web_stop(&run->web);
    request_drop(run);
    run->began = sonde_now();
    run->opened = 0;
    run->error = 0;
    if (run->tries && run->tries->count > 1) {
        if (!run->timer)
            run->timer = sonde_timer_new(run->self, http_due, run);
        sonde_timer_set(run->timer, tries_share(run->tries, run->self));
    }
    if (request_make(run) == 0
        && web_start(&run->web, run->self, run->easy, http_answered, run) == 0)
        return;
    http_fail(run);
}

static void
http_resolved(const struct resolve_answer *answer, void *arg)
{
    struct http_run *run = arg;

    run->ask = NULL;
    sonde_timing(run->event, SONDE_DNS, (sonde_now() - run->began) / 1000);
    if (answer->reason == SONDE_OK) {
        run->tries = tries_new(answer, run->http->port);
        if (run->tries)
            http_send(run);
        else
            http_fail(run);
        return;
    }
    sonde_reason(run->event, answer->reason, "%s: %s", run->http->host, answer->text);
    http_answer(run, answer->reason == SONDE_DNSERR ? SONDE_DOWN : SONDE_UNKNOWN);
}

static void
http_begin(struct sonde_instance *self, struct sonde_event *event)
{
    struct http *http = sonde_private(self);
    struct http_run *run = calloc(1, sizeof(*run));
    struct resolve *ask;

    if (!run) {
        sonde_reason(event, SONDE_OBSERVER, "out of memory");
        sonde_done(event, SONDE_UNKNOWN);
        return;
    }
    http->run = run;
    run->self = self;
    run->http = http;
    run->event = event;
    run->began = sonde_now();
    if (http->literal) {
        http_send(run);
        return;
    }
    ask = resolve_start(self, http->resolver, http->host, strlen(http->host),
                        (enum address_family)http->ip, http_resolved, run);
    if (ask) /* else run may be gone */
        run->ask = ask;
}

static void
http_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    struct http *http = sonde_private(self);
    struct http_run *run = http->run;

    if (run->ask) {
        sonde_timing(event, SONDE_DNS, (sonde_now() - run->began) / 1000);
        sonde_reason(event, SONDE_DNSTOUT, "%s: no answer from the name server in time",
                     http->host);
    } else {
        response_late(run);
    }
    http_stop(self);
}

static const struct sonde_probe probe = {
    .name = "http",
    .summary = "whether a URL answers as it should",
    .size = sizeof(struct http),
    .options = options,
    .open = http_open,
    .stop = http_stop,
    .close = http_close,
    .begin = http_begin,
    .cancel = http_cancel,
};

SONDE_PLUGIN(probe);
