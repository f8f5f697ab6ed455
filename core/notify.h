/* SPDX-License-Identifier: Apache-2.0
 *
 * notify.h - tells systemd how the service is, by the protocol of sd_notify(3).
 *
 * A datagram on the socket that NOTIFY_SOCKET names; without it nothing happens.
 * Written here because libsystemd would bring its own dependencies into every
 * daemon for these thirty lines.
 */
#ifndef CORE_NOTIFY_H
#define CORE_NOTIFY_H

void notify_send(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
