// SPDX-License-Identifier: Apache-2.0
// integers.json: every trained integer of a model, one row of a matrix to a line.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/model/model_internal.h"
#include "tools/model/reader.h"
#include "tools/model/variant_text.h"

static const char file_name[] = "integers.json";

// Reading. Ranges are left to model_check wherever the C type holds what the file says.

static int read_row8(struct reader *r, json_t *row, const char *field, int cols, int8_t *out)
{
    for (int i = 0; i < cols; i++) {
        int64_t v;
        if (reader_element(r, row, field, (size_t)i, INT8_MIN, INT8_MAX, &v) < 0)
            return -1;
        out[i] = (int8_t)v;
    }
    return 0;
}

static int read_row64(struct reader *r, json_t *row, const char *field, int cols, int64_t *out)
{
    for (int i = 0; i < cols; i++)
        if (reader_element(r, row, field, (size_t)i, INT64_MIN, INT64_MAX, &out[i]) < 0)
            return -1;
    return 0;
}

// Element i of a matrix, which must be an array of cols elements; NULL after a refusal.
static json_t *matrix_row(struct reader *r, json_t *matrix, const char *field, int i, int cols,
                          char name[32])
{
    json_t *row = json_array_get(matrix, (size_t)i);

    snprintf(name, 32, "%s[%d]", field, i);
    if (!json_is_array(row) || json_array_size(row) != (size_t)cols) {
        reader_refuse(r, name, "not an array of %d integers", cols);
        return NULL;
    }
    return row;
}

static int read_weights(struct reader *r, json_t *obj, struct model_linear *lin)
{
    json_t *w = reader_array(r, obj, "w", (size_t)lin->rows);
    char name[32];

    for (int i = 0; w != NULL && i < lin->rows; i++) {
        json_t *row = matrix_row(r, w, "w", i, lin->cols, name);
        if (row == NULL || read_row8(r, row, name, lin->cols, lin->w + i * lin->cols) < 0)
            return -1;
    }
    return w != NULL ? 0 : -1;
}

static int read_biases(struct reader *r, json_t *obj, struct model_linear *lin, int count)
{
    char name[32];
    json_t *b;

    if (count == lin->rows) {
        b = reader_array(r, obj, "b", (size_t)count);
        return b != NULL ? read_row64(r, b, "b", count, lin->rq.b) : -1;
    }
    b = reader_array(r, obj, "b", (size_t)(count / lin->rows));
    for (int i = 0; b != NULL && i < count / lin->rows; i++) {
        json_t *row = matrix_row(r, b, "b", i, lin->rows, name);
        if (row == NULL || read_row64(r, row, name, lin->rows, lin->rq.b + i * lin->rows) < 0)
            return -1;
    }
    return b != NULL ? 0 : -1;
}

static int read_row32(struct reader *r, json_t *obj, const char *field, int count, int32_t *out)
{
    json_t *array = reader_array(r, obj, field, (size_t)count);

    for (int i = 0; array != NULL && i < count; i++) {
        int64_t v;
        if (reader_element(r, array, field, (size_t)i, INT32_MIN, INT32_MAX, &v) < 0)
            return -1;
        out[i] = (int32_t)v;
    }
    return array != NULL ? 0 : -1;
}

// m is one integer for the whole tensor, or an array with one for each output channel.
static int read_multipliers(struct reader *r, json_t *obj, struct model_linear *lin)
{
    lin->rq.per_row = json_is_array(json_object_get(obj, "m"));
    if (lin->rq.per_row)
        return read_row32(r, obj, "m", lin->rows, lin->rq.m);
    return reader_small(r, obj, "m", lin->rq.m);
}

static int read_linear(struct reader *r, json_t *parent, struct model_linear *lin,
                       const struct model_op_info *info)
{
    static const char *const plain[] = {"w", "m", "shift", "b", NULL};
    static const char *const residual[] = {"w", "m", "shift", "b", "g", NULL};
    json_t *obj = reader_object(r, parent, info->name);
    size_t mark;

    if (obj == NULL)
        return -1;
    mark = reader_push(r, info->name, -1);
    if (reader_known(r, obj, lin->rq.g != NULL ? residual : plain) < 0 ||
        read_weights(r, obj, lin) < 0 || read_multipliers(r, obj, lin) < 0 ||
        reader_small(r, obj, "shift", &lin->rq.shift) < 0 ||
        read_biases(r, obj, lin, info->biases) < 0 ||
        (lin->rq.g != NULL && read_row32(r, obj, "g", lin->rows, lin->rq.g) < 0))
        return -1;
    reader_pop(r, mark);
    return 0;
}

static int read_op(struct reader *r, json_t *parent, struct model *mdl, enum model_op op, int layer)
{
    struct model_op_info info;

    if (model_op_describe(&mdl->shape, &mdl->bits, op, layer, &info) < 0)
        return 0; // not of this form
    return read_linear(r, parent, model_op_linear(mdl, op, layer), &info);
}

static int read_score(struct reader *r, json_t *parent, struct model_layer *l, int u_bits)
{
    static const char *const known[] = {"m", "shift", "lut", NULL};
    json_t *obj = reader_object(r, parent, "score");
    size_t mark;
    json_t *lut;

    if (obj == NULL)
        return -1;
    mark = reader_push(r, "score", -1);
    if (reader_known(r, obj, known) < 0 || reader_small(r, obj, "m", &l->score_m) < 0 ||
        reader_small(r, obj, "shift", &l->score_shift) < 0)
        return -1;
    lut = reader_array(r, obj, "lut", (size_t)1 << u_bits);
    for (int i = 0; lut != NULL && i < 1 << u_bits; i++) {
        int64_t v;
        if (reader_element(r, lut, "lut", (size_t)i, 0, UINT8_MAX, &v) < 0)
            return -1;
        l->lut[i] = (uint8_t)v;
    }
    reader_pop(r, mark);
    return lut != NULL ? 0 : -1;
}

// The two integers of "context" (k) and "pool" (m).
static int read_pair(struct reader *r, json_t *parent, const char *field, const char *factor,
                     int32_t *value, int *shift)
{
    const char *const known[] = {factor, "shift", NULL};
    json_t *obj = reader_object(r, parent, field);
    size_t mark;

    if (obj == NULL)
        return -1;
    mark = reader_push(r, field, -1);
    if (reader_known(r, obj, known) < 0 || reader_small(r, obj, factor, value) < 0 ||
        reader_small(r, obj, "shift", shift) < 0)
        return -1;
    reader_pop(r, mark);
    return 0;
}

static int read_layer(struct reader *r, json_t *layers, struct model *mdl, int n)
{
    static const char *const encoder[] = {"q", "k",   "v",   "score", "context",
                                          "o", "ff1", "ff2", NULL};
    static const char *const collapsed[] = {"q", "score", "context", "o", "ff1", NULL};
    struct model_layer *l = &mdl->layer[n];
    json_t *obj = json_array_get(layers, (size_t)n);
    size_t mark;

    if (!json_is_object(obj)) {
        char name[32];
        snprintf(name, sizeof name, "layers[%d]", n);
        return reader_refuse(r, name, "not an object");
    }
    mark = reader_push(r, "layers", n);
    if (reader_known(r, obj, mdl->shape.form == MODEL_COLLAPSED ? collapsed : encoder) < 0)
        return -1;
    for (int op = MODEL_OP_Q; op <= MODEL_FF2; op++)
        if (read_op(r, obj, mdl, op, n) < 0)
            return -1;
    if (read_score(r, obj, l, mdl->bits.layer[n].u) < 0 ||
        read_pair(r, obj, "context", "k", &l->context_k, &l->context_shift) < 0)
        return -1;
    reader_pop(r, mark);
    return 0;
}

static int read_all(struct reader *r, json_t *root, struct model *mdl)
{
    static const char *const encoder[] = {"format", "format_version", "in", "layers", "pool", "out",
                                          NULL};
    static const char *const collapsed[] = {"format", "format_version", "in", "layers", "out",
                                            NULL};
    const int has_pool = mdl->shape.form == MODEL_ENCODER;
    char format[32];
    int64_t version;
    json_t *layers;

    if (reader_known(r, root, has_pool ? encoder : collapsed) < 0 ||
        reader_text(r, root, "format", format, sizeof format, 0) < 0)
        return -1;
    if (strcmp(format, "sevencast-integers") != 0)
        return reader_refuse(r, "format", "not \"sevencast-integers\"");
    if (reader_int(r, root, "format_version", 1, 1, &version) < 0 ||
        read_op(r, root, mdl, MODEL_IN, 0) < 0)
        return -1;
    layers = reader_array(r, root, "layers", (size_t)mdl->shape.layers);
    if (layers == NULL)
        return -1;
    for (int n = 0; n < mdl->shape.layers; n++)
        if (read_layer(r, layers, mdl, n) < 0)
            return -1;
    if (has_pool && read_pair(r, root, "pool", "m", &mdl->pool_m, &mdl->pool_shift) < 0)
        return -1;
    return read_op(r, root, mdl, MODEL_OUT, 0);
}

int integers_read(struct model *mdl, const char *bytes, size_t n, char *why, size_t whycap)
{
    struct reader r = {.file = file_name, .why = why, .whycap = whycap};
    char rule[MODEL_WHY_MAX];
    json_t *root = reader_parse(&r, bytes, n);
    int rc;

    if (root == NULL)
        return -1;
    rc = read_all(&r, root, mdl);
    json_decref(root);
    if (rc == 0 && model_check(mdl, rule, sizeof rule) < 0)
        rc = model_refuse(why, whycap, "%s: %s", file_name, rule);
    return rc;
}

// Writing, by hand: a line is a row, which a JSON library would not do.

static void write_row8(FILE *f, const int8_t *v, int count)
{
    for (int i = 0; i < count; i++)
        fprintf(f, "%s%d", i > 0 ? "," : "[", v[i]);
    fputc(']', f);
}

static void write_row32(FILE *f, const int32_t *v, int count)
{
    for (int i = 0; i < count; i++)
        fprintf(f, "%s%ld", i > 0 ? "," : "[", (long)v[i]);
    fputc(']', f);
}

static void write_row64(FILE *f, const int64_t *v, int count)
{
    for (int i = 0; i < count; i++)
        fprintf(f, "%s%lld", i > 0 ? "," : "[", (long long)v[i]);
    fputc(']', f);
}

static void write_linear(FILE *f, const char *indent, const struct model_linear *lin,
                         const struct model_op_info *info)
{
    const struct model_requant *rq = &lin->rq;

    fprintf(f, "%s\"%s\": {\n%s  \"w\": [\n", indent, info->name, indent);
    for (int i = 0; i < lin->rows; i++) {
        fprintf(f, "%s    ", indent);
        write_row8(f, lin->w + i * lin->cols, lin->cols);
        fprintf(f, "%s\n", i + 1 < lin->rows ? "," : "");
    }
    fprintf(f, "%s  ],\n%s  \"m\": ", indent, indent);
    if (rq->per_row)
        write_row32(f, rq->m, lin->rows);
    else
        fprintf(f, "%ld", (long)rq->m[0]);
    fprintf(f, ",\n%s  \"shift\": %d,\n%s  \"b\": ", indent, rq->shift, indent);
    if (info->biases == lin->rows) {
        write_row64(f, rq->b, lin->rows);
    } else {
        for (int i = 0; i < info->biases; i += lin->rows) {
            fprintf(f, "%s\n%s    ", i > 0 ? "," : "[", indent);
            write_row64(f, rq->b + i, lin->rows);
        }
        fprintf(f, "\n%s  ]", indent);
    }
    if (rq->g != NULL) {
        fprintf(f, ",\n%s  \"g\": ", indent);
        write_row32(f, rq->g, lin->rows);
    }
    fprintf(f, "\n%s}", indent);
}

// An operation that the form has, with what stands behind it.
static void write_op(FILE *f, const char *indent, const struct model *mdl, enum model_op op,
                     int layer, const char *end)
{
    const struct model_layer *l = &mdl->layer[layer];
    const struct model_linear *const linear[MODEL_OPS] = {&mdl->in, &l->q,   &l->k,   &l->v,
                                                          &l->o,    &l->ff1, &l->ff2, &mdl->out};
    struct model_op_info info;

    if (model_op_describe(&mdl->shape, &mdl->bits, op, layer, &info) < 0)
        return;
    write_linear(f, indent, linear[op], &info);
    fputs(end, f);
}

static void write_layer(FILE *f, const struct model *mdl, int n)
{
    const struct model_layer *l = &mdl->layer[n];

    fprintf(f, "    {\n");
    for (int op = MODEL_OP_Q; op <= MODEL_FF2; op++)
        write_op(f, "      ", mdl, op, n, ",\n");
    fprintf(f, "      \"score\": {\"m\": %ld, \"shift\": %d, \"lut\": ", (long)l->score_m,
            l->score_shift);
    for (int i = 0; i < 1 << mdl->bits.layer[n].u; i++)
        fprintf(f, "%s%d", i > 0 ? "," : "[", l->lut[i]);
    fprintf(f, "]},\n      \"context\": {\"k\": %ld, \"shift\": %d}\n    }%s\n", (long)l->context_k,
            l->context_shift, n + 1 < mdl->shape.layers ? "," : "");
}

char *integers_write(const struct model *mdl, size_t *n)
{
    char *text = NULL;
    FILE *f = open_memstream(&text, n);
    int bad;

    if (f == NULL)
        return NULL;
    fprintf(f, "{\n  \"format\": \"sevencast-integers\",\n  \"format_version\": 1,\n");
    write_op(f, "  ", mdl, MODEL_IN, 0, ",\n");
    fprintf(f, "  \"layers\": [\n");
    for (int i = 0; i < mdl->shape.layers; i++)
        write_layer(f, mdl, i);
    fprintf(f, "  ],\n");
    if (mdl->shape.form == MODEL_COLLAPSED) {
        write_op(f, "  ", mdl, MODEL_OUT, 0, "\n}\n");
    } else {
        write_op(f, "  ", mdl, MODEL_OUT, 0, ",\n");
        fprintf(f, "  \"pool\": {\"m\": %ld, \"shift\": %d}\n}\n", (long)mdl->pool_m,
                mdl->pool_shift);
    }
    bad = ferror(f);
    if (fclose(f) != 0 || bad) {
        free(text);
        return NULL;
    }
    return text;
}
