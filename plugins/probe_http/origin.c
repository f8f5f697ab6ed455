/* SPDX-License-Identifier: Apache-2.0
 *
 * origin.c - URLs taken apart, by libcurl's own parser.  See origin.h.
 */
#include "origin.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool
origin_is_web(const char *url)
{
    return strncasecmp(url, "http://", 7) == 0 || strncasecmp(url, "https://", 8) == 0;
}

/* A copy to free; NULL where the part is absent. */
static char *
origin_part(CURLU *url, CURLUPart part, unsigned flags)
{
    char *found = NULL, *copy = NULL;

    if (curl_url_get(url, part, &found, flags) == CURLUE_OK)
        copy = strdup(found);
    curl_free(found);
    return copy;
}

/* zone: of a link-local address, NULL: none. */
static int
origin_take_host(struct origin *origin, const char *zone, char *why, size_t size)
{
    size_t length = strlen(origin->host);
    char scoped[100];

    if (length > 1 && origin->host[0] == '[' && origin->host[length - 1] == ']') {
        memmove(origin->host, origin->host + 1, length);
        length -= 2;
        origin->host[length] = '\0';
    }
    snprintf(scoped, sizeof(scoped), "%s%s%s", origin->host, zone ? "%" : "",
             zone ? zone : "");
    if (address_literal(scoped, strlen(scoped), &origin->address)) {
        address_set_port(&origin->address, origin->port);
        return 0;
    }
    if (address_is_name(origin->host, length))
        return 0;
    snprintf(why, size, "\"%.80s\" is neither an address nor a host name", origin->host);
    return -1;
}

/* In brackets again, where the port could be taken for a part of the host. */
static int
origin_take_place(struct origin *origin, char *why, size_t size)
{
    bool v6 = strchr(origin->host, ':') != NULL;
    size_t room = strlen(origin->host) + sizeof("[]:65535");

    origin->place = malloc(room);
    if (!origin->place) {
        snprintf(why, size, "out of memory");
        return -1;
    }
    snprintf(origin->place, room, "%s%s%s:%u", v6 ? "[" : "", origin->host, v6 ? "]" : "",
             origin->port);
    return 0;
}

/* What is never sent goes: a redirect must not bring a password along, and details.url
 * must not show one. */
static void
origin_strip(struct origin *origin, CURLU *url)
{
    char *user = origin_part(url, CURLUPART_USER, 0);
    char *password = origin_part(url, CURLUPART_PASSWORD, 0);

    origin->userinfo = user || password;
    free(user);
    free(password);
    curl_url_set(url, CURLUPART_USER, NULL, 0);
    curl_url_set(url, CURLUPART_PASSWORD, NULL, 0);
    curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0);
}

static int
origin_take(struct origin *origin, CURLU *url, char *why, size_t size)
{
    char *port = origin_part(url, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    char *scheme = origin_part(url, CURLUPART_SCHEME, 0);
    char *zone = origin_part(url, CURLUPART_ZONEID, 0);
    int taken = -1;

    origin_strip(origin, url);
    origin->host = origin_part(url, CURLUPART_HOST, 0);
    origin->url = origin_part(url, CURLUPART_URL, 0);
    origin->port = (uint16_t)strtoul(port ? port : "", NULL, 10);
    origin->tls = scheme && strcmp(scheme, "https") == 0;
    free(port);
    free(scheme);
    if (!origin->host || !origin->url)
        snprintf(why, size, "out of memory");
    else if (!origin->port)
        snprintf(why, size, "the port is a number from 1 to 65535");
    else if (origin_take_host(origin, zone, why, size) == 0)
        taken = origin_take_place(origin, why, size);
    free(zone);
    return taken;
}

int
origin_parse(struct origin *origin, const char *text, char *why, size_t size)
{
    CURLU *url;
    CURLUcode code;
    int taken = -1;

    *origin = (struct origin){ 0 };
    if (!origin_is_web(text)) {
        snprintf(why, size, "a URL begins with http:// or https://");
        return -1;
    }
    for (const char *c = text; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == '\x7f') {
            snprintf(why, size, "a URL has no blanks; write %%20");
            return -1;
        }
    url = curl_url();
    code = url ? curl_url_set(url, CURLUPART_URL, text, 0) : CURLUE_OUT_OF_MEMORY;
    if (code == CURLUE_OK)
        taken = origin_take(origin, url, why, size);
    else
        snprintf(why, size, "not a URL: %s", curl_url_strerror(code));
    curl_url_cleanup(url);
    if (taken == -1)
        origin_drop(origin);
    return taken;
}

void
origin_drop(struct origin *origin)
{
    free(origin->url);
    free(origin->host);
    free(origin->place);
    *origin = (struct origin){ 0 };
}

bool
origin_same(const struct origin *a, const struct origin *b)
{
    return a->tls == b->tls && a->port == b->port && strcasecmp(a->host, b->host) == 0;
}
