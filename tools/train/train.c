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
#include "tools/train/session.h"

enum { COMMAND_BYTES = 2048 };

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

// -1 for standard input, which leaves no trace.
static int data_hash(const struct options *o, unsigned char hash[crypto_hash_sha256_BYTES])
{
    unsigned char block[65536];
    crypto_hash_sha256_state state;
    size_t n;
    FILE *in = strcmp(o->data, "-") != 0 ? fopen(o->data, "rb") : NULL;
    if (!in)
        return -1;
    crypto_hash_sha256_init(&state);
    while ((n = fread(block, 1, sizeof block, in)) > 0)
        crypto_hash_sha256_update(&state, block, n);
    fclose(in);
    crypto_hash_sha256_final(&state, hash);
    return 0;
}

static json_t *data_json(const struct options *o)
{
    unsigned char hash[crypto_hash_sha256_BYTES];
    char hex[VARIANT_HASH_HEX + 1];
    const char *name = strrchr(o->data, '/') ? strrchr(o->data, '/') + 1 : o->data;
    if (data_hash(o, hash))
        return json_pack("{s:s}", "file", name);
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

static json_t *baseline_json(const struct error error[TASK_PARTS])
{
    return json_pack("{s:f, s:f, s:f, s:f}", "validation_rmse", error[TASK_VALIDATION].rmse,
                     "validation_mae", error[TASK_VALIDATION].mae, "test_rmse",
                     error[TASK_TEST].rmse, "test_mae", error[TASK_TEST].mae);
}

static json_t *metrics_json(const struct session *s, const struct outcome *out)
{
    const struct model_shape *shape = &s->net->layout.shape;
    const char *unit = s->o->unit;
    return json_pack(
        "{s:o, s:o, s:{s:f, s:f, s:f, s:o, s:o, s:o}, s:f, s:o, s:I, s:{s:I, s:I}}", "test",
        report_error_json(&out->part[TASK_TEST].error, unit, "model"), "validation",
        report_error_json(&out->part[TASK_VALIDATION].error, unit, "model"), "baselines",
        "persistence_rmse", out->persistence[TASK_TEST].rmse, "ridge_rmse",
        out->ridge[TASK_TEST].rmse, "float_rmse", s->float_error[TASK_TEST].rmse, "persistence",
        baseline_json(out->persistence), "ridge", baseline_json(out->ridge), "float",
        baseline_json(s->float_error), "fake_vs_integer_differing_share", out->difference.outputs,
        "fake_vs_integer", report_difference_json(&out->difference, shape), "test_inputs_saturated",
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
        // The plain name means the next row.
        if (s->task->outputs > 1 || o->spec.horizon > 1)
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
    if (s->o->hardware) // checked by the options
        v->hardware = json_loads(s->o->hardware, JSON_REJECT_DUPLICATES, NULL);
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

// The training that a state belongs to: its command, widths and series.
static int open_state(struct session *s)
{
    const struct options *o = s->o;
    unsigned char hash[crypto_hash_sha256_BYTES];
    char command[COMMAND_BYTES];
    crypto_hash_sha256_state state;
    if (!o->resume)
        return 0;
    if (data_hash(o, hash))
        return train_complain(EXIT_USAGE, "--resume: the series must be a file");
    options_command(o, command, sizeof command);
    crypto_hash_sha256_init(&state);
    crypto_hash_sha256_update(&state, (const unsigned char *)command, strlen(command));
    crypto_hash_sha256_update(&state, (const unsigned char *)&s->bits, sizeof s->bits);
    crypto_hash_sha256_update(&state, hash, sizeof hash);
    crypto_hash_sha256_final(&state, s->key);
    if (resume_init(&s->state, s->net->layout.count, s->task->count[TASK_TRAIN]))
        return train_complain(EXIT_FAILED, "out of memory");
    int rc = resume_load(&s->state, s->key, o->resume, s->why, sizeof s->why);
    if (rc < 0)
        return train_complain(EXIT_VARIANT, "%s", s->why);
    s->resumed = rc == 0;
    return 0;
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
    rc = open_state(&s);
    if (!rc)
        rc = session_float(&s);
    if (!rc)
        rc = session_quantised(&s);
    if (!rc)
        rc = finish(&s);
    if (!rc && o->resume)
        unlink(o->resume); // the variant is what remains
done:
    resume_fini(&s.state);
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
