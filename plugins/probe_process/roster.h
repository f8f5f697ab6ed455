/* SPDX-License-Identifier: Apache-2.0
 *
 * roster.h - the list of all processes, kept from one look to the next: what is new is
 * read, what is known is believed as long as terms allow.
 *
 * That a pid was given to another process is seen without reading anything of it: the
 * listing of /proc tells an inode number, which the kernel makes anew for each process.
 * That a process became another program is not seen so, hence the terms.
 */
#ifndef PROBE_PROCESS_ROSTER_H
#define PROBE_PROCESS_ROSTER_H

#include "scan.h"

enum { ROSTER_SCRATCH = 64 << 10 };

struct roster {
    struct scan_process *processes; /* by ascending pid */
    size_t count, room;
    size_t texts; /* bytes kept of command lines and paths */
};

/* Until when what was read holds; all of them sonde_now. */
struct roster_terms {
    int64_t oldest;  /* what was read later is believed, but for the young */
    int64_t heard;   /* and all that was read later than this, as a change would have been
                      * told; INT64_MAX: nobody tells */
    int64_t doubted; /* what was read before is not believed, though */
};

/* Lists anew: 0 or an errno, then the roster is empty.  scratch has ROSTER_SCRATCH bytes,
 * aligned for struct dirent64. */
int roster_update(struct roster *roster, int proc, const struct roster_terms *terms,
                  char *scratch);
/* The next update reads this process, whatever the terms. */
void roster_doubt(struct roster *roster, pid_t pid);
/* A copy of a text, which the process is to keep; NULL where there is no room. */
char *roster_keep(struct roster *roster, struct scan_process *process, const char *text,
                  size_t length);
/* Frees what was kept so. */
void roster_release(struct roster *roster, struct scan_process *process);
void roster_clear(struct roster *roster);

#endif
