/* SPDX-License-Identifier: Apache-2.0
 *
 * instance.h - one configured section of a plugin: its options, its life, and
 * what it holds on a loop.
 *
 * Embedded in the check or sink that owns it.  instance.c keeps the order of
 * open, start, stop, close and takes back what a plugin leaves behind; when to
 * call them is the owner's business.
 */
#ifndef CORE_INSTANCE_H
#define CORE_INSTANCE_H

#include "list.h"
#include "option.h"
#include "plugin.h"

#include <stdatomic.h>

struct loop;

enum instance_stage { INSTANCE_NEW, INSTANCE_OPEN, INSTANCE_STARTED, INSTANCE_CLOSED };

struct sonde_instance {
    const struct plugin *plugin;
    const char *name;
    void *private;
    struct loop *loop;           /* NULL for what lives on a worker */
    struct list watches, timers; /* struct sonde_watch, struct sonde_timer */
    enum instance_stage stage;
    bool shared;                  /* made by sonde_shared: in no check, in no sink */
    bool owns;                    /* name begins a block with the option values */
    _Atomic int64_t deadline;     /* clock_now of the answer due, for sonde_time_left;
                                   * 0 = none */
    struct instance_birth *birth; /* only while the configuration is built */
    char *why;                    /* what sonde_fail said last; owner: the instance */
    /* [any thread]  The plugin tells how it finds its far side; NULL: nobody listens. */
    void (*on_word)(struct sonde_instance *self, enum sonde_state state, const char *why);
};

/* What sonde_fail needs to cite a line, while the settings still exist. */
struct instance_birth {
    const struct option_sources *sources;
    struct problems *problems;
    struct place place;
    bool failed;
};

/* name lives as long as the instance, as do the option values; once it owns them, they
 * are in one block, which it frees.  The private struct is allocated zeroed; the owner
 * fills it (option_fill) before instance_open. */
void instance_init(struct sonde_instance *self, const struct plugin *plugin,
                   const char *name);
int instance_open(struct sonde_instance *self);  /* calls open; -1 = why is set */
int instance_start(struct sonde_instance *self); /* on its loop or worker */
/* On its loop or worker: calls stop after a start that succeeded, takes back
 * watches, timers and posts. */
void instance_stop(struct sonde_instance *self);
void instance_close(struct sonde_instance *self); /* beside the loops */
/* After a start that failed: close, wipe what the plugin keeps besides its
 * options, open again.  Beside the loops. */
int instance_reopen(struct sonde_instance *self);
void instance_deinit(struct sonde_instance *self);

const char *instance_role(const struct sonde_instance *self); /* "check", "sink" */

#endif
