// SPDX-License-Identifier: Apache-2.0
// Fake quantisation: a value becomes step * code, the code rounded and clamped as the integers
// will be. Backwards it is the identity inside the range (straight-through) and zero outside, and
// the step itself is learned (LSQ: Esser et al. 2020).
#ifndef SEVENCAST_TRAIN_QUANT_H
#define SEVENCAST_TRAIN_QUANT_H

#include <stddef.h>

#include "tools/train/real.h"

struct quant_range {
    real lo, hi; // codes
};

// out[i] = step * clamp(round(in[i] / step)).
void quant_forward(const real *in, real *out, size_t n, real step, struct quant_range range);

// The codes alone.
void quant_codes(const real *in, real *code, size_t n, real step, struct quant_range range);

// grad holds dL/d out and becomes dL/d in. Returns dL/d log(step).
real quant_backward(const real *in, real *grad, size_t n, real step, struct quant_range range);

#endif
