/* SPDX-License-Identifier: Apache-2.0
 *
 * checksum.h - CRC32C (Castagnoli), the checksum of what is kept on the disk.
 *
 * It finds what a disk or a crash did to bytes; it is no protection against somebody who
 * means to change them.
 */
#ifndef CORE_CHECKSUM_H
#define CORE_CHECKSUM_H

#include <stddef.h>
#include <stdint.h>

/* Of these bytes; before is 0, or what the bytes before them gave. */
uint32_t checksum_crc32c(uint32_t before, const void *bytes, size_t length);

/* The same without the processor's instruction, for a test and for other processors. */
uint32_t checksum_by_table(uint32_t before, const void *bytes, size_t length);

#endif
