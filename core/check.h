/* SPDX-License-Identifier: Apache-2.0
 *
 * check.h - one question and its answers: runs the probe, keeps the deadline,
 * has the answer judged and sent on.
 *
 * A check lives on one loop for its whole life.  When it runs is scheduler.c's
 * business; what its answers mean is state.c's.
 */
#ifndef CORE_CHECK_H
#define CORE_CHECK_H

#include "instance.h"
#include "keep.h"
#include "loop.h"
#include "router.h"
#include "scheduler.h"
#include "worker.h"

struct check_options {
    const char *name, *plugin, *description;
    bool enabled, negate;
    int64_t interval, timeout, retry_interval, down_interval; /* ms; down 0 = interval */
    int64_t latency_warn, latency_fail;                       /* ms; 0 = none */
    int64_t rise, fall;
};
extern const struct sonde_option check_option_rows[];

/* What the checks of a loop share. */
struct check_home {
    struct loop *loop;
    struct workers *workers;
    struct loop_stats stats;
    atomic_ullong *seq;      /* the daemon's */
    struct keep *keep;       /* the daemon's; NULL while no answer is judged */
    struct check **checks;   /* of this loop */
    struct check_run *spare; /* ended, to be used again: as many as were out at once */
    size_t count, all;       /* of this loop; of the graph */

    /* Or NULL.  --once: each result goes here and nowhere else, and no check runs
     * again.  On the loop. */
    void (*on_result)(struct check *check, const struct sonde_event *result, void *arg);
    void *arg;
};

struct check {
    struct sonde_instance instance; /* first: check_of() */
    struct check_home *home;
    struct known *known; /* with the origin; in no table at first */
    const struct path *path;
    struct schedule schedule;
    struct timer timer; /* the next run */
    struct judge_rules rules;
    unsigned timeout;                    /* ms */
    unsigned latency_warn, latency_fail; /* ms; 0 = none */
    bool negate, stopped;                /* stopped: also before check_start */
    atomic_bool asking;                  /* a recheck is on its way to the loop */
    struct check_run *run;               /* the one that is out, or NULL */
    struct check_run *stuck; /* given up by us, not yet returned by its worker */
    struct check_rest *rest; /* after a start that failed; else NULL */
};

/* The options must be valid.  The instance's private struct is filled by the caller.
 * Takes over the reference of origin. */
void check_init(struct check *check, const struct plugin *plugin,
                const struct check_options *options, struct origin *origin);
void check_start(struct check *check); /* on its loop: the first run is due soon */
/* On its loop: takes the run back, stops the instance.  A run that is stuck on a worker
 * stays with it: check_stuck. */
void check_stop(struct check *check);
bool check_stuck(const struct check *check);
/* On its loop: goes on as it is, with the origin, path and rules of another that was made
 * for the same question and never started; which gets the old ones.  true: they differ. */
bool check_adopt(struct check *check, struct check *fresh);
/* On the loop of both, before check_start: goes on with state and phase of another, which
 * gets what this one began with. */
void check_inherit(struct check *check, struct check *was);
/* Stopped, or never started: closes the instance, beside the loops. */
void check_close(struct check *check);
void check_deinit(struct check *check);        /* closes it first, if nobody did */
void check_home_trim(struct check_home *home); /* on its loop, or when that has ended */
/* Tells a sink the last change again; on the check's loop. */
void check_present(const struct check *check, struct sink *sink);

#endif
