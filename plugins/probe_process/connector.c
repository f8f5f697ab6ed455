/* SPDX-License-Identifier: Apache-2.0
 *
 * connector.c - see connector.h.  A filter in the kernel drops what does not concern us
 * (ends, threads), so that a busy machine does not wake us for it.
 */
#include "connector.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <linux/cn_proc.h>
#include <linux/connector.h>
#include <linux/filter.h>
#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    MESSAGE = 256, /* the kernel's are shorter */
    AT_ONCE = 32,
    ROOM = 1 << 20,   /* for news that wait; the kernel may give less */
    ACK_AMONG = 4096, /* the answer comes at once, but behind news of others */
    HEADER = NLMSG_HDRLEN + sizeof(struct cn_msg),
    WHAT = HEADER + offsetof(struct proc_event, what),
    DATA = HEADER + offsetof(struct proc_event, event_data)
};

/* What begins each event that we want, but for a fork, where the parent stands first. */
struct subject {
    uint32_t pid, tgid; /* a thread's number, its process's */
};

#define PARENT sizeof(struct subject)
_Static_assert(offsetof(struct fork_proc_event, child_pid) == PARENT, "filter");
_Static_assert(offsetof(struct exec_proc_event, process_pid) == 0, "filter");
_Static_assert(offsetof(struct comm_proc_event, process_pid) == 0, "filter");
_Static_assert(offsetof(struct id_proc_event, process_pid) == 0, "filter");

#define LOAD(at)   BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (at))
#define JUMP(n, y) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, htonl(n), (y), 0)
#define SAME(at)                                                                         \
    BPF_STMT(BPF_MISC | BPF_TAX, 0), LOAD(at),                                           \
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_X, 0, 1, 0)
#define DROP BPF_STMT(BPF_RET | BPF_K, 0)
#define TAKE BPF_STMT(BPF_RET | BPF_K, UINT32_MAX)

/* Words are loaded as if sent by a network. */
static int
connector_filter(int fd)
{
    struct sock_filter code[] = {
        LOAD(WHAT),
        JUMP(PROC_EVENT_NONE, 11), /* the answer to our own message */
        JUMP(PROC_EVENT_FORK, 5),
        JUMP(PROC_EVENT_EXEC, 10),
        JUMP(PROC_EVENT_COMM, 9),
        JUMP(PROC_EVENT_UID, 8),
        JUMP(PROC_EVENT_GID, 7),
        DROP,
        LOAD(DATA + PARENT),
        SAME(DATA + PARENT + sizeof(uint32_t)),
        DROP,
        TAKE,
        LOAD(DATA),
        SAME(DATA + sizeof(uint32_t)),
        DROP,
        TAKE,
    };
    struct sock_fprog program = { sizeof(code) / sizeof(*code), code };

    return setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program));
}

/* ---- joining ---- */

/* mark: the answer holds one more. */
static int
connector_tell(int fd, enum proc_cn_mcast_op operation, uint32_t mark)
{
    const struct nlmsghdr header = { .nlmsg_len = HEADER + sizeof(uint32_t),
                                     .nlmsg_type = NLMSG_DONE };
    const struct cn_msg message = { .id = { CN_IDX_PROC, CN_VAL_PROC },
                                    .ack = mark,
                                    .len = sizeof(uint32_t) };
    const uint32_t word = operation;
    char bytes[HEADER + sizeof(word)];

    memcpy(bytes, &header, sizeof(header));
    memcpy(bytes + NLMSG_HDRLEN, &message, sizeof(message));
    memcpy(bytes + HEADER, &word, sizeof(word));
    return send(fd, bytes, sizeof(bytes), 0) == -1 ? -errno : 0;
}

/* Whether it is the answer to our LISTEN; those of others are told to us, too. */
static bool
connector_acked(const char *bytes, size_t length, uint32_t mark, int *error)
{
    struct cn_msg message;
    uint32_t what, code;

    if (length < DATA + sizeof(code))
        return false;
    memcpy(&message, bytes + NLMSG_HDRLEN, sizeof(message));
    memcpy(&what, bytes + WHAT, sizeof(what));
    memcpy(&code, bytes + DATA, sizeof(code));
    *error = (int)code;
    return what == PROC_EVENT_NONE && message.ack == mark + 1;
}

/* It is there when send returns; where it is not, we are not told of anything. */
static int
connector_await(int fd, uint32_t mark)
{
    char bytes[MESSAGE];
    struct sockaddr_nl from;
    int error;

    for (int i = 0; i < ACK_AMONG; i++) {
        socklen_t length = sizeof(from);
        ssize_t n = recvfrom(fd, bytes, sizeof(bytes), MSG_DONTWAIT,
                             (struct sockaddr *)&from, &length);

        if (n == -1)
            return errno == EAGAIN ? -EOPNOTSUPP : -errno;
        if (from.nl_pid == 0 && connector_acked(bytes, (size_t)n, mark, &error))
            return -error;
    }
    return -EOPNOTSUPP;
}

static int
connector_join(int fd)
{
    struct sockaddr_nl group = { .nl_family = AF_NETLINK, .nl_groups = CN_IDX_PROC };
    socklen_t length = sizeof(group);
    int error, room = ROOM;

    setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
    if (connector_filter(fd) == -1)
        return -errno;
    if (bind(fd, (const struct sockaddr *)&group, length) == -1
        || getsockname(fd, (struct sockaddr *)&group, &length) == -1)
        return -errno;
    error = connector_tell(fd, PROC_CN_MCAST_LISTEN, group.nl_pid);
    return error ? error : connector_await(fd, group.nl_pid);
}

int
connector_open(void)
{
    int error, fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
                           NETLINK_CONNECTOR);

    if (fd == -1)
        return -errno;
    error = connector_join(fd);
    if (!error)
        return fd;
    close(fd);
    return error;
}

/* Without the farewell a kernel before 6.6 goes on making news for nobody; it counts, so
 * only those who were let in may say it. */
void
connector_close(int fd)
{
    connector_tell(fd, PROC_CN_MCAST_IGNORE, 0);
    close(fd);
}

/* ---- hearing ---- */

static bool
connector_wanted(uint32_t what)
{
    return what == PROC_EVENT_FORK || what == PROC_EVENT_EXEC || what == PROC_EVENT_COMM
           || what == PROC_EVENT_UID || what == PROC_EVENT_GID;
}

pid_t
connector_parse(const char *bytes, size_t length)
{
    struct cn_msg message;
    struct subject subject;
    uint32_t what;
    size_t at = DATA;

    if (length < DATA + 2 * sizeof(subject))
        return 0;
    memcpy(&message, bytes + NLMSG_HDRLEN, sizeof(message));
    memcpy(&what, bytes + WHAT, sizeof(what));
    if (message.id.idx != CN_IDX_PROC || message.id.val != CN_VAL_PROC
        || !connector_wanted(what))
        return 0;
    if (what == PROC_EVENT_FORK)
        at += PARENT;
    memcpy(&subject, bytes + at, sizeof(subject));
    if (subject.pid != subject.tgid || subject.tgid > INT_MAX)
        return 0;
    return (pid_t)subject.tgid;
}

ssize_t
connector_read(int fd, pid_t *pids, size_t room)
{
    char bytes[AT_ONCE][MESSAGE];
    struct sockaddr_nl from[AT_ONCE];
    struct iovec parts[AT_ONCE];
    struct mmsghdr messages[AT_ONCE];
    unsigned many = room < AT_ONCE ? (unsigned)room : AT_ONCE;
    int n;

    for (unsigned i = 0; i < many; i++) {
        parts[i] = (struct iovec){ bytes[i], sizeof(bytes[i]) };
        messages[i] = (struct mmsghdr){ .msg_hdr = { .msg_name = &from[i],
                                                     .msg_namelen = sizeof(from[i]),
                                                     .msg_iov = &parts[i],
                                                     .msg_iovlen = 1 } };
    }
    n = recvmmsg(fd, messages, many, MSG_DONTWAIT, NULL);
    if (n == -1)
        return errno == EAGAIN || errno == EINTR ? 0 : -errno;
    for (int i = 0; i < n; i++) /* only the kernel's own is believed */
        pids[i] = from[i].nl_pid == 0 ? connector_parse(bytes[i], messages[i].msg_len)
                                      : 0;
    return n;
}
