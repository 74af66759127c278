// SPDX-License-Identifier: Apache-2.0
// An I2C bus at the level of its two wires: one master that moves SCL and SDA in any way it likes,
// and devices that follow. Start and stop are always obeyed, whatever came before; anything else
// that makes no sense is ignored until the next start. Devices never stretch the clock.
// Not modelled: time-outs of a clock that is held low, arbitration between masters, 10-bit
// addresses.
#ifndef SEVENCAST_VBOARD_I2C_BUS_H
#define SEVENCAST_VBOARD_I2C_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { I2C_MAX_DEVICES = 4 };

// Calls come byte by byte, between begin and end. ctx is the device.
struct i2c_device_ops {
    // Addressed; true: acknowledged. A repeated start comes without an end before it.
    bool (*begin)(void *ctx, bool read);
    bool (*write)(void *ctx, uint8_t byte); // true: acknowledged
    uint8_t (*read)(void *ctx);             // the next byte; it may never be clocked out whole
    void (*end)(void *ctx);                 // stop
    // A byte after the general call address 0; NULL: not listened to.
    bool (*general_call)(void *ctx, uint8_t byte);
};

struct i2c_device {
    uint8_t address; // 7 bits
    const struct i2c_device_ops *ops;
    void *ctx;
};

enum i2c_state {
    I2C_IDLE,    // no transaction, or one that nobody here takes part in
    I2C_ADDRESS, // bits come in
    I2C_WRITE,
    I2C_READ, // bits go out
    I2C_GENERAL,
};

struct i2c_bus {
    struct i2c_device device[I2C_MAX_DEVICES];
    size_t count;

    bool scl, sda; // levels of the wires
    bool pull;     // a device pulls SDA low
    enum i2c_state state;
    unsigned bits; // rising edges in this byte, 0..9
    uint8_t shift;
    bool acknowledged;         // the master's answer to a byte that was read
    struct i2c_device *active; // borrowed from device[]

    bool sda_stuck;    // fault: something holds SDA low
    uint32_t nak_left; // fault: transactions that nobody acknowledges
    uint64_t starts, stops, bytes, naks;
};

void i2c_bus_init(struct i2c_bus *b); // both wires high
// 0, or -1 when there are too many or the address is taken.
int i2c_bus_add(struct i2c_bus *b, uint8_t address, const struct i2c_device_ops *ops, void *ctx);
// The master lets go (true) or pulls down each wire; returns the level of SDA.
bool i2c_bus_drive(struct i2c_bus *b, bool scl, bool sda);

#endif
