/* SPDX-License-Identifier: Apache-2.0
 *
 * watch.h - the processes that a check knows, each held by a pidfd, so that a death
 * is seen when it happens and a pid given to another process is not mistaken.
 *
 * A process that died stays in the set, so that the next run can say how it ended,
 * until watch_bury.
 */
#ifndef PROBE_PROCESS_WATCH_H
#define PROBE_PROCESS_WATCH_H

#include "scan.h"

enum { WATCH_MOST = 1024 }; /* living ones in a set */

enum watch_ending { WATCH_GONE, WATCH_EXITED, WATCH_KILLED };

struct watched {
    struct watched *next;
    struct watch_set *set;
    pid_t pid;
    uint64_t start; /* as in struct pidstat */
    char name[PIDSTAT_NAME];
    int64_t died; /* sonde_now when we saw it; 0 = it lives */
    bool wanted;  /* by the round under way */
    enum watch_ending ending;
    int code; /* exit status or signal */
    int fd;   /* -1: not needed any more */
    struct sonde_watch *watch;
};

struct watch_set {
    struct watched *first; /* by ascending pid */
    struct watched **at;   /* where the round under way stands */
    size_t living, dead;
    uint64_t taken, ended; /* how many were ever added, and died */
    struct scan *scan;
    sonde_call_fn *died; /* called on the loop when one has died */
};

/* A round says anew which processes the set is to hold: begin, one add for each in
 * ascending order, end.  add answers 0; ESRCH when it died or became another process
 * since it was listed; EOVERFLOW when the set is full; another errno (EMFILE).  end lets
 * go of the living that were not added, unless the round broke off. */
void watch_begin(struct watch_set *set);
int watch_add(struct watch_set *set, struct sonde_instance *self,
              const struct pidstat *stat);
void watch_end(struct watch_set *set, bool whole);
/* Whether it is among the dead. */
bool watch_saw_die(const struct watch_set *set, pid_t pid, uint64_t start);
/* Whether it is among the living. */
bool watch_holds(const struct watch_set *set, const struct pidstat *stat);

/* The first dead one; NULL if all live. */
struct watched *watch_first_dead(const struct watch_set *set);
/* How many died less than delay (nanoseconds) ago.  next is when the first of them will
 * have been dead so long (INT64_MAX: none), passed when the last of the others had (0:
 * none). */
size_t watch_pending(const struct watch_set *set, int64_t delay, int64_t *next,
                     int64_t *passed);
/* `pid 7 (nginx) was killed by signal 9 (SIGKILL)`. */
void watch_describe(struct watched *watched, char *text, size_t size);
void watch_bury(struct watch_set *set); /* forgets the dead */
void watch_clear(struct watch_set *set);

#endif
