// SPDX-License-Identifier: Apache-2.0
// Random numbers of this room: xoshiro256** (Blackman & Vigna, 2018; published in the public
// domain), its state filled by splitmix64. The same seed gives the same numbers on every machine.
// Not for secrets.
#ifndef SEVENCAST_MEASURE_RANDOM_H
#define SEVENCAST_MEASURE_RANDOM_H

#include <stdint.h>

struct random {
    uint64_t state[4];
};

// Starts stream number `stream` of a seed; streams of one seed do not overlap in practice.
void random_init(struct random *r, uint64_t seed, uint64_t stream);

uint64_t random_u64(struct random *r);

// Uniform in [0, below), without modulo bias; below >= 1.
uint32_t random_below(struct random *r, uint32_t below);

// Uniform in (0, 1): never an end.
double random_unit(struct random *r);

// Standard normal, by inversion: one number drawn for one returned.
double random_normal(struct random *r);

// Fills order with a uniformly random permutation of 0..n-1 (Fisher-Yates).
void random_permutation(struct random *r, int *order, int n);

#endif
