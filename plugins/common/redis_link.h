/* SPDX-License-Identifier: Apache-2.0
 *
 * redis_link.h - the connection under redis.h: for redis.c only.
 *
 * Functions that can fail return NULL, or why, in words that hold until the
 * next call.
 */
#ifndef PLUGINS_COMMON_REDIS_LINK_H
#define PLUGINS_COMMON_REDIS_LINK_H

#include "redis.h"

/* Connects, authenticates, selects, loads the script; nothing is open on failure. */
const char *redis_link_connect(struct redis *redis);
void redis_link_drop(struct redis *redis);
/* Sends what was appended and reads the next answer into redis->answer. */
const char *redis_link_read(struct redis *redis);
/* While no answer is due: has the server hung up?  One system call. */
const char *redis_link_check(struct redis *redis);
const char *redis_link_ping(struct redis *redis);
void redis_link_cancel(struct redis *redis); /* any thread */
void redis_link_allow(struct redis *redis);  /* forgets an earlier cancel */
const char *redis_link_why(struct redis *redis, const char *format, ...) SONDE_PRINTF(2);

#endif
