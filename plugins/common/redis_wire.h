/* SPDX-License-Identifier: Apache-2.0
 *
 * redis_wire.h - what is said to a Redis server and what it answers, as bytes:
 * for redis_link.c only.  redis_append (redis.h) is the way in.
 */
#ifndef PLUGINS_COMMON_REDIS_WIRE_H
#define PLUGINS_COMMON_REDIS_WIRE_H

#include "redis.h"

/* Writes into the struct redis_answer that is the reader's privdata. */
extern redisReplyObjectFunctions redis_wire_decoder;

/* Hands what was appended to hiredis; -1: it has no memory. */
int redis_wire_flush(struct redis *redis);
void redis_wire_clear(struct redis *redis); /* forgets it, and frees */

#endif
