/* SPDX-License-Identifier: Apache-2.0
 *
 * probe_older.c - built with an older header: its descriptor ends before cancel,
 * its option rows before choices and help.  It must load.
 */
#include "record.h"

struct older_option {
    const char *name;
    enum sonde_kind kind;
    size_t offset;
    bool required, secret;
    const char *fallback;
    int64_t min, max;
};

struct older_probe {
    const char *name, *summary;
    size_t size;
    const struct older_option *options;
    int (*open)(struct sonde_instance *self);
    int (*start)(struct sonde_instance *self);
    void (*stop)(struct sonde_instance *self);
    void (*close)(struct sonde_instance *self);
    enum sonde_state (*run)(struct sonde_instance *self, struct sonde_event *event);
    void (*begin)(struct sonde_instance *self, struct sonde_event *event);
};

struct older {
    int64_t limit;
    const char *path;
};

static const struct older_option options[] = { { .name = "limit",
                                                 .kind = SONDE_KIND_INTEGER,
                                                 .offset = offsetof(struct older, limit),
                                                 .fallback = "3",
                                                 .min = 1,
                                                 .max = 9 },
                                               { .name = "path",
                                                 .kind = SONDE_KIND_STRING,
                                                 .offset = offsetof(struct older, path),
                                                 .fallback = "/" },
                                               { 0 } };

static const struct older_probe probe = {
    .name = "older",
    .summary = "built with an older header",
    .size = sizeof(struct older),
    .options = options,
    .run = record_run,
};

const struct sonde_plugin sonde_plugin = { SONDE_ABI, 1, sizeof(probe),
                                           sizeof(struct older_option), &probe };
