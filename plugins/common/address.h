/* SPDX-License-Identifier: Apache-2.0
 *
 * address.h - where something listens, as options write it: host:port,
 * [v6]:port, unix:/path; and what a failed connect means.
 *
 * Pure: nothing here resolves a name (resolve.h) or opens a socket.
 */
#ifndef PLUGIN_ADDRESS_H
#define PLUGIN_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include <sonde/plugin.h>

/* Room for address_format with a port and a scope, and for address_error. */
enum { ADDRESS_TEXT = 80, ADDRESS_NAME_MAX = 253 };

/* An IPv4 or IPv6 address and its port; any.sa_family 0 is none. */
struct address {
    union {
        struct sockaddr any;
        struct sockaddr_in v4;
        struct sockaddr_in6 v6;
    };
};

/* What `ip = ...` allows; in the order of address_families. */
enum address_family { ADDRESS_ANY, ADDRESS_V4, ADDRESS_V6 };
extern const char *const address_families[]; /* "any", "4", "6", NULL */

enum address_kind { ADDRESS_LITERAL, ADDRESS_HOST, ADDRESS_UNIX };

/* An option's text, taken apart.  host points into it and has no NUL. */
struct address_parts {
    enum address_kind kind;
    struct address literal; /* with the port */
    const char *host;       /* the name, or the path */
    size_t host_length;
    uint16_t port;
};

/* -1 with a sentence in why. */
int address_parse(const char *text, struct address_parts *parts, char *why, size_t size);
/* Whether a host is an address and no name: no port, no brackets; a scope
 * (fe80::1%eth0) is allowed. */
bool address_literal(const char *host, size_t length, struct address *address);
/* Whether a host can be a name in the DNS. */
bool address_is_name(const char *host, size_t length);
bool address_allowed(const struct address *address, enum address_family family);

void address_set_port(struct address *address, uint16_t port);
socklen_t address_length(const struct address *address);
/* "192.0.2.1:22" or "192.0.2.1"; IPv6 has brackets where there is a port. */
const char *address_format(const struct address *address, bool port, char *text,
                           size_t size);

/* What the errno of socket, bind or connect says.  What is our own fault
 * (descriptors, memory, ports, permission) is SONDE_OBSERVER. */
enum sonde_reason address_reason(int error);
/* strerror that fits into a sentence: "connection refused". */
const char *address_error(int error, char *text, size_t size);

#endif
