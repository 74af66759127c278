// SPDX-License-Identifier: Apache-2.0
// sevencast-explore --device: the front of predicted loss against what an accelerator takes of a
// device, over widths, memories and tiles.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "tools/explore/commands.h"
#include "tools/explore/confirm.h"
#include "tools/explore/cover.h"
#include "tools/explore/options.h"
#include "tools/explore/result.h"
#include "tools/explore/trial.h"

static const char usage_text[] =
    "Usage: sevencast-explore --device DEVICE --sensitivities FILE --out FILE [options]\n\n"
    "Finds the front of predicted validation loss against cycles, energy, LUTs, Block RAMs and\n"
    "DSPs, over the widths of all tensors, tiles and kinds of memory, among what a device has\n"
    "room for. Nothing is synthesised: resources are sevencast-estimate's (origin: model).\n\n"
    "  --device DEVICE           xc7s6, xc7s15, xc7s25 or xc7s50\n"
    "  --sensitivities FILE      what sevencast-explore sensitivities wrote\n"
    "  --out FILE                the result, JSON\n"
    "  --storage KIND            block, distributed, auto, or any: all of them (any)\n"
    "  --max-cycles N            no point that takes more cycles\n"
    "  --spare PERCENT           of LUTs and flip-flops that stay free (10)\n"
    "  --grain PERCENT           LUTs and energy are compared in steps of it (5)\n"
    "  --slack PERCENT           of LUTs that a wider tensor may spare (4): the front is exact\n"
    "                            where none spares more; 0 is faster\n"
    "  --integers DIR            a variant of 8 bits whose integers are priced (drawn ones)\n"
    "  --check N                 price N combinations, random or beside the front, and say how "
    "many\n"
    "                            no point of it is as good as\n"
    "  --confirm N               train N points between the fastest, the smallest and the best "
    "(0)\n"
    "  --data FILE               the series, CSV\n"
    "  --float-checkpoint FILE   the floating-point net that the sensitivities were measured on\n"
    "  --seeds N                 runs of each point (3)\n"
    "  --epochs N, --rate X      of a run (100, 0.002)\n"
    "  --record FILE             results of runs, kept as they come\n"
    "  --trial-timeout SECONDS   a run that takes longer is killed and tried once more (3600)\n"
    "  --jobs N                  processes (one for each core)\n"
    "  --quiet                   no progress, even on a terminal\n"
    "  --help, --version\n\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 3 an input cannot be read,\n"
    "5 result not written.\n";

enum { WHY_BYTES = 512, COMMAND_BYTES = 3000, CHECK_SEED = 1 };

struct budget_run {
    const char *device, *sensitivities, *out, *storage, *integers;
    long max_cycles;
    double spare, grain, slack;
    int check, jobs, quiet, storage_kind;
    struct sensitivity sens;
    struct engine engine[ENGINE_MAX];
    struct search search;
    struct cover cover;
    struct confirm_options confirm;
    json_t *confirmed; // owned, may be NULL
    struct timespec begun;
    char why[WHY_BYTES];
};

static int parse(struct budget_run *r, int argc, char **argv)
{
    const struct option_row row[] = {
        {"device", OPTION_TEXT, &r->device, 0, 0},
        {"sensitivities", OPTION_TEXT, &r->sensitivities, 0, 0},
        {"out", OPTION_TEXT, &r->out, 0, 0},
        {"storage", OPTION_TEXT, &r->storage, 0, 0},
        {"max-cycles", OPTION_LONG, &r->max_cycles, 1, 1e9},
        {"spare", OPTION_NUMBER, &r->spare, 0, 90},
        {"grain", OPTION_NUMBER, &r->grain, 0.01, 50},
        {"slack", OPTION_NUMBER, &r->slack, 0, 50},
        {"integers", OPTION_TEXT, &r->integers, 0, 0},
        {"check", OPTION_COUNT, &r->check, 1, 1000000},
        {"confirm", OPTION_COUNT, &r->confirm.count, 0, CONFIRM_MAX},
        {"data", OPTION_TEXT, &r->confirm.data, 0, 0},
        {"float-checkpoint", OPTION_TEXT, &r->confirm.checkpoint, 0, 0},
        {"seeds", OPTION_COUNT, &r->confirm.seeds, 1, 20},
        {"epochs", OPTION_COUNT, &r->confirm.epochs, 0, 100000},
        {"rate", OPTION_NUMBER, &r->confirm.rate, 1e-7, 1},
        {"record", OPTION_TEXT, &r->confirm.record, 0, 0},
        {"trial-timeout", OPTION_NUMBER, &r->confirm.timeout_s, 1, 1e6},
        {"jobs", OPTION_COUNT, &r->jobs, 1, 256},
        {"quiet", OPTION_FLAG, &r->quiet, 0, 0},
    };
    static const char *const kinds[] = {"block", "distributed", "auto"}; // as hardware_storage
    int rc = options_parse(row, (int)(sizeof row / sizeof row[0]), usage_text, argc, argv);
    if (rc)
        return rc;
    if (!r->sensitivities || !r->out)
        return complain(EXIT_USAGE, "--sensitivities and --out are needed");
    if (r->confirm.count && (!r->confirm.data || !r->confirm.checkpoint))
        return complain(EXIT_USAGE, "--confirm needs --data and --float-checkpoint");
    r->confirm.jobs = r->jobs;
    r->confirm.quiet = r->quiet;
    if (!device_find(r->device))
        return complain(EXIT_USAGE, "--device: '%s' is not xc7s6, xc7s15, xc7s25 or xc7s50",
                        r->device);
    r->storage_kind = strcmp(r->storage, "any") ? -2 : ENGINE_ANY_STORAGE;
    for (int k = 0; k < 3; k++)
        if (!strcmp(r->storage, kinds[k]))
            r->storage_kind = k;
    if (r->storage_kind < ENGINE_ANY_STORAGE)
        return complain(EXIT_USAGE, "--storage: '%s' is not block, distributed, auto or any",
                        r->storage);
    return 0;
}

static double seconds_since(const struct timespec *from)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)(now.tv_sec - from->tv_sec) + 1e-9 * (double)(now.tv_nsec - from->tv_nsec);
}

static void told(void *context, int engines_done, long priced)
{
    struct budget_run *r = context;
    const double so_far = seconds_since(&r->begun);
    fprintf(stderr, "\r%d of %d engines, %ld prices", engines_done, r->search.engines, priced);
    if (engines_done > 0)
        fprintf(stderr, ", about %.0f s left",
                so_far * (r->search.engines - engines_done) / engines_done);
    fprintf(stderr, "\033[K");
}

static int search(struct budget_run *r)
{
    const struct device *device = device_find(r->device);
    struct search *s = &r->search;
    const int shown = !r->quiet && isatty(STDERR_FILENO);
    s->sens = &r->sens;
    s->engine = r->engine;
    s->engines = engine_list(r->engine, &r->sens.shape, device->has[RESOURCE_DSP],
                             device->has[RESOURCE_RAMB18], r->storage_kind);
    budget_init(&s->budget, device, r->spare, r->max_cycles);
    s->integers = r->integers;
    s->grain = r->grain;
    s->slack = r->slack;
    s->jobs = r->jobs ? r->jobs : (int)sysconf(_SC_NPROCESSORS_ONLN);
    struct pricer first; // so that bad integers are told once
    if (pricer_open(&first, &r->sens.shape, r->engine, 1, r->integers, r->why, sizeof r->why))
        return complain(EXIT_INPUT, "%s", r->why);
    pricer_close(&first);
    s->told = shown ? told : NULL;
    s->context = r;
    clock_gettime(CLOCK_MONOTONIC, &r->begun);
    int rc = search_run(s, r->why, sizeof r->why);
    if (shown)
        fprintf(stderr, "\r\033[K");
    if (!rc && r->check)
        rc = cover_check(&r->cover, s, r->check, CHECK_SEED, r->why, sizeof r->why);
    return rc ? complain(EXIT_FAILED, "%s", r->why) : 0;
}

// The commands that make a point's variant and its package.
static json_t *command_json(const struct budget_run *r, const char *bits, json_t *hardware)
{
    char command[COMMAND_BYTES], net[128];
    char *choices = json_dumps(hardware, JSON_COMPACT);
    trial_net_text(&r->sens.shape, net, sizeof net);
    snprintf(command, sizeof command,
             "sevencast-train --task-file %s.json --data SERIES.csv --float-checkpoint "
             "FLOAT.safetensors%s --bits %s --hardware '%s' --seeds 3 --name NAME --out DIR && "
             "sevencast-build DIR --out PACKAGES",
             r->sens.task, net, bits, choices ? choices : "{}");
    free(choices);
    return json_string(command);
}

static json_t *point_json(const struct budget_run *r, const struct search_point *p)
{
    char bits[TRIAL_TEXT_BYTES], engine[128];
    const struct model_bits widths = search_bits(&r->sens, p);
    const struct engine *e = &r->engine[p->engine];
    json_t *hardware = engine_json(e);
    trial_text(&r->sens.shape, &widths, bits, sizeof bits);
    engine_text(e, engine, sizeof engine);
    json_t *command = command_json(r, bits, hardware);
    return json_pack("{s:f, s:I, s:f, s:i, s:i, s:i, s:i, s:i, s:i, s:s, s:s, s:o, s:o}",
                     "predicted_rmse", sqrt(r->sens.base_rmse * r->sens.base_rmse + p->added),
                     "cycles", (json_int_t)p->price.cycles, "energy_uj", p->price.energy_uj, "lut",
                     p->price.lut, "lutram", p->price.lutram, "ff", p->price.ff, "dsp",
                     p->price.dsp, "ramb18", p->price.ramb18, "ramb18_limit", p->price.ramb18_limit,
                     "bits", bits, "engine", engine, "hardware", hardware, "command", command);
}

static json_t *cover_json(const struct budget_run *r)
{
    const struct cover *c = &r->cover;
    if (!r->check)
        return json_null();
    return json_pack("{s:i, s:i, s:i, s:i, s:o, s:i, s:i, s:i}", "seed", CHECK_SEED, "combinations",
                     c->combinations, "held", c->held, "uncovered", c->uncovered, "worst_pct",
                     isfinite(c->worst) ? json_real(c->worst) : json_null(), "widenings",
                     c->widenings, "lut_falls", c->falls, "largest_fall", c->largest_fall);
}

static int write_result(const struct budget_run *r)
{
    const struct search *s = &r->search;
    json_t *front = json_array(), *room = json_object();
    for (int i = 0; i < s->count; i++)
        json_array_append_new(front, point_json(r, &s->point[i]));
    for (int i = 0; i < RESOURCES; i++)
        json_object_set_new(room, resource_name((enum resource)i), json_integer(s->budget.room[i]));
    json_t *root = json_pack(
        "{s:s, s:s, s:s, s:s, s:f, s:f, s:s, s:f, s:o, s:o, s:f, s:f, s:s, s:i, s:f, s:I, s:I, "
        "s:i, "
        "s:o, s:o, s:o}",
        "task", r->sens.task, "unit", r->sens.unit, "origin", "model", "integers",
        r->integers ? "of a variant" : "drawn", "float_rmse", r->sens.float_rmse, "base_rmse",
        r->sens.base_rmse, "device", r->device, "spare_pct", r->spare, "room", room, "max_cycles",
        r->max_cycles ? json_integer(r->max_cycles) : json_null(), "grain_pct", r->grain,
        "slack_pct", r->slack, "storage", r->storage, "engines", s->engines, "combinations",
        s->combinations, "priced", (json_int_t)s->priced, "boxes", (json_int_t)s->boxes, "points",
        s->count, "check", cover_json(r), "confirmed",
        r->confirmed ? json_incref(r->confirmed) : json_array(), "front", front);
    int rc = result_write(r->out, root);
    json_decref(root);
    return rc;
}

static void show_point(const struct budget_run *r, const struct search_point *p, const char *what)
{
    const struct price *c = &p->price;
    printf("%14.5g %8ld %8.2f %6d %4d %4d  %s\n",
           sqrt(r->sens.base_rmse * r->sens.base_rmse + p->added), c->cycles, c->energy_uj, c->lut,
           c->dsp, c->ramb18, what);
}

static void show(const struct budget_run *r)
{
    const struct search *s = &r->search;
    const struct search_point *fastest = s->point, *smallest = s->point;
    printf("%.3g combinations of widths and %d engines, %ld priced, %d points within %s less "
           "%g %%\n",
           s->combinations, s->engines, s->priced, s->count, r->device, r->spare);
    for (int i = 1; i < s->count; i++) {
        if (s->point[i].price.cycles < fastest->price.cycles)
            fastest = &s->point[i];
        if (s->point[i].price.lut < smallest->price.lut)
            smallest = &s->point[i];
    }
    printf("%14s %8s %8s %6s %4s %4s  origin: model\n", "predicted RMSE", "cycles", "uJ", "LUT",
           "DSP", "RAMB");
    show_point(r, s->point, "least loss");
    show_point(r, fastest, "fewest cycles, least loss of these");
    show_point(r, smallest, "fewest LUTs, least loss of these");
    if (r->confirmed)
        printf("%zu points trained\n", json_array_size(r->confirmed));
    if (!r->check)
        return;
    printf("%d of %d other combinations that fit are not covered", r->cover.uncovered,
           r->cover.held);
    if (isfinite(r->cover.worst))
        printf(", the worst by %.1f %% of LUTs or energy", r->cover.worst);
    printf("\n");
}

int budget_command(int argc, char **argv)
{
    struct budget_run r = {
        .storage = "any",
        .spare = 10,
        .grain = 5,
        .slack = 4,
        .confirm = {.seeds = 3, .epochs = 100, .rate = 0.002, .timeout_s = 3600}};
    int rc = parse(&r, argc, argv);
    if (rc)
        return rc;
    if (sensitivity_read(&r.sens, r.sensitivities, r.why, sizeof r.why))
        return complain(EXIT_INPUT, "%s", r.why);
    rc = search(&r);
    if (!rc && !r.search.count)
        rc = complain(EXIT_FAILED, "nothing fits %s", r.device);
    if (!rc && r.confirm.count)
        r.confirmed = confirm_run(&r.confirm, &r.search, &rc);
    if (!rc)
        rc = write_result(&r);
    if (!rc)
        show(&r);
    json_decref(r.confirmed);
    search_free(&r.search);
    sensitivity_free(&r.sens);
    return rc;
}
