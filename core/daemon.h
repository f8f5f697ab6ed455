/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon.h - the process: it holds one graph, hears signals, replaces the graph on
 * SIGHUP, ends it on SIGTERM.
 */
#ifndef CORE_DAEMON_H
#define CORE_DAEMON_H

#include "plugin.h"

enum {
    DAEMON_OK = 0,
    DAEMON_FAILED = 1, /* it ran and something went wrong; --once: a check is not UP */
    DAEMON_WRONG = 2   /* the configuration, or the command line */
};

/* Each returns the exit status.  path is a directory or a file. */
int daemon_run(const char *path, struct plugins *plugins);
int daemon_once(const char *path, struct plugins *plugins);  /* --once */
int daemon_check(const char *path, struct plugins *plugins); /* --check */

#endif
