// SPDX-License-Identifier: Apache-2.0
// Adam (Kingma and Ba 2015) with decoupled weight decay (Loshchilov and Hutter 2019) and a cosine
// learning rate after a short rise.
#ifndef SEVENCAST_TRAIN_OPTIM_H
#define SEVENCAST_TRAIN_OPTIM_H

#include <stddef.h>

#include "tools/train/net.h"

struct optim {
    double rate, weight_decay;
    long step, steps; // taken, planned
    size_t count;
    real *mean, *square; // owned; [count]
};

// -1 when memory is short. steps: how many optim_step calls the cosine spans.
int optim_init(struct optim *o, const struct net *n, double rate, double weight_decay, long steps);
void optim_fini(struct optim *o);

// Moves n->param against n->grad. Only weight matrices decay; the steps of quantisation move only
// while the net is quantised.
void optim_step(struct optim *o, struct net *n);

#endif
