// SPDX-License-Identifier: Apache-2.0
#include "tools/train/checkpoint.h"

#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 64, TENSORS_MAX = 4 + 14 * MODEL_MAX_LAYERS, PREFIX_BYTES = 8 };

// A stretch of parameters that is (part of) a tensor of the file.
struct entry {
    char name[NAME_MAX_BYTES];
    int rows, cols;  // of the file's tensor; cols 0: one dimension
    int part, parts; // which of so many equal blocks of rows
    size_t param;    // offset in net.param
    int turned;      // [in][out] in memory, [out][in] in the file
};

struct file {
    const struct net *n;
    const char *path;
    struct entry entry[TENSORS_MAX];
    int entries;
    char *why;
    size_t whycap;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct file *f, const char *format,
                                                        ...)
{
    char reason[200];
    va_list ap;
    va_start(ap, format);
    vsnprintf(reason, sizeof reason, format, ap);
    va_end(ap);
    snprintf(f->why, f->whycap, "%s: %s", f->path, reason);
    return -1;
}

static void add(struct file *f, int layer, const char *name, int rows, int cols, size_t param)
{
    struct entry *e = &f->entry[f->entries++];
    *e = (struct entry){.rows = rows, .cols = cols, .parts = 1, .param = param, .turned = cols > 0};
    if (layer >= 0)
        snprintf(e->name, sizeof e->name, "layers.%d.%s", layer, name);
    else
        snprintf(e->name, sizeof e->name, "%s", name);
}

static const struct net_linear *linear(const struct file *f, enum model_op op, int layer)
{
    return &f->n->layout.linear[net_linear_index(&f->n->layout.shape, op, layer)];
}

static void add_projections(struct file *f, int layer)
{
    const int d = f->n->layout.shape.d_model;
    for (int i = 0; i < 3; i++) {
        const struct net_linear *lin = linear(f, MODEL_OP_Q + i, layer);
        for (int bias = 0; bias < 2; bias++) {
            add(f, layer, bias ? "self_attn.in_proj_bias" : "self_attn.in_proj_weight", 3 * d,
                bias ? 0 : d, bias ? lin->b : lin->w);
            f->entry[f->entries - 1].part = i;
            f->entry[f->entries - 1].parts = 3;
        }
    }
}

static void add_collapsed_layer(struct file *f)
{
    const struct model_shape *s = &f->n->layout.shape;
    const struct net_linear *q = linear(f, MODEL_OP_Q, 0), *o = linear(f, MODEL_OP_O, 0),
                            *one = linear(f, MODEL_FF1, 0);
    add(f, 0, "scores.weight", s->d_model, s->d_model, q->w);
    add(f, 0, "scores.bias", s->d_model, 0, q->b);
    add(f, 0, "context.weight", s->d_model, s->d_model, o->w);
    add(f, 0, "context.bias", s->d_model, 0, o->b);
    add(f, 0, "gain1", s->d_model, 0, o->gain);
    add(f, 0, "linear1.weight", s->d_ff, s->d_model, one->w);
    add(f, 0, "linear1.bias", s->d_ff, 0, one->b);
}

static void list_entries(struct file *f)
{
    const struct model_shape *s = &f->n->layout.shape;
    const int d = s->d_model;
    add(f, -1, "input.weight", d, s->features, linear(f, MODEL_IN, 0)->w);
    add(f, -1, "position", s->window, d, linear(f, MODEL_IN, 0)->b);
    f->entry[f->entries - 1].turned = 0;
    if (s->form == MODEL_COLLAPSED)
        add_collapsed_layer(f);
    for (int l = 0; s->form == MODEL_ENCODER && l < s->layers; l++) {
        const struct net_linear *o = linear(f, MODEL_OP_O, l), *one = linear(f, MODEL_FF1, l),
                                *two = linear(f, MODEL_FF2, l);
        add_projections(f, l);
        add(f, l, "self_attn.out_proj.weight", d, d, o->w);
        add(f, l, "self_attn.out_proj.bias", d, 0, o->b);
        add(f, l, "gain1", d, 0, o->gain);
        add(f, l, "linear1.weight", s->d_ff, d, one->w);
        add(f, l, "linear1.bias", s->d_ff, 0, one->b);
        add(f, l, "linear2.weight", d, s->d_ff, two->w);
        add(f, l, "linear2.bias", d, 0, two->b);
        add(f, l, "gain2", d, 0, two->gain);
    }
    add(f, -1, "output.weight", s->outputs, linear(f, MODEL_OUT, 0)->in,
        linear(f, MODEL_OUT, 0)->w);
    add(f, -1, "output.bias", s->outputs, 0, linear(f, MODEL_OUT, 0)->b);
}

static size_t elements(const struct entry *e)
{
    return (size_t)e->rows * (size_t)(e->cols ? e->cols : 1);
}

// Copies between the parameters and the file's data of the whole tensor.
static void copy(const struct entry *e, real *param, float *data, int to_file)
{
    const size_t rows = (size_t)(e->rows / e->parts), cols = (size_t)(e->cols ? e->cols : 1);
    data += (size_t)e->part * rows * cols;
    for (size_t r = 0; r < rows; r++)
        for (size_t c = 0; c < cols; c++) {
            real *p = &param[e->param + (e->turned ? c * rows + r : r * cols + c)];
            float *d = &data[r * cols + c];
            if (to_file)
                *d = (float)*p;
            else
                *p = (real)*d;
        }
}

// Floats of all tensors before the one that entry i belongs to.
static size_t offset_of(const struct file *f, int i)
{
    size_t at = 0;
    for (int k = 0; k < i && strcmp(f->entry[k].name, f->entry[i].name); k++)
        at += f->entry[k].part == 0 ? elements(&f->entry[k]) : 0;
    return at;
}

static json_t *shape_json(const struct entry *e)
{
    return e->cols ? json_pack("[i,i]", e->rows, e->cols) : json_pack("[i]", e->rows);
}

// Metadata of a safetensors file are texts.
static json_t *note_json(const struct checkpoint_note *note)
{
    char seed[24], epoch[16], epochs[16];
    snprintf(seed, sizeof seed, "%" PRIu64, note->seed);
    snprintf(epoch, sizeof epoch, "%d", note->epoch);
    snprintf(epochs, sizeof epochs, "%d", note->epochs);
    return json_pack("{s:s, s:s, s:s, s:s}", "format", "pt", "sevencast.seed", seed,
                     "sevencast.epoch", epoch, "sevencast.epochs", epochs);
}

static void read_note(json_t *root, struct checkpoint_note *note)
{
    json_t *metadata = json_object_get(root, "__metadata__");
    const char *seed = json_string_value(json_object_get(metadata, "sevencast.seed"));
    const char *epoch = json_string_value(json_object_get(metadata, "sevencast.epoch"));
    const char *epochs = json_string_value(json_object_get(metadata, "sevencast.epochs"));
    note->seed = seed ? strtoull(seed, NULL, 10) : 0;
    note->epoch = epoch ? (int)strtol(epoch, NULL, 10) : 0;
    note->epochs = epochs ? (int)strtol(epochs, NULL, 10) : 0;
}

static char *header_text(const struct file *f, const struct checkpoint_note *note)
{
    json_t *root = json_pack("{s:o}", "__metadata__", note_json(note));
    for (int i = 0; i < f->entries; i++) {
        const struct entry *e = &f->entry[i];
        size_t from = offset_of(f, i) * sizeof(float);
        if (e->part == 0)
            json_object_set_new(root, e->name,
                                json_pack("{s:s, s:o, s:[I,I]}", "dtype", "F32", "shape",
                                          shape_json(e), "data_offsets", (json_int_t)from,
                                          (json_int_t)(from + elements(e) * sizeof(float))));
    }
    char *text = json_dumps(root, JSON_COMPACT);
    json_decref(root);
    return text;
}

static int write_file(const struct file *f, const char *header, const float *data, size_t count)
{
    char temporary[4096];
    if (snprintf(temporary, sizeof temporary, "%s.new", f->path) >= (int)sizeof temporary)
        return refuse(f, "the path is too long");
    FILE *out = fopen(temporary, "wb");
    if (!out)
        return refuse(f, "%s", strerror(errno));
    size_t length = strlen(header), padded = (length + 7) / 8 * 8;
    unsigned char prefix[PREFIX_BYTES];
    for (int i = 0; i < PREFIX_BYTES; i++)
        prefix[i] = (unsigned char)((uint64_t)padded >> (8 * i));
    int ok = fwrite(prefix, 1, sizeof prefix, out) == sizeof prefix && fputs(header, out) >= 0;
    for (size_t i = length; ok && i < padded; i++)
        ok = fputc(' ', out) != EOF;
    ok = ok && fwrite(data, sizeof *data, count, out) == count;
    if (fclose(out) || !ok || rename(temporary, f->path))
        return refuse(f, "writing: %s", strerror(errno));
    return 0;
}

int checkpoint_save(const struct net *n, const struct checkpoint_note *note, const char *path,
                    char *why, size_t whycap)
{
    struct file f = {.n = n, .path = path, .why = why, .whycap = whycap};
    list_entries(&f);
    const size_t count = n->layout.weights_end;
    float *data = calloc(count, sizeof *data);
    char *header = header_text(&f, note);
    int rc = data && header ? 0 : refuse(&f, "out of memory");
    for (int i = 0; !rc && i < f.entries; i++)
        copy(&f.entry[i], n->param, data + offset_of(&f, i), 1);
    if (!rc)
        rc = write_file(&f, header, data, count);
    free(header);
    free(data);
    return rc;
}

// The header as JSON, and the data behind it.
static int read_file(const struct file *f, json_t **root, unsigned char **data, size_t *bytes)
{
    unsigned char prefix[PREFIX_BYTES];
    const size_t most = f->n->layout.weights_end * sizeof(float);
    uint64_t length = 0;
    char *header = NULL;
    int rc = -1;
    FILE *in = fopen(f->path, "rb");
    if (!in)
        return refuse(f, "%s", strerror(errno));
    if (fread(prefix, 1, sizeof prefix, in) != sizeof prefix) {
        refuse(f, "shorter than a safetensors file");
        goto done;
    }
    for (int i = 0; i < PREFIX_BYTES; i++)
        length |= (uint64_t)prefix[i] << (8 * i);
    if (length < 2 || length > CHECKPOINT_MAX_HEADER_BYTES) {
        refuse(f, "header of %llu bytes, at most %d", (unsigned long long)length,
               (int)CHECKPOINT_MAX_HEADER_BYTES);
        goto done;
    }
    header = malloc((size_t)length);
    *data = malloc(most + 1);
    if (!header || !*data) {
        refuse(f, "out of memory");
        goto done;
    }
    if (fread(header, 1, (size_t)length, in) != length) {
        refuse(f, "ends within the header");
        goto done;
    }
    *bytes = fread(*data, 1, most + 1, in);
    json_error_t error;
    *root = json_loadb(header, (size_t)length, JSON_REJECT_DUPLICATES, &error);
    rc = json_is_object(*root) ? 0 : refuse(f, "the header is not a JSON object");
done:
    free(header);
    fclose(in);
    return rc;
}

// Where the tensor's data lie, or NULL after a refusal.
static const unsigned char *locate(const struct file *f, const struct entry *e, json_t *root,
                                   const unsigned char *data, size_t bytes)
{
    json_t *item = json_object_get(root, e->name), *shape = shape_json(e);
    const char *type = json_string_value(json_object_get(item, "dtype"));
    json_t *offsets = json_object_get(item, "data_offsets");
    json_int_t from = json_integer_value(json_array_get(offsets, 0));
    json_int_t to = json_integer_value(json_array_get(offsets, 1));
    const size_t size = elements(e) * sizeof(float);
    const unsigned char *at = NULL;
    if (!item)
        refuse(f, "tensor '%s': missing", e->name);
    else if (!type || strcmp(type, "F32"))
        refuse(f, "tensor '%s': dtype is not F32", e->name);
    else if (!json_equal(shape, json_object_get(item, "shape")))
        refuse(f, "tensor '%s': shape is not [%d%s%.0d]", e->name, e->rows, e->cols ? ", " : "",
               e->cols);
    else if (from < 0 || to < from || (size_t)to > bytes || (size_t)(to - from) != size)
        refuse(f, "tensor '%s': data_offsets do not fit the file", e->name);
    else
        at = data + from;
    json_decref(shape);
    return at;
}

static int take_all(const struct file *f, json_t *root, const unsigned char *data, size_t bytes,
                    real *param)
{
    size_t known = json_object_get(root, "__metadata__") != NULL;
    float *tensor = malloc(f->n->layout.weights_end * sizeof *tensor);
    int rc = tensor ? 0 : refuse(f, "out of memory");
    for (int i = 0; !rc && i < f->entries; i++) {
        const struct entry *e = &f->entry[i];
        const unsigned char *at = locate(f, e, root, data, bytes);
        if (!at) {
            rc = -1;
            break;
        }
        known += e->part == 0;
        memcpy(tensor, at, elements(e) * sizeof *tensor);
        for (size_t k = 0; k < elements(e); k++)
            if (!isfinite(tensor[k]))
                rc = refuse(f, "tensor '%s': element %zu is not finite", e->name, k);
        copy(e, param, tensor, 0);
    }
    free(tensor);
    if (!rc && json_object_size(root) != known)
        rc = refuse(f, "%zu tensors, this shape has %zu", json_object_size(root), known);
    return rc;
}

int checkpoint_load(struct net *n, struct checkpoint_note *note, const char *path, char *why,
                    size_t whycap)
{
    struct file f = {.n = n, .path = path, .why = why, .whycap = whycap};
    const size_t size = n->layout.count * sizeof *n->param;
    unsigned char *data = NULL;
    json_t *root = NULL;
    size_t bytes = 0;
    real *param = malloc(size);
    int rc = param ? 0 : refuse(&f, "out of memory");
    list_entries(&f);
    if (!rc)
        rc = read_file(&f, &root, &data, &bytes);
    if (!rc) {
        memcpy(param, n->param, size);
        rc = take_all(&f, root, data, bytes, param);
    }
    if (!rc) {
        memcpy(n->param, param, size);
        read_note(root, note);
    }
    json_decref(root);
    free(data);
    free(param);
    return rc;
}
