// SPDX-License-Identifier: Apache-2.0
// Quantised runs from one floating-point net: what widths cost. Trials are independent of each
// other; tools/explore/pool.h runs many.
#ifndef SEVENCAST_TRAIN_TRIAL_H
#define SEVENCAST_TRAIN_TRIAL_H

#include <stddef.h>

#include "tools/train/fit.h"

struct trial {
    struct model_bits bits;
    uint64_t seed;
    int epochs;  // 0: as the plan says
    double rate; // 0: as the plan says
    // results
    int done;               // 0: not run, or it failed
    double validation_rmse; // of the integers, physical units; INFINITY: never exportable
    double test_rmse;       // likewise, where the plan asks for it; chooses nothing; else NAN
    int best_epoch;         // 0: the calibrated net, before any training
    double seconds;         // processor time
};

struct trial_plan {
    const struct task *task;
    struct model_shape shape;
    const real *floating; // [net_layout.count], a trained floating-point net's parameters
    struct fit_options fit;
    int test; // whether the best epoch's integers are run on the test part too
};

// One trial in n, a net of the plan's shape, whose parameters are overwritten. -1 when memory is
// short.
int trial_run(const struct trial_plan *plan, struct net *n, struct trial *t);

// Names of the tensors whose widths are chosen, in the order of model_bits, without y and what the
// form does not have; layers count one by one: "layers.0.q". Returns how many there are.
enum { TRIAL_MAX_TENSORS = 5 + 15 * MODEL_MAX_LAYERS, TRIAL_NAME_BYTES = 24 };
int trial_tensors(const struct model_shape *s, char name[TRIAL_MAX_TENSORS][TRIAL_NAME_BYTES]);
// The width of tensor i of that list.
int *trial_width(const struct model_shape *s, struct model_bits *bits, int i);

#endif
