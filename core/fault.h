/* SPDX-License-Identifier: Apache-2.0
 *
 * fault.h - named places at which a test may end the process.
 *
 * One stands before each step that makes something last: fault_point("rename").  Only a
 * build configured with --enable-fault-points has them; there SONDE_FAULT=rename:2 in the
 * environment ends the process, as kill -9 would, when it comes to that place for the
 * second time.  Elsewhere nothing is left of them.
 */
#ifndef CORE_FAULT_H
#define CORE_FAULT_H

#include "config.h"

#ifdef ENABLE_FAULT_POINTS
void fault_point(const char *name);
#else
static inline void
fault_point(const char *name)
{
    (void)name;
}
#endif

#endif
