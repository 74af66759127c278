// SPDX-License-Identifier: Apache-2.0
// Bootstrap intervals of the mean. Which one to use was measured (docs/measuring.md): at 8..40
// blocks percentile and BCa intervals hold 95 % too rarely; the studentised one holds it, unless a
// few windows carry most of the scatter.
#ifndef SEVENCAST_MEASURE_BOOTSTRAP_H
#define SEVENCAST_MEASURE_BOOTSTRAP_H

#include "measure/sample.h"

#include <stdint.h>

enum bootstrap_kind {
    BOOTSTRAP_STUDENTISED, // Efron & Tibshirani 1993, section 12.5
    BOOTSTRAP_BCA,         // section 14.3, acceleration by the jackknife
    BOOTSTRAP_PERCENTILE,  // section 13.3
};

enum { BOOTSTRAP_MIN_VALUES = 4, BOOTSTRAP_MIN_RESAMPLES = 99 };

// Interval of the mean of x[0..n-1] from `resamples` resamples, the same for the same seed.
// scratch: `resamples` doubles. When all values are equal the interval is that point.
// -1: n < BOOTSTRAP_MIN_VALUES, resamples < BOOTSTRAP_MIN_RESAMPLES, a value that is not finite, or
// a confidence that is not in (0, 1).
int bootstrap_mean(enum bootstrap_kind kind, const double *x, int n, double confidence,
                   int resamples, uint64_t seed, double *scratch, struct interval *out);

#endif
