// SPDX-License-Identifier: Apache-2.0
// What a forecast has to beat: the last value (persistence), and a linear map of the window
// (ridge regression, its penalty chosen on the validation part).
#ifndef SEVENCAST_TRAIN_BASELINES_H
#define SEVENCAST_TRAIN_BASELINES_H

#include <stddef.h>

#include "tools/train/task.h"

struct error {
    int windows;
    double rmse, mae; // physical units, over all outputs
};

// Adds up forecasts of a part: error_add for each, then error_end.
struct error_sum {
    double squares, absolute;
    long forecasts;
    int windows;
};
void error_add(struct error_sum *sum, const struct task *t, int start, const double *forecast);
struct error error_end(const struct error_sum *sum);

struct error baseline_persistence(const struct task *t, enum task_part part);

struct ridge {
    int inputs, outputs;
    double penalty;
    double *w; // owned; [outputs][inputs + 1], the constant last; scaled units
};

// Fits on the training part. -1 when memory is short or the equations cannot be solved.
int ridge_fit(struct ridge *r, const struct task *t, double penalty);
// The best of a ladder of penalties by validation RMSE.
int ridge_fit_best(struct ridge *r, const struct task *t);
struct error ridge_error(const struct ridge *r, const struct task *t, enum task_part part);
void ridge_free(struct ridge *r);

// Solves a x = b in place for a symmetric positive definite a[n][n] and b[n][columns]: b becomes x,
// a its Cholesky factor. -1 when a is not positive definite.
int cholesky_solve(double *a, double *b, int n, int columns);

#endif
