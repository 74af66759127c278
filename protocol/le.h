// SPDX-License-Identifier: Apache-2.0
// Little-endian integers of 1 to 8 bytes at any alignment.
#ifndef SEVENCAST_PROTOCOL_LE_H
#define SEVENCAST_PROTOCOL_LE_H

#include <stdint.h>

static inline void le_put(uint8_t *at, uint64_t value, unsigned bytes)
{
    for (unsigned i = 0; i < bytes; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

static inline uint64_t le_get(const uint8_t *at, unsigned bytes)
{
    uint64_t value = 0;
    for (unsigned i = bytes; i > 0; i--)
        value = value << 8 | at[i - 1];
    return value;
}

#endif
