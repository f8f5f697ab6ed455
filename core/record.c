/* SPDX-License-Identifier: Apache-2.0
 *
 * record.c - one record of the journal as bytes.  See record.h.
 */
#include "record.h"

#include "checksum.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>

enum { RECORD_CRC = 4, RECORD_SUMMED = 8, RECORD_NUMBER = 8, RECORD_KIND = 16 };

static uint32_t
record_u32(const unsigned char *at)
{
    uint32_t value;

    memcpy(&value, at, sizeof(value));
    return le32toh(value);
}

static void
record_put_u32(unsigned char *at, uint32_t value)
{
    value = htole32(value);
    memcpy(at, &value, sizeof(value));
}

static uint64_t
record_u64(const unsigned char *at)
{
    uint64_t value;

    memcpy(&value, at, sizeof(value));
    return le64toh(value);
}

static uint32_t
record_sum(const unsigned char *at, size_t length)
{
    return checksum_crc32c(0, at + RECORD_SUMMED, RECORD_HEAD - RECORD_SUMMED + length);
}

size_t
record_size(size_t length)
{
    return (RECORD_HEAD + length + RECORD_ALIGN - 1) / RECORD_ALIGN * RECORD_ALIGN;
}

size_t
record_length(const struct iovec *parts, int count)
{
    size_t length = 0;

    for (int i = 0; i < count; i++)
        length += parts[i].iov_len;
    return length;
}

unsigned char *
record_put(unsigned char *at, uint64_t number, uint32_t kind, const struct iovec *parts,
           int count)
{
    size_t length = record_length(parts, count);
    unsigned char *end = at + record_size(length), *to = at + RECORD_HEAD;

    record_put_u32(at, (uint32_t)length);
    record_put_u32(at + RECORD_CRC, 0);
    number = htole64(number);
    memcpy(at + RECORD_NUMBER, &number, sizeof(number));
    record_put_u32(at + RECORD_KIND, kind);
    for (int i = 0; i < count; i++)
        if (parts[i].iov_len) {
            memcpy(to, parts[i].iov_base, parts[i].iov_len);
            to += parts[i].iov_len;
        }
    memset(to, 0, (size_t)(end - to));
    return end;
}

static void
record_read(const unsigned char *at, struct record *record)
{
    record->number = record_u64(at + RECORD_NUMBER);
    record->kind = record_u32(at + RECORD_KIND);
    record->length = record_u32(at);
    record->payload = at + RECORD_HEAD;
}

unsigned char *
record_seal(unsigned char *at, struct record *record)
{
    record_read(at, record);
    record_put_u32(at + RECORD_CRC, record_sum(at, record->length));
    return at + record_size(record->length);
}

static bool
record_zeros(const unsigned char *at, size_t have)
{
    while (have && !*at)
        at++, have--;
    return !have;
}

enum record_taken
record_take(const unsigned char *at, size_t have, struct record *record, size_t *need)
{
    *need = RECORD_HEAD;
    if (have < RECORD_HEAD)
        return have ? RECORD_MORE : RECORD_END;
    if (record_zeros(at, RECORD_HEAD))
        return RECORD_END;
    record_read(at, record);
    if (!record->kind || record->length > RECORD_MOST)
        return RECORD_BAD;
    *need = record_size(record->length);
    if (have < *need)
        return RECORD_MORE;
    return record_u32(at + RECORD_CRC) == record_sum(at, record->length) ? RECORD_TAKEN
                                                                         : RECORD_BAD;
}
