/* SPDX-License-Identifier: Apache-2.0
 *
 * detect.c - from a death to those who wait for news of it.
 *
 *   detect pidfd COUNT                     a process dies, a pidfd is ready: the limit
 *   detect publish COUNT PORT              PUBLISH to a Redis subscriber: the limit
 *   detect daemon COUNT PORT PIDFILE       a process dies; the daemon, which watches
 *                                          PIDFILE, publishes "STATE DETECTED" on the
 *                                          channel bench
 *
 * Prints "p50 p99" in microseconds; daemon prints two lines: to the event made, and to
 * the subscriber.  A millisecond of rest before each sample: all sides sleep.
 */
#include "bare.h"

#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

static int64_t *samples[2];
static char heard[65536];

static int
compare(const void *a, const void *b)
{
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;

    return (x > y) - (x < y);
}

static void
print(int64_t *sample, int count)
{
    qsort(sample, (size_t)count, sizeof(*sample), compare);
    printf("%.1f %.1f\n", (double)sample[count / 2] / 1e3,
           (double)sample[(long)count * 99 / 100] / 1e3);
}

static int64_t
wall(void)
{
    struct timespec now;

    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static pid_t
child(void)
{
    pid_t pid = fork();

    if (pid == 0)
        for (;;)
            pause();
    return pid;
}

static void
by_pidfd(int count)
{
    for (int i = 0; i < count; i++) {
        pid_t pid = child();
        struct pollfd ready = { .fd = (int)syscall(SYS_pidfd_open, pid, 0),
                                .events = POLLIN };
        int64_t began;

        usleep(1000);
        began = bare_now();
        kill(pid, SIGKILL);
        poll(&ready, 1, 5000);
        samples[0][i] = bare_now() - began;
        close(ready.fd);
        waitpid(pid, NULL, 0);
    }
}

static int
redis(int port)
{
    struct sockaddr_in address = bare_address(0, port);
    int fd = socket(AF_INET, SOCK_STREAM, 0), on = 1;

    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (connect(fd, (const struct sockaddr *)&address, sizeof(address)) == -1)
        bare_die("connect");
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
}

/* The text of the next answer that has this in it; answers where that begins. */
static const char *
hear(int fd, const char *text)
{
    for (;;) {
        ssize_t n = recv(fd, heard, sizeof(heard) - 1, 0);
        const char *at;

        if (n <= 0)
            bare_die("recv");
        heard[n] = '\0';
        at = strstr(heard, text);
        if (at)
            return at;
    }
}

static int
subscribe(int port)
{
    static const char text[] = "*2\r\n$9\r\nSUBSCRIBE\r\n$5\r\nbench\r\n";
    int fd = redis(port);

    if (send(fd, text, sizeof(text) - 1, 0) < 0)
        bare_die("send");
    hear(fd, "subscribe");
    return fd;
}

static void
by_publish(int count, int port)
{
    static const char text[] = "*3\r\n$7\r\nPUBLISH\r\n$5\r\nbench\r\n$4\r\nDOWN\r\n";
    int from = redis(port), to = subscribe(port);

    for (int i = 0; i < count; i++) {
        int64_t began;

        usleep(1000);
        began = bare_now();
        if (send(from, text, sizeof(text) - 1, 0) < 0)
            bare_die("send");
        hear(to, "DOWN");
        samples[0][i] = bare_now() - began;
        hear(from, ":1");
    }
}

static void
tell_pid(const char *path, pid_t pid)
{
    char other[4096];
    FILE *file;

    snprintf(other, sizeof(other), "%s.new", path);
    file = fopen(other, "w");
    if (!file)
        bare_die(other);
    fprintf(file, "%d\n", (int)pid);
    fclose(file);
    if (rename(other, path) == -1)
        bare_die(path);
}

/* "2026-11-20T15:04:05.123456Z" */
static int64_t
parse(const char *text)
{
    struct tm tm = { 0 };
    const char *fraction = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);

    if (!fraction)
        bare_die(text);
    return (int64_t)timegm(&tm) * 1000000000 + (int64_t)(atof(fraction) * 1e9);
}

static void
by_daemon(int count, int port, const char *pidfile)
{
    int fd = subscribe(port);

    for (int i = 0; i < count; i++) {
        pid_t pid = child();
        int64_t began;
        const char *news;

        tell_pid(pidfile, pid);
        hear(fd, "UP ");
        usleep(1000);
        began = wall();
        kill(pid, SIGKILL);
        news = hear(fd, "DOWN ");
        samples[1][i] = wall() - began;
        samples[0][i] = parse(news + 5) - began;
        waitpid(pid, NULL, 0);
    }
}

int
main(int argc, char **argv)
{
    int count = argc > 2 ? atoi(argv[2]) : 0;

    if (count < 1) {
        fprintf(stderr, "usage: detect pidfd|publish|daemon COUNT [PORT [PIDFILE]]\n");
        return 2;
    }
    for (int i = 0; i < 2; i++)
        samples[i] = calloc((size_t)count, sizeof(**samples));
    if (argc == 5)
        by_daemon(count, atoi(argv[3]), argv[4]);
    else if (argc == 4)
        by_publish(count, atoi(argv[3]));
    else
        by_pidfd(count);
    print(samples[0], count);
    if (argc == 5)
        print(samples[1], count);
    return 0;
}
