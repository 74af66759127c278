// SPDX-License-Identifier: Apache-2.0
// Points of a front under a budget, trained: what the predicted losses are worth.
#ifndef SEVENCAST_EXPLORE_CONFIRM_H
#define SEVENCAST_EXPLORE_CONFIRM_H

#include <jansson.h>

#include "tools/explore/search.h"

enum { CONFIRM_MAX = 200 };

struct confirm_options {
    const char *data, *checkpoint, *record; // record may be NULL
    int count, seeds, epochs, jobs, quiet;  // jobs: 0 one for each core
    double rate, timeout_s;
};

// Of the points that no other one beats in loss and cycles, or in loss and LUTs, up to count,
// evenly apart. Returns how many indices it wrote.
int confirm_choose(const struct search *s, int count, int chosen[CONFIRM_MAX]);

// Trains them with each seed. An array of {"point", "predicted_rmse", "validation_rmse",
// "test_rmse", "runs"}, means and the runs' validation RMSE; null where a run was never exportable.
// Owned by the caller; NULL after a message, with an exit code in *code.
json_t *confirm_run(const struct confirm_options *o, const struct search *s, int *code);

#endif
