// SPDX-License-Identifier: Apache-2.0
// Judging integers: every loss that is reported for a quantised net comes from here, that is from
// model_run on the codes that variant_encode makes of physical values.
#ifndef SEVENCAST_TRAIN_GOLDEN_H
#define SEVENCAST_TRAIN_GOLDEN_H

#include <stddef.h>

#include "tools/model/variant.h"
#include "tools/train/baselines.h"
#include "tools/train/net.h"
#include "tools/train/task.h"

// The integers of a quantised net with the scaling of a task, names empty. NULL on failure.
struct variant *golden_variant(const struct net *n, const struct task *t, char *why, size_t whycap);

struct golden_result {
    struct error error; // physical units
    long saturated;     // input values outside the range of x
    long values;        // input values
};

// Runs v on all windows of a part. -1 when memory is short or the shapes do not match, with why.
int golden_evaluate(const struct variant *v, const struct task *t, enum task_part part,
                    struct golden_result *result, char *why, size_t whycap);

// RMSE of n's integers on the validation part in scaled units: INFINITY when they cannot be
// exported (why says so), negative when memory is short. Where n's own forward pass is clearly
// worse than best, its result is returned and the integers are spared.
double golden_validate(struct net *n, const struct task *t, double best, char *why, size_t whycap);

// How often the fake-quantised forward pass and the integers differ.
struct golden_difference {
    int windows;
    double outputs;                                 // share of y
    double tensor[MODEL_TENSORS][MODEL_MAX_LAYERS]; // share of elements; 0 where there is none
    int largest;                                    // difference of y, in its steps
};

// n is the net that v was exported from. Looks at the first `most` windows of the part (0: all).
int golden_compare(struct net *n, const struct variant *v, const struct task *t,
                   enum task_part part, int most, struct golden_difference *d, char *why,
                   size_t whycap);

#endif
