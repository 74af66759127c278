// SPDX-License-Identifier: Apache-2.0
// A burst as a chain of BURST frames, each of at most BURST_CHUNK_S on the board: the link's limit
// (43 s at 100 MHz) holds, and no frame outlives its host by much. Knows no I/O: says what to send,
// takes answers, judges them.
#ifndef SEVENCAST_DAEMON_BURST_H
#define SEVENCAST_DAEMON_BURST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "protocol/link.h"

#define BURST_CHUNK_S 10

enum { BURST_OUTPUTS = 24, BURST_WHY = 160 };

struct burst {
    uint64_t left; // runs that are still to be done
    uint32_t run_cycles, clock_hz;
    uint32_t chunk_runs; // of the frame that is on its way
    bool stopped;        // no further frame
    unsigned outputs;
    int16_t y[BURST_OUTPUTS];
    // done so far
    uint32_t runs, mismatches, chunks;
    uint64_t cycles, busy_cycles;
};

// repeat runs (0: any number), but no more than are done in seconds (0: any time); one of them is
// not 0. run_cycles and y: of the inference that loaded the window. False when a run is longer than
// a frame can be, or an argument makes no sense.
bool burst_begin(struct burst *b, uint32_t repeat, double seconds, uint32_t run_cycles,
                 uint32_t clock_hz, const int16_t *y, unsigned outputs);

// The next frame; false when there is none.
bool burst_next(struct burst *b, struct link_burst *frame);

void burst_stop(struct burst *b);

enum burst_verdict {
    BURST_GOOD,
    BURST_UNKNOWN, // the design knows no bursts
    BURST_WRONG,   // the device answers an error, nonsense, or another y: why says which
};

// The answer to the frame that is on its way.
enum burst_verdict burst_answer(struct burst *b, uint8_t type, const uint8_t *payload, size_t n,
                                char why[BURST_WHY]);

#endif
