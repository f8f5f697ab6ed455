/* SPDX-License-Identifier: Apache-2.0
 *
 * json.h - the pieces of JSON text that the encoder writes.  Writing only.
 */
#ifndef CORE_JSON_H
#define CORE_JSON_H

#include "text.h"

/* A quoted string; broken UTF-8 becomes U+FFFD, so the result is always JSON. */
void json_string(struct text *out, const char *bytes, size_t length);
/* The same without the quotes around it. */
void json_escape(struct text *out, const char *bytes, size_t length);
void json_integer(struct text *out, int64_t value);
/* The shortest form that reads back the same; null for NaN and infinities. */
void json_number(struct text *out, double value);

/* The same, written at a place that has room for it, without a NUL; each returns
 * where it stopped. */
enum { JSON_NUMBER_SIZE = 32 };
#define JSON_ESCAPED_SIZE(length) (6 * (size_t)(length))
char *json_put_escaped(char *at, const char *bytes, size_t length);
char *json_put_integer(char *at, int64_t value);
char *json_put_number(char *at, double value);

#endif
