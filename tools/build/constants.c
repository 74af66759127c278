// SPDX-License-Identifier: Apache-2.0
// What the requantisers must hold: scales, and widths of biases, gains, multipliers, sums and
// codes.
#include <assert.h>
#include <stdlib.h>

#include "tools/build/plan_internal.h"

static int64_t larger(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

// Index of the pass's shift and bounds, which are added where they are new.
static int add_scale(struct plan *p, const struct pass *s)
{
    const struct scale scale = {s->shift, s->low, s->high};
    for (int i = 0; i < p->scale_count; i++)
        if (p->scales[i].shift == scale.shift && p->scales[i].low == scale.low &&
            p->scales[i].high == scale.high)
            return i;
    assert(p->scale_count < PLAN_MAX_SCALES); // an operation has one in each layer
    p->scales[p->scale_count] = scale;
    return p->scale_count++;
}

// The largest accumulator of a pass, from ranges alone. A context's is that of acc * multiplier,
// for which N * R <= max v * K.
static int64_t acc_max(const struct plan *p, const struct pass *s)
{
    static const enum model_op ops[PASS_OPS] = {
        [PASS_IN] = MODEL_IN,   [PASS_K] = MODEL_OP_K,  [PASS_Q] = MODEL_OP_Q,
        [PASS_V] = MODEL_OP_V,  [PASS_O] = MODEL_OP_O,  [PASS_FF1] = MODEL_FF1,
        [PASS_FF2] = MODEL_FF2, [PASS_OUT] = MODEL_OUT,
    };
    const struct model *m = p->model;
    struct model_op_info info;
    if (s->op == PASS_CONTEXT)
        return ((int64_t)1 << (p->value_bits - 1)) * m->layer[s->layer].context_k;
    if (s->op == PASS_POOL)
        return (int64_t)1 << (p->pool_bits - 1);
    if (model_op_describe(&m->shape, &m->bits, ops[s->op], s->layer, &info) != 0)
        abort(); // the pass exists
    return model_factor_max(&info);
}

struct largest {
    int64_t bias, gain, row, sum;
};

// Multipliers lie in the channel ROM if one layer has them by row, else in the program.
static void place_multipliers(struct plan *p)
{
    int by_row = 0;
    for (int i = 0; i < p->pass_count; i++)
        by_row |= p->passes[i].multiplier_from == MULTIPLIER_PER_ROW;
    for (int i = 0; by_row && i < p->pass_count; i++) {
        struct pass *s = &p->passes[i];
        if (s->multiplier_from != MULTIPLIER_FIXED || s->op == PASS_SCORES)
            continue;
        s->multiplier_from = MULTIPLIER_PER_ROW;
        for (int c = 0; c < (s->bias_steps ? s->channels : 1); c++)
            p->channels[s->bias_base + c].multiplier = s->multiplier;
    }
}

static void enlarge(const struct plan *p, const struct pass *s, struct largest *max)
{
    const struct model *m = p->model;
    for (int i = 0; i < (s->bias_steps ? s->channels : 1); i++) {
        const struct channel_word *c = &p->channels[s->bias_base + i];
        int64_t bias = llabs(c->bias);
        max->bias = larger(max->bias, bias);
        max->gain = larger(max->gain, llabs(c->gain));
        max->row = larger(max->row, c->multiplier);
        for (int t = 0; s->position && t < m->shape.window; t++)
            bias = larger(bias, llabs(p->token_biases[t * m->shape.d_model + i]));
        int64_t factor = s->multiplier_from == MULTIPLIER_FIXED     ? s->multiplier
                         : s->multiplier_from == MULTIPLIER_PER_ROW ? c->multiplier
                                                                    : 1;
        max->sum = larger(max->sum, acc_max(p, s) * factor +
                                        ((int64_t)llabs(c->gain) << (p->kept_bits - 1)) + bias);
    }
}

void plan_constants(struct plan *p)
{
    struct largest max = {1, 1, 0, 0};
    int64_t code = 1, position = 1;
    place_multipliers(p);
    for (int i = 0; i < p->pass_count; i++) {
        struct pass *s = &p->passes[i];
        if (s->op == PASS_SCORES)
            continue;
        s->scale = add_scale(p, s);
        if (s->op != PASS_OUT) // the first lane's alone
            code = larger(code, larger(s->high, -(int64_t)s->low - 1));
        enlarge(p, s, &max);
    }
    uint64_t set = (uint64_t)1 << PLAN_POSITION_ZEROS;
    for (int i = 0; i < p->position_words * p->hw.requantisers; i++) {
        position = larger(position, llabs(p->positions[i]));
        set |= (uint64_t)p->positions[i];
    }
    p->position_bits = model_signed_bits(position);
    p->bias_bits = model_signed_bits(max.bias);
    if (p->position_bits > PLAN_POSITION_BITS ||
        p->hw.requantiser_dsps == 1) { // a bias is a position's or a channel's
        p->bias_bits = p->position_bits = (int)larger(p->bias_bits, p->position_bits);
    } else {
        while (!(set >> p->position_drop & 1))
            p->position_drop++;
        // at least what a position's gain has no room for
        if (p->position_bits - p->position_drop > 25)
            p->bias_bits = (int)larger(p->bias_bits, p->position_bits - 24);
        p->position_bits = (int)larger(p->position_bits - p->position_drop, 2);
    }
    p->gain_bits = model_signed_bits(max.gain);
    p->row_bits = max.row > 0 ? model_signed_bits(max.row) - 1 : 0;
    // every sum has 48 bits at most; f's offset may make one seem to have more
    p->sum_bits = max.sum >> 47 ? 48 : (int)larger(model_signed_bits(max.sum), 8);
    p->code_bits = model_signed_bits(code);
}
