/* SPDX-License-Identifier: Apache-2.0
 *
 * detect.c - from a death to those who wait for news of it.
 *
 *   detect COUNT PORT PIDFILE CPU OTHER
 *
 * A process dies on the processor OTHER, where Redis (PORT) and this one run as well.
 * Who notices runs on CPU: a bare loop, which holds a pidfd and publishes, and a daemon,
 * which watches PIDFILE and publishes "STATE DETECTED", both on the channel bench.  They
 * take turns, so that whatever else the machine does meets both.
 *
 * Prints "p50 p99" in microseconds: until the bare loop sees it, until the daemon has
 * made its event; until the subscriber has it from the bare loop, and from the daemon.
 * A millisecond of rest before each sample: all sides sleep.
 *
 * A virtual machine's host that takes the processors stalls whoever waits, for tens of
 * milliseconds.  A round in which that is seen is made again.
 */
#include "bare.h"

#include <signal.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>

enum { SEEN_BARE, SEEN_DAEMON, TOLD_BARE, TOLD_DAEMON, KINDS };
enum { ROUNDS_MOST = 4 }; /* for each sample that is wanted, on average */
enum {
    OLD_US = 50 * 1000
}; /* how long those live that a daemon finds, on average: what
    * is dropped at the end has left the caches by then */

static int64_t *samples[KINDS];
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

/* ---- the bare loop ---- */

/* Until the process ends: when its pidfd was ready. */
static int64_t
watch(int epoll, pid_t pid, int told)
{
    struct epoll_event ready = { .events = EPOLLIN };
    int fd = (int)syscall(SYS_pidfd_open, pid, 0);
    int64_t now;

    if (fd == -1 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &ready) == -1)
        bare_die("pidfd");
    if (write(told, "", 1) != 1 || epoll_wait(epoll, &ready, 1, -1) != 1)
        bare_die("watch");
    now = wall();
    close(fd);
    return now;
}

static void
watch_and_publish(int from, int told, int port)
{
    int epoll = epoll_create1(0), fd = redis(port);
    pid_t pid;

    while (read(from, &pid, sizeof(pid)) == sizeof(pid)) {
        int64_t seen = watch(epoll, pid, told);
        char text[128], answer[64];
        int length =
            snprintf(text, sizeof(text),
                     "*3\r\n$7\r\nPUBLISH\r\n$5\r\nbench\r\n$24\r\nBARE %19lld\r\n",
                     (long long)seen);

        if (send(fd, text, (size_t)length, 0) < 0
            || recv(fd, answer, sizeof(answer), 0) <= 0)
            bare_die("PUBLISH");
    }
}

struct watcher {
    int to, from;
};

static struct watcher
start_watcher(int cpu, int port)
{
    int to[2], from[2];

    if (pipe(to) == -1 || pipe(from) == -1)
        bare_die("pipe");
    if (fork() == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        close(to[1]);
        bare_pin(cpu);
        watch_and_publish(to[0], from[1], port);
        _exit(0);
    }
    close(to[0]);
    return (struct watcher){ to[1], from[0] };
}

/* Ends a child after a rest; what the subscriber hears then, and how long after began. */
static const char *
end(pid_t pid, int fd, const char *word, int64_t *told, int64_t *began)
{
    const char *news;

    usleep(1000);
    *began = wall();
    kill(pid, SIGKILL);
    news = hear(fd, word);
    *told = wall() - *began;
    return news;
}

static void
by_pidfd(const struct watcher *watcher, int fd, int i)
{
    pid_t pid = child();
    char ready;
    int64_t began;
    const char *news;

    usleep(OLD_US);
    if (write(watcher->to, &pid, sizeof(pid)) != sizeof(pid)
        || read(watcher->from, &ready, 1) != 1)
        bare_die("watcher");
    news = end(pid, fd, "BARE ", &samples[TOLD_BARE][i], &began);
    samples[SEEN_BARE][i] = atoll(news + 5) - began;
    waitpid(pid, NULL, 0);
}

/* ---- the daemon ---- */

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
by_daemon(const char *pidfile, int fd, int i)
{
    pid_t pid = child();
    int64_t began;
    const char *news;

    tell_pid(pidfile, pid);
    hear(fd, "UP ");
    news = end(pid, fd, "DOWN ", &samples[TOLD_DAEMON][i], &began);
    samples[SEEN_DAEMON][i] = parse(news + 5) - began;
    waitpid(pid, NULL, 0);
}

/* ---- rounds ---- */

/* Hundredths of a second that the host took from the machine since it started. */
static long long
stolen(void)
{
    FILE *file = fopen("/proc/stat", "r");
    long long ticks = 0;

    if (!file || fscanf(file, "cpu %*d %*d %*d %*d %*d %*d %*d %lld", &ticks) != 1)
        bare_die("/proc/stat");
    fclose(file);
    return ticks;
}

static void
measure(int count, int fd, const struct watcher *watcher, const char *pidfile)
{
    int again = 0;

    for (int i = 0; i < count;) {
        long long before = stolen();

        by_pidfd(watcher, fd, i);
        by_daemon(pidfile, fd, i);
        if (stolen() == before || again >= count * (ROUNDS_MOST - 1))
            i++;
        else
            again++;
    }
    if (again)
        fprintf(stderr, "# %d rounds of %d were stolen from%s\n", again, count + again,
                again < count * (ROUNDS_MOST - 1) ? "" : ", and some that count");
}

int
main(int argc, char **argv)
{
    int count = argc == 6 ? atoi(argv[1]) : 0, fd;
    struct watcher watcher;

    if (count < 1) {
        fprintf(stderr, "usage: detect COUNT PORT PIDFILE CPU OTHER\n");
        return 2;
    }
    for (int i = 0; i < KINDS; i++)
        samples[i] = calloc((size_t)count, sizeof(**samples));
    watcher = start_watcher(atoi(argv[4]), atoi(argv[2]));
    bare_pin(atoi(argv[5]));
    fd = subscribe(atoi(argv[2]));
    measure(count, fd, &watcher, argv[3]);
    for (int i = 0; i < KINDS; i++)
        print(samples[i], count);
    return 0;
}
