/* SPDX-License-Identifier: Apache-2.0
 *
 * target.c - a small server to be checked: the demo's and the tests' own.
 *
 * It listens on 127.0.0.1, answers every HTTP request with 200 and "ok",
 * /status/NNN with that status, and closes.  It serves one client after the other,
 * each for at most a second; it is no server for anything else.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

struct target {
    const char *name, *pidfile, *portfile;
    int port, listener;
};

static void
die(const char *what)
{
    fprintf(stderr, "target: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void
write_number(const char *path, long number)
{
    FILE *file;

    if (!path)
        return;
    file = fopen(path, "we");
    if (!file || fprintf(file, "%ld\n", number) < 0 || fclose(file) == EOF)
        die(path);
}

static void
target_listen(struct target *target)
{
    struct sockaddr_in at = { .sin_family = AF_INET,
                              .sin_port = htons((uint16_t)target->port),
                              .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
    socklen_t size = sizeof(at);
    int yes = 1;

    target->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (target->listener == -1
        || setsockopt(target->listener, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof(yes)) == -1
        || bind(target->listener, (const struct sockaddr *)&at, sizeof(at)) == -1
        || listen(target->listener, 64) == -1
        || getsockname(target->listener, (struct sockaddr *)&at, &size) == -1)
        die("listen");
    target->port = ntohs(at.sin_port);
}

/* The request line, as far as it comes within a second. */
static void
target_read(int client, char *request, size_t size)
{
    struct pollfd ready = { .fd = client, .events = POLLIN };
    size_t length = 0;

    while (length < size - 1 && poll(&ready, 1, 1000) == 1) {
        ssize_t got = recv(client, request + length, size - 1 - length, 0);

        if (got <= 0)
            break;
        length += (size_t)got;
        request[length] = '\0';
        if (strstr(request, "\r\n\r\n"))
            break;
    }
    request[length] = '\0';
}

static void
target_answer(int client)
{
    char request[4096], answer[256];
    int status = 200, length;

    target_read(client, request, sizeof(request));
    if (!*request)
        return; /* a TCP check: it only connects */
    if (sscanf(request, "%*s /status/%d", &status) != 1 || status < 200 || status > 599)
        status = 200;
    length =
        snprintf(answer, sizeof(answer),
                 "HTTP/1.1 %d %s\r\nContent-Type: text/plain\r\nContent-Length: 3\r\n"
                 "Connection: close\r\n\r\nok\n",
                 status, status == 200 ? "OK" : "As Asked");
    if (send(client, answer, (size_t)length, MSG_NOSIGNAL) == -1)
        return; /* the client has gone: its business */
    shutdown(client, SHUT_WR);
    target_read(client, request, sizeof(request));
}

static void
target_arguments(struct target *target, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "n:p:f:P:")) != -1) {
        switch (option) {
        case 'n':
            target->name = optarg;
            break;
        case 'p':
            target->port = atoi(optarg);
            break;
        case 'f':
            target->pidfile = optarg;
            break;
        case 'P':
            target->portfile = optarg;
            break;
        default:
            fprintf(stderr,
                    "usage: target [-n NAME] [-p PORT] [-f PIDFILE] [-P PORTFILE]\n");
            exit(2);
        }
    }
}

int
main(int argc, char **argv)
{
    struct target target = { .name = "target" };

    target_arguments(&target, argc, argv);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_NAME, target.name);
    target_listen(&target);
    write_number(target.portfile, target.port);
    write_number(target.pidfile, getpid());
    for (;;) {
        int client = accept4(target.listener, NULL, NULL, SOCK_CLOEXEC);

        if (client == -1)
            continue;
        target_answer(client);
        close(client);
    }
}
