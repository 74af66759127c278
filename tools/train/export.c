// SPDX-License-Identifier: Apache-2.0
#include "tools/train/export.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

// Every place that multiplies and shifts: linear layers, scores, pool.
enum { SITES_MAX = NET_LINEARS + MODEL_MAX_LAYERS + 1 };

// m * 2^-shift approximates ratio.
struct site {
    char name[40];
    double ratio;
    double gain;     // largest |residual gain| in units of the output's step
    int64_t acc_max; // of what is multiplied
    int64_t res_max; // largest |residual code|
    int lo, hi;      // output codes
    int shift;       // chosen
};

struct exporter {
    const struct net *n;
    struct model *mdl;
    struct site site[SITES_MAX];
    int sites;
    char *why;
    size_t whycap;
};

static const int64_t sum_max = (INT64_C(1) << (MODEL_SUM_BITS - 1)) - 1;

__attribute__((format(printf, 2, 3))) static int refuse(struct exporter *x, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(x->why, x->whycap, format, ap);
    va_end(ap);
    return -1;
}

static double act_step(const struct exporter *x, enum model_tensor t, int layer)
{
    return (double)net_act_step(x->n, net_act_index(&x->n->layout.shape, t, layer));
}

static const struct quant_range *act_range(const struct exporter *x, enum model_tensor t, int layer)
{
    return &x->n->act[net_act_index(&x->n->layout.shape, t, layer)].range;
}

// What an operation reads, and its residual.
static enum model_tensor input_of(enum model_op op)
{
    static const enum model_tensor input[MODEL_OPS] = {
        [MODEL_IN] = MODEL_X,   [MODEL_OP_Q] = MODEL_H, [MODEL_OP_K] = MODEL_H,
        [MODEL_OP_V] = MODEL_H, [MODEL_OP_O] = MODEL_C, [MODEL_FF1] = MODEL_R,
        [MODEL_FF2] = MODEL_F,  [MODEL_OUT] = MODEL_O};
    return input[op];
}

// h of the second layer is z of the first.
static double input_step(const struct exporter *x, enum model_tensor t, int layer)
{
    return t == MODEL_H && layer > 0 ? act_step(x, MODEL_Z, layer - 1) : act_step(x, t, layer);
}

static double round_half_up(double v)
{
    return floor(v + 0.5);
}

// Whether the site can use that shift: multiplier, residual multiplier and the widest sum.
static int fits(const struct site *s, int shift)
{
    double unit = ldexp(1, shift);
    double m = round_half_up(s->ratio * unit), g = round_half_up(s->gain * unit);
    int reach = s->hi > -s->lo ? s->hi : -s->lo;
    if (m > MODEL_MAX_MULTIPLIER || g > MODEL_MAX_RESIDUAL)
        return 0;
    return 2 * (m * (double)s->acc_max + g * (double)s->res_max) + (reach + 1.0) * unit <
           (double)sum_max;
}

void export_choose_shifts(const int *limit, int count, int *chosen)
{
    int used[MODEL_MAX_SHIFT + 1] = {0}, value[MODEL_MAX_SHIFT], values = 0;
    double best = INFINITY;
    for (int i = 0; i < count; i++)
        used[limit[i]] = 1;
    for (int s = 1; s <= MODEL_MAX_SHIFT; s++)
        if (used[s])
            value[values++] = s;
    // The smallest limit must be in the list; try every choice of the other three among the rest
    // (an index of 0 means one value fewer).
    for (int a = 0; a < values; a++)
        for (int b = a; b < values; b++)
            for (int c = b; c < values; c++) {
                const int list[MODEL_MAX_SHIFTS] = {value[0], value[a], value[b], value[c]};
                int got[SITES_MAX];
                double loss = 0;
                for (int i = 0; i < count; i++) {
                    got[i] = list[0];
                    for (int k = 1; k < MODEL_MAX_SHIFTS; k++)
                        if (list[k] <= limit[i] && list[k] > got[i])
                            got[i] = list[k];
                    loss += ldexp(1, 2 * (limit[i] - got[i]));
                }
                if (loss < best) {
                    best = loss;
                    for (int i = 0; i < count; i++)
                        chosen[i] = got[i];
                }
            }
}

static int choose_shifts(struct exporter *x)
{
    int limit[SITES_MAX], chosen[SITES_MAX];
    for (int i = 0; i < x->sites; i++) {
        struct site *s = &x->site[i];
        int shift = MODEL_MAX_SHIFT;
        if (!(s->ratio >= 0) || !isfinite(s->ratio) || !isfinite(s->gain))
            return refuse(x, "%s: its steps are not finite", s->name);
        while (shift > 0 && !fits(s, shift))
            shift--;
        if (!shift)
            return refuse(x, "%s: multiplier %g (residual %g) fits no shift", s->name, s->ratio,
                          s->gain);
        limit[i] = shift;
    }
    export_choose_shifts(limit, x->sites, chosen);
    for (int i = 0; i < x->sites; i++)
        x->site[i].shift = chosen[i];
    return 0;
}

static void add_linear_site(struct exporter *x, enum model_op op, int layer,
                            const struct model_op_info *info)
{
    const struct net *n = x->n;
    const int index = net_linear_index(&n->layout.shape, op, layer);
    const struct net_linear *lin = &n->layout.linear[index];
    struct site *s = &x->site[x->sites++];
    double out = act_step(x, info->tensor, layer);
    const struct quant_range *range = act_range(x, info->tensor, layer);
    *s = (struct site){.lo = (int)range->lo, .hi = (int)range->hi};
    snprintf(s->name, sizeof s->name, "layers[%d].%s", layer, info->name);
    if (op == MODEL_IN || op == MODEL_OUT)
        snprintf(s->name, sizeof s->name, "%s", info->name);
    s->ratio = input_step(x, input_of(op), layer) * (double)net_weight_step(n, index) / out;
    s->acc_max =
        model_acc_max(info->in_bits, info->in_range != MODEL_UNSIGNED, info->w_bits, info->cols);
    if (lin->gain == NET_NONE)
        return;
    double res = input_step(x, op == MODEL_OP_O ? MODEL_H : MODEL_R, layer) / out;
    s->res_max = INT64_C(1) << (info->res_bits - 1);
    for (int j = 0; j < lin->out; j++)
        s->gain = fmax(s->gain, fabs((double)n->param[lin->gain + (size_t)j]) * res);
}

static double score_ratio(const struct exporter *x, int layer)
{
    const struct model_shape *s = &x->n->layout.shape;
    return act_step(x, MODEL_Q, layer) * act_step(x, MODEL_K, layer) /
           (sqrt((double)s->d_model / s->heads) * act_step(x, MODEL_U, layer));
}

// In the order in which fill() takes them back.
static void collect_sites(struct exporter *x)
{
    const struct model_shape *s = &x->n->layout.shape;
    const struct model_bits *b = &x->n->bits;
    struct model_op_info info;
    for (int op = 0; op < MODEL_OPS; op++)
        for (int layer = 0; !model_op_describe(s, b, op, layer, &info); layer++)
            add_linear_site(x, op, layer, &info);
    for (int layer = 0; layer < s->layers; layer++) {
        struct site *site = &x->site[x->sites++];
        *site = (struct site){.ratio = score_ratio(x, layer)};
        snprintf(site->name, sizeof site->name, "layers[%d].score", layer);
    }
    x->site[x->sites++] = (struct site){.name = "pool",
                                        .ratio = act_step(x, MODEL_Z, s->layers - 1) /
                                                 (s->window * act_step(x, MODEL_O, 0))};
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

static int fill_linear(struct exporter *x, enum model_op op, int layer, const struct site *site,
                       const struct model_op_info *info)
{
    const struct net *n = x->n;
    const int index = net_linear_index(&n->layout.shape, op, layer);
    const struct net_linear *lin = &n->layout.linear[index];
    struct model_linear *to = model_op_linear(x->mdl, op, layer);
    const double unit = ldexp(1, site->shift), out = act_step(x, info->tensor, layer);
    const double w_step = (double)net_weight_step(n, index);
    for (int i = 0; i < lin->in; i++)
        for (int j = 0; j < lin->out; j++)
            to->w[j * lin->in + i] = (int8_t)round_half_up(
                (double)n->weight[lin->w + (size_t)(i * lin->out + j)] / w_step);
    to->rq.shift = site->shift;
    to->rq.per_row = 0;
    to->rq.m[0] = (int32_t)round_half_up(site->ratio * unit);
    double res = 0;
    if (lin->gain != NET_NONE)
        res = input_step(x, op == MODEL_OP_O ? MODEL_H : MODEL_R, layer) / out * unit;
    for (int j = 0; lin->gain != NET_NONE && j < lin->out; j++)
        to->rq.g[j] = (int32_t)round_half_up((double)n->param[lin->gain + (size_t)j] * res);
    for (int i = 0; i < lin->biases; i++) {
        double b = round_half_up((double)n->param[lin->b + (size_t)i] / out * unit) + unit / 2;
        int64_t most = site->acc_max * to->rq.m[0];
        if (!isfinite(b))
            return refuse(x, "%s.b[%d]: not finite", site->name, i);
        if (lin->gain != NET_NONE)
            most += site->res_max * llabs(to->rq.g[i]);
        to->rq.b[i] = export_clamp_bias(b, most, site->shift, site->lo, site->hi);
    }
    return 0;
}

// The largest shift at which R = K / Z stays within 17 bits for the smallest Z, 2^b_e - 1.
static int fill_context(struct exporter *x, int layer)
{
    struct model_layer *l = &x->mdl->layer[layer];
    const double e_max = (double)act_range(x, MODEL_E, layer)->hi;
    const double ratio = act_step(x, MODEL_V, layer) / act_step(x, MODEL_C, layer);
    for (int shift = MODEL_MAX_CONTEXT_SHIFT; shift > 0; shift--) {
        double k = round_half_up(ldexp(ratio, shift));
        if (k >= 1 && k / e_max < MODEL_MAX_RECIPROCAL + 1.0) {
            l->context_k = (int32_t)k;
            l->context_shift = shift;
            return 0;
        }
    }
    return refuse(x, "layers[%d].context: ratio %g fits no shift", layer, ratio);
}

static void fill_scores(struct exporter *x, int layer, const struct site *site)
{
    struct model_layer *l = &x->mdl->layer[layer];
    const double u_step = act_step(x, MODEL_U, layer);
    const double e_max = (double)act_range(x, MODEL_E, layer)->hi;
    l->score_m = (int32_t)round_half_up(ldexp(site->ratio, site->shift));
    l->score_shift = site->shift;
    for (int u = 0; u < 1 << x->n->bits.layer[layer].u; u++)
        l->lut[u] = (uint8_t)round_half_up(e_max * exp(-u * u_step));
}

static int fill(struct exporter *x)
{
    const struct model_shape *s = &x->n->layout.shape;
    const struct site *site = x->site;
    struct model_op_info info;
    for (int op = 0; op < MODEL_OPS; op++)
        for (int layer = 0; !model_op_describe(s, &x->n->bits, op, layer, &info); layer++)
            if (fill_linear(x, op, layer, site++, &info))
                return -1;
    for (int layer = 0; layer < s->layers; layer++) {
        fill_scores(x, layer, site++);
        if (fill_context(x, layer))
            return -1;
    }
    x->mdl->pool_m = (int32_t)round_half_up(ldexp(site->ratio, site->shift));
    x->mdl->pool_shift = site->shift;
    return 0;
}

struct model *export_model(const struct net *n, char *why, size_t whycap)
{
    struct exporter x = {.n = n, .why = why, .whycap = whycap};
    x.mdl = model_new(&n->layout.shape, &n->bits);
    if (!x.mdl) {
        refuse(&x, "the shape or the widths are not possible, or memory is short");
        return NULL;
    }
    collect_sites(&x);
    if (choose_shifts(&x) || fill(&x) || model_check(x.mdl, why, whycap)) {
        model_free(x.mdl);
        return NULL;
    }
    return x.mdl;
}
