/* SPDX-License-Identifier: Apache-2.0
 *
 * proxy.h - the header that the PROXY protocol puts before a connection's first byte.
 *
 * Pure: bytes only, as haproxy's proxy-protocol.txt has them.
 */
#ifndef PROBE_TCP_PROXY_H
#define PROBE_TCP_PROXY_H

#include "../common/address.h"

enum { PROXY_MOST = 128 };

/* The length of the header of version 1 or 2.  from, to: the addresses of the
 * connection's ends; of family 0 for what is none of TCP: "UNKNOWN" or LOCAL. */
size_t proxy_header(char header[PROXY_MOST], int version, const struct address *from,
                    const struct address *to);

#endif
