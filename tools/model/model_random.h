// SPDX-License-Identifier: Apache-2.0
// Random variants and windows that keep every rule of model_check: for property tests of C, VHDL
// and the daemon. Integers only; a seed gives the same variant everywhere.
#ifndef SEVENCAST_MODEL_MODEL_RANDOM_H
#define SEVENCAST_MODEL_MODEL_RANDOM_H

#include <stdint.h>

#include "tools/model/variant.h"

// splitmix64 (S. Vigna).
struct model_rng {
    uint64_t state;
};
uint64_t model_rng_next(struct model_rng *r);
int64_t model_rng_range(struct model_rng *r, int64_t lo, int64_t hi); // both included, lo <= hi

struct model_random_options {
    uint64_t seed;
    struct model_shape shape; // numbers that are 0 are drawn at random, small more often than large
    int bits;                 // every width but y's; 0: each at random. e gets at most 7
    int y_bits;               // 0: at random
    const struct model_bits
        *widths; // borrowed; not NULL: all widths, in the place of the two above
    int extreme; // integers at their limits instead of useful data ranges
};

// A variant named "random-SEED" that passes variant_check. Not extreme: the requantisers are set so
// that tensors fill their ranges without being mostly saturated. NULL when the shape or a width is
// not allowed (why says which) or memory is short.
struct variant *model_random_variant(const struct model_random_options *o, char *why,
                                     size_t whycap);

// A window of codes for mdl: uniform over the range of x; one in eight at its ends or zero.
void model_random_window(struct model_rng *r, const struct model *mdl, int8_t *x);

#endif
