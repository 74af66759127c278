// SPDX-License-Identifier: Apache-2.0
// Forward and backward pass of the net, in the order of docs/arithmetic.md.
#include "tools/train/isa.h"

#include "tools/train/net.h"

#include "tools/train/constants.h"
#include "tools/train/kernel.h"

// The tensors and linear layers of one encoder layer.
struct block {
    struct net_act *h, *q, *k, *v, *u, *e, *c, *r, *f, *z;
    int w_q, w_k, w_v, w_o, w_1, w_2;
};

static struct net_act *act(struct net *n, enum model_tensor t, int layer)
{
    return &n->act[net_act_index(&n->layout.shape, t, layer)];
}

static struct block block_of(struct net *n, int layer)
{
    const struct model_shape *s = &n->layout.shape;
    return (struct block){
        .h = layer ? act(n, MODEL_Z, layer - 1) : act(n, MODEL_H, 0),
        .q = act(n, MODEL_Q, layer),
        .k = act(n, MODEL_K, layer),
        .v = act(n, MODEL_V, layer),
        .u = act(n, MODEL_U, layer),
        .e = act(n, MODEL_E, layer),
        .c = act(n, MODEL_C, layer),
        .r = act(n, MODEL_R, layer),
        .f = act(n, MODEL_F, layer),
        .z = act(n, MODEL_Z, layer),
        .w_q = net_linear_index(s, MODEL_OP_Q, layer),
        .w_k = net_linear_index(s, MODEL_OP_K, layer),
        .w_v = net_linear_index(s, MODEL_OP_V, layer),
        .w_o = net_linear_index(s, MODEL_OP_O, layer),
        .w_1 = net_linear_index(s, MODEL_FF1, layer),
        .w_2 = net_linear_index(s, MODEL_FF2, layer),
    };
}

static size_t lanes(const struct net *n, const struct net_act *a)
{
    return n->layout.act_size[a - n->act] * LANES;
}

static void quantise(struct net *n, struct net_act *a)
{
    if (n->quantised)
        quant_forward(a->pre, a->val, lanes(n, a), net_act_step(n, (int)(a - n->act)), a->range);
}

// Turns a->grad from the gradient after quantisation into the one before.
static void unquantise(struct net *n, struct net_act *a)
{
    int i = (int)(a - n->act);
    if (n->quantised)
        n->grad[n->layout.act_step[i]] +=
            quant_backward(a->pre, a->grad, lanes(n, a), net_act_step(n, i), a->range);
}

// out[rows][lin->out] = in * w + b, plus gain * residual where there is one.
static void linear(struct net *n, int index, const struct net_act *in,
                   const struct net_act *residual, struct net_act *out, int rows)
{
    const struct net_linear *lin = &n->layout.linear[index];
    const real *b = n->param + lin->b;
    const real *gain = residual ? n->weight + lin->gain : NULL;
    for (int t = 0; t < rows; t++)
        for (int j = 0; j < lin->out; j++) {
            size_t at = (size_t)(t * lin->out + j) * LANES;
            real bias = b[lin->biases == lin->out ? j : t * lin->out + j];
            for (int lane = 0; lane < LANES; lane++)
                out->pre[at + (size_t)lane] =
                    gain ? bias + gain[j] * residual->val[at + (size_t)lane] : bias;
        }
    kernel_weights(out->pre, in->val, n->weight + lin->w, rows, lin->in, lin->out, 1);
}

// From out->grad: the sums of w, b and gain; the gradients of the residual (overwritten, it comes
// first) and of the input (overwritten, or added to).
static void linear_back(struct net *n, int index, struct net_act *in, struct net_act *residual,
                        const struct net_act *out, int rows, int add_to_input)
{
    const struct net_linear *lin = &n->layout.linear[index];
    const real *gain = residual ? n->weight + lin->gain : NULL;
    real *b_sum = n->lane_sum + lin->b * LANES;
    real *gain_sum = residual ? n->lane_sum + lin->gain * LANES : NULL;
    for (int t = 0; t < rows; t++)
        for (int j = 0; j < lin->out; j++) {
            size_t at = (size_t)(t * lin->out + j) * LANES;
            size_t b = (size_t)(lin->biases == lin->out ? j : t * lin->out + j) * LANES;
            for (size_t lane = 0; lane < LANES; lane++)
                b_sum[b + lane] += out->grad[at + lane];
            for (size_t lane = 0; residual && lane < LANES; lane++) {
                gain_sum[(size_t)j * LANES + lane] +=
                    out->grad[at + lane] * residual->val[at + lane];
                residual->grad[at + lane] = out->grad[at + lane] * gain[j];
            }
        }
    kernel_gradient(n->grad + lin->w, in->val, out->grad, lin->in, lin->out, rows);
    kernel_weights(in->grad, out->grad, n->turned + lin->w, rows, lin->out, lin->in, add_to_input);
}

// u = (largest score - score) / sqrt(dh), one head; scores come in u->pre.
static void distances(real *u, int window, real scale)
{
    for (int t = 0; t < window; t++) {
        real *row = u + (size_t)(t * window) * LANES;
        real best[LANES];
        memcpy(best, row, sizeof best);
        for (int s = 1; s < window; s++)
            for (int lane = 0; lane < LANES; lane++) {
                real a = row[s * LANES + lane];
                best[lane] = a > best[lane] ? a : best[lane];
            }
        for (int s = 0; s < window; s++)
            for (int lane = 0; lane < LANES; lane++)
                row[s * LANES + lane] = (best[lane] - row[s * LANES + lane]) * scale;
    }
}

// What the sums N of every row are multiplied with: 1 / Z, or as the integers divide.
static void inverse_sums(const struct net *n, int layer, const struct net_act *e)
{
    const struct model_shape *s = &n->layout.shape;
    const double per_step = n->quantised ? (double)e->range.hi : 1; // 1 / step of e
    for (int t = 0; t < s->heads * s->window; t++) {
        real z[LANES] = {0};
        for (int i = 0; i < s->window; i++)
            for (int lane = 0; lane < LANES; lane++)
                z[lane] += e->val[(size_t)(t * s->window + i) * LANES + (size_t)lane];
        for (int lane = 0; lane < LANES; lane++) {
            real *inverse = &n->z_inverse[layer][t * LANES + lane];
            int32_t codes = (int32_t)((double)z[lane] * per_step + 0.5);
            *inverse = n->context[layer].k
                           ? (real)(n->context[layer].k / codes) * n->context[layer].scale
                           : 1 / z[lane];
        }
    }
}

// x[t][j] *= by[t] for cols channels of rows of width d.
static void scale_rows(real *x, const real *by, int rows, int cols, int d)
{
    for (int t = 0; t < rows; t++)
        for (int j = 0; j < cols; j++)
            for (int lane = 0; lane < LANES; lane++)
                x[(size_t)(t * d + j) * LANES + (size_t)lane] *= by[t * LANES + lane];
}

static void attention(struct net *n, struct block *b, int layer)
{
    const struct model_shape *s = &n->layout.shape;
    const int window = s->window, d = s->d_model, dh = d / s->heads;
    for (int head = 0; head < s->heads; head++) {
        size_t from = (size_t)(head * dh) * LANES;
        real *u = b->u->pre + (size_t)(head * window * window) * LANES;
        kernel_lanes(u, window, (struct kernel_view){b->q->val + from, d, 1},
                     (struct kernel_view){b->k->val + from, d, 1}, window, window, dh, 0);
        distances(u, window, n->score_scale[layer]);
    }
    quantise(n, b->u);
    for (size_t i = 0; i < lanes(n, b->u); i++)
        b->e->pre[i] = real_exp(-b->u->val[i]);
    quantise(n, b->e);
    inverse_sums(n, layer, b->e);
    for (int head = 0; head < s->heads; head++) {
        size_t from = (size_t)(head * dh) * LANES;
        const real *e = b->e->val + (size_t)(head * window * window) * LANES;
        kernel_lanes(b->c->pre + from, d, (struct kernel_view){e, window, 1},
                     (struct kernel_view){b->v->val + from, 1, d}, window, dh, window, 0);
        scale_rows(b->c->pre + from, n->z_inverse[layer] + (size_t)(head * window) * LANES, window,
                   dh, d);
    }
    quantise(n, b->c);
}

// grad of e from that of c, one head: ge[t][s] -= sum_j gc[t][j] c[t][j], gc already over Z.
static void softmax_back(real *ge, const real *gc, const real *c, int window, int dh, int d)
{
    for (int t = 0; t < window; t++) {
        real dot[LANES] = {0};
        for (int j = 0; j < dh; j++)
            for (int lane = 0; lane < LANES; lane++) {
                size_t at = (size_t)(t * d + j) * LANES + (size_t)lane;
                dot[lane] += gc[at] * c[at];
            }
        for (int s = 0; s < window; s++)
            for (int lane = 0; lane < LANES; lane++)
                ge[(size_t)(t * window + s) * LANES + (size_t)lane] -= dot[lane];
    }
}

static void attention_back(struct net *n, struct block *b, int layer)
{
    const struct model_shape *s = &n->layout.shape;
    const int window = s->window, d = s->d_model, dh = d / s->heads;
    unquantise(n, b->c);
    for (int head = 0; head < s->heads; head++) {
        size_t from = (size_t)(head * dh) * LANES;
        size_t square = (size_t)(head * window * window) * LANES;
        real *gc = b->c->grad + from, *ge = b->e->grad + square;
        scale_rows(gc, n->z_inverse[layer] + (size_t)(head * window) * LANES, window, dh, d);
        kernel_lanes(ge, window, (struct kernel_view){gc, d, 1},
                     (struct kernel_view){b->v->val + from, d, 1}, window, window, dh, 0);
        softmax_back(ge, gc, b->c->pre + from, window, dh, d);
        kernel_lanes(b->v->grad + from, d, (struct kernel_view){b->e->val + square, 1, window},
                     (struct kernel_view){gc, 1, d}, window, dh, window, 0);
    }
    // Rounding e is passed straight through; its codes cannot leave their range.
    for (size_t i = 0; i < lanes(n, b->e); i++)
        b->u->grad[i] = -b->e->grad[i] * b->e->pre[i];
    unquantise(n, b->u);
    // The largest score is a constant here: the softmax does not depend on it.
    const real scale = -n->score_scale[layer];
    for (size_t i = 0; i < lanes(n, b->u); i++)
        b->u->grad[i] *= scale;
    for (int head = 0; head < s->heads; head++) {
        size_t from = (size_t)(head * dh) * LANES;
        const real *ga = b->u->grad + (size_t)(head * window * window) * LANES;
        kernel_lanes(b->q->grad + from, d, (struct kernel_view){ga, window, 1},
                     (struct kernel_view){b->k->val + from, 1, d}, window, dh, window, 0);
        kernel_lanes(b->k->grad + from, d, (struct kernel_view){ga, 1, window},
                     (struct kernel_view){b->q->val + from, 1, d}, window, dh, window, 0);
    }
}

static void encoder_layer(struct net *n, int layer)
{
    struct block b = block_of(n, layer);
    const int window = n->layout.shape.window;
    linear(n, b.w_q, b.h, NULL, b.q, window);
    quantise(n, b.q);
    linear(n, b.w_k, b.h, NULL, b.k, window);
    quantise(n, b.k);
    linear(n, b.w_v, b.h, NULL, b.v, window);
    quantise(n, b.v);
    attention(n, &b, layer);
    linear(n, b.w_o, b.c, b.h, b.r, window);
    quantise(n, b.r);
    linear(n, b.w_1, b.r, NULL, b.f, window);
    quantise(n, b.f); // clamps at 0: the ReLU
    for (size_t i = 0; !n->quantised && i < lanes(n, b.f); i++)
        b.f->val[i] = b.f->pre[i] > 0 ? b.f->pre[i] : 0;
    linear(n, b.w_2, b.f, b.r, b.z, window);
    quantise(n, b.z);
}

static void encoder_layer_back(struct net *n, int layer)
{
    struct block b = block_of(n, layer);
    const int window = n->layout.shape.window;
    unquantise(n, b.z);
    linear_back(n, b.w_2, b.f, b.r, b.z, window, 0);
    unquantise(n, b.f);
    for (size_t i = 0; i < lanes(n, b.f); i++)
        b.f->grad[i] = b.f->pre[i] > 0 ? b.f->grad[i] : 0;
    linear_back(n, b.w_1, b.r, NULL, b.f, window, 1);
    unquantise(n, b.r);
    linear_back(n, b.w_o, b.c, b.h, b.r, window, 0);
    attention_back(n, &b, layer);
    unquantise(n, b.q);
    linear_back(n, b.w_q, b.h, NULL, b.q, window, 1);
    unquantise(n, b.k);
    linear_back(n, b.w_k, b.h, NULL, b.k, window, 1);
    unquantise(n, b.v);
    linear_back(n, b.w_v, b.h, NULL, b.v, window, 1);
}

static void pool(struct net *n, const struct net_act *z, struct net_act *o)
{
    const struct model_shape *s = &n->layout.shape;
    const size_t width = (size_t)s->d_model * LANES;
    memset(o->pre, 0, width * sizeof *o->pre);
    for (int t = 0; t < s->window; t++)
        for (size_t i = 0; i < width; i++)
            o->pre[i] += z->val[(size_t)t * width + i];
    for (size_t i = 0; i < width; i++)
        o->pre[i] *= n->pool_scale;
}

static void pool_back(struct net *n, struct net_act *z, const struct net_act *o)
{
    const struct model_shape *s = &n->layout.shape;
    const size_t width = (size_t)s->d_model * LANES;
    for (int t = 0; t < s->window; t++)
        for (size_t i = 0; i < width; i++)
            z->grad[(size_t)t * width + i] = o->grad[i] * n->pool_scale;
}

void net_forward(struct net *n)
{
    const struct model_shape *s = &n->layout.shape;
    struct net_act *x = act(n, MODEL_X, 0), *h = act(n, MODEL_H, 0);
    struct net_act *o = act(n, MODEL_O, 0), *y = act(n, MODEL_Y, 0);
    quantise(n, x);
    linear(n, net_linear_index(s, MODEL_IN, 0), x, NULL, h, s->window);
    quantise(n, h);
    for (int layer = 0; layer < s->layers; layer++)
        encoder_layer(n, layer);
    pool(n, act(n, MODEL_Z, s->layers - 1), o);
    quantise(n, o);
    linear(n, net_linear_index(s, MODEL_OUT, 0), o, NULL, y, 1);
    quantise(n, y);
}

void net_backward(struct net *n)
{
    const struct model_shape *s = &n->layout.shape;
    struct net_act *x = act(n, MODEL_X, 0), *h = act(n, MODEL_H, 0);
    struct net_act *o = act(n, MODEL_O, 0), *y = act(n, MODEL_Y, 0);
    unquantise(n, y);
    linear_back(n, net_linear_index(s, MODEL_OUT, 0), o, NULL, y, 1, 0);
    unquantise(n, o);
    pool_back(n, act(n, MODEL_Z, s->layers - 1), o);
    for (int layer = s->layers - 1; layer >= 0; layer--)
        encoder_layer_back(n, layer);
    unquantise(n, h);
    linear_back(n, net_linear_index(s, MODEL_IN, 0), x, NULL, h, s->window, 0);
    unquantise(n, x); // only for the step of x
}

static void ideal_factors(struct net *n)
{
    const struct model_shape *s = &n->layout.shape;
    n->pool_scale = 1 / (real)s->window;
    for (int layer = 0; layer < s->layers; layer++) {
        n->score_scale[layer] = (real)(1 / sqrt((double)s->d_model / s->heads));
        n->context[layer].k = 0;
    }
}

// How much larger the integers' multiplier makes a result than the exact ratio would.
static double stretch(const struct constant *c)
{
    return c->ratio > 0 ? ldexp(c->multiplier, -c->shift) / c->ratio : 1;
}

static void integer_factors(struct net *n, const struct constants *c)
{
    const struct model_shape *s = &n->layout.shape;
    n->pool_scale *= (real)stretch(&c->pool);
    for (int layer = 0; layer < s->layers; layer++) {
        const struct constant *context = &c->context[layer];
        const double e_max = (double)n->act[net_act_index(s, MODEL_E, layer)].range.hi;
        n->score_scale[layer] *= (real)stretch(&c->score[layer]);
        n->context[layer].k = context->multiplier;
        n->context[layer].scale = (real)(ldexp(e_max, -context->shift) / context->ratio);
    }
}

static void integer_gains(struct net *n, int index, const struct constants *c)
{
    const struct net_linear *lin = &n->layout.linear[index];
    const double unit = ldexp(c->residual[index], c->linear[index].shift);
    for (int j = 0; lin->gain != NET_NONE && j < lin->out; j++) {
        real *gain = &n->weight[lin->gain + (size_t)j];
        *gain = (real)(constants_round((double)*gain * unit) / unit);
    }
}

static void form_weights(struct net *n, int index, const struct constants *c)
{
    const struct net_linear *lin = &n->layout.linear[index];
    const size_t count = (size_t)(lin->in * lin->out);
    real *w = n->weight + lin->w;
    if (n->quantised) {
        quant_codes(n->param + lin->w, w, count, net_weight_step(n, index), n->weight_range[index]);
        real step = net_weight_step(n, index) * (real)(c ? stretch(&c->linear[index]) : 1);
        for (size_t i = 0; i < count; i++)
            w[i] *= step;
    }
    for (int r = 0; r < lin->in; r++)
        for (int j = 0; j < lin->out; j++)
            n->turned[lin->w + (size_t)(j * lin->in + r)] = w[r * lin->out + j];
}

// Biases and, behind them, gains are summed in lanes; weights are not, see kernel_gradient.
static size_t lane_summed(const struct net_linear *lin)
{
    return (size_t)lin->biases + (lin->gain == NET_NONE ? 0 : (size_t)lin->out);
}

void net_begin(struct net *n)
{
    const struct net_layout *l = &n->layout;
    struct constants constants;
    char why[MODEL_WHY_MAX];
    int exact = n->quantised && !constants_find(n, &constants, why, sizeof why);
    memcpy(n->weight, n->param, l->weights_end * sizeof *n->weight);
    ideal_factors(n);
    if (exact)
        integer_factors(n, &constants);
    for (int i = 0; i < l->linears; i++) {
        form_weights(n, i, exact ? &constants : NULL);
        if (exact)
            integer_gains(n, i, &constants);
    }
    for (int i = 0; i < l->linears; i++)
        memset(n->lane_sum + l->linear[i].b * LANES, 0,
               lane_summed(&l->linear[i]) * LANES * sizeof *n->lane_sum);
    memset(n->grad, 0, l->count * sizeof *n->grad);
}

void net_end(struct net *n)
{
    const struct net_layout *l = &n->layout;
    for (int i = 0; i < l->linears; i++) {
        const size_t from = l->linear[i].b, to = from + lane_summed(&l->linear[i]);
        for (size_t k = from; k < to; k++) {
            real sum = 0;
            for (int lane = 0; lane < LANES; lane++)
                sum += n->lane_sum[k * LANES + (size_t)lane];
            n->grad[k] = sum;
        }
    }
    for (int i = 0; n->quantised && i < l->linears; i++) {
        const struct net_linear *lin = &l->linear[i];
        n->grad[lin->step] =
            quant_backward(n->param + lin->w, n->grad + lin->w, (size_t)(lin->in * lin->out),
                           net_weight_step(n, i), n->weight_range[i]);
    }
}
