// SPDX-License-Identifier: Apache-2.0
// One comparison of two variants from its measurements to its verdict: blocks -> effects -> looks
// -> words. K variants against one reference are K - 1 comparisons, each with alpha / (K - 1).
#ifndef SEVENCAST_MEASURE_VERDICT_H
#define SEVENCAST_MEASURE_VERDICT_H

#include "measure/design.h"
#include "measure/effect.h"
#include "measure/sample.h"
#include "measure/sequential.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum verdict {
    VERDICT_UNDECIDED,
    VERDICT_BETTER,     // of the candidate than the reference
    VERDICT_WORSE,      //
    VERDICT_EQUIVALENT, // the difference, if any, is smaller than the margin
};

// Why a comparison is undecided.
enum verdict_reason {
    VERDICT_DECIDED,
    VERDICT_RUNNING, // more blocks are to come
    VERDICT_WIDE,    // the budget is spent and the interval allows more than one word
    VERDICT_DRIFT,   // the difference itself changes with time: one number does not describe it
    VERDICT_TOO_FEW, // too few complete blocks for any statistic
};

enum verdict_direction { VERDICT_LOWER_IS_BETTER, VERDICT_HIGHER_IS_BETTER };

// What the words are read from, all on the scale of the effects.
struct verdict_evidence {
    struct interval difference;  // confidence 1 - alpha
    struct interval equivalence; // confidence 1 - 2 alpha (TOST)
    double p, alpha;             // of "no difference"
    double margin;               // 0: none asked for
    bool drifts;
    enum verdict_direction direction;
};

// equivalent: the equivalence interval lies inside the margin. Else better or worse: the difference
// interval leaves 0 out and p < alpha. Else undecided. A drifting difference is always undecided.
// A difference that is there but inside the margin is "equivalent": the reader sees the interval.
enum verdict verdict_of(const struct verdict_evidence *e, enum verdict_reason *reason);

const char *verdict_name(enum verdict v);               // "better", "worse", ...
const char *verdict_reason_text(enum verdict_reason r); // a sentence; "" for VERDICT_DECIDED

struct comparison_plan {
    int reference, candidate; // variants of the design
    enum effect_scale scale;
    enum verdict_direction direction;
    double alpha;      // for all comparisons with this reference together, e.g. 0.05
    double margin;     // as shown: percent, or the unit of the measurements; 0: none
    double half_width; // as shown: stop when the interval is this narrow; 0: not asked for
    int first;         // blocks before the first look, e.g. 8
};

// The caller keeps it; it borrows the design and a buffer for the effects.
struct comparison {
    const struct design *design;
    struct comparison_plan plan;
    struct sequential test;
    struct effect_list effects; // as of the latest look
    int steps;                  // measurements behind them
};

// effects: room for design->blocks numbers; design must have passed design_check. Both must outlive
// c.
int comparison_begin(struct comparison *c, const struct design *design,
                     const struct comparison_plan *plan, double *effects, char *why, size_t cap);

// Looks when one is due: value[0..done-1] are the measurements of the first `done` steps, NaN where
// one is missing. Returns a sequential_stop (SEQUENTIAL_GO_ON as long as it needs more), or -1 and
// why for a value that cannot be. Stops at the budget when done is all of the design or `last` is
// set. Once stopped it is frozen, so that the runner may go on for other comparisons.
int comparison_update(struct comparison *c, const double *value, int done, bool last, char *why,
                      size_t cap);

// All that a report shows. Shown values are percent or the unit of the measurements.
struct comparison_report {
    enum verdict verdict;
    enum verdict_reason reason;
    enum sequential_stop stop;
    int blocks, lost;            // complete blocks used, complete blocks left out
    double estimate;             // median-unbiased
    struct interval interval;    // of the difference, honest under stopping: the one to quote
    struct interval equivalence; //
    double p;                    // in step with `interval`
    double alpha;                // of this comparison
    double margin;               // as shown
    // Checks that know nothing of the looks; they describe the blocks at hand.
    double p_permutation;            // sign flips
    double p_equivalence;            // TOST; NaN without a margin
    struct interval bootstrap;       // studentised; NaN ends below 4 blocks
    double median;                   // of the blocks' effects
    struct interval median_interval; // distribution-free; NaN ends where there are too few blocks
    double trend_rho, trend_p;       // Spearman, effect against time; NaN below 4 blocks
    bool drifts;
};

// scratch: comparison_scratch(c) doubles. Never fails: what cannot be computed is NaN and the
// verdict says so. seed: of bootstrap and permutations.
int comparison_scratch(const struct comparison *c);
void comparison_report(const struct comparison *c, uint64_t seed, double *scratch,
                       struct comparison_report *out);

#endif
