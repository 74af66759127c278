// SPDX-License-Identifier: Apache-2.0
#include "tools/train/fit.h"

#include <stdlib.h>
#include <time.h>

#include "tools/train/dice.h"
#include "tools/train/optim.h"

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

// Fills the lanes with windows list[0 .. count - 1]; lanes beyond repeat the first one.
static void load(struct net *n, const struct task *t, const int *list, int count, int start[LANES])
{
    for (int lane = 0; lane < LANES; lane++)
        start[lane] = list[lane < count ? lane : 0];
    task_gather(t, start, net_input(n));
}

// Gradient of the mean squared error over a batch of that many windows. Returns the sum of squares.
static double output_gradient(struct net *n, const struct task *t, const int start[LANES],
                              int count, int batch)
{
    const real *y = net_output(n);
    real *grad = net_output_grad(n);
    double squares = 0;
    for (int k = 0; k < t->outputs; k++)
        for (int lane = 0; lane < LANES; lane++) {
            real e = y[k * LANES + lane] - task_target_scaled(t, start[lane], k);
            // Lanes that repeat a window must not count.
            grad[k * LANES + lane] = lane < count ? 2 * e / (real)(batch * t->outputs) : 0;
            squares += lane < count ? (double)e * (double)e : 0;
        }
    return squares;
}

static double run_batch(struct net *n, const struct task *t, const int *list, int count)
{
    double squares = 0;
    net_begin(n);
    for (int i = 0; i < count; i += LANES) {
        int start[LANES], used = count - i < LANES ? count - i : LANES;
        load(n, t, list + i, used, start);
        net_forward(n);
        squares += output_gradient(n, t, start, used, count);
        net_backward(n);
    }
    net_end(n);
    return squares;
}

static double run_epoch(struct net *n, const struct task *t, const struct fit_options *options,
                        struct dice *dice, int *order, struct optim *optim)
{
    const int windows = t->count[TASK_TRAIN];
    double squares = 0;
    dice_shuffle(dice, order, windows);
    for (int i = 0; i < windows; i += options->batch) {
        int count = windows - i < options->batch ? windows - i : options->batch;
        squares += run_batch(n, t, order + i, count);
        optim_step(optim, n);
    }
    return sqrt(squares / ((double)windows * t->outputs));
}

int fit(struct net *n, const struct task *t, const struct fit_options *options,
        const struct fit_hooks *hooks, struct fit_epoch *best)
{
    const int windows = t->count[TASK_TRAIN];
    const size_t bytes = n->layout.count * sizeof *n->param;
    const long steps = (long)options->epochs * ((windows + options->batch - 1) / options->batch);
    struct dice dice = {options->seed};
    struct optim optim = {0};
    int *order = calloc((size_t)windows, sizeof *order);
    real *kept = malloc(bytes);
    int rc = -1;
    *best = (struct fit_epoch){.validation_rmse = hooks->validate(hooks->context, n)};
    if (!order || !kept || best->validation_rmse < 0 ||
        optim_init(&optim, n, options->rate, options->weight_decay, steps))
        goto done;
    memcpy(kept, n->param, bytes);
    for (int i = 0; i < windows; i++)
        order[i] = t->start[TASK_TRAIN][i];
    for (int epoch = 1; epoch <= options->epochs; epoch++) {
        struct fit_epoch e = {.epoch = epoch};
        double from = now_s();
        e.train_rmse = run_epoch(n, t, options, &dice, order, &optim);
        e.seconds = now_s() - from;
        e.validation_rmse = hooks->validate(hooks->context, n);
        if (e.validation_rmse < 0)
            goto done;
        if (e.validation_rmse < best->validation_rmse) {
            *best = e;
            memcpy(kept, n->param, bytes);
        }
        e.best_rmse = best->validation_rmse;
        if (hooks->report)
            hooks->report(hooks->context, &e);
        if (options->patience && epoch - best->epoch >= options->patience)
            break;
    }
    best->best_rmse = best->validation_rmse;
    rc = 0;
done:
    if (kept && rc == 0)
        memcpy(n->param, kept, bytes);
    optim_fini(&optim);
    free(order);
    free(kept);
    return rc;
}

void fit_forecast(struct net *n, const struct task *t, enum task_part part, real *y)
{
    net_begin(n);
    for (int i = 0; i < t->count[part]; i += LANES) {
        int start[LANES], used = t->count[part] - i < LANES ? t->count[part] - i : LANES;
        load(n, t, t->start[part] + i, used, start);
        net_forward(n);
        for (int lane = 0; lane < used; lane++)
            for (int k = 0; k < t->outputs; k++)
                y[(i + lane) * t->outputs + k] = net_output(n)[k * LANES + lane];
    }
}

double fit_rmse(struct net *n, const struct task *t, enum task_part part)
{
    const int count = t->count[part];
    real *y = malloc((size_t)count * (size_t)t->outputs * sizeof *y);
    double squares = 0;
    if (!y)
        return -1;
    fit_forecast(n, t, part, y);
    for (int i = 0; i < count; i++)
        for (int k = 0; k < t->outputs; k++) {
            double e =
                (double)(y[i * t->outputs + k] - task_target_scaled(t, t->start[part][i], k));
            squares += e * e;
        }
    free(y);
    return sqrt(squares / ((double)count * t->outputs));
}
