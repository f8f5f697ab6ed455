/* SPDX-License-Identifier: Apache-2.0
 *
 * pidfile.h - a file that names a process.  It is hostile: whoever may write it
 * chooses what we look at, so nothing of it is believed but a number.
 */
#ifndef PROBE_PROCESS_PIDFILE_H
#define PROBE_PROCESS_PIDFILE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

struct pidfile {
    pid_t pid;
    dev_t device; /* with inode and times: whether the file was written anew */
    ino_t inode;
    struct timespec modified, changed;
    bool settled; /* when it was read it was so old that a change shows in them */
};

/* 0; an errno where the file cannot be read; -1 where it holds no pid, with why (a
 * constant text) set. */
int pidfile_read(const char *path, struct pidfile *file, const char **why);
bool pidfile_same(const struct pidfile *a, const struct pidfile *b);
/* It is still the one that was read, for sure; costs less than to read it. */
bool pidfile_unchanged(const char *path, const struct pidfile *file);

/* Pure: the pid that the first line holds, 0 if it holds none. */
pid_t pidfile_parse(const char *bytes, size_t length);

#endif
