/* SPDX-License-Identifier: Apache-2.0
 *
 * response.c - from libcurl's callbacks to the answer that the core gets.  See
 * response.h.
 *
 * answer.c keeps what comes, judge.c judges it, cert.c the certificate.  In here is what
 * a transfer that failed means, which of two faults is told, and what goes with it.
 */
#include "response.h"

#include "../common/explain.h"
#include "judge.h"
#include "phase.h"
#include "request.h"
#include "way.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

/* ---- taken in ---- */

/* Also of interim answers and trailers. */
static size_t
response_header(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_run *run = arg;

    if (!run->heard)
        run->heard = sonde_now();
    return answer_take_header(&run->answer, run->http, bytes, size * count) ? size * count
                                                                            : 0;
}

static size_t
response_body(char *bytes, size_t size, size_t count, void *arg)
{
    struct http_run *run = arg;
    curl_off_t packed = 0;

    curl_easy_getinfo(run->easy, CURLINFO_SIZE_DOWNLOAD_T, &packed);
    return answer_take_body(&run->answer, run->http, bytes, size * count, packed)
               ? size * count
               : 0;
}

void
response_prepare(struct http_run *run, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, response_header);
    curl_easy_setopt(easy, CURLOPT_HEADERDATA, run);
    curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, response_body);
    curl_easy_setopt(easy, CURLOPT_WRITEDATA, run);
    /* Else a Content-Length that 64 bits do not hold is taken for none. */
    curl_easy_setopt(easy, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)INT64_MAX);
}

/* ---- measured ---- */

static long
response_metrics(const struct http_run *run)
{
    long status = 0;

    curl_easy_getinfo(run->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status) {
        sonde_metric(run->event, "status", (double)status, NULL);
        sonde_metric(run->event, "header", (double)run->answer.header_bytes, "bytes");
        sonde_metric(run->event, "body", (double)run->answer.body_bytes, "bytes");
    }
    return status;
}

/* ---- told ---- */

void
response_say(const struct http_run *run, enum sonde_reason reason, const char *what)
{
    char where[WAY_TEXT];

    sonde_reason(run->event, reason, "%s: %s",
                 way_text(run, reason, where, sizeof(where)), what);
}

/* The head and the body as they came, or what came instead of them. */
static void
response_explain(const struct http_run *run)
{
    const struct answer *answer = &run->answer;
    const struct web *web = &run->web;

    explain_tries(run->event, run->tries);
    if (web->watch)
        explain_socket(run->event, web->fd);
    if (answer->heard_length)
        explain_received(run->event, answer->heard, answer->heard_length,
                         answer->header_bytes + answer->body_bytes);
    else if (!run->report || !run->report->seen) /* else it is a handshake */
        explain_received(run->event, web->first, web->first_length,
                         (int64_t)web->first_length);
}

/* What goes with a verdict. */
static void
response_add(const struct http_run *run, enum sonde_state state)
{
    const struct answer *answer = &run->answer;
    size_t length = answer->body_length;

    if (run->report)
        cert_tell(run->report, run->event);
    if (*answer->sha256)
        sonde_set(run->event, "details.body_sha256", answer->sha256,
                  strlen(answer->sha256));
    if (state == SONDE_DOWN && run->http->save_body && length)
        sonde_set(run->event, "details.body", answer->body,
                  length < ANSWER_SAVED ? length : ANSWER_SAVED);
    if (state == SONDE_DOWN && sonde_explain(run->event))
        response_explain(run);
}

static enum sonde_state
response_tell(const struct http_run *run, const struct verdict *verdict)
{
    response_say(run, verdict->reason, verdict->why);
    response_add(run, verdict->state);
    return verdict->state;
}

/* ---- judged ---- */

static struct verdict
response_wrong(enum sonde_reason reason, const char *what)
{
    struct verdict verdict = { .state = reason == SONDE_OBSERVER ? SONDE_UNKNOWN
                                                                 : SONDE_DOWN,
                               .reason = reason };

    snprintf(verdict.why, sizeof(verdict.why), "%.250s", what);
    return verdict;
}

static struct verdict
response_errno(int error)
{
    char text[ADDRESS_TEXT];

    return response_wrong(address_reason(error),
                          address_error(error, text, sizeof(text)));
}

/* libcurl's own words, where it has some; of OpenSSL's ("OpenSSL SSL_read: OpenSSL/3.0:
 * error:0A000418:SSL routines::tlsv1 alert unknown ca, errno 0") the reason alone. */
static const char *
response_trouble(const struct http_run *run, CURLcode code, char *text, size_t size)
{
    const char *words = run->trouble[0] ? run->trouble : curl_easy_strerror(code);
    const char *reason = strstr(words, " error:") ? strrchr(words, ':') + 1 : NULL;
    bool plain = reason && strncmp(reason, "wrong version number", 20) == 0;

    /* It cannot connect, and was connected: that is how a reset at once looks to it. */
    if (code == CURLE_COULDNT_CONNECT || strncmp(words, "getpeername()", 13) == 0
        || strstr(words, "Connection reset by peer"))
        return "the peer reset the connection";
    if (strstr(words, "HTTP/0.9"))
        return "what came is not HTTP, or without any header";
    if (strstr(words, "SSL_ERROR_SYSCALL"))
        return "TLS: the peer closed the connection";
    if (!reason || strncmp(reason, "reason(", 7) == 0)
        return words;
    snprintf(text, size, "TLS: %.*s%s", (int)strcspn(reason, ","), reason,
             plain ? "; the peer does not seem to speak TLS" : "");
    return text;
}

/* We ended it ourselves. */
static struct verdict
response_judge_stopped(const struct http_run *run, long status)
{
    char why[60];

    if (run->answer.no_memory)
        return response_wrong(SONDE_OBSERVER, "out of memory");
    if (run->answer.body_big)
        return judge_answer(run->http, &run->answer, status, run->event);
    snprintf(why, sizeof(why), "more than %lld bytes of headers",
             (long long)run->http->max_headers);
    return response_wrong(SONDE_L7BIG, why);
}

/* Where it was when it failed; a proxy that breaks the way was told before.  A connection
 * may break before TLS began.  With TLS 1.3 a server says after the handshake that it
 * does not like the client's certificate: by an alert, before any byte of an answer. */
static enum sonde_reason
response_layer(const struct http_run *run, enum sonde_phase phase, const char *trouble)
{
    if (phase == SONDE_CONNECT)
        return run->web.connected ? SONDE_L6RSP : SONDE_L4CON;
    if (phase == SONDE_TLS)
        return SONDE_L6RSP;
    return phase != SONDE_TRANSFER && strstr(trouble, " alert ") ? SONDE_L6RSP
                                                                 : SONDE_L7RSP;
}

static struct verdict
response_judge_error(const struct http_run *run, CURLcode code, enum sonde_phase phase)
{
    char text[250];
    const char *trouble = response_trouble(run, code, text, sizeof(text));

    switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_ISSUER_ERROR:
        return response_wrong(SONDE_L6CERT, trouble);
    case CURLE_FAILED_INIT:
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_ABORTED_BY_CALLBACK:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ENGINE_NOTFOUND:
        return response_wrong(SONDE_OBSERVER, trouble);
#if LIBCURL_VERSION_NUM >= 0x080600
    case CURLE_TOO_LARGE:
#endif
    case CURLE_OUT_OF_MEMORY: /* what libcurl says of one huge header line */
        if (phase >= SONDE_FIRST_BYTE)
            return response_wrong(SONDE_L7BIG, "a header line without end");
        return response_wrong(SONDE_OBSERVER, trouble);
    case CURLE_FILESIZE_EXCEEDED:
        return response_wrong(SONDE_L7BIG, "a Content-Length beyond 64 bits");
    default:
        return response_wrong(response_layer(run, phase, trouble), trouble);
    }
}

static struct verdict
response_judge_late(const struct http_run *run, enum sonde_phase phase)
{
    struct verdict verdict;

    if (run->web.blind)
        return response_wrong(SONDE_OBSERVER, "its socket could not be watched");
    if (phase == SONDE_CONNECT && !run->web.connected)
        tries_note(run->tries, ETIMEDOUT);
    if (phase == SONDE_CONNECT && run->web.connected)
        return response_wrong(SONDE_L7TOUT, "no way through the proxy in time");
    if (phase == SONDE_CONNECT && tries_tell_more(run->tries))
        return response_errno(run->tries->error);
    if (phase == SONDE_CONNECT)
        return response_wrong(SONDE_L4TOUT, "no connection in time");
    if (phase == SONDE_TLS)
        return response_wrong(SONDE_L6TOUT, "no TLS handshake in time");
    if (phase == SONDE_SEND)
        return response_wrong(SONDE_L7TOUT, "the request could not be sent in time");
    if (phase == SONDE_FIRST_BYTE)
        return response_wrong(SONDE_L7TOUT, "no answer in time");
    verdict = response_wrong(SONDE_L7TOUT, "");
    snprintf(verdict.why, sizeof(verdict.why), "%s, but not all of it in time",
             *run->answer.line ? run->answer.line : "the head of an answer");
    return verdict;
}

/* Everything but the certificate. */
static struct verdict
response_judge_rest(struct http_run *run, CURLcode code, enum sonde_phase phase)
{
    long status = response_metrics(run);
    int error = run->tries && run->tries->error ? run->tries->error
                                                : response_error(run, code);
    char text[250], why[200];

    if (run->refused)
        return response_wrong(SONDE_L7RSP, run->trouble);
    if (code == CURLE_OK && request_wrong_version(run))
        return response_wrong(SONDE_L7RSP, "the answer did not come as HTTP/2");
    if (code == CURLE_OK && answer_end(&run->answer, run->http))
        return judge_answer(run->http, &run->answer, status, run->event);
    if (run->answer.headers_big || run->answer.body_big || run->answer.no_memory)
        return response_judge_stopped(run, status);
    if (code == CURLE_OPERATION_TIMEDOUT)
        return response_judge_late(run, phase);
    if (error && phase == SONDE_CONNECT && !run->web.connected)
        return response_errno(error);
    if (way_failed(run, response_trouble(run, code, text, sizeof(text)), why,
                   sizeof(why)))
        return response_wrong(SONDE_L7RSP, why);
    return response_judge_error(run, code, phase);
}

/* UP where there is none, or none to find fault with. */
static struct verdict
response_judge_certificate(const struct http_run *run)
{
    struct verdict verdict = { .state = SONDE_UP, .reason = SONDE_L6CERT };

    if (run->report && run->report->seen)
        verdict.state = cert_judge(run->report, (int64_t)time(NULL), verdict.why,
                                   sizeof(verdict.why));
    return verdict;
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

/* DOWN before DEGRADED, and of two the lower layer. */
enum sonde_state
response_judge(struct http_run *run, CURLcode code)
{
    enum sonde_phase phase = phase_tell(run);
    struct verdict certificate = response_judge_certificate(run);
    struct verdict rest = response_judge_rest(run, code, phase);

    if (certificate.state == SONDE_DOWN
        || (certificate.state == SONDE_DEGRADED && rest.state == SONDE_UP))
        return response_tell(run, &certificate);
    return response_tell(run, &rest);
}

void
response_late(struct http_run *run)
{
    enum sonde_phase phase = phase_tell(run);
    struct verdict verdict = response_judge_certificate(run);

    if (verdict.state != SONDE_DOWN)
        verdict = response_judge_late(run, phase);
    response_tell(run, &verdict);
}
