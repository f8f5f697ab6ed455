/* SPDX-License-Identifier: Apache-2.0
 *
 * request_open.c - the options of a request, checked and made ready.  See request.h.
 *
 * Credentials become headers here, so that one rule (redirect.c) keeps all of them from
 * other origins.
 */
#include "request.h"

#include "secure.h"
#include "way.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int
request_open_url(struct sonde_instance *self, struct http *http)
{
    char why[200];

    if (origin_parse(&http->first, http->url, why, sizeof(why)) == -1)
        return sonde_fail(self, "url", "%s", why);
    if (http->first.userinfo)
        return sonde_fail(self, "url",
                          "a URL is printed: write user and password as options");
    return 0;
}

bool
request_has_body(const struct http *http)
{
    return *http->body || strcmp(http->method, "POST") == 0
           || strcmp(http->method, "PUT") == 0 || strcmp(http->method, "PATCH") == 0;
}

static int
request_open_method(struct sonde_instance *self, const struct http *http)
{
    size_t length = strspn(http->method, "ABCDEFGHIJKLMNOPQRSTUVWXYZ");
    bool head = strcmp(http->method, "HEAD") == 0;

    if (http->method[length] || length < 1 || length > 20)
        return sonde_fail(self, "method", "a method is a word in capitals, as GET");
    if (strcmp(http->method, "CONNECT") == 0)
        return sonde_fail(self, "method", "CONNECT is for proxies");
    if (head && *http->body)
        return sonde_fail(self, "body", "a HEAD request has no body");
    return 0;
}

static int
request_open_version(struct sonde_instance *self, const struct http *http)
{
    if (http->http_version < REQUEST_2)
        return 0;
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_HTTP2))
        return sonde_fail(self, "http_version", "this libcurl has no HTTP/2");
    if (http->http_version == REQUEST_2 && !http->first.tls)
        return sonde_fail(self, "http_version",
                          "without TLS it is \"2-prior-knowledge\"");
    if (http->http_version == REQUEST_2_PRIOR && http->first.tls)
        return sonde_fail(self, "http_version", "with TLS it is \"2\"");
    return 0;
}

/* ---- headers ---- */

static int
request_add(struct http *http, const char *line)
{
    struct curl_slist *longer = curl_slist_append(http->lines, line);

    if (longer)
        http->lines = longer;
    return longer ? 0 : -1;
}

static bool
request_is_one_line(const char *text)
{
    while (*text && (*text == '\t' || !iscntrl((unsigned char)*text)))
        text++;
    return !*text;
}

/* libcurl takes "Name:" for "leave it out"; it writes an empty one for "Name;". */
static int
request_open_header(struct sonde_instance *self, struct http *http, const char *header)
{
    size_t name = strspn(header, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                 "0123456789!#$%&'*+-.^_`|~"),
           blank;
    char *copy;
    int added;

    if (!request_is_one_line(header))
        return sonde_fail(self, "headers",
                          "a header has no line breaks or control characters");
    if (name == 0 || header[name] != ':')
        return sonde_fail(self, "headers", "a header is written \"Name: value\"");
    blank = strspn(header + name + 1, " \t");
    copy = strdup(header);
    if (copy && !header[name + 1 + blank])
        strcpy(copy + name, ";");
    added = copy ? request_add(http, copy) : -1;
    free(copy);
    return added == 0 ? 0 : sonde_fail(self, NULL, "out of memory");
}

static bool
request_has_header(const struct http *http, const char *name)
{
    size_t length = strlen(name);

    for (const char *const *header = http->headers; header && *header; header++)
        if (strncasecmp(*header, name, length) == 0 && (*header)[length] == ':')
            return true;
    return false;
}

static int
request_open_headers(struct sonde_instance *self, struct http *http)
{
    if (!request_is_one_line(http->user_agent))
        return sonde_fail(self, "user_agent",
                          "a header has no line breaks or control characters");
    if (request_has_header(http, "User-Agent")
        && sonde_idle(self, "user_agent", "headers has a User-Agent already") == -1)
        return -1;
    for (const char *const *header = http->headers; header && *header; header++)
        if (request_open_header(self, http, *header) == -1)
            return -1;
    /* What libcurl would add by itself. */
    if (request_has_body(http)
        && (request_add(http, "Expect:") == -1
            || (!request_has_header(http, "Content-Type")
                && request_add(http, "Content-Type:") == -1)))
        return sonde_fail(self, NULL, "out of memory");
    return 0;
}

/* ---- credentials ---- */

static int
request_add_basic(struct http *http)
{
    size_t length = strlen(http->user) + strlen(http->password) + 1;
    size_t room = sizeof("Authorization: Basic ") + length * 4 / 3 + 4;
    char *pair = malloc(length + 1), *line = malloc(room);
    int added = -1;

    if (pair && line) {
        snprintf(pair, length + 1, "%s:%s", http->user, http->password);
        strcpy(line, "Authorization: Basic ");
        EVP_EncodeBlock((unsigned char *)line + strlen(line), (unsigned char *)pair,
                        (int)length);
        added = request_add(http, line);
    }
    free(pair);
    free(line);
    return added;
}

static int
request_add_bearer(struct http *http)
{
    size_t room = sizeof("Authorization: Bearer ") + strlen(http->bearer);
    char *line = malloc(room);
    int added = -1;

    if (line) {
        snprintf(line, room, "Authorization: Bearer %s", http->bearer);
        added = request_add(http, line);
    }
    free(line);
    return added;
}

static int
request_open_credentials(struct sonde_instance *self, struct http *http)
{
    const char *option = *http->user ? "user" : "bearer";

    if (*http->password && !*http->user)
        return sonde_fail(self, "password", "there is no user");
    if (strchr(http->user, ':'))
        return sonde_fail(self, "user", "a user has no colon");
    if (*http->user && *http->bearer)
        return sonde_fail(self, "bearer", "either user and password, or a token");
    for (const char *c = http->bearer; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == '\x7f')
            return sonde_fail(self, "bearer", "a token has no blanks");
    if (!*http->user && !*http->bearer)
        return 0;
    if (request_has_header(http, "Authorization"))
        return sonde_fail(self, option, "headers has an Authorization already");
    if ((*http->user ? request_add_basic(http) : request_add_bearer(http)) == -1)
        return sonde_fail(self, NULL, "out of memory");
    return 0;
}

/* ---- all ---- */

static int
request_open_redirects(struct sonde_instance *self, const struct http *http)
{
    if (http->redirect_downgrade && !http->max_redirects)
        return sonde_fail(self, "redirect_downgrade",
                          "no redirect is followed: max_redirects is 0");
    return 0;
}

int
request_open(struct sonde_instance *self, struct http *http)
{
    char why[200];

    if (request_open_url(self, http) == -1 || request_open_method(self, http) == -1
        || request_open_version(self, http) == -1
        || request_open_headers(self, http) == -1
        || request_open_credentials(self, http) == -1
        || request_open_redirects(self, http) == -1 || way_open(self, http) == -1
        || secure_open(self, http, http->first.tls || http->max_redirects) == -1)
        return -1;
    if (resolve_check(http->resolver, why, sizeof(why)) == -1)
        return sonde_fail(self, "resolver", "%s", why);
    return 0;
}

void
request_close(struct http *http)
{
    origin_drop(&http->first);
    curl_slist_free_all(http->lines);
    way_close(http);
    secure_close(http);
}
