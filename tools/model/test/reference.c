// SPDX-License-Identifier: Apache-2.0
#include "tools/model/test/reference.h"

#include <string.h>

__extension__ typedef __int128 wide;

static struct reference *now; // sums of the run in progress are noted here

static wide note(wide sum)
{
    wide v = sum < 0 ? -(sum + 1) : sum;
    int bits = 1;

    for (; v != 0; v /= 2)
        bits++;
    if (bits > now->widest)
        now->widest = bits;
    return sum;
}

// Division by 2^shift towards minus infinity, by division and correction.
static wide floor_div(wide v, int shift)
{
    wide unit = (wide)1 << shift;
    wide q = v / unit;

    return q * unit > v ? q - 1 : q;
}

static int clip(wide v, wide lo, wide hi)
{
    if (v > hi)
        v = hi;
    if (v < lo)
        v = lo;
    return (int)v;
}

static int clip_signed(wide v, int bits)
{
    return clip(v, -((wide)1 << (bits - 1)), ((wide)1 << (bits - 1)) - 1);
}

static int clip_narrow(wide v, int bits)
{
    return clip(v, -((wide)1 << (bits - 1)) + 1, ((wide)1 << (bits - 1)) - 1);
}

static int clip_unsigned(wide v, int bits)
{
    return clip(v, 0, ((wide)1 << bits) - 1);
}

// Element j of the linear layer for one row of inputs, before saturation.
static wide linear(const struct model_linear *lin, const int *in, int j, int64_t b, int residual)
{
    wide acc = 0;

    for (int i = 0; i < lin->cols; i++)
        acc += (wide)lin->w[j * lin->cols + i] * in[i];
    acc *= lin->rq.per_row ? lin->rq.m[j] : lin->rq.m[0];
    if (lin->rq.g != NULL)
        acc += (wide)lin->rq.g[j] * residual;
    return floor_div(note(acc + b), lin->rq.shift);
}

// keys and values: k and v, or h for both.
static void attention(const struct model *mdl, int n, const int *keys, const int *values,
                      struct reference *ref)
{
    const int L = mdl->shape.window, d = mdl->shape.d_model, dh = d / mdl->shape.heads;
    const struct model_layer *l = &mdl->layer[n];
    const struct model_layer_bits *b = &mdl->bits.layer[n];

    for (int j = 0; j < d; j++) // column by column: nothing shared with model_run
        for (int t = 0; t < L; t++) {
            const int head = j / dh, at = (head * L + t) * L;
            wide best = 0, score[MODEL_MAX_WINDOW], sum = 0, z = 0;
            for (int s = 0; s < L; s++) {
                score[s] = 0;
                for (int i = head * dh; i < (head + 1) * dh; i++)
                    score[s] += (wide)ref->t[MODEL_Q][n][t * d + i] * keys[s * d + i];
                best = s == 0 || score[s] > best ? score[s] : best;
            }
            for (int s = 0; s < L; s++) {
                wide far = (best - score[s]) * l->score_m + ((wide)1 << (l->score_shift - 1));
                int u = clip_unsigned(floor_div(note(far), l->score_shift), b->u);
                ref->t[MODEL_U][n][at + s] = u;
                ref->t[MODEL_E][n][at + s] = l->lut[u];
                z += l->lut[u];
                sum += (wide)l->lut[u] * values[s * d + j];
            }
            sum = sum * (l->context_k / z) + ((wide)1 << (l->context_shift - 1));
            ref->t[MODEL_C][n][t * d + j] =
                clip_signed(floor_div(note(sum), l->context_shift), b->c);
        }
}

static void layer(const struct model *mdl, int n, const int *h, struct reference *ref)
{
    const int L = mdl->shape.window, d = mdl->shape.d_model, F = mdl->shape.d_ff;
    const struct model_layer *l = &mdl->layer[n];
    const struct model_layer_bits *b = &mdl->bits.layer[n];
    int *c = ref->t[MODEL_C][n], *r = ref->t[MODEL_R][n], *f = ref->t[MODEL_F][n];

    for (int i = 0; i < L * d; i++) {
        const int *row = h + i / d * d, j = i % d;
        ref->t[MODEL_Q][n][i] = clip_signed(linear(&l->q, row, j, l->q.rq.b[j], 0), b->q);
        ref->t[MODEL_K][n][i] = clip_narrow(linear(&l->k, row, j, l->k.rq.b[j], 0), b->k);
        ref->t[MODEL_V][n][i] = clip_narrow(linear(&l->v, row, j, l->v.rq.b[j], 0), b->v);
    }
    attention(mdl, n, ref->t[MODEL_K][n], ref->t[MODEL_V][n], ref);
    for (int i = 0; i < L * d; i++)
        r[i] = clip_signed(linear(&l->o, c + i / d * d, i % d, l->o.rq.b[i % d], h[i]), b->r);
    for (int i = 0; i < L * F; i++)
        f[i] = clip_unsigned(linear(&l->ff1, r + i / F * d, i % F, l->ff1.rq.b[i % F], 0), b->f);
    for (int i = 0; i < L * d; i++)
        ref->t[MODEL_Z][n][i] =
            clip_signed(linear(&l->ff2, f + i / d * F, i % d, l->ff2.rq.b[i % d], r[i]), b->z);
}

// The collapsed form, after h. Its y: every token's products one by one, so that the sums over the
// window are never formed by themselves.
static void collapsed(const struct model *mdl, struct reference *ref)
{
    const int L = mdl->shape.window, d = mdl->shape.d_model, F = mdl->shape.d_ff;
    const struct model_layer *l = &mdl->layer[0];
    const struct model_layer_bits *b = &mdl->bits.layer[0];
    const int *h = ref->t[MODEL_H][0];
    int *g = ref->t[MODEL_Q][0], *c = ref->t[MODEL_C][0], *r = ref->t[MODEL_R][0];
    int *f = ref->t[MODEL_F][0];
    wide reach = ((wide)L * d * (1 << (b->r - 1)) + (wide)L * F * ((1 << b->f) - 1)) *
                 ((1 << (mdl->bits.w_y - 1)) - 1);
    int drop = 0;

    while (reach >> drop >= (wide)1 << 23) // 24 bits with the sign
        drop++;
    for (int i = 0; i < L * d; i++)
        g[i] = clip_signed(linear(&l->q, h + i / d * d, i % d, l->q.rq.b[i % d], 0), b->q);
    attention(mdl, 0, h, h, ref);
    for (int i = 0; i < L * d; i++)
        r[i] = clip_signed(linear(&l->o, c + i / d * d, i % d, l->o.rq.b[i % d], h[i]), b->r);
    for (int i = 0; i < L * F; i++)
        f[i] = clip_unsigned(linear(&l->ff1, r + i / F * d, i % F, l->ff1.rq.b[i % F], 0), b->f);
    for (int j = 0; j < mdl->shape.outputs; j++) {
        const int8_t *w = mdl->out.w + j * (d + F);
        wide sum = 0;
        for (int i = 0; i < L * d; i++)
            sum += (wide)w[i % d] * r[i];
        for (int i = 0; i < L * F; i++)
            sum += (wide)w[d + i % F] * f[i];
        sum = floor_div(sum, drop) * mdl->out.rq.m[mdl->out.rq.per_row ? j : 0];
        ref->t[MODEL_Y][0][j] =
            clip_signed(floor_div(note(sum + mdl->out.rq.b[j]), mdl->out.rq.shift), mdl->bits.y);
    }
}

void reference_run(const struct model *mdl, const int8_t *x, struct reference *ref)
{
    const int L = mdl->shape.window, m = mdl->shape.features, d = mdl->shape.d_model;
    const int last = mdl->shape.layers - 1;

    memset(ref, 0, sizeof *ref);
    now = ref;
    for (int i = 0; i < L * m; i++)
        ref->t[MODEL_X][0][i] = x[i];
    for (int i = 0; i < L * d; i++) {
        wide h = linear(&mdl->in, ref->t[MODEL_X][0] + i / d * m, i % d, mdl->in.rq.b[i], 0);
        ref->t[MODEL_H][0][i] = mdl->shape.form == MODEL_COLLAPSED ? clip_narrow(h, mdl->bits.h)
                                                                   : clip_signed(h, mdl->bits.h);
    }
    if (mdl->shape.form == MODEL_COLLAPSED) {
        collapsed(mdl, ref);
        return;
    }
    for (int n = 0; n <= last; n++)
        layer(mdl, n, n == 0 ? ref->t[MODEL_H][0] : ref->t[MODEL_Z][n - 1], ref);
    for (int j = 0; j < d; j++) {
        wide sum = 0;
        for (int t = 0; t < L; t++)
            sum += ref->t[MODEL_Z][last][t * d + j];
        sum = note(sum * mdl->pool_m + ((wide)1 << (mdl->pool_shift - 1)));
        ref->t[MODEL_O][0][j] = clip_signed(floor_div(sum, mdl->pool_shift), mdl->bits.o);
    }
    for (int j = 0; j < mdl->shape.outputs; j++)
        ref->t[MODEL_Y][0][j] =
            clip_signed(linear(&mdl->out, ref->t[MODEL_O][0], j, mdl->out.rq.b[j], 0), mdl->bits.y);
}
