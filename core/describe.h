/* SPDX-License-Identifier: Apache-2.0
 *
 * describe.h - what `sonded --describe` prints: plugins and their options, as
 * plain text of 80 columns, made from nothing but the descriptors.
 */
#ifndef CORE_DESCRIBE_H
#define CORE_DESCRIBE_H

#include "plugin.h"

#include <stdio.h>

/* One plugin: its role, summary, file, and every option. */
void describe_plugin(const struct plugin *plugin, FILE *out);

/* A heading and a table of options. */
void describe_options(const char *heading, const struct sonde_option *rows, FILE *out);

/* `sonded --describe NAME`: the plugin, or the plugins where several roles have
 * one of that name.  false with *why set when there is none. */
bool describe_named(struct plugins *plugins, const char *name, FILE *out,
                    const char **why);

/* `sonded --describe`: every plugin with its summary. */
void describe_all(struct plugins *plugins, FILE *out);

#endif
