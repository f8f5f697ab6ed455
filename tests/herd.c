/* SPDX-License-Identifier: Apache-2.0
 *
 * herd.c - many processes for the tests: RATE a second for SECONDS, each of which lives
 * LIFE milliseconds and bears one of the names that a parser may stumble over; or, with
 * -k COUNT, so many that live until this one ends.
 *
 * It is bounded whatever its arguments: at most 10,000 live at a time.
 */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 10000 };

static const char *const names[] = {
    "herd",          "a) Z 1 1 (b", ")))))))))))))))",  "x\ny) R 0 (", "\x1b[2J\x1b[31m",
    "\xff\xfe\x80)", "(((",         "\xe2\x80\xae)) S",
};

static unsigned alive, next;

static void
herd_pause(long ms)
{
    struct timespec left = { ms / 1000, ms % 1000 * 1000000 };

    while (nanosleep(&left, &left) == -1 && errno == EINTR)
        ;
}

/* life: ms, or -1 for as long as the parent's. */
static void
herd_fork(long life)
{
    pid_t parent = getpid(), child = fork();

    if (child == -1) {
        perror("herd: fork");
        return;
    }
    if (child > 0) {
        alive++;
        next++;
        return;
    }
    prctl(PR_SET_NAME, names[next % (sizeof(names) / sizeof(*names))]);
    if (life < 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    while (life < 0 && getppid() == parent)
        pause();
    herd_pause(life > 0 ? life : 0);
    _exit(0);
}

static void
herd_collect(void)
{
    while (alive && waitpid(-1, NULL, WNOHANG) > 0)
        alive--;
}

/* In steps of 10 ms. */
static void
herd_run(long rate, long seconds, long life)
{
    long owed = 0;

    for (long step = 0; step < seconds * 100; step++) {
        for (owed += rate; owed >= 100; owed -= 100)
            if (alive < MOST)
                herd_fork(life);
        herd_pause(10);
        herd_collect();
    }
}

static void
herd_keep(long count)
{
    for (long i = 0; i < count && i < MOST; i++)
        herd_fork(-1);
    puts("ready");
    fflush(stdout);
    pause();
}

int
main(int argc, char **argv)
{
    long keep = 0, rate = 1000, seconds = 1, life = 50, *value;
    int option;

    while ((option = getopt(argc, argv, "k:r:s:l:")) != -1) {
        switch (option) {
        case 'k':
            value = &keep;
            break;
        case 'r':
            value = &rate;
            break;
        case 's':
            value = &seconds;
            break;
        case 'l':
            value = &life;
            break;
        default:
            return 2;
        }
        *value = strtol(optarg, NULL, 10);
    }
    if (keep > 0) {
        herd_keep(keep);
        return 0;
    }
    herd_run(rate, seconds, life);
    while (wait(NULL) > 0)
        ;
    printf("%u\n", next);
    return 0;
}
