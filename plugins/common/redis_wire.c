/* SPDX-License-Identifier: Apache-2.0
 *
 * redis_wire.c - commands out and answers in, as bytes.
 *
 * hiredis would format each argument with a small printf into a string of its
 * own and build each answer as a tree of allocations; both cost more than all
 * else that a sink does.  A batch is written into one buffer here, and answers
 * are decoded into one record, through the hooks that hiredis has for it.
 */
#include "redis_wire.h"

#include <stdlib.h>
#include <string.h>

enum { WIRE_START = 65536, WIRE_KEEP = 1 << 20, WIRE_DIGITS = 24 };

/* ---- commands ---- */

static bool
redis_wire_room(struct redis *redis, size_t more)
{
    size_t room = redis->out_room ? redis->out_room : WIRE_START;

    while (room - redis->out_length < more)
        room *= 2;
    if (room == redis->out_room)
        return true;
    char *out = realloc(redis->out, room);
    if (!out)
        return false;
    redis->out = out;
    redis->out_room = room;
    return true;
}

/* "$17\r\n" */
static char *
redis_wire_number(char *at, char sign, size_t number)
{
    char *end = at + 2;

    for (size_t rest = number; rest >= 10; rest /= 10)
        end++;
    *at = sign;
    for (char *digit = end; --digit > at; number /= 10)
        *digit = (char)('0' + number % 10);
    memcpy(end, "\r\n", 2);
    return end + 2;
}

void
redis_append(struct redis *redis, int argc, const char **argv, const size_t *length)
{
    size_t most = WIRE_DIGITS + 3;

    for (int i = 0; i < argc; i++)
        most += length[i] + WIRE_DIGITS + 5;
    if (!redis_wire_room(redis, most))
        abort();

    char *at = redis_wire_number(redis->out + redis->out_length, '*', (size_t)argc);
    for (int i = 0; i < argc; i++) {
        at = redis_wire_number(at, '$', length[i]);
        memcpy(at, argv[i], length[i]);
        memcpy(at + length[i], "\r\n", 2);
        at += length[i] + 2;
    }
    redis->out_length = (size_t)(at - redis->out);
}

void
redis_wire_clear(struct redis *redis)
{
    free(redis->out);
    redis->out = NULL;
    redis->out_length = redis->out_room = 0;
}

void
redis_wire_sent(struct redis *redis)
{
    redis->out_length = 0;
    if (redis->out_room > WIRE_KEEP)
        redis_wire_clear(redis);
}

/* ---- answers ---- */

static void *
redis_wire_text(const redisReadTask *task, char *text, size_t length)
{
    struct redis_answer *answer = task->privdata;

    if (length > sizeof(answer->text) - 1)
        length = sizeof(answer->text) - 1;
    memcpy(answer->text, text, length);
    answer->text[length] = '\0';
    answer->type = task->type;
    return answer;
}

static void *
redis_wire_integer(const redisReadTask *task, long long value)
{
    struct redis_answer *answer = task->privdata;

    answer->type = REDIS_REPLY_INTEGER;
    answer->integer = value;
    return answer;
}

static void *
redis_wire_nil(const redisReadTask *task)
{
    struct redis_answer *answer = task->privdata;

    answer->type = REDIS_REPLY_NIL;
    return answer;
}

/* No command of ours is answered by an array: the reader gives up at its first
 * byte instead of building it. */
static void *
#if HIREDIS_MAJOR >= 1
redis_wire_array(const redisReadTask *task, size_t count)
#else
redis_wire_array(const redisReadTask *task, int count)
#endif
{
    (void)task;
    (void)count;
    return NULL;
}

redisReplyObjectFunctions redis_wire_decoder = {
    .createString = redis_wire_text,
    .createArray = redis_wire_array,
    .createInteger = redis_wire_integer,
    .createNil = redis_wire_nil,
};
