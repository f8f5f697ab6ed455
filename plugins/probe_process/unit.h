/* SPDX-License-Identifier: Apache-2.0
 *
 * unit.h - the names of systemd units, and of the control groups that systemd makes for
 * them.  Pure; without libsystemd.
 */
#ifndef PROBE_PROCESS_UNIT_H
#define PROBE_PROCESS_UNIT_H

#include <stdbool.h>
#include <stdint.h>

/* NULL where it is the whole name of a unit that may have processes, else what is
 * wrong with it (a constant text). */
const char *unit_check(const char *name);
/* Whether a directory is the unit's: systemd puts a _ before names that the kernel keeps
 * for itself. */
bool unit_is(const char *unit, const char *directory);
/* Whether units are to be found below it: slices, and the manager of this user (-1: of
 * none). */
bool unit_holds_units(const char *directory, int64_t user);

#endif
