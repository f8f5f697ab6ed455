/* SPDX-License-Identifier: Apache-2.0
 *
 * group.c - see group.h.  With cgroup v2 alone its tree is /sys/fs/cgroup itself;
 * beside v1 it is below, as is systemd's own tree of v1, and a unit has a group in one
 * or both.  Units of the same name (a user may have one, too) are taken together.
 *
 * Whoever runs in a group may make groups in it: depth and numbers are bounded, and of
 * the managers of users only that is read which is asked for.
 */
#include "group.h"

#include "unit.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum {
    DEPTH_MOST = 32,
    TIME_MOST = 100000000, /* nanoseconds of CPU time */
    PID_LIMIT = 4194304,   /* the most that any kernel gives, PID_MAX_LIMIT */
    PIECE_BYTES = 4096,    /* of cgroup.procs, at a time */
    LINES_BYTES = 16384    /* of /proc/PID/cgroup */
};

struct walk {
    const struct group *group;
    pid_t *pids;
    size_t count, room;
    unsigned directories;
    int64_t began; /* group_clock */
    bool found;
    int error;
};

typedef void walk_fn(struct walk *walk, int dir, const char *name, unsigned depth);

static void
walk_fail(struct walk *walk, int error)
{
    if (!walk->error)
        walk->error = error;
}

int64_t
group_clock(void)
{
    struct timespec now;

    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void
walk_check_time(struct walk *walk)
{
    if (group_clock() - walk->began > TIME_MOST)
        walk_fail(walk, ETIME);
}

static void
walk_add(struct walk *walk, pid_t pid)
{
    size_t room = walk->room ? walk->room * 2 : 64;
    pid_t *more;

    if (walk->count == walk->room) {
        more = room <= GROUP_PIDS_MOST ? realloc(walk->pids, room * sizeof(*more)) : NULL;
        if (!more) {
            walk_fail(walk, room <= GROUP_PIDS_MOST ? ENOMEM : EOVERFLOW);
            return;
        }
        walk->pids = more;
        walk->room = room;
    }
    walk->pids[walk->count++] = pid;
}

bool
group_next(const char **at, const char *end, pid_t *pid)
{
    const char *digit = *at;
    const char *stop = digit < end ? memchr(digit, '\n', (size_t)(end - digit)) : NULL;
    long number = 0;

    if (!stop)
        return false;
    while (digit < stop && *digit >= '0' && *digit <= '9' && number <= PID_LIMIT)
        number = number * 10 + (*digit++ - '0');
    *pid = digit == stop && number <= PID_LIMIT ? (pid_t)number : 0;
    *at = stop + 1;
    return true;
}

/* How much of the piece is left: the beginning of a line. */
static size_t
walk_take(struct walk *walk, char *bytes, size_t length)
{
    const char *at = bytes, *end = bytes + length;
    pid_t pid;

    while (!walk->error && group_next(&at, end, &pid))
        if (pid)
            walk_add(walk, pid);
    memmove(bytes, at, (size_t)(end - at));
    return (size_t)(end - at);
}

/* A threaded group cannot be read; the group that holds it lists its processes. */
static void
walk_read(struct walk *walk, int dir)
{
    char bytes[PIECE_BYTES];
    size_t left = 0;
    int fd = openat(dir, "cgroup.procs", O_RDONLY | O_CLOEXEC);
    ssize_t n = fd;

    while (n != -1 && !walk->error) {
        walk_check_time(walk);
        n = read(fd, bytes + left, sizeof(bytes) - left);
        if (n == 0)
            break;
        if (n > 0)
            left = walk_take(walk, bytes, left + (size_t)n);
    }
    if (n == -1 && errno != ENOENT && errno != ENODEV && errno != EOPNOTSUPP)
        walk_fail(walk, errno);
    if (fd != -1)
        close(fd);
}

/* Calls fn with each directory in dir. */
static void
walk_each(struct walk *walk, int dir, unsigned depth, walk_fn *fn)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *list = fd == -1 ? NULL : fdopendir(fd);
    const struct dirent *entry;

    while (list && !walk->error && (entry = readdir(list))) {
        int below;

        if (entry->d_type != DT_DIR || entry->d_name[0] == '.')
            continue;
        below = openat(dir, entry->d_name, O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        if (below == -1 && errno != ENOENT && errno != ENODEV)
            walk_fail(walk, errno);
        if (below == -1)
            continue;
        walk_check_time(walk);
        if (depth == DEPTH_MOST || ++walk->directories > GROUP_GROUPS_MOST)
            walk_fail(walk, EOVERFLOW);
        else
            fn(walk, below, entry->d_name, depth + 1);
        close(below);
    }
    if (!list && errno != ENOENT && errno != ENODEV)
        walk_fail(walk, errno);
    if (list)
        closedir(list);
    else if (fd != -1)
        close(fd);
}

static void
walk_collect(struct walk *walk, int dir, const char *name, unsigned depth)
{
    (void)name;
    walk_read(walk, dir);
    walk_each(walk, dir, depth, walk_collect);
}

static void
walk_search(struct walk *walk, int dir, const char *name, unsigned depth)
{
    if (unit_is(walk->group->unit, name)) {
        walk->found = true;
        walk_collect(walk, dir, name, depth);
    } else if (unit_holds_units(name, walk->group->user)) {
        walk_each(walk, dir, depth, walk_search);
    }
}

static void
walk_tree(struct walk *walk, int root)
{
    const char *path = walk->group->path;
    int dir;

    if (walk->group->unit) {
        walk_each(walk, root, 0, walk_search);
        return;
    }
    dir = openat(root, path[1] ? path + 1 : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
    if (dir == -1) {
        if (errno != ENOENT && errno != ENOTDIR)
            walk_fail(walk, errno);
        return;
    }
    walk->found = true;
    walk_collect(walk, dir, path, 0);
    close(dir);
}

/* A tree's root, or -1. */
static int
group_root(const char *path)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd != -1 && faccessat(fd, "cgroup.procs", F_OK, 0) == -1) {
        close(fd);
        fd = -1;
    }
    return fd;
}

static int
group_compare(const void *a, const void *b)
{
    pid_t x = *(const pid_t *)a, y = *(const pid_t *)b;

    return (x > y) - (x < y);
}

static void
group_sort(struct walk *walk)
{
    size_t kept = 0;

    if (walk->count)
        qsort(walk->pids, walk->count, sizeof(*walk->pids), group_compare);
    for (size_t i = 0; i < walk->count; i++)
        if (kept == 0 || walk->pids[kept - 1] != walk->pids[i])
            walk->pids[kept++] = walk->pids[i];
    walk->count = kept;
}

int
group_take(const struct group *group, pid_t **pids, size_t *count)
{
    static const char *const roots[] = { "/sys/fs/cgroup", "/sys/fs/cgroup/unified",
                                         "/sys/fs/cgroup/systemd" };
    struct walk walk = { .group = group, .began = group_clock() };
    bool any = false;

    for (unsigned i = 0; i < sizeof(roots) / sizeof(*roots) && !walk.error; i++) {
        int root = group_root(roots[i]);

        if (root == -1)
            continue;
        walk_tree(&walk, root);
        close(root);
        any = true;
        if (i == 0)
            break; /* v2 alone */
    }
    if (walk.error || !walk.found) {
        free(walk.pids);
        return walk.error ? walk.error : any ? ENOENT : ENXIO;
    }
    group_sort(&walk);
    *pids = walk.pids;
    *count = walk.count;
    return 0;
}

/* ---- of one process ---- */

/* All on the way down to the unit's group must be such that hold units. */
static bool
group_path_of_unit(const char *at, const char *end, const struct group *group)
{
    char name[NAME_MAX + 1];

    while (at < end) {
        const char *from = at + (*at == '/');
        const char *stop = memchr(from, '/', (size_t)(end - from));
        size_t size;

        stop = stop ? stop : end;
        size = (size_t)(stop - from);
        if (size >= sizeof(name))
            return false;
        memcpy(name, from, size);
        name[size] = '\0';
        if (unit_is(group->unit, name))
            return true;
        if (!unit_holds_units(name, group->user))
            return false;
        at = stop;
    }
    return false;
}

static bool
group_path_below(const char *at, const char *end, const char *path)
{
    size_t length = strlen(path);

    while (length && path[length - 1] == '/')
        length--;
    return (size_t)(end - at) >= length && memcmp(at, path, length) == 0
           && (at + length == end || at[length] == '/');
}

/* `0::/system.slice/nginx.service`, or `1:name=systemd:/...`; the others are v1's. */
static bool
group_line(const char *line, const char *end, const struct group *group)
{
    static const char *const trees[] = { "::", ":name=systemd:" };
    const char *tree = memchr(line, ':', (size_t)(end - line));

    for (unsigned i = 0; tree && i < sizeof(trees) / sizeof(*trees); i++) {
        size_t n = strlen(trees[i]);

        if ((size_t)(end - tree) < n || memcmp(tree, trees[i], n) != 0)
            continue;
        return group->unit ? group_path_of_unit(tree + n, end, group)
                           : group_path_below(tree + n, end, group->path);
    }
    return false;
}

bool
group_parse(const char *bytes, size_t length, const struct group *group)
{
    const char *end = bytes + length;

    for (const char *line = bytes; line < end;) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));

        stop = stop ? stop : end;
        if (group_line(line, stop, group))
            return true;
        line = stop < end ? stop + 1 : end;
    }
    return false;
}

int
group_holds(const struct group *group, pid_t pid)
{
    char text[LINES_BYTES];
    ssize_t n;
    int fd, error;

    snprintf(text, sizeof(text), "/proc/%d/cgroup", (int)pid);
    fd = open(text, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return errno == ENOENT || errno == ESRCH ? 0 : -errno;
    n = read(fd, text, sizeof(text));
    error = n == -1 ? errno : 0;
    close(fd);
    if (error)
        return error == ESRCH ? 0 : -error;
    return group_parse(text, (size_t)n, group);
}
