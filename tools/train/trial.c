// SPDX-License-Identifier: Apache-2.0
#include "tools/train/trial.h"

#include <assert.h>
#include <stdio.h>
#include <time.h>

#include "tools/train/calibrate.h"
#include "tools/train/golden.h"

struct field {
    const char *name;
    size_t offset;
    int encoder_only; // the collapsed form has no such tensor
};
#define TOP(member, encoder_only)                                                                  \
    {                                                                                              \
#member, offsetof(struct model_bits, member), encoder_only                                 \
    }
#define INNER(member, encoder_only)                                                                \
    {                                                                                              \
#member, offsetof(struct model_layer_bits, member), encoder_only                           \
    }
static const struct field top[] = {TOP(x, 0), TOP(h, 0), TOP(o, 1), TOP(w_in, 0), TOP(w_y, 0)};
static const struct field inner[] = {INNER(q, 0),   INNER(k, 1),   INNER(v, 1),   INNER(u, 0),
                                     INNER(e, 0),   INNER(c, 0),   INNER(r, 0),   INNER(f, 0),
                                     INNER(z, 1),   INNER(w_q, 0), INNER(w_k, 1), INNER(w_v, 1),
                                     INNER(w_o, 0), INNER(w_1, 0), INNER(w_2, 1)};
enum { TOPS = sizeof top / sizeof top[0], INNERS = sizeof inner / sizeof inner[0] };

// Tensor i of the list and its layer (-1: of none); NULL behind the last one.
static const struct field *at(const struct model_shape *s, int i, int *layer)
{
    for (int l = -1; l < s->layers; l++)
        for (int k = 0; k < (l < 0 ? (int)TOPS : (int)INNERS); k++) {
            const struct field *f = l < 0 ? &top[k] : &inner[k];
            if (s->form != MODEL_ENCODER && f->encoder_only)
                continue;
            *layer = l;
            if (!i--)
                return f;
        }
    return NULL;
}

int trial_tensors(const struct model_shape *s, char name[TRIAL_MAX_TENSORS][TRIAL_NAME_BYTES])
{
    const struct field *f;
    int count = 0, layer;
    for (; (f = at(s, count, &layer)); count++)
        if (layer < 0)
            snprintf(name[count], TRIAL_NAME_BYTES, "%s", f->name);
        else
            snprintf(name[count], TRIAL_NAME_BYTES, "layers.%d.%s", layer, f->name);
    return count;
}

int *trial_width(const struct model_shape *s, struct model_bits *bits, int i)
{
    int layer;
    const struct field *f = at(s, i, &layer);
    assert(f);
    char *base = layer < 0 ? (char *)bits : (char *)&bits->layer[layer];
    return (int *)(void *)(base + f->offset);
}

struct judge {
    const struct task *task;
    char why[MODEL_WHY_MAX];
};

static double validate(void *context, struct net *n, double best)
{
    struct judge *j = context;
    return golden_validate(n, j->task, best, j->why, sizeof j->why);
}

static double cpu_s(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

// The test part by the integers of n, which holds the best epoch's parameters.
static int test(struct net *n, const struct task *task, double *rmse)
{
    char why[MODEL_WHY_MAX];
    struct golden_result result;
    net_begin(n);
    struct variant *v = golden_variant(n, task, why, sizeof why);
    int rc = v ? golden_evaluate(v, task, TASK_TEST, &result, why, sizeof why) : -1;
    variant_free(v);
    *rmse = rc ? NAN : result.error.rmse;
    return rc;
}

int trial_run(const struct trial_plan *plan, struct net *n, struct trial *t)
{
    struct judge judge = {.task = plan->task};
    const struct fit_hooks hooks = {&judge, validate, NULL, NULL};
    struct fit_options f = plan->fit;
    struct fit_epoch best;
    const double from = cpu_s();
    f.seed = t->seed;
    f.epochs = t->epochs ? t->epochs : f.epochs;
    f.rate = t->rate > 0 ? t->rate : f.rate;
    memcpy(n->param, plan->floating, n->layout.count * sizeof *n->param);
    if (calibrate(n, plan->task, &t->bits, t->seed) || fit(n, plan->task, &f, &hooks, NULL, &best))
        return -1;
    t->validation_rmse = best.best_rmse * plan->task->scale[plan->task->features];
    t->best_epoch = best.epoch;
    t->test_rmse = NAN;
    if (plan->test && isfinite(best.best_rmse) && test(n, plan->task, &t->test_rmse))
        return -1;
    t->seconds = cpu_s() - from;
    t->done = 1;
    return 0;
}
