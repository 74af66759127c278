// SPDX-License-Identifier: Apache-2.0
// Training from the series to the variant: float runs, quantised runs, metrics, manifest.
#include "tools/train/train.h"

#include <sodium.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/train/bits.h"
#include "tools/train/calibrate.h"
#include "tools/train/checkpoint.h"
#include "tools/train/report.h"

enum { WHY_BYTES = 512, COMMAND_BYTES = 2048 };

struct session {
    const struct options *o;
    struct task *task;
    struct net *net;
    struct model_bits bits;
    struct report report;
    struct ridge ridge;
    struct error float_error[TASK_PARTS];
    struct checkpoint_note float_note; // which run the float parameters are from
    struct fit_epoch quantised_best;
    uint64_t quantised_seed;
    char why[WHY_BYTES];
};

int train_complain(int code, const char *format, ...)
{
    va_list ap;
    va_start(ap, format);
    fprintf(stderr, "sevencast-train: ");
    vfprintf(stderr, format, ap);
    fprintf(stderr, "\n");
    va_end(ap);
    return code;
}

struct task *train_task(const struct options *o)
{
    const char *names[MODEL_MAX_FEATURES + 1];
    char why[WHY_BYTES];
    int count = 0;
    for (int i = 0; o->spec.features && i < o->spec.feature_count; i++)
        names[count++] = o->spec.features[i];
    names[count++] = o->spec.target;
    struct csv_table *table = csv_read(o->data, names, count, o->time_column, why, sizeof why);
    if (!table) {
        train_complain(EXIT_DATA, "%s", why);
        return NULL;
    }
    struct task *t = task_new(table, &o->spec, why, sizeof why);
    if (!t)
        train_complain(EXIT_DATA, "%s: %s", o->data, why);
    csv_free(table);
    return t;
}

static double validate_float(void *context, struct net *n)
{
    struct session *s = context;
    return fit_rmse(n, s->task, TASK_VALIDATION);
}

// An epoch whose steps cannot be exported is not the end of a run, only never its best.
static double validate_integers(void *context, struct net *n)
{
    struct session *s = context;
    struct golden_result result;
    net_begin(n);
    struct variant *v = golden_variant(n, s->task, s->why, sizeof s->why);
    if (!v)
        return INFINITY;
    int rc = golden_evaluate(v, s->task, TASK_VALIDATION, &result, s->why, sizeof s->why);
    variant_free(v);
    return rc ? -1 : result.error.rmse / s->task->scale[s->task->features];
}

static void report_hook(void *context, const struct fit_epoch *e)
{
    struct session *s = context;
    report_epoch(&s->report, e);
}

// Trains from `from` (parameters; NULL: random) with every seed; the best run stays in the net.
static int best_of_seeds(struct session *s, const real *from, struct fit_options *f,
                         const struct fit_hooks *hooks, struct fit_epoch *best, uint64_t *seed)
{
    const size_t bytes = s->net->layout.count * sizeof *s->net->param;
    real *kept = malloc(bytes);
    int rc = kept ? 0 : -1;
    best->best_rmse = INFINITY;
    for (int i = 0; !rc && i < s->o->seeds; i++) {
        struct fit_epoch now;
        f->seed = s->o->seed + (uint64_t)i;
        if (from)
            memcpy(s->net->param, from, bytes);
        else
            net_init(s->net, f->seed);
        rc = fit(s->net, s->task, f, hooks, &now);
        if (rc)
            break;
        report_run(&s->report, &now);
        if (now.best_rmse < best->best_rmse) {
            *best = now;
            *seed = f->seed;
            memcpy(kept, s->net->param, bytes);
        }
    }
    if (!rc && isfinite(best->best_rmse))
        memcpy(s->net->param, kept, bytes);
    free(kept);
    return rc;
}

static struct error float_error(struct session *s, enum task_part part)
{
    const struct task *t = s->task;
    struct error_sum sum = {0};
    real *y = malloc((size_t)t->count[part] * (size_t)t->outputs * sizeof *y);
    if (!y)
        return (struct error){0};
    fit_forecast(s->net, t, part, y);
    for (int i = 0; i < t->count[part]; i++) {
        double forecast[MODEL_MAX_OUTPUTS];
        for (int k = 0; k < t->outputs; k++)
            forecast[k] =
                (double)y[i * t->outputs + k] * t->scale[t->features] + t->offset[t->features];
        error_add(&sum, t, t->start[part][i], forecast);
    }
    free(y);
    return error_end(&sum);
}

static int float_stage(struct session *s)
{
    const struct options *o = s->o;
    struct fit_options f = o->fit;
    const struct fit_hooks hooks = {s, validate_float, report_hook};
    f.epochs = o->epochs_float;
    f.rate = o->rate_float;
    if (o->checkpoint && !access(o->checkpoint, F_OK)) {
        if (checkpoint_load(s->net, &s->float_note, o->checkpoint, s->why, sizeof s->why))
            return train_complain(EXIT_VARIANT, "%s", s->why);
    } else {
        report_stage(&s->report, "float", o->seeds, f.epochs);
        struct fit_epoch best;
        if (best_of_seeds(s, NULL, &f, &hooks, &best, &s->float_note.seed))
            return train_complain(EXIT_FAILED, "floating point: out of memory");
        s->float_note.epoch = best.epoch;
        s->float_note.epochs = f.epochs;
        if (o->checkpoint &&
            checkpoint_save(s->net, &s->float_note, o->checkpoint, s->why, sizeof s->why))
            return train_complain(EXIT_WRITE, "%s", s->why);
    }
    for (int p = 0; p < TASK_PARTS; p++)
        s->float_error[p] = float_error(s, p);
    return 0;
}

static int quantised_stage(struct session *s)
{
    const struct options *o = s->o;
    const size_t bytes = s->net->layout.count * sizeof *s->net->param;
    struct fit_options f = o->fit;
    const struct fit_hooks hooks = {s, validate_integers, report_hook};
    f.epochs = o->epochs_qat;
    f.rate = o->rate_qat;
    real *from = malloc(bytes);
    if (!from || calibrate(s->net, s->task, &s->bits, o->seed)) {
        free(from);
        return train_complain(EXIT_FAILED, "calibration: out of memory");
    }
    memcpy(from, s->net->param, bytes);
    report_stage(&s->report, "quantised", o->seeds, f.epochs);
    s->why[0] = 0;
    int rc = best_of_seeds(s, from, &f, &hooks, &s->quantised_best, &s->quantised_seed);
    free(from);
    if (rc || !isfinite(s->quantised_best.best_rmse))
        return train_complain(EXIT_FAILED, "quantised training: %s",
                              *s->why ? s->why : "out of memory");
    return 0;
}

static json_t *data_json(const struct options *o)
{
    unsigned char hash[crypto_hash_sha256_BYTES], block[65536];
    char hex[VARIANT_HASH_HEX + 1];
    const char *name = strrchr(o->data, '/') ? strrchr(o->data, '/') + 1 : o->data;
    crypto_hash_sha256_state state;
    size_t n;
    FILE *in = fopen(o->data, "rb");
    if (!in)
        return json_pack("{s:s}", "file", name); // standard input leaves no trace
    crypto_hash_sha256_init(&state);
    while ((n = fread(block, 1, sizeof block, in)) > 0)
        crypto_hash_sha256_update(&state, block, n);
    fclose(in);
    crypto_hash_sha256_final(&state, hash);
    variant_hex(hash, sizeof hash, hex);
    return json_pack("{s:s, s:s}", "file", name, "sha256", hex);
}

static json_t *training_json(const struct session *s)
{
    const struct options *o = s->o;
    char command[COMMAND_BYTES];
    json_t *features = json_array();
    for (int i = 0; i < s->task->features; i++)
        json_array_append_new(features,
                              json_string(o->spec.features ? o->spec.features[i] : o->spec.target));
    options_command(o, command, sizeof command);
    return json_pack(
        "{s:o, s:s, s:o, s:i, s:i, s:i, s:[i,i,i], s:[i,i,i], s:{s:I, s:I}, s:{s:i, s:i, s:i, s:i},"
        " s:s, s:s, s:s}",
        "data", data_json(o), "target", o->spec.target, "features", features, "window",
        o->spec.window, "horizon", o->spec.horizon, "outputs", o->spec.outputs, "split",
        o->spec.split[0], o->spec.split[1], o->spec.split[2], "windows_dropped_for_gaps",
        s->task->dropped[0], s->task->dropped[1], s->task->dropped[2], "seed", "float",
        (json_int_t)s->float_note.seed, "quantised", (json_int_t)s->quantised_seed, "epochs",
        "float", s->float_note.epochs, "float_best", s->float_note.epoch, "quantised",
        o->epochs_qat, "quantised_best", s->quantised_best.epoch, "tool", "sevencast-train",
        "tool_version", SEVENCAST_VERSION, "command", command);
}

struct outcome {
    struct golden_result part[TASK_PARTS];
    struct golden_difference difference;
    struct error persistence[TASK_PARTS], ridge[TASK_PARTS];
};

static json_t *metrics_json(const struct session *s, const struct outcome *out)
{
    const struct model_shape *shape = &s->net->layout.shape;
    const char *unit = s->o->unit;
    return json_pack("{s:o, s:o, s:{s:f, s:f, s:f}, s:f, s:o, s:I, s:{s:I, s:I}}", "test",
                     report_error_json(&out->part[TASK_TEST].error, unit, "model"), "validation",
                     report_error_json(&out->part[TASK_VALIDATION].error, unit, "model"),
                     "baselines", "persistence_rmse", out->persistence[TASK_TEST].rmse,
                     "ridge_rmse", out->ridge[TASK_TEST].rmse, "float_rmse",
                     s->float_error[TASK_TEST].rmse, "fake_vs_integer_differing_share",
                     out->difference.outputs, "fake_vs_integer",
                     report_difference_json(&out->difference, shape), "test_inputs_saturated",
                     (json_int_t)out->part[TASK_TEST].saturated, "size", "weight_bits",
                     (json_int_t)bits_of_weights(&s->bits, shape), "bit_operations",
                     (json_int_t)bits_operations(&s->bits, shape));
}

static void name_variant(struct variant *v, const struct session *s)
{
    const struct options *o = s->o;
    snprintf(v->name, sizeof v->name, "%s", o->name);
    snprintf(v->task, sizeof v->task, "%s", o->task);
    for (int f = 0; f < s->task->features; f++)
        snprintf(v->feature[f].name, sizeof v->feature[f].name, "%s",
                 o->spec.features ? o->spec.features[f] : o->spec.target);
    for (int k = 0; k < s->task->outputs; k++) {
        snprintf(v->target[k].name, sizeof v->target[k].name, "%s", o->spec.target);
        if (s->task->outputs > 1)
            snprintf(v->target[k].name, sizeof v->target[k].name, "%.50s+%d", o->spec.target,
                     o->spec.horizon + k);
        snprintf(v->target[k].unit, sizeof v->target[k].unit, "%s", o->unit);
    }
}

static void show(struct session *s, const struct outcome *out, const struct variant *v)
{
    struct row rows[] = {
        {.name = "persistence"}, {.name = "ridge"}, {.name = "float"}, {.name = s->o->name}};
    struct error error[4][TASK_PARTS];
    for (int p = TASK_VALIDATION; p < TASK_PARTS; p++) {
        error[0][p] = out->persistence[p];
        error[1][p] = out->ridge[p];
        error[2][p] = s->float_error[p];
        error[3][p] = out->part[p].error;
    }
    for (int i = 0; i < 4; i++) {
        rows[i].validation = error[i][TASK_VALIDATION];
        rows[i].test = error[i][TASK_TEST];
    }
    report_table(&s->report, rows, 4);
    char text[256];
    snprintf(
        text, sizeof text,
        "fake-quantised and integer outputs differ in %.2f %% of %d windows, at most %d steps\n"
        "%s: %s",
        100 * out->difference.outputs, out->difference.windows, out->difference.largest, s->o->name,
        v->hash_hex);
    report_event(&s->report,
                 json_pack("{s:s, s:s, s:s, s:O, s:O}", "event", "done", "name", s->o->name, "hash",
                           v->hash_hex, "metrics", v->metrics, "training", v->training),
                 text);
}

static int finish(struct session *s)
{
    struct outcome out = {0};
    int rc = EXIT_FAILED;
    net_begin(s->net);
    struct variant *v = golden_variant(s->net, s->task, s->why, sizeof s->why);
    if (!v)
        return train_complain(EXIT_FAILED, "export: %s", s->why);
    name_variant(v, s);
    for (int p = TASK_VALIDATION; p < TASK_PARTS; p++) {
        if (golden_evaluate(v, s->task, p, &out.part[p], s->why, sizeof s->why))
            goto fail;
        out.persistence[p] = baseline_persistence(s->task, p);
        out.ridge[p] = ridge_error(&s->ridge, s->task, p);
    }
    if (golden_compare(s->net, v, s->task, TASK_TEST, 0, &out.difference, s->why, sizeof s->why))
        goto fail;
    v->metrics = metrics_json(s, &out);
    v->training = training_json(s);
    rc = EXIT_WRITE;
    if (variant_save(v, s->o->out, s->why, sizeof s->why))
        goto fail;
    show(s, &out, v);
    variant_free(v);
    return EXIT_OK;
fail:
    variant_free(v);
    return train_complain(rc, "%s", s->why);
}

static int read_bits(struct session *s)
{
    const struct options *o = s->o;
    int rc = o->bits_file ? bits_read(&s->bits, &o->shape, o->bits_file, s->why, sizeof s->why)
                          : bits_parse(&s->bits, &o->shape, o->bits, s->why, sizeof s->why);
    return rc ? train_complain(o->bits_file ? EXIT_VARIANT : EXIT_USAGE, "%s", s->why) : 0;
}

int train_run(const struct options *o)
{
    struct session s = {.o = o};
    int rc = read_bits(&s);
    if (rc)
        return rc;
    report_init(&s.report, o->json, o->quiet, o->unit);
    rc = EXIT_DATA;
    s.task = train_task(o);
    if (!s.task)
        goto done;
    s.report.unit = s.task->scale[s.task->features];
    rc = EXIT_FAILED;
    s.net = net_new(&o->shape);
    if (!s.net || ridge_fit_best(&s.ridge, s.task)) {
        train_complain(rc, "out of memory");
        goto done;
    }
    rc = float_stage(&s);
    if (!rc)
        rc = quantised_stage(&s);
    if (!rc)
        rc = finish(&s);
done:
    ridge_free(&s.ridge);
    net_free(s.net);
    task_free(s.task);
    return rc;
}

int baselines_run(const struct options *o)
{
    struct row rows[2] = {{.name = "persistence"}, {.name = "ridge"}};
    struct ridge ridge;
    struct report report;
    struct task *t = train_task(o);
    if (!t)
        return EXIT_DATA;
    report_init(&report, o->json, 1, o->unit);
    if (ridge_fit_best(&ridge, t)) {
        task_free(t);
        return train_complain(EXIT_FAILED, "ridge: out of memory");
    }
    rows[0].validation = baseline_persistence(t, TASK_VALIDATION);
    rows[0].test = baseline_persistence(t, TASK_TEST);
    rows[1].validation = ridge_error(&ridge, t, TASK_VALIDATION);
    rows[1].test = ridge_error(&ridge, t, TASK_TEST);
    report_table(&report, rows, 2);
    for (int i = 0; i < 2 && o->json; i++)
        report_event(&report,
                     json_pack("{s:s, s:s, s:o, s:o}", "event", "baseline", "name", rows[i].name,
                               "validation",
                               report_error_json(&rows[i].validation, o->unit, "model"), "test",
                               report_error_json(&rows[i].test, o->unit, "model")),
                     "");
    ridge_free(&ridge);
    task_free(t);
    return EXIT_OK;
}
