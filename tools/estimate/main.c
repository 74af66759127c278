// SPDX-License-Identifier: Apache-2.0
// sevencast-estimate: what a configuration takes of an XC7S15 and how long an inference is.
#include <errno.h>
#include <getopt.h>
#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "tools/build/emit.h"
#include "tools/estimate/configuration.h"
#include "tools/estimate/estimate.h"

enum { DONE, TOO_LARGE, USAGE, BAD_CONFIGURATION, LIMIT };

static const char usage_text[] =
    "usage: sevencast-estimate [OPTIONS] VARIANT_DIR | CONFIGURATION.json\n"
    "       sevencast-estimate [OPTIONS] --window N --features N --d-model N [SHAPE]\n"
    "LUTs, flip-flops, DSPs, RAMB18s and cycles of a configuration's accelerator, without "
    "synthesis.\n"
    "  --window N, --features N, --d-model N, --heads N, --d-ff N, --layers N, --outputs N\n"
    "  --form FORM        encoder (default) or collapsed\n"
    "  --bits N           width of every tensor that --width does not name (default 8)\n"
    "  --width TENSOR=N   x h o y w_in w_y, or q k v u e c r f z w_q w_k w_v w_o w_1 w_2; repeat\n"
    "  --hardware JSON    as in a manifest: {\"tile\": {\"tokens\": 6, ...}, ...}\n"
    "  --json             one object\n"
    "  --parts            the LUTs and flip-flops of each part too\n"
    "  --repeat N         estimate N times, say how long one takes\n"
    "Exit status: 0 it fits, 1 it does not fit, 2 usage, 3 bad configuration, 4 beyond the "
    "engine's\n"
    "limits.\n";

struct options {
    const char *path;
    json_t *shape, *widths, *object; // owned
    int json, parts, repeat;
};

static int refuse(const char *what, const char *reason)
{
    fprintf(stderr, "sevencast-estimate: %s: %s\n", what, reason);
    return -1;
}

static int take_number(json_t *object, const char *key, const char *text)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < 0 || value > 1000000)
        return refuse(key, "not a number in its range");
    return json_object_set_new(object, key, json_integer(value));
}

static int take_width(json_t *widths, const char *text)
{
    static const char *const tensors[] = {"x", "h",   "o",   "y",   "w_in", "w_y", "q",
                                          "k", "v",   "u",   "e",   "c",    "r",   "f",
                                          "z", "w_q", "w_k", "w_v", "w_o",  "w_1", "w_2"};
    const char *equals = strchr(text, '=');
    size_t length = equals ? (size_t)(equals - text) : 0;
    for (size_t i = 0; equals && i < sizeof tensors / sizeof tensors[0]; i++)
        if (strlen(tensors[i]) == length && strncmp(text, tensors[i], length) == 0)
            return take_number(widths, tensors[i], equals + 1);
    return refuse(text, "not TENSOR=BITS with a tensor's name");
}

static int take_hardware(json_t *object, const char *text)
{
    json_error_t error;
    json_t *hardware = json_loads(text, 0, &error);
    if (!json_is_object(hardware)) {
        json_decref(hardware);
        return refuse("--hardware", hardware ? "not an object" : error.text);
    }
    return json_object_set_new(object, "hardware", hardware);
}

static int take_repeat(struct options *o, const char *text)
{
    char *end;
    errno = 0;
    long value = strtol(text, &end, 10);
    if (errno || end == text || *end || value < 1 || value > 100000)
        return refuse("--repeat", "not a number above 0");
    o->repeat = (int)value;
    return 0;
}

static int take(struct options *o, int c, const struct option *longs, int index)
{
    switch (c) {
    case 'n':
        return take_number(o->shape, longs[index].name, optarg);
    case 'd':
        return take_number(o->shape, longs[index].name[2] == 'm' ? "d_model" : "d_ff", optarg);
    case 'b':
        return take_number(o->widths, "all", optarg);
    case 'w':
        return take_width(o->widths, optarg);
    case 'f':
        return json_object_set_new(o->object, "form", json_string(optarg));
    case 'H':
        return take_hardware(o->object, optarg);
    case 'r':
        return take_repeat(o, optarg);
    case 'j':
        return o->json = 1, 0;
    case 'p':
        return o->parts = 1, 0;
    case 'h':
        fputs(usage_text, stdout);
        exit(DONE);
    case 'V':
        puts("sevencast-estimate " SEVENCAST_VERSION);
        exit(DONE);
    default:
        fputs(usage_text, stderr);
        return -1;
    }
}

static int parse(struct options *o, int argc, char **argv)
{
    static const struct option longs[] = {
        {"window", required_argument, NULL, 'n'},
        {"features", required_argument, NULL, 'n'},
        {"d-model", required_argument, NULL, 'd'},
        {"heads", required_argument, NULL, 'n'},
        {"d-ff", required_argument, NULL, 'd'},
        {"layers", required_argument, NULL, 'n'},
        {"outputs", required_argument, NULL, 'n'},
        {"form", required_argument, NULL, 'f'},
        {"bits", required_argument, NULL, 'b'},
        {"width", required_argument, NULL, 'w'},
        {"hardware", required_argument, NULL, 'H'},
        {"json", no_argument, NULL, 'j'},
        {"parts", no_argument, NULL, 'p'},
        {"repeat", required_argument, NULL, 'r'},
        {"help", no_argument, NULL, 'h'},
        {"version", no_argument, NULL, 'V'},
        {NULL, 0, NULL, 0},
    };
    o->shape = json_object();
    o->widths = json_pack("{s:i}", "all", 8);
    o->object = json_object();
    int index = 0;
    for (int c; (c = getopt_long(argc, argv, "", longs, &index)) != -1;)
        if (take(o, c, longs, index) != 0)
            return -1;
    int shaped = json_object_size(o->shape) > 0;
    if (argc - optind > 1 || (argc - optind == 1) == shaped) {
        fputs(usage_text, stderr);
        return -1;
    }
    o->path = argv[optind];
    if (!o->path)
        return json_object_set(o->object, "shape", o->shape) |
               json_object_set(o->object, "bits", o->widths);
    return 0;
}

// A folder is a variant, whose integers are known; a file is a configuration.
static struct variant *load(const struct options *o, char *why, size_t whycap)
{
    struct stat st;
    json_error_t error;
    if (!o->path)
        return configuration_variant(o->object, why, whycap);
    if (stat(o->path, &st) == 0 && S_ISDIR(st.st_mode))
        return variant_load(o->path, why, whycap);
    json_t *object = json_load_file(o->path, 0, &error);
    if (!object) {
        snprintf(why, whycap, "%s: line %d: %s", o->path, error.line, error.text);
        return NULL;
    }
    struct variant *v = configuration_variant(object, why, whycap);
    json_decref(object);
    return v;
}

static int fits(const struct estimate *e)
{
    const struct estimate_limits *has = &estimate_xc7s15;
    return e->lut <= has->lut && e->lutram <= has->lutram && e->ff <= has->ff &&
           e->dsp <= has->dsp && e->ramb18 <= has->ramb18;
}

static const char basis[] = "LUT, FF: model fitted to yosys 0.23's counts of the accelerator; DSP, "
                            "RAMB18, cycles: the plan; power: docs/power-model.md";

static void print_json(const struct options *o, const struct estimate *e, double seconds)
{
    json_t *out = json_pack(
        "{s:s, s:s, s:s, s:s, s:i, s:i, s:i, s:i, s:i, s:i, s:I, s:I, s:f, s:f, s:f, s:f, s:b}",
        "origin", "model", "basis", basis, "top", "accelerator", "part", estimate_xc7s15.part,
        "lut", e->lut, "lutram", e->lutram, "ff", e->ff, "dsp", e->dsp, "ramb18", e->ramb18,
        "ramb36", e->ramb36, "cycles", (json_int_t)e->cycles, "clock_hz",
        (json_int_t)BUILD_CLOCK_HZ, "latency_us", e->latency_us, "board_idle_mw", e->board_idle_mw,
        "board_active_mw", e->board_active_mw, "energy_uj", e->energy_uj, "fits", fits(e));
    json_object_set_new(out, "rtl_sha256", json_string(estimate_rtl_digest));
    if (o->repeat)
        json_object_set_new(out, "estimate_us", json_real(1e6 * seconds));
    json_t *parts = json_array();
    for (int i = 0; i < PARTS && o->parts; i++)
        json_array_append_new(parts, json_pack("{s:s, s:f, s:f}", "part", part_name((enum part)i),
                                               "lut", e->lut_part[i], "ff", e->ff_part[i]));
    if (o->parts)
        json_object_set(out, "parts", parts);
    json_decref(parts);
    json_dumpf(out, stdout, JSON_INDENT(1) | JSON_REAL_PRECISION(6));
    printf("\n");
    json_decref(out);
}

static void print_text(const struct options *o, const struct estimate *e, double seconds)
{
    const struct {
        const char *name;
        int value, has;
    } rows[] = {{"lut", e->lut, estimate_xc7s15.lut},
                {"lutram", e->lutram, estimate_xc7s15.lutram},
                {"ff", e->ff, estimate_xc7s15.ff},
                {"dsp", e->dsp, estimate_xc7s15.dsp},
                {"ramb18", e->ramb18, estimate_xc7s15.ramb18},
                {"ramb36", e->ramb36, estimate_xc7s15.ramb18 / 2}};
    printf("accelerator in %s, origin model\n", estimate_xc7s15.part);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        printf("  %-10s %7d of %6d%s\n", rows[i].name, rows[i].value, rows[i].has,
               rows[i].value > rows[i].has ? "  TOO MUCH" : "");
    printf("  %-10s %7ld  %.2f us at %d MHz\n", "cycles", e->cycles, e->latency_us,
           BUILD_CLOCK_HZ / 1000000);
    printf("  %-10s %7.1f mW of the board while it computes, %.1f mW idle\n", "power",
           e->board_active_mw, e->board_idle_mw);
    printf("  %-10s %7.2f uJ an inference\n", "energy", e->energy_uj);
    for (int i = 0; i < PARTS && o->parts; i++)
        printf("  %-12s %7.0f lut %7.0f ff\n", part_name((enum part)i), e->lut_part[i],
               e->ff_part[i]);
    printf("%s\n", basis);
    if (o->repeat)
        printf("one estimate takes %.1f us\n", 1e6 * seconds);
}

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static int run(const struct options *o)
{
    char why[512];
    struct hardware hw;
    struct estimate e;
    int status = BAD_CONFIGURATION;
    double start = 0;
    for (int i = 0; i <= o->repeat; i++) {
        start = i == (o->repeat > 0) ? now() : start; // the first run is not timed
        struct variant *v = load(o, why, sizeof why);
        struct plan *p = NULL;
        status = BAD_CONFIGURATION;
        if (v && hardware_choose(&hw, v->model, v->hardware, why, sizeof why) == 0) {
            status = LIMIT;
            p = plan_new(v->model, &hw, why, sizeof why);
        }
        if (p) {
            estimate_plan(&e, p);
            status = fits(&e) ? DONE : TOO_LARGE;
        }
        plan_free(p);
        variant_free(v);
        if (!p) {
            fprintf(stderr, "sevencast-estimate: %s\n", why);
            return status;
        }
    }
    double seconds = o->repeat ? (now() - start) / o->repeat : 0;
    (o->json ? print_json : print_text)(o, &e, seconds);
    return status;
}

int main(int argc, char **argv)
{
    struct options o = {0};
    int status = USAGE;
    if (sodium_init() >= 0 && parse(&o, argc, argv) == 0)
        status = run(&o);
    json_decref(o.shape);
    json_decref(o.widths);
    json_decref(o.object);
    return status;
}
