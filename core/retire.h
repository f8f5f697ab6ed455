/* SPDX-License-Identifier: Apache-2.0
 *
 * retire.h - what a reload has taken out of the graph and is not gone yet: sinks that
 * drain, or hand their queue to an heir, checks whose run is stuck on a worker, and
 * sources that are told the rest.
 *
 * All of it on the main thread; nothing here waits.  The graph that runs knows nothing
 * of it.
 */
#ifndef CORE_RETIRE_H
#define CORE_RETIRE_H

#include "engine.h"
#include "present.h"
#include "source.h"

#define RETIRE_DEADLINE (10 * CLOCK_SECOND) /* for what waits for a removed sink */

struct retired {
    struct engine *engine;
    struct list sinks, checks, sources;
    size_t heirs; /* sinks that wait for the queue of another, sources for its end */
    bool ending;
    struct timer timer;
};

void retired_init(struct retired *retired, struct engine *engine);
/* The sink is in no path any more.  heir, or NULL: has its queue (sink_inherit), and is
 * started when the sink has let go of it. */
void retire_sink(struct retired *retired, struct sink *sink, struct sink *heir);
/* A sink that drains, of which heir is to have what is left; NULL: there is none. */
struct sink *retire_find(const struct retired *retired, const char *name);
void retire_hand_over(struct retired *retired, struct sink *sink, struct sink *heir);
/* Those that drain and send to the one send to the other now, or (NULL) to nobody. */
void retire_send_to(struct retired *retired, const struct sink *was, struct sink *now);
/* check_stop has left a run behind, on a worker. */
void retire_check(struct retired *retired, struct check *check);
/* The source was asked to leave (source_leave); heir, or NULL: of the same name, is
 * started when it has ended. */
void retire_source(struct retired *retired, struct source *source, struct source *heir);
/* Checks that are stopped, and those that never ran: closed now, freed when no loop can
 * know them any more.  Takes the array. */
void retire_checks(struct engine *engine, struct check **checks, size_t count);
/* Closed, to be freed likewise; its queue too. */
void retire_free_sink(struct engine *engine, struct sink *sink);

/* The daemon ends: what drains has until then at most. */
void retire_hasten(struct retired *retired, int64_t deadline);
bool retire_settled(const struct retired *retired); /* nothing drains or hands over */
/* The loops have ended: what is not stuck is gone now.  Whether that was all. */
bool retire_finish(struct retired *retired);
void retire_log_stuck(const struct retired *retired);

#endif
