// SPDX-License-Identifier: Apache-2.0
// A group-sequential test and interval of the mean of paired effects: the data may be looked at a
// few planned times and the experiment stopped early, and still at most alpha of the experiments
// without a difference report one, and the interval at the end still holds the truth 1 - alpha of
// the time. docs/measuring.md derives it and shows the simulations.
//
// Stops:
// - crossed: the statistic is outside this look's bounds. Bounds come from alpha spending (Lan &
// DeMets
//   1983) with the linear spending function alpha * n / budget.
// - precise: the interval is so narrow that every possible mean would be a decision. That goes by
// the
//   scatter only, which says nothing about the mean, so that it does not bend the test; and it is
//   fixed one look ahead. All of alpha that is left is spent at that look.
// - budget: the last look.
// The interval is the stage-wise one (Tsiatis, Rosner & Mehta 1984).
#ifndef SEVENCAST_MEASURE_SEQUENTIAL_H
#define SEVENCAST_MEASURE_SEQUENTIAL_H

#include "measure/sample.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    SEQUENTIAL_MAX_LOOKS = 16,
    SEQUENTIAL_NODES = 40,
    SEQUENTIAL_MIN_FIRST = 6, // effects at the first look, below which scatter is not known
};

enum sequential_stop {
    SEQUENTIAL_GO_ON,
    SEQUENTIAL_CROSSED,
    SEQUENTIAL_PRECISE,
    SEQUENTIAL_BUDGET,
};

struct sequential_plan {
    double alpha;      // two-sided, in (0, 0.5); of all looks together
    double margin;     // of equivalence, on the scale of the effects; 0: none asked for
    double half_width; // stop when the interval is at most this to each side; 0: not asked for
    int first;         // effects at the first look, >= SEQUENTIAL_MIN_FIRST
    int budget;        // effects at the last look, >= first
    int multiple;      // looks fall on multiples of this (the design's variants); >= 1
};

struct sequential {
    struct sequential_plan plan;
    int looks_planned, at[SEQUENTIAL_MAX_LOOKS];
    int looks;    // taken
    int final_at; // effects at which the interval will be narrow enough; 0: not in sight
    int n[SEQUENTIAL_MAX_LOOKS];
    double bound[SEQUENTIAL_MAX_LOOKS]; // |z| from which a look stops the test
    double spent;                       // of alpha
    struct sample last;                 // the effects at the latest look
    enum sequential_stop stop;
    double node[SEQUENTIAL_NODES], weight[SEQUENTIAL_NODES]; // Gauss-Legendre on [-1, 1]
};

// Plans the looks: first, then half as many more each time, up to the budget. -1 and why when a
// field is out of range.
int sequential_begin(struct sequential *s, const struct sequential_plan *plan, char *why,
                     size_t cap);

// How many effects the next look waits for; 0 when stopped.
int sequential_due(const struct sequential *s);

// Takes a look at x[0..n-1]: all effects so far, more than at the look before. last: no more will
// come (the budget in time is gone, blocks were lost), so this is the final look. Returns the state
// after it. Once stopped the test is frozen and a further look changes nothing. A look with fewer
// than SEQUENTIAL_MIN_FIRST effects that is not the last, or with no more effects than the one
// before, or with a value that is not finite, is refused: -1 and no change. A last look may have as
// few as 2 effects; with fewer there is no statistic, and it is refused too.
int sequential_look(struct sequential *s, const double *x, int n, bool last);

// The interval of the true mean at the latest look with the given confidence, and its middle (the
// median-unbiased estimate). While the test goes on it is what the interval would be if this look
// were the end. -1 before the first look.
int sequential_interval(const struct sequential *s, double confidence, struct interval *out);
int sequential_estimate(const struct sequential *s, double *mean);

// Two-sided p value of "the mean is 0" in the same ordering: below alpha exactly when the interval
// of confidence 1 - alpha leaves 0 out.
int sequential_p(const struct sequential *s, double *p);

#endif
