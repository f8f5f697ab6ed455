/* SPDX-License-Identifier: Apache-2.0
 *
 * segment_repair.c - a segment after a crash: where its good records end, and what
 * becomes of the rest.  See segment.h.
 *
 * Writes that were not synced may be on the disk in part and in any order.  So the rest
 * is looked at whole: what is zeros was never written; what holds no good record was
 * being written; where a good record stands behind a bad one, something that had been
 * good was damaged, and a copy is kept.  Nothing but zeros may stay behind the end, or it
 * would be taken for records some day.
 */
#include "segment.h"

#include "fault.h"
#include "memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

/* How much of a rest is searched, and how many bytes are summed for it: a rest that is
 * made of lengths must not hold up a start.  What is beyond counts as damaged. */
enum { SEGMENT_SEARCHED = 64 << 20, SEGMENT_SUMMED = 256 << 20 };

static void
segment_walk(struct disk *disk, int fd, struct segment_found *found)
{
    struct segment_scan scan;
    struct record record;
    bool snapshot = true; /* only records of a snapshot until now */

    segment_scan_init(&scan, disk, fd, found->size);
    while (segment_next(&scan, &record) == RECORD_TAKEN) {
        if (record.kind == RECORD_SNAPSHOT_END && snapshot)
            found->snapshot = true;
        if (record.kind & RECORD_BESIDE)
            continue;
        if (record.number <= found->last) {
            scan.at -= (off_t)record_size(record.length); /* none of ours stands there */
            break;
        }
        snapshot = false;
        found->last = record.number;
        found->records++;
    }
    found->end = scan.at;
    found->error = scan.error;
    segment_scan_deinit(&scan);
}

static bool
segment_has_record(const unsigned char *bytes, size_t length)
{
    size_t summed = 0;

    for (size_t at = RECORD_ALIGN; at + RECORD_HEAD <= length; at += RECORD_ALIGN) {
        struct record record;
        size_t need;

        if (!bytes[at + 16] && !bytes[at + 17] && !bytes[at + 18] && !bytes[at + 19])
            continue; /* the kind 0: most of what there is */
        switch (record_take(bytes + at, length - at, &record, &need)) {
        case RECORD_TAKEN:
            return true;
        case RECORD_BAD:
            summed += record.length <= RECORD_MOST ? record.length : 0;
            if (summed > SEGMENT_SUMMED)
                return true;
            break;
        default:
            break;
        }
    }
    return false;
}

static void
segment_look_behind(struct disk *disk, int fd, struct segment_found *found)
{
    off_t left = found->size - found->end;
    size_t most = left < SEGMENT_SEARCHED ? (size_t)left : SEGMENT_SEARCHED;
    AUTO_FREE unsigned char *rest = memory_new(most);
    ssize_t have = disk_read(disk, fd, rest, most, found->end);

    if (have == -1) {
        found->error = errno;
        found->rest = SEGMENT_QUARANTINED;
        found->rest_length = left;
        return;
    }
    while (have && !rest[have - 1])
        have--;
    found->rest_length = left > SEGMENT_SEARCHED ? left : have;
    if (left > SEGMENT_SEARCHED || segment_has_record(rest, (size_t)have))
        found->rest = SEGMENT_QUARANTINED;
    else if (have)
        found->rest = SEGMENT_TORN;
}

void
segment_look(struct disk *disk, int fd, struct segment_found *found)
{
    off_t size = disk->calls->size(disk, fd);

    *found = (struct segment_found){ .size = size > SEGMENT_HEAD ? size : SEGMENT_HEAD };
    segment_walk(disk, fd, found);
    if (found->error) {
        found->rest = SEGMENT_QUARANTINED;
        found->rest_length = found->size - found->end;
    } else if (found->end < found->size)
        segment_look_behind(disk, fd, found);
}

enum { SEGMENT_PIECE = 64 << 10 };

/* Of one file, to a place in the same or in another. */
static int
segment_copy(struct disk *disk, int from, off_t at, off_t length, int to, off_t to_at)
{
    AUTO_FREE unsigned char *bytes = memory_new(SEGMENT_PIECE);

    while (length > 0) {
        size_t piece = length < SEGMENT_PIECE ? (size_t)length : SEGMENT_PIECE;
        ssize_t got = disk_read(disk, from, bytes, piece, at);

        if (got <= 0)
            break; /* what cannot be read cannot be kept */
        if (disk_write(disk, to, bytes, (size_t)got, to_at) == -1)
            return -1;
        at += got, to_at += got, length -= got;
    }
    return disk->calls->sync(disk, to);
}

static int
segment_quarantine(struct disk *disk, int fd, const char *name,
                   const struct segment_found *found)
{
    char bad[SEGMENT_NAME + 4];
    int to, result = -1;
    off_t behind;

    snprintf(bad, sizeof(bad), "%s.bad", name);
    fault_point("quarantine");
    to = disk->calls->open(disk, bad, O_RDWR | O_CREAT);
    if (to == -1)
        return -1;
    /* Behind what an earlier repair put there: what was kept once is not lost later. */
    behind = disk->calls->size(disk, to);
    if (behind != -1)
        result = segment_copy(disk, fd, found->end, found->rest_length, to, behind);
    disk->calls->close(disk, to);
    return result == -1 ? -1 : disk->calls->sync_directory(disk);
}

static int
segment_cut(struct disk *disk, int fd, const char *name,
            const struct segment_found *found, bool newest)
{
    if (found->rest == SEGMENT_QUARANTINED
        && segment_quarantine(disk, fd, name, found) == -1)
        return -1;
    fault_point("cut");
    if (disk->calls->truncate(disk, fd, found->end) == -1)
        return -1;
    return newest ? disk->calls->allocate(disk, fd, found->size) : 0;
}

/* The newest is written once more where it stands: the process before may have been
 * killed after a sync that failed, and then what can be read is in the kernel's memory
 * only, and counts there as written.  An older one was synced before a newer one got its
 * name. */
int
segment_repair(struct disk *disk, int fd, const char *name,
               const struct segment_found *found, bool newest)
{
    if (found->rest != SEGMENT_CLEAN && segment_cut(disk, fd, name, found, newest) == -1)
        return -1;
    if (!newest)
        return disk->calls->sync(disk, fd);
    fault_point("rewrite");
    return segment_copy(disk, fd, 0, found->end, fd, 0);
}
