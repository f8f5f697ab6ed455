/* SPDX-License-Identifier: Apache-2.0
 *
 * address.c - addresses as options write them.  See address.h.
 */
#include "address.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const address_families[] = { "any", "4", "6", NULL };

/* The scope of a link-local address: an interface's name or number. */
static bool
address_scope(const char *text, uint32_t *scope)
{
    char *end;
    unsigned long number = strtoul(text, &end, 10);

    if (*text && !*end && number <= UINT32_MAX)
        *scope = (uint32_t)number;
    else
        *scope = if_nametoindex(text);
    return *scope != 0;
}

bool
address_literal(const char *host, size_t length, struct address *address)
{
    char text[INET6_ADDRSTRLEN + IF_NAMESIZE + 1];
    char *scope;

    *address = (struct address){ 0 };
    if (length >= sizeof(text))
        return false;
    memcpy(text, host, length);
    text[length] = '\0';
    if (inet_pton(AF_INET, text, &address->v4.sin_addr) == 1) {
        address->v4.sin_family = AF_INET;
        return true;
    }
    scope = strchr(text, '%');
    if (scope)
        *scope++ = '\0';
    if (inet_pton(AF_INET6, text, &address->v6.sin6_addr) != 1
        || (scope && !address_scope(scope, &address->v6.sin6_scope_id))) {
        *address = (struct address){ 0 };
        return false;
    }
    address->v6.sin6_family = AF_INET6;
    return true;
}

bool
address_is_name(const char *host, size_t length)
{
    size_t label = 0;
    bool digits = true; /* of the last label: 300.1.1.1 is a slip, not a name */

    if (length > 0 && host[length - 1] == '.')
        length--;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)host[i];

        if (c == '.') {
            if (label == 0)
                return false;
            label = 0;
            digits = true;
            continue;
        }
        if ((!isalnum(c) && c != '-' && c != '_') || ++label > 63)
            return false;
        digits = digits && isdigit(c);
    }
    return label > 0 && length <= ADDRESS_NAME_MAX && !digits;
}

bool
address_allowed(const struct address *address, enum address_family family)
{
    return family == ADDRESS_ANY
           || address->any.sa_family == (family == ADDRESS_V4 ? AF_INET : AF_INET6);
}

static int
address_parse_unix(const char *path, struct address_parts *parts, char *why, size_t size)
{
    struct sockaddr_un room;

    parts->kind = ADDRESS_UNIX;
    parts->host = path;
    parts->host_length = strlen(path);
    if (*path != '/') {
        snprintf(why, size,
                 "the path of a unix socket begins with /, as unix:/run/it.sock");
        return -1;
    }
    if (parts->host_length >= sizeof(room.sun_path)) {
        snprintf(why, size, "the path of a unix socket has at most %zu bytes",
                 sizeof(room.sun_path) - 1);
        return -1;
    }
    return 0;
}

static int
address_parse_port(const char *text, uint16_t *port, char *why, size_t size)
{
    size_t digits = strspn(text, "0123456789");
    unsigned long number = digits <= 5 ? strtoul(text, NULL, 10) : 0;

    if (text[digits] || number < 1 || number > 65535) {
        snprintf(why, size, "the port is a number from 1 to 65535, not \"%.40s\"", text);
        return -1;
    }
    *port = (uint16_t)number;
    return 0;
}

/* Finds host and port; answers where the port begins, NULL with why set. */
static const char *
address_split(const char *text, struct address_parts *parts, char *why, size_t size)
{
    const char *colon = strrchr(text, ':'), *bracket = strchr(text, ']');
    bool brackets = *text == '[';

    if (brackets && (!bracket || bracket[1] != ':')) {
        snprintf(why, size, "write an IPv6 address as [2001:db8::1]:443");
        return NULL;
    }
    if (!colon || (!brackets && !colon[1])) {
        snprintf(why, size,
                 "the port is missing; write host:port, [v6]:port or unix:/path");
        return NULL;
    }
    if (!brackets && memchr(text, ':', (size_t)(colon - text))) {
        snprintf(why, size, "an IPv6 address needs brackets, as [2001:db8::1]:443");
        return NULL;
    }
    parts->host = text + (brackets ? 1 : 0);
    parts->host_length = (size_t)((brackets ? bracket : colon) - parts->host);
    return (brackets ? bracket + 1 : colon) + 1;
}

int
address_parse(const char *text, struct address_parts *parts, char *why, size_t size)
{
    const char *port;
    bool literal;

    *parts = (struct address_parts){ 0 };
    if (strncmp(text, "unix:", 5) == 0)
        return address_parse_unix(text + 5, parts, why, size);
    port = address_split(text, parts, why, size);
    if (!port || address_parse_port(port, &parts->port, why, size) == -1)
        return -1;
    literal = address_literal(parts->host, parts->host_length, &parts->literal);
    if (literal && (*text == '[') == (parts->literal.any.sa_family == AF_INET6)) {
        address_set_port(&parts->literal, parts->port);
        parts->kind = ADDRESS_LITERAL;
        return 0;
    }
    parts->kind = ADDRESS_HOST;
    if (*text != '[' && address_is_name(parts->host, parts->host_length))
        return 0;
    snprintf(why, size, "\"%.*s\" is neither an address nor a host name",
             (int)(parts->host_length < 80 ? parts->host_length : 80), parts->host);
    return -1;
}

void
address_set_port(struct address *address, uint16_t port)
{
    if (address->any.sa_family == AF_INET6)
        address->v6.sin6_port = htons(port);
    else
        address->v4.sin_port = htons(port);
}

socklen_t
address_length(const struct address *address)
{
    return address->any.sa_family == AF_INET6 ? sizeof(address->v6) : sizeof(address->v4);
}

const char *
address_format(const struct address *address, bool port, char *text, size_t size)
{
    char host[INET6_ADDRSTRLEN] = "?";
    char scope[12] = "";

    if (address->any.sa_family == AF_INET) {
        inet_ntop(AF_INET, &address->v4.sin_addr, host, sizeof(host));
        if (port)
            snprintf(text, size, "%s:%u", host, ntohs(address->v4.sin_port));
        else
            snprintf(text, size, "%s", host);
        return text;
    }
    if (address->any.sa_family == AF_INET6)
        inet_ntop(AF_INET6, &address->v6.sin6_addr, host, sizeof(host));
    if (address->v6.sin6_scope_id)
        snprintf(scope, sizeof(scope), "%%%u", address->v6.sin6_scope_id);
    if (port)
        snprintf(text, size, "[%s%s]:%u", host, scope, ntohs(address->v6.sin6_port));
    else
        snprintf(text, size, "%s%s", host, scope);
    return text;
}

enum sonde_reason
address_reason(int error)
{
    switch (error) {
    case 0:
        return SONDE_OK;
    case ETIMEDOUT:
        return SONDE_L4TOUT;
    case EHOSTUNREACH:
    case ENETUNREACH:
    case EHOSTDOWN:
    case ENETDOWN:
    case ENONET:
    case ENOPROTOOPT: /* ICMP: protocol unreachable */
        return SONDE_L4UNR;
    case ECONNREFUSED:
    case ECONNRESET:
    case ECONNABORTED:
    case EPIPE:
    case ENOENT: /* no such unix socket, or no socket at all */
    case ENOTDIR:
    case ENOTSOCK:
    case EPROTOTYPE: /* a datagram socket */
    case EPROTO:
        return SONDE_L4CON;
    default: /* descriptors, memory, local ports, permission, families */
        return SONDE_OBSERVER;
    }
}

const char *
address_error(int error, char *text, size_t size)
{
    snprintf(text, size, "%s", strerror(error));
    /* Not an acronym, as in "RPC failed". */
    if (isupper((unsigned char)text[0]) && !isupper((unsigned char)text[1]))
        text[0] = (char)tolower((unsigned char)text[0]);
    return text;
}
