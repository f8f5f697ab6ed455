/* SPDX-License-Identifier: Apache-2.0
 *
 * redirect.c - redirects, as browsers follow them.  See redirect.h.
 *
 * What a check is trusted with is for the origin of its URL.  Any header may be a secret
 * (Authorization, Cookie, X-Api-Key), so other origins get those only that cannot be.
 */
#include "redirect.h"

#include "phase.h"
#include "request.h"
#include "way.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { REDIRECT_TEXT = 121 };

/* A user and a password that the server put into it are not printed. */
static const char *
redirect_show(const char *url, char text[REDIRECT_TEXT])
{
    const char *host = strstr(url, "://");
    size_t scheme, end;

    host = host ? host + 3 : url;
    scheme = (size_t)(host - url);
    for (end = strcspn(host, "/?#"); end && host[end - 1] != '@'; end--)
        ;
    snprintf(text, REDIRECT_TEXT, "%.*s%s", (int)(scheme < 20 ? scheme : 20), url,
             host + end);
    return text;
}

static bool
redirect_refuse(struct http_run *run, const char *url, const char *why)
{
    char text[REDIRECT_TEXT];

    run->refused = true;
    snprintf(run->trouble, sizeof(run->trouble), "redirected to %s, %.100s",
             redirect_show(url, text), why);
    return false;
}

static bool
redirect_allowed(struct http_run *run, const struct origin *to, const char *url)
{
    if (run->to->tls && !to->tls && !run->http->redirect_downgrade)
        return redirect_refuse(run, url, "from https to http");
    if (to->address.any.sa_family
        && !address_allowed(&to->address, way_family(run->http)))
        return redirect_refuse(run, url, "which is not an address of the kind to use");
    return true;
}

/* The name of a header, up to its colon. */
static bool
redirect_is(const char *line, const char *name)
{
    size_t length = strlen(name);

    return strncasecmp(line, name, length) == 0
           && (line[length] == ':' || line[length] == ';');
}

static bool
redirect_is_of_body(const char *line)
{
    return strncasecmp(line, "Content-", 8) == 0
           || redirect_is(line, "Transfer-Encoding");
}

static bool
redirect_keeps(const struct http_run *run, const char *line)
{
    if (redirect_is_of_body(line))
        return !run->bodyless;
    return !run->foreign || redirect_is(line, "Accept")
           || strncasecmp(line, "Accept-", 7) == 0 || redirect_is(line, "User-Agent")
           || redirect_is(line, "Expect"); /* without a value: not what libcurl adds */
}

/* Without memory for all of them some are missing, and the answer will tell. */
static void
redirect_set_lines(struct http_run *run)
{
    curl_slist_free_all(run->lines);
    run->lines = NULL;
    for (const struct curl_slist *line = run->http->lines; line; line = line->next) {
        struct curl_slist *longer;

        if (!redirect_keeps(run, line->data))
            continue;
        longer = curl_slist_append(run->lines, line->data);
        if (!longer)
            return;
        run->lines = longer;
    }
}

/* libcurl takes any 3xx with a Location for one, a 304 too. */
static bool
redirect_is_one(long status)
{
    return (status >= 301 && status <= 303) || status == 307 || status == 308;
}

/* 303, and by custom a POST that got 301 or 302, asks anew by GET. */
static bool
redirect_drops_body(const struct http_run *run, long status)
{
    const char *method = run->http->method;

    return run->bodyless || (status == 303 && strcmp(method, "HEAD") != 0)
           || ((status == 301 || status == 302) && strcmp(method, "POST") == 0);
}

/* Takes `to` over. */
static bool
redirect_go(struct http_run *run, struct origin *to, long status)
{
    phase_close(run);
    request_drop(run);
    free(run->tries);
    run->tries = NULL;
    answer_drop(&run->answer);
    origin_drop(&run->other);
    run->other = *to;
    run->to = &run->other;
    run->foreign = !origin_same(run->to, &run->http->first);
    run->bodyless = redirect_drops_body(run, status);
    run->redirects++;
    redirect_set_lines(run);
    return true;
}

bool
redirect_take(struct http_run *run)
{
    struct origin to;
    char why[200], text[REDIRECT_TEXT], *url = NULL;
    long status = 0;

    curl_easy_getinfo(run->easy, CURLINFO_RESPONSE_CODE, &status);
    if (!run->http->max_redirects || !redirect_is_one(status)
        || curl_easy_getinfo(run->easy, CURLINFO_REDIRECT_URL, &url) != CURLE_OK || !url)
        return false;
    if (run->redirects >= run->http->max_redirects) {
        run->refused = true;
        snprintf(run->trouble, sizeof(run->trouble),
                 "redirected more than %u times, last to %s", run->redirects,
                 redirect_show(url, text));
        return false;
    }
    if (strncasecmp(url, "http://", 7) != 0 && strncasecmp(url, "https://", 8) != 0)
        return redirect_refuse(run, url, "which is neither http nor https");
    if (origin_parse(&to, url, why, sizeof(why)) == -1)
        return redirect_refuse(run, url, why);
    if (redirect_allowed(run, &to, url))
        return redirect_go(run, &to, status);
    origin_drop(&to);
    return false;
}
