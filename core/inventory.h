/* SPDX-License-Identifier: Apache-2.0
 *
 * inventory.h - one section of `targets`: hosts with their labels, from a CSV file or
 * written down.  Which checks are made of them is targets.c's business.
 */
#ifndef CORE_INVENTORY_H
#define CORE_INVENTORY_H

#include "event.h"
#include "setting.h"

struct inventory_target {
    const char *name;
    struct label *labels; /* sorted by name */
    size_t count;
    struct place row;
};

struct inventory {
    struct inventory *next;
    const char *name;
    bool broken; /* which was told; its targets are not all there */
    struct inventory_target *targets;
    size_t count;
    const char **label_names; /* all that a target of it may have */
    size_t label_count;
};

/* NULL where it has no name. */
struct inventory *inventory_read(const struct setting *section, struct arena *memory,
                                 struct problems *problems);

/* A label's value as text; NULL: a group or list, which no label is. */
const char *inventory_label(const struct setting *setting, struct arena *memory);
bool inventory_label_name_ok(const char *name);
int inventory_label_order(const void *left,
                          const void *right); /* struct label, by name */

#endif
