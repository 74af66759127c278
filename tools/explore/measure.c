// SPDX-License-Identifier: Apache-2.0
#include "tools/explore/measure.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/explore/jobs.h"
#include "tools/explore/options.h"
#include "tools/explore/pool.h"
#include "tools/explore/result.h"
#include "tools/explore/sensitivity.h"
#include "tools/train/bits.h"

enum { MAX_LEVELS = WIDTH_MAX - WIDTH_MIN + 1, MAX_SEEDS = 20, MAX_OPTIONS = 32, WHY_BYTES = 1024 };

static const char usage_text[] =
    "Usage: sevencast-explore sensitivities --task-file FILE --data FILE --float-checkpoint FILE\n"
    "           --out FILE [options]\n\n"
    "Trains, from one floating-point net and for a few epochs, each tensor alone at each width "
    "with\n"
    "all others at the base widths, and writes the losses of the integers on the validation part:\n"
    "what the exploration adds up.\n\n"
    "  --task-file FILE          the task, JSON, as sevencast-train reads it\n"
    "  --data FILE               the series, CSV\n"
    "  --float-checkpoint FILE   a trained floating-point net, safetensors\n"
    "  --out FILE                the sensitivities, JSON\n"
    "  --d-model N, --heads N, --d-ff N, --layers N, --form FORM\n"
    "                            of that net (16, 1, 4 * d-model, 1, encoder)\n"
    "  --bits LIST               the base widths, as in sevencast-train (8)\n"
    "  --levels LIST             widths to try (2,3,4,5,6)\n"
    "  --seeds N                 runs of each (1)\n"
    "  --epochs N, --rate X      of a run (12, 0.002)\n"
    "  --jobs N, --record FILE, --trial-timeout SECONDS, --jobs-out FOLDER, --quiet\n"
    "                            as in the exploration\n";

struct measure {
    const char *task_file, *data, *checkpoint, *out, *form, *bits, *levels, *record_path, *jobs_out;
    int d_model, heads, d_ff, layers, seeds, epochs, jobs, quiet;
    double rate, timeout_s;
    struct sensitivity sens; // shape and task
    struct trial_setting setting;
    struct record own, *record; // record: own, or the results that were given
    int found_only;
    struct model_bits base;
    int level[MAX_LEVELS], level_count;
    struct trial *trial; // owned; [seeds] at base widths, then [tensors][levels][seeds]
    int trials;
    char why[WHY_BYTES];
};

static int list_options(struct measure *m, struct option_row row[MAX_OPTIONS])
{
    const struct option_row list[] = {
        {"task-file", OPTION_FILE, &m->task_file, 0, 0},
        {"data", OPTION_FILE, &m->data, 0, 0},
        {"float-checkpoint", OPTION_FILE, &m->checkpoint, 0, 0},
        {"out", OPTION_TEXT, &m->out, 0, 0},
        {"d-model", OPTION_COUNT, &m->d_model, MODEL_MIN_D, MODEL_MAX_D},
        {"heads", OPTION_COUNT, &m->heads, 1, MODEL_MAX_HEADS},
        {"d-ff", OPTION_COUNT, &m->d_ff, 1, MODEL_MAX_FF},
        {"layers", OPTION_COUNT, &m->layers, 1, MODEL_MAX_LAYERS},
        {"form", OPTION_TEXT, &m->form, 0, 0},
        {"bits", OPTION_TEXT, &m->bits, 0, 0},
        {"levels", OPTION_TEXT, &m->levels, 0, 0},
        {"seeds", OPTION_COUNT, &m->seeds, 1, MAX_SEEDS},
        {"epochs", OPTION_COUNT, &m->epochs, 0, 100000},
        {"rate", OPTION_NUMBER, &m->rate, 1e-7, 1},
        {"jobs", OPTION_COUNT, &m->jobs, 1, POOL_MAX_PROCESSES},
        {"record", OPTION_TEXT, &m->record_path, 0, 0},
        {"trial-timeout", OPTION_NUMBER, &m->timeout_s, 1, 1e6},
        {"jobs-out", OPTION_TEXT, &m->jobs_out, 0, 0},
        {"quiet", OPTION_FLAG, &m->quiet, 0, 0},
    };
    _Static_assert(sizeof list / sizeof list[0] <= MAX_OPTIONS, "room for all options");
    memcpy(row, list, sizeof list);
    return (int)(sizeof list / sizeof list[0]);
}

static int read_levels(struct measure *m)
{
    const char *p = m->levels;
    while (m->level_count < MAX_LEVELS && *p >= '0' + WIDTH_MIN && *p <= '0' + WIDTH_MAX) {
        m->level[m->level_count++] = *p++ - '0';
        if (*p == ',' && p[1])
            p++;
    }
    if (*p || !m->level_count)
        return complain(EXIT_USAGE, "--levels: '%s' is not a list of widths 2..8", m->levels);
    return 0;
}

static int parse(struct measure *m, int argc, char **argv)
{
    struct option_row row[MAX_OPTIONS];
    int rc = options_parse(row, list_options(m, row), usage_text, argc, argv);
    if (rc)
        return rc;
    if (!m->task_file || !m->data || !m->checkpoint || !(m->out || m->jobs_out))
        return complain(EXIT_USAGE, "--task-file, --data, --float-checkpoint and --out are needed");
    return read_levels(m);
}

static int is_known(const char *member)
{
    static const char *const known[] = {"task", "data",   "target",  "features", "time",
                                        "unit", "window", "horizon", "outputs",  "split"};
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++)
        if (!strcmp(member, known[i]))
            return 1;
    return 0;
}

// The task as sensitivities have it: what a task file may leave out is filled in.
static json_t *task_json(const struct measure *m, char *why, size_t whycap)
{
    json_error_t error;
    json_t *task = json_load_file(m->task_file, JSON_REJECT_DUPLICATES, &error);
    json_t *fill =
        json_pack("{s:s, s:i, s:i, s:i, s:[i,i,i], s:[O?]}", "unit", "", "window", 24, "horizon", 1,
                  "outputs", 1, "split", 70, 10, 20, "features", json_object_get(task, "target"));
    const char *key, *unknown = NULL;
    json_t *value;
    json_object_foreach(task, key, value)
    {
        unknown = is_known(key) ? unknown : key;
    }
    if (!task)
        snprintf(why, whycap, "%s: line %d: %s", m->task_file, error.line, error.text);
    else if (unknown)
        snprintf(why, whycap, "%s: '%s' is not a member of a task", m->task_file, unknown);
    else if (!json_is_object(task) || !fill || json_object_update_missing(task, fill))
        snprintf(why, whycap, "%s: not a task", m->task_file);
    else {
        // Where the series lay elsewhere, and which column of times it has, changes nothing.
        json_object_del(task, "data");
        json_object_del(task, "time");
        json_decref(fill);
        return task;
    }
    json_decref(fill);
    json_decref(task);
    return NULL;
}

static json_t *shape_json(const struct measure *m, json_t *task)
{
    json_t *shape =
        json_pack("{s:O, s:i, s:i, s:i, s:i, s:i, s:O}", "window", json_object_get(task, "window"),
                  "features", (int)json_array_size(json_object_get(task, "features")), "d_model",
                  m->d_model, "heads", m->heads, "d_ff", m->d_ff ? m->d_ff : 4 * m->d_model,
                  "layers", m->layers, "outputs", json_object_get(task, "outputs"));
    if (shape && strcmp(m->form, model_form_name(MODEL_ENCODER)) != 0)
        json_object_set_new(shape, "form", json_string(m->form));
    return shape;
}

static int open_all(struct measure *m)
{
    json_t *task = task_json(m, m->why, sizeof m->why);
    if (!task)
        return complain(EXIT_INPUT, "%s", m->why);
    json_t *root = json_pack("{s:o, s:o}", "shape", shape_json(m, task), "task", task);
    int rc = root ? sensitivity_read_task(&m->sens, root, m->why, sizeof m->why) : -1;
    json_decref(root);
    if (rc)
        return complain(EXIT_INPUT, "%s: %s", m->task_file, root ? m->why : "not a task");
    if (bits_parse(&m->base, &m->sens.shape, m->bits, m->why, sizeof m->why))
        return complain(EXIT_USAGE, "%s", m->why);
    if (trial_setting_open(&m->setting, &m->sens.shape, &m->sens.spec, m->data, m->checkpoint,
                           m->why, sizeof m->why))
        return complain(EXIT_INPUT, "%s", m->why);
    m->setting.plan.fit.epochs = m->epochs;
    m->setting.plan.fit.rate = m->rate;
    if (m->record_path && !m->jobs_out &&
        record_open(&m->own, m->record_path, m->why, sizeof m->why))
        return complain(EXIT_INPUT, "%s", m->why);
    record_warn(&m->own);
    return 0;
}

static int plan(struct measure *m)
{
    m->sens.tensors = trial_tensors(&m->sens.shape, m->sens.name);
    m->trials = (1 + m->sens.tensors * m->level_count) * m->seeds;
    m->trial = calloc((size_t)m->trials, sizeof *m->trial);
    if (!m->trial)
        return complain(EXIT_FAILED, "out of memory");
    for (int i = 0; i < m->trials; i++) {
        struct trial *t = &m->trial[i];
        const int cell = i / m->seeds - 1;
        *t = (struct trial){.bits = m->base, .seed = 1 + (uint64_t)(i % m->seeds)};
        if (cell >= 0)
            *trial_width(&m->sens.shape, &t->bits, cell / m->level_count) =
                m->level[cell % m->level_count];
        if (model_bits_check(&m->sens.shape, &t->bits, m->why, sizeof m->why))
            return complain(EXIT_USAGE, "%s", m->why);
    }
    return 0;
}

// Mean over the seeds of a cell; -1: the base widths.
static double mean(const struct measure *m, int cell)
{
    double sum = 0;
    for (int i = 0; i < m->seeds; i++)
        sum += m->trial[(cell + 1) * m->seeds + i].validation_rmse;
    return sum / m->seeds;
}

static json_t *tensors_json(const struct measure *m)
{
    json_t *tensors = json_object();
    struct model_bits base = m->base;
    for (int t = 0; t < m->sens.tensors; t++) {
        json_t *row = json_object();
        for (int l = 0; l < m->level_count; l++) {
            const double rmse = mean(m, t * m->level_count + l);
            char width[8];
            snprintf(width, sizeof width, "%d", m->level[l]);
            json_object_set_new(row, width, isfinite(rmse) ? json_real(rmse) : json_null());
        }
        json_object_set_new(
            tensors, m->sens.name[t],
            json_pack("{s:i, s:o}", "base", *trial_width(&m->sens.shape, &base, t), "rmse", row));
    }
    return tensors;
}

static int write_result(struct measure *m)
{
    const struct task *t = m->setting.task;
    const double scale = t->scale[t->features];
    const double floating = fit_rmse(m->setting.net, t, TASK_VALIDATION);
    char command[2 * TRIAL_TEXT_BYTES], net[128];
    trial_net_text(&m->sens.shape, net, sizeof net);
    snprintf(command, sizeof command,
             "sevencast-explore sensitivities --task-file %s.json --data SERIES.csv "
             "--float-checkpoint FLOAT.safetensors%s --bits %s --levels %s --seeds %d --epochs %d "
             "--rate %g --out FILE",
             m->sens.task, net, m->bits, m->levels, m->seeds, m->epochs, m->rate);
    json_t *root = floating > 0 ? json_pack("{s:O, s:O, s:f, s:f, s:i, s:i, s:i, s:o, s:s}", "task",
                                            json_object_get(m->sens.root, "task"), "shape",
                                            json_object_get(m->sens.root, "shape"), "float_rmse",
                                            floating * scale, "base_rmse", mean(m, -1), "seeds",
                                            m->seeds, "epochs", m->epochs, "trials", m->trials,
                                            "tensors", tensors_json(m), "command", command)
                                : NULL;
    int rc = result_write(m->out, root);
    json_decref(root);
    return rc;
}

static int write_jobs(struct measure *m)
{
    struct option_row row[MAX_OPTIONS];
    const struct jobs_order order = {"sensitivities", &m->sens, &m->setting,         m->trial,
                                     m->trials,       row,      list_options(m, row)};
    return jobs_command_write(m->jobs_out, &order);
}

static int run(struct measure *m)
{
    struct pool_printer printer = {m->sens.unit};
    struct pool pool = {.setting = &m->setting,
                        .record = m->record,
                        .processes = m->jobs,
                        .timeout_s = m->timeout_s,
                        .found_only = m->found_only,
                        .told = m->quiet || !isatty(STDERR_FILENO) ? NULL : pool_print,
                        .context = &printer};
    const int left = pool_run(&pool, m->trial, m->trials, m->why, sizeof m->why);
    if (pool.told)
        fprintf(stderr, "\r\033[K");
    if (left)
        return complain(EXIT_FAILED, "%d of %d runs without a result: %s", left, m->trials, m->why);
    int rc = write_result(m);
    if (!rc)
        pool_report(&pool);
    return rc;
}

int measure_command(int argc, char **argv, struct record *results, const char *out)
{
    struct measure m = {.form = model_form_name(MODEL_ENCODER),
                        .bits = "8",
                        .levels = "2,3,4,5,6",
                        .d_model = 16,
                        .heads = 1,
                        .layers = 1,
                        .seeds = 1,
                        .epochs = 12,
                        .rate = 0.002,
                        .out = out};
    record_init(&m.own);
    m.record = results ? results : &m.own;
    m.found_only = results != NULL;
    int rc = parse(&m, argc, argv);
    if (!rc)
        rc = open_all(&m);
    if (!rc)
        rc = plan(&m);
    if (!rc)
        rc = m.jobs_out ? write_jobs(&m) : run(&m);
    free(m.trial);
    record_close(&m.own);
    trial_setting_close(&m.setting);
    sensitivity_free(&m.sens);
    return rc;
}
