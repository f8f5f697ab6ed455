/* SPDX-License-Identifier: Apache-2.0
 *
 * graph_build.h - what graph_build.c and graph_check.c share; for nobody else.
 */
#ifndef CORE_GRAPH_BUILD_H
#define CORE_GRAPH_BUILD_H

#include "graph.h"
#include "plugin.h"

/* While a graph is made; gone when it stands. */
struct build {
    struct graph *graph;
    struct plugins *plugins;
    struct problems *problems;
    const struct setting *root, *defaults;
    bool durable; /* there is a directory that survives restarts */
};

/* Where the options of a section come from. */
struct option_sources build_sources(const struct build *build,
                                    const struct setting *section,
                                    const struct plugin *plugin);
/* The plugin that the section names; NULL: told. */
const struct plugin *build_plugin(struct build *build, enum plugin_role role,
                                  const char *name, const struct setting *section,
                                  const char *who);
/* Fills the private struct, in memory of its own, and opens the instance; false: told. */
bool build_instance(struct build *build, struct sonde_instance *instance,
                    const struct option_sources *sources, const char *who,
                    struct place place);

/* Makes the sinks of the section `sinks`. */
void build_sinks(struct build *build);
/* Makes the sources of the section `sources`; sinks and router are there. */
void build_the_sources(struct build *build);
/* Tells which routes ask for a source that there is not. */
void build_froms(struct build *build);
/* Its text; NULL: told. */
const char *build_name(struct build *build, const struct setting *section, const char *kind,
                       const char *key);
/* The sink of the name that is written as `otherwise` of who; NULL: told.  itself: that it
 * must not be, or NULL. */
struct sink *build_otherwise_sink(struct build *build, const struct setting *written,
                                  const char *name, const char *who, const char *itself);
/* For option_unknown: the row of `buffer`, whose value is a group, in a sink; and the
 * same group in `defaults`, looked at for itself. */
extern const struct sonde_option build_buffer_key[];
void build_defaults_buffer(struct build *build, const struct setting *buffer,
                           const char *who);
/* Makes the checks of the section `checks`, one for each target, and the daemon's own. */
void build_checks(struct build *build);

#endif
