// SPDX-License-Identifier: Apache-2.0
#include "tools/train/golden.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/train/export.h"
#include "tools/train/fit.h"

struct variant *golden_variant(const struct net *n, const struct task *t, char *why, size_t whycap)
{
    const struct model_shape *s = &n->layout.shape;
    struct model *mdl = export_model(n, why, whycap);
    if (!mdl)
        return NULL;
    struct variant *v = variant_new(mdl);
    if (!v) {
        snprintf(why, whycap, "out of memory");
        model_free(mdl);
        return NULL;
    }
    for (int f = 0; f < t->features; f++) {
        v->feature[f].offset = t->offset[f];
        v->feature[f].scale = t->scale[f];
    }
    for (int k = 0; k < t->outputs; k++) {
        v->target[k].offset = t->offset[t->features];
        v->target[k].scale = t->scale[t->features];
    }
    v->x_scale = (double)net_act_step(n, net_act_index(s, MODEL_X, 0));
    v->y_scale = (double)net_act_step(n, net_act_index(s, MODEL_Y, 0));
    return v;
}

static int same_shape(const struct variant *v, const struct task *t, char *why, size_t whycap)
{
    const struct model_shape *s = &v->model->shape;
    if (s->window == t->window && s->features == t->features && s->outputs == t->outputs)
        return 1;
    snprintf(why, whycap,
             "the variant has window %d, %d features, %d outputs; the task has %d, %d, %d",
             s->window, s->features, s->outputs, t->window, t->features, t->outputs);
    return 0;
}

struct runner {
    const struct variant *v;
    const struct task *t;
    struct model_trace *trace; // owned
    double window[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES];
    int8_t codes[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES];
};

// NULL when memory is short.
static struct runner *runner_new(const struct variant *v, const struct task *t, char *why,
                                 size_t whycap)
{
    struct runner *r = calloc(1, sizeof *r);
    if (r)
        r->trace = model_trace_new(&v->model->shape);
    if (!r || !r->trace) {
        snprintf(why, whycap, "out of memory");
        free(r);
        return NULL;
    }
    r->v = v;
    r->t = t;
    return r;
}

static void runner_free(struct runner *r)
{
    model_trace_free(r->trace);
    free(r);
}

// One window through the integers; returns how many inputs saturated.
static int run(struct runner *r, int start)
{
    int saturated = 0;
    task_window(r->t, start, r->window);
    variant_encode(r->v, r->window, r->codes, &saturated); // windows hold no gaps
    model_run(r->v->model, r->codes, r->trace);
    return saturated;
}

int golden_evaluate(const struct variant *v, const struct task *t, enum task_part part,
                    struct golden_result *result, char *why, size_t whycap)
{
    struct error_sum sum = {0};
    *result = (struct golden_result){0};
    if (!same_shape(v, t, why, whycap))
        return -1;
    struct runner *r = runner_new(v, t, why, whycap);
    if (!r)
        return -1;
    for (int i = 0; i < t->count[part]; i++) {
        double forecast[MODEL_MAX_OUTPUTS];
        result->saturated += run(r, t->start[part][i]);
        result->values += t->window * t->features;
        variant_decode(v, model_trace_get(r->trace, MODEL_Y, 0), forecast);
        error_add(&sum, t, t->start[part][i], forecast);
    }
    result->error = error_end(&sum);
    runner_free(r);
    return 0;
}

// What the integers may gain on the fake-quantised forward pass. Measured differences of the two
// RMSE are below 0.1 %.
static const double margin = 1.005;

double golden_validate(struct net *n, const struct task *t, double best, char *why, size_t whycap)
{
    struct golden_result result;
    double fake = fit_rmse(n, t, TASK_VALIDATION);
    if (fake < 0 || fake > best * margin)
        return fake;
    struct variant *v = golden_variant(n, t, why, whycap);
    if (!v)
        return INFINITY;
    int rc = golden_evaluate(v, t, TASK_VALIDATION, &result, why, whycap);
    variant_free(v);
    return rc ? -1 : result.error.rmse / t->scale[t->features];
}

struct tally {
    long elements, differ;
    int largest;
};

// Compares one lane of one tensor with the integers' codes.
static void compare_tensor(const struct net *n, const struct model_trace *trace,
                           enum model_tensor t, int layer, int lane, struct tally *tally)
{
    const int a = net_act_index(&n->layout.shape, t, layer);
    const int16_t *codes = model_trace_get(trace, t, layer);
    const real step = net_act_step(n, a);
    for (size_t i = 0; i < n->layout.act_size[a]; i++) {
        int fake = (int)real_round(n->act[a].val[i * LANES + (size_t)lane] / step);
        int apart = abs(fake - codes[i]);
        tally->elements++;
        tally->differ += apart != 0;
        tally->largest = apart > tally->largest ? apart : tally->largest;
    }
}

static void compare_window(const struct net *n, const struct model_trace *trace, int lane,
                           struct tally tally[MODEL_TENSORS][MODEL_MAX_LAYERS])
{
    for (int t = 0; t < MODEL_TENSORS; t++)
        for (int layer = 0; layer < n->layout.shape.layers; layer++)
            if (net_act_index(&n->layout.shape, t, layer) >= 0)
                compare_tensor(n, trace, t, layer, lane, &tally[t][layer]);
}

int golden_compare(struct net *n, const struct variant *v, const struct task *t,
                   enum task_part part, int most, struct golden_difference *d, char *why,
                   size_t whycap)
{
    struct tally tally[MODEL_TENSORS][MODEL_MAX_LAYERS] = {{{0}}};
    const int windows = most && most < t->count[part] ? most : t->count[part];
    *d = (struct golden_difference){.windows = windows};
    if (!same_shape(v, t, why, whycap))
        return -1;
    struct runner *r = runner_new(v, t, why, whycap);
    if (!r)
        return -1;
    net_begin(n);
    for (int i = 0; i < windows; i += LANES) {
        int start[LANES], used = windows - i < LANES ? windows - i : LANES;
        for (int lane = 0; lane < LANES; lane++)
            start[lane] = t->start[part][i + (lane < used ? lane : 0)];
        task_gather(t, start, net_input(n));
        net_forward(n);
        for (int lane = 0; lane < used; lane++) {
            run(r, start[lane]);
            compare_window(n, r->trace, lane, tally);
        }
    }
    for (int k = 0; k < MODEL_TENSORS; k++)
        for (int layer = 0; layer < MODEL_MAX_LAYERS; layer++)
            if (tally[k][layer].elements)
                d->tensor[k][layer] =
                    (double)tally[k][layer].differ / (double)tally[k][layer].elements;
    d->outputs = d->tensor[MODEL_Y][0];
    d->largest = tally[MODEL_Y][0].largest;
    runner_free(r);
    return 0;
}
