/* SPDX-License-Identifier: Apache-2.0
 *
 * way.c - proxies, given addresses, unix sockets; and sockets for libcurl.  See way.h.
 */
#include "way.h"

#include "keep.h"
#include "secure.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

struct way {
    struct address to, from;    /* resolve and source; family 0: not given */
    struct address_parts proxy; /* port 0: none */
    bool socks;
};

/* ---- open ---- */

static int
way_open_to(struct sonde_instance *self, const struct http *http, struct way *way)
{
    struct address_parts parts;
    char why[200];

    if (!*http->resolve)
        return 0;
    if (*http->proxy)
        return sonde_fail(self, "resolve", "the proxy looks the host up, not we");
    if (address_literal(http->resolve, strlen(http->resolve), &way->to)) {
        address_set_port(&way->to, http->first.port);
    } else if (address_parse(http->resolve, &parts, why, sizeof(why)) == 0
               && parts.kind == ADDRESS_LITERAL) {
        way->to = parts.literal;
    } else {
        return sonde_fail(self, "resolve",
                          "write an address, as 192.0.2.1, 192.0.2.1:8443 or "
                          "[2001:db8::1]:8443");
    }
    return 0;
}

static int
way_open_from(struct sonde_instance *self, const struct http *http, struct way *way)
{
    if (!*http->source)
        return 0;
    if (!address_literal(http->source, strlen(http->source), &way->from))
        return sonde_fail(self, "source",
                          "write an address of this machine, as "
                          "192.0.2.1 or 2001:db8::1");
    if (!address_allowed(&way->from, (enum address_family)http->ip))
        return sonde_fail(self, "source", "%s is not an IPv%s address", http->source,
                          address_families[http->ip]);
    return 0;
}

static int
way_open_proxy(struct sonde_instance *self, const struct http *http, struct way *way)
{
    static const char *const schemes[] = { "http://", "socks5://", "socks5h://" };
    const char *at = NULL;
    char why[200];

    if (!*http->proxy && (*http->proxy_user || *http->proxy_password))
        return sonde_fail(self, *http->proxy_user ? "proxy_user" : "proxy_password",
                          "there is no proxy");
    if (*http->proxy_password && !*http->proxy_user)
        return sonde_fail(self, "proxy_password", "there is no proxy_user");
    if (!*http->proxy)
        return 0;
    for (unsigned i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        if (strncmp(http->proxy, schemes[i], strlen(schemes[i])) == 0) {
            at = http->proxy + strlen(schemes[i]);
            way->socks = i > 0;
        }
    if (!at)
        return sonde_fail(self, "proxy",
                          "a proxy is written http://host:port or "
                          "socks5://host:port");
    if (strchr(at, '@'))
        return sonde_fail(self, "proxy",
                          "its user and password belong into proxy_user "
                          "and proxy_password");
    if (address_parse(at, &way->proxy, why, sizeof(why)) == -1)
        return sonde_fail(self, "proxy", "%s", why);
    return way->proxy.kind == ADDRESS_UNIX
               ? sonde_fail(self, "proxy", "a proxy has a host and a port")
               : 0;
}

static int
way_open_unix(struct sonde_instance *self, const struct http *http)
{
    static const char why[] = "has no meaning for a unix socket";
    const char *other = *http->proxy     ? "proxy"
                        : *http->source  ? "source"
                        : *http->resolve ? "resolve"
                        : http->ip       ? "ip"
                                         : NULL;
    struct sockaddr_un room;

    if (!*http->unix_socket)
        return 0;
    if (other)
        return sonde_fail(self, other, "%s", why);
    if (!http->max_redirects && sonde_idle(self, "resolver", why) == -1)
        return -1;
    if (*http->unix_socket != '/')
        return sonde_fail(self, "unix_socket", "a path begins with /");
    if (strlen(http->unix_socket) >= sizeof(room.sun_path))
        return sonde_fail(self, "unix_socket", "a path has at most %zu bytes",
                          sizeof(room.sun_path) - 1);
    return 0;
}

/* Where the address to connect to is written down, it must be one of those allowed. */
static int
way_open_family(struct sonde_instance *self, const struct http *http)
{
    const struct way *way = http->way;
    bool proxied = way && way->proxy.port, given = way && way->to.any.sa_family;
    const struct address *address = proxied ? &way->proxy.literal
                                    : given ? &way->to
                                            : &http->first.address;
    char text[ADDRESS_TEXT];

    if (!address->any.sa_family || address_allowed(address, way_family(http)))
        return 0;
    return sonde_fail(self, http->ip ? "ip" : "source", "%s is not an IPv%s address",
                      address_format(address, false, text, sizeof(text)),
                      address_families[way_family(http)]);
}

int
way_open(struct sonde_instance *self, struct http *http)
{
    struct way *way = calloc(1, sizeof(*way));

    if (!way)
        return sonde_fail(self, NULL, "out of memory");
    http->way = way;
    if (way_open_unix(self, http) == -1 || way_open_from(self, http, way) == -1
        || way_open_proxy(self, http, way) == -1 || way_open_to(self, http, way) == -1
        || way_open_family(self, http) == -1)
        return -1;
    if (!*http->resolve && !*http->source && !*http->proxy && !*http->unix_socket)
        way_close(http);
    return 0;
}

void
way_close(struct http *http)
{
    free(http->way);
    http->way = NULL;
}

/* ---- where to ---- */

static bool
way_is_unix(const struct http_run *run)
{
    return *run->http->unix_socket && !run->foreign;
}

/* What was given for the first origin holds for it only. */
static const struct address *
way_given(const struct http_run *run)
{
    const struct way *way = run->http->way;

    if (way && way->proxy.port)
        return &way->proxy.literal;
    return way && way->to.any.sa_family && !run->foreign ? &way->to : &run->to->address;
}

const char *
way_name(const struct http_run *run, size_t *length)
{
    const struct way *way = run->http->way;
    const char *host = run->to->host;

    *length = strlen(host);
    if (way && way->proxy.port) {
        host = way->proxy.host;
        *length = way->proxy.host_length;
    }
    return way_is_unix(run) || way_given(run)->any.sa_family ? NULL : host;
}

uint16_t
way_port(const struct http_run *run)
{
    const struct way *way = run->http->way;

    return way && way->proxy.port ? way->proxy.port : run->to->port;
}

enum address_family
way_family(const struct http *http)
{
    const struct way *way = http->way;

    if (way && way->from.any.sa_family)
        return way->from.any.sa_family == AF_INET ? ADDRESS_V4 : ADDRESS_V6;
    return (enum address_family)http->ip;
}

bool
way_is_plain(const struct http_run *run)
{
    const struct way *way = run->http->way;

    return !way_is_unix(run) && !(way && way->proxy.port);
}

/* ---- libcurl ---- */

/* It connects to what is in `to` afterwards. */
static void
way_direct(const struct http_run *run, struct curl_sockaddr *to)
{
    const struct tries *tries = run->tries;
    const struct address *address = tries ? &tries->addresses[tries->at] : way_given(run);

    keep_opened(run, address);
    to->family = address->any.sa_family;
    to->addrlen = address_length(address);
    memcpy(&to->addr, &address->any, to->addrlen); /* it has room for any address */
}

static int
way_bind(int fd, const struct address *from)
{
    static const int one = 1;

    if (!from->any.sa_family)
        return 0;
    setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
    return bind(fd, &from->any, address_length(from));
}

/* Lets us say why there is no socket, and end connections by a reset: no check leaves a
 * TIME_WAIT behind. */
static curl_socket_t
way_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *to)
{
    static const struct linger reset = { .l_onoff = 1, .l_linger = 0 };
    struct http_run *run = arg;
    const struct way *way = run->http->way;
    int fd;

    (void)purpose;
    if (to->family != AF_UNIX)
        way_direct(run, to);
    fd = socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
    run->opened = sonde_now();
    web_reopen(&run->web);
    secure_reopen(run);
    if (fd != -1 && (!way || way_bind(fd, &way->from) == 0)) {
        setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
        return fd;
    }
    run->error = errno;
    if (fd != -1)
        close(fd);
    return CURL_SOCKET_BAD;
}

void
way_prepare(struct http_run *run, CURL *easy)
{
    static char nowhere[] = "::127.0.0.1:9"; /* any host, any port */
    static struct curl_slist connect_to = { .data = nowhere };

    curl_easy_setopt(easy, CURLOPT_PROXY, ""); /* not the environment's either */
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "*");
    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, &connect_to);
    curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, -1L); /* that place stays */
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, way_socket);
    curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, run);
}

/* The target's name goes to the proxy as it is. */
static void
way_set_proxy(const struct http_run *run)
{
    const struct http *http = run->http;
    CURL *easy = run->easy;

    curl_easy_setopt(easy, CURLOPT_CONNECT_TO, NULL);
    curl_easy_setopt(easy, CURLOPT_NOPROXY, "");
    curl_easy_setopt(easy, CURLOPT_PROXY, "127.0.0.1:9");
    curl_easy_setopt(
        easy, CURLOPT_PROXYTYPE,
        (long)(http->way->socks ? CURLPROXY_SOCKS5_HOSTNAME : CURLPROXY_HTTP));
    /* Kerberos could block, and asks for names. */
    curl_easy_setopt(easy, CURLOPT_SOCKS5_AUTH, (long)CURLAUTH_BASIC);
    if (*http->proxy_user) {
        curl_easy_setopt(easy, CURLOPT_PROXYUSERNAME, http->proxy_user);
        curl_easy_setopt(easy, CURLOPT_PROXYPASSWORD, http->proxy_password);
    }
}

void
way_set(struct http_run *run)
{
    const struct way *way = run->http->way;

    if (way_is_unix(run))
        curl_easy_setopt(run->easy, CURLOPT_UNIX_SOCKET_PATH, run->http->unix_socket);
    else if (way && way->proxy.port)
        way_set_proxy(run);
}

/* ---- told ---- */

/* Which address it was about: the one that failed most tellingly, or the last; NULL:
 * the host is one itself. */
static const struct address *
way_told(const struct http_run *run, enum sonde_reason reason)
{
    const struct tries *tries = run->tries;
    const struct address *kept = keep_address(run);

    if (kept && kept->any.sa_family && (tries || way_given(run) != &run->to->address))
        return kept;
    if (tries)
        return tries->error && reason == address_reason(tries->error)
                   ? &tries->failed
                   : &tries->addresses[tries->at];
    return run->http->way && way_given(run) == &run->http->way->to ? way_given(run)
                                                                   : NULL;
}

const char *
way_text(const struct http_run *run, enum sonde_reason reason, char *text, size_t size)
{
    const struct way *way = run->http->way;
    const struct address *address = way_told(run, reason);
    char via[ADDRESS_NAME_MAX + 20] = "", where[ADDRESS_TEXT + 120] = "";
    char literal[ADDRESS_TEXT];

    if (way && way->proxy.port)
        snprintf(via, sizeof(via), " via %.*s:%u", (int)way->proxy.host_length,
                 way->proxy.host, way->proxy.port);
    if (way_is_unix(run))
        snprintf(where, sizeof(where), " (unix:%s)", run->http->unix_socket);
    else if (address)
        snprintf(where, sizeof(where), " (%s)",
                 address_format(address, ntohs(address->v4.sin_port) != way_port(run),
                                literal, sizeof(literal)));
    if (!*via && !*where)
        return run->to->place;
    snprintf(text, size, "%s%s%s", run->to->place, via, where);
    return text;
}

static const char *
way_socks_words(long error)
{
    switch (error) {
    case CURLPX_REPLY_NOT_ALLOWED:
        return "that is not allowed";
    case CURLPX_REPLY_NETWORK_UNREACHABLE:
        return "network is unreachable";
    case CURLPX_REPLY_HOST_UNREACHABLE:
        return "no route to host";
    case CURLPX_REPLY_CONNECTION_REFUSED:
        return "connection refused";
    case CURLPX_REPLY_TTL_EXPIRED:
        return "connection timed out";
    case CURLPX_NO_AUTH:
    case CURLPX_USER_REJECTED:
        return "wrong user or password";
    default:
        return NULL;
    }
}

/* Whether the target was reached, so that what fails is no fault of the way. */
static bool
way_through(const struct http_run *run)
{
    curl_off_t ready = 0;

    if (run->to->tls)
        return run->handshake != 0;
    curl_easy_getinfo(run->easy, CURLINFO_PRETRANSFER_TIME_T, &ready);
    return ready > 0;
}

bool
way_failed(const struct http_run *run, const char *trouble, char *why, size_t size)
{
    const struct way *way = run->http->way;
    long answer = 0, error = 0;
    const char *words;

    if (!way || !way->proxy.port || !run->web.connected || way_through(run))
        return false;
    curl_easy_getinfo(run->easy, CURLINFO_HTTP_CONNECTCODE, &answer);
    curl_easy_getinfo(run->easy, CURLINFO_PROXY_ERROR, &error);
    words = way_socks_words(error);
    if (answer >= 300)
        snprintf(why, size, "the proxy answers CONNECT with %ld", answer);
    else
        snprintf(why, size, "the proxy does not connect us: %.150s",
                 words ? words : trouble);
    return true;
}
