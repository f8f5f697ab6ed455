/* SPDX-License-Identifier: Apache-2.0
 *
 * option.h - tables of options: settings in, filled structs out.
 *
 * The same rows serve plugins (sonde_option in the public header), the core's
 * own sections, --describe and the manuals.
 */
#ifndef CORE_OPTION_H
#define CORE_OPTION_H

#include "problem.h"
#include "setting.h"
#include "sonde/plugin.h"

/* Where the value of a row comes from: the first of these groups that has the
 * name, else the row's fallback.  Any may be NULL. */
struct option_sources {
    const struct setting *own;         /* the section itself */
    const struct setting *defaults[2]; /* defaults.PLUGIN, defaults */
};

/* Fills target from the rows.  Texts and lists are put into memory, which must
 * outlive target.  who begins each message: `check "shop"`.  place is cited where
 * a required option is missing.  Rows are ABI-sized: what loader.c copied.
 * Returns false where it added an error. */
bool option_fill(void *target, const struct sonde_option *rows,
                 const struct option_sources *sources, struct arena *memory,
                 const char *who, struct place place, struct problems *problems);

/* Complains about each member of section that none of the tables names (tables
 * ends with NULL); suggests the nearest. */
bool option_unknown(const struct setting *section,
                    const struct sonde_option *const *tables, const char *who,
                    struct problems *problems);

const struct sonde_option *option_find(const struct sonde_option *rows, const char *name);

/* The setting that decided the row's value, NULL where its fallback did. */
const struct setting *option_setting(const struct option_sources *sources,
                                     const char *name);

/* Two structs filled from the same rows hold the same values. */
bool option_equal(const void *a, const void *b, const struct sonde_option *rows);

#endif
