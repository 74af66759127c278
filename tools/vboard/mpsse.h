// SPDX-License-Identifier: Apache-2.0
// The command interpreter of an FTDI MPSSE (FTDI AN_108), independent of USB and of what hangs on
// its pins. It takes commands byte by byte and stalls while its answer buffer is full, as the chip
// does.
#ifndef SEVENCAST_VBOARD_MPSSE_H
#define SEVENCAST_VBOARD_MPSSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/vboard/bytes.h"

enum { MPSSE_ANSWER_BYTES = 4096 }; // the chip's buffer towards the host

// Pins of the low byte.
enum { MPSSE_TCK = 1, MPSSE_TDI = 2, MPSSE_TDO = 4, MPSSE_TMS = 8 };

struct mpsse {
    // One clock pulse with these levels; returns the level of TDO during it. NULL: nothing is
    // connected and TDO reads 1 (pull-up).
    int (*clock)(void *ctx, int tms, int tdi);
    // Where the low byte's pins hang on a bus that others drive too (I2C), this is called instead
    // at every change, with what the chip drives (a pin that it does not drive is 1, pulled up);
    // returns the levels that the pins then have.
    uint8_t (*lines)(void *ctx, uint8_t driven);
    void *ctx;
    bool has_drive_only_zero; // FT232H only (command 0x9E): a 1 on these pins is not driven

    uint8_t command[3]; // header of the command being received
    size_t have;
    uint32_t bytes_left; // data bytes that the command in work still takes or gives
    uint8_t low, low_direction, high, high_direction;
    uint8_t only_zero;    // low byte's pins that are set so
    uint64_t contentions; // clocks at which a driven 1 met another's 0: a short circuit in silicon
    bool loopback;
    uint64_t clocks, bad_commands;
};

void mpsse_init(struct mpsse *m, int (*clock)(void *ctx, int tms, int tdi), void *ctx);
void mpsse_reset(struct mpsse *m);  // as entering MPSSE mode
void mpsse_forget(struct mpsse *m); // a partial command, as when the host purges

// Interprets up to n bytes, appends answers to out while it holds fewer than MPSSE_ANSWER_BYTES;
// returns how many bytes were consumed. *flush is set when the host asked for its answers now
// (command 0x87). Call again, also with n = 0, when out has been emptied.
size_t mpsse_run(struct mpsse *m, const uint8_t *data, size_t n, struct bytes *out, bool *flush);

#endif
