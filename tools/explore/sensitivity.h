// SPDX-License-Identifier: Apache-2.0
// What `sevencast-explore sensitivities` measured: the loss that each tensor adds at each width.
#ifndef SEVENCAST_EXPLORE_SENSITIVITY_H
#define SEVENCAST_EXPLORE_SENSITIVITY_H

#include <jansson.h>
#include <stddef.h>

#include "tools/train/task.h"
#include "tools/train/trial.h"

enum { WIDTH_MIN = 2, WIDTH_MAX = 8, WIDTHS = WIDTH_MAX + 1 };

struct sensitivity {
    struct model_shape shape;
    struct task_spec spec; // strings lie in root
    const char *task, *unit;
    const char *feature[MODEL_MAX_FEATURES];
    double float_rmse, base_rmse; // validation part, physical units
    int tensors;
    char name[TRIAL_MAX_TENSORS][TRIAL_NAME_BYTES];
    // Added mean squared error at each width, physical units squared; INFINITY where it was not
    // measured. Never negative and never less at a narrower width: what is, is noise.
    double added[TRIAL_MAX_TENSORS][WIDTHS];
    json_t *root; // owned
};

// 0, or -1 with why: "file: field: reason".
int sensitivity_read(struct sensitivity *s, const char *path, char *why, size_t whycap);
// Shape and task alone, of an object that has them as members of those names.
int sensitivity_read_task(struct sensitivity *s, json_t *root, char *why, size_t whycap);
void sensitivity_free(struct sensitivity *s);

#endif
