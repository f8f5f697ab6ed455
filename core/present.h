/* SPDX-License-Identifier: Apache-2.0
 *
 * present.h - tells a sink the last change of every check that its routes reach:
 * after each connect, and after anything was dropped.
 */
#ifndef CORE_PRESENT_H
#define CORE_PRESENT_H

#include "check.h"

/* The walk over one loop's checks for one sink; embedded, one for each pair. */
struct present {
    struct check_home *home;
    struct sink *sink;
    struct timer timer;
    size_t at;
    atomic_bool asked;
};

void present_init(struct present *present, struct check_home *home, struct sink *sink);
/* Any thread.  Begins anew where a walk is under way.  Goes on as the sink's queue has
 * room, so that it pushes nothing out. */
void present_ask(struct present *present);
void present_stop(struct present *present); /* on the loop */

#endif
