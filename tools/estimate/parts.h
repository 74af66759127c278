// SPDX-License-Identifier: Apache-2.0
// The accelerator as a sum of parts. Each part has features, numbers that follow from the plan and
// that its LUTs and flip-flops grow with: structural counts where a formula is known (a Booth row's
// bits, a memory's LUTs, a multiplexer's), sizes elsewhere. docs/estimate.md lists them.
#ifndef SEVENCAST_ESTIMATE_PARTS_H
#define SEVENCAST_ESTIMATE_PARTS_H

#include "tools/build/plan.h"

enum part {
    PART_LANES,
    PART_CHAINS,
    PART_TILE,
    PART_OPERANDS, // the accelerator's own: operand registers and what chooses them
    PART_ISSUER,
    PART_DRAIN,
    PART_REQUANTISERS,
    PART_WRITER,
    PART_TAP,
    PART_BUFFERS, // memories and the registers that gather their words
    PART_SWEEP,
    PART_NUMERATORS,
    PART_SCALER,
    PART_RECIPROCALS,
    PART_DIVIDER,
    PART_POOL, // or the readout
    PART_ROMS,
    PARTS
};
const char *part_name(enum part part);

// The part that cells of an entity belong to; the first of the table's that the name begins with.
// PARTS: unknown.
enum part part_of_entity(const char *entity);

enum { PART_FEATURES = 5, PART_RESOURCES = 3 };
enum part_resource { PART_LUT, PART_FF, PART_LUTRAM };

struct part_features {
    double value[PARTS][PART_RESOURCES][PART_FEATURES]; // 0 where a part has fewer
};
void parts_describe(struct part_features *f, const struct plan *p);

// What a feature is expected to cost, by its structure: the fit starts here and leaves it only as
// far as counts say.
double part_expected(enum part part, enum part_resource resource, int feature);

// 1 where the expected costs are the netlist's own count and nothing is fitted: lanes and tile, and
// what shift registers and memories take.
int part_is_exact(enum part part, enum part_resource resource);

// DSP48E1 of the plan: chains, two for each requantiser, one for each softmax lane, one for each
// output of the readout.
int parts_dsp(const struct plan *p);
int parts_ramb18(const struct plan *p);

#endif
