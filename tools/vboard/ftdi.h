// SPDX-License-Identifier: Apache-2.0
// FT2232H and FT232H as USB sees them: descriptors, control requests, packets with two status
// bytes, latency timer. Knows nothing of how the packets travel.
#ifndef SEVENCAST_VBOARD_FTDI_H
#define SEVENCAST_VBOARD_FTDI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/vboard/eeprom.h"
#include "tools/vboard/fifo.h"
#include "tools/vboard/mpsse.h"

enum {
    FTDI_VENDOR_ID = 0x0403,
    FTDI_MAX_CHANNELS = 2,
    FTDI_PACKET_BYTES = 512,
    FTDI_STATUS_BYTES = 2,
    FTDI_SERIAL_MAX = 16,
    FTDI_DESCRIPTORS_MAX = 128,
};

enum ftdi_kind { FTDI_FT2232H, FTDI_FT232H };

enum ftdi_mode {            // wValue's high byte of SET_BITMODE
    FTDI_MODE_RESET = 0x00, // what the EEPROM says: UART or asynchronous 245 FIFO
    FTDI_MODE_MPSSE = 0x02,
};

struct ftdi_channel {
    struct ftdi *chip; // borrowed
    unsigned index;
    bool eeprom_fifo; // 245 FIFO in mode 0; fixed at power-up
    uint8_t mode, pins_mask, latency_ms;
    uint64_t last_packet_ns;
    struct mpsse mpsse;
    struct bytes answers; // of the MPSSE
    size_t answers_flushed;
    uint64_t answers_since_ns;
    struct fifo fifo;
    uint64_t out_bytes, in_bytes, in_packets;
};

struct ftdi_faults {
    bool mpsse_mute; // takes commands and never answers
};

struct ftdi {
    enum ftdi_kind kind;
    char serial[FTDI_SERIAL_MAX + 1];
    char product[48];
    uint16_t product_id, release;
    unsigned channels;
    struct ftdi_channel channel[FTDI_MAX_CHANNELS];
    uint16_t eeprom[EEPROM_WORDS];
    struct ftdi_faults faults;
    uint64_t control_requests;
    // Called when a channel may take more bytes or has some: try ftdi_out and ftdi_in again.
    void (*changed)(void *ctx, unsigned channel);
    void *changed_ctx;
};

// fifo_b: the EEPROM makes channel B a 245 FIFO (FT2232H only).
void ftdi_init(struct ftdi *f, enum ftdi_kind kind, const char *serial, bool fifo_b);
void ftdi_fini(struct ftdi *f);
void ftdi_power_cycle(struct ftdi *f); // unplugged and plugged in again

// Device and configuration descriptors, one after the other, as sysfs shows them.
size_t ftdi_descriptors(const struct ftdi *f, uint8_t out[FTDI_DESCRIPTORS_MAX]);

// A control transfer: setup is the eight bytes on the wire; data holds wLength bytes (out) or has
// room for them (in). Returns the bytes of the data stage or a negative errno (-EPIPE = stall).
int ftdi_control(struct ftdi *f, const uint8_t setup[8], uint8_t *data);

// The standard part of it (ftdi_descriptors.c): bytes in out, or -EPIPE.
int ftdi_standard_request(const struct ftdi *f, const uint8_t setup[8], uint8_t *out, size_t room);

// Bulk OUT: consumes as many bytes as the chip has room for.
size_t ftdi_out(struct ftdi *f, unsigned channel, const uint8_t *data, size_t n);

// Bulk IN: a transfer under way. It is complete on a short packet or when its buffer is full.
struct ftdi_in {
    uint8_t *buffer; // borrowed
    size_t capacity, filled;
    uint64_t since_ns; // when the host began to ask with it
};
// Moves packets; true: complete. Otherwise *due_ns says when to try again if nothing changes.
bool ftdi_in(struct ftdi *f, unsigned channel, struct ftdi_in *in, uint64_t now_ns,
             uint64_t *due_ns);

#endif
