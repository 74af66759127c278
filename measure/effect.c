// SPDX-License-Identifier: Apache-2.0
#include "measure/effect.h"

#include <math.h>
#include <stdbool.h>
#include <stdio.h>

double effect_of(enum effect_scale scale, double reference_sum, double candidate_sum, int repeats)
{
    if (scale == EFFECT_RELATIVE)
        return log(candidate_sum / reference_sum);
    return (candidate_sum - reference_sum) / repeats;
}

double effect_shown(enum effect_scale scale, double effect)
{
    return scale == EFFECT_RELATIVE ? 100 * expm1(effect) : effect;
}

double effect_margin(enum effect_scale scale, double shown)
{
    return scale == EFFECT_RELATIVE ? log1p(shown / 100) : shown;
}

static bool value_allowed(enum effect_scale scale, double value)
{
    return isnan(value) || (isfinite(value) && (scale == EFFECT_ABSOLUTE || value > 0));
}

// Steps of one variant in one block of a blocked design are side by side, otherwise they are among
// the block's own steps.
static int step_of(const struct design *d, int block, int variant, int i)
{
    int start = design_warmup_steps(d);
    if (d->kind == DESIGN_BLOCKED)
        return start + (variant * d->blocks + block) * 2 + i % 2;
    return start + block * design_block_steps(d) + i;
}

// Sum of one variant's measurements in one block. NaN when one is missing; false on a bad value.
static bool block_sum(const struct design *d, enum effect_scale scale, int block, int variant,
                      const double *value, double *sum, int *bad_step)
{
    int steps = d->kind == DESIGN_BLOCKED ? 2 : design_block_steps(d);
    *sum = 0;
    for (int i = 0; i < steps; i++) {
        int step = step_of(d, block, variant, i);
        if (design_step(d, step).variant != variant)
            continue;
        if (!value_allowed(scale, value[step])) {
            *bad_step = step;
            return false;
        }
        *sum += value[step];
    }
    return true;
}

int effect_collect(const struct design *d, enum effect_scale scale, int reference, int candidate,
                   const double *value, int done, struct effect_list *list, char *why, size_t cap)
{
    if (reference < 0 || candidate < 0 || reference >= d->variants || candidate >= d->variants ||
        reference == candidate || done > design_steps(d)) {
        snprintf(why, cap, "effect: variants %d and %d of %d, %d of %d steps", reference, candidate,
                 d->variants, done, design_steps(d));
        return -1;
    }
    list->count = list->lost = 0;
    int repeats = d->kind == DESIGN_RANDOM_PAIRS ? 1 : 2;
    int blocks = design_complete_blocks(d, done);
    for (int block = 0; block < blocks; block++) {
        double a, b;
        if (!block_sum(d, scale, block, reference, value, &a, &list->bad_step) ||
            !block_sum(d, scale, block, candidate, value, &b, &list->bad_step)) {
            snprintf(why, cap, "effect: measurement %d is %g", list->bad_step,
                     value[list->bad_step]);
            return -1;
        }
        if (isnan(a) || isnan(b)) {
            list->lost++;
        } else if (list->count == list->capacity) {
            snprintf(why, cap, "effect: room for %d of %d blocks", list->capacity, blocks);
            return -1;
        } else {
            list->effect[list->count++] = effect_of(scale, a, b, repeats);
        }
    }
    return 0;
}
