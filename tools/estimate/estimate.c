// SPDX-License-Identifier: Apache-2.0
#include "tools/estimate/estimate.h"

#include <math.h>

#include "tools/build/emit.h"
#include "tools/vboard/power_model.h"

const struct estimate_limits estimate_xc7s15 = {"xc7s15", 8000, 2400, 16000, 20, 20};

double estimate_mean_bits(const struct model *mdl)
{
    const struct model_bits *b = &mdl->bits;
    const int outer[] = {b->x, b->h, b->o, b->y, b->w_in, b->w_y};
    int sum = 0, count = 0;
    for (size_t i = 0; i < sizeof outer / sizeof outer[0]; i++) {
        sum += outer[i];
        count += outer[i] > 0;
    }
    for (int n = 0; n < mdl->shape.layers; n++) {
        const struct model_layer_bits *l = &b->layer[n];
        const int inner[] = {l->q, l->k,   l->v,   l->u,   l->e,   l->c,   l->r,  l->f,
                             l->z, l->w_q, l->w_k, l->w_v, l->w_o, l->w_1, l->w_2};
        for (size_t i = 0; i < sizeof inner / sizeof inner[0]; i++) {
            sum += inner[i];
            count += inner[i] > 0;
        }
    }
    return (double)sum / count;
}

static double total(const struct part_features *f, enum part_resource r, double parts[PARTS])
{
    double sum = 0;
    for (int part = 0; part < PARTS; part++) {
        double own = 0;
        for (int i = 0; i < PART_FEATURES; i++)
            own += estimate_coefficients[part][r][i] * f->value[part][r][i];
        if (parts)
            parts[part] = own > 0 ? own : 0;
        sum += own > 0 ? own : 0;
    }
    return sum;
}

static void power(struct estimate *e, const struct model *mdl)
{
    struct power_model m;
    power_model_init(&m, 0);
    const double *watts = m.rail[POWER_BOARD].watts;
    double activity = 0.4 + 0.6 * estimate_mean_bits(mdl) / 8; // docs/power-model.md
    e->board_idle_mw = 1e3 * watts[POWER_IDLE];
    e->board_active_mw =
        1e3 * (watts[POWER_IDLE] + activity * (watts[POWER_ACTIVE] - watts[POWER_IDLE]));
    e->latency_us = 1e6 * (double)e->cycles / BUILD_CLOCK_HZ;
    e->energy_uj = e->board_active_mw * e->latency_us * 1e-3;
}

void estimate_plan(struct estimate *e, const struct plan *p)
{
    struct part_features f;
    parts_describe(&f, p);
    e->lut = (int)lround(total(&f, PART_LUT, e->lut_part));
    e->ff = (int)lround(total(&f, PART_FF, e->ff_part));
    e->lutram = (int)lround(total(&f, PART_LUTRAM, NULL));
    e->dsp = parts_dsp(p);
    e->ramb18 = parts_ramb18(p);
    e->ramb36 = (e->ramb18 + 1) / 2;
    e->cycles = p->cycles;
    power(e, p->model);
}
