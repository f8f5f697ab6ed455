/* SPDX-License-Identifier: Apache-2.0
 *
 * listener.c - accepts connections on 127.0.1.1 to 127.0.1.16 and keeps the last 4096
 * open, so that the prober is always the one who closes.
 *
 *   listener CPU PORT    ends with its standard input
 */
#include "bare.h"

#include <sys/epoll.h>

enum { ADDRESSES = 16, KEPT = 4096, EVENTS = 64 };

static int kept[KEPT];

static void
take(int listening)
{
    static unsigned long count;

    for (;;) {
        int fd = accept4(listening, NULL, NULL, SOCK_NONBLOCK), *slot;

        if (fd == -1)
            return;
        slot = &kept[count++ % KEPT];
        if (*slot)
            close(*slot);
        *slot = fd;
    }
}

int
main(int argc, char **argv)
{
    int epoll = epoll_create1(EPOLL_CLOEXEC), on = 1, ready;
    struct epoll_event events[EVENTS], event = { .events = EPOLLIN };

    if (argc != 3) {
        fprintf(stderr, "usage: listener CPU PORT\n");
        return 2;
    }
    bare_pin(atoi(argv[1]));
    for (int i = 0; i < ADDRESSES; i++) {
        struct sockaddr_in address = bare_address(i, atoi(argv[2]));
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);

        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
        if (bind(fd, (const struct sockaddr *)&address, sizeof(address)) == -1
            || listen(fd, 4096) == -1)
            bare_die("listen");
        event.data.fd = fd;
        epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
    event.data.fd = STDIN_FILENO;
    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &event);
    puts("ready");
    fflush(stdout);
    for (;;) {
        ready = epoll_wait(epoll, events, EVENTS, -1);
        for (int i = 0; i < ready; i++) {
            if (events[i].data.fd == STDIN_FILENO)
                return 0;
            take(events[i].data.fd);
        }
    }
}
