// SPDX-License-Identifier: Apache-2.0
#include "tools/model/model_random.h"

#include <stdio.h>

#include "tools/model/model_internal.h"

uint64_t model_rng_next(struct model_rng *r)
{
    uint64_t z = (r->state += 0x9e3779b97f4a7c15u);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

int64_t model_rng_range(struct model_rng *r, int64_t lo, int64_t hi)
{
    uint64_t span = (uint64_t)hi - (uint64_t)lo;
    uint64_t draw = model_rng_next(r);

    return (int64_t)((uint64_t)lo + (span == UINT64_MAX ? draw : draw % (span + 1)));
}

static int one_in(struct model_rng *r, int n)
{
    return model_rng_range(r, 1, n) == 1;
}

static int draw_int(struct model_rng *r, int lo, int hi)
{
    return (int)model_rng_range(r, lo, hi);
}

// Mostly small, now and then up to hi: random models should be quick to run and still cover hi.
static int draw_size(struct model_rng *r, int lo, int usual, int hi)
{
    return one_in(r, 6) ? draw_int(r, lo, hi) : draw_int(r, lo, usual);
}

static void draw_shape(struct model_rng *r, struct model_shape *s)
{
    if (s->window == 0)
        s->window = draw_size(r, 2, 13, MODEL_MAX_WINDOW);
    if (s->features == 0)
        s->features = draw_size(r, 1, 9, MODEL_MAX_FEATURES);
    if (s->form == MODEL_COLLAPSED) {
        s->heads = s->heads == 0 ? 1 : s->heads;
        s->layers = s->layers == 0 ? 1 : s->layers;
    }
    if (s->heads == 0 && s->d_model == 0)
        s->heads = draw_int(r, 1, MODEL_MAX_HEADS);
    if (s->d_model == 0) {
        int heads = s->heads > 0 ? s->heads : 1;
        s->d_model = heads * draw_size(r, (MODEL_MIN_D + heads - 1) / heads, 20 / heads,
                                       MODEL_MAX_D / heads);
    }
    while (s->heads == 0) {
        int heads = draw_int(r, 1, MODEL_MAX_HEADS);
        s->heads = s->d_model % heads == 0 ? heads : 0;
    }
    if (s->d_ff == 0)
        s->d_ff = draw_int(r, 1, 4 * s->d_model);
    if (s->layers == 0)
        s->layers = draw_int(r, 1, MODEL_MAX_LAYERS);
    if (s->outputs == 0)
        s->outputs = draw_size(r, 1, 3, MODEL_MAX_OUTPUTS);
}

static int draw_width(struct model_rng *r, const struct model_random_options *o, int max)
{
    if (o->bits != 0)
        return o->bits == 8 ? max : o->bits;
    if (o->extreme && !one_in(r, 3))
        return one_in(r, 2) ? 2 : max;
    return draw_int(r, 2, max);
}

static void draw_bits(struct model_rng *r, const struct model_random_options *o,
                      const struct model_shape *s, struct model_bits *b)
{
    int *const outer[] = {&b->x, &b->h, &b->o, &b->w_in, &b->w_y};

    for (size_t i = 0; i < sizeof outer / sizeof outer[0]; i++)
        *outer[i] = draw_width(r, o, 8);
    b->y = o->y_bits != 0 ? o->y_bits : draw_int(r, 8, 16);
    for (int n = 0; n < s->layers; n++) {
        struct model_layer_bits *l = &b->layer[n];
        int *const inner[] = {&l->q, &l->k,   &l->v,   &l->u,   &l->c,   &l->r,   &l->f,
                              &l->z, &l->w_q, &l->w_k, &l->w_v, &l->w_o, &l->w_1, &l->w_2};
        for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++)
            *inner[i] = draw_width(r, o, 8);
        l->e = draw_width(r, o, 7);
    }
    if (s->form == MODEL_COLLAPSED) {
        struct model_layer_bits *l = &b->layer[0];
        b->o = l->k = l->v = l->z = l->w_k = l->w_v = l->w_2 = 0;
    }
}

// The variant's shift list, ascending. The lowest is small enough for any widening, the highest
// fine enough for any narrowing, except when the limits themselves are wanted.
static void draw_shifts(struct model_rng *r, int extreme, int list[MODEL_MAX_SHIFTS])
{
    static const int lo[MODEL_MAX_SHIFTS] = {1, 7, 14, 21}, hi[MODEL_MAX_SHIFTS] = {3, 13, 20, 26};

    for (int i = 0; i < MODEL_MAX_SHIFTS; i++)
        list[i] = extreme ? draw_int(r, 1, MODEL_MAX_SHIFT) : draw_int(r, lo[i], hi[i]);
    if (extreme) {
        list[0] = one_in(r, 2) ? 1 : list[0];
        list[3] = one_in(r, 2) ? MODEL_MAX_SHIFT : list[3];
    }
}

static int64_t integer_root(int64_t v)
{
    int64_t root = 0;

    for (int64_t bit = INT64_C(1) << 30; bit > 0; bit >>= 1)
        if ((root + bit) * (root + bit) <= v)
            root += bit;
    return root;
}

// The largest shift of the list and m < 2^15 with m / 2^shift near num / den, jittered by up to
// two either way.
static void choose_multiplier(struct model_rng *r, const int list[MODEL_MAX_SHIFTS], int64_t num,
                              int64_t den, int32_t *m, int *shift)
{
    int64_t jitter = model_rng_range(r, 128, 512); // 256 is one
    int64_t value = 0;

    for (int i = MODEL_MAX_SHIFTS - 1; i >= 0; i--) {
        *shift = list[i];
        value = ((num * jitter) << list[i]) / (den * 256);
        if (value <= MODEL_MAX_MULTIPLIER)
            break;
    }
    *m = (int32_t)(value < 1 ? 1 : value > MODEL_MAX_MULTIPLIER ? MODEL_MAX_MULTIPLIER : value);
}

// What a value of a tensor is likely to be, as a root mean square.
static int64_t usual(enum model_range range, int bits)
{
    int64_t rms = model_range_max(range, bits) / 3;

    return rms > 0 ? rms : 1;
}

static void draw_weights(struct model_rng *r, struct model_linear *lin, int bits, int extreme)
{
    int top = model_range_max(MODEL_NARROW, bits);
    int style = extreme ? draw_int(r, 0, 3) : 0; // uniform, all ends, all +, all -

    for (int i = 0; i < lin->rows * lin->cols; i++) {
        int w = draw_int(r, -top, top);
        if (style == 1)
            w = one_in(r, 2) ? top : -top;
        else if (style == 2)
            w = top;
        else if (style == 3)
            w = -top;
        lin->w[i] = (int8_t)w;
    }
}

static void draw_useful(struct model_rng *r, const struct model *mdl, const int *list,
                        struct model_linear *lin, const struct model_op_info *info, int layer)
{
    struct model_requant *rq = &lin->rq;
    enum model_range range = model_tensor_range(&mdl->shape, info->tensor);
    int64_t out = usual(range, model_tensor_bits(&mdl->bits, info->tensor, layer));
    int64_t w = model_range_max(MODEL_NARROW, info->w_bits);
    int64_t in = usual(info->in_range, info->in_bits);
    int64_t acc = integer_root(info->cols * in * in * w * (w + 1) / 3);

    if (info->tensor == MODEL_Y && mdl->shape.form == MODEL_COLLAPSED)
        acc = acc * mdl->shape.window >> info->drop; // sums over the window

    choose_multiplier(r, list, out, acc > 0 ? acc : 1, &rq->m[0], &rq->shift);
    rq->per_row = one_in(r, 3);
    for (int i = 1; i < lin->rows; i++)
        rq->m[i] = (int32_t)model_rng_range(r, (rq->m[0] + 1) / 2, rq->m[0]);
    int64_t spread = (out << rq->shift) / 2;
    for (int i = 0; i < info->biases; i++)
        rq->b[i] = model_rng_range(r, -spread, spread) + (INT64_C(1) << (rq->shift - 1));
    for (int i = 0; rq->g != NULL && i < lin->rows; i++) {
        int64_t g = (out << rq->shift) / usual(MODEL_SIGNED, info->res_bits);
        g = g > MODEL_MAX_RESIDUAL ? MODEL_MAX_RESIDUAL : g;
        rq->g[i] = (int32_t)model_rng_range(r, -g / 4, g);
    }
}

static int64_t draw_end(struct model_rng *r, int64_t lo, int64_t hi)
{
    switch (draw_int(r, 0, 3)) {
    case 0:
        return lo;
    case 1:
        return hi;
    case 2:
        return lo <= 0 && hi >= 0 ? model_rng_range(r, lo < -1 ? -1 : lo, hi > 1 ? 1 : hi) : lo;
    default:
        return model_rng_range(r, lo, hi);
    }
}

static void draw_extreme(struct model_rng *r, const int *list, struct model_linear *lin,
                         const struct model_op_info *info)
{
    struct model_requant *rq = &lin->rq;
    int64_t acc = model_factor_max(info);
    int64_t res = info->res_bits > 0 ? INT64_C(1) << (info->res_bits - 1) : 0;
    int small = one_in(r, 2); // biases of the size of the products, not of 48 bits

    rq->shift = list[draw_int(r, 0, MODEL_MAX_SHIFTS - 1)];
    rq->per_row = one_in(r, 2);
    for (int i = 0; i < lin->rows; i++)
        rq->m[i] = (int32_t)draw_end(r, 0, MODEL_MAX_MULTIPLIER);
    for (int i = 0; rq->g != NULL && i < lin->rows; i++)
        rq->g[i] = (int32_t)draw_end(r, -MODEL_MAX_RESIDUAL, MODEL_MAX_RESIDUAL);
    for (int i = 0; i < info->biases; i++) {
        int row = i % lin->rows;
        int64_t g = rq->g != NULL ? rq->g[row] : 0;
        int64_t products = acc * rq->m[rq->per_row ? row : 0] + res * (g < 0 ? -g : g);
        int64_t room = (INT64_C(1) << (MODEL_SUM_BITS - 1)) - 1 - products;
        if (small && products < room)
            room = products;
        rq->b[i] = draw_end(r, -room, room);
    }
}

static void draw_table(struct model_rng *r, struct model_layer *l, int u_bits, int e_bits,
                       int extreme)
{
    int64_t value = (((INT64_C(1) << e_bits) - 1) << 16) + 32768;
    // Falls to a tenth somewhere between an eighth of the table and its end.
    int64_t steps = model_rng_range(r, ((1 << u_bits) + 7) / 8, 1 << u_bits);
    int64_t keep = 65536 - 150000 / (steps + 2);
    int style = extreme ? draw_int(r, 0, 2) : 0;

    if (style == 1)
        keep = 65536; // flat: every position weighs the same
    else if (style == 2)
        keep = 0; // only the best one counts
    for (int i = 0; i < 1 << u_bits; i++) {
        l->lut[i] = (uint8_t)(value >> 16);
        value = keep > 0 ? value * keep >> 16 : 0;
    }
}

static void draw_attention(struct model_rng *r, struct model *mdl, int n, const int *list,
                           int extreme)
{
    const struct model_layer_bits *b = &mdl->bits.layer[n];
    struct model_layer *l = &mdl->layer[n];
    const int64_t k_max = ((MODEL_MAX_RECIPROCAL + 1) * ((INT64_C(1) << b->e) - 1)) - 1;
    const int collapsed = mdl->shape.form == MODEL_COLLAPSED;
    int64_t q = usual(MODEL_SIGNED, b->q);
    int64_t k = usual(MODEL_NARROW, collapsed ? mdl->bits.h : b->k);
    int64_t a = q * k * integer_root(mdl->shape.d_model / mdl->shape.heads);

    draw_table(r, l, b->u, b->e, extreme);
    if (extreme) {
        l->score_m = (int32_t)draw_end(r, 0, MODEL_MAX_MULTIPLIER);
        l->score_shift = list[draw_int(r, 0, MODEL_MAX_SHIFTS - 1)];
        l->context_k = (int32_t)draw_end(r, 1, k_max);
        l->context_shift = (int)draw_end(r, 1, MODEL_MAX_CONTEXT_SHIFT);
        return;
    }
    // Distances are a few times the usual score.
    choose_multiplier(r, list, model_range_max(MODEL_UNSIGNED, b->u), 4 * a, &l->score_m,
                      &l->score_shift);
    // c is an average of v: about the same value, widened to c's range.
    int64_t v_max = model_range_max(MODEL_NARROW, collapsed ? mdl->bits.h : b->v),
            c_max = model_range_max(MODEL_SIGNED, b->c);
    int64_t factor = model_rng_range(r, 128, 640) * c_max; // over 256 * v_max
    l->context_shift = 1;
    while (l->context_shift < MODEL_MAX_CONTEXT_SHIFT &&
           (factor << (l->context_shift + 1)) / (256 * v_max) <= k_max)
        l->context_shift++;
    l->context_k = (int32_t)((factor << l->context_shift) / (256 * v_max));
    if (l->context_k < 1)
        l->context_k = 1;
}

static void draw_integers(struct model_rng *r, struct model *mdl, int extreme)
{
    int list[MODEL_MAX_SHIFTS];

    draw_shifts(r, extreme, list);
    for (int op = 0; op < MODEL_OPS; op++) {
        struct model_op_info info;
        for (int n = 0; model_op_describe(&mdl->shape, &mdl->bits, op, n, &info) == 0; n++) {
            struct model_linear *lin = model_op_linear(mdl, op, n);
            draw_weights(r, lin, info.w_bits, extreme);
            if (extreme)
                draw_extreme(r, list, lin, &info);
            else
                draw_useful(r, mdl, list, lin, &info, n);
        }
    }
    for (int n = 0; n < mdl->shape.layers; n++)
        draw_attention(r, mdl, n, list, extreme);
    if (mdl->shape.form == MODEL_COLLAPSED)
        return;
    if (extreme) {
        mdl->pool_m = (int32_t)draw_end(r, 0, MODEL_MAX_MULTIPLIER);
        mdl->pool_shift = list[draw_int(r, 0, MODEL_MAX_SHIFTS - 1)];
        return;
    }
    int64_t z = usual(MODEL_SIGNED, mdl->bits.layer[mdl->shape.layers - 1].z);
    choose_multiplier(r, list, usual(MODEL_SIGNED, mdl->bits.o),
                      z * (1 + integer_root(mdl->shape.window)), &mdl->pool_m, &mdl->pool_shift);
}

static void name_all(struct variant *v, uint64_t seed)
{
    snprintf(v->name, sizeof v->name, "random-%llu", (unsigned long long)seed);
    snprintf(v->task, sizeof v->task, "random");
    for (int i = 0; i < v->model->shape.features; i++)
        snprintf(v->feature[i].name, sizeof v->feature[i].name, "feature %d", i);
    for (int i = 0; i < v->model->shape.outputs; i++)
        snprintf(v->target[i].name, sizeof v->target[i].name, "target %d", i);
}

struct variant *model_random_variant(const struct model_random_options *o, char *why, size_t whycap)
{
    struct model_rng r = {o->seed};
    struct model_shape shape = o->shape;
    struct model_bits bits = {0};
    struct model *mdl;
    struct variant *v;

    draw_shape(&r, &shape);
    if (model_shape_check(&shape, why, whycap) < 0)
        return NULL;
    if (o->widths)
        bits = *o->widths;
    else
        draw_bits(&r, o, &shape, &bits);
    if (model_bits_check(&shape, &bits, why, whycap) < 0)
        return NULL;
    mdl = model_new(&shape, &bits);
    v = mdl != NULL ? variant_new(mdl) : NULL;
    if (v == NULL) {
        model_free(mdl);
        model_refuse(why, whycap, "shape: out of memory");
        return NULL;
    }
    draw_integers(&r, mdl, o->extreme);
    name_all(v, o->seed);
    if (variant_check(v, why, whycap) < 0) {
        variant_free(v);
        return NULL;
    }
    return v;
}

void model_random_window(struct model_rng *r, const struct model *mdl, int8_t *x)
{
    const int lo = model_range_min(MODEL_SIGNED, mdl->bits.x);
    const int hi = model_range_max(MODEL_SIGNED, mdl->bits.x);
    const int style = draw_int(r, 0, 31); // 0: all low, 1: all high, 2: zero, 3: only ends

    for (int i = 0; i < mdl->shape.window * mdl->shape.features; i++) {
        int v = draw_int(r, lo, hi);
        if (style < 3)
            v = style == 0 ? lo : style == 1 ? hi : 0;
        else if (style == 3)
            v = v & 1 ? lo : hi;
        x[i] = (int8_t)v;
    }
}
