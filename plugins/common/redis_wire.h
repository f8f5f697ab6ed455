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

void redis_wire_sent(struct redis *redis);  /* what was appended is on its way */
void redis_wire_clear(struct redis *redis); /* forgets it, and frees */

#endif
