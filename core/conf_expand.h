/* SPDX-License-Identifier: Apache-2.0
 *
 * conf_expand.h - ${NAME} and @file:/path in the texts of a configuration.
 */
#ifndef CORE_CONF_EXPAND_H
#define CORE_CONF_EXPAND_H

#include "setting.h"

/* Replaces them in one text and marks it secret.  A text without either stays as it
 * is.  What cannot be had is a problem. */
void conf_expand(struct setting *setting, struct arena *memory,
                 struct problems *problems);

#endif
