/* SPDX-License-Identifier: Apache-2.0
 *
 * notify.c - tells systemd how the service is.  See notify.h.
 */
#include "notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void
notify_send(const char *format, ...)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    char said[512];
    va_list args;
    int length, fd;

    if (!path || (*path != '/' && *path != '@') || strlen(path) >= sizeof(to.sun_path))
        return;
    memcpy(to.sun_path, path, strlen(path));
    if (*path == '@')
        to.sun_path[0] = '\0'; /* the abstract namespace */
    va_start(args, format);
    length = vsnprintf(said, sizeof(said), format, args);
    va_end(args);
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd == -1 || length <= 0 || (size_t)length >= sizeof(said))
        return;
    if (sendto(fd, said, (size_t)length, MSG_NOSIGNAL, (const struct sockaddr *)&to,
               (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path)))
        == -1)
        perror("sonded: NOTIFY_SOCKET");
    close(fd);
}
