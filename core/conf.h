/* SPDX-License-Identifier: Apache-2.0
 *
 * conf.h - files in, one tree of settings out.
 *
 * Reads a directory's *.conf in name order (or a single file), checks each with
 * lexer.c, parses it with libconfig, and merges.  What the settings mean is not
 * its business: option.c, targets.c, router.c and graph.c read the tree.
 */
#ifndef CORE_CONF_H
#define CORE_CONF_H

#include "problem.h"
#include "setting.h"

/* A group with the members daemon and defaults (groups; present where written),
 * targets, checks, sources, sinks, routes (lists; likewise), merged over all files.
 * Never NULL: what cannot be read is a problem.  The tree lives in memory. */
struct setting *conf_read(const char *path, struct arena *memory,
                          struct problems *problems);

#endif
