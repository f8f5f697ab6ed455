/* SPDX-License-Identifier: Apache-2.0
 *
 * loop.h - a thread's event loop: descriptors, timers, posts from other threads.
 *
 * The only file pair that knows epoll.  In a turn, posts come first, then
 * descriptors, then timers: what arrived in time is seen before its deadline.
 * The watches of a plugin (sonde_watch_*, sonde_timer_*, sonde_post) are here too.
 */
#ifndef CORE_LOOP_H
#define CORE_LOOP_H

#include "event.h"
#include "instance.h"
#include "timer.h"

#include <pthread.h>
#include <stdatomic.h>

typedef void loop_fn(void *arg);

struct loop;

/* name appears in logs and as the thread's name. */
struct loop *loop_new(const char *name);
void loop_free(struct loop *loop);  /* not running any more */
void loop_start(struct loop *loop); /* a thread of its own runs it */
void loop_run(struct loop *loop);   /* on the calling thread, until loop_quit */
void loop_quit(struct loop *loop);  /* any thread */
/* Waits for the thread to end until the deadline (clock_now); false: it is stuck. */
bool loop_join(struct loop *loop, int64_t deadline);
/* One turn, waiting at most ms; for tests and the last drain. */
void loop_turn(struct loop *loop, int ms);
bool loop_here(const struct loop *loop); /* are we on its thread */
const char *loop_name(const struct loop *loop);
struct event_pool *loop_pool(const struct loop *loop);

void loop_set(struct loop *loop, struct timer *timer, int64_t due); /* due: clock_now */
void loop_clear(struct loop *loop, struct timer *timer);
/* Any thread; calls come in the order posted.  Dropped, not called, once the
 * loop has ended. */
void loop_post(struct loop *loop, loop_fn *fn, void *arg);
/* Runs fn on the loop and waits for it until the deadline (clock_now); false: the loop is
 * stuck, and fn may still run.  On the loop itself calls it. */
bool loop_call(struct loop *loop, loop_fn *fn, void *arg, int64_t deadline);

/* The worst lag of a timer (ns) since the last call, which resets it.  Any thread. */
int64_t loop_worst_lag(struct loop *loop);

/* A descriptor for core's own use (signalfd); never freed before the loop. */
void loop_watch(struct loop *loop, int fd, loop_fn *fn, void *arg);

/* Frees what is kept for the next time, watches and events; on the loop. */
void loop_trim(struct loop *loop);

/* Takes back the watches, timers, posts of an instance. */
void loop_forget(struct loop *loop, struct sonde_instance *instance);
/* Ends what instances share on this loop (sonde_shared); on the loop. */
void loop_unshare(struct loop *loop);

#endif
