/* SPDX-License-Identifier: Apache-2.0
 *
 * template.h - texts with fields in braces, compiled once.
 *
 * "{check} is {state}" names fields by their path in the JSON form of an event;
 * "{message:json}" is escaped for the inside of a JSON string; "{{" is a brace
 * ("}}" likewise).
 */
#ifndef CORE_TEMPLATE_H
#define CORE_TEMPLATE_H

#include "event.h"
#include "memory.h"
#include "text.h"

/* NULL when the text is wrong; *error then says why, in memory.  The template
 * lives in memory too. */
const struct sonde_template *template_compile(struct arena *memory, const char *text,
                                              const char **error);
void template_render(const struct sonde_template *template,
                     const struct sonde_event *event, struct text *out);
/* What it renders for every event, with a NUL, where it is one plain text; else NULL. */
const char *template_constant(const struct sonde_template *template, size_t *length);

#endif
