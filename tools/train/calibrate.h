// SPDX-License-Identifier: Apache-2.0
// First steps for quantisation: each tensor's step is the one of a grid that reproduces a random
// sample of its floating-point values with the least mean squared error.
#ifndef SEVENCAST_TRAIN_CALIBRATE_H
#define SEVENCAST_TRAIN_CALIBRATE_H

#include <stdint.h>

#include "tools/train/net.h"
#include "tools/train/task.h"

// Switches n to quantisation with these widths and sets all its steps from windows of the training
// part. Values are sampled at random: a strided sample can miss a column of the attention matrix
// for good. -1 when memory is short.
int calibrate(struct net *n, const struct task *t, const struct model_bits *bits, uint64_t seed);

// The best step for that sample; 1e-4 when all of it is zero.
double calibrate_step(const real *sample, size_t count, struct quant_range range);

#endif
