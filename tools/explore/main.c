// SPDX-License-Identifier: Apache-2.0
// sevencast-explore: from measured sensitivities to the exact front of loss against bit operations,
// and quantised training of points on it.
#include <getopt.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/build/plan.h"
#include "tools/explore/commands.h"
#include "tools/explore/front.h"
#include "tools/explore/jobs.h"
#include "tools/explore/measure.h"
#include "tools/explore/options.h"
#include "tools/explore/pool.h"
#include "tools/explore/result.h"
#include "tools/train/bits.h"

enum { MAX_CONFIRM = 200, MAX_SEEDS = 20, WHY_BYTES = 512, TEXT_BYTES = 1024 };

static const char usage_text[] =
    "Usage: sevencast-explore --sensitivities FILE --out FILE [--budget OPERATIONS |\n"
    "           --budget-uniform BITS] [--confirm N --data FILE --float-checkpoint FILE\n"
    "           [--uniform] [--seeds N] [--epochs N] [--rate X] [--jobs N] [--record FILE]]\n"
    "       sevencast-explore (the same, --jobs-out FOLDER in place of --out)\n"
    "       sevencast-explore sensitivities (see its own --help)\n"
    "       sevencast-explore run-job FOLDER N [--trial-timeout SECONDS]\n"
    "       sevencast-explore --merge FOLDER --out FILE\n"
    "       sevencast-explore --device DEVICE ...: see sevencast-explore --device xc7s15 --help\n"
    "       sevencast-explore deploy ...: see sevencast-explore deploy --help\n"
    "       sevencast-explore compare ...: see sevencast-explore compare --help\n\n"
    "Finds, by exact enumeration of the widths of all tensors, the front of predicted loss "
    "against\n"
    "bit operations, and confirms points of it by quantised training judged by the golden "
    "integers\n"
    "on the validation part. No hardware takes part; cycles are those of the planned engine.\n\n"
    "  --sensitivities FILE      what sevencast-explore sensitivities wrote\n"
    "  --out FILE                the result, JSON\n"
    "  --budget OPERATIONS       no point with more bit operations\n"
    "  --budget-uniform BITS     no more than with BITS bits everywhere, 2 to 8\n"
    "  --confirm N               train N points, evenly apart in log operations (0)\n"
    "  --uniform                 train the uniform widths 2 to 8 as well, to compare with\n"
    "  --data FILE               the series, CSV\n"
    "  --float-checkpoint FILE   the floating-point net that the sensitivities were measured on\n"
    "  --seeds N                 runs of each point (3)\n"
    "  --epochs N, --rate X      of a run (100, 0.002)\n"
    "  --jobs N                  processes (one for each core)\n"
    "  --record FILE             results of runs, kept as they come: a run that stands there is\n"
    "                            not run again, so what was killed goes on where it was\n"
    "  --trial-timeout SECONDS   a run that takes longer is killed and tried once more (3600)\n"
    "  --jobs-out FOLDER         runs nothing: makes a folder of jobs, one each run, for run-job\n"
    "                            on any machines, and array.sh, which has Slurm run them\n"
    "  --merge FOLDER            the result of such a folder, which is that of running it here\n"
    "  --quiet                   no progress, even on a terminal\n"
    "  --help, --version\n\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 3 an input cannot be read, 5 result not written.\n";

struct explore {
    const char *sensitivities, *out, *data, *checkpoint, *record_path, *jobs_out, *merge;
    long budget;
    int budget_uniform, confirm, uniform, seeds, epochs, jobs, quiet;
    int found_only; // all results are in the record: nothing is run
    double rate, timeout_s;
    struct sensitivity sens;
    struct front front;
    struct trial_setting setting;
    struct record record;
    struct pool pool;
    struct pool_printer printer;
    // The confirmed points: bits of each, seeds trials for each.
    struct model_bits chosen[MAX_CONFIRM + WIDTHS];
    int is_uniform[MAX_CONFIRM + WIDTHS], chosen_count;
    struct trial *trial;
    char why[WHY_BYTES];
};

enum { MAX_OPTIONS = 32 };

// One row an option of the front; commands of their own have their own table. Returns how many.
static int list_options(struct explore *e, struct option_row row[MAX_OPTIONS])
{
    const struct option_row list[] = {
        {"sensitivities", OPTION_FILE, &e->sensitivities, 0, 0},
        {"out", OPTION_TEXT, &e->out, 0, 0},
        {"budget", OPTION_LONG, &e->budget, 1, 1e15},
        {"budget-uniform", OPTION_COUNT, &e->budget_uniform, WIDTH_MIN, WIDTH_MAX},
        {"confirm", OPTION_COUNT, &e->confirm, 0, MAX_CONFIRM},
        {"uniform", OPTION_FLAG, &e->uniform, 0, 0},
        {"data", OPTION_FILE, &e->data, 0, 0},
        {"float-checkpoint", OPTION_FILE, &e->checkpoint, 0, 0},
        {"seeds", OPTION_COUNT, &e->seeds, 1, MAX_SEEDS},
        {"epochs", OPTION_COUNT, &e->epochs, 0, 100000},
        {"rate", OPTION_NUMBER, &e->rate, 1e-7, 1},
        {"jobs", OPTION_COUNT, &e->jobs, 1, 256},
        {"record", OPTION_TEXT, &e->record_path, 0, 0},
        {"trial-timeout", OPTION_NUMBER, &e->timeout_s, 1, 1e6},
        {"jobs-out", OPTION_TEXT, &e->jobs_out, 0, 0},
        {"merge", OPTION_TEXT, &e->merge, 0, 0},
        {"quiet", OPTION_FLAG, &e->quiet, 0, 0},
    };
    _Static_assert(sizeof list / sizeof list[0] <= MAX_OPTIONS, "room for all options");
    memcpy(row, list, sizeof list);
    return (int)(sizeof list / sizeof list[0]);
}

static int parse(struct explore *e, int argc, char **argv)
{
    struct option_row row[MAX_OPTIONS];
    int rc = options_parse(row, list_options(e, row), usage_text, argc, argv);
    if (rc)
        return rc;
    if (e->merge)
        return e->out ? 0 : complain(EXIT_USAGE, "--merge needs --out");
    if (!e->sensitivities || !(e->out || e->jobs_out))
        return complain(EXIT_USAGE, "--sensitivities and --out are needed");
    if ((e->confirm || e->uniform) && (!e->data || !e->checkpoint))
        return complain(EXIT_USAGE, "--confirm and --uniform need --data and --float-checkpoint");
    if (e->jobs_out && !e->confirm && !e->uniform)
        return complain(EXIT_USAGE, "--jobs-out needs --confirm or --uniform");
    if (e->budget && e->budget_uniform)
        return complain(EXIT_USAGE, "--budget and --budget-uniform exclude each other");
    return 0;
}

// "8" gives e at most 7 bits and y 16, as everywhere.
static int uniform_bits(struct explore *e, int width, struct model_bits *bits)
{
    char text[8];
    snprintf(text, sizeof text, "%d", width);
    return bits_parse(bits, &e->sens.shape, text, e->why, sizeof e->why);
}

// Points evenly apart in log operations, the last one at the end of the front.
static void choose(struct explore *e)
{
    const struct front *f = &e->front;
    const double from = log((double)f->point[0].operations);
    const double to = log((double)f->point[f->count - 1].operations);
    for (int i = 1, last = -1; i <= e->confirm; i++) {
        const double want = from + (to - from) * i / e->confirm;
        int at = f->count - 1;
        while (i < e->confirm && at > 0 && log((double)f->point[at].operations) > want)
            at--;
        if (at == last)
            continue;
        last = at;
        e->chosen[e->chosen_count++] = front_bits(&e->sens, &f->point[at]);
    }
    for (int b = WIDTH_MIN; e->uniform && b <= WIDTH_MAX; b++)
        if (!uniform_bits(e, b, &e->chosen[e->chosen_count]))
            e->is_uniform[e->chosen_count++] = b;
}

// What runs trials from here on, and where their results are kept.
static int open_pool(struct explore *e)
{
    if (trial_setting_open(&e->setting, &e->sens.shape, &e->sens.spec, e->data, e->checkpoint,
                           e->why, sizeof e->why))
        return complain(EXIT_INPUT, "%s", e->why);
    if (e->record_path && record_open(&e->record, e->record_path, e->why, sizeof e->why))
        return complain(EXIT_INPUT, "%s", e->why);
    record_warn(&e->record);
    e->setting.plan.test = 1;
    e->setting.plan.fit.epochs = e->epochs;
    e->setting.plan.fit.rate = e->rate;
    e->pool = (struct pool){.setting = &e->setting,
                            .record = &e->record,
                            .processes = e->jobs,
                            .timeout_s = e->timeout_s,
                            .found_only = e->found_only,
                            .told = e->quiet || !isatty(STDERR_FILENO) ? NULL : pool_print,
                            .context = &e->printer};
    e->printer.unit = e->sens.unit;
    return 0;
}

static int write_jobs(struct explore *e, int trials)
{
    struct option_row row[MAX_OPTIONS];
    const struct jobs_order order = {NULL,   &e->sens, &e->setting,         e->trial,
                                     trials, row,      list_options(e, row)};
    return jobs_command_write(e->jobs_out, &order);
}

static int confirm(struct explore *e)
{
    int rc = open_pool(e);
    if (rc)
        return rc;
    choose(e);
    const int trials = e->chosen_count * e->seeds;
    e->trial = calloc((size_t)trials, sizeof *e->trial);
    if (!e->trial)
        return complain(EXIT_FAILED, "out of memory");
    for (int i = 0; i < trials; i++)
        e->trial[i] =
            (struct trial){.bits = e->chosen[i / e->seeds], .seed = 1 + (uint64_t)(i % e->seeds)};
    if (e->jobs_out)
        return write_jobs(e, trials);
    int left = pool_run(&e->pool, e->trial, trials, e->why, sizeof e->why);
    if (e->pool.told)
        fprintf(stderr, "\r\033[K");
    if (left)
        return complain(EXIT_FAILED, "%d of %d runs without a result: %s", left, trials, e->why);
    return 0;
}

// The plan wants possible shifts; its cycles do not depend on the integers.
static void fill_shifts(struct model *mdl)
{
    struct model_op_info info;
    for (int op = 0; op < MODEL_OPS; op++)
        for (int l = 0; !model_op_describe(&mdl->shape, &mdl->bits, op, l, &info); l++)
            model_op_linear(mdl, op, l)->rq.shift = 1;
    for (int l = 0; l < mdl->shape.layers; l++)
        mdl->layer[l].score_shift = mdl->layer[l].context_shift = 1;
    mdl->pool_shift = 1;
}

// Cycles of one inference on the engine that sevencast-build would plan; null where it plans none.
static json_t *cycles_json(const struct explore *e, const struct model_bits *bits)
{
    struct model *mdl = model_new(&e->sens.shape, bits);
    struct hardware hw;
    char why[WHY_BYTES];
    json_t *result = NULL;
    if (mdl)
        fill_shifts(mdl);
    if (mdl && !hardware_choose(&hw, mdl, NULL, why, sizeof why)) {
        struct plan *p = plan_new(mdl, &hw, why, sizeof why);
        result = p ? json_integer(p->cycles) : NULL;
        plan_free(p);
    }
    model_free(mdl);
    return result ? result : json_null();
}

static json_t *point_json(const struct explore *e, const struct model_bits *bits)
{
    char text[TEXT_BYTES], command[2 * TEXT_BYTES], net[128];
    trial_net_text(&e->sens.shape, net, sizeof net);
    front_text(&e->sens, bits, text, sizeof text);
    snprintf(command, sizeof command,
             "sevencast-train --task-file %s.json --data SERIES.csv --float-checkpoint "
             "FLOAT.safetensors%s --bits %s --epochs-qat %d --rate-qat %g --seeds %d --name NAME "
             "--out DIR",
             e->sens.task, net, text, e->epochs, e->rate, e->seeds);
    return json_pack("{s:I, s:I, s:o, s:s, s:s}", "bit_operations",
                     (json_int_t)bits_operations(bits, &e->sens.shape), "weight_bits",
                     (json_int_t)bits_of_weights(bits, &e->sens.shape), "cycles",
                     cycles_json(e, bits), "bits", text, "command", command);
}

static json_t *finite_or_null(double v)
{
    return isfinite(v) ? json_real(v) : json_null();
}

static json_t *mean_json(const double *v, int count)
{
    double sum = 0;
    for (int i = 0; i < count; i++)
        sum += v[i];
    return finite_or_null(sum / count);
}

static json_t *list_json(const double *v, int count)
{
    json_t *list = json_array();
    for (int i = 0; i < count; i++)
        json_array_append_new(list, finite_or_null(v[i]));
    return list;
}

static json_t *confirmed_json(const struct explore *e, int i)
{
    json_t *point = point_json(e, &e->chosen[i]);
    const struct trial *t = &e->trial[i * e->seeds];
    double validation[MAX_SEEDS], test[MAX_SEEDS];
    for (int s = 0; s < e->seeds; s++) {
        validation[s] = t[s].validation_rmse;
        test[s] = t[s].test_rmse;
    }
    json_object_set_new(point, "uniform",
                        e->is_uniform[i] ? json_integer(e->is_uniform[i]) : json_null());
    json_object_set_new(point, "validation_rmse", mean_json(validation, e->seeds));
    json_object_set_new(point, "runs", list_json(validation, e->seeds));
    json_object_set_new(point, "test",
                        json_pack("{s:o, s:o}", "rmse", mean_json(test, e->seeds), "runs",
                                  list_json(test, e->seeds)));
    return point;
}

static int write_result(const struct explore *e, long limit)
{
    json_t *front = json_array(), *confirmed = json_array();
    const double base = e->sens.base_rmse * e->sens.base_rmse;
    for (int i = 0; i < e->front.count; i++) {
        struct model_bits bits = front_bits(&e->sens, &e->front.point[i]);
        json_t *point = point_json(e, &bits);
        json_object_set_new(point, "predicted_rmse",
                            json_real(sqrt(base + e->front.point[i].added)));
        json_array_append_new(front, point);
    }
    for (int i = 0; i < e->chosen_count; i++)
        json_array_append_new(confirmed, confirmed_json(e, i));
    json_t *root = json_pack("{s:s, s:s, s:s, s:f, s:f, s:o, s:f, s:I, s:i, s:o, s:o}", "task",
                             e->sens.task, "unit", e->sens.unit, "origin", "model", "float_rmse",
                             e->sens.float_rmse, "base_rmse", e->sens.base_rmse, "budget",
                             limit ? json_integer(limit) : json_null(), "combinations",
                             e->front.combinations, "points", (json_int_t)e->front.count, "seeds",
                             e->seeds, "front", front, "confirmed", confirmed);
    int rc = result_write(e->out, root);
    json_decref(root);
    return rc;
}

static void show(const struct explore *e)
{
    printf("%.3g combinations, %d points on the front\n", e->front.combinations, e->front.count);
    printf("%14s %12s %16s\n", "bit operations", "weight bits", "validation RMSE");
    for (int i = 0; i < e->chosen_count; i++) {
        double sum = 0;
        for (int s = 0; s < e->seeds; s++)
            sum += e->trial[i * e->seeds + s].validation_rmse;
        printf("%14ld %12ld %16.5g%s\n", bits_operations(&e->chosen[i], &e->sens.shape),
               bits_of_weights(&e->chosen[i], &e->sens.shape), sum / e->seeds,
               e->is_uniform[i] ? "  uniform" : "");
    }
    if (e->chosen_count)
        pool_report(&e->pool);
}

static const struct explore defaults = {.seeds = 3, .epochs = 100, .rate = 0.002, .record.fd = -1};

static int explore(struct explore *e)
{
    struct model_bits bits;
    if (sensitivity_read(&e->sens, e->sensitivities, e->why, sizeof e->why))
        return complain(EXIT_INPUT, "%s", e->why);
    long limit = e->budget;
    if (e->budget_uniform && !uniform_bits(e, e->budget_uniform, &bits))
        limit = bits_operations(&bits, &e->sens.shape);
    if (front_find(&e->front, &e->sens, limit))
        return complain(EXIT_FAILED, "out of memory");
    if (!e->front.count)
        return complain(EXIT_FAILED, "no widths have at most %ld bit operations", limit);
    int rc = e->confirm || e->uniform ? confirm(e) : EXIT_OK;
    if (rc || e->jobs_out)
        return rc;
    rc = write_result(e, limit);
    if (!rc)
        show(e);
    return rc;
}

static void fini(struct explore *e)
{
    free(e->trial);
    record_close(&e->record);
    trial_setting_close(&e->setting);
    front_free(&e->front);
    sensitivity_free(&e->sens);
}

// The exploration of a folder of jobs once more, from their results.
static int merge(const struct explore *asked, char *argv0)
{
    struct explore e = defaults;
    struct jobs jobs;
    struct jobs_counts counts;
    char **argv = NULL;
    int argc = 0, rc = EXIT_INPUT;
    if (jobs_open(&jobs, asked->merge, e.why, sizeof e.why) ||
        jobs_collect(&jobs, &e.record, &counts, e.why, sizeof e.why)) {
        complain(rc, "%s", e.why);
        goto done;
    }
    printf("%d jobs: %d complete, %d missing, %d failed\n", jobs.count, counts.complete,
           counts.missing, counts.failed);
    if (counts.complete != jobs.count) {
        rc = complain(EXIT_FAILED, "%s: %d jobs have no result", asked->merge,
                      jobs.count - counts.complete);
        goto done;
    }
    argv = jobs_arguments(&jobs, argv0, &argc);
    optind = 0; // another command line is read from its start
    if (argv && jobs_of(&jobs)) {
        rc = strcmp(jobs_of(&jobs), "sensitivities")
                 ? complain(EXIT_INPUT, "%s: jobs of an unknown command", asked->merge)
                 : measure_command(argc, argv, &e.record, asked->out);
        goto done;
    }
    e.out = asked->out;
    rc = argv ? parse(&e, argc, argv) : complain(EXIT_FAILED, "out of memory");
    e.out = asked->out; // whatever the folder says: it came from elsewhere
    e.quiet = asked->quiet;
    e.found_only = 1;
    if (!rc)
        rc = explore(&e);
done:
    fini(&e);
    jobs_free_arguments(argv);
    jobs_close(&jobs);
    return rc;
}

// The option that makes it another command, wherever it stands.
static int asks_for_device(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strncmp(argv[i], "--device", 8) && (!argv[i][8] || argv[i][8] == '='))
            return 1;
    return 0;
}

int main(int argc, char **argv)
{
    struct explore e = defaults;
    if (argc > 1 && !strcmp(argv[1], "run-job"))
        return jobs_command(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "sensitivities"))
        return measure_command(argc - 1, argv + 1, NULL, NULL);
    if (argc > 1 && !strcmp(argv[1], "deploy"))
        return deploy_command(argc - 1, argv + 1);
    if (argc > 1 && !strcmp(argv[1], "compare"))
        return compare_command(argc - 1, argv + 1);
    if (asks_for_device(argc, argv))
        return budget_command(argc, argv);
    int rc = parse(&e, argc, argv);
    if (!rc)
        rc = e.merge ? merge(&e, argv[0]) : explore(&e);
    fini(&e);
    return rc;
}
