// SPDX-License-Identifier: Apache-2.0
// From a quantised net to the integers of docs/arithmetic.md.
#ifndef SEVENCAST_TRAIN_EXPORT_H
#define SEVENCAST_TRAIN_EXPORT_H

#include <stddef.h>

#include "tools/model/model.h"
#include "tools/train/net.h"

// A model that passes model_check. The net is quantised and net_begin has been called since its
// parameters changed. NULL on failure, with why: "layers[0].ff1: reason".
struct model *export_model(const struct net *n, char *why, size_t whycap);

// Chooses at most MODEL_MAX_SHIFTS shifts for sites whose largest possible shifts are limit[count]
// (in 1..MODEL_MAX_SHIFT): each site takes the largest of the list that is within its limit. The
// list loses the least multiplier precision (sum of squared rounding steps); chosen[count] is what
// each site gets.
void export_choose_shifts(const int *limit, int count, int *chosen);

// b clamped to what can still change the result of sat((acc + b) >> shift), |acc| <= acc_max.
int64_t export_clamp_bias(double b, int64_t acc_max, int shift, int lo, int hi);

#endif
