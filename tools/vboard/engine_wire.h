// SPDX-License-Identifier: Apache-2.0
// Messages between the board process and an engine: the process that stands behind the 245 FIFO of
// a configured FPGA (a GHDL simulation, or vboard-golden). One SOCK_SEQPACKET socket, descriptor 3
// of the engine; one message is this header and n payload bytes. Both ends run on one machine.
//
// Flow: a side may send as many payload bytes as it has credit. The board begins with ENGINE_CREDIT
// towards the engine; the engine begins with what the board's first message grants (the room in the
// FIFO towards the host). Every message may grant more. The engine begins with HELLO. It ends when
// the socket closes or QUIT comes.
#ifndef SEVENCAST_VBOARD_ENGINE_WIRE_H
#define SEVENCAST_VBOARD_ENGINE_WIRE_H

#include <stdint.h>

enum { ENGINE_FD = 3, ENGINE_CREDIT = 4096, ENGINE_MAX_PAYLOAD = 4096 };

enum engine_wire_type {
    ENGINE_HELLO = 1, // engine -> board
    ENGINE_DATA,      // both: n bytes, credit
    ENGINE_PURGE,     // board -> engine: forget what flags say
    ENGINE_PURGED,    // engine -> board: done; returned credit covers the dropped bytes
    ENGINE_QUIT,      // board -> engine
};

enum engine_wire_flags {
    ENGINE_FLUSH = 1,           // DATA: SIWU# was pulsed after these bytes
    ENGINE_PURGE_TO_DEVICE = 2, // PURGE
    ENGINE_PURGE_TO_HOST = 4,
};

struct engine_wire {
    uint32_t type, n, credit, flags;
    uint64_t cycles;     // engine -> board: clock cycles since configuration
    uint32_t violations; // engine -> board: breaches of the 245 pin timing so far
    uint32_t reserved;
};

#endif
