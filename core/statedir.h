/* SPDX-License-Identifier: Apache-2.0
 *
 * statedir.h - the directory that survives restarts, and its lock.
 */
#ifndef CORE_STATEDIR_H
#define CORE_STATEDIR_H

/* The directory that is configured, else $STATE_DIRECTORY; NULL: there is none. */
const char *statedir_path(const char *configured);
/* Makes the directory if need be, and takes its lock for as long as the process lives.
 * path NULL or "": $STATE_DIRECTORY if set, else there is none (0 is returned, *lock is
 * -1).  -1, said in the log: it cannot be used, or another daemon holds it (with its
 * pid, and the advice for then). */
int statedir_take(const char *path, const char *advice, int *lock);

#endif
