// SPDX-License-Identifier: Apache-2.0
// An FTDI chip with MPSSE on its first channel as the way to an I2C bus, through libftdi1. Blocks,
// every time for a bounded while: not for the event loop.
#ifndef SEVENCAST_DAEMON_I2C_FTDI_H
#define SEVENCAST_DAEMON_I2C_FTDI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/i2c.h"

struct ftdi_context;

struct i2c_ftdi {
    struct ftdi_context *ftdi; // owned; NULL: closed
    bool is_virtual;           // the device's product name says so
};

// 0 with *port to be handed to i2c_init, or -1 with why.
int i2c_ftdi_open(struct i2c_ftdi *d, uint16_t vendor, uint16_t product, const char *serial,
                  struct i2c_port *port, char *why, size_t whycap);
void i2c_ftdi_close(struct i2c_ftdi *d); // also when it was not opened

#endif
