/* SPDX-License-Identifier: Apache-2.0
 *
 * procfs.h - the files of one process below /proc, by an open directory of it.
 */
#ifndef PROBE_PROCESS_PROCFS_H
#define PROBE_PROCESS_PROCFS_H

#include "pidstat.h"

/* A descriptor of /proc, or -errno: -EXDEV where it is that of another pid namespace. */
int procfs_open(void);

/* Each answers 0 or an errno.  bytes end with NUL; what does not fit is left out. */
int procfs_read(int proc, pid_t pid, const char *name, char *bytes, size_t size,
                size_t *length);
/* EACCES where we may not know, EBADMSG where it is no such text. */
int procfs_stat(int proc, pid_t pid, struct pidstat *stat);

/* Pure: joins the arguments of a command line with blanks, in place; those that end it
 * are not the program's.  bytes have room for a NUL behind them.  The length that is
 * left. */
size_t procfs_join(char *bytes, size_t length);

/* What an errno of these means: the process ended; we may not read it. */
bool procfs_gone(int error);
bool procfs_barred(int error);

#endif
