/* SPDX-License-Identifier: Apache-2.0
 *
 * preview.h - what a configuration will do, for `sonded --check`.
 */
#ifndef CORE_PREVIEW_H
#define CORE_PREVIEW_H

#include "graph.h"

#include <stdio.h>

/* Which checks reach which sinks by which routes, how soon each check finds a failure at
 * worst, the load, and what a crash could lose. */
void preview_print(const struct graph *graph, FILE *out);

#endif
