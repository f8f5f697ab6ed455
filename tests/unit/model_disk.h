/* SPDX-License-Identifier: Apache-2.0
 *
 * model_disk.h - a disk in memory that forgets what was not synced when the power goes.
 *
 * What is read is what was written.  What lasts is what was synced, and of the rest any
 * part: each sector of a write by itself, each change of a file's size, each change of
 * the directory.  A sync that fails leaves any part behind and forgets the rest for good,
 * as kernels do.
 */
#ifndef TESTS_MODEL_DISK_H
#define TESTS_MODEL_DISK_H

#include "disk.h"

#include <stdint.h>

enum { MODEL_FILES = 256, MODEL_NAMES = 128, MODEL_PENDING = 1024, MODEL_NAME = 48 };

struct model_file;

struct model_entry {
    char name[MODEL_NAME];
    struct model_file *file; /* NULL: none */
};

struct model_change {
    struct model_entry entries[2]; /* both or none */
    int count;
};

struct model_disk {
    struct disk disk;
    uint64_t random;
    unsigned fail; /* one call in so many fails; 0: none does */
    unsigned left; /* calls until the process dies: then none does anything; 0: never */
    off_t room;    /* bytes of all files together; 0: no bound */
    bool dead;
    struct model_file *files[MODEL_FILES];
    struct model_file *open[MODEL_FILES];
    struct model_entry cached[MODEL_NAMES], lasting[MODEL_NAMES];
    struct model_change changes[MODEL_PENDING];
    int change_count;
};

void model_disk_init(struct model_disk *model, uint64_t seed);
void model_disk_deinit(struct model_disk *model);
/* Below this, but never this. */
unsigned model_disk_random(struct model_disk *model, unsigned below);
off_t model_disk_used(const struct model_disk *model); /* bytes of all files */
/* What is read from now on is what lasted.  Nothing may be open. */
void model_disk_power_cut(struct model_disk *model);

#endif
