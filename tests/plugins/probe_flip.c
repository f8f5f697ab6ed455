/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_flip.c - a probe that is UP and DOWN in turn, `flips` times, then stays as it
 * is: changes on demand, for tests of what happens to them.
 *
 * Its message numbers them: "flip 1", "flip 2" and so on.  With `remember` the number
 * belongs to the name of the check and lasts as long as the process, however often the
 * instance is made anew: so a test of reloads sees a number that was never told.
 */
#include "sonde/plugin.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

struct flip {
    int64_t flips, after;
    bool remember;
    int64_t *done, began;
    int64_t done_here;
};

struct remembered {
    struct remembered *next;
    int64_t done;
    char name[];
};

static struct remembered *all_remembered;
static pthread_mutex_t remembered_lock = PTHREAD_MUTEX_INITIALIZER;

static const struct sonde_option options[] = {
    SONDE_INTEGER(struct flip, flips, .fallback = "1000000000", .min = 1, .max = -1,
                  .help = "changes until it stays as it is"),
    SONDE_DURATION(
        struct flip, after, .fallback = "0",
        .help = "nothing is known until then, so that the far sides are ready"),
    SONDE_BOOL(struct flip, remember, .fallback = "false",
               .help = "goes on from where the check of this name was"),
    { 0 }
};

static int64_t *
remembered_of(const char *name)
{
    struct remembered *entry;
    size_t length = strlen(name) + 1;

    pthread_mutex_lock(&remembered_lock);
    for (entry = all_remembered; entry && strcmp(entry->name, name); entry = entry->next)
        ;
    if (!entry && (entry = calloc(1, sizeof(*entry) + length))) {
        memcpy(entry->name, name, length);
        entry->next = all_remembered;
        all_remembered = entry;
    }
    pthread_mutex_unlock(&remembered_lock);
    return entry ? &entry->done : NULL;
}

static int
flip_start(struct sonde_instance *self)
{
    struct flip *flip = sonde_private(self);

    flip->done = flip->remember ? remembered_of(sonde_name(self)) : &flip->done_here;
    return flip->done ? 0 : sonde_fail(self, NULL, "out of memory");
}

static void
flip_begin(struct sonde_instance *self, struct sonde_event *event)
{
    struct flip *flip = sonde_private(self);

    if (!flip->began)
        flip->began = sonde_now();
    if (!*flip->done && sonde_now() - flip->began < flip->after * 1000000) {
        sonde_done(event, SONDE_UNKNOWN);
        return;
    }
    if (*flip->done < flip->flips)
        ++*flip->done;
    sonde_reason(event, *flip->done % 2 ? SONDE_OK : SONDE_OTHER, "flip %d",
                 (int)*flip->done);
    sonde_certain(event);
    sonde_done(event, *flip->done % 2 ? SONDE_UP : SONDE_DOWN);
}

static void
flip_cancel(struct sonde_instance *self, struct sonde_event *event)
{
    (void)self, (void)event;
}

static const struct sonde_probe probe = {
    .name = "flip",
    .summary = "UP and DOWN in turn",
    .size = sizeof(struct flip),
    .options = options,
    .start = flip_start,
    .begin = flip_begin,
    .cancel = flip_cancel,
};

SONDE_PLUGIN(probe);
