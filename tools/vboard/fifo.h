// SPDX-License-Identifier: Apache-2.0
// The two buffers of an FTDI channel in asynchronous 245 FIFO mode, between USB and the pins.
// Behind the pins sits an engine (engine.h) or nothing. Bytes that the design has not read yet stay
// here when it is replaced, and go to its successor, as in the chip.
#ifndef SEVENCAST_VBOARD_FIFO_H
#define SEVENCAST_VBOARD_FIFO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/vboard/bytes.h"

enum { FIFO_BYTES = 4096 }; // each way

enum fifo_direction { FIFO_TO_DEVICE, FIFO_TO_HOST };

// Faults on the way: counted down byte by byte.
struct fifo_fault {
    uint32_t lose;    // bytes to drop
    uint32_t corrupt; // bytes to invert
    uint32_t insert;  // bytes of noise to put before the next one
};

struct fifo {
    struct bytes to_device; // sent bytes stay until the engine has read them
    size_t sent;            // of to_device, handed to the engine
    struct bytes to_host;
    size_t flushed;            // of to_host, bytes that SIWU# pushes out at once
    uint64_t to_host_since_ns; // when the oldest waiting byte came
    struct fifo_fault fault[2];
    size_t surplus; // bytes of noise in to_host, for which no credit goes back
    uint32_t noise;
    uint64_t to_device_bytes, to_host_bytes;

    // Set by whoever connects the pins; may be NULL.
    void (*pins_written)(void *ctx);         // unsent bytes wait
    void (*pins_taken)(void *ctx, size_t n); // room for n more towards the host
    void (*pins_purge)(void *ctx, enum fifo_direction d);
    void *pins_ctx;
    // Set by the chip.
    void (*changed)(void *ctx); // room towards the device, or bytes for the host
    void *changed_ctx;
};

void fifo_init(struct fifo *f);
void fifo_fini(struct fifo *f);

// USB side: takes as many bytes as there is room for, returns how many.
size_t fifo_write(struct fifo *f, const uint8_t *data, size_t n);
// USB side: takes n <= length bytes for a packet.
void fifo_take(struct fifo *f, uint8_t *out, size_t n);
void fifo_purge(struct fifo *f, enum fifo_direction d);

// Pin side: bytes not yet handed over; fifo_sent() marks, fifo_read() removes what was read there.
const uint8_t *fifo_unsent(const struct fifo *f, size_t *n);
void fifo_sent(struct fifo *f, size_t n);
void fifo_read(struct fifo *f, size_t n);
void fifo_disconnected(struct fifo *f); // the engine is gone: nothing counts as sent
// Pin side: bytes written by the design, and whether it pulsed SIWU# after them.
void fifo_from_device(struct fifo *f, const uint8_t *data, size_t n, bool flush);

#endif
