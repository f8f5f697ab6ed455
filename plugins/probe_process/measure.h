/* SPDX-License-Identifier: Apache-2.0
 *
 * measure.h - what the processes of a check use, read once a run: sums over all of
 * them, and who has the largest share.
 *
 * Only what is asked for is read.  A process that ends meanwhile is left out.  What the
 * figures mean is for limits.c to say.
 */
#ifndef PROBE_PROCESS_MEASURE_H
#define PROBE_PROCESS_MEASURE_H

#include "usage.h"
#include "watch.h"

enum figure {
    FIGURE_CPU, /* percent of one core since the sample before */
    FIGURE_RSS, /* bytes */
    FIGURE_PSS, /* bytes */
    FIGURE_THREADS,
    FIGURE_FDS,
    FIGURE_UPTIME,   /* seconds, of the youngest that matched */
    FIGURE_RESTARTS, /* within the window; counted by restarts.c */
    FIGURES
};

enum { MEASURE_WHY = 200 };

struct figure_value {
    bool known;
    double value;   /* of all together */
    double largest; /* of the one below */
    pid_t pid;
    char name[PIDSTAT_NAME];
};

/* A process whose user or group is not what it was. */
struct figure_change {
    pid_t pid; /* 0: there is none */
    char name[PIDSTAT_NAME];
    struct usage_ids was, is;
};

struct figures {
    int64_t when; /* sonde_now; 0: never */
    size_t count; /* processes that the sums are made of */
    struct figure_value each[FIGURES];
    struct figure_change change;
    char fault[MEASURE_WHY]; /* why some cannot be known; "" for none */
};

struct measure {
    bool stat, pss, fds, ids, children; /* what is to be read, and of whom */

    struct sample *samples; /* by ascending pid */
    size_t count;
    int64_t at;        /* when they were taken, sonde_now; 0: never */
    uint64_t at_ticks; /* and in ticks after boot */
    struct figure_value cpu;
};

void measure_run(struct measure *measure, struct scan *scan,
                 const struct watch_set *watch, struct figures *figures);
/* Nothing is left to be measured; frees the samples. */
void measure_forget(struct measure *measure);

#endif
