/* SPDX-License-Identifier: Apache-2.0
 *
 * record.h - one record of the journal as bytes.  Pure: it knows no file.
 *
 *   u32 length of the payload   u32 CRC32C of all that follows it, without the padding
 *   u64 number   u32 kind   payload   zeros up to a multiple of eight
 *
 * All of it little endian.  Twenty zeros, or fewer at the end of what there is, are the
 * end: no record has the kind 0.
 */
#ifndef CORE_RECORD_H
#define CORE_RECORD_H

#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum {
    RECORD_HEAD = 20,
    RECORD_ALIGN = 8,
    RECORD_MOST = 16 << 20 /* bytes of a payload */
};

/* Set in the kind of what the journal's writer puts between the records that were
 * appended: snapshots and checkpoints.  Such a record has no number of its own; it bears
 * that of the next one that has. */
#define RECORD_BESIDE UINT32_C(0x80000000)
#define RECORD_SNAPSHOT_END                                                              \
    UINT32_C(0xFFFFFFFF) /* all before it in its file is a snapshot */

struct record {
    uint64_t number;
    uint32_t kind; /* never 0 */
    size_t length;
    const unsigned char *payload; /* within the bytes it was taken from */
};

enum record_taken {
    RECORD_TAKEN,
    RECORD_END, /* zeros, or nothing more */
    RECORD_BAD, /* no record, or one that does not agree with its checksum */
    RECORD_MORE /* cannot be told without more bytes */
};

/* The bytes that a payload of this length takes as a record. */
size_t record_size(size_t length);
size_t record_length(const struct iovec *parts, int count); /* of a payload in parts */

/* Writes a record whose payload is these parts; the checksum is left for record_seal, so
 * that a thread that must not be held need not compute it.  Returns where it ends. */
unsigned char *record_put(unsigned char *at, uint64_t number, uint32_t kind,
                          const struct iovec *parts, int count);
/* Gives a record as put its checksum and tells what it is; returns where it ends. */
unsigned char *record_seal(unsigned char *at, struct record *record);

/* What is at these bytes.  RECORD_MORE: need is how many it takes at least. */
enum record_taken record_take(const unsigned char *at, size_t have, struct record *record,
                              size_t *need);

#endif
