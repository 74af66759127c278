// SPDX-License-Identifier: Apache-2.0
// Channel B of the board's FTDI chip: bytes to and from the FPGA by asynchronous libusb transfers.
// Opening and set-up go through libftdi1. Some IN transfers are always pending, so an answer is
// there as soon as the chip sends it and an unplugged board is noticed at once.
//
// Callbacks run inside channel_pump (or the event loop's call of it) and must not call back into
// this module; a channel that died stays open, useless, until channel_close.
#ifndef SEVENCAST_DAEMON_CHANNEL_H
#define SEVENCAST_DAEMON_CHANNEL_H

#include <ftdi.h>
#include <libusb.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "daemon/sched.h"
#include "protocol/link.h"

enum {
    CHANNEL_READS = 4,
    CHANNEL_READ_BYTES = 4096,
    CHANNEL_WRITES = 8,
    CHANNEL_WRITE_BYTES = LINK_MAX_FRAME + 2 * (LINK_HEADER_BYTES + LINK_CRC_BYTES),
};

struct channel_calls {
    // bytes of the FPGA, the chip's status bytes taken off
    void (*received)(void *arg, const uint8_t *data, size_t n, uint64_t at_ns);
    void (*written)(void *arg, uint32_t tag, uint64_t at_ns);
};

struct channel;

struct channel_write {
    struct channel *owner;
    struct libusb_transfer *transfer; // owned
    bool busy;
    uint32_t tag;
    uint8_t bytes[CHANNEL_WRITE_BYTES];
};

struct channel {
    struct sched *sched; // borrowed
    const struct channel_calls *calls;
    void *arg;
    struct ftdi_context *ftdi;                    // owned; NULL: closed
    struct libusb_transfer *reads[CHANNEL_READS]; // owned
    uint8_t read_bytes[CHANNEL_READS][CHANNEL_READ_BYTES];
    bool reading[CHANNEL_READS];
    struct channel_write writes[CHANNEL_WRITES];
    bool quiet; // reads are not submitted again
    bool dead;
    char why_dead[96];
    uint64_t heard_ns; // last completed read, empty ones included
};

// 0, or -1 with why: no such device, taken by another process, ... (then it is closed again).
int channel_open(struct channel *c, struct sched *sched, uint16_t vendor, uint16_t product,
                 const char *serial, const struct channel_calls *calls, void *arg, char *why,
                 size_t whycap);
// Ends the process when USB does not let go of a transfer: a new one is the only cure.
void channel_close(struct channel *c);

int channel_listen(struct channel *c); // starts reading; -1 when it died
void channel_hush(struct channel *c);  // stops reading and writing, waits for both to end
int channel_purge(struct channel *c);  // empties the chip's buffers both ways

// Copies and sends; written(tag) follows. 0, or -1: dead, or CHANNEL_WRITES are on their way.
int channel_send(struct channel *c, uint32_t tag, const uint8_t *data, size_t n);

// Handles USB events for up to that time, at least once.
void channel_pump(struct channel *c, uint64_t max_wait_ns);

// Asks the chip for a sign of life when it has been silent for a second.
void channel_check(struct channel *c, uint64_t now);

// Whether the EEPROM sets this channel to FIFO mode: 1, 0, or -1 when it cannot be told.
int channel_fifo_mode(struct channel *c);

#endif
