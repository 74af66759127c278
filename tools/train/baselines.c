// SPDX-License-Identifier: Apache-2.0
#include "tools/train/baselines.h"

#include <math.h>
#include <stdlib.h>

void error_add(struct error_sum *sum, const struct task *t, int start, const double *forecast)
{
    for (int k = 0; k < t->outputs; k++) {
        double e = forecast[k] - task_target(t, start, k);
        sum->squares += e * e;
        sum->absolute += fabs(e);
        sum->forecasts++;
    }
    sum->windows++;
}

struct error error_end(const struct error_sum *sum)
{
    double n = sum->forecasts ? (double)sum->forecasts : 1;
    return (struct error){sum->windows, sqrt(sum->squares / n), sum->absolute / n};
}

struct error baseline_persistence(const struct task *t, enum task_part part)
{
    struct error_sum sum = {0};
    for (int i = 0; i < t->count[part]; i++) {
        double forecast[MODEL_MAX_OUTPUTS];
        for (int k = 0; k < t->outputs; k++)
            forecast[k] = task_last(t, t->start[part][i]);
        error_add(&sum, t, t->start[part][i], forecast);
    }
    return error_end(&sum);
}

int cholesky_solve(double *a, double *b, int n, int columns)
{
    const size_t w = (size_t)n, c = (size_t)columns;
    for (size_t j = 0; j < w; j++) {
        for (size_t i = j; i < w; i++) {
            double sum = a[i * w + j];
            for (size_t k = 0; k < j; k++)
                sum -= a[i * w + k] * a[j * w + k];
            if (i == j && !(sum > 0))
                return -1;
            a[i * w + j] = i == j ? sqrt(sum) : sum / a[j * w + j];
        }
    }
    for (size_t col = 0; col < c; col++) {
        for (size_t i = 0; i < w; i++) {
            for (size_t k = 0; k < i; k++)
                b[i * c + col] -= a[i * w + k] * b[k * c + col];
            b[i * c + col] /= a[i * w + i];
        }
        for (size_t i = w; i-- > 0;) {
            for (size_t k = i + 1; k < w; k++)
                b[i * c + col] -= a[k * w + i] * b[k * c + col];
            b[i * c + col] /= a[i * w + i];
        }
    }
    return 0;
}

// The scaled window and a constant.
static void inputs_of(const struct task *t, int start, double *x)
{
    task_window(t, start, x);
    for (int i = 0; i < t->window; i++)
        for (int f = 0; f < t->features; f++) {
            double *v = &x[i * t->features + f];
            *v = (*v - t->offset[f]) / t->scale[f];
        }
    x[t->window * t->features] = 1;
}

// Sums of x x' and x y' over the training part.
static void normal_equations(const struct task *t, double *x, double *xx, double *xy, size_t n)
{
    const size_t outputs = (size_t)t->outputs;
    for (int i = 0; i < t->count[TASK_TRAIN]; i++) {
        int start = t->start[TASK_TRAIN][i];
        inputs_of(t, start, x);
        for (size_t r = 0; r < n; r++) {
            for (size_t c = 0; c <= r; c++)
                xx[r * n + c] += x[r] * x[c];
            for (size_t k = 0; k < outputs; k++)
                xy[r * outputs + k] += x[r] * (double)task_target_scaled(t, start, (int)k);
        }
    }
}

int ridge_fit(struct ridge *r, const struct task *t, double penalty)
{
    const size_t n = (size_t)(t->window * t->features) + 1, outputs = (size_t)t->outputs;
    double *xx = calloc(n * n, sizeof *xx), *xy = calloc(n * outputs, sizeof *xy);
    double *x = calloc(n, sizeof *x);
    int rc = -1;
    *r = (struct ridge){.inputs = (int)n - 1, .outputs = t->outputs, .penalty = penalty};
    r->w = calloc(outputs * n, sizeof *r->w);
    if (!xx || !xy || !x || !r->w)
        goto done;
    normal_equations(t, x, xx, xy, n);
    for (size_t i = 0; i + 1 < n; i++) // the constant is not penalised
        xx[i * n + i] += penalty * t->count[TASK_TRAIN];
    if (cholesky_solve(xx, xy, (int)n, t->outputs))
        goto done;
    for (size_t k = 0; k < outputs; k++)
        for (size_t i = 0; i < n; i++)
            r->w[k * n + i] = xy[i * outputs + k];
    rc = 0;
done:
    free(xx);
    free(xy);
    free(x);
    if (rc)
        ridge_free(r);
    return rc;
}

int ridge_fit_best(struct ridge *r, const struct task *t)
{
    static const double ladder[] = {1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 1e-1};
    double best = INFINITY;
    *r = (struct ridge){0};
    for (size_t i = 0; i < sizeof ladder / sizeof ladder[0]; i++) {
        struct ridge candidate;
        if (ridge_fit(&candidate, t, ladder[i]))
            continue;
        double rmse = ridge_error(&candidate, t, TASK_VALIDATION).rmse;
        if (rmse < best) {
            best = rmse;
            ridge_free(r);
            *r = candidate;
        } else {
            ridge_free(&candidate);
        }
    }
    return r->w ? 0 : -1;
}

struct error ridge_error(const struct ridge *r, const struct task *t, enum task_part part)
{
    struct error_sum sum = {0};
    double x[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES + 1], forecast[MODEL_MAX_OUTPUTS];
    for (int i = 0; i < t->count[part]; i++) {
        int start = t->start[part][i];
        inputs_of(t, start, x);
        for (int k = 0; k < t->outputs; k++) {
            const double *w = r->w + (size_t)k * ((size_t)r->inputs + 1);
            double y = 0;
            for (int j = 0; j <= r->inputs; j++)
                y += w[j] * x[j];
            forecast[k] = y * t->scale[t->features] + t->offset[t->features];
        }
        error_add(&sum, t, start, forecast);
    }
    return error_end(&sum);
}

void ridge_free(struct ridge *r)
{
    free(r->w);
    r->w = NULL;
}
