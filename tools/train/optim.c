// SPDX-License-Identifier: Apache-2.0
#include "tools/train/optim.h"

#include <stdlib.h>

enum { RISE_STEPS = 50 };
static const double mean_keep = 0.9, square_keep = 0.98, epsilon = 1e-9;

int optim_init(struct optim *o, const struct net *n, double rate, double weight_decay, long steps)
{
    *o = (struct optim){.rate = rate, .weight_decay = weight_decay, .steps = steps};
    o->count = n->layout.count;
    o->mean = calloc(o->count, sizeof *o->mean);
    o->square = calloc(o->count, sizeof *o->square);
    if (o->mean && o->square)
        return 0;
    optim_fini(o);
    return -1;
}

void optim_fini(struct optim *o)
{
    free(o->mean);
    free(o->square);
    o->mean = o->square = NULL;
}

static double rate_now(const struct optim *o)
{
    double rate =
        o->rate * 0.5 * (1 + cos(3.14159265358979323846 * (double)o->step / (double)o->steps));
    return o->step < RISE_STEPS ? rate * (double)(o->step + 1) / RISE_STEPS : rate;
}

static void decay(struct net *n, real keep)
{
    for (int i = 0; i < n->layout.linears; i++) {
        const struct net_linear *lin = &n->layout.linear[i];
        for (size_t k = 0; k < (size_t)(lin->in * lin->out); k++)
            n->param[lin->w + k] *= keep;
    }
}

void optim_step(struct optim *o, struct net *n)
{
    const double rate = rate_now(o);
    o->step++;
    const real mean_scale = (real)(1 / (1 - pow(mean_keep, (double)o->step)));
    const real square_scale = (real)(1 / (1 - pow(square_keep, (double)o->step)));
    const real keep1 = (real)mean_keep, keep2 = (real)square_keep;
    const size_t count = n->quantised ? o->count : n->layout.weights_end;
    if (o->weight_decay > 0)
        decay(n, (real)(1 - rate * o->weight_decay));
    for (size_t i = 0; i < count; i++) {
        real g = n->grad[i];
        o->mean[i] = keep1 * o->mean[i] + (1 - keep1) * g;
        o->square[i] = keep2 * o->square[i] + (1 - keep2) * g * g;
        n->param[i] -= (real)rate * (o->mean[i] * mean_scale) /
                       ((real)sqrt((double)(o->square[i] * square_scale)) + (real)epsilon);
    }
}
