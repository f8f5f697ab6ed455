/* SPDX-License-Identifier: Apache-2.0
 *
 * targets.h - inventories: one check written down, one check made for each target.
 */
#ifndef CORE_TARGETS_H
#define CORE_TARGETS_H

#include "event.h"
#include "setting.h"

struct targets;

/* Reads the section `targets` (may be NULL) with its CSV files, which are looked up
 * beside the configuration file that names them. */
struct targets *targets_new(const struct setting *section, struct problems *problems);
void targets_free(struct targets *targets);

/* One call for each check that the section becomes: one without `targets`, else one
 * for each target that `where` and `except` leave.  In `made` every text has
 * {target}, {labels.X} and {observer} replaced, and the members targets, where, except
 * and labels are gone; labels are the target's and the check's own, sorted by name. All
 * of it lives until fn returns.  row is where the target was written. */
typedef void targets_fn(const struct setting *made, const struct label *labels,
                        size_t count, struct place row, void *arg);
void targets_each(struct targets *targets, const struct setting *check,
                  const char *observer, targets_fn *fn, void *arg,
                  struct problems *problems);

#endif
