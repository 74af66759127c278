// SPDX-License-Identifier: Apache-2.0
// A simulated lab for bench-ab: measurements that drift, warm up and scatter around a known truth.
#ifndef SEVENCAST_TOOLS_BENCH_D_AB_WORLD_H
#define SEVENCAST_TOOLS_BENCH_D_AB_WORLD_H

#include "measure/random.h"

enum noise_shape {
    NOISE_NORMAL,
    NOISE_SPIKY,      // 19 of 20 windows quiet, one of 20 disturbed upwards: skewed
    NOISE_CORRELATED, // first-order autoregressive, 0.5 from one window to the next
};

struct world {
    double noise_pct;        // standard deviation of a window
    double drift_pct_minute; // linear, of everything that is measured
    double warmup_pct, warmup_tau_s;
    double window_s, swap_s; // a swap where two windows differ in their variant
    enum noise_shape shape;
};

struct lab {
    const struct world *world;
    struct random noise;
    double now_s, previous_noise;
    int previous_variant;
};

void lab_open(struct lab *lab, const struct world *world, uint64_t seed, uint64_t stream);

// Measures one window of a variant whose true value is `truth`, and takes its time.
double lab_measure(struct lab *lab, int variant, double truth);

// One draw of noise with mean 0 and standard deviation 1.
double lab_noise(struct lab *lab);

// The table of fixed-size intervals: coverage of t, studentised, BCa and percentile intervals.
// Prints rows of JSON.
void intervals_print(int experiments, uint64_t seed);

#endif
