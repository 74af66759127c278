// SPDX-License-Identifier: Apache-2.0
// A forecasting task: a series from CSV, cut in chronological parts, scaled, and cut in windows.
//
// A window is L rows of features; its targets lie horizon, horizon + 1, ... horizon + outputs - 1
// rows after its last row. All rows of a window, targets included, lie within one part, so no part
// sees a value of another. A window that touches a gap is dropped. Scaling (mean and standard
// deviation) is fitted on the training part only.
#ifndef SEVENCAST_TRAIN_TASK_H
#define SEVENCAST_TRAIN_TASK_H

#include <stddef.h>

#include "csv/csv.h"
#include "tools/model/variant.h"
#include "tools/train/real.h"

enum task_part { TASK_TRAIN, TASK_VALIDATION, TASK_TEST, TASK_PARTS };
enum { TASK_MAX_HORIZON = 10000 };

struct task_spec {
    const char *target;
    const char *const *features; // NULL: the target alone
    int feature_count;
    int window, horizon, outputs;
    int split[TASK_PARTS]; // percent of the rows, 100 together
};

struct task {
    int window, horizon, features, outputs;
    int rows;
    double *value;            // [rows][features + 1], physical units, the target last; NaN: gap
    double *offset;           // [features + 1], (value - offset) / scale is the scaled value
    double *scale;            // [features + 1]
    real *scaled;             // [rows][features + 1]
    int edge[TASK_PARTS + 1]; // part p is the rows edge[p] .. edge[p + 1] - 1
    int *start[TASK_PARTS];   // first row of every window
    int count[TASK_PARTS];
    int dropped[TASK_PARTS]; // windows that touch a gap
};

const char *task_part_name(enum task_part part);

// The table holds the feature columns and the target. NULL on failure, with why.
struct task *task_new(const struct csv_table *table, const struct task_spec *spec, char *why,
                      size_t whycap);
void task_free(struct task *t); // NULL allowed

// Features of a window, physical units, into x[L][features].
void task_window(const struct task *t, int start, double *x);
// Target k (0 .. outputs - 1) of a window, physical units and scaled.
double task_target(const struct task *t, int start, int k);
real task_target_scaled(const struct task *t, int start, int k);
// The target's value at the window's last row: what persistence forecasts.
double task_last(const struct task *t, int start);

// LANES windows side by side, scaled, into x[L][features][LANES].
void task_gather(const struct task *t, const int start[LANES], real *x);

#endif
