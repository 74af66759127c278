// SPDX-License-Identifier: Apache-2.0
// Memory of a model: one arena for all its arrays.
#include "tools/model/model.h"

#include <stdlib.h>

struct arena {
    char *base; // NULL while only the size is being found
    size_t used;
};

static void *carve(struct arena *a, size_t count, size_t size)
{
    size_t at = a->used;

    a->used += (count * size + 7) & ~(size_t)7;
    return a->base != NULL ? a->base + at : NULL;
}

struct model_linear *model_op_linear(struct model *mdl, enum model_op op, int layer)
{
    if (layer < 0 || layer >= (op == MODEL_IN || op == MODEL_OUT ? 1 : mdl->shape.layers))
        return NULL;
    if (mdl->shape.form == MODEL_COLLAPSED &&
        (op == MODEL_OP_K || op == MODEL_OP_V || op == MODEL_FF2))
        return NULL;

    struct model_layer *l = &mdl->layer[layer];
    struct model_linear *const linear[MODEL_OPS] = {
        [MODEL_IN] = &mdl->in, [MODEL_OP_Q] = &l->q,    [MODEL_OP_K] = &l->k,
        [MODEL_OP_V] = &l->v,  [MODEL_OP_O] = &l->o,    [MODEL_FF1] = &l->ff1,
        [MODEL_FF2] = &l->ff2, [MODEL_OUT] = &mdl->out,
    };
    return (unsigned)op < MODEL_OPS ? linear[op] : NULL;
}

static void place(struct model *mdl, struct arena *a)
{
    for (int op = 0; op < MODEL_OPS; op++) {
        struct model_op_info info;
        for (int n = 0; model_op_describe(&mdl->shape, &mdl->bits, op, n, &info) == 0; n++) {
            struct model_linear *lin = model_op_linear(mdl, op, n);
            lin->rows = info.rows;
            lin->cols = info.cols;
            lin->rq.b = carve(a, (size_t)info.biases, sizeof *lin->rq.b);
            lin->rq.m = carve(a, (size_t)info.rows, sizeof *lin->rq.m);
            lin->rq.g = info.res_bits > 0 ? carve(a, (size_t)info.rows, sizeof *lin->rq.g) : NULL;
            lin->w = carve(a, (size_t)info.rows * (size_t)info.cols, sizeof *lin->w);
        }
    }
}

struct model *model_new(const struct model_shape *s, const struct model_bits *b)
{
    struct arena a = {NULL, 0};
    struct model *mdl;

    if (model_shape_check(s, NULL, 0) < 0 || model_bits_check(s, b, NULL, 0) < 0)
        return NULL;
    mdl = calloc(1, sizeof *mdl);
    if (mdl == NULL)
        return NULL;
    mdl->shape = *s;
    mdl->bits = *b;
    place(mdl, &a);
    mdl->arena = calloc(1, a.used);
    if (mdl->arena == NULL) {
        free(mdl);
        return NULL;
    }
    a = (struct arena){mdl->arena, 0};
    place(mdl, &a);
    return mdl;
}

void model_free(struct model *mdl)
{
    if (mdl == NULL)
        return;
    free(mdl->arena);
    free(mdl);
}
