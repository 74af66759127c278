// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/price.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/estimate/estimate.h"
#include "tools/model/model_random.h"

enum { SEED = 1, BITS = 8, Y_BITS = 16 }; // as sevencast-estimate's typical integers

// Moves the model out of the variant.
static struct model *take_model(struct variant *v)
{
    struct model *mdl = v->model;
    v->model = NULL;
    variant_free(v);
    return mdl;
}

static struct model *draw(const struct model_shape *shape, char *why, size_t whycap)
{
    const struct model_random_options o = {
        .seed = SEED, .shape = *shape, .bits = BITS, .y_bits = Y_BITS};
    struct variant *v = model_random_variant(&o, why, whycap);
    return v ? take_model(v) : NULL;
}

static struct model *load(const struct model_shape *shape, const char *dir, char *why,
                          size_t whycap)
{
    char reason[256];
    struct variant *v = variant_load(dir, reason, sizeof reason);
    if (!v)
        snprintf(why, whycap, "%s: %s", dir, reason);
    else if (memcmp(&v->model->shape, shape, sizeof *shape) != 0) {
        snprintf(why, whycap, "%s: another shape", dir);
        variant_free(v);
        v = NULL;
    }
    return v ? take_model(v) : NULL;
}

int pricer_open(struct pricer *p, const struct model_shape *shape, const struct engine *engine,
                int engines, const char *integers, char *why, size_t whycap)
{
    *p = (struct pricer){.engine = engine, .engines = engines};
    p->model = integers ? load(shape, integers, why, whycap) : draw(shape, why, whycap);
    p->timing = calloc((size_t)engines, sizeof *p->timing);
    p->hardware = calloc((size_t)engines, sizeof *p->hardware);
    int rc = p->model && p->timing && p->hardware ? 0 : -1;
    if (rc && p->model)
        snprintf(why, whycap, "out of memory");
    for (int i = 0; i < engines && !rc; i++)
        rc = engine_hardware(&engine[i], p->model, &p->hardware[i], why, whycap);
    if (rc)
        pricer_close(p);
    return rc;
}

void pricer_close(struct pricer *p)
{
    model_free(p->model);
    free(p->timing);
    free(p->hardware);
    *p = (struct pricer){0};
}

// Sets the plan's cycles: those of an earlier plan with the same timing, or the schedule's.
static int time_plan(struct plan *plan, struct price_timing *known)
{
    if (known->cycles == 0) {
        if (plan_schedule(plan) != 0)
            return -1;
        known->cycles = plan->cycles;
        known->softmaxes = plan->softmax_count;
    }
    plan->cycles = known->cycles;
    plan->softmax_count = known->softmaxes;
    return 0;
}

int pricer_price(struct pricer *p, const struct model_bits *bits, int engine, struct price *price,
                 char *why, size_t whycap)
{
    const struct hardware *hw = &p->hardware[engine];
    struct estimate e;
    p->model->bits = *bits;
    struct plan *plan = plan_sketch(p->model, hw, why, whycap);
    if (!plan)
        return strstr(why, "out of memory") ? -1 : 1;
    if (plan->lane_stages >= PRICE_MAX_STAGES ||
        time_plan(plan, &p->timing[engine][plan->lane_stages]) != 0) {
        snprintf(why, whycap, "out of memory");
        plan_free(plan);
        return -1;
    }
    estimate_plan(&e, plan);
    *price = (struct price){.lut = e.lut,
                            .lutram = e.lutram,
                            .ff = e.ff,
                            .dsp = e.dsp,
                            .ramb18 = e.ramb18,
                            .ramb18_limit = hw->ramb18,
                            .cycles = e.cycles,
                            .energy_uj = e.energy_uj};
    plan_free(plan);
    return 0;
}
