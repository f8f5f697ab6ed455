/* SPDX-License-Identifier: Apache-2.0
 *
 * response.c - takes an answer in and judges it.  See response.h.
 *
 * Everything in here that a target says is bounded before it is kept.
 */
#include "response.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- taken in ---- */

/* Also of interim answers and trailers, which count as well. */
static size_t
response_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_run *run = arg;
    size_t length = size * count;

    run->header_bytes += (int64_t)length;
    if (run->header_bytes > run->http->max_headers) {
        run->headers_big = true;
        return 0;
    }
    if (length > 5 && memcmp(bytes, "HTTP/", 5) == 0)
        snprintf(run->line, sizeof(run->line), "%.*s", (int)strcspn(bytes, "\r\n"),
                 bytes);
    return length;
}

static bool
response_keep(struct http_run *run, const char *bytes, size_t length)
{
    size_t used = (size_t)run->body_bytes - length;

    if (used + length > run->body_room) {
        size_t room = run->body_room ? run->body_room * 2 : 4096;
        char *body;

        while (room < used + length)
            room *= 2;
        body = realloc(run->body, room);
        if (!body)
            return false;
        run->body = body;
        run->body_room = room;
    }
    memcpy(run->body + used, bytes, length);
    return true;
}

static size_t
response_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_run *run = arg;
    size_t length = size * count;

    run->body_bytes += (int64_t)length;
    if (run->body_bytes > run->http->max_body) {
        run->body_big = true;
        return 0;
    }
    if ((run->http->match || run->http->not_match) && length
        && !response_keep(run, bytes, length)) {
        run->no_memory = true;
        return 0;
    }
    return length;
}

void
response_expect(struct http_run *run)
{
    curl_easy_setopt(run->easy, CURLOPT_HEADERFUNCTION, response_header);
    curl_easy_setopt(run->easy, CURLOPT_HEADERDATA, run);
    curl_easy_setopt(run->easy, CURLOPT_WRITEFUNCTION, response_body);
    curl_easy_setopt(run->easy, CURLOPT_WRITEDATA, run);
}

/* ---- measured ---- */

static int64_t
response_time(const struct http_run *run, CURLINFO info)
{
    curl_off_t us = 0;

    curl_easy_getinfo(run->easy, info, &us);
    return us;
}

static int64_t
response_connect_us(const struct http_run *run)
{
    int64_t from = run->opened ? run->opened : run->began;

    return ((run->web.connected ? run->web.connected : sonde_now()) - from) / 1000;
}

static void
response_set_timing(const struct http_run *run, enum sonde_phase phase, int64_t us)
{
    sonde_timing(run->event, phase, us > 0 ? us : 0);
}

/* Answers how far it got: the phase that was not finished, or SONDE_TRANSFER. */
static enum sonde_phase
response_timings(const struct http_run *run)
{
    int64_t name = response_time(run, CURLINFO_NAMELOOKUP_TIME_T);
    int64_t ready = response_time(run, CURLINFO_PRETRANSFER_TIME_T);
    int64_t first = response_time(run, CURLINFO_STARTTRANSFER_TIME_T);
    int64_t connect = response_connect_us(run);
    /* libcurl counts from where it began; the socket came right after the name. */
    int64_t total = (sonde_now() - run->opened) / 1000 + name;

    response_set_timing(run, SONDE_CONNECT, connect);
    if (!run->web.connected)
        return SONDE_CONNECT;
    if (run->http->tls)
        response_set_timing(run, SONDE_TLS, (ready ? ready : total) - name - connect);
    if (!ready)
        return run->http->tls ? SONDE_TLS : SONDE_FIRST_BYTE;
    response_set_timing(run, SONDE_FIRST_BYTE, (first ? first : total) - ready);
    if (!first)
        return SONDE_FIRST_BYTE;
    response_set_timing(run, SONDE_TRANSFER, total - first);
    return SONDE_TRANSFER;
}

static long
response_metrics(const struct http_run *run)
{
    long status = 0;

    curl_easy_getinfo(run->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status) {
        sonde_metric(run->event, "status", (double)status, NULL);
        sonde_metric(run->event, "body", (double)run->body_bytes, "bytes");
    }
    return status;
}

/* ---- judged ---- */

/* Which address it was about: the one that failed most tellingly, or the last. */
static const struct address *
response_address(const struct http_run *run, enum sonde_reason reason)
{
    const struct tries *tries = run->tries;

    if (!tries)
        return NULL;
    return tries->error && reason == address_reason(tries->error)
               ? &tries->failed
               : &tries->addresses[tries->at];
}

void
response_say(const struct http_run *run, enum sonde_reason reason, const char *format,
             ...)
{
    const struct address *address = response_address(run, reason);
    bool v6 = strchr(run->http->host, ':') != NULL;
    char what[400], where[ADDRESS_TEXT + 4] = "", text[ADDRESS_TEXT];
    va_list args;

    va_start(args, format);
    vsnprintf(what, sizeof(what), format, args);
    va_end(args);
    if (address)
        snprintf(where, sizeof(where), " (%s)",
                 address_format(address, false, text, sizeof(text)));
    sonde_reason(run->event, reason, "%s%s%s:%u%s: %s", v6 ? "[" : "", run->http->host,
                 v6 ? "]" : "", run->http->port, where, what);
}

static enum sonde_state
response_down(const struct http_run *run, enum sonde_reason reason, const char *what)
{
    response_say(run, reason, "%.250s", what);
    return reason == SONDE_OBSERVER ? SONDE_UNKNOWN : SONDE_DOWN;
}

static enum sonde_state
response_errno(const struct http_run *run, int error)
{
    char text[ADDRESS_TEXT];

    return response_down(run, address_reason(error),
                         address_error(error, text, sizeof(text)));
}

/* libcurl's own words, where it has some. */
static const char *
response_trouble(const struct http_run *run, CURLcode code)
{
    return run->trouble[0] ? run->trouble : curl_easy_strerror(code);
}

/* The wanted list as configured, cut where it is long. */
static void
response_wanted(const struct http *http, char *text, size_t size)
{
    size_t length = 0;

    text[0] = '\0';
    for (const char *const *status = http->status; *status && length < size; status++)
        length += (size_t)snprintf(text + length, size - length, "%s%s",
                                   status == http->status ? "" : ", ", *status);
}

static enum sonde_state
response_wrong_status(const struct http_run *run)
{
    char wanted[100];

    response_wanted(run->http, wanted, sizeof(wanted));
    response_say(run, SONDE_L7STS, "%s, wanted %s", run->line, wanted);
    return SONDE_DOWN;
}

static enum sonde_state
response_judge_body(const struct http_run *run, long status)
{
    const struct http *http = run->http;
    const char *body = run->body ? run->body : "";
    size_t length = (size_t)run->body_bytes;
    enum pattern_answer match = PATTERN_YES, not_match = PATTERN_NO;

    if (!status_wanted(http->wanted, status))
        return response_wrong_status(run);
    if (http->match)
        match = pattern_match(http->match, body, length);
    if (http->not_match && match == PATTERN_YES)
        not_match = pattern_match(http->not_match, body, length);
    if (match == PATTERN_GAVE_UP || not_match == PATTERN_GAVE_UP)
        return response_down(run, SONDE_L7BODY,
                             match == PATTERN_GAVE_UP
                                 ? "body_match takes too long on this body"
                                 : "body_not_match takes too long on this body");
    if (match == PATTERN_NO)
        return response_down(run, SONDE_L7BODY, "the body does not match body_match");
    if (not_match == PATTERN_YES)
        return response_down(run, SONDE_L7BODY, "the body matches body_not_match");
    response_say(run, SONDE_OK, "%s", run->line);
    return SONDE_UP;
}

/* We ended it ourselves. */
static enum sonde_state
response_judge_stopped(const struct http_run *run, long status)
{
    if (run->no_memory)
        return response_down(run, SONDE_OBSERVER, "out of memory");
    if (run->body_big && !status_wanted(run->http->wanted, status))
        return response_wrong_status(run);
    response_say(
        run, SONDE_L7BIG, "more than %lld bytes of %s",
        (long long)(run->body_big ? run->http->max_body : run->http->max_headers),
        run->body_big ? "body" : "headers");
    return SONDE_DOWN;
}

static enum sonde_state
response_judge_error(const struct http_run *run, CURLcode code, enum sonde_phase phase)
{
    const char *trouble = response_trouble(run, code);

    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ISSUER_ERROR:
        return response_down(run, SONDE_L6CERT, trouble);
    case CURLE_FAILED_INIT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ENGINE_NOTFOUND:
        return response_down(run, SONDE_OBSERVER, trouble);
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:
#endif
    case CURLE_OUT_OF_MEMORY: /* what libcurl says of one huge header line */
        if (phase >= SONDE_FIRST_BYTE)
            return response_down(run, SONDE_L7BIG, "a header line without end");
        return response_down(run, SONDE_OBSERVER, trouble);
    default:
        break;
    }
    return response_down(run,
                         phase == SONDE_CONNECT ? SONDE_L4CON
                         : phase == SONDE_TLS   ? SONDE_L6RSP
                                                : SONDE_L7RSP,
                         trouble);
}

int
response_error(const struct http_run *run, CURLcode code)
{
    long error = 0;

    if (code == CURLE_OK || run->web.connected)
        return 0;
    if (run->error)
        return run->error;
    if (code == CURLE_OPERATION_TIMEDOUT)
        return ETIMEDOUT;
    curl_easy_getinfo(run->easy, CURLINFO_OS_ERRNO, &error);
    return error ? (int)error : (code == CURLE_COULDNT_CONNECT ? ECONNREFUSED : 0);
}

enum sonde_state
response_judge(struct http_run *run, CURLcode code)
{
    enum sonde_phase phase = response_timings(run);
    long status = response_metrics(run);
    int error = run->tries && run->tries->error ? run->tries->error
                                                : response_error(run, code);

    if (code == CURLE_OK)
        return response_judge_body(run, status);
    if (run->headers_big || run->body_big || run->no_memory)
        return response_judge_stopped(run, status);
    if (code == CURLE_OPERATION_TIMEDOUT) {
        response_late(run);
        return SONDE_DOWN;
    }
    if (error && phase == SONDE_CONNECT)
        return response_errno(run, error);
    return response_judge_error(run, code, phase);
}

void
response_late(struct http_run *run)
{
    enum sonde_phase phase = response_timings(run);

    if (run->web.blind)
        response_say(run, SONDE_OBSERVER, "its socket could not be watched");
    else if (phase == SONDE_CONNECT && tries_tell_more(run->tries))
        response_errno(run, run->tries->error);
    else if (phase == SONDE_CONNECT)
        response_say(run, SONDE_L4TOUT, "no connection in time");
    else if (phase == SONDE_TLS)
        response_say(run, SONDE_L6TOUT, "no TLS handshake in time");
    else if (phase == SONDE_FIRST_BYTE)
        response_say(run, SONDE_L7TOUT, "no answer in time");
    else
        response_say(run, SONDE_L7TOUT, "%s, but not all of it in time", run->line);
}
