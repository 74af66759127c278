// SPDX-License-Identifier: Apache-2.0
// The hardware choices of a variant: size of the engine and kind of each buffer. They come from the
// manifest's optional "hardware" object; what it leaves out is chosen by shape and widths.
#ifndef SEVENCAST_BUILD_HARDWARE_H
#define SEVENCAST_BUILD_HARDWARE_H

#include <jansson.h>
#include <stddef.h>

#include "tools/model/model.h"

enum hardware_buffer {
    BUFFER_WINDOW,     // the two windows
    BUFFER_ACTIVATION, // h, q, c, r, f, o: the tile's token port
    BUFFER_NUMERATOR,  // e
    BUFFER_KEY,
    BUFFER_VALUE,
    BUFFER_RESIDUAL,
    BUFFER_SCORE,
    BUFFER_WEIGHT, // ROM
    BUFFERS
};
const char *hardware_buffer_name(enum hardware_buffer b);

enum hardware_storage { STORAGE_BLOCK, STORAGE_DISTRIBUTED, STORAGE_AUTO };
const char *hardware_storage_name(enum hardware_storage s);

// Where biases and multipliers of channels are: in a ROM of their own, or beside the weights.
enum hardware_constants { CONSTANTS_ROM, CONSTANTS_STREAM, CONSTANTS_AUTO };

enum { HARDWARE_MAX_REQUANTISERS = 32 }; // the pool's tree of adders
enum { HARDWARE_DSPS = 20 };             // DSP48E1 of the XC7S15
enum { HARDWARE_RAMB18 = 20 };           // Block RAMs of 18 kbit of the XC7S15

struct hardware {
    int tokens, outputs, terms; // the tile, T x P x U
    int requantisers;           // divides tokens
    int requantiser_dsps; // of each: 1 takes two cycles for a code with a residual; 0: the plan
                          // chooses
    int softmax_lanes;    // divides requantisers
    int chains;           // of DSPs in the tile; negative: as many as DSPs and tile allow
    int divider_pipelined;
    int ramb18; // most that the memories may take
    enum hardware_constants constants;
    enum hardware_storage storage[BUFFERS];
    int given[BUFFERS]; // storage is the manifest's choice; the plan may move the others
};

// Reads object (NULL: all defaults) for that model. On failure -1 with why = "hardware.FIELD:
// reason".
int hardware_choose(struct hardware *hw, const struct model *mdl, json_t *object, char *why,
                    size_t whycap);

// DSPs that requantisers and softmax leave to the tile.
int hardware_dsps_left(const struct hardware *hw);

#endif
