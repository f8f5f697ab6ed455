/* SPDX-License-Identifier: Apache-2.0
 *
 * bare_redis.c - the limit of the Redis sinks: PUBLISH, pipelined, by plain hiredis or
 * by bytes written by hand.
 *
 *   bare_redis hiredis|raw CPU COUNT DEPTH PORT MESSAGE-FILE
 *
 * The message is the file's content, the same bytes that the daemon publishes.
 */
#include "bare.h"

#include <hiredis/hiredis.h>

static char message[65536];
static size_t length;

static void
with_hiredis(int port, long count, long depth)
{
    redisContext *context = redisConnect("127.0.0.1", port);
    const char *argv[] = { "PUBLISH", "bench", message };
    size_t lengths[] = { 7, 5, length };
    struct bare_mark mark;

    if (!context || context->err)
        bare_die("connect");
    mark = bare_mark();
    for (long done = 0; done < count; done += depth) {
        for (long i = 0; i < depth; i++)
            redisAppendCommandArgv(context, 3, argv, lengths);
        for (long i = 0; i < depth; i++) {
            redisReply *reply = NULL;

            if (redisGetReply(context, (void **)&reply) != REDIS_OK
                || reply->type != REDIS_REPLY_INTEGER)
                bare_die("PUBLISH");
            freeReplyObject(reply);
        }
    }
    bare_report(count, mark);
}

static void
write_all(int fd, const char *bytes, size_t size)
{
    while (size) {
        ssize_t n = send(fd, bytes, size, 0);

        if (n <= 0)
            bare_die("send");
        bytes += n;
        size -= (size_t)n;
    }
}

/* Each answer is one line. */
static void
read_lines(int fd, long lines)
{
    char in[65536];

    while (lines) {
        ssize_t n = recv(fd, in, sizeof(in), 0);
        const char *at = in, *end = in + n;

        if (n <= 0 || *in == '-')
            bare_die("recv");
        while (at < end && (at = memchr(at, '\n', (size_t)(end - at)))) {
            lines--;
            at++;
        }
    }
}

static void
by_hand(int port, long count, long depth)
{
    struct sockaddr_in address = bare_address(0, port);
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;
    char *out = malloc((size_t)depth * (length + 64));
    struct bare_mark mark;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (!out || connect(fd, (const struct sockaddr *)&address, sizeof(address)) == -1)
        bare_die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    mark = bare_mark();
    for (long done = 0; done < count; done += depth) {
        char *at = out;

        for (long i = 0; i < depth; i++) {
            at += sprintf(at, "*3\r\n$7\r\nPUBLISH\r\n$5\r\nbench\r\n$%zu\r\n", length);
            memcpy(at, message, length);
            at += length;
            memcpy(at, "\r\n", 2);
            at += 2;
        }
        write_all(fd, out, (size_t)(at - out));
        read_lines(fd, depth);
    }
    bare_report(count, mark);
}

int
main(int argc, char **argv)
{
    FILE *file;

    if (argc != 7) {
        fprintf(stderr,
                "usage: bare_redis hiredis|raw CPU COUNT DEPTH PORT MESSAGE-FILE\n");
        return 2;
    }
    bare_pin(atoi(argv[2]));
    file = fopen(argv[6], "r");
    if (!file)
        bare_die(argv[6]);
    length = fread(message, 1, sizeof(message), file);
    fclose(file);
    (strcmp(argv[1], "raw") == 0 ? by_hand : with_hiredis)(atoi(argv[5]), atol(argv[3]),
                                                           atol(argv[4]));
    return 0;
}
