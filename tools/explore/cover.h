// SPDX-License-Identifier: Apache-2.0
// Whether a front is what it claims to be, by chance: prices random combinations that the search
// never looked at.
#ifndef SEVENCAST_EXPLORE_COVER_H
#define SEVENCAST_EXPLORE_COVER_H

#include "tools/explore/search.h"

struct cover {
    int combinations; // priced: random ones, and as many that differ from the front in 1-3 widths
    int held;         // of them keep the budget
    int uncovered;    // of these no point of the front is as good as
    double worst;     // percent that LUTs or energy would have to be more for the worst of these;
                      // INFINITY: no point has its loss, cycles, DSPs and RAMB18s at all
    int widenings;    // of one tensor by one level or more, priced before and after
    int falls;        // of them lower LUTs
    int largest_fall; // LUTs
};
// 0, or -1 with why.
int cover_check(struct cover *c, const struct search *s, int count, unsigned long seed, char *why,
                size_t whycap);

#endif
