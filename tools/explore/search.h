// SPDX-License-Identifier: Apache-2.0
// The exact front of predicted loss against cycles, energy, LUTs, Block RAMs and DSPs, over all
// widths of all tensors and all engines, under a budget.
//
// Why it is exact without pricing every combination: a box of widths, from a narrow corner to a
// wide one, holds nothing better than the loss of its wide corner at the price of its narrow one,
// since neither loss rises nor price falls when a tensor gets wider. Boxes are taken in the order
// of the loss of their wide corners. A box whose narrow corner breaks the budget, or for which a
// point found earlier is as good in everything, is dropped; any other one is cut in two. What is
// taken as a point has the least loss of all that is left, so none is ever replaced.
//
// That loss never rises is made so (sensitivity.h). Cycles and DSPs never fall; LUTs do by
// a few percent, where the planner's choice of memories turns out better than for narrower ones. So
// a narrow corner counts as `slack` percent of LUTs less. Block RAMs count as what an engine's
// memories may take, which widths do not change. The front is exact where no fall is larger;
// cover_check says how large they are.
//
// Differences below the estimator's own error are no reason for another point: LUTs and energy are
// compared in steps of `grain` percent, all else exactly.
#ifndef SEVENCAST_EXPLORE_SEARCH_H
#define SEVENCAST_EXPLORE_SEARCH_H

#include <stddef.h>

#include "tools/explore/device.h"
#include "tools/explore/sensitivity.h"

struct search_point {
    double added; // predicted mean squared error above the base
    int engine;
    struct price price;
    unsigned char width[TRIAL_MAX_TENSORS];
};

struct search {
    // what is searched; all borrowed
    const struct sensitivity *sens;
    const struct engine *engine;
    int engines;
    struct budget budget;
    const char *integers; // of the pricer, may be NULL
    double grain;         // percent, above 0
    double slack;         // percent of LUTs that a wider tensor may spare
    int least_loss;       // 1: only the point of least loss, which is found much sooner
    int jobs;             // processes, at least 1; the result does not depend on it
    void (*told)(void *context, int engines_done, long priced); // may be NULL
    void *context;
    // result
    struct search_point *point; // owned; added rises
    int count;
    double combinations; // of widths and engines
    long priced, boxes;  // prices asked for, boxes taken
};

// 0, or -1 with why.
int search_run(struct search *s, char *why, size_t whycap);
void search_free(struct search *s);

struct model_bits search_bits(const struct sensitivity *s, const struct search_point *p);

// Whether a is as good as b in everything, by the grain's steps.
int search_beats(const struct search_point *a, const struct search_point *b, double grain);

#endif
