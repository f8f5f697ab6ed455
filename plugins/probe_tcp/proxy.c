/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy.c - the header of the PROXY protocol.  See proxy.h.
 */
#include "proxy.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

static size_t
proxy_text(char *header, const struct address *from, const struct address *to)
{
    char source[INET6_ADDRSTRLEN], target[INET6_ADDRSTRLEN];
    int family = from->any.sa_family, length;

    if (family == AF_INET) {
        inet_ntop(family, &from->v4.sin_addr, source, sizeof(source));
        inet_ntop(family, &to->v4.sin_addr, target, sizeof(target));
    } else if (family == AF_INET6) {
        inet_ntop(family, &from->v6.sin6_addr, source, sizeof(source));
        inet_ntop(family, &to->v6.sin6_addr, target, sizeof(target));
    } else {
        return (size_t)snprintf(header, PROXY_MOST, "PROXY UNKNOWN\r\n");
    }
    /* The ports stand at the same place in both kinds of address. */
    length = snprintf(header, PROXY_MOST, "PROXY %s %s %s %u %u\r\n",
                      family == AF_INET ? "TCP4" : "TCP6", source, target,
                      ntohs(from->v4.sin_port), ntohs(to->v4.sin_port));
    return (size_t)length;
}

static size_t
proxy_binary(char *header, const struct address *from, const struct address *to)
{
    static const char signature[12] = "\r\n\r\n\0\r\nQUIT\n";
    int family = from->any.sa_family;
    size_t size = family == AF_INET ? 4 : family == AF_INET6 ? 16 : 0;
    char *at = header + 16;

    memcpy(header, signature, sizeof(signature));
    header[12] = size ? 0x21 : 0x20; /* version 2; PROXY or LOCAL */
    header[13] = size == 4 ? 0x11 : size ? 0x21 : 0;
    header[14] = 0;
    header[15] = (char)(size ? 2 * size + 4 : 0);
    if (!size)
        return 16;
    memcpy(at, size == 4 ? (const void *)&from->v4.sin_addr : &from->v6.sin6_addr, size);
    memcpy(at + size, size == 4 ? (const void *)&to->v4.sin_addr : &to->v6.sin6_addr,
           size);
    memcpy(at + 2 * size, &from->v4.sin_port, 2);
    memcpy(at + 2 * size + 2, &to->v4.sin_port, 2);
    return 16 + 2 * size + 4;
}

size_t
proxy_header(char header[PROXY_MOST], int version, const struct address *from,
             const struct address *to)
{
    return version == 1 ? proxy_text(header, from, to) : proxy_binary(header, from, to);
}
