// SPDX-License-Identifier: Apache-2.0
#include "tools/train/fit.h"

#include <stdlib.h>
#include <time.h>

#include "tools/train/dice.h"
#include "tools/train/optim.h"

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
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

struct run {
    struct net *n;
    const struct task *t;
    const struct fit_options *options;
    const struct fit_hooks *hooks;
    struct fit_epoch *best;
    struct dice dice;
    struct optim optim;
    int *order; // owned
    real *kept; // owned
};

static double run_epoch(struct run *r)
{
    const int windows = r->t->count[TASK_TRAIN];
    double squares = 0;
    dice_shuffle(&r->dice, r->order, windows);
    for (int i = 0; i < windows; i += r->options->batch) {
        int count = windows - i < r->options->batch ? windows - i : r->options->batch;
        squares += run_batch(r->n, r->t, r->order + i, count);
        optim_step(&r->optim, r->n);
    }
    return sqrt(squares / ((double)windows * r->t->outputs));
}

static int save(struct run *r, int epoch)
{
    const struct fit_state state = {
        .epoch = epoch,
        .best = *r->best,
        .dice = r->dice.state,
        .step = r->optim.step,
        .count = r->n->layout.count,
        .windows = r->t->count[TASK_TRAIN],
        .param = r->n->param,
        .kept = r->kept,
        .mean = r->optim.mean,
        .square = r->optim.square,
        .order = r->order,
    };
    return r->hooks->save ? r->hooks->save(r->hooks->context, &state) : 0;
}

static int one_epoch(struct run *r, int epoch)
{
    const size_t bytes = r->n->layout.count * sizeof *r->n->param;
    struct fit_epoch e = {.epoch = epoch};
    double from = now_s();
    e.train_rmse = run_epoch(r);
    e.seconds = now_s() - from;
    e.validation_rmse = r->hooks->validate(r->hooks->context, r->n, r->best->validation_rmse);
    if (e.validation_rmse < 0)
        return -1;
    if (e.validation_rmse < r->best->validation_rmse) {
        *r->best = e;
        memcpy(r->kept, r->n->param, bytes);
    }
    e.best_rmse = r->best->validation_rmse;
    if (r->hooks->report)
        r->hooks->report(r->hooks->context, &e);
    return save(r, epoch);
}

// The first epoch's state, or the one to go on from. Returns the last epoch done, or -1.
static int begin(struct run *r, const struct fit_state *from)
{
    const size_t count = r->n->layout.count, bytes = count * sizeof *r->n->param;
    const int windows = r->t->count[TASK_TRAIN];
    if (from && (from->count != count || from->windows != windows))
        return -1;
    if (!from) {
        r->best->validation_rmse = r->hooks->validate(r->hooks->context, r->n, INFINITY);
        memcpy(r->kept, r->n->param, bytes);
        memcpy(r->order, r->t->start[TASK_TRAIN], (size_t)windows * sizeof *r->order);
        return r->best->validation_rmse < 0 ? -1 : 0;
    }
    *r->best = from->best;
    r->dice.state = from->dice;
    r->optim.step = from->step;
    memcpy(r->n->param, from->param, bytes);
    memcpy(r->kept, from->kept, bytes);
    memcpy(r->optim.mean, from->mean, bytes);
    memcpy(r->optim.square, from->square, bytes);
    memcpy(r->order, from->order, (size_t)windows * sizeof *r->order);
    return from->epoch;
}

static int patient(const struct run *r, int epoch)
{
    return !r->options->patience || epoch - r->best->epoch < r->options->patience;
}

int fit(struct net *n, const struct task *t, const struct fit_options *options,
        const struct fit_hooks *hooks, const struct fit_state *from, struct fit_epoch *best)
{
    const int windows = t->count[TASK_TRAIN];
    const size_t bytes = n->layout.count * sizeof *n->param;
    const long steps = (long)options->epochs * ((windows + options->batch - 1) / options->batch);
    struct run r = {
        .n = n, .t = t, .options = options, .hooks = hooks, .best = best, .dice = {options->seed}};
    int rc = -1, epoch;
    *best = (struct fit_epoch){0};
    r.order = calloc((size_t)windows, sizeof *r.order);
    r.kept = malloc(bytes);
    if (!r.order || !r.kept || optim_init(&r.optim, n, options->rate, options->weight_decay, steps))
        goto done;
    epoch = begin(&r, from);
    if (epoch < 0)
        goto done;
    while (epoch < options->epochs && patient(&r, epoch))
        if (one_epoch(&r, ++epoch))
            goto done;
    best->best_rmse = best->validation_rmse;
    memcpy(n->param, r.kept, bytes);
    rc = 0;
done:
    optim_fini(&r.optim);
    free(r.order);
    free(r.kept);
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
