// SPDX-License-Identifier: Apache-2.0
// What a plan takes of an XC7S15 and how fast it is, without synthesis. DSPs, RAMB18s and cycles
// are the plan's and exact; LUTs and flip-flops are an additive model of yosys' counts of the
// accelerator (tools/calibrate, docs/estimate.md); power is that of docs/power-model.md, made up
// within an order of magnitude. Everything here has the origin "model".
#ifndef SEVENCAST_ESTIMATE_ESTIMATE_H
#define SEVENCAST_ESTIMATE_ESTIMATE_H

#include "tools/build/plan.h"
#include "tools/estimate/parts.h"

struct estimate {
    int lut, lutram, ff;     // lut contains lutram: memory and shift registers
    int dsp, ramb18, ramb36; // ramb36: pairs of RAMB18, rounded up
    long cycles;
    double lut_part[PARTS], ff_part[PARTS];
    double latency_us;                     // cycles at BUILD_CLOCK_HZ
    double board_active_mw, board_idle_mw; // of the rail BOARD
    double energy_uj;                      // active power x latency
};
void estimate_plan(struct estimate *e, const struct plan *p);

// Mean of all bit widths, as the power model's activity takes it.
double estimate_mean_bits(const struct model *mdl);

struct estimate_limits {
    const char *part;
    int lut, lutram, ff, dsp, ramb18;
};
extern const struct estimate_limits estimate_xc7s15; // DS180
// RTL that the coefficients were fitted to (tools/calibrate --digest).
extern const char estimate_rtl_digest[];
// Fitted by tools/calibrate.
extern const double estimate_coefficients[PARTS][PART_RESOURCES][PART_FEATURES];

#endif
