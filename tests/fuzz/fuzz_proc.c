/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_proc.c - the texts that the process probe reads: a line of /proc/PID/stat, whose
 * name the process chose, a command line, the first bytes of a pidfile, figures of
 * memory, a unit's name, the groups of a process and the processes of a group, and what
 * the kernel's proc connector sends.
 *
 * Each reader gets the same bytes, in a block of just that size.  What it answers must be
 * what the text says, as far as that can be told in a simpler way.
 */
#include "probe_process/connector.h"
#include "probe_process/group.h"
#include "probe_process/pidfile.h"
#include "probe_process/pidstat.h"
#include "probe_process/procfs.h"
#include "probe_process/unit.h"
#include "probe_process/usage.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { PID_MOST = 4194304 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
must(bool holds)
{
    if (!holds)
        abort();
}

/* The name is all between the first parenthesis and the last, and nothing in it counts
 * for a field. */
static void
read_stat(const char *bytes, size_t length)
{
    struct pidstat stat, again;
    const char *open, *close;
    size_t name;

    if (!pidstat_parse(bytes, length, &stat))
        return;
    open = memchr(bytes, '(', length);
    close = memrchr(bytes, ')', length);
    must(open && close && open < close && close + 2 < bytes + length);
    name = (size_t)(close - open - 1);
    name = name < PIDSTAT_NAME ? name : PIDSTAT_NAME - 1;
    must(memcmp(stat.name, open + 1, name) == 0 && stat.name[name] == '\0');
    must(stat.pid > 0 && stat.pid == atol(bytes));
    must(stat.state == close[2]);
    must(!stat.alive || (stat.state != 'Z' && stat.state != 'X') || stat.threads > 1);
    must(pidstat_parse(bytes, length, &again)
         && memcmp(&stat, &again, sizeof(stat)) == 0);
}

static void
read_pidfile(const char *bytes, size_t length)
{
    pid_t pid = pidfile_parse(bytes, length);
    size_t at = 0;

    must(pid >= 0 && pid <= PID_MOST);
    while (pid && (bytes[at] == ' ' || bytes[at] == '\t'))
        at++;
    must(!pid || isdigit((unsigned char)bytes[at]));
}

static void
read_cmdline(const char *bytes, size_t length)
{
    char *copy = malloc(length + 1);
    size_t joined;

    memcpy(copy, bytes, length);
    joined = procfs_join(copy, length);
    must(joined <= length && strlen(copy) == joined);
    must(joined == 0 || copy[joined - 1] != ' ');
    for (size_t i = 0; i < joined; i++)
        must(copy[i] == (bytes[i] ? bytes[i] : ' '));
    free(copy);
}

/* A group's directory may have one _ before the unit's name. */
static void
read_unit(const char *bytes, size_t length)
{
    char *directory = malloc(length + 2), *name = directory + 1;
    const char *why;

    directory[0] = '_';
    memcpy(name, bytes, length);
    name[length] = '\0';
    why = unit_check(name);
    must(!why || *why);
    must(why || (strlen(name) <= 255 && !strchr(name, '/')));
    must(unit_is(name, directory));
    must(!unit_holds_units(name, -1) || unit_holds_units(name, 7));
    free(directory);
}

/* Whatever units there are, the same text holds no more of them where the manager of
 * a user is left out; and all that is in a group is in the root. */
static void
read_groups(const char *bytes, size_t length)
{
    const struct group system = { .unit = "a.service", .user = -1 };
    const struct group user = { .unit = "a.service", .user = 7 };
    const struct group path = { .path = "/a/b" }, root = { .path = "/" };

    must(!group_parse(bytes, length, &system) || group_parse(bytes, length, &user));
    must(!group_parse(bytes, length, &user) || memmem(bytes, length, "a.service", 9));
    must(!group_parse(bytes, length, &path) || memmem(bytes, length, ":/a/b", 5));
    must(!group_parse(bytes, length, &path) || group_parse(bytes, length, &root));
}

static void
read_members(const char *bytes, size_t length)
{
    const char *at = bytes, *end = bytes + length;
    size_t lines = 0, ends = 0;
    pid_t pid;

    for (; group_next(&at, end, &pid); lines++) {
        must(pid >= 0 && pid <= PID_MOST);
        must(at > bytes && at <= end && at[-1] == '\n');
    }
    for (size_t i = 0; i < length; i++)
        ends += bytes[i] == '\n';
    must(lines == ends && !memchr(at, '\n', (size_t)(end - at)));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *bytes = malloc(size ? size : 1);
    uint64_t pss;

    if (size)
        memcpy(bytes, data, size);
    read_stat(bytes, size);
    read_pidfile(bytes, size);
    read_cmdline(bytes, size);
    read_unit(bytes, size);
    read_groups(bytes, size);
    read_members(bytes, size);
    (void)usage_pss_parse(bytes, size, &pss);
    must(connector_parse(bytes, size) >= 0);
    free(bytes);
    return 0;
}
