/* SPDX-License-Identifier: Apache-2.0
 *
 * disk.c - how full a file system is, as a person would see it in df.
 *
 * A blocking probe: statvfs() may hang on a network mount that is gone, so it runs
 * on a worker.  It does not watch inodes or I/O rates.
 */
#include <sonde/plugin.h>

#include <errno.h>
#include <string.h>
#include <sys/statvfs.h>

struct disk {
    const char *path;
    double warning, critical;
};

static const struct sonde_option options[] = {
    SONDE_STRING(struct disk, path, .required = true,
                 .help = "any path on the file system"),
    SONDE_REAL(struct disk, warning, .fallback = "80", .max = 100,
               .help = "percent used that is DEGRADED"),
    SONDE_REAL(struct disk, critical, .fallback = "90", .max = 100,
               .help = "percent used that is DOWN"),
    { 0 }
};

static int
disk_open(struct sonde_instance *self)
{
    const struct disk *disk = sonde_private(self);

    if (disk->warning > disk->critical)
        return sonde_fail(self, "warning", "is above critical (%g)", disk->critical);
    return 0;
}

static enum sonde_state
disk_run(struct sonde_instance *self, struct sonde_event *event)
{
    const struct disk *disk = sonde_private(self);
    struct statvfs fs;

    if (statvfs(disk->path, &fs) == -1) {
        sonde_reason(event, SONDE_OTHER, "%s: %s", disk->path, strerror(errno));
        return SONDE_UNKNOWN;
    }

    /* What only root may use counts neither as used nor as free, as in df. */
    double used = (double)(fs.f_blocks - fs.f_bfree), free = (double)fs.f_bavail;
    double percent = used + free > 0 ? 100 * used / (used + free) : 0;
    bool down = percent >= disk->critical, degraded = percent >= disk->warning;

    sonde_metric(event, "used", percent, "percent");
    sonde_metric(event, "free", free * (double)fs.f_frsize, "bytes");
    sonde_reason(event, down || degraded ? SONDE_LIMIT : SONDE_OK, "%s is %.0f%% full",
                 disk->path, percent);
    return down ? SONDE_DOWN : degraded ? SONDE_DEGRADED : SONDE_UP;
}

static const struct sonde_probe probe = {
    .name = "disk",
    .summary = "space used on a file system",
    .size = sizeof(struct disk),
    .options = options,
    .open = disk_open,
    .run = disk_run,
};

SONDE_PLUGIN(probe);
