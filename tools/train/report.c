// SPDX-License-Identifier: Apache-2.0
#include "tools/train/report.h"

#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static double now_s(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (double)ts.tv_sec + 1e-9 * (double)ts.tv_nsec;
}

void report_init(struct report *r, int json, int quiet, const char *unit_name)
{
    *r = (struct report){.json = json,
                         .progress = !quiet && isatty(STDERR_FILENO),
                         .unit = 1,
                         .unit_name = unit_name};
}

void report_stage(struct report *r, const char *stage, int runs, int epochs)
{
    r->stage = stage;
    r->runs = runs;
    r->run = 0;
    r->epochs = epochs;
    r->started_s = now_s();
}

static void print_json(json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT | JSON_REAL_PRECISION(9));
    if (text)
        puts(text);
    fflush(stdout);
    free(text);
    json_decref(object);
}

static json_t *finite_or_null(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

void report_epoch(struct report *r, const struct fit_epoch *e)
{
    if (r->json)
        print_json(json_pack("{s:s, s:s, s:i, s:i, s:o, s:o, s:o, s:f}", "event", "epoch", "stage",
                             r->stage, "run", r->run + 1, "epoch", e->epoch, "train_rmse",
                             finite_or_null(e->train_rmse * r->unit), "validation_rmse",
                             finite_or_null(e->validation_rmse * r->unit), "best_rmse",
                             finite_or_null(e->best_rmse * r->unit), "seconds", e->seconds));
    if (!r->progress)
        return;
    double done = (double)(r->run * r->epochs + e->epoch) / ((double)r->runs * r->epochs);
    double left = (now_s() - r->started_s) * (1 - done) / done;
    fprintf(stderr,
            "\r%s run %d/%d epoch %d/%d  train %.4g  validation %.4g  best %.4g %s  %.0f s left  ",
            r->stage, r->run + 1, r->runs, e->epoch, r->epochs, e->train_rmse * r->unit,
            e->validation_rmse * r->unit, e->best_rmse * r->unit, r->unit_name, left);
}

void report_run(struct report *r, const struct fit_epoch *best)
{
    r->run++;
    if (r->progress)
        fprintf(stderr, "\r\033[K");
    if (r->json)
        print_json(json_pack("{s:s, s:s, s:i, s:i, s:o}", "event", "run", "stage", r->stage, "run",
                             r->run, "best_epoch", best->epoch, "validation_rmse",
                             finite_or_null(best->best_rmse * r->unit)));
    else
        printf("%s run %d/%d: validation RMSE %.4g %s at epoch %d\n", r->stage, r->run, r->runs,
               best->best_rmse * r->unit, r->unit_name, best->epoch);
    fflush(stdout);
}

void report_event(struct report *r, json_t *event, const char *text)
{
    if (r->json) {
        print_json(event);
    } else {
        printf("%s\n", text);
        json_decref(event);
    }
}

void report_table(const struct report *r, const struct row *rows, int count)
{
    if (r->json)
        return;
    printf("%-20s %28s %28s\n", "", "validation", "test");
    printf("%-20s %14s %13s %14s %13s\n", r->unit_name, "RMSE", "MAE", "RMSE", "MAE");
    for (int i = 0; i < count; i++)
        printf("%-20s %14.5g %13.5g %14.5g %13.5g\n", rows[i].name, rows[i].validation.rmse,
               rows[i].validation.mae, rows[i].test.rmse, rows[i].test.mae);
}

json_t *report_error_json(const struct error *e, const char *unit, const char *origin)
{
    return json_pack("{s:i, s:f, s:f, s:s, s:s}", "windows", e->windows, "rmse", e->rmse, "mae",
                     e->mae, "unit", unit, "origin", origin);
}

json_t *report_difference_json(const struct golden_difference *d, const struct model_shape *s)
{
    json_t *tensors = json_object();
    for (int t = 0; t < MODEL_TENSORS; t++)
        for (int layer = 0; layer < s->layers; layer++) {
            char name[24];
            int rows, cols;
            if (model_tensor_shape(s, t, layer, &rows, &cols))
                continue;
            snprintf(name, sizeof name, "%s", model_tensor_name(t));
            if (s->layers > 1 && !model_tensor_shape(s, t, 1, &rows, &cols))
                snprintf(name, sizeof name, "layers.%d.%s", layer, model_tensor_name(t));
            json_object_set_new(tensors, name, json_real(d->tensor[t][layer]));
        }
    return json_pack("{s:i, s:f, s:i, s:o}", "windows", d->windows, "outputs", d->outputs,
                     "largest_output_steps", d->largest, "tensors", tensors);
}
