// SPDX-License-Identifier: Apache-2.0
// Whether the integers of a model keep the rules: ranges, and 48 bits for every sum.
#include <stdio.h>

#include "tools/model/model.h"
#include "tools/model/model_internal.h"

struct check {
    char where[40]; // "layers[1].ff2"
    char *why;
    size_t whycap;
};

static const int64_t sum_max = (INT64_C(1) << (MODEL_SUM_BITS - 1)) - 1;

static int integer(struct check *c, const char *field, int64_t value, int64_t lo, int64_t hi)
{
    if (value >= lo && value <= hi)
        return 0;
    return model_refuse(c->why, c->whycap, "%s.%s: %lld is not in %lld..%lld", c->where, field,
                        (long long)value, (long long)lo, (long long)hi);
}

static int element(struct check *c, const char *array, int index, int64_t value, int64_t lo,
                   int64_t hi)
{
    char field[32];

    if (value >= lo && value <= hi)
        return 0;
    snprintf(field, sizeof field, "%s[%d]", array, index);
    return integer(c, field, value, lo, hi);
}

static int weights(struct check *c, const struct model_linear *lin, int bits)
{
    int hi = model_range_max(MODEL_NARROW, bits);

    for (int r = 0; r < lin->rows; r++)
        for (int k = 0; k < lin->cols; k++) {
            int w = lin->w[r * lin->cols + k];
            if (w < -hi || w > hi)
                return model_refuse(c->why, c->whycap,
                                    "%s.w[%d][%d]: %d is not a narrow %d-bit weight, %d..%d",
                                    c->where, r, k, w, bits, -hi, hi);
        }
    return 0;
}

// The sum acc*m + res*g + b of every output channel, in the worst case over the inputs.
static int sums(struct check *c, const struct model_linear *lin, const struct model_op_info *info)
{
    const struct model_requant *rq = &lin->rq;
    const int64_t acc = model_factor_max(info);
    const int64_t res = info->res_bits > 0 ? INT64_C(1) << (info->res_bits - 1) : 0;

    for (int i = 0; i < info->biases; i++) {
        int row = i % info->rows;
        int64_t m = rq->m[rq->per_row ? row : 0];
        int64_t g = rq->g != NULL ? rq->g[row] : 0;
        int64_t room = sum_max - acc * m - res * (g < 0 ? -g : g);
        char array[16] = "b";
        if (info->biases > info->rows)
            snprintf(array, sizeof array, "b[%d]", i / info->rows);
        if (element(c, array, row, rq->b[i], -room, room) < 0)
            return -1;
    }
    return 0;
}

static int linear(struct check *c, const struct model_linear *lin, const struct model_op_info *info)
{
    const struct model_requant *rq = &lin->rq;

    if (integer(c, "shift", rq->shift, 1, MODEL_MAX_SHIFT) < 0 || weights(c, lin, info->w_bits) < 0)
        return -1;
    for (int i = 0; i < (rq->per_row ? info->rows : 1); i++)
        if (element(c, "m", i, rq->m[i], 0, MODEL_MAX_MULTIPLIER) < 0)
            return -1;
    for (int i = 0; rq->g != NULL && i < info->rows; i++)
        if (element(c, "g", i, rq->g[i], -MODEL_MAX_RESIDUAL, MODEL_MAX_RESIDUAL) < 0)
            return -1;
    return sums(c, lin, info);
}

static int linears(const struct model *mdl, char *why, size_t whycap)
{
    for (int op = 0; op < MODEL_OPS; op++) {
        struct model_op_info info;
        for (int n = 0; model_op_describe(&mdl->shape, &mdl->bits, op, n, &info) == 0; n++) {
            struct check c = {.why = why, .whycap = whycap};
            const struct model_layer *l = &mdl->layer[n];
            const struct model_linear *const lin[MODEL_OPS] = {
                &mdl->in, &l->q, &l->k, &l->v, &l->o, &l->ff1, &l->ff2, &mdl->out};
            if (op == MODEL_IN || op == MODEL_OUT)
                snprintf(c.where, sizeof c.where, "%s", info.name);
            else
                snprintf(c.where, sizeof c.where, "layers[%d].%s", n, info.name);
            if (linear(&c, lin[op], &info) < 0)
                return -1;
        }
    }
    return 0;
}

static int lookup(struct check *c, const struct model_layer *l, int u_bits, int e_bits)
{
    int top = (1 << e_bits) - 1;

    if (l->lut[0] != top)
        return model_refuse(c->why, c->whycap, "%s.lut[0]: %d is not 2^e - 1 = %d", c->where,
                            l->lut[0], top);
    for (int i = 1; i < 1 << u_bits; i++)
        if (l->lut[i] > l->lut[i - 1])
            return model_refuse(c->why, c->whycap, "%s.lut[%d]: %d rises above %d before it",
                                c->where, i, l->lut[i], l->lut[i - 1]);
    return 0;
}

static int attention(const struct model *mdl, int n, char *why, size_t whycap)
{
    struct check c = {.why = why, .whycap = whycap};
    const struct model_layer *l = &mdl->layer[n];
    const struct model_layer_bits *b = &mdl->bits.layer[n];
    const int64_t e_max = (1 << b->e) - 1;

    snprintf(c.where, sizeof c.where, "layers[%d].score", n);
    if (integer(&c, "m", l->score_m, 0, MODEL_MAX_MULTIPLIER) < 0 ||
        integer(&c, "shift", l->score_shift, 1, MODEL_MAX_SHIFT) < 0 ||
        lookup(&c, l, b->u, b->e) < 0)
        return -1;
    snprintf(c.where, sizeof c.where, "layers[%d].context", n);
    // Z is at least lut[0], so this bounds R; N * R then has at most 36 bits.
    if (integer(&c, "k", l->context_k, 1, (MODEL_MAX_RECIPROCAL + 1) * e_max - 1) < 0 ||
        integer(&c, "shift", l->context_shift, 1, MODEL_MAX_CONTEXT_SHIFT) < 0)
        return -1;
    return 0;
}

// Adds a shift to the ascending list; what does not fit is counted only.
static int add_shift(int list[MODEL_MAX_SHIFTS], int count, int shift)
{
    int kept = count < MODEL_MAX_SHIFTS ? count : MODEL_MAX_SHIFTS;
    int at = 0;

    while (at < kept && list[at] < shift)
        at++;
    if (at < kept && list[at] == shift)
        return count;
    for (int i = kept < MODEL_MAX_SHIFTS ? kept : MODEL_MAX_SHIFTS - 1; i > at; i--)
        list[i] = list[i - 1];
    if (at < MODEL_MAX_SHIFTS)
        list[at] = shift;
    return count + 1;
}

int model_shifts(const struct model *mdl, int list[MODEL_MAX_SHIFTS])
{
    int count = add_shift(list, 0, mdl->in.rq.shift);

    for (int n = 0; n < mdl->shape.layers; n++) {
        const struct model_layer *l = &mdl->layer[n];
        const int shifts[] = {l->q.rq.shift,   l->score_shift, l->o.rq.shift, l->ff1.rq.shift,
                              l->ff2.rq.shift, l->k.rq.shift,  l->v.rq.shift};
        for (int i = 0; i < (mdl->shape.form == MODEL_COLLAPSED ? 4 : 7); i++)
            count = add_shift(list, count, shifts[i]);
    }
    if (mdl->shape.form == MODEL_ENCODER)
        count = add_shift(list, count, mdl->pool_shift);
    return add_shift(list, count, mdl->out.rq.shift);
}

int model_check(const struct model *mdl, char *why, size_t whycap)
{
    struct check pool = {.where = "pool", .why = why, .whycap = whycap};
    int list[MODEL_MAX_SHIFTS];
    int count;

    if (model_shape_check(&mdl->shape, why, whycap) < 0 ||
        model_bits_check(&mdl->shape, &mdl->bits, why, whycap) < 0 || linears(mdl, why, whycap) < 0)
        return -1;
    for (int n = 0; n < mdl->shape.layers; n++)
        if (attention(mdl, n, why, whycap) < 0)
            return -1;
    if (mdl->shape.form == MODEL_ENCODER &&
        (integer(&pool, "m", mdl->pool_m, 0, MODEL_MAX_MULTIPLIER) < 0 ||
         integer(&pool, "shift", mdl->pool_shift, 1, MODEL_MAX_SHIFT) < 0))
        return -1;
    count = model_shifts(mdl, list);
    if (count > MODEL_MAX_SHIFTS)
        return model_refuse(why, whycap, "shift: more than %d distinct shifts", MODEL_MAX_SHIFTS);
    return 0;
}
