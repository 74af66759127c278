// SPDX-License-Identifier: Apache-2.0
#include "tools/train/bits.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DEFAULT_Y = 16, LARGEST_E = 7, NAME_MAX_BYTES = 32 };

struct setter {
    struct model_bits *bits;
    int layers;
    enum model_form form;
    char *why;
    size_t whycap;
};

struct field {
    const char *name;
    size_t offset;
    int encoder_only; // the collapsed form has no such tensor
};
#define TOP(name, encoder_only)                                                                    \
    {                                                                                              \
#name, offsetof(struct model_bits, name), encoder_only                                     \
    }
#define INNER(name, encoder_only)                                                                  \
    {                                                                                              \
#name, offsetof(struct model_layer_bits, name), encoder_only                               \
    }
static const struct field top[] = {TOP(x, 0), TOP(h, 0),    TOP(o, 1),
                                   TOP(y, 0), TOP(w_in, 0), TOP(w_y, 0)};
static const struct field inner[] = {INNER(q, 0),   INNER(k, 1),   INNER(v, 1),   INNER(u, 0),
                                     INNER(e, 0),   INNER(c, 0),   INNER(r, 0),   INNER(f, 0),
                                     INNER(z, 1),   INNER(w_q, 0), INNER(w_k, 1), INNER(w_v, 1),
                                     INNER(w_o, 0), INNER(w_1, 0), INNER(w_2, 1)};
enum { TOPS = sizeof top / sizeof top[0], INNERS = sizeof inner / sizeof inner[0] };

__attribute__((format(printf, 2, 3))) static int refuse(const struct setter *s, const char *format,
                                                        ...)
{
    va_list ap;
    va_start(ap, format);
    vsnprintf(s->why, s->whycap, format, ap);
    va_end(ap);
    return -1;
}

static void put(void *base, size_t offset, int width)
{
    memcpy((char *)base + offset, &width, sizeof width);
}

static int has(const struct setter *s, const struct field *f)
{
    return s->form == MODEL_ENCODER || !f->encoder_only;
}

static int is_weight(const struct field *f)
{
    return !strncmp(f->name, "w_", 2);
}

// Sets a width of one layer; matching "weights" and "inner" as well. Returns how many it set.
static int set_inner(const struct setter *s, struct model_layer_bits *layer, const char *name,
                     int width)
{
    int set = 0;
    for (int i = 0; i < INNERS; i++) {
        int group = !strcmp(name, is_weight(&inner[i]) ? "weights" : "inner");
        int is_e = inner[i].offset == offsetof(struct model_layer_bits, e);
        if ((!group && strcmp(name, inner[i].name)) || !has(s, &inner[i]))
            continue;
        put(layer, inner[i].offset, group && is_e && width > LARGEST_E ? LARGEST_E : width);
        set++;
    }
    return set;
}

static int set_width(const struct setter *s, const char *name, int width)
{
    int set = 0, from = 0, to = s->layers;
    if (!strncmp(name, "layers.", 7)) {
        if (name[7] < '0' || name[7] >= '0' + s->layers || name[8] != '.')
            return -1;
        from = name[7] - '0';
        to = from + 1;
        name += 9;
    } else {
        for (int i = 0; i < TOPS; i++)
            if (has(s, &top[i]) &&
                (!strcmp(name, top[i].name) || (!strcmp(name, "weights") && is_weight(&top[i])))) {
                put(s->bits, top[i].offset, width);
                set++;
            }
    }
    for (int l = from; l < to; l++)
        set += set_inner(s, &s->bits->layer[l], name, width);
    return set ? 0 : -1;
}

static void set_all(const struct setter *s, int width)
{
    for (int i = 0; i < TOPS; i++)
        if (has(s, &top[i]))
            put(s->bits, top[i].offset, width);
    s->bits->y = DEFAULT_Y;
    for (int l = 0; l < s->layers; l++) {
        set_inner(s, &s->bits->layer[l], "weights", width);
        set_inner(s, &s->bits->layer[l], "inner", width);
    }
}

static int take_item(const struct setter *s, const char *item, size_t length)
{
    char name[NAME_MAX_BYTES];
    const char *equals = memchr(item, '=', length);
    const char *digits = equals ? equals + 1 : item;
    char *end;
    long width = strtol(digits, &end, 10);
    if (end == digits || end != item + length || *digits == '+' || *digits == '-' || width > 99)
        return refuse(s, "bits: item '%.*s': no width", (int)length, item);
    if (!equals) {
        set_all(s, (int)width);
        return 0;
    }
    snprintf(name, sizeof name, "%.*s", (int)(equals - item), item);
    if (set_width(s, name, (int)width))
        return refuse(s, "bits: item '%.*s': no such tensor", (int)length, item);
    return 0;
}

static int check(const struct setter *s, const struct model_shape *shape)
{
    char rule[MODEL_WHY_MAX];
    if (model_bits_check(shape, s->bits, rule, sizeof rule))
        return refuse(s, "bits: %s", rule);
    return 0;
}

int bits_parse(struct model_bits *bits, const struct model_shape *s, const char *text, char *why,
               size_t whycap)
{
    const struct setter setter = {bits, s->layers, s->form, why, whycap};
    memset(bits, 0, sizeof *bits);
    bits->y = DEFAULT_Y;
    for (const char *p = text;; p++) {
        size_t length = strcspn(p, ",");
        if (take_item(&setter, p, length))
            return -1;
        p += length;
        if (!*p)
            return check(&setter, s);
    }
}

static int take_object(const struct setter *s, json_t *object, const char *prefix)
{
    const char *key;
    json_t *value;
    json_object_foreach(object, key, value)
    {
        char name[NAME_MAX_BYTES];
        snprintf(name, sizeof name, "%s%s", prefix, key);
        if (!*prefix && !strcmp(key, "layers"))
            continue;
        json_int_t width = json_integer_value(value);
        if (!json_is_integer(value) || width < 0 || width > 99)
            return refuse(s, "bits: %s: not a width", name);
        if (set_width(s, name, (int)width))
            return refuse(s, "bits: %s: no such tensor", name);
    }
    return 0;
}

int bits_read(struct model_bits *bits, const struct model_shape *s, const char *path, char *why,
              size_t whycap)
{
    const struct setter setter = {bits, s->layers, s->form, why, whycap};
    json_error_t error;
    json_t *root = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    int rc = -1;
    memset(bits, 0, sizeof *bits);
    bits->y = DEFAULT_Y;
    if (!root) {
        refuse(&setter, "%s:%d: %s", path, error.line, error.text);
        return -1;
    }
    if (take_object(&setter, root, ""))
        goto done;
    json_t *layers = json_object_get(root, "layers");
    for (size_t l = 0; l < json_array_size(layers); l++) {
        char prefix[32];
        snprintf(prefix, sizeof prefix, "layers.%zu.", l);
        if (take_object(&setter, json_array_get(layers, l), prefix))
            goto done;
    }
    rc = check(&setter, s);
done:
    json_decref(root);
    return rc;
}

long bits_of_weights(const struct model_bits *bits, const struct model_shape *s)
{
    struct model_op_info info;
    long sum = 0;
    for (int op = 0; op < MODEL_OPS; op++)
        for (int layer = 0; !model_op_describe(s, bits, op, layer, &info); layer++)
            sum += (long)info.rows * info.cols * info.w_bits;
    return sum;
}

long bits_operations(const struct model_bits *bits, const struct model_shape *s)
{
    const long window = s->window, d = s->d_model;
    struct model_op_info info;
    long sum = 0;
    for (int op = 0; op < MODEL_OPS; op++)
        for (int layer = 0; !model_op_describe(s, bits, op, layer, &info); layer++)
            sum += (long)info.rows * info.cols * info.w_bits * info.in_bits *
                   (op == MODEL_OUT ? 1 : window);
    for (int l = 0; l < s->layers; l++) {
        const struct model_layer_bits *b = &bits->layer[l];
        const int collapsed = s->form == MODEL_COLLAPSED;
        sum +=
            window * window * d *
            ((long)b->q * (collapsed ? bits->h : b->k) + (long)b->e * (collapsed ? bits->h : b->v));
    }
    return sum;
}
