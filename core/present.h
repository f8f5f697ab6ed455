/* SPDX-License-Identifier: Apache-2.0
 *
 * present.h - tells a sink the last change of every check that its routes reach:
 * after each connect, after anything was dropped, and after a reload.
 */
#ifndef CORE_PRESENT_H
#define CORE_PRESENT_H

#include "engine.h"

/* A sink and its walks over the checks of each loop. */
struct presents;

/* The sink, not yet prepared, asks by itself from now on; and tells its health to the
 * daemon's own check.  It is sink->arg. */
struct presents *presents_new(struct sink *sink, struct engine *engine);
/* Any thread.  Begins anew where a walk is under way.  Goes on as the sink's queue has
 * room, so that it pushes nothing out. */
void presents_ask(struct presents *presents);
/* Posts to the loops that no walk goes on.  Nobody asks any more. */
void presents_stop(struct presents *presents);
void presents_free(struct presents *presents); /* the loops have done that, or ended */

#endif
