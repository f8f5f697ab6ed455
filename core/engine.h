/* SPDX-License-Identifier: Apache-2.0
 *
 * engine.h - the threads that everything configured runs on.  Made once, at the start;
 * graphs come and go on them.
 *
 * Not here: what runs there (graph.c), and signals, which are the main loop's (daemon.c).
 */
#ifndef CORE_ENGINE_H
#define CORE_ENGINE_H

#include "check.h"

/* The section `daemon`.  All but log is read at the start only. */
struct engine_options {
    const char *observer, *state_dir;
    int64_t loops, workers;
    int log; /* enum sonde_level */
};

struct engine {
    struct engine_options options; /* as read at the start; the texts are the engine's */
    struct loop *main;             /* or NULL: nothing can come back (--once) */
    struct loop *delivery;         /* NULL before engine_init */
    struct workers *workers;
    struct check_home *homes; /* options.loops of them */
    struct keep *keep;        /* the daemon's; NULL where nothing is judged */
    struct check *observer;   /* the daemon's own; sinks ask it from their threads */
    atomic_ullong seq;
    struct loop **others; /* of sources, each its own; in no order */
    size_t other_count;
    size_t pending; /* engine_after that have not come back; the main thread's */
    bool started;
};

void engine_init(struct engine *engine, const struct engine_options *options);
void engine_start(struct engine *engine);
/* A loop that runs, and may know what a reload takes away; on the main thread.  Removed
 * before it ends. */
void engine_add_loop(struct engine *engine, struct loop *loop);
void engine_remove_loop(struct engine *engine, const struct loop *loop);
/* fn runs on the main loop once every loop has done all that was posted to it before;
 * at once where none runs. */
void engine_after(struct engine *engine, loop_fn *fn, void *arg);
/* After a reload: what loops keep for the next time belongs to checks that may be gone.
 */
void engine_trim(struct engine *engine);
/* Until the deadline (clock_now).  false: something is stuck in a plugin; *workers says
 * whether a worker is. */
bool engine_stop(struct engine *engine, int64_t deadline, bool *workers);
void engine_deinit(struct engine *engine); /* a zeroed one too */

#endif
