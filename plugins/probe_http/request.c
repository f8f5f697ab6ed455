/* SPDX-License-Identifier: Apache-2.0
 *
 * request.c - a libcurl handle for each hop.  See request.h.
 *
 * Most checks ask in the same plain way.  What is the same for all of those is set once
 * for a handle, which is then used again (spare.h); a request that sets more frees its
 * handle afterwards, so that nothing of one check can reach another.
 */
#include "request.h"

#include "keep.h"
#include "response.h"
#include "secure.h"
#include "way.h"

#include <string.h>

const char *const request_versions[] = { "1.0", "1.1", "2", "2-prior-knowledge", NULL };

/* Above that the connect time-out of libcurl, 300 s, could come before our deadline. */
enum { REQUEST_LONG = 290000 };

/* A handle never leaves its run, so what points there is set here, too. */
static void
request_prepare(struct http_run *run, CURL *easy)
{
    curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, run->trouble);
    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, 4096L); /* not 16 KiB */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    way_prepare(run, easy);
    secure_prepare(run, easy);
    response_prepare(run, easy);
}

/* ---- what few requests have ---- */

/* The body of the first hop, as long as no redirect took it away. */
static bool
request_sends_body(const struct http_run *run)
{
    return request_has_body(run->http) && !run->bodyless;
}

static bool
request_is_plain(const struct http_run *run)
{
    const struct http *http = run->http;

    return way_is_plain(run) && !keep_wanted(run) && !http->compression
           && http->http_version == REQUEST_1_1
           && (run->bodyless || (strcmp(http->method, "GET") == 0 && !*http->body))
           && sonde_time_left(run->self) < REQUEST_LONG;
}

static void
request_set_method(const struct http_run *run)
{
    const struct http *http = run->http;

    if (request_sends_body(run)) {
        curl_easy_setopt(run->easy, CURLOPT_POSTFIELDS, http->body);
        curl_easy_setopt(run->easy, CURLOPT_POSTFIELDSIZE, (long)strlen(http->body));
    }
    if (strcmp(http->method, "HEAD") == 0)
        curl_easy_setopt(run->easy, CURLOPT_NOBODY, 1L);
    else if (!run->bodyless)
        curl_easy_setopt(run->easy, CURLOPT_CUSTOMREQUEST, http->method);
}

/* After a redirect from one to the other, HTTP/2 is got in the way that is left. */
static long
request_version(const struct http_run *run)
{
    switch (run->http->http_version) {
    case REQUEST_1_0:
        return CURL_HTTP_VERSION_1_0;
    case REQUEST_2:
    case REQUEST_2_PRIOR:
        return run->to->tls ? CURL_HTTP_VERSION_2TLS
                            : CURL_HTTP_VERSION_2_PRIOR_KNOWLEDGE;
    default:
        return CURL_HTTP_VERSION_1_1;
    }
}

static int
request_set_more(struct http_run *run)
{
    if (run->http->compression)
        curl_easy_setopt(run->easy, CURLOPT_ACCEPT_ENCODING, ""); /* all it can */
    curl_easy_setopt(run->easy, CURLOPT_HTTP_VERSION, request_version(run));
    curl_easy_setopt(run->easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)sonde_time_left(run->self) + 500);
    request_set_method(run);
    way_set(run);
    return keep_wanted(run) ? keep_set(run) : 0;
}

/* ---- a hop ---- */

static CURL *
request_handle(struct http_run *run)
{
    CURL *easy = run->spare;

    run->spare = NULL;
    if (easy)
        return easy;
    easy = curl_easy_init();
    if (easy)
        request_prepare(run, easy);
    return easy;
}

int
request_make(struct http_run *run)
{
    const struct http *http = run->http;
    CURL *easy = request_handle(run);

    run->easy = easy;
    run->trouble[0] = '\0';
    if (!easy)
        return -1;
    answer_drop(&run->answer);
    curl_easy_setopt(easy, CURLOPT_URL, run->to->url);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
    curl_easy_setopt(easy, CURLOPT_HTTPHEADER, run->redirects ? run->lines : http->lines);
    /* One write is all that a plain request needs. */
    curl_easy_setopt(easy, CURLOPT_TCP_NODELAY, run->to->tls ? 1L : 0L);
    run->plain = request_is_plain(run);
    run->again = false;
    if (!run->plain && request_set_more(run) == -1)
        return -1;
    return run->to->tls ? secure_set(run) : 0;
}

void
request_drop(struct http_run *run)
{
    if (run->again)
        run->spare = run->easy;
    else
        curl_easy_cleanup(run->easy);
    run->easy = NULL;
    run->again = false;
    secure_drop(run);
}

int64_t
request_length(const struct http_run *run)
{
    return request_sends_body(run) ? (int64_t)strlen(run->http->body) : 0;
}

bool
request_wrong_version(const struct http_run *run)
{
    long version = 0;

    if (run->http->http_version < REQUEST_2)
        return false;
    curl_easy_getinfo(run->easy, CURLINFO_HTTP_VERSION, &version);
    return version != CURL_HTTP_VERSION_2_0;
}

/* ---- told ---- */

static void
request_tell_version(const struct http_run *run)
{
    const char *text;
    long version = 0;

    curl_easy_getinfo(run->easy, CURLINFO_HTTP_VERSION, &version);
    text = version == CURL_HTTP_VERSION_1_0   ? "1.0"
           : version == CURL_HTTP_VERSION_1_1 ? "1.1"
           : version == CURL_HTTP_VERSION_2_0 ? "2"
                                              : NULL;
    if (text)
        sonde_set(run->event, "details.http_version", text, strlen(text));
}

void
request_tell(const struct http_run *run)
{
    const char *connection = run->opened ? "new" : "kept";

    if (run->easy)
        request_tell_version(run);
    if (keep_wanted(run) && run->heard)
        sonde_set(run->event, "details.connection", connection, strlen(connection));
    if (run->http->max_redirects)
        sonde_metric(run->event, "redirects", run->redirects, NULL);
    if (run->redirects)
        sonde_set(run->event, "details.url", run->to->url, strlen(run->to->url));
}
