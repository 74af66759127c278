// SPDX-License-Identifier: Apache-2.0
#include "tools/estimate/configuration.h"

#include <stdio.h>
#include <string.h>

#include "tools/model/model_random.h"

enum { MAX_SEED = 1 << 30, DEFAULT_SEED = 1 };

static int refuse(char *why, size_t whycap, const char *field, const char *reason)
{
    snprintf(why, whycap, "%s: %s", field, reason);
    return -1;
}

static int read_int(const json_t *object, const char *key, int low, int high, int *out, char *why,
                    size_t whycap)
{
    const json_t *value = json_object_get(object, key);
    if (!value)
        return 0;
    if (!json_is_integer(value) || json_integer_value(value) < low ||
        json_integer_value(value) > high)
        return refuse(why, whycap, key, "not a number in its range");
    *out = (int)json_integer_value(value);
    return 0;
}

static int read_shape(const json_t *object, struct model_shape *s, char *why, size_t whycap)
{
    const json_t *shape = json_object_get(object, "shape");
    const char *form = json_string_value(json_object_get(object, "form"));
    if (!json_is_object(shape))
        return refuse(why, whycap, "shape", "missing");
    *s = (struct model_shape){.heads = 1, .layers = 1, .outputs = 1};
    const struct {
        const char *key;
        int *value;
    } fields[] = {{"window", &s->window},  {"features", &s->features}, {"d_model", &s->d_model},
                  {"heads", &s->heads},    {"d_ff", &s->d_ff},         {"layers", &s->layers},
                  {"outputs", &s->outputs}};
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (read_int(shape, fields[i].key, 1, 4096, fields[i].value, why, whycap) != 0)
            return -1;
    if (s->d_ff == 0)
        s->d_ff = 4 * s->d_model;
    if (form && strcmp(form, model_form_name(MODEL_COLLAPSED)) == 0)
        s->form = MODEL_COLLAPSED;
    else if (form && strcmp(form, model_form_name(MODEL_ENCODER)) != 0)
        return refuse(why, whycap, "form", "neither \"encoder\" nor \"collapsed\"");
    return model_shape_check(s, why, whycap);
}

struct width {
    const char *key;
    int *bits;
};

static int read_layer(const json_t *object, struct model_layer_bits *l, char *why, size_t whycap)
{
    const struct width fields[] = {
        {"q", &l->q},     {"k", &l->k},     {"v", &l->v},     {"u", &l->u},     {"e", &l->e},
        {"c", &l->c},     {"r", &l->r},     {"f", &l->f},     {"z", &l->z},     {"w_q", &l->w_q},
        {"w_k", &l->w_k}, {"w_v", &l->w_v}, {"w_o", &l->w_o}, {"w_1", &l->w_1}, {"w_2", &l->w_2},
    };
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (read_int(object, fields[i].key, 2, 8, fields[i].bits, why, whycap) != 0)
            return -1;
    return 0;
}

static void set_all(struct model_bits *b, int bits, int layers)
{
    b->x = b->h = b->o = b->w_in = b->w_y = bits;
    for (int n = 0; n < layers; n++) {
        int e = bits < 8 ? bits : 7;
        b->layer[n] = (struct model_layer_bits){.q = bits,
                                                .k = bits,
                                                .v = bits,
                                                .u = bits,
                                                .e = e,
                                                .c = bits,
                                                .r = bits,
                                                .f = bits,
                                                .z = bits,
                                                .w_q = bits,
                                                .w_k = bits,
                                                .w_v = bits,
                                                .w_o = bits,
                                                .w_1 = bits,
                                                .w_2 = bits};
    }
}

static int read_widths(const json_t *object, const struct model_shape *s, struct model_bits *b,
                       char *why, size_t whycap)
{
    const struct width fields[] = {
        {"x", &b->x}, {"h", &b->h}, {"o", &b->o}, {"w_in", &b->w_in}, {"w_y", &b->w_y}};
    const json_t *layers = json_object_get(object, "layers");
    int all = 0;
    *b = (struct model_bits){.y = 16};
    if (read_int(object, "all", 2, 8, &all, why, whycap) != 0)
        return -1;
    if (all)
        set_all(b, all, s->layers);
    for (size_t i = 0; i < sizeof fields / sizeof fields[0]; i++)
        if (read_int(object, fields[i].key, 2, 8, fields[i].bits, why, whycap) != 0)
            return -1;
    if (read_int(object, "y", 8, 16, &b->y, why, whycap) != 0)
        return -1;
    for (int n = 0; n < s->layers; n++)
        if (read_layer(object, &b->layer[n], why, whycap) != 0 ||
            read_layer(json_array_get(layers, (size_t)n), &b->layer[n], why, whycap) != 0)
            return -1;
    if (s->form == MODEL_COLLAPSED) {
        struct model_layer_bits *l = &b->layer[0];
        b->o = l->k = l->v = l->z = l->w_k = l->w_v = l->w_2 = 0;
    }
    return model_bits_check(s, b, why, whycap);
}

struct variant *configuration_variant(const json_t *object, char *why, size_t whycap)
{
    struct model_random_options o = {0};
    struct model_bits widths;
    const json_t *bits = json_object_get(object, "bits");
    int seed = DEFAULT_SEED;
    if (read_shape(object, &o.shape, why, whycap) != 0 ||
        read_int(object, "seed", 0, MAX_SEED, &seed, why, whycap) != 0)
        return NULL;
    o.seed = (uint64_t)seed;
    if (json_is_integer(bits)) {
        if (json_integer_value(bits) != 0 && read_int(object, "bits", 2, 8, &o.bits, why, whycap))
            return NULL;
    } else if (!json_is_object(bits)) {
        refuse(why, whycap, "bits", "neither a number nor an object");
        return NULL;
    } else {
        if (read_widths(bits, &o.shape, &widths, why, whycap) != 0)
            return NULL;
        o.widths = &widths;
    }
    struct variant *v = model_random_variant(&o, why, whycap);
    if (v && json_object_get(object, "hardware"))
        v->hardware = json_incref(json_object_get(object, "hardware"));
    return v;
}
