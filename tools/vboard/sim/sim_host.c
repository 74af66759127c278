// SPDX-License-Identifier: Apache-2.0
// The host of a simulated board: one channel of an FT2232H in asynchronous 245 FIFO mode between
// the pins of the VHDL bench and the socket to the board process. board_bench.vhd calls in, once
// per clock. Linked into every package's sim; needs nothing but libc (README beside this file).
//
// Pin timing is that of the chip's data sheet, as remembered: RD#, WR# low at least 30 ns; RXF#,
// TXE# high at least 49 ns after a strobe; data stable 5 ns before WR# falls and 5 ns after.
// Breaches are counted and reported to the board, never repaired.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/vboard/engine_port.h"

enum { // pins that the design drives, as in board_bench.vhd
    PIN_RD_N = 1,
    PIN_WR_N = 2,
    PIN_SIWU_N = 4,
    PIN_BUSY = 8,
    PIN_DATA_OE = 16,
    PIN_DATA_SHIFT = 8,
};
enum { // pins that the bench drives
    PIN_RXF_N = 1,
    PIN_TXE_N = 2,
    PIN_RESET = 4,
};
enum {
    STROBE_NS = 30,
    INACTIVE_NS = 49,
    RESET_CLOCKS = 16,
    IDLE_CLOCKS = 16,    // of silence before the clock stops
    POLL_CLOCKS = 64,    // between looks at the socket while running
    FLUSH_CLOCKS = 4096, // a design that never pulses SIWU# is still heard
    PACKET_BYTES = 510,  // a full USB packet leaves at once
    TELL_CLOCKS = 4096,  // of silence while running
    EDGE_CLOCKS = 256,   // closer edges of busy are not told one by one
};

static struct engine_port port;
static unsigned strobe_clocks, inactive_clocks; // the limits in clocks
static unsigned rxf_wait, txe_wait;             // clocks until RXF#, TXE# may be active again
static unsigned rd_low, wr_low;                 // clocks since the strobe fell
static unsigned idle;
static int last = PIN_RD_N | PIN_WR_N | PIN_SIWU_N;

int vboard_sim_open(int clock_hz);
int vboard_sim_step(int pins);

static unsigned clocks_of(unsigned ns, int clock_hz)
{
    return (unsigned)(((uint64_t)ns * (unsigned)clock_hz + 999999999u) / 1000000000u);
}

// Returns 1 when a board is at the other end.
int vboard_sim_open(int clock_hz)
{
    if (clock_hz <= 0 || engine_port_open(&port, ENGINE_FD, (uint32_t)clock_hz)) {
        fprintf(stderr,
                "sim: descriptor %d is not the board's socket; this program is started by "
                "vboard\n",
                ENGINE_FD);
        return 0;
    }
    strobe_clocks = clocks_of(STROBE_NS, clock_hz);
    inactive_clocks = clocks_of(INACTIVE_NS, clock_hz);
    return 1;
}

static void breach(int condition)
{
    port.violations += condition != 0;
}

static void read_strobe(int pins)
{
    int low = !(pins & PIN_RD_N), was_low = !(last & PIN_RD_N);
    if (low && !was_low) {
        breach(!engine_port_readable(&port) || rxf_wait); // RXF# was high
        rd_low = 0;
    }
    if (low) {
        rd_low++;
        breach(pins & PIN_DATA_OE); // both sides drive the bus
    } else if (was_low) {
        breach(rd_low < strobe_clocks);
        if (engine_port_readable(&port))
            engine_port_drop(&port, 1);
        rxf_wait = inactive_clocks;
    }
}

static void write_strobe(int pins)
{
    int low = !(pins & PIN_WR_N), was_low = !(last & PIN_WR_N);
    int data = pins >> PIN_DATA_SHIFT & 0xff, last_data = last >> PIN_DATA_SHIFT & 0xff;
    if (low && !was_low) {
        breach(!(pins & last & PIN_DATA_OE) || data != last_data); // not set up before the edge
        breach(!(pins & PIN_RD_N));
        wr_low = 0;
        if (txe_wait || !engine_port_writable(&port))
            breach(1); // TXE# was high: the byte is lost
        else
            engine_port_write(&port, (uint8_t)data);
        txe_wait = inactive_clocks;
    } else if (was_low && wr_low == 1) {
        breach(!(pins & PIN_DATA_OE) || data != last_data); // not held
    }
    if (low)
        wr_low++;
    else if (was_low)
        breach(wr_low < strobe_clocks);
}

static void flush_strobe(int pins)
{
    if (!(pins & PIN_SIWU_N) && last & PIN_SIWU_N)
        engine_port_send(&port, true);
    else if (port.to_host_n >= PACKET_BYTES || port.cycles % FLUSH_CLOCKS == 0)
        engine_port_send(&port, false);
}

// Stops the clock while the design can do nothing without the host: the process sleeps in recv()
// and simulated time stands still. "busy" must be looked at, the strobes alone cannot tell a
// computation from silence.
static void exchange(int pins)
{
    const int strobes = PIN_RD_N | PIN_WR_N | PIN_SIWU_N;
    if (pins & PIN_BUSY || (pins & strobes) != strobes || rxf_wait || txe_wait) {
        idle = 0;
        if (port.cycles % POLL_CLOCKS == 0) {
            engine_port_take(&port, false);
            engine_port_report(&port);
        }
        return;
    }
    if (++idle < IDLE_CLOCKS)
        return;
    idle = 0;
    engine_port_wait(&port);
}

// The board's clock runs by these messages, and power by the edges of busy. Short spells of either
// are left to the share of busy cycles that the next message tells.
static void tell_time(int pins)
{
    uint64_t untold = port.cycles - port.told_cycles;
    bool edge = (pins ^ last) & PIN_BUSY;
    if (untold >= TELL_CLOCKS || (edge && untold >= EDGE_CLOCKS))
        engine_port_progress(&port);
    port.busy_cycles += (pins & PIN_BUSY) != 0;
}

// One clock: takes the design's pins, returns the bench's, or -1 at the end.
int vboard_sim_step(int pins)
{
    if (port.cycles >= RESET_CLOCKS)
        tell_time(pins);
    port.cycles++;
    if (port.cycles <= RESET_CLOCKS)
        return PIN_RXF_N | PIN_TXE_N | PIN_RESET;
    rxf_wait -= rxf_wait > 0;
    txe_wait -= txe_wait > 0;
    read_strobe(pins);
    write_strobe(pins);
    flush_strobe(pins);
    last = pins;
    exchange(pins);
    if (port.ended)
        return -1;
    int readable = engine_port_readable(&port) > 0;
    return (readable && !rxf_wait ? 0 : PIN_RXF_N) |
           (engine_port_writable(&port) && !txe_wait ? 0 : PIN_TXE_N) |
           (readable ? engine_port_peek(&port) << PIN_DATA_SHIFT : 0);
}
