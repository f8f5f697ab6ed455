/* SPDX-License-Identifier: Apache-2.0
 *
 * fuzz_journal.c - any bytes are a segment with so many records and a rest, and a cursor
 * or none.
 *
 * The input is a list of steps that make a file: records that are good, some of them with
 * a byte changed, holes, and raw bytes.  What is found must agree with what is read
 * record by record; and what is torn is put right by one repair.
 */
#include "cursor.h"
#include "segment.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ROOM = 64 << 10 };

static unsigned char file[ROOM];

static size_t
put(size_t at, const uint8_t *data, size_t size, uint64_t number, uint8_t step)
{
    struct record record;

    if (step % 4 == 0) { /* as they come */
        memcpy(file + at, data, size);
        return at + size;
    }
    if (step % 4 == 1) /* a hole */
        return at + size * RECORD_ALIGN;
    record_put(file + at, number, step & 0x10 ? 1 | RECORD_BESIDE : 1,
               &(struct iovec){ (void *)(uintptr_t)data, size }, 1);
    if (step & 0x20)
        record_put(file + at, number, RECORD_SNAPSHOT_END, NULL, 0), size = 0;
    record_seal(file + at, &record);
    if (step % 4 == 3)
        file[at + step % record_size(size)] ^= step;
    return at + record_size(size);
}

static size_t
make(const uint8_t *data, size_t size)
{
    size_t at = SEGMENT_HEAD;
    uint64_t number = 1;

    memset(file, 0, sizeof(file));
    while (size >= 2 && at < ROOM - 4096) {
        size_t length = data[1];

        if (length > size - 2)
            length = size - 2;
        at = put(at, data + 2, length, data[0] & 0x40 ? number : number++, data[0]);
        data += 2 + length;
        size -= 2 + length;
    }
    return at;
}

static uint64_t
count(struct disk *disk, int fd, off_t limit)
{
    struct segment_scan scan;
    struct record record;
    uint64_t records = 0;

    segment_scan_init(&scan, disk, fd, limit);
    while (segment_next(&scan, &record) == RECORD_TAKEN)
        records += !(record.kind & RECORD_BESIDE);
    if (scan.at > limit)
        abort();
    segment_scan_deinit(&scan);
    return records;
}

static void
check(struct disk *disk, int fd)
{
    struct segment_found found, after;

    segment_look(disk, fd, &found);
    if (found.end > found.size || found.end % RECORD_ALIGN
        || count(disk, fd, found.end) != found.records
        || (found.rest == SEGMENT_CLEAN) != (found.rest_length == 0))
        abort();
    if (found.rest == SEGMENT_QUARANTINED)
        return; /* it would write a file */
    if (segment_repair(disk, fd, "none", &found, true) == -1)
        abort();
    segment_look(disk, fd, &after);
    if (after.rest != SEGMENT_CLEAN || after.end != found.end
        || after.records != found.records || after.snapshot != found.snapshot)
        abort();
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct disk disk;
    static int fd = -1;
    static unsigned char bytes[CURSOR_PACKED];
    struct cursor *cursor = cursor_unpack(data, size);
    size_t length;

    if (cursor) {
        struct cursor *again = cursor_unpack(bytes,
                                             cursor_pack(cursor, UINT64_MAX - 1, bytes));

        if (!again || cursor_base(again) != cursor_base(cursor))
            abort();
        cursor_free(again);
    }
    cursor_free(cursor);
    if (fd == -1 && (!disk_init(&disk, ".") || (fd = memfd_create("segment", 0)) == -1))
        abort();
    length = make(data, size);
    if (ftruncate(fd, 0) == -1 || disk_write(&disk, fd, file, length, 0) == -1
        || ftruncate(fd, (off_t)(length + size % 64)) == -1)
        abort();
    check(&disk, fd);
    return 0;
}
