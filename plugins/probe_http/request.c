/* SPDX-License-Identifier: Apache-2.0
 *
 * request.c - options to libcurl handles.  See request.h.
 *
 * libcurl must never resolve a name itself: its threaded resolver can hold the
 * whole loop.  The addresses are handed over with the request, and the hook that
 * it calls before it would resolve refuses.
 */
#include "request.h"

#include "response.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- open ---- */

/* Takes the part over into text, "" where it is absent. */
static void
request_part(CURLU *url, CURLUPart part, unsigned flags, char *text, size_t size)
{
    char *found = NULL;

    text[0] = '\0';
    if (curl_url_get(url, part, &found, flags) == CURLUE_OK)
        snprintf(text, size, "%s", found);
    curl_free(found);
}

static int
request_open_host(struct sonde_instance *self, struct http *http, char *host)
{
    struct address address;
    size_t length = strlen(host);

    if (host[0] == '[' && host[length - 1] == ']') {
        memmove(host, host + 1, length);
        length -= 2;
        host[length] = '\0';
    }
    http->literal = address_literal(host, length, &address);
    if (http->literal && !address_allowed(&address, (enum address_family)http->ip))
        return sonde_fail(self, "ip", "%s is not an IPv%s address", host,
                          address_families[http->ip]);
    if (!http->literal && !address_is_name(host, length))
        return sonde_fail(self, "url", "\"%.80s\" is neither an address nor a host name",
                          host);
    http->host = strdup(host);
    return http->host ? 0 : sonde_fail(self, NULL, "out of memory");
}

static int
request_open_url(struct sonde_instance *self, struct http *http)
{
    char scheme[16] = "", port[8] = "", host[300] = "";
    CURLU *url = curl_url();
    CURLUcode code;

    for (const char *c = http->url; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == '\x7f') {
            curl_url_cleanup(url);
            return sonde_fail(self, "url", "a URL has no blanks; write %%20");
        }
    code = curl_url_set(url, CURLUPART_URL, http->url, 0);
    if (code == CURLUE_OK) {
        request_part(url, CURLUPART_SCHEME, 0, scheme, sizeof(scheme));
        request_part(url, CURLUPART_HOST, 0, host, sizeof(host));
        request_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT, port, sizeof(port));
    }
    curl_url_cleanup(url);
    http->tls = strcmp(scheme, "https") == 0;
    if (!http->tls && strcmp(scheme, "http") != 0
        && (code == CURLUE_OK || code == CURLUE_UNSUPPORTED_SCHEME
            || !strstr(http->url, "://")))
        return sonde_fail(self, "url", "a URL begins with http:// or https://");
    if (code != CURLUE_OK)
        return sonde_fail(self, "url", "not a URL: %s", curl_url_strerror(code));
    http->port = (uint16_t)strtoul(port, NULL, 10);
    if (!http->port)
        return sonde_fail(self, "url", "the port is a number from 1 to 65535");
    return request_open_host(self, http, host);
}

static bool
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
    if (head && (*http->body_match || *http->body_not_match))
        return sonde_fail(self, *http->body_match ? "body_match" : "body_not_match",
                          "the answer to HEAD has no body");
    return 0;
}

static int
request_add(struct http *http, const char *line)
{
    struct curl_slist *longer = curl_slist_append(http->lines, line);

    if (longer)
        http->lines = longer;
    return longer ? 0 : -1;
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

    for (const char *c = header; *c; c++)
        if (iscntrl((unsigned char)*c) && *c != '\t')
            return sonde_fail(self, "headers",
                              "a header has no line breaks or control "
                              "characters");
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

static int
request_open_headers(struct sonde_instance *self, struct http *http)
{
    const char *const *header = http->headers;
    bool type = false;

    for (; header && *header; header++) {
        if (request_open_header(self, http, *header) == -1)
            return -1;
        type = type || strncasecmp(*header, "Content-Type:", 13) == 0;
    }
    /* What libcurl would add by itself. */
    if (request_has_body(http)
        && (request_add(http, "Expect:") == -1
            || (!type && request_add(http, "Content-Type:") == -1)))
        return sonde_fail(self, NULL, "out of memory");
    return 0;
}

int
request_open(struct sonde_instance *self, struct http *http)
{
    if (request_open_url(self, http) == -1 || request_open_method(self, http) == -1
        || request_open_headers(self, http) == -1)
        return -1;
    if (*http->ca && access(http->ca, R_OK) == -1)
        return sonde_fail(self, "ca", "%s: %s", http->ca, strerror(errno));
    return 0;
}

/* ---- a run ---- */

/* Lets us say why there is no socket, and end connections by a reset: no check
 * leaves a TIME_WAIT behind. */
static curl_socket_t
request_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    static const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
    struct http_run *run = arg;
    int fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);

    (void)purpose;
    run->opened = sonde_now();
    if (fd == -1) {
        run->error = errno;
        return CURL_SOCKET_BAD;
    }
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    return fd;
}

static int
request_refuse_to_resolve(void *resolver, void *reserved, void *arg)
{
    (void)resolver, (void)reserved, (void)arg;
    return 1;
}

/* "+host:port:address"; the plus lets libcurl forget it. */
static int
request_set_address(struct http_run *run, const struct address *address)
{
    char line[ADDRESS_NAME_MAX + 16 + ADDRESS_TEXT], text[ADDRESS_TEXT];
    bool v6 = address->any.sa_family == AF_INET6;

    snprintf(line, sizeof(line), "+%s:%u:%s%s%s", run->http->host, run->http->port,
             v6 ? "[" : "", address_format(address, false, text, sizeof(text)),
             v6 ? "]" : "");
    run->resolved = curl_slist_append(NULL, line);
    if (!run->resolved)
        return -1;
    curl_easy_setopt(run->easy, CURLOPT_RESOLVE, run->resolved);
    curl_easy_setopt(run->easy, CURLOPT_RESOLVER_START_FUNCTION,
                     request_refuse_to_resolve);
    return 0;
}

static void
request_set_connection(struct http_run *run)
{
    CURL *easy = run->easy;

    curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
#if LIBCURL_VERSION_NUM >= 0x075700
    curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#endif
    curl_easy_setopt(easy, CURLOPT_BUFFERSIZE,
                     4096L); /* of each run that is out; 16 KiB */
    curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L);
    curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L);
    curl_easy_setopt(easy, CURLOPT_PROXY, "");
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, request_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, run);
    /* The deadline is the core's; libcurl's own of 300 s must not come first. */
    curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS,
                     (long)sonde_time_left(run->self) + 500);
}

static void
request_set_tls(struct http_run *run)
{
    const struct http *http = run->http;
    CURL *easy = run->easy;
    char *bundle = NULL;

    curl_easy_setopt(easy, CURLOPT_SSL_SESSIONID_CACHE, 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, http->verify ? 1L : 0L);
    curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, http->verify ? 2L : 0L);
    if (*http->ca || !http->verify)
        curl_easy_setopt(easy, CURLOPT_CAINFO, http->verify ? http->ca : NULL);
    /* With a directory besides the file, the file is parsed anew for each
     * connection: 20 ms. */
    if (*http->ca || !http->verify
        || (curl_easy_getinfo(easy, CURLINFO_CAINFO, &bundle) == CURLE_OK && bundle))
        curl_easy_setopt(easy, CURLOPT_CAPATH, NULL);
}

static void
request_set_question(struct http_run *run)
{
    const struct http *http = run->http;
    CURL *easy = run->easy;

    curl_easy_setopt(easy, CURLOPT_URL, http->url);
    curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1);
    curl_easy_setopt(easy, CURLOPT_HTTP09_ALLOWED, 0L);
    curl_easy_setopt(easy, CURLOPT_USERAGENT, http->user_agent);
    if (http->lines)
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, http->lines);
    if (request_has_body(http)) {
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, http->body);
        curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)strlen(http->body));
    }
    if (strcmp(http->method, "HEAD") == 0)
        curl_easy_setopt(easy, CURLOPT_NOBODY, 1L);
    else if (strcmp(http->method, "GET") != 0 || request_has_body(http))
        curl_easy_setopt(easy, CURLOPT_CUSTOMREQUEST, http->method);
}

int
request_make(struct http_run *run)
{
    run->easy = curl_easy_init();
    if (!run->easy)
        return -1;
    curl_easy_setopt(run->easy, CURLOPT_ERRORBUFFER, run->trouble);
    request_set_connection(run);
    request_set_question(run);
    if (run->http->tls)
        request_set_tls(run);
    response_expect(run);
    return run->tries ? request_set_address(run, &run->tries->addresses[run->tries->at])
                      : 0;
}

void
request_drop(struct http_run *run)
{
    curl_easy_cleanup(run->easy);
    run->easy = NULL;
    curl_slist_free_all(run->resolved);
    run->resolved = NULL;
}
