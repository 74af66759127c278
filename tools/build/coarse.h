// SPDX-License-Identifier: Apache-2.0
// Biases with as many trailing zeros as give the same codes.
#ifndef SEVENCAST_BUILD_COARSE_H
#define SEVENCAST_BUILD_COARSE_H

#include <stdint.h>

// clamp((acc * multiplier + bias) >> shift, low, high) of every acc in [acc_low, acc_high]
struct coarse_requant {
    int64_t acc_low, acc_high; // at most 2^31 - 1 of them
    int32_t multiplier;        // not negative
    int shift;                 // 1 to 40
    int32_t low, high;
    int64_t most; // |bias| that is allowed
};

// Of the biases that give every acc the code which bias gives it, less than 2^shift away, the one
// with most trailing zeros; |bias| <= most < 2^48. Proven from the least and largest remainders,
// which are counted in O(shift * log), not sampled.
int64_t coarse_bias(const struct coarse_requant *q, int64_t bias);

#endif
