// SPDX-License-Identifier: Apache-2.0
// Memory and bookkeeping of the net.
#include "tools/train/net.h"

#include <stdlib.h>

#include "tools/train/dice.h"

enum { ALIGNMENT_BYTES = 64, ACTS_PER_LAYER = 9, LINEARS_PER_LAYER = 6 };

int net_linear_index(const struct model_shape *s, enum model_op op, int layer)
{
    if (layer < 0 || layer >= (op == MODEL_IN || op == MODEL_OUT ? 1 : s->layers))
        return -1;
    if (op == MODEL_IN || op == MODEL_OUT)
        return op == MODEL_OUT;
    if (s->form == MODEL_COLLAPSED && (op == MODEL_OP_K || op == MODEL_OP_V || op == MODEL_FF2))
        return -1;
    return 2 + LINEARS_PER_LAYER * layer + (int)(op - MODEL_OP_Q);
}

int net_act_index(const struct model_shape *s, enum model_tensor t, int layer)
{
    static const int single[MODEL_TENSORS] = {
        [MODEL_X] = 1, [MODEL_H] = 2, [MODEL_O] = 3, [MODEL_Y] = 4};
    static const int inner[MODEL_TENSORS] = {
        [MODEL_Q] = 0, [MODEL_K] = 1, [MODEL_V] = 2, [MODEL_U] = 3, [MODEL_E] = 4,
        [MODEL_C] = 5, [MODEL_R] = 6, [MODEL_F] = 7, [MODEL_Z] = 8};
    if (layer < 0 || layer >= (single[t] ? 1 : s->layers))
        return -1;
    if (s->form == MODEL_COLLAPSED &&
        (t == MODEL_K || t == MODEL_V || t == MODEL_Z || t == MODEL_O))
        return -1;
    return single[t] ? single[t] - 1 : 4 + ACTS_PER_LAYER * layer + inner[t];
}

int net_pooled_index(const struct model_shape *s)
{
    (void)s;
    return 2; // the place of o in both forms
}

static void lay_out(struct net_layout *l, const struct model_shape *s)
{
    const struct model_bits none = {0};
    size_t at = 0;
    l->shape = *s;
    l->linears = 2 + LINEARS_PER_LAYER * s->layers;
    l->acts = 4 + ACTS_PER_LAYER * s->layers;
    for (int i = 0; i < l->linears; i++) // for those that the form has not
        l->linear[i].gain = NET_NONE;
    for (int op = 0; op < MODEL_OPS; op++)
        for (int layer = 0; layer < s->layers; layer++) {
            int i = net_linear_index(s, op, layer);
            struct model_op_info info;
            if (i < 0 || model_op_describe(s, &none, op, layer, &info))
                continue;
            struct net_linear *lin = &l->linear[i];
            *lin = (struct net_linear){.in = info.cols, .out = info.rows, .biases = info.biases};
            lin->w = at;
            at += (size_t)info.rows * (size_t)info.cols;
            lin->b = at;
            at += (size_t)info.biases;
            lin->gain = NET_NONE;
            if (op == MODEL_OP_O || op == MODEL_FF2) {
                lin->gain = at;
                at += (size_t)info.rows;
            }
        }
    l->weights_end = at;
    for (int i = 0; i < l->linears; i++)
        l->linear[i].step = at++;
    for (int i = 0; i < l->acts; i++)
        l->act_step[i] = at++;
    l->count = at;
    for (int t = 0; t < MODEL_TENSORS; t++)
        for (int layer = 0; layer < s->layers; layer++) {
            int i = net_act_index(s, t, layer), rows, cols;
            if (i >= 0 && !model_tensor_shape(s, t, layer, &rows, &cols))
                l->act_size[i] = (size_t)rows * (size_t)cols;
        }
    if (s->form == MODEL_COLLAPSED)
        l->act_size[net_pooled_index(s)] = (size_t)(s->d_model + s->d_ff);
}

struct arena {
    real *base; // NULL while only the size is being found
    size_t used;
};

static real *carve(struct arena *a, size_t count)
{
    const size_t unit = ALIGNMENT_BYTES / sizeof(real);
    size_t at = a->used;
    a->used += (count + unit - 1) / unit * unit;
    return a->base ? a->base + at : NULL;
}

static void place(struct net *n, struct arena *a)
{
    const struct net_layout *l = &n->layout;
    const struct model_shape *s = &l->shape;
    n->param = carve(a, l->count);
    n->grad = carve(a, l->count);
    n->weight = carve(a, l->weights_end);
    n->turned = carve(a, l->weights_end);
    n->lane_sum = carve(a, l->weights_end * LANES);
    for (int layer = 0; layer < s->layers; layer++)
        n->z_inverse[layer] = carve(a, (size_t)(s->heads * s->window) * LANES);
    for (int i = 0; i < l->acts; i++) {
        n->act[i].pre = carve(a, l->act_size[i] * LANES);
        n->act[i].store = carve(a, l->act_size[i] * LANES);
        n->act[i].grad = carve(a, l->act_size[i] * LANES);
    }
}

struct net *net_new(const struct model_shape *s)
{
    char why[MODEL_WHY_MAX];
    struct net *n = calloc(1, sizeof *n);
    if (!n || model_shape_check(s, why, sizeof why)) {
        free(n);
        return NULL;
    }
    lay_out(&n->layout, s);
    struct arena a = {NULL, 0};
    place(n, &a);
    size_t bytes = a.used * sizeof(real);
    n->memory = aligned_alloc(ALIGNMENT_BYTES, bytes);
    if (!n->memory) {
        free(n);
        return NULL;
    }
    memset(n->memory, 0, bytes);
    a = (struct arena){n->memory, 0};
    place(n, &a);
    net_quantise(n, NULL);
    return n;
}

void net_free(struct net *n)
{
    if (!n)
        return;
    free(n->memory);
    free(n);
}

static void init_linear(struct net *n, int index, double share, struct dice *dice)
{
    const struct net_linear *lin = &n->layout.linear[index];
    double reach = share * sqrt(6.0 / (lin->in + lin->out)); // Glorot and Bengio 2010
    for (int i = 0; i < lin->in * lin->out; i++)
        n->param[lin->w + (size_t)i] = (real)(reach * (2 * dice_unit(dice) - 1));
    for (int i = 0; lin->gain != NET_NONE && i < lin->out; i++)
        n->param[lin->gain + (size_t)i] = 1;
}

// Sine and cosine positions (Vaswani et al. 2017); learned from there on, as they are folded into
// the input layer's biases anyway.
static void init_positions(struct net *n)
{
    const struct model_shape *s = &n->layout.shape;
    real *b = n->param + n->layout.linear[net_linear_index(s, MODEL_IN, 0)].b;
    for (int t = 0; t < s->window; t++)
        for (int j = 0; j < s->d_model; j++) {
            double angle = t * exp(-log(10000.0) * (j / 2 * 2) / s->d_model);
            b[t * s->d_model + j] = (real)(j & 1 ? cos(angle) : sin(angle));
        }
}

void net_init(struct net *n, uint64_t seed)
{
    const struct net_layout *l = &n->layout;
    struct dice dice = {seed};
    memset(n->param, 0, l->count * sizeof *n->param);
    for (int i = 0; i < l->linears; i++)
        if (l->linear[i].in > 0)
            init_linear(n, i, l->linear[i].gain == NET_NONE ? 1.0 : 0.5, &dice);
    init_positions(n);
}

static struct quant_range range_of(enum model_range kind, int bits)
{
    return (struct quant_range){(real)model_range_min(kind, bits),
                                (real)model_range_max(kind, bits)};
}

static void quantise_all(struct net *n)
{
    const struct model_shape *s = &n->layout.shape;
    for (int op = 0; op < MODEL_OPS; op++)
        for (int layer = 0; layer < s->layers; layer++) {
            struct model_op_info info;
            int i = net_linear_index(s, op, layer);
            if (i >= 0 && !model_op_describe(s, &n->bits, op, layer, &info))
                n->weight_range[i] = range_of(MODEL_NARROW, info.w_bits);
        }
    for (int t = 0; t < MODEL_TENSORS; t++)
        for (int layer = 0; layer < s->layers; layer++) {
            int i = net_act_index(s, t, layer);
            if (i >= 0)
                n->act[i].range =
                    range_of(model_tensor_range(s, t), model_tensor_bits(&n->bits, t, layer));
        }
    // The table's step is fixed: its first entry is the largest code and stands for exp(0).
    for (int layer = 0; layer < s->layers; layer++) {
        int e = net_act_index(s, MODEL_E, layer);
        n->param[n->layout.act_step[e]] = (real)-log((double)n->act[e].range.hi);
    }
}

void net_quantise(struct net *n, const struct model_bits *bits)
{
    const struct model_shape *s = &n->layout.shape;
    n->quantised = bits != NULL;
    for (int i = 0; i < n->layout.acts; i++)
        n->act[i].val = bits ? n->act[i].store : n->act[i].pre;
    if (s->form == MODEL_COLLAPSED) // exact sums
        n->act[net_pooled_index(s)].val = n->act[net_pooled_index(s)].pre;
    for (int layer = 0; layer < s->layers; layer++) {
        struct net_act *f = &n->act[net_act_index(s, MODEL_F, layer)];
        f->val = f->store;
    }
    if (bits) {
        n->bits = *bits;
        quantise_all(n);
    }
}

real net_act_step(const struct net *n, int act)
{
    return (real)exp((double)n->param[n->layout.act_step[act]]);
}

real net_weight_step(const struct net *n, int linear)
{
    return (real)exp((double)n->param[n->layout.linear[linear].step]);
}

int net_weight_parts(const struct net *n, int linear, struct net_part part[2])
{
    const struct model_shape *s = &n->layout.shape;
    const struct net_linear *lin = &n->layout.linear[linear];
    const size_t count = (size_t)(lin->in * lin->out);
    const real step = net_weight_step(n, linear);
    if (s->form != MODEL_COLLAPSED || linear != net_linear_index(s, MODEL_OUT, 0)) {
        part[0] = (struct net_part){lin->w, count, step};
        return 1;
    }
    const size_t r = (size_t)(s->d_model * lin->out);
    part[0] = (struct net_part){lin->w, r,
                                step * net_act_step(n, net_act_index(s, MODEL_F, 0)) /
                                    net_act_step(n, net_act_index(s, MODEL_R, 0))};
    part[1] = (struct net_part){lin->w + r, count - r, step};
    return 2;
}

real *net_input(struct net *n)
{
    return n->act[net_act_index(&n->layout.shape, MODEL_X, 0)].pre;
}

const real *net_output(struct net *n)
{
    return n->act[net_act_index(&n->layout.shape, MODEL_Y, 0)].val;
}

real *net_output_grad(struct net *n)
{
    return n->act[net_act_index(&n->layout.shape, MODEL_Y, 0)].grad;
}
