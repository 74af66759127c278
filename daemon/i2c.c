// SPDX-License-Identifier: Apache-2.0
#include "daemon/i2c.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { SCL = 0x01, SDA = 0x02, SDA_IN = 0x04 };

enum {
    WRITE_BITS = 0x13, // most significant bit first, changing at the falling edge
    READ_BYTES = 0x20, // sampled at the rising edge
    READ_BITS = 0x22,
    SET_LOW = 0x80,
    GET_LOW = 0x81,
    LOOPBACK_OFF = 0x85,
    DIVISOR = 0x86,
    SEND_NOW = 0x87,
    DIV5_OFF = 0x8a,
    THREE_PHASE = 0x8c,
    ADAPTIVE_OFF = 0x97,
    DRIVE_ZERO_ONLY = 0x9e,
    NO_COMMAND = 0xaa,
    BAD_COMMAND = 0xfa,
};

// 60 MHz / (2 (1 + divisor)), of which three phases take one and a half periods.
enum { CLOCK_DIVISOR = 60000000 / 3 / I2C_HZ - 1 };

// A pin command takes 100 to 200 ns at least; the bus wants 600 ns and more for each state of a
// start or stop.
enum { HOLD = 6, RECOVERY_CLOCKS = 9 };

static void put(struct i2c *b, uint8_t byte)
{
    assert(b->queued < sizeof b->queue);
    b->queue[b->queued++] = byte;
}

static void expect(struct i2c *b, int kind, uint8_t address, uint8_t *to)
{
    assert(b->answers < I2C_ANSWERS);
    b->answer[b->answers].kind = kind;
    b->answer[b->answers].address = address;
    b->answer[b->answers++].to = to;
}

// Pulls the lines in `down` low and lets go of the others.
static void pull(struct i2c *b, uint8_t down, int hold)
{
    while (hold--) {
        put(b, SET_LOW);
        put(b, 0);
        put(b, down);
    }
}

static void start(struct i2c *b, uint8_t address, bool again)
{
    if (again)
        pull(b, SCL, HOLD);
    pull(b, 0, HOLD);
    if (!again) { // an idle bus has both lines high
        put(b, GET_LOW);
        expect(b, I2C_LEVELS, address, NULL);
    }
    pull(b, SDA, HOLD);
    pull(b, SCL | SDA, 1);
}

static void stop(struct i2c *b)
{
    pull(b, SCL | SDA, HOLD);
    pull(b, SDA, HOLD);
    pull(b, 0, HOLD);
    b->transactions++;
}

// The last bit goes out by pin commands: when its clock falls the device pulls SDA down for its
// acknowledge, and a 1 that is still driven then would be a short circuit.
static void write_byte(struct i2c *b, uint8_t address, uint8_t byte)
{
    uint8_t last = byte & 1 ? 0 : SDA;
    pull(b, SCL | SDA, 1);
    put(b, WRITE_BITS);
    put(b, 6); // 7 bits
    put(b, byte);
    pull(b, SCL | last, HOLD);
    pull(b, last, HOLD);
    pull(b, SCL | last, 1);
    pull(b, SCL, 1);
    put(b, READ_BITS);
    put(b, 0);
    expect(b, I2C_ACK, address, NULL);
}

static void read_byte(struct i2c *b, uint8_t address, uint8_t *to, bool more)
{
    pull(b, SCL, 1);
    put(b, READ_BYTES);
    put(b, 0);
    put(b, 0);
    expect(b, I2C_DATA, address, to);
    pull(b, more ? SCL | SDA : SCL, 1); // acknowledged, but for the last
    put(b, WRITE_BITS);
    put(b, 0);
    put(b, more ? 0x00 : 0x80);
}

void i2c_put(struct i2c *b, uint8_t address, const uint8_t *data, size_t n)
{
    start(b, address, false);
    write_byte(b, address, (uint8_t)(address << 1));
    for (size_t i = 0; i < n; i++)
        write_byte(b, address, data[i]);
    stop(b);
}

void i2c_get(struct i2c *b, uint8_t address, uint8_t reg, uint8_t *to, size_t n)
{
    start(b, address, false);
    write_byte(b, address, (uint8_t)(address << 1));
    write_byte(b, address, reg);
    start(b, address, true);
    write_byte(b, address, (uint8_t)(address << 1 | 1));
    for (size_t i = 0; i < n; i++)
        read_byte(b, address, to + i, i + 1 < n);
    stop(b);
}

static int exchange(struct i2c *b, uint8_t *answers, size_t want)
{
    put(b, SEND_NOW);
    int r = b->port.exchange(b->port.arg, b->queue, b->queued, answers, want);
    b->queued = b->answers = 0;
    if (r < 0)
        snprintf(b->why, sizeof b->why, "the I2C master does not answer");
    return r;
}

// A device that was left in the middle of a byte lets go of SDA after at most nine clocks.
static enum i2c_status recover(struct i2c *b)
{
    uint8_t level;
    b->stuck++;
    for (int i = 0; i < RECOVERY_CLOCKS; i++) {
        pull(b, SCL, HOLD);
        pull(b, 0, HOLD);
    }
    stop(b);
    put(b, GET_LOW);
    if (exchange(b, &level, 1) < 0)
        return I2C_LINK;
    bool free = (level & (SCL | SDA_IN)) == (SCL | SDA_IN);
    snprintf(b->why, sizeof b->why, "the I2C bus was held low%s",
             free ? " and let go after nine clocks" : ", nine clocks did not free it");
    return I2C_STUCK;
}

static enum i2c_status judge(struct i2c *b, const struct i2c_answer *a, uint8_t byte)
{
    if (a->kind == I2C_DATA) {
        *a->to = byte;
    } else if (a->kind == I2C_LEVELS && (byte & (SCL | SDA_IN)) != (SCL | SDA_IN)) {
        return I2C_STUCK;
    } else if (a->kind == I2C_ACK && (byte & 1)) {
        b->naks++;
        snprintf(b->why, sizeof b->why, "0x%02x does not acknowledge", a->address);
        return I2C_NAK;
    }
    return I2C_OK;
}

enum i2c_status i2c_flush(struct i2c *b)
{
    uint8_t bytes[I2C_ANSWERS];
    size_t n = b->answers;
    if (exchange(b, bytes, n) < 0)
        return I2C_LINK;
    enum i2c_status first = I2C_OK;
    for (size_t i = 0; i < n && first == I2C_OK; i++)
        first = judge(b, &b->answer[i], bytes[i]);
    return first == I2C_STUCK ? recover(b) : first;
}

enum i2c_status i2c_init(struct i2c *b, const struct i2c_port *port)
{
    uint8_t echo[2];
    memset(b, 0, sizeof *b);
    b->port = *port;
    const uint8_t setup[] = {DIV5_OFF, ADAPTIVE_OFF,         THREE_PHASE,       LOOPBACK_OFF,
                             DIVISOR,  CLOCK_DIVISOR & 0xff, CLOCK_DIVISOR >> 8};
    for (size_t i = 0; i < sizeof setup; i++)
        put(b, setup[i]);
    if (port->drives_zero_only) {
        put(b, DRIVE_ZERO_ONLY);
        put(b, SCL | SDA);
        put(b, 0);
    }
    pull(b, 0, 1);
    put(b, NO_COMMAND); // what is no command is echoed: then both sides count bytes alike
    if (exchange(b, echo, sizeof echo) < 0)
        return I2C_LINK;
    if (echo[0] == BAD_COMMAND && echo[1] == NO_COMMAND)
        return I2C_OK;
    snprintf(b->why, sizeof b->why, "the chip's MPSSE answers 0x%02x 0x%02x", echo[0], echo[1]);
    return I2C_LINK;
}
