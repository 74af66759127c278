// SPDX-License-Identifier: Apache-2.0
// The order in which the variants of an experiment are measured. A measurement is one window of
// back-to-back inferences on one variant; a block is the smallest group of measurements that holds
// every variant and gives one paired difference.
//
// A design is a plain value: step i is computed from it alone, so that a runner may stop, restart
// and go on at i without having stored the order. Nothing here allocates or fails after
// design_check.
#ifndef SEVENCAST_MEASURE_DESIGN_H
#define SEVENCAST_MEASURE_DESIGN_H

#include <stddef.h>
#include <stdint.h>

enum design_kind {
    // Every block is a random order and the same order backwards: A B B A, or A B C C B A. What
    // drifts linearly in time adds the same to every variant of a block.
    DESIGN_ABBA,
    // Every block is a random order: A B or B A. Drift cancels over the blocks only, but a block
    // costs half the measurements.
    DESIGN_RANDOM_PAIRS,
    // All of A, then all of B. It takes drift for a difference: only there to show that.
    DESIGN_BLOCKED,
};

enum {
    DESIGN_MAX_VARIANTS = 16,
    DESIGN_MAX_BLOCKS = 10000,
    DESIGN_MAX_WARMUP = 1000,
};

struct design {
    enum design_kind kind;
    int variants;  // 2..DESIGN_MAX_VARIANTS
    int blocks;    // the budget, 1..DESIGN_MAX_BLOCKS
    int warmup;    // rounds over all variants in front, measured and thrown away
    uint64_t seed; // of the random orders
};

struct design_step {
    int variant; // 0..variants-1
    int block;   // 0..blocks-1; -1 during warm-up, whose measurements are excluded
    int repeat;  // the how manieth measurement of this variant in this block (or warm-up)
};

// 0, or -1 and why (cap bytes, always terminated) names the field that is out of range.
int design_check(const struct design *d, char *why, size_t cap);

// Measurements in the warm-up, in one block, and in all.
int design_warmup_steps(const struct design *d);
int design_block_steps(const struct design *d);
int design_steps(const struct design *d);

// Step `index`, 0..design_steps-1. In any `variants` consecutive blocks from a multiple of
// `variants` on, every variant stands in every position equally often (ABBA and random pairs).
struct design_step design_step(const struct design *d, int index);

// How many blocks are complete once the first `done` steps have been measured.
int design_complete_blocks(const struct design *d, int done);

// "abba", "random-pairs", "blocked", and back; -1 for another word.
const char *design_kind_name(enum design_kind kind);
int design_kind_parse(const char *word, enum design_kind *kind);

#endif
