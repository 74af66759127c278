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
    const int collapsed = s->form == MODEL_COLLAPSED;
    struct net_act *h = layer ? act(n, MODEL_Z, layer - 1) : act(n, MODEL_H, 0);
    return (struct block){
        .h = h,
        .q = act(n, MODEL_Q, layer),
        .k = collapsed ? h : act(n, MODEL_K, layer),
        .v = collapsed ? h : act(n, MODEL_V, layer),
        .u = act(n, MODEL_U, layer),
        .e = act(n, MODEL_E, layer),
        .c = act(n, MODEL_C, layer),
        .r = act(n, MODEL_R, layer),
        .f = act(n, MODEL_F, layer),
        .z = collapsed ? NULL : act(n, MODEL_Z, layer),
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
    const int shared = b->k == b->h; // their gradients add up, after the residual's
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
                     (struct kernel_view){gc, 1, d}, window, dh, window, shared);
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
                     (struct kernel_view){b->q->val + from, 1, d}, window, dh, window, shared);
    }
}

static void rectify(struct net *n, struct net_act *f)
{
    quantise(n, f); // clamps at 0: the ReLU
    for (size_t i = 0; !n->quantised && i < lanes(n, f); i++)
        f->val[i] = f->pre[i] > 0 ? f->pre[i] : 0;
}

static void rectify_back(struct net *n, struct net_act *f)
{
    unquantise(n, f);
    for (size_t i = 0; i < lanes(n, f); i++)
        f->grad[i] = f->pre[i] > 0 ? f->grad[i] : 0;
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
    rectify(n, b.f);
    linear(n, b.w_2, b.f, b.r, b.z, window);
    quantise(n, b.z);
}

static void encoder_layer_back(struct net *n, int layer)
{
    struct block b = block_of(n, layer);
    const int window = n->layout.shape.window;
    unquantise(n, b.z);
    linear_back(n, b.w_2, b.f, b.r, b.z, window, 0);
    rectify_back(n, b.f);
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

// Means of z's columns into o, from element at on.
static void pool(struct net *n, const struct net_act *z, struct net_act *o, int at)
{
    const int window = n->layout.shape.window;
    const size_t width = lanes(n, z) / (size_t)window;
    real *mean = o->pre + (size_t)at * LANES;
    memset(mean, 0, width * sizeof *mean);
    for (int t = 0; t < window; t++)
        for (size_t i = 0; i < width; i++)
            mean[i] += z->val[(size_t)t * width + i];
    for (size_t i = 0; i < width; i++)
        mean[i] *= n->pool_scale;
}

static void pool_back(struct net *n, struct net_act *z, const struct net_act *o, int at)
{
    const int window = n->layout.shape.window;
    const size_t width = lanes(n, z) / (size_t)window;
    const real *grad = o->grad + (size_t)at * LANES;
    for (int t = 0; t < window; t++)
        for (size_t i = 0; i < width; i++)
            z->grad[(size_t)t * width + i] = grad[i] * n->pool_scale;
}

// The collapsed form after h.
static void collapsed(struct net *n, struct net_act *o, struct net_act *y)
{
    const struct model_shape *s = &n->layout.shape;
    struct block b = block_of(n, 0);
    const real *bias = n->param + n->layout.linear[net_linear_index(s, MODEL_OUT, 0)].b;
    linear(n, b.w_q, b.h, NULL, b.q, s->window);
    quantise(n, b.q);
    attention(n, &b, 0);
    linear(n, b.w_o, b.c, b.h, b.r, s->window);
    quantise(n, b.r);
    linear(n, b.w_1, b.r, NULL, b.f, s->window);
    rectify(n, b.f);
    pool(n, b.r, o, 0);
    pool(n, b.f, o, s->d_model);
    linear(n, net_linear_index(s, MODEL_OUT, 0), o, NULL, y, 1);
    for (size_t i = 0; n->drop_unit > 0 && i < lanes(n, y); i++) {
        const real unit = n->drop_unit, sum = y->pre[i] - bias[i / LANES];
        y->pre[i] = (real)floor((double)(sum / unit + n->drop_slack)) * unit + bias[i / LANES];
    }
}

static void collapsed_back(struct net *n, struct net_act *o, const struct net_act *y)
{
    const struct model_shape *s = &n->layout.shape;
    struct block b = block_of(n, 0);
    linear_back(n, net_linear_index(s, MODEL_OUT, 0), o, NULL, y, 1, 0);
    pool_back(n, b.r, o, 0);
    pool_back(n, b.f, o, s->d_model);
    rectify_back(n, b.f);
    linear_back(n, b.w_1, b.r, NULL, b.f, s->window, 1);
    unquantise(n, b.r);
    linear_back(n, b.w_o, b.c, b.h, b.r, s->window, 0);
    attention_back(n, &b, 0);
    unquantise(n, b.q);
    linear_back(n, b.w_q, b.h, NULL, b.q, s->window, 1);
}

void net_forward(struct net *n)
{
    const struct model_shape *s = &n->layout.shape;
    struct net_act *x = act(n, MODEL_X, 0), *h = act(n, MODEL_H, 0);
    struct net_act *o = &n->act[net_pooled_index(s)], *y = act(n, MODEL_Y, 0);
    quantise(n, x);
    linear(n, net_linear_index(s, MODEL_IN, 0), x, NULL, h, s->window);
    quantise(n, h);
    if (s->form == MODEL_COLLAPSED) {
        collapsed(n, o, y);
    } else {
        for (int layer = 0; layer < s->layers; layer++)
            encoder_layer(n, layer);
        pool(n, act(n, MODEL_Z, s->layers - 1), o, 0);
        quantise(n, o);
        linear(n, net_linear_index(s, MODEL_OUT, 0), o, NULL, y, 1);
    }
    quantise(n, y);
}

void net_backward(struct net *n)
{
    const struct model_shape *s = &n->layout.shape;
    struct net_act *x = act(n, MODEL_X, 0), *h = act(n, MODEL_H, 0);
    struct net_act *o = &n->act[net_pooled_index(s)], *y = act(n, MODEL_Y, 0);
    unquantise(n, y);
    if (s->form == MODEL_COLLAPSED) {
        collapsed_back(n, o, y);
    } else {
        linear_back(n, net_linear_index(s, MODEL_OUT, 0), o, NULL, y, 1, 0);
        unquantise(n, o);
        pool_back(n, act(n, MODEL_Z, s->layers - 1), o, 0);
        for (int layer = s->layers - 1; layer >= 0; layer--)
            encoder_layer_back(n, layer);
    }
    unquantise(n, h);
    linear_back(n, net_linear_index(s, MODEL_IN, 0), x, NULL, h, s->window, 0);
    unquantise(n, x); // only for the step of x
}

static void ideal_factors(struct net *n)
{
    const struct model_shape *s = &n->layout.shape;
    n->pool_scale = 1 / (real)s->window;
    n->drop_unit = n->drop_slack = 0;
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
    if (c->drop > 0) {
        const int out = net_linear_index(s, MODEL_OUT, 0);
        n->drop_unit = (real)(c->product * stretch(&c->linear[out]) * ldexp(1, c->drop));
        n->drop_slack = (real)ldexp(0.5, -c->drop);
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
    const real *w = n->weight + lin->w;
    struct net_part part[2];
    const int parts = n->quantised ? net_weight_parts(n, index, part) : 0;
    for (int p = 0; p < parts; p++) {
        real *to = n->weight + part[p].at;
        quant_codes(n->param + part[p].at, to, part[p].count, part[p].step, n->weight_range[index]);
        real step = part[p].step * (real)(c ? stretch(&c->linear[index]) : 1);
        for (size_t i = 0; i < part[p].count; i++)
            to[i] *= step;
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
        struct net_part part[2];
        const int parts = net_weight_parts(n, i, part);
        real of_part[2];
        for (int p = 0; p < parts; p++)
            of_part[p] = quant_backward(n->param + part[p].at, n->grad + part[p].at, part[p].count,
                                        part[p].step, n->weight_range[i]);
        n->grad[lin->step] = parts == 2 ? of_part[0] + of_part[1] : of_part[0];
        if (parts == 2) { // the first part's step moves with those of f and r
            n->grad[l->act_step[net_act_index(&l->shape, MODEL_F, 0)]] += of_part[0];
            n->grad[l->act_step[net_act_index(&l->shape, MODEL_R, 0)]] -= of_part[0];
        }
    }
}
