/* SPDX-License-Identifier: Apache-2.0
 *
 * lexer.h - what is wrong with the text of a configuration file, in sentences.
 *
 * libconfig says only "syntax error", joins two texts without a comma between
 * them, and corrupts integers past 31 bits; all of that is told here, before it
 * sees the file.
 */
#ifndef CORE_LEXER_H
#define CORE_LEXER_H

#include "problem.h"

/* Complains about what libconfig would refuse or misread; true: it will parse. */
bool lexer_check(const char *file, const char *bytes, size_t length,
                 struct problems *problems);

#endif
