// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/sensitivity.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

struct reader {
    const char *path;
    char *why;
    size_t whycap;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct reader *r, const char *format,
                                                        ...)
{
    char reason[200];
    va_list ap;
    va_start(ap, format);
    vsnprintf(reason, sizeof reason, format, ap);
    va_end(ap);
    snprintf(r->why, r->whycap, "%s: %s", r->path, reason);
    return -1;
}

static int read_shape(struct sensitivity *s, const struct reader *r)
{
    json_t *shape = json_object_get(s->root, "shape");
    const struct {
        const char *name;
        int *to;
    } field[] = {{"window", &s->shape.window},   {"features", &s->shape.features},
                 {"d_model", &s->shape.d_model}, {"heads", &s->shape.heads},
                 {"d_ff", &s->shape.d_ff},       {"layers", &s->shape.layers},
                 {"outputs", &s->shape.outputs}};
    char why[MODEL_WHY_MAX];
    for (size_t i = 0; i < sizeof field / sizeof field[0]; i++) {
        json_int_t value = json_integer_value(json_object_get(shape, field[i].name));
        if (value < 1 || value > 10000)
            return refuse(r, "shape.%s: not a size", field[i].name);
        *field[i].to = (int)value;
    }
    json_t *form = json_object_get(shape, "form"); // absent: the encoder
    s->shape.form = MODEL_ENCODER;
    while (form && s->shape.form < MODEL_FORMS &&
           strcmp(model_form_name(s->shape.form),
                  json_is_string(form) ? json_string_value(form) : "") != 0)
        s->shape.form++;
    if (s->shape.form == MODEL_FORMS)
        return refuse(r, "shape.form: not a form of the net");
    if (model_shape_check(&s->shape, why, sizeof why))
        return refuse(r, "shape: %s", why);
    return 0;
}

static int read_task(struct sensitivity *s, const struct reader *r)
{
    json_t *task = json_object_get(s->root, "task"), *split = json_object_get(task, "split");
    json_t *features = json_object_get(task, "features");
    s->task = json_string_value(json_object_get(task, "task"));
    s->unit = json_string_value(json_object_get(task, "unit"));
    s->spec.target = json_string_value(json_object_get(task, "target"));
    if (!s->task || !s->unit || !s->spec.target)
        return refuse(r, "task: no name, target and unit");
    if (json_array_size(features) != (size_t)s->shape.features ||
        json_array_size(split) != TASK_PARTS)
        return refuse(r, "task: features and split do not fit");
    for (int f = 0; f < s->shape.features; f++) {
        s->feature[f] = json_string_value(json_array_get(features, (size_t)f));
        if (!s->feature[f])
            return refuse(r, "task.features[%d]: not a name", f);
    }
    for (int p = 0; p < TASK_PARTS; p++)
        s->spec.split[p] = (int)json_integer_value(json_array_get(split, (size_t)p));
    s->spec.features = s->feature;
    s->spec.feature_count = s->shape.features;
    s->spec.window = s->shape.window;
    s->spec.outputs = s->shape.outputs;
    s->spec.horizon = (int)json_integer_value(json_object_get(task, "horizon"));
    return 0; // task_new checks the values
}

static int read_tensor(struct sensitivity *s, const struct reader *r, int t)
{
    json_t *object = json_object_get(json_object_get(s->root, "tensors"), s->name[t]);
    json_t *rmse = json_object_get(object, "rmse");
    const json_int_t base = json_integer_value(json_object_get(object, "base"));
    double *added = s->added[t], worst = 0;
    int known = 0;
    if (base < WIDTH_MIN || base > WIDTH_MAX)
        return refuse(r, "tensors.%s.base: not a width", s->name[t]);
    for (int b = 0; b < WIDTHS; b++) {
        char width[8];
        snprintf(width, sizeof width, "%d", b);
        double value = json_number_value(json_object_get(rmse, width));
        added[b] = value > 0 ? value * value - s->base_rmse * s->base_rmse : INFINITY;
    }
    added[base] = 0;
    for (int b = WIDTH_MAX; b >= WIDTH_MIN; b--)
        if (isfinite(added[b])) {
            worst = added[b] > worst ? added[b] : worst;
            added[b] = worst;
            known++;
        }
    return known > 1 ? 0 : refuse(r, "tensors.%s.rmse: no width was measured", s->name[t]);
}

int sensitivity_read_task(struct sensitivity *s, json_t *root, char *why, size_t whycap)
{
    const struct reader r = {"task", why, whycap};
    *s = (struct sensitivity){.root = json_incref(root)};
    int rc = read_shape(s, &r);
    if (!rc)
        rc = read_task(s, &r);
    return rc;
}

int sensitivity_read(struct sensitivity *s, const char *path, char *why, size_t whycap)
{
    const struct reader r = {path, why, whycap};
    json_error_t error;
    *s = (struct sensitivity){0};
    s->root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!s->root)
        return refuse(&r, "line %d: %s", error.line, error.text);
    s->float_rmse = json_number_value(json_object_get(s->root, "float_rmse"));
    s->base_rmse = json_number_value(json_object_get(s->root, "base_rmse"));
    int rc = s->float_rmse > 0 && s->base_rmse > 0 ? 0 : refuse(&r, "no float_rmse and base_rmse");
    if (!rc)
        rc = read_shape(s, &r);
    if (!rc)
        rc = read_task(s, &r);
    s->tensors = rc ? 0 : trial_tensors(&s->shape, s->name);
    for (int t = 0; !rc && t < s->tensors; t++)
        rc = read_tensor(s, &r, t);
    if (rc)
        sensitivity_free(s);
    return rc;
}

void sensitivity_free(struct sensitivity *s)
{
    json_decref(s->root);
    s->root = NULL;
}
