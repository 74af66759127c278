// SPDX-License-Identifier: Apache-2.0
#include "tools/train/task.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

struct why {
    char *text;
    size_t cap;
};

__attribute__((format(printf, 2, 3))) static int refuse(struct why why, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(why.text, why.cap, format, ap);
    va_end(ap);
    return -1;
}

const char *task_part_name(enum task_part part)
{
    static const char *const name[TASK_PARTS] = {"training", "validation", "test"};
    return name[part];
}

static int take_columns(struct task *t, const struct csv_table *table, const struct task_spec *spec,
                        struct why why)
{
    int column[MODEL_MAX_FEATURES + 1];
    for (int i = 0; i <= t->features; i++) {
        const char *name = spec->features && i < t->features ? spec->features[i] : spec->target;
        column[i] = csv_column(table, name);
        if (column[i] < 0)
            return refuse(why, "column '%s' is not in the data", name);
    }
    const size_t width = (size_t)t->features + 1;
    t->rows = table->rows;
    t->value = calloc((size_t)t->rows * width + 1, sizeof *t->value);
    t->scaled = calloc((size_t)t->rows * width + 1, sizeof *t->scaled);
    t->offset = calloc(width, sizeof *t->offset);
    t->scale = calloc(width, sizeof *t->scale);
    if (!t->value || !t->scaled || !t->offset || !t->scale)
        return refuse(why, "out of memory");
    for (size_t row = 0; row < (size_t)t->rows; row++)
        for (size_t i = 0; i < width; i++)
            t->value[row * width + i] =
                table->value[row * (size_t)table->columns + (size_t)column[i]];
    return 0;
}

static int fit_scaling(struct task *t, const struct task_spec *spec, struct why why)
{
    const int width = t->features + 1;
    for (int i = 0; i < width; i++) {
        double sum = 0, squares = 0;
        int n = 0;
        for (int row = t->edge[TASK_TRAIN]; row < t->edge[TASK_TRAIN + 1]; row++)
            if (!isnan(t->value[(size_t)row * (size_t)width + (size_t)i])) {
                sum += t->value[(size_t)row * (size_t)width + (size_t)i];
                n++;
            }
        double mean = n ? sum / n : 0;
        for (int row = t->edge[TASK_TRAIN]; row < t->edge[TASK_TRAIN + 1]; row++) {
            double d = t->value[(size_t)row * (size_t)width + (size_t)i] - mean;
            squares += isnan(d) ? 0 : d * d;
        }
        t->offset[i] = mean;
        t->scale[i] = n ? sqrt(squares / n) : 0;
        if (!(t->scale[i] > 0) || !isfinite(t->scale[i]))
            return refuse(why, "column '%s' does not vary in the training part",
                          spec->features && i < t->features ? spec->features[i] : spec->target);
    }
    for (size_t row = 0; row < (size_t)t->rows; row++)
        for (int i = 0; i < width; i++) {
            size_t at = row * (size_t)width + (size_t)i;
            t->scaled[at] = (real)((t->value[at] - t->offset[i]) / t->scale[i]);
        }
    return 0;
}

static int touches_gap(const struct task *t, int start)
{
    const size_t width = (size_t)t->features + 1;
    for (int i = 0; i < t->window; i++)
        for (int f = 0; f < t->features; f++)
            if (isnan(t->value[(size_t)(start + i) * width + (size_t)f]))
                return 1;
    for (int k = 0; k < t->outputs; k++)
        if (isnan(task_target(t, start, k)))
            return 1;
    // Persistence needs the last target; every method is judged on the same windows.
    return isnan(task_last(t, start));
}

static int cut_windows(struct task *t, struct why why)
{
    const int reach =
        t->window + t->horizon + t->outputs - 1; // rows from the first to past the last
    for (int p = 0; p < TASK_PARTS; p++) {
        int most = t->edge[p + 1] - t->edge[p] - reach + 1;
        t->start[p] = calloc(most > 0 ? (size_t)most : 1, sizeof *t->start[p]);
        if (!t->start[p])
            return refuse(why, "out of memory");
        for (int i = 0; i < most; i++) {
            if (touches_gap(t, t->edge[p] + i))
                t->dropped[p]++;
            else
                t->start[p][t->count[p]++] = t->edge[p] + i;
        }
        if (!t->count[p])
            return refuse(why, "the %s part has %d rows and no window of %d rows without a gap",
                          task_part_name(p), t->edge[p + 1] - t->edge[p], reach);
    }
    return 0;
}

static int check_spec(const struct task_spec *spec, struct why why)
{
    int sum = 0;
    for (int p = 0; p < TASK_PARTS; p++) {
        if (spec->split[p] < 1)
            return refuse(why, "split: the %s part has %d percent, at least 1", task_part_name(p),
                          spec->split[p]);
        sum += spec->split[p];
    }
    if (sum != 100)
        return refuse(why, "split: the parts make %d percent, not 100", sum);
    if (spec->window < 2 || spec->window > MODEL_MAX_WINDOW)
        return refuse(why, "window: %d is not in 2..%d", spec->window, (int)MODEL_MAX_WINDOW);
    if (spec->horizon < 1 || spec->horizon > TASK_MAX_HORIZON)
        return refuse(why, "horizon: %d is not in 1..%d", spec->horizon, (int)TASK_MAX_HORIZON);
    if (spec->outputs < 1 || spec->outputs > MODEL_MAX_OUTPUTS)
        return refuse(why, "outputs: %d is not in 1..%d", spec->outputs, (int)MODEL_MAX_OUTPUTS);
    if (spec->features && (spec->feature_count < 1 || spec->feature_count > MODEL_MAX_FEATURES))
        return refuse(why, "features: %d columns, 1..%d are possible", spec->feature_count,
                      (int)MODEL_MAX_FEATURES);
    return 0;
}

struct task *task_new(const struct csv_table *table, const struct task_spec *spec, char *why,
                      size_t whycap)
{
    struct why w = {why, whycap};
    struct task *t = calloc(1, sizeof *t);
    if (!t) {
        refuse(w, "out of memory");
        return NULL;
    }
    if (check_spec(spec, w))
        goto fail;
    t->window = spec->window;
    t->horizon = spec->horizon;
    t->outputs = spec->outputs;
    t->features = spec->features ? spec->feature_count : 1;
    for (int p = 0, percent = 0; p < TASK_PARTS; p++) {
        percent += spec->split[p];
        t->edge[p + 1] = (int)((int64_t)table->rows * percent / 100);
    }
    if (take_columns(t, table, spec, w) || fit_scaling(t, spec, w) || cut_windows(t, w))
        goto fail;
    return t;
fail:
    task_free(t);
    return NULL;
}

void task_free(struct task *t)
{
    if (!t)
        return;
    for (int p = 0; p < TASK_PARTS; p++)
        free(t->start[p]);
    free(t->value);
    free(t->scaled);
    free(t->offset);
    free(t->scale);
    free(t);
}

void task_window(const struct task *t, int start, double *x)
{
    for (int i = 0; i < t->window; i++)
        for (int f = 0; f < t->features; f++)
            x[i * t->features + f] =
                t->value[(size_t)(start + i) * ((size_t)t->features + 1) + (size_t)f];
}

static size_t target_at(const struct task *t, int start, int k)
{
    size_t row = (size_t)(start + t->window - 1 + t->horizon + k);
    return row * ((size_t)t->features + 1) + (size_t)t->features;
}

double task_target(const struct task *t, int start, int k)
{
    return t->value[target_at(t, start, k)];
}

real task_target_scaled(const struct task *t, int start, int k)
{
    return t->scaled[target_at(t, start, k)];
}

double task_last(const struct task *t, int start)
{
    return t->value[target_at(t, start, -t->horizon)];
}

void task_gather(const struct task *t, const int start[LANES], real *x)
{
    const size_t width = (size_t)t->features + 1;
    for (int i = 0; i < t->window; i++)
        for (int f = 0; f < t->features; f++)
            for (int lane = 0; lane < LANES; lane++)
                *x++ = t->scaled[(size_t)(start[lane] + i) * width + (size_t)f];
}
