// SPDX-License-Identifier: Apache-2.0
// Physical values to codes and back: the only floating point between a client and the fabric.
#include <math.h>

#include "tools/model/variant.h"

int variant_encode(const struct variant *v, const double *window, int8_t *codes, int *saturated)
{
    const struct model_shape *s = &v->model->shape;
    const double lo = model_range_min(MODEL_SIGNED, v->model->bits.x);
    const double hi = model_range_max(MODEL_SIGNED, v->model->bits.x);
    int outside = 0;

    for (int i = 0; i < s->window * s->features; i++) {
        const struct variant_feature *f = &v->feature[i % s->features];
        double scaled, code;
        if (!isfinite(window[i]))
            return i;
        scaled = (window[i] - f->offset) / f->scale;
        code = floor(scaled / v->x_scale + 0.5); // may be infinite; it saturates like any other
        outside += code < lo || code > hi;
        codes[i] = (int8_t)(code < lo ? lo : code > hi ? hi : code);
    }
    if (saturated != NULL)
        *saturated = outside;
    return -1;
}

void variant_decode(const struct variant *v, const int16_t *codes, double *values)
{
    for (int i = 0; i < v->model->shape.outputs; i++)
        values[i] = codes[i] * v->y_scale * v->target[i].scale + v->target[i].offset;
}
