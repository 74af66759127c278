// SPDX-License-Identifier: Apache-2.0
// What shapes and widths are allowed, and what follows from them: tensors, operations, ranges.
#include <stdio.h>

#include "tools/model/model.h"
#include "tools/model/model_internal.h"

static const char *const tensor_names[MODEL_TENSORS] = {"x", "h", "q", "k", "v", "u", "e",
                                                        "c", "r", "f", "z", "o", "y"};

static const char *const form_names[MODEL_FORMS] = {"encoder", "collapsed"};

const char *model_form_name(enum model_form form)
{
    return (unsigned)form < MODEL_FORMS ? form_names[form] : "?";
}

static int in_range(const char *field, int value, int lo, int hi, char *why, size_t whycap)
{
    if (value >= lo && value <= hi)
        return 0;
    return model_refuse(why, whycap, "%s: %d is not in %d..%d", field, value, lo, hi);
}

int model_shape_check(const struct model_shape *s, char *why, size_t whycap)
{
    if (in_range("shape.window", s->window, 2, MODEL_MAX_WINDOW, why, whycap) < 0 ||
        in_range("shape.features", s->features, 1, MODEL_MAX_FEATURES, why, whycap) < 0 ||
        in_range("shape.d_model", s->d_model, MODEL_MIN_D, MODEL_MAX_D, why, whycap) < 0 ||
        in_range("shape.heads", s->heads, 1, MODEL_MAX_HEADS, why, whycap) < 0 ||
        in_range("shape.d_ff", s->d_ff, 1, 4 * s->d_model, why, whycap) < 0 ||
        in_range("shape.layers", s->layers, 1, MODEL_MAX_LAYERS, why, whycap) < 0 ||
        in_range("shape.outputs", s->outputs, 1, MODEL_MAX_OUTPUTS, why, whycap) < 0)
        return -1;
    if (s->d_model % s->heads != 0)
        return model_refuse(why, whycap, "shape.heads: %d does not divide d_model %d", s->heads,
                            s->d_model);
    if ((unsigned)s->form >= MODEL_FORMS)
        return model_refuse(why, whycap, "form: %d is none", (int)s->form);
    if (s->form == MODEL_COLLAPSED && (in_range("shape.heads", s->heads, 1, 1, why, whycap) < 0 ||
                                       in_range("shape.layers", s->layers, 1, 1, why, whycap) < 0))
        return -1;
    return 0;
}

static int layer_bits_check(int layer, const struct model_layer_bits *b, enum model_form form,
                            char *why, size_t whycap)
{
    const struct {
        const char *name;
        int bits, max, encoder_only;
    } widths[] = {
        {"q", b->q, 8, 0},     {"k", b->k, 8, 1},     {"v", b->v, 8, 1},     {"u", b->u, 8, 0},
        {"e", b->e, 7, 0},     {"c", b->c, 8, 0},     {"r", b->r, 8, 0},     {"f", b->f, 8, 0},
        {"z", b->z, 8, 1},     {"w_q", b->w_q, 8, 0}, {"w_k", b->w_k, 8, 1}, {"w_v", b->w_v, 8, 1},
        {"w_o", b->w_o, 8, 0}, {"w_1", b->w_1, 8, 0}, {"w_2", b->w_2, 8, 1},
    };

    for (size_t i = 0; i < sizeof widths / sizeof widths[0]; i++) {
        char field[48];
        if (form == MODEL_COLLAPSED && widths[i].encoder_only)
            continue;
        snprintf(field, sizeof field, "bits.layers[%d].%s", layer, widths[i].name);
        if (in_range(field, widths[i].bits, 2, widths[i].max, why, whycap) < 0)
            return -1;
    }
    return 0;
}

int model_bits_check(const struct model_shape *s, const struct model_bits *b, char *why,
                     size_t whycap)
{
    if (in_range("bits.x", b->x, 2, 8, why, whycap) < 0 ||
        in_range("bits.h", b->h, 2, 8, why, whycap) < 0 ||
        (s->form == MODEL_ENCODER && in_range("bits.o", b->o, 2, 8, why, whycap) < 0) ||
        in_range("bits.y", b->y, 8, 16, why, whycap) < 0 ||
        in_range("bits.w_in", b->w_in, 2, 8, why, whycap) < 0 ||
        in_range("bits.w_y", b->w_y, 2, 8, why, whycap) < 0)
        return -1;
    for (int n = 0; n < s->layers; n++)
        if (layer_bits_check(n, &b->layer[n], s->form, why, whycap) < 0)
            return -1;
    return 0;
}

int32_t model_range_min(enum model_range r, int bits)
{
    switch (r) {
    case MODEL_SIGNED:
        return -(1 << (bits - 1));
    case MODEL_NARROW:
        return -((1 << (bits - 1)) - 1);
    case MODEL_UNSIGNED:
        break;
    }
    return 0;
}

int32_t model_range_max(enum model_range r, int bits)
{
    return r == MODEL_UNSIGNED ? (1 << bits) - 1 : (1 << (bits - 1)) - 1;
}

int64_t model_acc_max(int in_bits, int in_signed, int w_bits, int fan_in)
{
    int64_t in = in_signed ? INT64_C(1) << (in_bits - 1) : (INT64_C(1) << in_bits) - 1;

    return in * model_range_max(MODEL_NARROW, w_bits) * fan_in;
}

int model_signed_bits(int64_t max)
{
    int bits = 1;

    while (bits < 64 && (max >> (bits - 1)) != 0)
        bits++;
    return bits;
}

int model_acc_bits(int in_bits, int in_signed, int w_bits, int fan_in)
{
    return model_signed_bits(model_acc_max(in_bits, in_signed, w_bits, fan_in));
}

int model_tensor_shape(const struct model_shape *s, enum model_tensor t, int layer, int *rows,
                       int *cols)
{
    int once = t == MODEL_X || t == MODEL_H || t == MODEL_O || t == MODEL_Y;

    if (layer < 0 || layer >= (once ? 1 : s->layers))
        return -1;
    if (s->form == MODEL_COLLAPSED &&
        (t == MODEL_K || t == MODEL_V || t == MODEL_Z || t == MODEL_O))
        return -1;
    *rows = s->window;
    *cols = s->d_model;
    switch (t) {
    case MODEL_X:
        *cols = s->features;
        return 0;
    case MODEL_U:
    case MODEL_E:
        *rows = s->heads * s->window;
        *cols = s->window;
        return 0;
    case MODEL_F:
        *cols = s->d_ff;
        return 0;
    case MODEL_Y:
        *cols = s->outputs;
        *rows = 1;
        return 0;
    case MODEL_O:
        *rows = 1;
        return 0;
    case MODEL_H:
    case MODEL_Q:
    case MODEL_K:
    case MODEL_V:
    case MODEL_C:
    case MODEL_R:
    case MODEL_Z:
        return 0;
    case MODEL_TENSORS:
        break;
    }
    return -1;
}

const char *model_tensor_name(enum model_tensor t)
{
    return (unsigned)t < MODEL_TENSORS ? tensor_names[t] : "?";
}

int model_tensor_bits(const struct model_bits *b, enum model_tensor t, int layer)
{
    const struct model_layer_bits *l = &b->layer[layer];
    const int bits[MODEL_TENSORS] = {
        [MODEL_X] = b->x, [MODEL_H] = b->h, [MODEL_Q] = l->q, [MODEL_K] = l->k, [MODEL_V] = l->v,
        [MODEL_U] = l->u, [MODEL_E] = l->e, [MODEL_C] = l->c, [MODEL_R] = l->r, [MODEL_F] = l->f,
        [MODEL_Z] = l->z, [MODEL_O] = b->o, [MODEL_Y] = b->y,
    };

    return bits[t];
}

int model_tensor_signed(enum model_tensor t)
{
    return t != MODEL_U && t != MODEL_E && t != MODEL_F;
}

enum model_range model_tensor_range(const struct model_shape *s, enum model_tensor t)
{
    if (!model_tensor_signed(t))
        return MODEL_UNSIGNED;
    // what stands on the weight port in the attention products
    if (t == MODEL_K || t == MODEL_V || (t == MODEL_H && s->form == MODEL_COLLAPSED))
        return MODEL_NARROW;
    return MODEL_SIGNED;
}

// Rows, columns, widths and ranges; 0 where the operation exists.
static int describe(const struct model_shape *s, const struct model_bits *b, enum model_op op,
                    int layer, struct model_op_info *info)
{
    const struct model_layer_bits *l = &b->layer[layer];
    const int d = s->d_model;
    const int h = layer == 0 ? b->h : b->layer[layer - 1].z; // what the layer reads
    const int collapsed = s->form == MODEL_COLLAPSED;
    const enum model_range sgn = MODEL_SIGNED, uns = MODEL_UNSIGNED;

    switch (op) {
    case MODEL_IN:
        *info = (struct model_op_info){"in", d, s->features, s->window * d, b->x, b->w_in, sgn,
                                       0,    0, 0,           MODEL_H};
        return 0;
    case MODEL_OP_Q:
        *info = (struct model_op_info){"q", d, d, d, h, l->w_q, sgn, 0, 0, 0, MODEL_Q};
        return 0;
    case MODEL_OP_K:
        *info = (struct model_op_info){"k", d, d, d, h, l->w_k, sgn, 0, 0, 0, MODEL_K};
        return -collapsed;
    case MODEL_OP_V:
        *info = (struct model_op_info){"v", d, d, d, h, l->w_v, sgn, 0, 0, 0, MODEL_V};
        return -collapsed;
    case MODEL_OP_O:
        *info = (struct model_op_info){"o", d, d, d, l->c, l->w_o, sgn, h, 0, 0, MODEL_R};
        return 0;
    case MODEL_FF1:
        *info =
            (struct model_op_info){"ff1", s->d_ff, d, s->d_ff, l->r, l->w_1, sgn, 0, 0, 0, MODEL_F};
        return 0;
    case MODEL_FF2:
        *info =
            (struct model_op_info){"ff2", d, s->d_ff, d, l->f, l->w_2, uns, l->r, 0, 0, MODEL_Z};
        return -collapsed;
    case MODEL_OUT:
        *info = (struct model_op_info){"out", s->outputs, d, s->outputs, b->o,   b->w_y,
                                       sgn,   0,          0, 0,          MODEL_Y};
        if (collapsed) {
            info->cols = d + s->d_ff;
            info->in_bits = l->f;
            info->in_range = uns;
        }
        return 0;
    case MODEL_OPS:
        break;
    }
    return -1;
}

int model_op_describe(const struct model_shape *s, const struct model_bits *b, enum model_op op,
                      int layer, struct model_op_info *info)
{
    if (layer < 0 || layer >= (op == MODEL_IN || op == MODEL_OUT ? 1 : s->layers) ||
        describe(s, b, op, layer, info) < 0)
        return -1;
    info->acc_max = 0;
    if (info->in_bits == 0 || info->w_bits == 0)
        return 0;
    info->acc_max =
        model_acc_max(info->in_bits, info->in_range != MODEL_UNSIGNED, info->w_bits, info->cols);
    if (op == MODEL_OUT && s->form == MODEL_COLLAPSED) {
        // of L summed tokens
        info->acc_max = model_acc_max(b->layer[0].r, 1, b->w_y, s->window * s->d_model) +
                        model_acc_max(b->layer[0].f, 0, b->w_y, s->window * s->d_ff);
        int bits = model_signed_bits(info->acc_max);
        info->drop = bits > MODEL_FACTOR_BITS ? bits - MODEL_FACTOR_BITS : 0;
    }
    return 0;
}

int64_t model_factor_max(const struct model_op_info *info)
{
    // the floor of the smallest sum may lie one further from zero
    return (info->acc_max >> info->drop) + (info->drop > 0);
}

long model_macs(const struct model_shape *s)
{
    const long d = s->d_model, L = s->window;

    if (s->form == MODEL_COLLAPSED)
        return L * (s->features * d + 2 * d * d + d * s->d_ff + 2 * L * d) +
               (d + s->d_ff) * s->outputs;
    return L * (s->features * d + s->layers * (4 * d * d + 2 * d * s->d_ff + 2 * L * d)) +
           d * s->outputs;
}
