/* SPDX-License-Identifier: Apache-2.0
 *
 * redis_tls.h - TLS under a connection to Redis, where hiredis has it (1.0 or
 * newer, with hiredis_ssl): for redis.c and redis_link.c only.
 */
#ifndef PLUGINS_COMMON_REDIS_TLS_H
#define PLUGINS_COMMON_REDIS_TLS_H

#include "redis.h"

/* Checks the options; sonde_fail's answer, or 0.  named: the server has a host. */
int redis_tls_open(struct sonde_instance *self, bool named);
/* The handshake.  host: whose certificate is expected, unless sni says.  NULL, or why
 * not. */
const char *redis_tls_begin(struct redis *redis, const char *host);

#endif
