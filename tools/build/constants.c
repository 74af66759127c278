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
    int64_t bias, gain, row;
};

static void channel_largest(const struct plan *p, const struct pass *s, struct largest *max)
{
    for (int i = 0; i < (s->bias_steps ? s->channels : 1); i++) {
        const struct channel_word *c = &p->channels[s->bias_base + i];
        max->bias = larger(max->bias, llabs(c->bias));
        max->gain = larger(max->gain, llabs(c->gain));
        max->row = larger(max->row, c->multiplier);
    }
}

static void position_largest(const struct plan *p, struct largest *max)
{
    int lanes = p->hw.requantisers;
    for (int i = 0; i < p->position_words; i++) {
        const int64_t *word = p->positions + (long)i * (lanes + 1);
        for (int r = 0; r < lanes; r++)
            max->bias = larger(max->bias, llabs(word[r]));
        max->row = larger(max->row, word[lanes]);
    }
}

void plan_constants(struct plan *p)
{
    struct largest all = {1, 1, 0};
    int64_t sum = 0, code = 1;
    for (int i = 0; i < p->pass_count; i++) {
        struct pass *s = &p->passes[i];
        struct largest own = {0, 0, 0};
        if (s->op == PASS_SCORES)
            continue;
        s->scale = add_scale(p, s);
        if (s->op != PASS_OUT) // the first lane's alone
            code = larger(code, larger(s->high, -(int64_t)s->low - 1));
        if (s->bias_tokens)
            position_largest(p, &own);
        else
            channel_largest(p, s, &own);
        int64_t factor = s->multiplier_from == MULTIPLIER_FIXED     ? s->multiplier
                         : s->multiplier_from == MULTIPLIER_PER_ROW ? own.row
                                                                    : 1;
        sum = larger(sum, acc_max(p, s) * factor + (own.gain << (p->kept_bits - 1)) + own.bias);
        all.bias = larger(all.bias, own.bias);
        all.gain = larger(all.gain, own.gain);
        all.row = larger(all.row, own.row);
    }
    p->bias_bits = model_signed_bits(all.bias);
    p->gain_bits = model_signed_bits(all.gain);
    p->row_bits = all.row > 0 ? model_signed_bits(all.row) - 1 : 0;
    // every sum has 48 bits at most; a bound over all rows at once may seem to have more
    p->sum_bits = sum >> 47 ? 48 : (int)larger(model_signed_bits(sum), 8);
    p->code_bits = model_signed_bits(code);
}
