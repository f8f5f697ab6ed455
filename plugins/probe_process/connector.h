/* SPDX-License-Identifier: Apache-2.0
 *
 * connector.h - the kernel's own news of processes (its proc connector, by netlink):
 * which one was forked, became another program, or changed its name, user or group.
 * Ends are not told here; watch.c sees those.
 *
 * The kernel refuses it to other user and pid namespaces than its first ones, and
 * before 6.6 to whoever lacks the capability NET_ADMIN.
 */
#ifndef PROBE_PROCESS_CONNECTOR_H
#define PROBE_PROCESS_CONNECTOR_H

#include <stddef.h>
#include <sys/types.h>

/* A descriptor on which news arrive from now on, or -errno. */
int connector_open(void);
void connector_close(int fd);

/* Reads news that have arrived: the pids of processes, at most room (some of them 0, some
 * twice), and how many, 0 when there are none left.  -ENOBUFS: some were lost. */
ssize_t connector_read(int fd, pid_t *pids, size_t room);

/* Pure: the process that a message speaks of; 0 where it says nothing to us. */
pid_t connector_parse(const char *bytes, size_t length);

#endif
