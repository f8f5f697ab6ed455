/* SPDX-License-Identifier: Apache-2.0
 *
 * file.h - a whole file in memory, bounded: configuration, inventories, secrets.
 */
#ifndef CORE_FILE_H
#define CORE_FILE_H

#include <stddef.h>

enum { FILE_WHY = 128 };

/* A regular file of at most cap bytes, with a NUL behind it; free() it.  NULL with
 * why as the rest of a sentence: "cannot be read: Permission denied". */
char *file_read(const char *path, size_t cap, size_t *length, char why[FILE_WHY]);

#endif
