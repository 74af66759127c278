// SPDX-License-Identifier: Apache-2.0
// Link frames between host and FPGA (PROTOCOL.md section 1): encode and decode, no I/O, no
// allocation.
#ifndef SEVENCAST_PROTOCOL_LINK_H
#define SEVENCAST_PROTOCOL_LINK_H

#include <stddef.h>
#include <stdint.h>

enum {
    LINK_VERSION = 1,
    LINK_HEADER_BYTES = 8,
    LINK_CRC_BYTES = 4,
    LINK_MAX_PAYLOAD = 2048,
    LINK_MAX_FRAME = LINK_HEADER_BYTES + LINK_MAX_PAYLOAD + LINK_CRC_BYTES,
    LINK_REGISTERS = 23,
    LINK_IDENTITY_BYTES = 64,
    LINK_INFERENCE_HEAD_BYTES = 8, // of an answer, before y
    LINK_FAULT_BYTES = 4,
    LINK_BURST_BYTES = 8,
    LINK_BURST_HEAD_BYTES = 28, // of an answer, before y
    LINK_BURST_LIMIT_CYCLES = 65536,
    LINK_MAX_BURST_WINDOWS = 2,
};

enum link_type {
    LINK_IDENTIFY = 0x01,
    LINK_READ_REGISTERS = 0x02,
    LINK_INFER = 0x03,
    LINK_READ_TENSOR = 0x04,
    LINK_RESET = 0x05,
    LINK_BURST = 0x06,
    LINK_STOP = 0x07,
    LINK_ANSWER = 0x80, // or'ed to the request's type
    LINK_ERROR = 0xff,
};

enum link_error {
    LINK_BAD_CRC = 1,
    LINK_BAD_VERSION,
    LINK_BAD_TYPE,
    LINK_BAD_LENGTH,
    LINK_BUSY,
    LINK_BAD_VALUE,
    LINK_NO_WINDOW,
    LINK_BAD_ARGUMENT,
};

enum link_origin { LINK_ORIGIN_BOARD = 0, LINK_ORIGIN_VIRTUAL = 1, LINK_ORIGIN_MODEL = 2 };

// Writes one frame to out (LINK_MAX_FRAME bytes suffice); returns its length, 0 when n is too
// large.
size_t link_encode(uint8_t *out, uint8_t type, uint16_t seq, const void *payload, size_t n);

// Incremental receiver: owns one frame's worth of bytes and resynchronises by itself.
struct link_parser {
    uint8_t buf[LINK_MAX_FRAME];
    size_t have;
    size_t done;            // leading bytes of buf that the frame returned last still occupies
    uint64_t dropped_bytes; // bytes that belonged to no good frame
    uint32_t bad_frames;    // headers seen whose version, length or CRC was wrong
};

struct link_frame {
    uint8_t type;
    uint16_t seq;
    const uint8_t *payload; // borrowed from the parser, valid until its next call
    size_t n;
};

void link_parser_init(struct link_parser *p);

// Takes bytes from data until a good frame is complete: *used bytes were consumed; returns 1 and
// fills f, or 0 when all n bytes are consumed without one. A host-side parser searches again inside
// a bad frame's bytes, so no good frame behind a bad one is lost; more than one may then be waiting
// inside, so call until 0:
//     for (; link_parse(&p, data, n, &used, &f); data += used, n -= used)
//         handle(&f);
int link_parse(struct link_parser *p, const uint8_t *data, size_t n, size_t *used,
               struct link_frame *f);

// Registers 0..15 as the host sees them.
struct link_identity {
    uint8_t hash[32];
    uint16_t map_version, flags;
    enum link_origin origin;
    uint16_t window, features, outputs;
    uint8_t x_bits, y_bits, window_buffers, layers, heads;
    uint32_t clock_hz, rtl_version;
};

// 0, or -1 when n is wrong, the magic or the map version is not ours, or the origin has no meaning.
// flags holds all 16 bits; encode takes bits 1..0 from origin and the others from flags.
int link_identity_decode(const uint8_t *payload, size_t n, struct link_identity *id);
void link_identity_encode(const struct link_identity *id, uint8_t out[LINK_IDENTITY_BYTES]);

// The answer to an INFER, in clock cycles: of the computation, and before it began.
struct link_inference {
    uint32_t cycles, wait_cycles;
};

// 0 with the elements of y, or -1 when n does not fit.
int link_inference_decode(const uint8_t *payload, size_t n, unsigned outputs,
                          struct link_inference *r, int16_t *y);

// The payload of an ERROR: a code, the type of the request, and what the code says of it.
struct link_fault {
    uint8_t code, type;
    uint16_t detail;
};

// 0, or -1 when n is wrong. The code may be none of enum link_error.
int link_fault_decode(const uint8_t *payload, size_t n, struct link_fault *f);

// The payload of a BURST.
struct link_burst {
    uint32_t runs; // 0: until a STOP or the limit
    uint16_t
        limit; // no run but the first begins after so many times LINK_BURST_LIMIT_CYCLES clocks
    uint8_t windows; // 1: the newest window; 2: the two newest in turn, the older one first
};

// 0, or -1 when n is not LINK_BURST_BYTES. Values are not judged: a device does that by
// link_burst_good, after the length.
int link_burst_decode(const uint8_t *payload, size_t n, struct link_burst *b);
// Every field in its range, the reserved byte of the payload 0.
int link_burst_good(const uint8_t payload[LINK_BURST_BYTES]);
void link_burst_encode(const struct link_burst *b, uint8_t out[LINK_BURST_BYTES]);

enum link_burst_end { LINK_BURST_DONE = 0, LINK_BURST_STOPPED = 1, LINK_BURST_LIMIT = 2 };

// The answer to a BURST.
struct link_burst_result {
    uint32_t runs;        // finished, >= 1
    uint32_t mismatches;  // of these, y not that of the window's run before; <= runs
    uint64_t busy_cycles; // clocks in runs; <= cycles
    uint64_t cycles;      // clocks from the first start to the last element of the last y
    enum link_burst_end end;
    uint8_t windows; // 1 or 2
    // Elements of y, little-endian i16, borrowed from the payload: windows rows of outputs, the
    // latest run of each window in the order in which they run. See link_burst_y.
    const uint8_t *y;
};

// 0, or -1 when n does not fit windows x outputs, or a field has no meaning (end, windows, no run,
// more busy cycles than cycles, more mismatches than runs).
int link_burst_result_decode(const uint8_t *payload, size_t n, unsigned outputs,
                             struct link_burst_result *r);
// Writes head and y (r->y: windows * outputs elements, as above); returns the length, 0 when it is
// more than LINK_MAX_PAYLOAD.
size_t link_burst_result_encode(const struct link_burst_result *r, unsigned outputs, uint8_t *out);
// Element k < outputs of window < r->windows.
int16_t link_burst_y(const struct link_burst_result *r, unsigned outputs, unsigned window,
                     unsigned k);

// "BAD_CRC"...; "UNKNOWN" for a code that is not defined.
const char *link_error_name(unsigned code);

#endif
