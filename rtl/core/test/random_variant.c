// SPDX-License-Identifier: Apache-2.0
// Saves a random variant with random hardware choices for the benches of rtl/core.
//
// usage: random_variant [--collapsed] DIR SEED [window features d_model heads d_ff layers outputs
// bits extreme
//                                 ffn_bits [HARDWARE-JSON]]
// Numbers that are 0 or left out are drawn at random; ffn_bits narrows the feed-forward weights.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/build/plan.h"
#include "tools/model/model_random.h"
#include "tools/model/variant.h"

static int divisor(struct model_rng *r, int n)
{
    int d = 0;
    do
        d = (int)model_rng_range(r, 1, n);
    while (n % d != 0);
    return d;
}

static json_t *random_hardware(struct model_rng *r, int window)
{
    static const char *const kinds[] = {"block", "distributed", "auto"};
    static const char *const buffers[] = {"window", "activation", "numerator", "key",
                                          "value",  "residual",   "score",     "weight"};
    int tokens = (int)model_rng_range(r, 1, 8), outputs = (int)model_rng_range(r, 1, 8);
    int terms = (int)model_rng_range(r, 1, 6), requantisers = divisor(r, tokens), lanes;
    do
        lanes = divisor(r, requantisers);
    while (lanes > window);
    json_t *storage = json_object();
    for (size_t i = 0; i < sizeof buffers / sizeof buffers[0]; i++)
        json_object_set_new(storage, buffers[i], json_string(kinds[model_rng_range(r, 0, 2)]));
    int pipelined = (int)model_rng_range(r, 0, 1), dsps = (int)model_rng_range(r, 1, 2);
    return json_pack("{s:{s:i,s:i,s:i},s:i,s:i,s:i,s:s,s:o}", "tile", "tokens", tokens, "outputs",
                     outputs, "terms", terms, "requantisers", requantisers, "requantiser_dsps",
                     dsps, "softmax_lanes", lanes, "divider", pipelined ? "pipelined" : "serial",
                     "storage", storage);
}

// Leaves open what the part has no Block RAM for. -1: refused for another reason.
static int fit_storage(const struct variant *v)
{
    json_t *storage = json_object_get(v->hardware, "storage");
    for (int tries = 0; tries <= BUFFERS + 1; tries++) {
        char why[512], name[32];
        struct hardware hw;
        if (hardware_choose(&hw, v->model, v->hardware, why, sizeof why) != 0)
            return -1;
        struct plan *p = plan_new(v->model, &hw, why, sizeof why);
        plan_free(p);
        if (p)
            return 0;
        if (strncmp(why, "hardware.constants:", 19) == 0) {
            json_object_del(v->hardware, "constants");
            continue;
        }
        if (sscanf(why, "hardware.storage.%31[a-z]", name) != 1)
            return 0; // a limit that only the user of the variant must know
        json_object_set_new(storage, name, json_string("auto"));
    }
    return -1;
}

// Narrows weights that are too wide by dropping low bits; a narrower weight keeps every rule.
static void narrow(struct model_linear *w, int from, int to)
{
    int top = (1 << (to - 1)) - 1;
    for (long i = 0; i < (long)w->rows * w->cols; i++) {
        int code = w->w[i] / (1 << (from - to));
        w->w[i] = (int8_t)(code > top ? top : code < -top ? -top : code);
    }
}

static void narrow_ffn(struct model *m, int bits)
{
    for (int l = 0; l < m->shape.layers; l++) {
        struct model_layer_bits *b = &m->bits.layer[l];
        if (b->w_1 > bits)
            narrow(&m->layer[l].ff1, b->w_1, bits);
        if (m->shape.form == MODEL_ENCODER && b->w_2 > bits)
            narrow(&m->layer[l].ff2, b->w_2, bits);
        b->w_1 = b->w_1 > bits ? bits : b->w_1;
        b->w_2 = b->w_2 > bits ? bits : b->w_2;
    }
}

int main(int argc, char **argv)
{
    char why[512];
    int n[10] = {0};
    int collapsed = argc > 1 && strcmp(argv[1], "--collapsed") == 0;
    argc -= collapsed;
    argv += collapsed;
    if (argc < 3 || argc > 14) {
        fprintf(stderr, "usage: random_variant [--collapsed] DIR SEED [window features d_model "
                        "heads d_ff layers "
                        "outputs bits extreme ffn_bits [HARDWARE-JSON]]\n");
        return 2;
    }
    for (int i = 3; i < argc && i < 13; i++)
        n[i - 3] = (int)strtol(argv[i], NULL, 10);
    struct model_random_options o = {
        .seed = strtoull(argv[2], NULL, 10),
        .shape = {.window = n[0],
                  .features = n[1],
                  .d_model = n[2],
                  .heads = n[3],
                  .d_ff = n[4],
                  .layers = n[5],
                  .outputs = n[6],
                  .form = collapsed ? MODEL_COLLAPSED : MODEL_ENCODER},
        .bits = n[7],
        .extreme = n[8],
    };
    struct variant *v = model_random_variant(&o, why, sizeof why);
    struct model_rng r = {.state = o.seed ^ 0x5eed};
    if (v && n[9])
        narrow_ffn(v->model, n[9]);
    if (v && argc == 14)
        v->hardware = json_loads(argv[13], 0, NULL);
    else if (v && o.seed % 4 != 0)
        v->hardware = random_hardware(&r, v->model->shape.window);
    if (v && v->hardware && argc != 14 && o.seed % 4 == 2) // the planner seldom would of itself
        json_object_set_new(v->hardware, "constants", json_string("stream"));
    if (v && v->hardware && argc != 14 && fit_storage(v) != 0) {
        fprintf(stderr, "random_variant: no storage fits\n");
        variant_free(v);
        return 1;
    }
    if (!v || variant_save(v, argv[1], why, sizeof why) != 0) {
        fprintf(stderr, "random_variant: %s\n", why);
        variant_free(v);
        return 1;
    }
    printf("%s\n", v->name);
    variant_free(v);
    return 0;
}
