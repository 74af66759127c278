// SPDX-License-Identifier: Apache-2.0
// One training run: epochs over shuffled batches, the best epoch by validation kept.
#ifndef SEVENCAST_TRAIN_FIT_H
#define SEVENCAST_TRAIN_FIT_H

#include <stdint.h>

#include "tools/train/net.h"
#include "tools/train/task.h"

struct fit_options {
    int epochs, batch;
    int patience; // epochs without improvement before it ends; 0: never
    double rate, weight_decay;
    uint64_t seed;
};

struct fit_epoch {
    int epoch;                                     // from 1
    double train_rmse, validation_rmse, best_rmse; // scaled units
    double seconds;                                // of processor time, without validation
};

// All that the rest of a run depends on, after an epoch.
struct fit_state {
    int epoch; // the last one done
    struct fit_epoch best;
    uint64_t dice;
    long step;    // of the optimiser
    size_t count; // parameters
    int windows;
    real *param, *kept, *mean, *square; // [count]; kept: the best epoch's parameters
    int *order;                         // [windows]
};

struct fit_hooks {
    void *context;
    // RMSE of the validation part in scaled units; negative: the run fails. A result that is not
    // below best only has to say so.
    double (*validate)(void *context, struct net *n, double best);
    void (*report)(void *context, const struct fit_epoch *epoch); // may be NULL
    int (*save)(void *context, const struct fit_state *state);    // may be NULL; nonzero fails
};

// Trains n in its present mode (net_quantise). On return its parameters are those of the best
// epoch, the untrained state counting as epoch 0, and *best says how good it is. With from (of an
// equal n, t and options) it goes on after that epoch, to the same result. -1 when memory is short
// or a hook failed.
int fit(struct net *n, const struct task *t, const struct fit_options *options,
        const struct fit_hooks *hooks, const struct fit_state *from, struct fit_epoch *best);

// Forecasts of n for one part, scaled, into y[count][outputs], by its own forward pass.
void fit_forecast(struct net *n, const struct task *t, enum task_part part, real *y);
// Their RMSE in scaled units.
double fit_rmse(struct net *n, const struct task *t, enum task_part part);

#endif
