/* SPDX-License-Identifier: Apache-2.0
 *
 * replay.h - dead letters out of a file, sent again to the sinks that they were meant
 * for.
 *
 * It opens those sinks itself, as the configuration says, whether a daemon runs or not.
 * The file is only read: FILE.rest says how far it was replayed, and holds the lines that
 * were not delivered.  The next replay begins with those.
 */
#ifndef CORE_REPLAY_H
#define CORE_REPLAY_H

#include "plugin.h"

enum { REPLAY_DELIVERED, REPLAY_LEFT, REPLAY_WRONG }; /* exit status */

struct replay_options {
    const char *config, *file;
    const char *sink; /* all to this one; NULL: each to its own */
    bool dry_run;
    int64_t wait; /* ms without a delivery after which a sink is given up */
};

int replay_run(const struct replay_options *options, struct plugins *plugins);

#endif
