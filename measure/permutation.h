// SPDX-License-Identifier: Apache-2.0
// Tests of paired effects: is the mean 0 (sign flips), is it inside a margin (TOST).
#ifndef SEVENCAST_MEASURE_PERMUTATION_H
#define SEVENCAST_MEASURE_PERMUTATION_H

#include <stdbool.h>
#include <stdint.h>

enum { PERMUTATION_EXACT_VALUES = 16 };

// Two-sided p value of "the mean effect is 0" by flipping signs: when the variants do not differ,
// the labels within a block were drawn by the design alone, so every sign was as likely as the
// other. Exact over all 2^n flips up to PERMUTATION_EXACT_VALUES effects; else (1 + hits) / (1 +
// flips) over `flips` random ones. Never below 2^(1-n) or 1 / (1 + flips). All effects 0: p = 1.
// -1: n < 1, a value that is not finite, or flips < 99 where they are needed.
int permutation_sign_flip(const double *x, int n, int flips, uint64_t seed, double *p);

struct equivalence {
    double p;    // the larger of the two one-sided p values
    double low;  // the 100 (1 - 2 alpha) % interval of the mean
    double high; //
    bool inside; // p < alpha, which is the same as the interval inside (-margin, margin)
};

// Two one-sided t tests (Schuirmann 1987) that the mean lies inside (-margin, margin); n >= 2,
// margin > 0, 0 < alpha < 0.5.
int equivalence_test(const double *x, int n, double margin, double alpha, struct equivalence *out);

#endif
