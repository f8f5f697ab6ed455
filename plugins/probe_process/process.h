/* SPDX-License-Identifier: Apache-2.0
 *
 * process.h - what a process check keeps, and the two halves of a run: look.c finds
 * out, answer.c judges and says it.  In the order of a run:
 *
 *   process    options, the run, and what asks for one in between
 *   look       which processes there are: by pidfile, group, or the list of all
 *     pidfile  the number in a file
 *     group    the processes of a control group; unit: names of systemd units
 *     scan     what /proc says, shared by the checks of a loop
 *       roster   the list of all, read anew as far as needed
 *       news     the kernel's news of processes, paced; connector: the socket of it
 *       procfs   reads a file of a process; pidstat: the text of its stat
 *     match    whether a process is one that is meant
 *     watch    holds those that are, by pidfd, and sees them end
 *   restarts   how many ended and were replaced
 *   measure    what they use; family: who is added up, usage: what stat lacks
 *   answer     the state and its sentence; limits: judges the figures
 */
#ifndef PROBE_PROCESS_PROCESS_H
#define PROBE_PROCESS_PROCESS_H

#include "group.h"
#include "limits.h"
#include "match.h"
#include "measure.h"
#include "pidfile.h"
#include "restarts.h"
#include "watch.h"

enum { PROCESS_ENDING = 160, PROCESS_WHY = 400 };

#define PROCESS_MS INT64_C(1000000)

struct process {
    const char *pidfile, *comm, *exe, *cmdline, *user, *unit, *cgroup;
    int64_t min, max, terminate_delay, restarts_window;
    bool children;
    int id_change; /* enum limits_change */
    double cpu_warn, cpu_fail;
    int64_t rss_warn, rss_fail, pss_warn, pss_fail, threads_warn, threads_fail, fds_warn,
        fds_fail, uptime_warn, uptime_fail, restarts_warn, restarts_fail;

    struct match match;
    struct group group; /* of unit or cgroup */
    struct limits limits;
    struct scan *scan;
    struct watch_set watch;
    struct scan_follower follower; /* while too few run, or a max is set */
    struct sonde_timer *delay;     /* armed while a death is not judged yet */
    bool counting;                 /* each run looks: those that come are added up */
    bool whole;                    /* all that match are watched; none has died since */
    bool tiring;                   /* the last look met some on which cmdline gave up */
    bool enough;                   /* ran at the last answer, or may still come */
    char ending[PROCESS_ENDING];   /* how the last one ended, while there is no other */

    struct measure measure;
    struct figures figures; /* as last known */
    struct restarts restarts;

    struct pidfile file; /* as it was when its process was taken */
    uint64_t file_start;
};

/* What one look found. */
struct finding {
    size_t count;   /* alive and matching, watched or not */
    size_t zombies; /* would match */
    size_t barred;  /* we may not know whether they match */
    struct pidstat barred_first;
    struct match_effort effort; /* where cmdline took too long */
    bool full;                  /* more than can be watched */
    bool measured;              /* the figures are of this run */
    bool fault;                 /* our own; why says which */
    char why[PROCESS_WHY];      /* or why there is none */
};

/* Looks for the processes and watches them. */
void look_run(struct sonde_instance *self, struct finding *found);

/* Says what was found; the caller hands the event over. */
enum sonde_state answer_run(struct process *p, struct sonde_event *event,
                            struct finding *found);
/* Has a run asked for when the next delay is over; false: no death is within one. */
bool answer_wait(struct process *p);

#endif
