// SPDX-License-Identifier: Apache-2.0
// From a quantised net to the integers of docs/arithmetic.md.
#ifndef SEVENCAST_TRAIN_EXPORT_H
#define SEVENCAST_TRAIN_EXPORT_H

#include <stddef.h>

#include "tools/model/model.h"
#include "tools/train/net.h"

// A model that passes model_check, from a quantised net. NULL on failure, with why: "layers[0].ff1:
// reason".
struct model *export_model(const struct net *n, char *why, size_t whycap);

// b clamped to what can still change the result of sat((acc + b) >> shift), |acc| <= acc_max.
int64_t export_clamp_bias(double b, int64_t acc_max, int shift, int lo, int hi);

#endif
