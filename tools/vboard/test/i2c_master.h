// SPDX-License-Identifier: Apache-2.0
// A bit-banging I2C master for the unit tests of what hangs on an i2c_bus.
#ifndef SEVENCAST_VBOARD_TEST_I2C_MASTER_H
#define SEVENCAST_VBOARD_TEST_I2C_MASTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/vboard/i2c_bus.h"

static inline void i2c_start(struct i2c_bus *b) // also a repeated one
{
    i2c_bus_drive(b, b->scl, true);
    i2c_bus_drive(b, true, true);
    i2c_bus_drive(b, true, false);
    i2c_bus_drive(b, false, false);
}

static inline void i2c_stop(struct i2c_bus *b)
{
    i2c_bus_drive(b, false, false);
    i2c_bus_drive(b, true, false);
    i2c_bus_drive(b, true, true);
}

static inline bool i2c_bit(struct i2c_bus *b, bool out)
{
    i2c_bus_drive(b, false, out);
    bool in = i2c_bus_drive(b, true, out);
    i2c_bus_drive(b, false, out);
    return in;
}

static inline bool i2c_send(struct i2c_bus *b, uint8_t byte) // true: acknowledged
{
    for (int i = 7; i >= 0; i--)
        i2c_bit(b, byte >> i & 1);
    return !i2c_bit(b, true);
}

static inline uint8_t i2c_receive(struct i2c_bus *b, bool ack)
{
    unsigned byte = 0;
    for (int i = 0; i < 8; i++)
        byte = byte << 1 | i2c_bit(b, true);
    i2c_bit(b, !ack);
    return (uint8_t)byte;
}

// A write of n bytes; true: all acknowledged.
static inline bool i2c_write(struct i2c_bus *b, uint8_t address, const uint8_t *data, size_t n)
{
    i2c_start(b);
    bool ok = i2c_send(b, (uint8_t)(address << 1));
    for (size_t i = 0; ok && i < n; i++)
        ok = i2c_send(b, data[i]);
    i2c_stop(b);
    return ok;
}

// Reads n bytes from a register on; false: not acknowledged.
static inline bool i2c_read_block(struct i2c_bus *b, uint8_t address, uint8_t reg, uint8_t *out,
                                  size_t n)
{
    i2c_start(b);
    bool ok = i2c_send(b, (uint8_t)(address << 1)) && i2c_send(b, reg);
    i2c_start(b);
    ok = ok && i2c_send(b, (uint8_t)(address << 1 | 1));
    for (size_t i = 0; ok && i < n; i++)
        out[i] = i2c_receive(b, i + 1 < n);
    i2c_stop(b);
    return ok;
}

// n <= 8 bytes as one big-endian number; UINT64_MAX: not acknowledged.
static inline uint64_t i2c_read(struct i2c_bus *b, uint8_t address, uint8_t reg, size_t n)
{
    uint8_t data[8];
    uint64_t v = 0;
    if (!i2c_read_block(b, address, reg, data, n))
        return UINT64_MAX;
    for (size_t i = 0; i < n; i++)
        v = v << 8 | data[i];
    return v;
}

#endif
