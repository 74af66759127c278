// SPDX-License-Identifier: Apache-2.0
// Messages between the board process and an engine: the process that stands behind the 245 FIFO of
// a configured FPGA (a GHDL simulation, or vboard-golden). One SOCK_SEQPACKET socket, descriptor 3
// of the engine; one message is this header and n payload bytes. Both ends run on one machine.
//
// Flow: a side may send as many payload bytes as it has credit. The board begins with ENGINE_CREDIT
// towards the engine; the engine begins with what the board's first message grants (the room in the
// FIFO towards the host). Every message may grant more. The engine begins with HELLO. It ends when
// the socket closes or QUIT comes.
//
// Time: the board keeps its clock by what engines report (board_time.h). An engine says when it
// waits; it does not wait any more when the board has sent more messages than it had taken by then.
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
    ENGINE_WAITS = 8, // DATA from the engine: its clock stands until the next message comes
};

struct engine_wire {
    uint32_t type, n, credit, flags;
    // engine -> board, all since configuration:
    uint64_t cycles;      // clock cycles
    uint64_t busy_cycles; // of these, with the design's busy pin high
    uint32_t violations;  // breaches of the 245 pin timing
    uint32_t clock_hz;    // constant
    uint32_t taken;       // messages that the engine has received
    uint32_t reserved;
};

#endif
