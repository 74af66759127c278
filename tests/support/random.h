// SPDX-License-Identifier: Apache-2.0
// Seeded random numbers for property tests. A test takes its seed from SEVENCAST_SEED when that is
// set, else from a fixed default, and prints it, so that every failure can be run again.
#ifndef SEVENCAST_TESTS_RANDOM_H
#define SEVENCAST_TESTS_RANDOM_H

#include <stdint.h>

struct rng {
    uint64_t state;
};

// Seeds r: from the environment variable SEVENCAST_SEED, else from fallback. Prints the seed.
void rng_init(struct rng *r, uint64_t fallback);

// 64 uniform bits (splitmix64: S. Vigna, public-domain constants).
uint64_t rng_u64(struct rng *r);

// Uniform in [lo, hi], both included; lo <= hi.
int64_t rng_range(struct rng *r, int64_t lo, int64_t hi);

#endif
