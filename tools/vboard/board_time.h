// SPDX-License-Identifier: Apache-2.0
// Board time: the time in which a board computes and draws power. A simulated inference that takes
// 15 us on the board may take 20 ms of wall time, so energy on the wall clock would be nonsense.
// Board time advances with wall time while the engine waits for the host (or there is none) and
// with simulated time, as the engine's messages tell, while it runs. Wall time that the engine
// needs to simulate does not exist on the board.
//
// An engine that runs and says nothing for BOARD_TIME_STALL_NS hangs: then board time goes on with
// wall time, computing, so that the sensors of a wedged board do not stand still.
#ifndef SEVENCAST_VBOARD_BOARD_TIME_H
#define SEVENCAST_VBOARD_BOARD_TIME_H

#include <stdbool.h>
#include <stdint.h>

#define BOARD_TIME_STALL_NS UINT64_C(1000000000)

struct board_time {
    uint64_t (*wall)(void);
    // Board time went on to to_ns; busy: share of that stretch in which the design computed, 0..1.
    void (*elapsed)(void *ctx, uint64_t to_ns, double busy);
    void *ctx;

    uint64_t now_ns;
    uint64_t wall_ns;  // accounted for up to here
    uint64_t heard_ns; // wall time of the engine's latest sign of life
    bool running;      // the engine has something to do
    uint64_t cycles, busy_cycles;
    uint64_t rest; // of a nanosecond, in units of 1 / clock_hz
    uint32_t clock_hz;
    uint32_t idle_speed; // waiting passes so many times faster than wall time, normally 1
    uint64_t stalled_ns; // spent in hanging
};

void board_time_init(struct board_time *t, uint64_t (*wall)(void),
                     void (*elapsed)(void *ctx, uint64_t to_ns, double busy), void *ctx);
uint64_t board_time_sync(struct board_time *t);          // up to now; returns it
void board_time_skip(struct board_time *t, uint64_t ns); // so much waiting passes at once

// The engine: it has begun or ended; it was handed something; a message came from it, with its
// clock, the cycles and the computing cycles since it began, and whether it waits now for us.
void board_time_engine(struct board_time *t);
void board_time_handed(struct board_time *t);
void board_time_message(struct board_time *t, uint32_t clock_hz, uint64_t cycles,
                        uint64_t busy_cycles, bool waits);

#endif
