// SPDX-License-Identifier: Apache-2.0
// One inference, tensor by tensor. Every intermediate is exact; values saturate only where a named
// tensor is formed. Numbers in comments are the steps of docs/arithmetic.md.
#include <assert.h>
#include <stdlib.h>

#include "tools/model/model.h"

struct model_trace {
    struct model_shape shape;
    int16_t *tensor[MODEL_TENSORS][MODEL_MAX_LAYERS]; // into codes; NULL where there is none
    int16_t codes[];
};

struct model_trace *model_trace_new(const struct model_shape *s)
{
    struct model_trace *tr;
    size_t total = 0;
    int rows, cols;

    if (model_shape_check(s, NULL, 0) < 0)
        return NULL;
    for (int t = 0; t < MODEL_TENSORS; t++)
        for (int n = 0; model_tensor_shape(s, t, n, &rows, &cols) == 0; n++)
            total += (size_t)rows * (size_t)cols;
    tr = calloc(1, sizeof *tr + total * sizeof tr->codes[0]);
    if (tr == NULL)
        return NULL;
    tr->shape = *s;
    total = 0;
    for (int t = 0; t < MODEL_TENSORS; t++)
        for (int n = 0; model_tensor_shape(s, t, n, &rows, &cols) == 0; n++) {
            tr->tensor[t][n] = tr->codes + total;
            total += (size_t)rows * (size_t)cols;
        }
    return tr;
}

void model_trace_free(struct model_trace *tr)
{
    free(tr);
}

const int16_t *model_trace_get(const struct model_trace *tr, enum model_tensor t, int layer)
{
    if ((unsigned)t >= MODEL_TENSORS || layer < 0 || layer >= MODEL_MAX_LAYERS)
        return NULL;
    return tr->tensor[t][layer];
}

struct limits {
    int32_t lo, hi;
};

static struct limits limits_of(const struct model *mdl, enum model_tensor t, int layer)
{
    int bits = model_tensor_bits(&mdl->bits, t, layer);
    enum model_range r = model_tensor_range(&mdl->shape, t);

    return (struct limits){model_range_min(r, bits), model_range_max(r, bits)};
}

// Floor division by 2^shift. C leaves >> of negative values to the compiler; written like this it
// is defined, and compilers make one arithmetic shift of it.
static int64_t floor_shift(int64_t v, int shift)
{
    return v >= 0 ? v >> shift : ~(~v >> shift);
}

static int16_t saturate(int64_t v, struct limits lim)
{
    return (int16_t)(v < lim.lo ? lim.lo : v > lim.hi ? lim.hi : v);
}

static int32_t dot(const int16_t *a, const int8_t *w, int n)
{
    int32_t acc = 0; // at most 24 bits for every allowed shape

    for (int i = 0; i < n; i++)
        acc += a[i] * w[i];
    return acc;
}

// One token through a linear layer; b is the row of biases that applies to it, res its residual.
static void linear_row(const struct model_linear *lin, const int16_t *in, const int64_t *b,
                       const int16_t *res, struct limits lim, int16_t *out)
{
    const struct model_requant *rq = &lin->rq;

    for (int r = 0; r < lin->rows; r++) {
        int64_t acc = dot(in, lin->w + (size_t)r * (size_t)lin->cols, lin->cols);
        int64_t sum = acc * rq->m[rq->per_row ? r : 0] + b[r];
        if (res != NULL)
            sum += (int64_t)res[r] * rq->g[r];
        out[r] = saturate(floor_shift(sum, rq->shift), lim);
    }
}

static void linear_rows(const struct model *mdl, const struct model_linear *lin, const int16_t *in,
                        const int16_t *res, enum model_tensor t, int layer, int16_t *out)
{
    struct limits lim = limits_of(mdl, t, layer);

    for (int row = 0; row < mdl->shape.window; row++)
        linear_row(lin, in + row * lin->cols, lin->rq.b, res != NULL ? res + row * lin->rows : NULL,
                   lim, out + row * lin->rows);
}

// (3) one row of scores of one head to its distances u and softmax numerators e; returns Z.
static int32_t score_row(const struct model_layer *l, const struct model_shape *s, int u_max,
                         const int16_t *q, const int16_t *k, int16_t *u, int16_t *e)
{
    const int dh = s->d_model / s->heads;
    const int64_t half = INT64_C(1) << (l->score_shift - 1);
    int32_t a[MODEL_MAX_WINDOW];
    int32_t best = INT32_MIN, z = 0;

    for (int i = 0; i < s->window; i++) {
        a[i] = 0;
        for (int j = 0; j < dh; j++)
            a[i] += q[j] * k[i * s->d_model + j];
        best = a[i] > best ? a[i] : best;
    }
    for (int i = 0; i < s->window; i++) {
        int64_t far = ((int64_t)(best - a[i]) * l->score_m + half) >> l->score_shift;
        u[i] = (int16_t)(far < u_max ? far : u_max);
        e[i] = l->lut[u[i]];
        z += e[i];
    }
    return z;
}

// (4) one row of one head's context: sum of e * v, times K / Z.
static void context_row(const struct model_layer *l, const struct model_shape *s, struct limits lim,
                        const int16_t *e, int32_t z, const int16_t *v, int16_t *c)
{
    const int dh = s->d_model / s->heads;
    const int64_t r = l->context_k / z;
    const int64_t half = INT64_C(1) << (l->context_shift - 1);
    int32_t n[MODEL_MAX_D] = {0};

    for (int i = 0; i < s->window; i++)
        for (int j = 0; j < dh; j++)
            n[j] += e[i] * v[i * s->d_model + j];
    for (int j = 0; j < dh; j++)
        c[j] = saturate(floor_shift(n[j] * r + half, l->context_shift), lim);
}

// k and v: what the scores and the context read; h both in the collapsed form.
static void attention(const struct model *mdl, int layer, const int16_t *k, const int16_t *v,
                      struct model_trace *tr)
{
    const struct model_shape *s = &mdl->shape;
    const struct model_layer *l = &mdl->layer[layer];
    const struct limits lim = limits_of(mdl, MODEL_C, layer);
    const int u_max = limits_of(mdl, MODEL_U, layer).hi;

    for (int head = 0; head < s->heads; head++)
        for (int t = 0; t < s->window; t++) {
            const int at = head * (s->d_model / s->heads);
            const int row = t * s->d_model + at;
            int16_t *u = tr->tensor[MODEL_U][layer] + (head * s->window + t) * s->window;
            int16_t *e = tr->tensor[MODEL_E][layer] + (head * s->window + t) * s->window;
            int32_t z = score_row(l, s, u_max, tr->tensor[MODEL_Q][layer] + row, k + at, u, e);
            context_row(l, s, lim, e, z, v + at, tr->tensor[MODEL_C][layer] + row);
        }
}

// (1) the input layer has a row of biases of its own for every time step: the position is in it.
static void embed(const struct model *mdl, const int8_t *x, struct model_trace *tr)
{
    const struct model_shape *s = &mdl->shape;
    const struct limits lim = limits_of(mdl, MODEL_X, 0), h = limits_of(mdl, MODEL_H, 0);
    int16_t *codes = tr->tensor[MODEL_X][0];

    for (int i = 0; i < s->window * s->features; i++) {
        assert(x[i] >= lim.lo && x[i] <= lim.hi);
        codes[i] = x[i];
    }
    for (int t = 0; t < s->window; t++)
        linear_row(&mdl->in, codes + t * s->features, mdl->in.rq.b + t * s->d_model, NULL, h,
                   tr->tensor[MODEL_H][0] + t * s->d_model);
}

// (6) mean over the window, then the outputs.
static void pool(const struct model *mdl, const int16_t *z, struct model_trace *tr)
{
    const struct model_shape *s = &mdl->shape;
    const struct limits lim = limits_of(mdl, MODEL_O, 0);
    const int64_t half = INT64_C(1) << (mdl->pool_shift - 1);
    int16_t *o = tr->tensor[MODEL_O][0];

    for (int j = 0; j < s->d_model; j++) {
        int32_t acc = 0;
        for (int t = 0; t < s->window; t++)
            acc += z[t * s->d_model + j];
        o[j] = saturate(floor_shift((int64_t)acc * mdl->pool_m + half, mdl->pool_shift), lim);
    }
    linear_row(&mdl->out, o, mdl->out.rq.b, NULL, limits_of(mdl, MODEL_Y, 0),
               tr->tensor[MODEL_Y][0]);
}

static int32_t column_sum(const int16_t *rows, int window, int cols, int j)
{
    int32_t sum = 0;

    for (int t = 0; t < window; t++)
        sum += rows[t * cols + j];
    return sum;
}

// The outputs of the collapsed form, from the sums of r and of f over the window.
static void read_out(const struct model *mdl, struct model_trace *tr)
{
    const struct model_shape *s = &mdl->shape;
    const struct model_requant *rq = &mdl->out.rq;
    const struct limits lim = limits_of(mdl, MODEL_Y, 0);
    struct model_op_info info;
    int32_t sums[MODEL_MAX_D + MODEL_MAX_FF];

    model_op_describe(s, &mdl->bits, MODEL_OUT, 0, &info);
    for (int j = 0; j < s->d_model; j++)
        sums[j] = column_sum(tr->tensor[MODEL_R][0], s->window, s->d_model, j);
    for (int j = 0; j < s->d_ff; j++)
        sums[s->d_model + j] = column_sum(tr->tensor[MODEL_F][0], s->window, s->d_ff, j);
    for (int i = 0; i < s->outputs; i++) {
        const int8_t *w = mdl->out.w + i * mdl->out.cols;
        int64_t acc = 0;
        for (int j = 0; j < mdl->out.cols; j++)
            acc += (int64_t)sums[j] * w[j];
        acc = floor_shift(acc, info.drop);
        tr->tensor[MODEL_Y][0][i] =
            saturate(floor_shift(acc * rq->m[rq->per_row ? i : 0] + rq->b[i], rq->shift), lim);
    }
}

static void run_collapsed(const struct model *mdl, struct model_trace *tr)
{
    const struct model_layer *l = &mdl->layer[0];
    const int16_t *h = tr->tensor[MODEL_H][0], *r = tr->tensor[MODEL_R][0];

    linear_rows(mdl, &l->q, h, NULL, MODEL_Q, 0, tr->tensor[MODEL_Q][0]);
    attention(mdl, 0, h, h, tr);
    linear_rows(mdl, &l->o, tr->tensor[MODEL_C][0], h, MODEL_R, 0, tr->tensor[MODEL_R][0]);
    linear_rows(mdl, &l->ff1, r, NULL, MODEL_F, 0, tr->tensor[MODEL_F][0]);
    read_out(mdl, tr);
}

void model_run(const struct model *mdl, const int8_t *x, struct model_trace *tr)
{
    const int16_t *h = tr->tensor[MODEL_H][0];

    assert(tr->shape.window == mdl->shape.window && tr->shape.d_model == mdl->shape.d_model &&
           tr->shape.features == mdl->shape.features && tr->shape.heads == mdl->shape.heads &&
           tr->shape.d_ff == mdl->shape.d_ff && tr->shape.layers == mdl->shape.layers &&
           tr->shape.outputs == mdl->shape.outputs && tr->shape.form == mdl->shape.form);
    embed(mdl, x, tr);
    if (mdl->shape.form == MODEL_COLLAPSED) {
        run_collapsed(mdl, tr);
        return;
    }
    for (int n = 0; n < mdl->shape.layers; n++) {
        const struct model_layer *l = &mdl->layer[n];
        linear_rows(mdl, &l->q, h, NULL, MODEL_Q, n, tr->tensor[MODEL_Q][n]); // (2)
        linear_rows(mdl, &l->k, h, NULL, MODEL_K, n, tr->tensor[MODEL_K][n]);
        linear_rows(mdl, &l->v, h, NULL, MODEL_V, n, tr->tensor[MODEL_V][n]);
        attention(mdl, n, tr->tensor[MODEL_K][n], tr->tensor[MODEL_V][n], tr);
        linear_rows(mdl, &l->o, tr->tensor[MODEL_C][n], h, MODEL_R, n, // (5)
                    tr->tensor[MODEL_R][n]);
        linear_rows(mdl, &l->ff1, tr->tensor[MODEL_R][n], NULL, MODEL_F, n, tr->tensor[MODEL_F][n]);
        linear_rows(mdl, &l->ff2, tr->tensor[MODEL_F][n], tr->tensor[MODEL_R][n], MODEL_Z, n,
                    tr->tensor[MODEL_Z][n]);
        h = tr->tensor[MODEL_Z][n];
    }
    pool(mdl, h, tr);
}
