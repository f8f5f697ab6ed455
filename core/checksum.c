/* SPDX-License-Identifier: Apache-2.0
 *
 * checksum.c - CRC32C, by the processor's instruction or by tables.  See checksum.h.
 */
#include "checksum.h"

#include <endian.h>
#include <pthread.h>
#include <string.h>

enum { CHECKSUM_SLICES = 8 };

#define CHECKSUM_POLYNOMIAL UINT32_C(0x82F63B78) /* Castagnoli's, its bits reversed */

static pthread_once_t checksum_once = PTHREAD_ONCE_INIT;
static uint32_t checksum_table[CHECKSUM_SLICES][256];

/* table[k][b] is what the byte b does to the sum when k bytes follow it. */
static void
checksum_fill(void)
{
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t sum = byte;

        for (int bit = 0; bit < 8; bit++)
            sum = sum & 1 ? sum >> 1 ^ CHECKSUM_POLYNOMIAL : sum >> 1;
        checksum_table[0][byte] = sum;
    }
    for (int slice = 1; slice < CHECKSUM_SLICES; slice++)
        for (int byte = 0; byte < 256; byte++) {
            uint32_t sum = checksum_table[slice - 1][byte];

            checksum_table[slice][byte] = sum >> 8 ^ checksum_table[0][sum & 0xFF];
        }
}

uint32_t
checksum_by_table(uint32_t before, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint32_t sum = ~before;

    pthread_once(&checksum_once, checksum_fill);
    for (; length >= 8; length -= 8, at += 8) {
        uint64_t word;
        uint32_t next = 0;

        memcpy(&word, at, sizeof(word));
        word = le64toh(word) ^ sum;
        for (int slice = 0; slice < CHECKSUM_SLICES; slice++)
            next ^= checksum_table[7 - slice][word >> 8 * slice & 0xFF];
        sum = next;
    }
    for (; length; length--, at++)
        sum = sum >> 8 ^ checksum_table[0][(sum ^ *at) & 0xFF];
    return ~sum;
}

#if defined(__x86_64__)

__attribute__((target("sse4.2"))) static uint32_t
checksum_by_instruction(uint32_t before, const void *bytes, size_t length)
{
    const unsigned char *at = bytes;
    uint64_t sum = ~before;

    for (; length >= 8; length -= 8, at += 8) {
        uint64_t word;

        memcpy(&word, at, sizeof(word));
        sum = __builtin_ia32_crc32di(sum, word);
    }
    for (; length; length--, at++)
        sum = __builtin_ia32_crc32qi((uint32_t)sum, *at);
    return ~(uint32_t)sum;
}

uint32_t
checksum_crc32c(uint32_t before, const void *bytes, size_t length)
{
    return __builtin_cpu_supports("sse4.2")
               ? checksum_by_instruction(before, bytes, length)
               : checksum_by_table(before, bytes, length);
}

#else

uint32_t
checksum_crc32c(uint32_t before, const void *bytes, size_t length)
{
    return checksum_by_table(before, bytes, length);
}

#endif
