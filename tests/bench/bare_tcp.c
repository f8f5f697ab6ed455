/* SPDX-License-Identifier: Apache-2.0
 *
 * bare_tcp.c - the limit of the tcp check: connect and close on epoll, nothing else.
 *
 *   bare_tcp full|half CPU COUNT IN_FLIGHT PORT
 *
 * half holds the last packet of the handshake back (TCP_QUICKACK off), as the check's
 * handshake = "half" does.
 */
#include "bare.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/epoll.h>

enum { ADDRESSES = 16, EVENTS = 256 };

static bool half;
static int epoll;
static long begun, failed;
static struct sockaddr_in addresses[ADDRESSES];

/* False: it failed at once. */
static bool
begin(void)
{
    static const struct linger reset = { .l_onoff = 1 };
    static const int off = 0;
    const struct sockaddr_in *to = &addresses[begun++ % ADDRESSES];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    struct epoll_event event = { .events = EPOLLOUT | EPOLLONESHOT, .data.fd = fd };

    if (fd == -1)
        bare_die("socket");
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &reset, sizeof(reset));
    if (half)
        setsockopt(fd, IPPROTO_TCP, TCP_QUICKACK, &off, sizeof(off));
    if (connect(fd, (const struct sockaddr *)to, sizeof(*to)) == -1
        && errno != EINPROGRESS) {
        failed++;
        close(fd);
        return false;
    }
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) == -1)
        bare_die("epoll_ctl");
    return true;
}

static void
end(int fd)
{
    int error = 0;
    socklen_t length = sizeof(error);

    getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
    failed += error != 0;
    close(fd);
}

int
main(int argc, char **argv)
{
    struct epoll_event events[EVENTS];
    long count, done = 0, out = 0, most;
    struct bare_mark mark;

    if (argc != 6) {
        fprintf(stderr, "usage: bare_tcp full|half CPU COUNT IN_FLIGHT PORT\n");
        return 2;
    }
    half = strcmp(argv[1], "half") == 0;
    bare_pin(atoi(argv[2]));
    count = atol(argv[3]);
    most = atol(argv[4]);
    for (int i = 0; i < ADDRESSES; i++)
        addresses[i] = bare_address(i, atoi(argv[5]));
    epoll = epoll_create1(EPOLL_CLOEXEC);
    mark = bare_mark();
    while (done < count) {
        int ready;

        while (out < most && begun < count)
            if (begin())
                out++;
            else
                done++;
        ready = epoll_wait(epoll, events, EVENTS, 1000);
        for (int i = 0; i < ready; i++, out--, done++)
            end(events[i].data.fd);
    }
    bare_report(count, mark);
    if (failed)
        fprintf(stderr, "%ld failed\n", failed);
    return failed != 0;
}
