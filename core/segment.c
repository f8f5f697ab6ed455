/* SPDX-License-Identifier: Apache-2.0
 *
 * segment.c - one file of the journal: made, appended to, read.  See segment.h.
 */
#include "segment.h"

#include "checksum.h"
#include "fault.h"
#include "memory.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { SEGMENT_CHUNK = 128 << 10, SEGMENT_AHEAD = 256 << 10, SEGMENT_DIGITS = 20 };

/* ---- the name and the head ---- */

static const char segment_prefix[] = "journal.";

char *
segment_name(char name[SEGMENT_NAME], uint64_t first)
{
    snprintf(name, SEGMENT_NAME, "%s%020" PRIu64, segment_prefix, first);
    return name;
}

bool
segment_number(const char *name, uint64_t *first)
{
    const char *digits = name + sizeof(segment_prefix) - 1;

    if (strncmp(name, segment_prefix, sizeof(segment_prefix) - 1) != 0
        || strlen(digits) != SEGMENT_DIGITS
        || strspn(digits, "0123456789") != SEGMENT_DIGITS)
        return false;
    errno = 0;
    *first = strtoull(digits, NULL, 10);
    return errno == 0 && *first;
}

/* As it lies on the disk, little endian. */
struct segment_bytes {
    char magic[8];
    uint32_t version, unused;
    uint64_t first;
    uint32_t unused_too, sum;
};
_Static_assert(sizeof(struct segment_bytes) == SEGMENT_HEAD, "the head is 32 bytes");

static const char segment_magic[8] = { 'S', 'O', 'N', 'D', 'E', 'J', '\r', '\n' };

static uint32_t
segment_sum(const struct segment_bytes *bytes)
{
    return htole32(checksum_crc32c(0, bytes, offsetof(struct segment_bytes, sum)));
}

void
segment_put_head(unsigned char head[SEGMENT_HEAD], uint64_t first)
{
    struct segment_bytes bytes = { .version = htole32(SEGMENT_VERSION),
                                   .first = htole64(first) };

    memcpy(bytes.magic, segment_magic, sizeof(bytes.magic));
    bytes.sum = segment_sum(&bytes);
    memcpy(head, &bytes, sizeof(bytes));
}

/* A newer format may have another head behind the version, so that is looked at first. */
enum segment_head
segment_take_head(struct disk *disk, int fd, uint64_t *first)
{
    struct segment_bytes bytes;

    if (disk_read(disk, fd, &bytes, sizeof(bytes), 0) != sizeof(bytes)
        || memcmp(bytes.magic, segment_magic, sizeof(bytes.magic)) != 0)
        return SEGMENT_DAMAGED;
    if (le32toh(bytes.version) > SEGMENT_VERSION)
        return SEGMENT_NEWER;
    *first = le64toh(bytes.first);
    return bytes.sum == segment_sum(&bytes) ? SEGMENT_OURS : SEGMENT_DAMAGED;
}

/* ---- writing ---- */

int
segment_prepare(struct disk *disk, struct segment *segment, off_t size)
{
    int error;

    *segment = (struct segment){ .size = size };
    fault_point("create");
    segment->fd = disk->calls->open(disk, SEGMENT_NEW, O_RDWR | O_CREAT | O_TRUNC);
    if (segment->fd == -1)
        return -1;
    fault_point("allocate");
    if (disk->calls->allocate(disk, segment->fd, size) == 0
        && segment_sync(disk, segment) == 0)
        return 0;
    error = errno;
    segment_close(disk, segment);
    disk->calls->unlink(disk, SEGMENT_NEW); /* what it has got of a full disk */
    errno = error;
    return -1;
}

int
segment_commit(struct disk *disk, struct segment *segment, uint64_t first)
{
    char name[SEGMENT_NAME];

    segment->first = first;
    fault_point("rename");
    if (disk->calls->rename(disk, SEGMENT_NEW, segment_name(name, first)) == -1)
        return -1;
    fault_point("directory-sync");
    return disk->calls->sync_directory(disk);
}

int
segment_append(struct disk *disk, struct segment *segment, const void *bytes,
               size_t length)
{
    fault_point("write");
    if (disk_write(disk, segment->fd, bytes, length, segment->end) == -1)
        return -1;
    segment->end += (off_t)length;
    return 0;
}

void
segment_zero_ahead(struct disk *disk, struct segment *segment)
{
    static char zeros[SEGMENT_AHEAD]; /* a const one would lie in the program's file */
    off_t length = segment->size - segment->end;

    if (segment->end <= segment->filled || length <= 0)
        return;
    if (length > SEGMENT_AHEAD)
        length = SEGMENT_AHEAD;
    if (disk_write(disk, segment->fd, zeros, (size_t)length, segment->end) == 0)
        segment->filled = segment->end + length;
    else
        segment->filled = segment->size; /* not tried again here */
}

int
segment_sync(struct disk *disk, const struct segment *segment)
{
    fault_point("sync");
    return disk->calls->sync(disk, segment->fd);
}

void
segment_close(struct disk *disk, struct segment *segment)
{
    if (segment->fd != -1)
        disk->calls->close(disk, segment->fd);
    segment->fd = -1;
}

/* ---- reading ---- */

void
segment_scan_init(struct segment_scan *scan, struct disk *disk, int fd, off_t limit)
{
    *scan = (struct segment_scan){
        .disk = disk, .fd = fd, .at = SEGMENT_HEAD, .from = SEGMENT_HEAD, .limit = limit
    };
}

void
segment_scan_deinit(struct segment_scan *scan)
{
    free(scan->bytes);
    scan->bytes = NULL;
}

/* At least need bytes from the next record on, if the file has them before the limit.
 * False: it has not, or cannot be read. */
static bool
segment_fill(struct segment_scan *scan, size_t need)
{
    size_t skip = (size_t)(scan->at - scan->from), left;
    ssize_t got;

    if ((off_t)need > scan->limit - scan->at)
        return false;
    scan->have -= skip;
    if (scan->room < need || !scan->bytes) {
        scan->room = need > SEGMENT_CHUNK ? need : SEGMENT_CHUNK;
        scan->bytes = memory_grow(scan->bytes, scan->room, 1);
    }
    memmove(scan->bytes, scan->bytes + skip, scan->have);
    scan->from = scan->at;
    left = (size_t)(scan->limit - scan->from);
    left = (left < scan->room ? left : scan->room) - scan->have;
    got = disk_read(scan->disk, scan->fd, scan->bytes + scan->have, left,
                    scan->from + (off_t)scan->have);
    scan->error = got == -1 ? errno : 0;
    scan->have += got > 0 ? (size_t)got : 0;
    return scan->have >= need;
}

/* What is left is too short for what it begins to be. */
static enum record_taken
segment_stub(struct segment_scan *scan)
{
    size_t skip = (size_t)(scan->at - scan->from);

    if (scan->error)
        return RECORD_BAD;
    for (size_t i = skip; i < scan->have; i++)
        if (scan->bytes[i])
            return RECORD_BAD;
    return RECORD_END;
}

enum record_taken
segment_next(struct segment_scan *scan, struct record *record)
{
    size_t need = 0;

    for (;;) {
        size_t skip = (size_t)(scan->at - scan->from), have = scan->have - skip, more;
        enum record_taken taken;

        if (!have) {
            more = (size_t)(scan->limit - scan->at);
            if (scan->limit <= scan->at)
                return RECORD_END;
            if (!segment_fill(scan, more < RECORD_HEAD ? more : RECORD_HEAD))
                return segment_stub(scan);
            continue;
        }
        taken = record_take(scan->bytes + skip, have, record, &need);
        if (taken == RECORD_TAKEN)
            scan->at += (off_t)need;
        if (taken != RECORD_MORE)
            return taken;
        if (!segment_fill(scan, need))
            return segment_stub(scan);
    }
}
