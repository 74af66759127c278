// SPDX-License-Identifier: Apache-2.0
#include "tools/train/export.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "tools/train/constants.h"

struct exporter {
    const struct net *n;
    struct model *mdl;
    struct constants constants;
    char *why;
    size_t whycap;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct exporter *x, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(x->why, x->whycap, format, ap);
    va_end(ap);
    return -1;
}

int64_t export_clamp_bias(double b, int64_t acc_max, int shift, int lo, int hi)
{
    const int64_t top = acc_max + (int64_t)hi * (INT64_C(1) << shift);
    const int64_t bottom = -acc_max + (int64_t)lo * (INT64_C(1) << shift);
    // At top even the smallest sum gives hi, at bottom even the largest gives lo.
    if (b >= (double)top)
        return top;
    if (b <= (double)bottom)
        return bottom;
    return (int64_t)b;
}

static void fill_weights(struct exporter *x, int index, struct model_linear *to)
{
    const struct net *n = x->n;
    const struct net_linear *lin = &n->layout.linear[index];
    struct net_part part[2];
    const int parts = net_weight_parts(n, index, part);
    for (int p = 0; p < parts; p++)
        for (size_t i = 0; i < part[p].count; i++) {
            // The very numbers that the fake-quantised forward pass rounds.
            const size_t at = part[p].at - lin->w + i;
            real code;
            quant_codes(n->param + part[p].at + i, &code, 1, part[p].step, n->weight_range[index]);
            to->w[at % (size_t)lin->out * (size_t)lin->in + at / (size_t)lin->out] = (int8_t)code;
        }
}

static int fill_linear(struct exporter *x, enum model_op op, int layer,
                       const struct model_op_info *info)
{
    const struct net *n = x->n;
    const struct model_shape *s = &n->layout.shape;
    const int index = net_linear_index(s, op, layer);
    const int tensor = net_act_index(s, info->tensor, layer);
    const struct net_linear *lin = &n->layout.linear[index];
    const struct constant *c = &x->constants.linear[index];
    const struct quant_range range = n->act[tensor].range;
    const double unit = ldexp(1, c->shift), out = (double)net_act_step(n, tensor);
    struct model_linear *to = model_op_linear(x->mdl, op, layer);
    fill_weights(x, index, to);
    to->rq.shift = c->shift;
    to->rq.per_row = 0;
    to->rq.m[0] = c->multiplier;
    for (int j = 0; lin->gain != NET_NONE && j < lin->out; j++)
        to->rq.g[j] = (int32_t)constants_round((double)n->param[lin->gain + (size_t)j] *
                                               x->constants.residual[index] * unit);
    for (int i = 0; i < lin->biases; i++) {
        double b = constants_round((double)n->param[lin->b + (size_t)i] / out * unit) + unit / 2;
        int64_t most = x->constants.acc_max[index] * c->multiplier;
        if (!isfinite(b))
            return refuse(x, "layers[%d].%s.b[%d]: not finite", layer, info->name, i);
        if (lin->gain != NET_NONE)
            most += (INT64_C(1) << (info->res_bits - 1)) * abs(to->rq.g[i]);
        to->rq.b[i] = export_clamp_bias(b, most, c->shift, (int)range.lo, (int)range.hi);
    }
    return 0;
}

static void fill_attention(struct exporter *x, int layer)
{
    const struct net *n = x->n;
    const struct model_shape *s = &n->layout.shape;
    struct model_layer *l = &x->mdl->layer[layer];
    const double u_step = (double)net_act_step(n, net_act_index(s, MODEL_U, layer));
    const double e_max = (double)n->act[net_act_index(s, MODEL_E, layer)].range.hi;
    l->score_m = x->constants.score[layer].multiplier;
    l->score_shift = x->constants.score[layer].shift;
    l->context_k = x->constants.context[layer].multiplier;
    l->context_shift = x->constants.context[layer].shift;
    for (int u = 0; u < 1 << n->bits.layer[layer].u; u++)
        l->lut[u] = (uint8_t)constants_round(e_max * exp(-u * u_step));
}

static int fill(struct exporter *x)
{
    const struct model_shape *s = &x->n->layout.shape;
    struct model_op_info info;
    for (int op = 0; op < MODEL_OPS; op++)
        for (int layer = 0; !model_op_describe(s, &x->n->bits, op, layer, &info); layer++)
            if (fill_linear(x, op, layer, &info))
                return -1;
    for (int layer = 0; layer < s->layers; layer++)
        fill_attention(x, layer);
    x->mdl->pool_m = x->constants.pool.multiplier;
    x->mdl->pool_shift = x->constants.pool.shift;
    return 0;
}

struct model *export_model(const struct net *n, char *why, size_t whycap)
{
    struct exporter x = {.n = n, .why = why, .whycap = whycap};
    if (constants_find(n, &x.constants, why, whycap))
        return NULL;
    x.mdl = model_new(&n->layout.shape, &n->bits);
    if (!x.mdl) {
        refuse(&x, "the shape or the widths are not possible, or memory is short");
        return NULL;
    }
    if (fill(&x) || model_check(x.mdl, why, whycap)) {
        model_free(x.mdl);
        return NULL;
    }
    return x.mdl;
}
