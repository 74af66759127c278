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

// Percentile interval of the median: the way to show few windows that may hold an outlier. It has
// little choice below 20 values (5: the range, which holds the median 94 % of the time);
// docs/measuring.md says what it holds. scratch: resamples + n doubles. -1 as above.
int bootstrap_median(const double *x, int n, double confidence, int resamples, uint64_t seed,
                     double *scratch, struct interval *out);

// How many values to look at next, when values are added until the median's interval is at most
// target to each side; 0: no more. Looking after each value would stop on intervals that came out
// narrow by chance and hold the median 85 % of the time; this plans ahead as sequential.h does.
int bootstrap_next_look(int n, double half_width, double target, int most);

#endif
