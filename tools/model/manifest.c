// SPDX-License-Identifier: Apache-2.0
// manifest.json: what a variant is, apart from its integers.
#include <stdlib.h>
#include <string.h>

#include "tools/model/model_internal.h"
#include "tools/model/reader.h"
#include "tools/model/variant_text.h"

static const char file_name[] = "manifest.json";

// One row for each width of a layer serves reader and writer.
struct width {
    const char *name;
    size_t offset;
    int encoder_only; // the collapsed form has no such tensor
};
#define LAYER_WIDTH(field)                                                                         \
    {                                                                                              \
#field, offsetof(struct model_layer_bits, field), 0                                        \
    }
#define ENCODER_WIDTH(field)                                                                       \
    {                                                                                              \
#field, offsetof(struct model_layer_bits, field), 1                                        \
    }
static const struct width layer_widths[] = {
    LAYER_WIDTH(q),     ENCODER_WIDTH(k),   ENCODER_WIDTH(v), LAYER_WIDTH(u),   LAYER_WIDTH(e),
    LAYER_WIDTH(c),     LAYER_WIDTH(r),     LAYER_WIDTH(f),   ENCODER_WIDTH(z), LAYER_WIDTH(w_q),
    ENCODER_WIDTH(w_k), ENCODER_WIDTH(w_v), LAYER_WIDTH(w_o), LAYER_WIDTH(w_1), ENCODER_WIDTH(w_2),
};
#define BITS_WIDTH(field, encoder_only)                                                            \
    {                                                                                              \
#field, offsetof(struct model_bits, field), encoder_only                                   \
    }
static const struct width widths[] = {
    BITS_WIDTH(x, 0), BITS_WIDTH(h, 0),    BITS_WIDTH(o, 1),
    BITS_WIDTH(y, 0), BITS_WIDTH(w_in, 0), BITS_WIDTH(w_y, 0),
};
#define SHAPE_FIELD(field)                                                                         \
    {                                                                                              \
#field, offsetof(struct model_shape, field), 0                                             \
    }
static const struct width shape_fields[] = {
    SHAPE_FIELD(window), SHAPE_FIELD(features), SHAPE_FIELD(d_model), SHAPE_FIELD(heads),
    SHAPE_FIELD(d_ff),   SHAPE_FIELD(layers),   SHAPE_FIELD(outputs),
};
#define COUNT(a) (sizeof(a) / sizeof((a)[0]))

static int has(enum model_form form, const struct width *w)
{
    return form == MODEL_ENCODER || !w->encoder_only;
}

// Reads obj, whose integer members are exactly those of the table that the form has, plus extra
// (may be NULL).
static int read_table(struct reader *r, json_t *obj, const struct width *table, size_t count,
                      enum model_form form, const char *extra, void *base)
{
    const char *known[COUNT(layer_widths) + 2] = {NULL};
    size_t used = 0;

    for (size_t i = 0; i < count; i++)
        if (has(form, &table[i]))
            known[used++] = table[i].name;
    known[used] = extra;
    if (reader_known(r, obj, known) < 0)
        return -1;
    for (size_t i = 0; i < count; i++)
        if (has(form, &table[i]) &&
            reader_small(r, obj, table[i].name, (int *)((char *)base + table[i].offset)) < 0)
            return -1;
    return 0;
}

static json_t *write_table(const struct width *table, size_t count, enum model_form form,
                           const void *base)
{
    json_t *obj = json_object();

    for (size_t i = 0; i < count; i++)
        if (has(form, &table[i]))
            json_object_set_new(obj, table[i].name,
                                json_integer(*(const int *)((const char *)base + table[i].offset)));
    return obj;
}

static int read_shape(struct reader *r, json_t *root, struct model_shape *s)
{
    char rule[MODEL_WHY_MAX];
    json_t *obj = reader_object(r, root, "shape");
    size_t mark;

    if (obj == NULL)
        return -1;
    mark = reader_push(r, "shape", -1);
    if (read_table(r, obj, shape_fields, COUNT(shape_fields), s->form, NULL, s) < 0)
        return -1;
    reader_pop(r, mark);
    if (model_shape_check(s, rule, sizeof rule) < 0)
        return model_refuse(r->why, r->whycap, "%s: %s", file_name, rule);
    return 0;
}

static int read_bits(struct reader *r, json_t *root, const struct model_shape *s,
                     struct model_bits *b)
{
    char rule[MODEL_WHY_MAX];
    json_t *obj = reader_object(r, root, "bits");
    json_t *layers;
    size_t mark;

    if (obj == NULL)
        return -1;
    mark = reader_push(r, "bits", -1);
    layers = reader_array(r, obj, "layers", (size_t)s->layers);
    if (layers == NULL || read_table(r, obj, widths, COUNT(widths), s->form, "layers", b) < 0)
        return -1;
    for (int n = 0; n < s->layers; n++) {
        size_t inner = reader_push(r, "layers", n);
        json_t *layer = json_array_get(layers, (size_t)n);
        if (!json_is_object(layer))
            return reader_refuse(r, "", "not an object");
        if (read_table(r, layer, layer_widths, COUNT(layer_widths), s->form, NULL, &b->layer[n]) <
            0)
            return -1;
        reader_pop(r, inner);
    }
    reader_pop(r, mark);
    if (model_bits_check(s, b, rule, sizeof rule) < 0)
        return model_refuse(r->why, r->whycap, "%s: %s", file_name, rule);
    return 0;
}

static int read_features(struct reader *r, json_t *root, struct variant *v, int count)
{
    static const char *const known[] = {"scale", "features", NULL};
    static const char *const known_feature[] = {"name", "offset", "scale", NULL};
    json_t *obj = reader_object(r, root, "input");
    json_t *list;
    size_t mark;

    if (obj == NULL)
        return -1;
    mark = reader_push(r, "input", -1);
    list = reader_array(r, obj, "features", (size_t)count);
    if (list == NULL || reader_known(r, obj, known) < 0 ||
        reader_double(r, obj, "scale", &v->x_scale) < 0)
        return -1;
    for (int i = 0; i < count; i++) {
        struct variant_feature *f = &v->feature[i];
        json_t *item = json_array_get(list, (size_t)i);
        size_t inner = reader_push(r, "features", i);
        if (!json_is_object(item))
            return reader_refuse(r, "", "not an object");
        if (reader_known(r, item, known_feature) < 0 ||
            reader_text(r, item, "name", f->name, sizeof f->name, 0) < 0 ||
            reader_double(r, item, "offset", &f->offset) < 0 ||
            reader_double(r, item, "scale", &f->scale) < 0)
            return -1;
        reader_pop(r, inner);
    }
    reader_pop(r, mark);
    return 0;
}

static int read_targets(struct reader *r, json_t *root, struct variant *v, int count)
{
    static const char *const known[] = {"scale", "targets", NULL};
    static const char *const known_target[] = {"name", "unit", "offset", "scale", NULL};
    json_t *obj = reader_object(r, root, "output");
    json_t *list;
    size_t mark;

    if (obj == NULL)
        return -1;
    mark = reader_push(r, "output", -1);
    list = reader_array(r, obj, "targets", (size_t)count);
    if (list == NULL || reader_known(r, obj, known) < 0 ||
        reader_double(r, obj, "scale", &v->y_scale) < 0)
        return -1;
    for (int i = 0; i < count; i++) {
        struct variant_target *t = &v->target[i];
        json_t *item = json_array_get(list, (size_t)i);
        size_t inner = reader_push(r, "targets", i);
        if (!json_is_object(item))
            return reader_refuse(r, "", "not an object");
        if (reader_known(r, item, known_target) < 0 ||
            reader_text(r, item, "name", t->name, sizeof t->name, 0) < 0 ||
            reader_text(r, item, "unit", t->unit, sizeof t->unit, 1) < 0 ||
            reader_double(r, item, "offset", &t->offset) < 0 ||
            reader_double(r, item, "scale", &t->scale) < 0)
            return -1;
        reader_pop(r, inner);
    }
    reader_pop(r, mark);
    return 0;
}

static int read_integers_entry(struct reader *r, json_t *root, char sha256[VARIANT_HASH_HEX + 1])
{
    static const char *const known[] = {"file", "sha256", NULL};
    char file[VARIANT_NAME_MAX + 1];
    json_t *obj = reader_object(r, root, "integers");
    size_t mark;

    if (obj == NULL)
        return -1;
    mark = reader_push(r, "integers", -1);
    if (reader_known(r, obj, known) < 0 || reader_text(r, obj, "file", file, sizeof file, 0) < 0 ||
        reader_text(r, obj, "sha256", sha256, VARIANT_HASH_HEX + 1, 0) < 0)
        return -1;
    if (strcmp(file, "integers.json") != 0)
        return reader_refuse(r, "file", "not \"integers.json\"");
    if (strspn(sha256, "0123456789abcdef") != VARIANT_HASH_HEX)
        return reader_refuse(r, "sha256", "not %d lower-case hex digits", VARIANT_HASH_HEX);
    reader_pop(r, mark);
    return 0;
}

// A free object of the manifest, kept as it is; NULL when it is absent.
static int read_free(struct reader *r, json_t *root, const char *field, json_t **out)
{
    if (json_object_get(root, field) == NULL)
        return 0;
    *out = json_incref(reader_object(r, root, field));
    return *out != NULL ? 0 : -1;
}

static int read_identity(struct reader *r, json_t *root, struct variant *v, enum model_form *form)
{
    char text[32];
    int64_t version;

    if (reader_text(r, root, "format", text, sizeof text, 0) < 0)
        return -1;
    if (strcmp(text, "sevencast-variant") != 0)
        return reader_refuse(r, "format", "not \"sevencast-variant\"");
    if (reader_int(r, root, "format_version", 1, 1, &version) < 0 ||
        reader_text(r, root, "form", text, sizeof text, 0) < 0)
        return -1;
    *form = MODEL_ENCODER;
    while (*form < MODEL_FORMS && strcmp(text, model_form_name(*form)) != 0)
        (*form)++;
    if (*form == MODEL_FORMS)
        return reader_refuse(r, "form", "\"%s\" is neither \"encoder\" nor \"collapsed\"", text);
    if (reader_text(r, root, "name", v->name, sizeof v->name, 0) < 0)
        return -1;
    return reader_text(r, root, "task", v->task, sizeof v->task, 0);
}

static struct variant *read_all(struct reader *r, json_t *root, char sha256[VARIANT_HASH_HEX + 1])
{
    static const char *const known[] = {
        "format", "format_version", "name",     "task",     "form",    "shape",    "bits",
        "input",  "output",         "integers", "hardware", "metrics", "training", NULL};
    struct model_shape shape = {0};
    struct model_bits bits = {0};
    struct variant id;
    struct variant *v;
    struct model *mdl;

    if (reader_known(r, root, known) < 0 || read_identity(r, root, &id, &shape.form) < 0 ||
        read_shape(r, root, &shape) < 0 || read_bits(r, root, &shape, &bits) < 0)
        return NULL;
    mdl = model_new(&shape, &bits);
    v = mdl != NULL ? variant_new(mdl) : NULL;
    if (v == NULL) {
        model_free(mdl);
        reader_refuse(r, "shape", "out of memory");
        return NULL;
    }
    memcpy(v->name, id.name, sizeof v->name);
    memcpy(v->task, id.task, sizeof v->task);
    if (read_features(r, root, v, shape.features) < 0 ||
        read_targets(r, root, v, shape.outputs) < 0 || read_integers_entry(r, root, sha256) < 0 ||
        read_free(r, root, "hardware", &v->hardware) < 0 ||
        read_free(r, root, "metrics", &v->metrics) < 0 ||
        read_free(r, root, "training", &v->training) < 0) {
        variant_free(v);
        return NULL;
    }
    return v;
}

struct variant *manifest_read(const char *bytes, size_t n,
                              char integers_sha256[VARIANT_HASH_HEX + 1], char *why, size_t whycap)
{
    struct reader r = {.file = file_name, .why = why, .whycap = whycap};
    json_t *root = reader_parse(&r, bytes, n);
    struct variant *v = NULL;

    if (root != NULL)
        v = read_all(&r, root, integers_sha256);
    json_decref(root);
    return v;
}

static json_t *write_bits(const struct model *mdl)
{
    const enum model_form form = mdl->shape.form;
    json_t *obj = write_table(widths, COUNT(widths), form, &mdl->bits);
    json_t *layers = json_array();

    for (int n = 0; n < mdl->shape.layers; n++)
        json_array_append_new(
            layers, write_table(layer_widths, COUNT(layer_widths), form, &mdl->bits.layer[n]));
    json_object_set_new(obj, "layers", layers);
    return obj;
}

static json_t *write_input(const struct variant *v)
{
    json_t *list = json_array();

    for (int i = 0; i < v->model->shape.features; i++) {
        const struct variant_feature *f = &v->feature[i];
        json_array_append_new(list, json_pack("{s:s, s:f, s:f}", "name", f->name, "offset",
                                              f->offset, "scale", f->scale));
    }
    return json_pack("{s:f, s:o}", "scale", v->x_scale, "features", list);
}

static json_t *write_output(const struct variant *v)
{
    json_t *list = json_array();

    for (int i = 0; i < v->model->shape.outputs; i++) {
        const struct variant_target *t = &v->target[i];
        json_array_append_new(list, json_pack("{s:s, s:s, s:f, s:f}", "name", t->name, "unit",
                                              t->unit, "offset", t->offset, "scale", t->scale));
    }
    return json_pack("{s:f, s:o}", "scale", v->y_scale, "targets", list);
}

char *manifest_write(const struct variant *v, const char *integers_sha256, size_t *n)
{
    const struct model_shape *s = &v->model->shape;
    json_t *root =
        json_pack("{s:s, s:i, s:s, s:s, s:s, s:o, s:o, s:o, s:o, s:{s:s, s:s}}", "format",
                  "sevencast-variant", "format_version", 1, "name", v->name, "task", v->task,
                  "form", model_form_name(s->form), "shape",
                  write_table(shape_fields, COUNT(shape_fields), s->form, s), "bits",
                  write_bits(v->model), "input", write_input(v), "output", write_output(v),
                  "integers", "file", "integers.json", "sha256", integers_sha256);
    char *text;

    if (root == NULL)
        return NULL;
    if (v->hardware != NULL)
        json_object_set(root, "hardware", v->hardware);
    if (v->metrics != NULL)
        json_object_set(root, "metrics", v->metrics);
    if (v->training != NULL)
        json_object_set(root, "training", v->training);
    // 17 digits bring every double back; sorted keys make the text independent of its history.
    text = json_dumps(root, JSON_INDENT(2) | JSON_SORT_KEYS | JSON_REAL_PRECISION(17));
    json_decref(root);
    if (text == NULL)
        return NULL;
    *n = strlen(text);
    char *whole = realloc(text, *n + 2);
    if (whole == NULL) {
        free(text);
        return NULL;
    }
    whole[(*n)++] = '\n';
    whole[*n] = '\0';
    return whole;
}
