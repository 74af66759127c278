// SPDX-License-Identifier: Apache-2.0
// Descriptions of a sample: moments, quantiles, the median's interval, rank correlation.
// A function that is given too few values or a value that is not finite refuses: it returns -1 and
// leaves its out-pointers alone. Arrays named scratch are the caller's and are overwritten.
#ifndef SEVENCAST_MEASURE_SAMPLE_H
#define SEVENCAST_MEASURE_SAMPLE_H

#include <stdbool.h>

struct sample {
    int n;
    double mean;
    double sd; // of the values, divisor n - 1; 0 for n = 1
    double min, max;
};

struct interval {
    double low, high;
    double confidence; // the level that is held, e.g. 0.95
};

// n >= 1, all finite.
int sample_describe(const double *x, int n, struct sample *s);

// True when every value is finite.
bool sample_finite(const double *x, int n);

// Ascending, in place, without allocating: heapsort, O(n log n) at worst.
void sample_sort(double *x, int n);

// Quantile q in [0, 1] of sorted values by linear interpolation between order statistics (type 7 of
// Hyndman & Fan 1996). n >= 1.
double sample_quantile(const double *sorted, int n, double q);

// The interval between two order statistics that holds the median with at least `confidence`
// whatever the distribution; its confidence is the one reached. -1 when n is too small for it
// (95 % needs 6 values). sorted: ascending.
int sample_median_interval(const double *sorted, int n, double confidence, struct interval *out);

// The t interval of the mean; n >= 2.
int sample_mean_interval(const double *x, int n, double confidence, struct interval *out);

// Spearman's rank correlation of the values with their place in time, ties by mid-ranks, and its
// two-sided p value by the t approximation (n >= 4). rho is 0 and p is 1 when all values are equal.
// scratch: 2 n doubles.
int sample_trend(const double *x, int n, double *rho, double *p, double *scratch);

#endif
