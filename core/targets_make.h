/* SPDX-License-Identifier: Apache-2.0
 *
 * targets_make.h - a check as written and one target, put together.
 */
#ifndef CORE_TARGETS_MAKE_H
#define CORE_TARGETS_MAKE_H

#include "inventory.h"
#include "targets.h"

struct targets_make {
    const struct setting *check;
    const char *observer, *who;
    struct problems *problems;
    struct arena memory; /* of one target; emptied for the next */

    const struct inventory_target *target; /* NULL: a check without targets */
    const struct label *labels;            /* that {labels.X} finds, sorted */
    size_t count;
    bool failed;
};

/* Calls fn with what was made; where something was wrong it says so instead. */
void targets_make(struct targets_make *make, const struct inventory_target *target,
                  targets_fn *fn, void *arg);

#endif
