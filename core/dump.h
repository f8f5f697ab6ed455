/* SPDX-License-Identifier: Apache-2.0
 *
 * dump.h - a record of the journal as a line of JSON, for a person to read.
 */
#ifndef CORE_DUMP_H
#define CORE_DUMP_H

#include "record.h"
#include "text.h"

/* With the end of the line.  Of a payload that is not what its kind says the bytes are
 * shown. */
void dump_record(struct text *line, uint64_t segment, const struct record *record);

#endif
