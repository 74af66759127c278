// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/i2c_bus.h"

#include <string.h>

enum { BYTE_BITS = 8, ACK_BIT = 9 };

void i2c_bus_init(struct i2c_bus *b)
{
    *b = (struct i2c_bus){.scl = true, .sda = true};
}

static struct i2c_device *find(struct i2c_bus *b, uint8_t address)
{
    for (size_t i = 0; i < b->count; i++) {
        if (b->device[i].address == address)
            return &b->device[i];
    }
    return NULL;
}

int i2c_bus_add(struct i2c_bus *b, uint8_t address, const struct i2c_device_ops *ops, void *ctx)
{
    if (b->count == I2C_MAX_DEVICES || find(b, address))
        return -1;
    b->device[b->count++] = (struct i2c_device){.address = address, .ops = ops, .ctx = ctx};
    return 0;
}

static void on_start(struct i2c_bus *b)
{
    b->starts++;
    b->state = I2C_ADDRESS;
    b->bits = 0;
    b->shift = 0;
    b->pull = false;
}

static void on_stop(struct i2c_bus *b)
{
    b->stops++;
    if (b->active)
        b->active->ops->end(b->active->ctx);
    b->active = NULL;
    b->state = I2C_IDLE;
    b->pull = false;
}

static bool take_address(struct i2c_bus *b)
{
    bool read = b->shift & 1;
    uint8_t address = b->shift >> 1;
    struct i2c_device *d = find(b, address);
    if (b->active && b->active != d)
        b->active->ops->end(b->active->ctx);
    b->active = NULL;
    b->state = I2C_IDLE;
    if (b->nak_left) {
        b->nak_left--;
        return false;
    }
    if (!address && !read) {
        for (size_t i = 0; i < b->count; i++) {
            if (b->device[i].ops->general_call)
                b->state = I2C_GENERAL;
        }
        return b->state == I2C_GENERAL;
    }
    if (!d || !d->ops->begin(d->ctx, read))
        return false;
    b->active = d;
    b->state = read ? I2C_READ : I2C_WRITE;
    return true;
}

static bool general_call(struct i2c_bus *b)
{
    bool any = false;
    for (size_t i = 0; i < b->count; i++) {
        const struct i2c_device *d = &b->device[i];
        if (d->ops->general_call)
            any |= d->ops->general_call(d->ctx, b->shift);
    }
    return any;
}

// A whole byte has come; true: pull SDA low for the acknowledgement.
static bool take_byte(struct i2c_bus *b)
{
    b->bytes++;
    bool ack = b->state == I2C_ADDRESS ? take_address(b)
               : b->state == I2C_WRITE ? b->active->ops->write(b->active->ctx, b->shift)
                                       : general_call(b);
    if (!ack)
        b->naks++;
    return ack;
}

static void next_read_byte(struct i2c_bus *b)
{
    b->shift = b->active->ops->read(b->active->ctx);
    b->bytes++;
    b->pull = !(b->shift & 0x80);
}

static void scl_rises(struct i2c_bus *b)
{
    if (b->state == I2C_IDLE)
        return;
    b->bits++;
    if (b->bits <= BYTE_BITS && b->state != I2C_READ)
        b->shift = (uint8_t)(b->shift << 1 | b->sda);
    if (b->bits == ACK_BIT)
        b->acknowledged = !b->sda;
}

// Devices change SDA only here, while SCL is low.
static void scl_falls(struct i2c_bus *b)
{
    if (b->state == I2C_IDLE) {
        b->pull = false;
        return;
    }
    if (b->bits < BYTE_BITS) {
        // after a start the clock falls before the first bit
        b->pull = b->state == I2C_READ && !(b->shift << b->bits & 0x80);
    } else if (b->bits == BYTE_BITS) {
        b->pull = b->state != I2C_READ && take_byte(b);
    } else {
        b->bits = 0;
        b->pull = false;
        // a read's first byte follows the acknowledged address, the others what the master wants
        if (b->state == I2C_READ && b->acknowledged)
            next_read_byte(b);
        else if (b->state == I2C_READ || !b->acknowledged)
            b->state = I2C_IDLE;
    }
}

bool i2c_bus_drive(struct i2c_bus *b, bool scl, bool sda)
{
    bool level = sda && !b->pull && !b->sda_stuck;
    if (scl && b->scl && level != b->sda) {
        b->sda = level;
        if (level)
            on_stop(b);
        else
            on_start(b);
    } else {
        bool rises = scl && !b->scl, falls = !scl && b->scl;
        // Edges at once: SCL falls first and rises last, so that data changes while it is low.
        b->scl = scl;
        if (falls)
            scl_falls(b);
        b->sda = sda && !b->pull && !b->sda_stuck;
        if (rises)
            scl_rises(b);
    }
    b->sda = sda && !b->pull && !b->sda_stuck;
    return b->sda;
}
