/* SPDX-License-Identifier: Apache-2.0
 *
 * http.c - whether a URL answers as it should, and how fast in each phase.
 *
 * The flow of a run: the name is resolved (plugins/common), request.c sets a libcurl
 * handle for it, web.c runs it on the loop, redirect.c may send it round again,
 * response.c takes the answer in and judges it.  The deadline is the core's.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif
#include "http.h"

#include "judge.h"
#include "keep.h"
#include "phase.h"
#include "redirect.h"
#include "request.h"
#include "response.h"
#include "spare.h"
#include "way.h"

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
    SONDE_SIZE(struct http, max_headers, .fallback = "64KiB", .min = 256,
               .max = 256 << 10, .help = "More headers than that are wrong."),
    /* what else the answer has to be: judge.c */
    SONDE_STRINGS(struct http, headers_match,
                  .help = "Each \"Name: regex\": some header of that name must match."),
    SONDE_STRINGS(struct http, headers_not_match,
                  .help = "Each \"Name: regex\": no header of that name may match."),
    SONDE_STRINGS(struct http, json,
                  .help = "What must hold in a body of JSON, each \"PATH OP VALUE\": "
                          "a.b[0] == \"ok\"; OP is == != < <= > >= or ~."),
    SONDE_STRING(struct http, body_sha256, .fallback = "",
                 .help = "SHA-256 of the body, as 64 hex digits."),
    SONDE_SIZE(struct http, min_body, .fallback = "0", .max = 256 << 20,
               .help = "A smaller body is wrong."),
    SONDE_DURATION(struct http, max_age, .fallback = "0", .max = 315360000000,
                   .help = "Most time since the Last-Modified of the answer; 0: any."),
    SONDE_CHOICE(struct http, save_body, .fallback = "never", .choices = judge_saves,
                 .help = "When details.body holds the first KiB of the body: \"never\", "
                         "\"on-failure\"."),
    SONDE_STRING(struct http, user_agent, .fallback = "sonde/" PACKAGE_VERSION,
                 .help = "What we call ourselves."),
    SONDE_CHOICE(struct http, ip, .fallback = "any", .choices = address_families,
                 .help = "Which addresses of a name to use."),
    SONDE_STRING(struct http, resolver, .fallback = "",
                 .help = "A name server to ask, as ip:port, instead of the system's."),
    /* the request, and how it gets there: request_open.c, way.c */
    SONDE_STRING(struct http, user, .fallback = "",
                 .help = "The user for basic authentication."),
    SONDE_STRING(struct http, password, .fallback = "", .secret = true,
                 .help = "The user's password."),
    SONDE_STRING(struct http, bearer, .fallback = "", .secret = true,
                 .help = "A token to send as Authorization: Bearer."),
    SONDE_INTEGER(struct http, max_redirects, .fallback = "0", .max = 20,
                  .help = "How many redirects to follow; 0: a redirect is an answer."),
    SONDE_BOOL(struct http, redirect_downgrade, .fallback = "false",
               .help = "Whether to follow a redirect from https to http."),
    SONDE_CHOICE(struct http, http_version, .fallback = "1.1",
                 .choices = request_versions,
                 .help = "What to speak; \"2\" is over TLS and has to be got."),
    SONDE_BOOL(
        struct http, compression, .fallback = "false",
        .help = "Whether to offer compressions; the body is then the decoded one."),
    SONDE_BOOL(struct http, keep, .fallback = "false",
               .help = "Whether to keep the connection for the next run."),
    SONDE_STRING(struct http, resolve, .fallback = "",
                 .help = "An address to connect to instead of looking the host up, with "
                         "a port if it is another one."),
    SONDE_STRING(struct http, source, .fallback = "",
                 .help = "The address of this machine to connect from."),
    SONDE_STRING(struct http, unix_socket, .fallback = "",
                 .help = "The path of a unix socket to connect to."),
    SONDE_STRING(struct http, proxy, .fallback = "",
                 .help = "A proxy, as http://host:port or socks5://host:port."),
    SONDE_STRING(struct http, proxy_user, .fallback = "",
                 .help = "The user to be at the proxy."),
    SONDE_STRING(struct http, proxy_password, .fallback = "", .secret = true,
                 .help = "That user's password."),
    TLS_OPTIONS,
    { 0 }
};

/* ---- options ---- */

static void
http_prepare(void)
{
    curl_global_init(CURL_GLOBAL_DEFAULT);
}

static int
http_open(struct sonde_instance *self)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    struct http *http = sonde_private(self);

    pthread_once(&once, http_prepare);
    return request_open(self, http) == -1 ? -1 : judge_open(self, http);
}

static void
http_close(struct sonde_instance *self)
{
    struct http *http = sonde_private(self);

    request_close(http);
    judge_close(http);
}

/* ---- a run ---- */

static void
http_drop(struct http_run *run)
{
    struct http *http = sonde_private(run->self);

    http->run = NULL;
    resolve_stop(run->ask);
    web_stop(&run->web);
    request_drop(run);
    sonde_timer_free(run->timer);
    curl_slist_free_all(run->lines);
    origin_drop(&run->other);
    free(run->tries);
    answer_drop(&run->answer);
    spare_give(run);
}

static void
http_answer(struct http_run *run, enum sonde_state state)
{
    struct sonde_event *event = run->event;

    request_tell(run);
    http_drop(run);
    sonde_done(event, state);
}

static void
http_fail(struct http_run *run)
{
    response_say(run, SONDE_OBSERVER, "the request cannot be set up");
    http_answer(run, SONDE_UNKNOWN);
}

static void http_send(struct http_run *run);
static void http_hop(struct http_run *run);

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

    run->again = run->plain && code == CURLE_OK;
    if (error && run->tries && tries_next(run->tries, error)) {
        http_send(run);
        return;
    }
    if (code == CURLE_OK && redirect_take(run))
        http_hop(run);
    else
        http_answer(run, response_judge(run, code));
}

/* Asks the current address. */
static void
http_send(struct http_run *run)
{
    web_stop(&run->web);
    request_drop(run);
    run->opened = 0;
    run->handshake = 0;
    run->heard = 0;
    run->error = 0;
    if (run->tries && run->tries->count > 1) {
        if (!run->timer)
            run->timer = sonde_timer_new(run->self, http_due, run);
        sonde_timer_set(run->timer, tries_share(run->tries, run->self));
    }
    if (request_make(run) == 0) {
        run->began = sonde_now();
        if (web_start(&run->web, run->self, run->easy, request_length(run), http_answered,
                      run)
            == 0) {
            run->web.look = sonde_explain(run->event);
            return;
        }
    }
    http_fail(run);
}

static void
http_resolved(const struct resolve_answer *answer, void *arg)
{
    struct http_run *run = arg;
    size_t length;
    const char *name = way_name(run, &length);

    run->ask = NULL;
    phase_named(run);
    if (answer->reason == SONDE_OK) {
        run->tries = tries_new(answer, way_port(run));
        if (run->tries)
            http_send(run);
        else
            http_fail(run);
        return;
    }
    phase_tell(run);
    sonde_reason(run->event, answer->reason, "%.*s: %s", (int)length, name, answer->text);
    http_answer(run, answer->reason == SONDE_DNSERR ? SONDE_DOWN : SONDE_UNKNOWN);
}

/* Asks the URL, or where a redirect led to. */
static void
http_hop(struct http_run *run)
{
    size_t length;
    const char *name = way_name(run, &length);
    struct resolve *ask;

    if (run->timer)
        sonde_timer_set(run->timer, -1); /* it was about the addresses of another hop */
    if (!name) {
        http_send(run);
        return;
    }
    run->began = sonde_now();
    ask = resolve_start(run->self, run->http->resolver, name, length,
                        way_family(run->http), http_resolved, run);
    if (ask) /* else run may be gone */
        run->ask = ask;
}

static void
http_begin(struct sonde_instance *self, struct sonde_event *event)
{
    struct http *http = sonde_private(self);
    struct http_run *run = spare_take(self);

    if (!run) {
        sonde_reason(event, SONDE_OBSERVER, "out of memory");
        sonde_done(event, SONDE_UNKNOWN);
        return;
    }
    http->run = run;
    run->http = http;
    run->event = event;
    run->to = &http->first;
    http_hop(run);
}

static void
http_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    struct http *http = sonde_private(self);
    struct http_run *run = http->run;
    size_t length;
    const char *name = way_name(run, &length);

    if (run->ask) {
        phase_named(run);
        phase_tell(run);
        sonde_reason(event, SONDE_DNSTOUT, "%.*s: no answer from the name server in time",
                     (int)length, name);
    } else {
        response_late(run);
        request_tell(run);
    }
    http_drop(run);
}

static void
http_stop(struct sonde_instance *self)
{
    struct http *http = sonde_private(self);

    if (http->run)
        http_drop(http->run);
    keep_close(http);
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
