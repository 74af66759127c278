// SPDX-License-Identifier: Apache-2.0
// The multipliers and shifts that a quantised net's steps stand for. The exporter writes them down;
// the fake-quantised forward pass computes with them, so that training sees the integers' rounding
// of ratios too.
#ifndef SEVENCAST_TRAIN_CONSTANTS_H
#define SEVENCAST_TRAIN_CONSTANTS_H

#include <stddef.h>

#include "tools/model/model.h"
#include "tools/train/net.h"

// multiplier * 2^-shift approximates ratio, the quotient of steps.
struct constant {
    double ratio;
    int32_t multiplier;
    int shift;
};

struct constants {
    struct constant linear[NET_LINEARS];
    double residual[NET_LINEARS]; // step of the residual over that of the output; 0: none
    int64_t acc_max[NET_LINEARS]; // largest |sum of products|
    struct constant score[MODEL_MAX_LAYERS];
    struct constant context[MODEL_MAX_LAYERS]; // the multiplier is K
    struct constant pool;                      // of the encoder
    // Of the collapsed form's output: the step of its exact sum of products of means, and how many
    // low bits the integers cut off that sum.
    double product;
    int drop;
};

// 0, or -1 with why: "layers[0].ff1: reason", when a ratio fits no shift.
int constants_find(const struct net *n, struct constants *c, char *why, size_t whycap);

// Chooses at most MODEL_MAX_SHIFTS shifts for sites whose largest possible shifts are limit[count]
// (in 1..MODEL_MAX_SHIFT): each site takes the largest of the list that is within its limit. The
// list loses the least multiplier precision (sum of squared rounding steps); chosen[count] is what
// each site gets.
enum { CONSTANTS_MAX_SITES = NET_LINEARS + MODEL_MAX_LAYERS + 1 };
void constants_choose_shifts(const int *limit, int count, int *chosen);

// floor(v + 0.5), the rounding of every integer that leaves training.
double constants_round(double v);

#endif
