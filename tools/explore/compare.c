// SPDX-License-Identifier: Apache-2.0
// sevencast-explore compare: the explorer's points against uniform widths, random search and
// NSGA-II, with the same number of trials each.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/explore/commands.h"
#include "tools/explore/front.h"
#include "tools/explore/nsga.h"
#include "tools/explore/options.h"
#include "tools/explore/pareto.h"
#include "tools/explore/pool.h"
#include "tools/model/model_random.h"
#include "tools/train/bits.h"

static const char usage_text[] =
    "Usage: sevencast-explore compare --sensitivities FILE --data FILE --float-checkpoint FILE\n"
    "           --out FILE [options]\n\n"
    "Looks for widths of small loss and few bit operations in four ways, with the same number of\n"
    "trials each: points of the exact front (the trials of the sensitivities count), the uniform\n"
    "widths 2 to 8 with seed after seed, random widths, and NSGA-II whose first population holds "
    "the\n"
    "uniform widths. A trial is a quantised training judged by the golden integers on the "
    "validation\n"
    "part. Says the volume that each way's trials dominate, and the best widths within the bit\n"
    "operations of uniform 3 to 6 bits, trained again with seeds that chose nothing.\n\n"
    "  --sensitivities FILE      what sevencast-explore sensitivities wrote\n"
    "  --data FILE               the series, CSV\n"
    "  --float-checkpoint FILE   the floating-point net that the sensitivities were measured on\n"
    "  --out FILE                the result, JSON\n"
    "  --trials N                of each way (those of the sensitivities and 50)\n"
    "  --epochs N, --rate X      of a trial (as the sensitivities', 0.002)\n"
    "  --fresh N                 seeds that train the best ones again (3)\n"
    "  --population N            of NSGA-II, even (20)\n"
    "  --seed N                  of random search and NSGA-II (1)\n"
    "  --jobs N                  processes (one for each core)\n"
    "  --record FILE             results of trials, kept as they come\n"
    "  --trial-timeout SECONDS   a trial that takes longer is killed and tried once more (3600)\n"
    "  --quiet                   no progress, even on a terminal\n"
    "  --help, --version\n\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 3 an input cannot be read, 5 result not written.\n";

enum way { EXPLORER, UNIFORM, RANDOM, NSGA, WAYS };
static const char *const way_names[WAYS] = {"explorer", "uniform", "random", "nsga2"};
enum { WHY_BYTES = 512, LEAST_POINTS = 5, FIRST_FRESH_SEED = 1001, FROM_BUDGET = 3, BUDGETS = 4 };
static const double worst_loss = 1.25; // of the float RMSE: the volume's far corner

struct finalist {
    int trial; // of its way; -1: none within the budget
    double validation, test;
};

struct compare_run {
    const char *sensitivities, *data, *checkpoint, *out, *record_path;
    int trials, epochs, fresh, population, seed, jobs, quiet;
    double rate, timeout_s;
    struct sensitivity sens;
    int sens_trials;
    struct front front;
    struct trial_setting setting;
    struct record record;
    struct pool pool;
    struct trial *trial[WAYS]; // owned
    int count[WAYS];           // without the trials of the sensitivities
    enum way under_way;
    double volume[WAYS];
    struct finalist finalist[WAYS][BUDGETS];
    int level[TRIAL_MAX_TENSORS][WIDTHS], levels[TRIAL_MAX_TENSORS]; // genes
    char why[WHY_BYTES];
};

static int parse(struct compare_run *r, int argc, char **argv)
{
    const struct option_row row[] = {
        {"sensitivities", OPTION_TEXT, &r->sensitivities, 0, 0},
        {"data", OPTION_TEXT, &r->data, 0, 0},
        {"float-checkpoint", OPTION_TEXT, &r->checkpoint, 0, 0},
        {"out", OPTION_TEXT, &r->out, 0, 0},
        {"trials", OPTION_COUNT, &r->trials, 1, 100000},
        {"epochs", OPTION_COUNT, &r->epochs, 1, 100000},
        {"rate", OPTION_NUMBER, &r->rate, 1e-7, 1},
        {"fresh", OPTION_COUNT, &r->fresh, 1, 100},
        {"population", OPTION_COUNT, &r->population, 4, 1000},
        {"seed", OPTION_COUNT, &r->seed, 0, 1000000000},
        {"jobs", OPTION_COUNT, &r->jobs, 1, POOL_MAX_PROCESSES},
        {"record", OPTION_TEXT, &r->record_path, 0, 0},
        {"trial-timeout", OPTION_NUMBER, &r->timeout_s, 1, 1e6},
        {"quiet", OPTION_FLAG, &r->quiet, 0, 0},
    };
    int rc = options_parse(row, (int)(sizeof row / sizeof row[0]), usage_text, argc, argv);
    if (rc)
        return rc;
    if (!r->sensitivities || !r->data || !r->checkpoint || !r->out)
        return complain(EXIT_USAGE,
                        "--sensitivities, --data, --float-checkpoint and --out are needed");
    if (r->population % 2)
        return complain(EXIT_USAGE, "--population: %d is odd", r->population);
    return 0;
}

static int read_inputs(struct compare_run *r)
{
    if (sensitivity_read(&r->sens, r->sensitivities, r->why, sizeof r->why))
        return complain(EXIT_INPUT, "%s", r->why);
    r->sens_trials = (int)json_integer_value(json_object_get(r->sens.root, "trials"));
    if (!r->epochs)
        r->epochs = (int)json_integer_value(json_object_get(r->sens.root, "epochs"));
    if (r->sens_trials < 1 || r->epochs < 1)
        return complain(EXIT_INPUT, "%s: no trials and epochs", r->sensitivities);
    if (!r->trials)
        r->trials = r->sens_trials + 50;
    if (r->trials < r->sens_trials + LEAST_POINTS || r->trials < r->population)
        return complain(EXIT_USAGE,
                        "--trials: at least %d and the population: %d are the "
                        "sensitivities'",
                        r->sens_trials + LEAST_POINTS, r->sens_trials);
    if (front_find(&r->front, &r->sens, 0))
        return complain(EXIT_FAILED, "out of memory");
    for (int t = 0; t < r->sens.tensors; t++)
        for (int b = WIDTH_MIN; b <= WIDTH_MAX; b++)
            if (isfinite(r->sens.added[t][b]))
                r->level[t][r->levels[t]++] = b;
    return 0;
}

static void told(void *context, const struct pool_progress *p)
{
    const struct compare_run *r = context;
    if (r->quiet || !isatty(STDERR_FILENO))
        return;
    fprintf(stderr, "\r%s: %d of %d trials", way_names[r->under_way], p->done, p->total);
    if (p->left_s >= 0)
        fprintf(stderr, ", %.0f s left", p->left_s);
    fprintf(stderr, "\033[K");
}

static int open_pool(struct compare_run *r)
{
    if (trial_setting_open(&r->setting, &r->sens.shape, &r->sens.spec, r->data, r->checkpoint,
                           r->why, sizeof r->why))
        return complain(EXIT_INPUT, "%s", r->why);
    if (r->record_path && record_open(&r->record, r->record_path, r->why, sizeof r->why))
        return complain(EXIT_INPUT, "%s", r->why);
    r->setting.plan.test = 1;
    r->setting.plan.fit.epochs = r->epochs;
    r->setting.plan.fit.rate = r->rate;
    r->pool = (struct pool){.setting = &r->setting,
                            .record = &r->record,
                            .processes = r->jobs,
                            .timeout_s = r->timeout_s,
                            .told = told,
                            .context = r};
    for (int w = 0; w < WAYS; w++) {
        r->trial[w] = calloc((size_t)r->trials, sizeof **r->trial);
        if (!r->trial[w])
            return complain(EXIT_FAILED, "out of memory");
    }
    return 0;
}

static int run(struct compare_run *r, struct trial *trial, int count)
{
    int left = pool_run(&r->pool, trial, count, r->why, sizeof r->why);
    if (left)
        return complain(EXIT_FAILED, "%d of %d trials without a result: %s", left, count, r->why);
    return 0;
}

static struct model_bits uniform_bits(const struct compare_run *r, int width)
{
    struct model_bits bits;
    char text[8], why[128];
    snprintf(text, sizeof text, "%d", width);
    if (bits_parse(&bits, &r->sens.shape, text, why, sizeof why))
        abort(); // widths 2 to 8 are always allowed
    return bits;
}

static double operations(const struct compare_run *r, const struct model_bits *bits)
{
    return (double)bits_operations(bits, &r->sens.shape);
}

// Points of the front evenly apart in log operations from uniform 2's to uniform 8's.
static int explorer(struct compare_run *r)
{
    const struct front *f = &r->front;
    const struct model_bits least = uniform_bits(r, WIDTH_MIN), most = uniform_bits(r, WIDTH_MAX);
    const double from = log(operations(r, &least)), to = log(operations(r, &most));
    const int count = r->trials - r->sens_trials;
    for (int i = 0; i < count; i++) {
        const double want = from + (to - from) * i / (count - 1);
        int at = 0;
        while (at + 1 < f->count && log((double)f->point[at + 1].operations) <= want)
            at++;
        r->trial[EXPLORER][i] =
            (struct trial){.bits = front_bits(&r->sens, &f->point[at]), .seed = 1};
    }
    // points that come twice get the next seed
    for (int i = 1; i < count; i++)
        if (!memcmp(&r->trial[EXPLORER][i].bits, &r->trial[EXPLORER][i - 1].bits,
                    sizeof r->trial[EXPLORER][i].bits))
            r->trial[EXPLORER][i].seed = r->trial[EXPLORER][i - 1].seed + 1;
    r->count[EXPLORER] = count;
    return run(r, r->trial[EXPLORER], count);
}

static int uniform(struct compare_run *r)
{
    const int widths = WIDTH_MAX - WIDTH_MIN + 1;
    for (int i = 0; i < r->trials; i++)
        r->trial[UNIFORM][i] = (struct trial){.bits = uniform_bits(r, WIDTH_MIN + i % widths),
                                              .seed = 1 + (uint64_t)(i / widths)};
    r->count[UNIFORM] = r->trials;
    return run(r, r->trial[UNIFORM], r->trials);
}

static struct model_bits bits_of_genes(const struct compare_run *r, const unsigned char *gene)
{
    struct model_bits bits = {.y = 16};
    for (int t = 0; t < r->sens.tensors; t++)
        *trial_width(&r->sens.shape, &bits, t) = r->level[t][gene[t]];
    return bits;
}

static int random_search(struct compare_run *r)
{
    struct model_rng random = {(uint64_t)r->seed};
    for (int i = 0; i < r->trials; i++) {
        unsigned char gene[NSGA_GENES] = {0};
        for (int t = 0; t < r->sens.tensors; t++)
            gene[t] = (unsigned char)model_rng_range(&random, 0, r->levels[t] - 1);
        r->trial[RANDOM][i] = (struct trial){.bits = bits_of_genes(r, gene), .seed = 1};
    }
    r->count[RANDOM] = r->trials;
    return run(r, r->trial[RANDOM], r->trials);
}

static int judge_batch(void *context, struct nsga_individual *batch, int count)
{
    struct compare_run *r = context;
    struct trial *trial = r->trial[NSGA] + r->count[NSGA];
    for (int i = 0; i < count; i++)
        trial[i] = (struct trial){.bits = bits_of_genes(r, batch[i].gene), .seed = 1};
    if (run(r, trial, count))
        return -1;
    for (int i = 0; i < count; i++) {
        batch[i].objective[0] = operations(r, &trial[i].bits);
        batch[i].objective[1] = trial[i].validation_rmse;
    }
    r->count[NSGA] += count;
    return 0;
}

// The widest measured level of each tensor within a uniform width.
static void genes_of_uniform(const struct compare_run *r, int width, unsigned char *gene)
{
    for (int t = 0; t < r->sens.tensors; t++)
        for (int i = 0; i < r->levels[t] && (i == 0 || r->level[t][i] <= width); i++)
            gene[t] = (unsigned char)i;
}

static int genetic(struct compare_run *r)
{
    struct nsga_individual first[WIDTHS] = {{{0}, {0}, 0, 0}};
    struct nsga n = {.genes = r->sens.tensors,
                     .objectives = 2,
                     .population = r->population,
                     .evaluations = r->trials,
                     .seed = (uint64_t)r->seed,
                     .first = first,
                     .evaluate = judge_batch,
                     .context = r};
    struct nsga_individual *all = calloc((size_t)n.evaluations, sizeof *all);
    struct nsga_individual *front = calloc((size_t)n.population, sizeof *front);
    for (int t = 0; t < n.genes; t++)
        n.levels[t] = r->levels[t];
    for (int b = WIDTH_MIN; b <= WIDTH_MAX && n.firsts < n.population; b++)
        genes_of_uniform(r, b, first[n.firsts++].gene);
    const int found = all && front ? nsga_run(&n, all, front) : -1;
    free(all);
    free(front);
    return found < 0 ? EXIT_FAILED : 0;
}

static void fill_points(const struct compare_run *r, enum way w, struct pareto_point *p)
{
    for (int i = 0; i < r->count[w]; i++)
        p[i] = (struct pareto_point){operations(r, &r->trial[w][i].bits),
                                     r->trial[w][i].validation_rmse};
}

// The finalists' fresh seeds, all ways and budgets in one batch.
static int train_finalists(struct compare_run *r)
{
    struct trial *trial = calloc((size_t)(WAYS * BUDGETS * r->fresh), sizeof *trial);
    int count = 0;
    if (!trial)
        return complain(EXIT_FAILED, "out of memory");
    for (int w = 0; w < WAYS; w++)
        for (int b = 0; b < BUDGETS; b++)
            for (int s = 0; s < r->fresh && r->finalist[w][b].trial >= 0; s++)
                trial[count++] = (struct trial){.bits = r->trial[w][r->finalist[w][b].trial].bits,
                                                .seed = FIRST_FRESH_SEED + (uint64_t)s};
    int rc = run(r, trial, count), at = 0;
    for (int w = 0; w < WAYS && !rc; w++)
        for (int b = 0; b < BUDGETS; b++) {
            struct finalist *f = &r->finalist[w][b];
            for (int s = 0; s < r->fresh && f->trial >= 0; s++, at++) {
                f->validation += trial[at].validation_rmse / r->fresh;
                f->test += trial[at].test_rmse / r->fresh;
            }
        }
    free(trial);
    return rc;
}

static int judge(struct compare_run *r)
{
    struct pareto_point *p = calloc((size_t)r->trials, sizeof *p);
    const struct model_bits least = uniform_bits(r, WIDTH_MIN), most = uniform_bits(r, WIDTH_MAX);
    const struct pareto_point best = {log(operations(r, &least)), 0.95 * r->sens.float_rmse};
    const struct pareto_point worst = {log(operations(r, &most)), worst_loss * r->sens.float_rmse};
    if (!p)
        return complain(EXIT_FAILED, "out of memory");
    for (int w = 0; w < WAYS; w++) {
        fill_points(r, (enum way)w, p);
        for (int b = 0; b < BUDGETS; b++) {
            const struct model_bits budget = uniform_bits(r, FROM_BUDGET + b);
            r->finalist[w][b].trial = pareto_best(p, r->count[w], operations(r, &budget));
        }
        for (int i = 0; i < r->count[w]; i++)
            p[i].cost = log(p[i].cost);
        r->volume[w] = pareto_volume(p, r->count[w], best, worst);
    }
    free(p);
    return train_finalists(r);
}

static json_t *number(double value)
{
    return isfinite(value) ? json_real(value) : json_null();
}

static json_t *finalist_json(const struct compare_run *r, enum way w, int b)
{
    const struct finalist *f = &r->finalist[w][b];
    const struct model_bits budget = uniform_bits(r, FROM_BUDGET + b);
    char bits[TRIAL_TEXT_BYTES];
    json_t *object = json_pack("{s:i, s:I}", "uniform", FROM_BUDGET + b, "budget",
                               (json_int_t)operations(r, &budget));
    if (f->trial < 0)
        return object;
    const struct trial *t = &r->trial[w][f->trial];
    trial_text(&r->sens.shape, &t->bits, bits, sizeof bits);
    json_object_set_new(object, "bits", json_string(bits));
    json_object_set_new(object, "bit_operations",
                        json_integer((json_int_t)operations(r, &t->bits)));
    json_object_set_new(object, "validation_rmse", number(t->validation_rmse));
    json_object_set_new(object, "fresh_validation_rmse", number(f->validation));
    json_object_set_new(object, "fresh_test_rmse", number(f->test));
    return object;
}

static json_t *way_json(const struct compare_run *r, enum way w)
{
    json_t *points = json_array(), *budgets = json_array();
    for (int i = 0; i < r->count[w]; i++)
        json_array_append_new(points,
                              json_pack("[I, o]", (json_int_t)operations(r, &r->trial[w][i].bits),
                                        number(r->trial[w][i].validation_rmse)));
    for (int b = 0; b < BUDGETS; b++)
        json_array_append_new(budgets, finalist_json(r, w, b));
    return json_pack("{s:s, s:i, s:i, s:f, s:o, s:o}", "way", way_names[w], "trials", r->trials,
                     "of_sensitivities", w == EXPLORER ? r->sens_trials : 0, "volume_pct",
                     100 * r->volume[w], "budgets", budgets, "points", points);
}

static int write_result(const struct compare_run *r)
{
    json_t *ways = json_array();
    for (int w = 0; w < WAYS; w++)
        json_array_append_new(ways, way_json(r, (enum way)w));
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:f, s:f, s:i, s:f, s:i, s:i, s:i, s:i, s:f, s:o}", "task", r->sens.task,
        "unit", r->sens.unit, "origin", "model", "float_rmse", r->sens.float_rmse, "base_rmse",
        r->sens.base_rmse, "epochs", r->epochs, "rate", r->rate, "trials", r->trials, "seed",
        r->seed, "fresh", r->fresh, "ran", r->pool.ran, "seconds", r->pool.seconds, "ways", ways);
    int rc = root ? json_dump_file(root, r->out, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : -1;
    json_decref(root);
    return rc ? complain(EXIT_WRITE, "%s: not written", r->out) : 0;
}

static void show(const struct compare_run *r)
{
    printf("%d trials each; validation RMSE (%s) of the best within the bit operations of uniform "
           "bits, mean of %d fresh seeds; origin: model\n%10s %8s",
           r->trials, r->sens.unit, r->fresh, "", "volume");
    for (int b = 0; b < BUDGETS; b++)
        printf("%10d", FROM_BUDGET + b);
    printf("\n");
    for (int w = 0; w < WAYS; w++) {
        printf("%10s %6.2f %%", way_names[w], 100 * r->volume[w]);
        for (int b = 0; b < BUDGETS; b++)
            if (r->finalist[w][b].trial >= 0)
                printf("%10.5g", r->finalist[w][b].validation);
            else
                printf("%10s", "-");
        printf("\n");
    }
}

int compare_command(int argc, char **argv)
{
    struct compare_run *r = calloc(1, sizeof *r);
    if (!r)
        return complain(EXIT_FAILED, "out of memory");
    static int (*const search[WAYS])(struct compare_run *) = {explorer, uniform, random_search,
                                                              genetic};
    *r = (struct compare_run){
        .rate = 0.002, .fresh = 3, .population = 20, .seed = 1, .timeout_s = 3600};
    record_init(&r->record);
    int rc = parse(r, argc, argv);
    if (!rc)
        rc = read_inputs(r);
    if (!rc)
        rc = open_pool(r);
    for (int w = 0; w < WAYS && !rc; w++) {
        r->under_way = (enum way)w;
        rc = search[w](r);
    }
    if (!rc)
        rc = judge(r);
    if (!r->quiet && isatty(STDERR_FILENO))
        fprintf(stderr, "\r\033[K");
    if (!rc)
        rc = write_result(r);
    if (!rc)
        show(r);
    for (int w = 0; w < WAYS; w++)
        free(r->trial[w]);
    record_close(&r->record);
    trial_setting_close(&r->setting);
    front_free(&r->front);
    sensitivity_free(&r->sens);
    free(r);
    return rc;
}
