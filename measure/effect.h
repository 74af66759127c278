// SPDX-License-Identifier: Apache-2.0
// From measurements to one paired effect a block: how much the candidate differs from the
// reference.
//
// Relative effects are ln(mean of the candidate's measurements / mean of the reference's) in the
// same block. In an ABBA block a linear drift multiplies or adds to both means alike, so it
// cancels: exactly when it scales the values, and to first order when it adds to them. Effects are
// averaged as logarithms because A against B then is minus B against A; they are shown as percent,
// 100 (e^x - 1). Absolute effects are differences of the means, in the unit of the measurements.
#ifndef SEVENCAST_MEASURE_EFFECT_H
#define SEVENCAST_MEASURE_EFFECT_H

#include "measure/design.h"

#include <stddef.h>

enum effect_scale {
    EFFECT_RELATIVE, // all measurements above 0
    EFFECT_ABSOLUTE,
};

struct effect_list {
    int count;      // effects written, in the order of blocks
    int lost;       // complete blocks left out because a measurement in them is missing
    int bad_step;   // the step that made effect_collect fail
    int capacity;   // of `effect`
    double *effect; // the caller's
};

// Effects of variant `candidate` against variant `reference` from value[0..done-1], the
// measurements of the design's first `done` steps. A measurement that is missing (flagged, lost,
// refused) is NaN: its block is left out of both sides and counted. Warm-up values are not looked
// at. Returns 0; -1 with why when a value is infinite, not positive on the relative scale (bad_step
// names it), when a variant does not exist, or when `effect` is too small for the complete blocks.
int effect_collect(const struct design *d, enum effect_scale scale, int reference, int candidate,
                   const double *value, int done, struct effect_list *list, char *why, size_t cap);

// One block from the two sums of measurements (same number of each).
double effect_of(enum effect_scale scale, double reference_sum, double candidate_sum, int repeats);

// What is shown: percent on the relative scale, the value itself on the absolute one.
double effect_shown(enum effect_scale scale, double effect);

// The way back, for margins: from +margin as shown to a symmetric bound on effects. A relative
// margin of 1 % accepts ratios from 1/1.01 to 1.01.
double effect_margin(enum effect_scale scale, double shown);

#endif
