/* SPDX-License-Identifier: Apache-2.0
 *
 * news.h - what the kernel tells of processes (connector.c), paced: each is noted at
 * once, so that nothing old is believed of it, and told a few hundredths of a second
 * later, together with others, in a bounded share of the loop's time.
 */
#ifndef PROBE_PROCESS_NEWS_H
#define PROBE_PROCESS_NEWS_H

#include "sonde/plugin.h"

#include <sys/types.h>

enum { NEWS_MOST = 1024 };

/* A process is new, or another program, or of another name or user; 0: any might be. */
typedef void news_fn(void *arg, pid_t pid);

struct news {
    struct sonde_instance *self; /* the first four are the owner's */
    news_fn *note, *tell;
    void *arg;

    int fd; /* the connector's, -1 while there is none */
    bool refused;
    struct sonde_watch *watch;
    struct sonde_timer *tick, *leave;
    int64_t pause;         /* ms from the first of the news to the tick that tells them */
    int64_t heard, lost;   /* sonde_now: all since then was noted; some were lost */
    bool missed;           /* some are not among pids */
    bool ticking;          /* tick is armed, and the watch wants nothing */
    pid_t pids[NEWS_MOST]; /* to be told, from at on */
    size_t at, count;
};

void news_init(struct news *news);
void news_deinit(struct news *news);

/* Joins where the kernel lets us, says once where it does not. */
void news_join(struct news *news);
void news_leave(struct news *news); /* after a while */

/* Notes what waits.  Since when every change was noted; INT64_MAX: none is. */
int64_t news_heard(struct news *news);

#endif
