// SPDX-License-Identifier: Apache-2.0
// The boards of a world. Each is two USB devices: an FT2232H SERIAL (channel A: JTAG of the FPGA,
// channel B: its 245 FIFO) and an FT232H SERIAL"P" (the I2C master of its power sensors).
#ifndef SEVENCAST_VBOARD_BOARD_H
#define SEVENCAST_VBOARD_BOARD_H

#include <stdbool.h>
#include <stddef.h>

#include "tools/vboard/fpga.h"
#include "tools/vboard/ftdi.h"
#include "tools/vboard/power_meter.h"
#include "tools/vboard/usbfs.h"
#include "tools/vboard/world.h"

enum { BOARD_MAX = 8, BOARD_SERIAL_MAX = FTDI_SERIAL_MAX - 1, BOARD_DEVICES = 2 };
enum { BOARD_MAIN = 0, BOARD_METER = 1 };

struct board {
    char serial[BOARD_SERIAL_MAX + 1];
    struct ftdi chip[BOARD_DEVICES];
    struct usbfs_device device[BOARD_DEVICES];
    struct fpga fpga;
    struct power_meter meter;
};

struct boards {
    struct world *world; // borrowed
    struct fpga_options options;
    size_t count;
    struct board board[BOARD_MAX];
};

bool board_serial_ok(const char *serial);

// Plugs every board in. 0, or -1 with why.
int boards_init(struct boards *b, struct world *w, const struct fpga_options *options,
                const struct device_part *part, const char *const *serials, size_t count, char *why,
                size_t whycap);
void boards_fini(struct boards *b);

// By serial, NULL: the first; NULL when there is none.
struct board *boards_find(struct boards *b, const char *serial);

// The cable of one device. A board is fed by its USB cable and loses its configuration with it,
// unless it is powered from elsewhere. 0, or -1 with errno.
int board_unplug(struct boards *all, struct board *b, unsigned device, bool powered);
int board_replug(struct boards *all, struct board *b, unsigned device);

#endif
