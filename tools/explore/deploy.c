// SPDX-License-Identifier: Apache-2.0
// sevencast-explore deploy: which shapes fit a device with uniform widths and one kind of memory,
// and which with mixed widths and chosen memories.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tools/explore/commands.h"
#include "tools/explore/options.h"
#include "tools/explore/search.h"
#include "tools/explore/trial.h"
#include "tools/train/bits.h"

static const char usage_text[] =
    "Usage: sevencast-explore deploy --sensitivities FILE --out FILE [options]\n\n"
    "A table of windows of 6, 12 and 24 rows and d_model of 8, 16, 32 and 64: does a net of 8, 6 "
    "or\n"
    "4 bits everywhere fit the device with all memories in Block RAM or all in LUTs, and if not, "
    "what\n"
    "is too much; then with each memory where it is cheapest, and with mixed widths as well. "
    "Widths are\n"
    "chosen by the sensitivities of the file, whatever the shape they were measured on: predicted\n"
    "losses of other shapes are a guide, not a result. Origin of all figures: model.\n\n"
    "  --sensitivities FILE      what sevencast-explore sensitivities wrote\n"
    "  --out FILE                the result, JSON\n"
    "  --device DEVICE           xc7s6, xc7s15, xc7s25 or xc7s50 (xc7s15)\n"
    "  --spare PERCENT           of LUTs and flip-flops that stay free (10)\n"
    "  --jobs N                  processes (one for each core)\n"
    "  --quiet                   no progress, even on a terminal\n"
    "  --help, --version\n\n"
    "Exit codes: 0 done, 1 failed, 2 usage, 3 an input cannot be read, 5 result not written.\n";

enum { WHY_BYTES = 512, KINDS = 3, UNIFORMS = 3, WINDOWS = 3, MODELS = 4 };
static const int windows[WINDOWS] = {6, 12, 24}, models[MODELS] = {8, 16, 32, 64};
static const int uniforms[UNIFORMS] = {8, 6, 4};

// A uniform width with one kind of memory.
struct placed {
    int fits, planned;
    struct engine engine;
    struct price price; // where it was planned
    char why[160];
};

// Mixed widths of the least predicted loss, with chosen memories.
struct mixed {
    int found;
    struct search_point point;
    struct engine engine;
};

struct shape_result {
    struct model_shape shape;
    struct placed planner[UNIFORMS][KINDS]; // with the tile that the planner chooses
    struct placed any[UNIFORMS][KINDS];     // with the fastest tile that fits, or the smallest
    struct mixed mixed, slow; // no slower than 8 bits with the planner's tile; at any speed
};

struct deploy_run {
    const char *sensitivities, *out, *device;
    double spare;
    int jobs, quiet;
    struct sensitivity sens; // its shape is that under way
    struct budget budget;
    struct shape_result shape[WINDOWS * MODELS];
    int shapes;
    char why[WHY_BYTES];
};

static int parse(struct deploy_run *r, int argc, char **argv)
{
    const struct option_row row[] = {
        {"sensitivities", OPTION_TEXT, &r->sensitivities, 0, 0},
        {"out", OPTION_TEXT, &r->out, 0, 0},
        {"device", OPTION_TEXT, &r->device, 0, 0},
        {"spare", OPTION_NUMBER, &r->spare, 0, 90},
        {"jobs", OPTION_COUNT, &r->jobs, 1, 256},
        {"quiet", OPTION_FLAG, &r->quiet, 0, 0},
    };
    int rc = options_parse(row, (int)(sizeof row / sizeof row[0]), usage_text, argc, argv);
    if (rc)
        return rc;
    if (!r->sensitivities || !r->out)
        return complain(EXIT_USAGE, "--sensitivities and --out are needed");
    if (!device_find(r->device))
        return complain(EXIT_USAGE, "--device: '%s' is not xc7s6, xc7s15, xc7s25 or xc7s50",
                        r->device);
    return 0;
}

static int uniform_bits(const struct deploy_run *r, int width, struct model_bits *bits)
{
    char text[8], why[128];
    snprintf(text, sizeof text, "%d", width);
    return bits_parse(bits, &r->sens.shape, text, why, sizeof why);
}

// A fitting one is better than one that does not fit, then the faster one; else the smaller one.
static int better(const struct placed *a, const struct placed *b)
{
    if (a->fits != b->fits || a->planned != b->planned)
        return a->fits > b->fits || (a->fits == b->fits && a->planned > b->planned);
    return a->fits ? a->price.cycles < b->price.cycles : a->price.lut < b->price.lut;
}

// Fills in one engine's answer. 0, or -1.
static int place(struct deploy_run *r, struct pricer *p, const struct model_bits *bits, int engine,
                 struct placed *x)
{
    *x = (struct placed){.engine = p->engine[engine]};
    int rc = pricer_price(p, bits, engine, &x->price, r->why, sizeof r->why);
    if (rc < 0)
        return -1;
    x->planned = rc == 0;
    x->fits = x->planned && budget_holds(&r->budget, &x->price);
    if (x->planned)
        budget_explain(&r->budget, &x->price, x->why, sizeof x->why);
    else
        snprintf(x->why, sizeof x->why, "%s", r->why);
    return 0;
}

// With all memories in LUTs, the constants of channels may still take Block RAM, as in a manifest.
static int list_tiles(struct deploy_run *r, struct engine list[ENGINE_MAX], int kind)
{
    const struct device *device = r->budget.device;
    int count = engine_list(list, &r->sens.shape, device->has[RESOURCE_DSP],
                            device->has[RESOURCE_RAMB18], kind);
    for (int i = 0; i < count; i++)
        if (kind == STORAGE_DISTRIBUTED)
            list[i].ramb18 = HARDWARE_RAMB18;
    return count;
}

static int place_anywhere(struct deploy_run *r, const struct model_bits *bits, int kind,
                          struct placed *best)
{
    struct engine list[ENGINE_MAX];
    struct pricer p;
    const int count = list_tiles(r, list, kind);
    int rc = pricer_open(&p, &r->sens.shape, list, count, NULL, r->why, sizeof r->why);
    for (int i = 0, any = 0; !rc && i < count; i++) {
        struct placed x;
        rc = place(r, &p, bits, i, &x);
        if (!rc && (!any++ || better(&x, best)))
            *best = x;
    }
    pricer_close(&p);
    return rc;
}

static int place_by_planner(struct deploy_run *r, const struct model_bits *bits, int kind,
                            struct placed *x)
{
    struct engine e;
    struct pricer p;
    if (engine_default(&e, &r->sens.shape, bits, (enum hardware_storage)kind))
        return -1;
    int rc = pricer_open(&p, &r->sens.shape, &e, 1, NULL, r->why, sizeof r->why);
    if (!rc)
        rc = place(r, &p, bits, 0, x);
    x->engine = e;
    pricer_close(&p);
    return rc;
}

// The least predicted loss that fits within so many cycles, 0: any number.
static int search_mixed(struct deploy_run *r, long max_cycles, struct mixed *x)
{
    struct engine list[ENGINE_MAX];
    struct search s = {.sens = &r->sens,
                       .engine = list,
                       .budget = r->budget,
                       .grain = 5,
                       .slack = 4,
                       .least_loss = 1};
    s.engines = list_tiles(r, list, STORAGE_AUTO);
    s.budget.max_cycles = max_cycles;
    s.jobs = r->jobs ? r->jobs : (int)sysconf(_SC_NPROCESSORS_ONLN);
    if (search_run(&s, r->why, sizeof r->why))
        return -1;
    x->found = s.count > 0;
    if (x->found) {
        x->point = s.point[0];
        x->engine = list[s.point[0].engine];
    }
    search_free(&s);
    return 0;
}

static int judge(struct deploy_run *r, int window, int d_model)
{
    struct shape_result *x = &r->shape[r->shapes];
    r->sens.shape.window = window;
    r->sens.shape.d_model = d_model;
    r->sens.shape.d_ff = 4 * d_model;
    x->shape = r->sens.shape;
    for (int u = 0; u < UNIFORMS; u++) {
        struct model_bits bits;
        if (uniform_bits(r, uniforms[u], &bits))
            return -1;
        for (int kind = 0; kind < KINDS; kind++)
            if (place_by_planner(r, &bits, kind, &x->planner[u][kind]) ||
                place_anywhere(r, &bits, kind, &x->any[u][kind]))
                return -1;
    }
    r->shapes++;
    const long cycles = x->planner[0][STORAGE_AUTO].price.cycles;
    return search_mixed(r, cycles, &x->mixed) || search_mixed(r, 0, &x->slow) ? -1 : 0;
}

static json_t *price_json(const struct price *p)
{
    return json_pack("{s:I, s:f, s:i, s:i, s:i, s:i, s:i}", "cycles", (json_int_t)p->cycles,
                     "energy_uj", p->energy_uj, "lut", p->lut, "lutram", p->lutram, "ff", p->ff,
                     "dsp", p->dsp, "ramb18", p->ramb18);
}

static json_t *placed_json(const struct placed *x)
{
    char text[128];
    json_t *object = x->planned ? price_json(&x->price) : json_object();
    engine_text(&x->engine, text, sizeof text);
    json_object_set_new(object, "fits", json_boolean(x->fits));
    json_object_set_new(object, "why", json_string(x->why));
    json_object_set_new(object, "engine", json_string(text));
    return object;
}

static double above_base(const struct deploy_run *r, const struct mixed *x)
{
    const double base = r->sens.base_rmse;
    return 100 * (sqrt(base * base + x->point.added) / base - 1);
}

static json_t *mixed_json(const struct deploy_run *r, const struct shape_result *of,
                          const struct mixed *x)
{
    char bits[TRIAL_TEXT_BYTES], engine[128];
    if (!x->found)
        return json_null();
    const struct model_bits widths = search_bits(&r->sens, &x->point);
    json_t *object = price_json(&x->point.price);
    trial_text(&of->shape, &widths, bits, sizeof bits);
    engine_text(&x->engine, engine, sizeof engine);
    json_object_set_new(object, "predicted_pct", json_real(above_base(r, x)));
    json_object_set_new(object, "bits", json_string(bits));
    json_object_set_new(object, "engine", json_string(engine));
    json_object_set_new(object, "hardware", engine_json(&x->engine));
    return object;
}

static json_t *shape_json(const struct deploy_run *r, const struct shape_result *x)
{
    json_t *uniform = json_array();
    for (int u = 0; u < UNIFORMS; u++)
        for (int kind = 0; kind < KINDS; kind++)
            json_array_append_new(uniform,
                                  json_pack("{s:i, s:s, s:o, s:o}", "bits", uniforms[u], "storage",
                                            hardware_storage_name((enum hardware_storage)kind),
                                            "planner", placed_json(&x->planner[u][kind]), "any",
                                            placed_json(&x->any[u][kind])));
    return json_pack("{s:i, s:i, s:i, s:i, s:o, s:o, s:o}", "window", x->shape.window, "d_model",
                     x->shape.d_model, "d_ff", x->shape.d_ff, "features", x->shape.features,
                     "uniform", uniform, "mixed", mixed_json(r, x, &x->mixed), "mixed_any_speed",
                     mixed_json(r, x, &x->slow));
}

static int write_result(const struct deploy_run *r)
{
    json_t *shapes = json_array(), *room = json_object();
    for (int i = 0; i < r->shapes; i++)
        json_array_append_new(shapes, shape_json(r, &r->shape[i]));
    for (int i = 0; i < RESOURCES; i++)
        json_object_set_new(room, resource_name((enum resource)i), json_integer(r->budget.room[i]));
    json_t *root = json_pack("{s:s, s:s, s:f, s:o, s:s, s:o}", "origin", "model", "device",
                             r->device, "spare_pct", r->spare, "room", room, "sensitivities_of",
                             r->sens.task, "shapes", shapes);
    int rc = root ? json_dump_file(root, r->out, JSON_INDENT(1) | JSON_REAL_PRECISION(9)) : -1;
    json_decref(root);
    return rc ? complain(EXIT_WRITE, "%s: not written", r->out) : 0;
}

static const char *mark(const struct placed *planner, const struct placed *any)
{
    return planner->fits ? "yes" : any->fits ? "small" : "-";
}

static void show_mixed(const struct deploy_run *r, const struct mixed *x)
{
    if (x->found)
        printf(" %+6.2f %% %6ld cycles |", above_base(r, x), x->point.price.cycles);
    else
        printf(" %22s |", "-");
}

static void show(const struct deploy_run *r)
{
    printf("fits %s less %g %%, origin model. yes: with the planner's tile; small: with another "
           "one;\nmixed: least predicted loss above 8 bits', no slower than 8 bits with the "
           "planner's tile, and at any speed\n",
           r->device, r->spare);
    printf("%6s %4s |%21s |%21s |%21s |%23s |%23s |\n", "window", "d", "block 8, 6, 4",
           "distributed 8, 6, 4", "chosen 8, 6, 4", "mixed, as fast", "mixed");
    for (int i = 0; i < r->shapes; i++) {
        const struct shape_result *x = &r->shape[i];
        printf("%6d %4d |", x->shape.window, x->shape.d_model);
        for (int kind = 0; kind < KINDS; kind++) {
            for (int u = 0; u < UNIFORMS; u++)
                printf(" %6s", mark(&x->planner[u][kind], &x->any[u][kind]));
            printf(" |");
        }
        show_mixed(r, &x->mixed);
        show_mixed(r, &x->slow);
        printf("\n");
    }
}

int deploy_command(int argc, char **argv)
{
    struct deploy_run *r = calloc(1, sizeof *r);
    if (!r)
        return complain(EXIT_FAILED, "out of memory");
    r->device = "xc7s15";
    r->spare = 10;
    int rc = parse(r, argc, argv);
    if (!rc && sensitivity_read(&r->sens, r->sensitivities, r->why, sizeof r->why))
        rc = complain(EXIT_INPUT, "%s", r->why);
    if (rc)
        goto done;
    budget_init(&r->budget, device_find(r->device), r->spare, 0);
    const int shown = !r->quiet && isatty(STDERR_FILENO);
    for (int n = 0; n < WINDOWS && !rc; n++)
        for (int d = 0; d < MODELS && !rc; d++) {
            if (shown)
                fprintf(stderr, "\r%d of %d shapes\033[K", r->shapes, WINDOWS * MODELS);
            if (judge(r, windows[n], models[d]))
                rc = complain(EXIT_FAILED, "%s", r->why);
        }
    if (shown)
        fprintf(stderr, "\r\033[K");
    if (!rc)
        rc = write_result(r);
    if (!rc)
        show(r);
    sensitivity_free(&r->sens);
done:
    free(r);
    return rc;
}
