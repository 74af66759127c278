// SPDX-License-Identifier: Apache-2.0
// Sizes of the tile's lanes and of the shift registers in which operands wait for them, bit by bit
// as rtl/core/dot_lane.vhd, tile.vhd and tile_pkg.vhd make them.
#ifndef SEVENCAST_ESTIMATE_LANES_H
#define SEVENCAST_ESTIMATE_LANES_H

#include "tools/build/plan.h"

struct lane_shape {
    int rows, row_luts;              // Booth rows, and the LUTs of all
    int registers, srl;              // bits that are kept, by flip-flops and by shift registers
    int chain_outputs, chain_tokens; // that share a DSP's multiplier
};
struct lane_shape lane_shape(const struct plan *p);

// Of operands that wait, in the whole tile.
struct operand_delays {
    int registers, srl;
};
struct operand_delays operand_delays(const struct plan *p);

#endif
