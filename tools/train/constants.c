// SPDX-License-Identifier: Apache-2.0
#include "tools/train/constants.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

// A place that multiplies and shifts: a linear layer, the scores of a layer, the pool.
struct site {
    char name[40];
    struct constant *to;
    double gain;     // largest |residual gain| in units of the output's step
    int64_t acc_max; // of what is multiplied
    int64_t res_max; // largest |residual code|
    int reach;       // largest |output code|
};

struct finder {
    const struct net *n;
    struct constants *c;
    struct site site[CONSTANTS_MAX_SITES];
    int sites;
    char *why;
    size_t whycap;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct finder *f, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(f->why, f->whycap, format, ap);
    va_end(ap);
    return -1;
}

double constants_round(double v)
{
    return floor(v + 0.5);
}

static double act_step(const struct finder *f, enum model_tensor t, int layer)
{
    return (double)net_act_step(f->n, net_act_index(&f->n->layout.shape, t, layer));
}

// The step of what an operation reads; h of the second layer is z of the first.
static double input_step(const struct finder *f, enum model_op op, int layer)
{
    static const enum model_tensor input[MODEL_OPS] = {
        [MODEL_IN] = MODEL_X,   [MODEL_OP_Q] = MODEL_H, [MODEL_OP_K] = MODEL_H,
        [MODEL_OP_V] = MODEL_H, [MODEL_OP_O] = MODEL_C, [MODEL_FF1] = MODEL_R,
        [MODEL_FF2] = MODEL_F,  [MODEL_OUT] = MODEL_O};
    if (op == MODEL_OUT && f->n->layout.shape.form == MODEL_COLLAPSED)
        return act_step(f, MODEL_F, 0) / f->n->layout.shape.window;
    return input[op] == MODEL_H && layer > 0 ? act_step(f, MODEL_Z, layer - 1)
                                             : act_step(f, input[op], layer);
}

static double residual_step(const struct finder *f, enum model_op op, int layer)
{
    if (op == MODEL_OP_O)
        return input_step(f, MODEL_OP_Q, layer);
    return op == MODEL_FF2 ? act_step(f, MODEL_R, layer) : 0;
}

static void add_linear(struct finder *f, enum model_op op, int layer,
                       const struct model_op_info *info)
{
    const struct net *n = f->n;
    const int index = net_linear_index(&n->layout.shape, op, layer);
    const struct net_linear *lin = &n->layout.linear[index];
    const double out = act_step(f, info->tensor, layer);
    const struct quant_range *range =
        &n->act[net_act_index(&n->layout.shape, info->tensor, layer)].range;
    struct site *s = &f->site[f->sites++];
    *s = (struct site){.to = &f->c->linear[index]};
    if (op == MODEL_IN || op == MODEL_OUT)
        snprintf(s->name, sizeof s->name, "%s", info->name);
    else
        snprintf(s->name, sizeof s->name, "layers[%d].%s", layer, info->name);
    s->reach = (int)(range->hi > -range->lo ? range->hi : -range->lo);
    const double product = input_step(f, op, layer) * (double)net_weight_step(n, index);
    s->to->ratio = ldexp(product, info->drop) / out;
    s->acc_max = model_factor_max(info);
    if (info->drop > 0) {
        f->c->product = product;
        f->c->drop = info->drop;
    }
    f->c->acc_max[index] = s->acc_max;
    f->c->residual[index] = residual_step(f, op, layer) / out;
    s->res_max = lin->gain != NET_NONE ? INT64_C(1) << (info->res_bits - 1) : 0;
    for (int j = 0; lin->gain != NET_NONE && j < lin->out; j++)
        s->gain =
            fmax(s->gain, fabs((double)n->param[lin->gain + (size_t)j]) * f->c->residual[index]);
}

// What stands on the weight port of the scores and the context.
static double shared_step(const struct finder *f, enum model_tensor t, int layer)
{
    return act_step(f, f->n->layout.shape.form == MODEL_COLLAPSED ? MODEL_H : t, layer);
}

static void collect(struct finder *f)
{
    const struct model_shape *s = &f->n->layout.shape;
    struct model_op_info info;
    for (int op = 0; op < MODEL_OPS; op++)
        for (int layer = 0; !model_op_describe(s, &f->n->bits, op, layer, &info); layer++)
            add_linear(f, op, layer, &info);
    for (int layer = 0; layer < s->layers; layer++) {
        struct site *site = &f->site[f->sites++];
        *site = (struct site){.to = &f->c->score[layer]};
        snprintf(site->name, sizeof site->name, "layers[%d].score", layer);
        site->to->ratio = act_step(f, MODEL_Q, layer) * shared_step(f, MODEL_K, layer) /
                          (sqrt((double)s->d_model / s->heads) * act_step(f, MODEL_U, layer));
    }
    if (s->form == MODEL_COLLAPSED)
        return;
    f->c->pool.ratio = act_step(f, MODEL_Z, s->layers - 1) / (s->window * act_step(f, MODEL_O, 0));
    f->site[f->sites++] = (struct site){.name = "pool", .to = &f->c->pool};
}

// Whether the site can use that shift: multiplier, residual multiplier and the widest sum.
static int fits(const struct site *s, int shift)
{
    const double unit = ldexp(1, shift), sum_max = ldexp(1, MODEL_SUM_BITS - 1) - 1;
    const double m = constants_round(s->to->ratio * unit), g = constants_round(s->gain * unit);
    if (m > MODEL_MAX_MULTIPLIER || g > MODEL_MAX_RESIDUAL)
        return 0;
    // Clamped biases reach as far as the sum itself plus the range of the output.
    return 2 * (m * (double)s->acc_max + g * (double)s->res_max) + (s->reach + 1.0) * unit <
           sum_max;
}

struct choice {
    const int *limit;
    int count;
    double loss;
    int *chosen;
};

static void try_list(struct choice *best, const int list[MODEL_MAX_SHIFTS])
{
    int got[CONSTANTS_MAX_SITES];
    double loss = 0;
    for (int i = 0; i < best->count; i++) {
        got[i] = list[0];
        for (int k = 1; k < MODEL_MAX_SHIFTS; k++)
            if (list[k] <= best->limit[i] && list[k] > got[i])
                got[i] = list[k];
        loss += ldexp(1, 2 * (best->limit[i] - got[i]));
    }
    if (loss < best->loss) {
        best->loss = loss;
        memcpy(best->chosen, got, (size_t)best->count * sizeof *got);
    }
}

void constants_choose_shifts(const int *limit, int count, int *chosen)
{
    int used[MODEL_MAX_SHIFT + 1] = {0}, value[MODEL_MAX_SHIFT], values = 0;
    struct choice best = {limit, count, INFINITY, chosen};
    for (int i = 0; i < count; i++)
        used[limit[i]] = 1;
    for (int s = 1; s <= MODEL_MAX_SHIFT; s++)
        if (used[s])
            value[values++] = s;
    // The smallest limit must be in the list; the other three are every choice among all, the same
    // one twice standing for one fewer.
    for (int a = 0; a < values; a++)
        for (int b = a; b < values; b++)
            for (int c = b; c < values; c++)
                try_list(&best,
                         (const int[MODEL_MAX_SHIFTS]){value[0], value[a], value[b], value[c]});
}

static int find_shifts(struct finder *f)
{
    int limit[CONSTANTS_MAX_SITES] = {0}, chosen[CONSTANTS_MAX_SITES];
    for (int i = 0; i < f->sites; i++) {
        struct site *s = &f->site[i];
        int shift = MODEL_MAX_SHIFT;
        if (!isfinite(s->to->ratio) || !isfinite(s->gain))
            return refuse(f, "%s: its steps are not finite", s->name);
        while (shift > 0 && !fits(s, shift))
            shift--;
        if (!shift)
            return refuse(f, "%s: multiplier %g (residual %g) fits no shift", s->name, s->to->ratio,
                          s->gain);
        limit[i] = shift;
    }
    constants_choose_shifts(limit, f->sites, chosen);
    for (int i = 0; i < f->sites; i++) {
        struct constant *to = f->site[i].to;
        to->shift = chosen[i];
        to->multiplier = (int32_t)constants_round(ldexp(to->ratio, to->shift));
    }
    return 0;
}

// The largest shift at which R = K / Z stays within 17 bits for the smallest Z, 2^b_e - 1.
static int find_context(struct finder *f, int layer)
{
    const struct model_shape *s = &f->n->layout.shape;
    const double e_max = (double)f->n->act[net_act_index(s, MODEL_E, layer)].range.hi;
    struct constant *to = &f->c->context[layer];
    to->ratio = shared_step(f, MODEL_V, layer) / act_step(f, MODEL_C, layer);
    for (int shift = MODEL_MAX_CONTEXT_SHIFT; shift > 0; shift--) {
        double k = constants_round(ldexp(to->ratio, shift));
        if (k >= 1 && k / e_max < MODEL_MAX_RECIPROCAL + 1.0) {
            to->multiplier = (int32_t)k;
            to->shift = shift;
            return 0;
        }
    }
    return refuse(f, "layers[%d].context: ratio %g fits no shift", layer, to->ratio);
}

int constants_find(const struct net *n, struct constants *c, char *why, size_t whycap)
{
    struct finder f = {.n = n, .c = c, .why = why, .whycap = whycap};
    memset(c, 0, sizeof *c);
    collect(&f);
    if (find_shifts(&f))
        return -1;
    for (int layer = 0; layer < n->layout.shape.layers; layer++)
        if (find_context(&f, layer))
            return -1;
    return 0;
}
