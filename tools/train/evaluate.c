// SPDX-License-Identifier: Apache-2.0
// Judges a variant on disk on the test part of its series.
#include <stdio.h>
#include <string.h>

#include "tools/train/session.h"

// Doubles go through the manifest's decimal text.
static const double tolerance = 1e-9;

// What the manifest says about the task, into the options. Strings stay the variant's.
static int recall(struct options *o, const struct variant *v)
{
    json_t *training = v->training, *split = json_object_get(training, "split");
    const int horizon = (int)json_integer_value(json_object_get(training, "horizon"));
    const char *target = json_string_value(json_object_get(training, "target"));
    if (!target || horizon < 1 || json_array_size(split) != TASK_PARTS)
        return train_complain(EXIT_VARIANT,
                              "manifest.json: training: no target, horizon and split");
    o->spec.target = target;
    o->spec.horizon = horizon;
    o->spec.window = v->model->shape.window;
    o->spec.outputs = v->model->shape.outputs;
    o->spec.feature_count = v->model->shape.features;
    for (int p = 0; p < TASK_PARTS; p++)
        o->spec.split[p] = (int)json_integer_value(json_array_get(split, (size_t)p));
    for (int f = 0; f < v->model->shape.features; f++)
        o->feature[f] = v->feature[f].name;
    o->spec.features = o->feature;
    o->unit = v->target[0].unit;
    return 0;
}

static int near(double a, double b)
{
    double apart = a > b ? a - b : b - a, size = b < 0 ? -b : b;
    return apart <= tolerance * size;
}

// Whether the manifest's figures for a part are these.
static int matches(const struct variant *v, const char *part, const struct error *e)
{
    json_t *said = json_object_get(v->metrics, part);
    double rmse = json_number_value(json_object_get(said, "rmse"));
    double mae = json_number_value(json_object_get(said, "mae"));
    json_int_t windows = json_integer_value(json_object_get(said, "windows"));
    if (near(e->rmse, rmse) && near(e->mae, mae) && windows == e->windows)
        return 1;
    train_complain(EXIT_FAILED,
                   "%s: %s: the manifest says RMSE %.12g, MAE %.12g of %lld windows; "
                   "the integers give %.12g, %.12g of %d",
                   v->name, part, rmse, mae, (long long)windows, e->rmse, e->mae, e->windows);
    return 0;
}

static void show(const struct options *o, const struct variant *v, const struct task *t,
                 const struct golden_result *result, const struct ridge *ridge)
{
    struct row rows[3] = {{.name = "persistence"}, {.name = "ridge"}, {.name = v->name}};
    struct report report;
    json_t *baselines = json_object_get(v->metrics, "baselines");
    double said = json_number_value(json_object_get(baselines, "float_rmse"));
    rows[0].validation = baseline_persistence(t, TASK_VALIDATION);
    rows[0].test = baseline_persistence(t, TASK_TEST);
    rows[1].validation = ridge_error(ridge, t, TASK_VALIDATION);
    rows[1].test = ridge_error(ridge, t, TASK_TEST);
    rows[2].validation = result[TASK_VALIDATION].error;
    rows[2].test = result[TASK_TEST].error;
    report_init(&report, o->json, 1, o->unit);
    report_table(&report, rows, 3);
    char text[256];
    snprintf(text, sizeof text,
             "%d test windows, %ld of %ld inputs saturated, origin model\n"
             "the manifest says for floating point: test RMSE %.5g",
             result[TASK_TEST].error.windows, result[TASK_TEST].saturated, result[TASK_TEST].values,
             said);
    report_event(&report,
                 json_pack("{s:s, s:s, s:s, s:o, s:o, s:f, s:f, s:f, s:I}", "event", "evaluate",
                           "name", v->name, "hash", v->hash_hex, "validation",
                           report_error_json(&rows[2].validation, o->unit, "model"), "test",
                           report_error_json(&rows[2].test, o->unit, "model"), "persistence_rmse",
                           rows[0].test.rmse, "ridge_rmse", rows[1].test.rmse, "float_rmse", said,
                           "test_inputs_saturated", (json_int_t)result[TASK_TEST].saturated),
                 text);
}

int evaluate_run(const struct options *given)
{
    struct options o = *given; // the variant's task replaces what was given
    struct golden_result result[TASK_PARTS];
    struct ridge ridge = {0};
    struct task *t = NULL;
    char why[WHY_BYTES];
    int rc = EXIT_VARIANT;
    struct variant *v = variant_load(o.variant, why, sizeof why);
    if (!v)
        return train_complain(EXIT_VARIANT, "%s: %s", o.variant, why);
    if (recall(&o, v))
        goto done;
    rc = EXIT_DATA;
    t = train_task(&o);
    if (!t)
        goto done;
    rc = EXIT_FAILED;
    for (int p = TASK_VALIDATION; p < TASK_PARTS; p++)
        if (golden_evaluate(v, t, p, &result[p], why, sizeof why)) {
            train_complain(rc, "%s", why);
            goto done;
        }
    if (ridge_fit_best(&ridge, t)) {
        train_complain(rc, "ridge: out of memory");
        goto done;
    }
    show(&o, v, t, result, &ridge);
    if (o.check && (!matches(v, "validation", &result[TASK_VALIDATION].error) ||
                    !matches(v, "test", &result[TASK_TEST].error)))
        goto done;
    rc = EXIT_OK;
done:
    ridge_free(&ridge);
    task_free(t);
    variant_free(v);
    return rc;
}
