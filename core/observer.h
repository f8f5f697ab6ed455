/* SPDX-License-Identifier: Apache-2.0
 *
 * observer.h - the daemon as a check of its own, observer:<name>.
 *
 * A probe built into the daemon: it looks at its graph's sinks and loops, and is
 * asked at once when a sink's health changes.  DEGRADED while a sink is DOWN or a
 * loop lags; scheduled, judged and routed like any other check.
 */
#ifndef CORE_OBSERVER_H
#define CORE_OBSERVER_H

#include "plugin.h"

struct graph;

extern const struct plugin observer_plugin;

struct observer {
    struct graph *graph;
};

#endif
