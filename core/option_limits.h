/* SPDX-License-Identifier: Apache-2.0
 *
 * option_limits.h - the limits of a row, checked and in words.
 */
#ifndef CORE_OPTION_LIMITS_H
#define CORE_OPTION_LIMITS_H

#include "memory.h"
#include "sonde/plugin.h"

bool option_limits_ok(const struct sonde_option *row, int64_t value);
/* "from 1s to 1d", "at least 64KiB": in the units of the row's kind. */
const char *option_limits(const struct sonde_option *row, struct arena *memory);

#endif
