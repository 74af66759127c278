// SPDX-License-Identifier: Apache-2.0
// An engine's end of the socket to the board process (engine_wire.h): the FIFO bytes each way with
// their credits. Used by vboard-golden and by the simulation host; needs nothing but libc.
#ifndef SEVENCAST_VBOARD_ENGINE_PORT_H
#define SEVENCAST_VBOARD_ENGINE_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tools/vboard/engine_wire.h"

struct engine_port {
    int fd;
    bool ended; // the board is gone or wants us to end
    uint8_t from_host[ENGINE_CREDIT];
    unsigned read, written; // positions in from_host, modulo its size
    uint8_t to_host[ENGINE_MAX_PAYLOAD];
    size_t to_host_n; // written by the design, not sent yet
    size_t credit;    // bytes the board has room for
    uint32_t owed;    // bytes read by the design, not reported yet
    uint32_t taken;   // messages received
    // reported with every message; kept by the user
    uint64_t cycles, busy_cycles;
    uint32_t violations, clock_hz;
    uint64_t told_cycles; // in the latest message
};

// Says hello. 0, or -1 when fd is not a socket of the board.
int engine_port_open(struct engine_port *p, int fd, uint32_t clock_hz);

// Takes what has come; with wait blocks until something does. Returns whether anything came; look
// at p->ended afterwards.
bool engine_port_take(struct engine_port *p, bool wait);

static inline size_t engine_port_readable(const struct engine_port *p)
{
    return p->written - p->read;
}
static inline uint8_t engine_port_peek(const struct engine_port *p)
{
    return p->from_host[p->read % ENGINE_CREDIT];
}
void engine_port_drop(struct engine_port *p, size_t n); // the design has read n <= readable bytes

static inline bool engine_port_writable(const struct engine_port *p)
{
    return p->to_host_n < p->credit;
}
void engine_port_write(struct engine_port *p, uint8_t b); // while writable
// Sends what was written; flush: SIWU# was pulsed.
void engine_port_send(struct engine_port *p, bool flush);
// Tells the cycles so far; the engine goes on.
void engine_port_progress(struct engine_port *p);
// Sends all there is, tells that the clock stands now and blocks until a message comes.
void engine_port_wait(struct engine_port *p);
// Reports read bytes when it is worth a message.
void engine_port_report(struct engine_port *p);

#endif
