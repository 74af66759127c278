// SPDX-License-Identifier: Apache-2.0
// sevencast-train sensitivities: each tensor alone at each width, all others at the base widths.
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "tools/train/bits.h"
#include "tools/train/session.h"
#include "tools/train/trial.h"

enum { MAX_LEVELS = 7 };

struct study {
    struct session s;
    int level[MAX_LEVELS], levels;
    char name[TRIAL_MAX_TENSORS][TRIAL_NAME_BYTES];
    int tensors;
    struct trial *trial; // owned; [seeds] at base widths, then [tensors][levels][seeds]
    int trials, done;
};

static int read_levels(struct study *y)
{
    const char *p = y->s.o->levels;
    while (*p && y->levels < MAX_LEVELS && *p >= '2' && *p <= '8') {
        y->level[y->levels++] = *p++ - '0';
        if (*p == ',')
            p++;
    }
    if (*p || !y->levels)
        return train_complain(EXIT_USAGE, "--levels: '%s' is not a list of widths 2..8",
                              y->s.o->levels);
    return 0;
}

static int plan(struct study *y)
{
    const struct options *o = y->s.o;
    y->tensors = trial_tensors(&o->shape, y->name);
    y->trials = (1 + y->tensors * y->levels) * o->seeds;
    y->trial = calloc((size_t)y->trials, sizeof *y->trial);
    if (!y->trial)
        return train_complain(EXIT_FAILED, "out of memory");
    for (int i = 0; i < y->trials; i++) {
        struct trial *t = &y->trial[i];
        int cell = i / o->seeds - 1;
        t->bits = y->s.bits;
        t->seed = o->seed + (uint64_t)(i % o->seeds);
        if (cell >= 0)
            *trial_width(&o->shape, &t->bits, cell / y->levels) = y->level[cell % y->levels];
        if (model_bits_check(&o->shape, &t->bits, y->s.why, sizeof y->s.why))
            return train_complain(EXIT_USAGE, "%s", y->s.why);
    }
    return 0;
}

static void told(void *context, const struct trial *t)
{
    struct study *y = context;
    y->done++;
    if (y->s.report.progress)
        fprintf(stderr, "\r%d of %d trials, last one %.4g %s  ", y->done, y->trials,
                t->validation_rmse, y->s.o->unit);
}

// Mean over the seeds of a cell.
static double mean(const struct study *y, int cell)
{
    double sum = 0;
    for (int i = 0; i < y->s.o->seeds; i++)
        sum += y->trial[(cell + 1) * y->s.o->seeds + i].validation_rmse;
    return sum / y->s.o->seeds;
}

// What another program needs to read the same windows and to make the same net.
static json_t *task_json(const struct options *o)
{
    json_t *features = json_array();
    for (int i = 0; i < o->shape.features; i++)
        json_array_append_new(features,
                              json_string(o->spec.features ? o->spec.features[i] : o->spec.target));
    return json_pack("{s:s, s:s, s:o, s:s, s:i, s:i, s:i, s:[i,i,i]}", "task", o->task, "target",
                     o->spec.target, "features", features, "unit", o->unit, "window",
                     o->spec.window, "horizon", o->spec.horizon, "outputs", o->spec.outputs,
                     "split", o->spec.split[0], o->spec.split[1], o->spec.split[2]);
}

static json_t *shape_json(const struct model_shape *s)
{
    return json_pack("{s:i, s:i, s:i, s:i, s:i, s:i, s:i}", "window", s->window, "features",
                     s->features, "d_model", s->d_model, "heads", s->heads, "d_ff", s->d_ff,
                     "layers", s->layers, "outputs", s->outputs);
}

static json_t *result(const struct study *y)
{
    const struct options *o = y->s.o;
    char command[2048];
    json_t *tensors = json_object();
    double seconds = 0;
    for (int i = 0; i < y->trials; i++)
        seconds += y->trial[i].seconds;
    for (int t = 0; t < y->tensors; t++) {
        struct model_bits base = y->s.bits;
        json_t *row = json_object();
        for (int l = 0; l < y->levels; l++) {
            char width[8];
            double rmse = mean(y, t * y->levels + l);
            snprintf(width, sizeof width, "%d", y->level[l]);
            json_object_set_new(row, width, isfinite(rmse) ? json_real(rmse) : json_null());
        }
        json_object_set_new(
            tensors, y->name[t],
            json_pack("{s:i, s:o}", "base", *trial_width(&o->shape, &base, t), "rmse", row));
    }
    options_command(o, command, sizeof command);
    return json_pack("{s:o, s:o, s:f, s:f, s:i, s:i, s:i, s:f, s:o, s:s}", "task", task_json(o),
                     "shape", shape_json(&o->shape), "float_rmse",
                     y->s.float_error[TASK_VALIDATION].rmse, "base_rmse", mean(y, -1), "seeds",
                     o->seeds, "epochs", o->epochs_qat, "trials", y->trials, "seconds", seconds,
                     "tensors", tensors, "command", command);
}

static int measure(struct study *y)
{
    const struct options *o = y->s.o;
    struct trial_plan p = {.task = y->s.task, .shape = o->shape, .floating = y->s.net->param};
    p.fit = o->fit;
    p.fit.epochs = o->epochs_qat;
    p.fit.rate = o->rate_qat;
    p.processes = o->jobs ? o->jobs : (int)sysconf(_SC_NPROCESSORS_ONLN);
    int left = trial_run_all(&p, y->trial, y->trials, told, y, y->s.why, sizeof y->s.why);
    if (y->s.report.progress)
        fprintf(stderr, "\r\033[K");
    if (left)
        return train_complain(EXIT_FAILED, "%s", y->s.why);
    json_t *root = result(y);
    int rc = root ? json_dump_file(root, o->out, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : -1;
    if (rc)
        rc = train_complain(EXIT_WRITE, "%s: not written", o->out);
    else
        report_event(&y->s.report, json_incref(root), o->out);
    json_decref(root);
    return rc;
}

int sensitivities_run(const struct options *o)
{
    struct study y = {.s = {.o = o}};
    struct session *s = &y.s;
    int rc = o->bits_file ? bits_read(&s->bits, &o->shape, o->bits_file, s->why, sizeof s->why)
                          : bits_parse(&s->bits, &o->shape, o->bits, s->why, sizeof s->why);
    if (rc)
        return train_complain(EXIT_USAGE, "%s", s->why);
    report_init(&s->report, o->json, o->quiet, o->unit);
    rc = read_levels(&y);
    if (rc)
        return rc;
    s->task = train_task(o);
    s->net = net_new(&o->shape);
    if (!s->task || !s->net) {
        rc = s->task ? train_complain(EXIT_FAILED, "out of memory") : EXIT_DATA;
        goto done;
    }
    s->report.unit = s->task->scale[s->task->features];
    rc = session_float(s);
    if (!rc)
        rc = plan(&y);
    if (!rc)
        rc = measure(&y);
done:
    free(y.trial);
    net_free(s->net);
    task_free(s->task);
    return rc;
}
