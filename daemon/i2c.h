// SPDX-License-Identifier: Apache-2.0
// An I2C master on an FTDI chip's MPSSE (FTDI AN_108): SCL on AD0, SDA on AD1 and AD2 tied
// together, both with pull-ups. Lines are pulled down or let go of by the direction of their pins.
//
// Transactions are queued and go out together at a flush, one USB exchange. The first that fails
// names the flush; whatever it says, nothing that was read in that flush may be used.
#ifndef SEVENCAST_DAEMON_I2C_H
#define SEVENCAST_DAEMON_I2C_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { I2C_HZ = 400000, I2C_QUEUE_BYTES = 8192, I2C_ANSWERS = 512, I2C_EXCHANGE_MS = 100 };

enum i2c_status {
    I2C_OK,
    I2C_NAK,   // nobody acknowledged an address or a byte
    I2C_STUCK, // a line was low when the bus should have been idle; nine clocks have been tried
    I2C_LINK,  // the FTDI chip did not answer, or not as it should: open it again
};

// The way to the chip. Sends n bytes and waits for exactly want answer bytes, at most
// I2C_EXCHANGE_MS. 0, or -1.
struct i2c_port {
    int (*exchange)(void *arg, const uint8_t *out, size_t n, uint8_t *in, size_t want);
    void *arg;
    bool drives_zero_only; // FT232H: a 1 that is shifted out is not driven
};

struct i2c_answer {
    enum { I2C_LEVELS, I2C_ACK, I2C_DATA } kind;
    uint8_t address;
    uint8_t *to; // borrowed; I2C_DATA
};

struct i2c {
    struct i2c_port port;
    uint8_t queue[I2C_QUEUE_BYTES];
    size_t queued;
    struct i2c_answer answer[I2C_ANSWERS];
    size_t answers;
    uint64_t transactions, naks, stuck;
    char why[96]; // of the latest failure
};

// Sets the chip up and checks that its MPSSE understands us. I2C_OK or I2C_LINK.
enum i2c_status i2c_init(struct i2c *b, const struct i2c_port *port);

// Queue a transaction. Addresses have 7 bits. `to` is filled by the flush.
void i2c_put(struct i2c *b, uint8_t address, const uint8_t *data, size_t n);
void i2c_get(struct i2c *b, uint8_t address, uint8_t reg, uint8_t *to, size_t n);

enum i2c_status i2c_flush(struct i2c *b);

#endif
