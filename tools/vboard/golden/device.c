// SPDX-License-Identifier: Apache-2.0
#include "tools/vboard/golden/device.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

enum { WINDOW_BUFFERS = 2, MAX_COUNT = 64 };

static void put16(uint8_t *p, uint32_t v)
{
    p[0] = (uint8_t)v;
    p[1] = (uint8_t)(v >> 8);
}

static void put32(uint8_t *p, uint32_t v)
{
    put16(p, v);
    put16(p + 2, v >> 16);
}

static uint16_t get16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t get32(const uint8_t *p)
{
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}

// --- loading ---

static int read_positive(const json_t *build, const char *key, uint32_t *value, char *why,
                         size_t whycap)
{
    const json_t *v = json_object_get(build, key);
    if (!json_is_integer(v) || json_integer_value(v) < 1 || json_integer_value(v) > UINT32_MAX) {
        snprintf(why, whycap, "build.json: %s: a positive integer is missing", key);
        return -1;
    }
    *value = (uint32_t)json_integer_value(v);
    return 0;
}

int device_init(struct device *d, const char *dir, char *why, size_t whycap)
{
    char path[1024];
    json_error_t error;
    memset(d, 0, sizeof *d);
    snprintf(path, sizeof path, "%s/build.json", dir);
    json_t *build = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    if (!build) {
        snprintf(why, whycap, "build.json: line %d: %s", error.line, error.text);
        return -1;
    }
    int bad = read_positive(build, "cycles", &d->cycles, why, whycap) ||
              read_positive(build, "clock_hz", &d->clock_hz, why, whycap);
    json_decref(build);
    if (bad)
        return -1;
    d->variant = variant_load(dir, why, whycap);
    if (!d->variant)
        return -1;
    d->trace = model_trace_new(&d->variant->model->shape);
    if (!d->trace) {
        snprintf(why, whycap, "no memory");
        device_fini(d);
        return -1;
    }
    return 0;
}

void device_fini(struct device *d)
{
    model_trace_free(d->trace);
    variant_free(d->variant);
    d->trace = NULL;
    d->variant = NULL;
}

// --- answers ---

static size_t window_bytes(const struct device *d)
{
    return (size_t)d->variant->model->shape.window * (size_t)d->variant->model->shape.features;
}

size_t device_refuse(struct device *d, const struct link_frame *f, enum link_error error,
                     uint16_t detail, uint8_t *out)
{
    uint8_t payload[4] = {(uint8_t)error, f->type};
    put16(payload + 2, detail);
    if (error == LINK_BAD_CRC || error == LINK_BAD_VERSION ||
        (error == LINK_BAD_LENGTH && detail > LINK_MAX_PAYLOAD))
        d->dropped_frames++;
    // What a refused frame had already put over the older window.
    if ((error == LINK_BAD_CRC || error == LINK_BAD_VALUE) && f->type == LINK_INFER &&
        f->n == window_bytes(d))
        d->has_older = false;
    return link_encode(out, LINK_ERROR, f->seq, payload, sizeof payload);
}

static void identity(const struct device *d, uint8_t out[LINK_IDENTITY_BYTES])
{
    const struct model_shape *s = &d->variant->model->shape;
    const struct model_bits *b = &d->variant->model->bits;
    struct link_identity id = {.map_version = 1,
                               .origin = LINK_ORIGIN_MODEL,
                               .window = (uint16_t)s->window,
                               .features = (uint16_t)s->features,
                               .outputs = (uint16_t)s->outputs,
                               .x_bits = (uint8_t)b->x,
                               .y_bits = (uint8_t)b->y,
                               .window_buffers = WINDOW_BUFFERS,
                               .layers = (uint8_t)s->layers,
                               .heads = (uint8_t)s->heads,
                               .clock_hz = d->clock_hz,
                               .rtl_version = 0}; // no RTL here
    memcpy(id.hash, d->variant->hash, sizeof id.hash);
    link_identity_encode(&id, out);
}

static uint32_t register_value(const struct device *d, unsigned index)
{
    uint8_t id[LINK_IDENTITY_BYTES];
    if (index < LINK_IDENTITY_BYTES / 4) {
        identity(d, id);
        return get32(id + 4 * index);
    }
    switch (index) {
    case 17:
        return d->inferences ? d->cycles : 0;
    case 18:
        return d->inferences;
    case 19:
        return d->dropped_frames;
    case 20:
        return d->resets;
    case 21:
        return (uint32_t)d->total_cycles;
    case 22:
        return (uint32_t)(d->total_cycles >> 32);
    default: // 16, status: it is idle whenever it can be asked
        return 0;
    }
}

static size_t answer(const struct link_frame *f, const uint8_t *payload, size_t n, uint8_t *out)
{
    return link_encode(out, f->type | LINK_ANSWER, f->seq, payload, n);
}

static size_t read_registers(struct device *d, const struct link_frame *f, uint8_t *out)
{
    uint8_t payload[4 * MAX_COUNT];
    if (f->n != 4)
        return device_refuse(d, f, LINK_BAD_LENGTH, (uint16_t)f->n, out);
    unsigned first = get16(f->payload), count = get16(f->payload + 2);
    if (count < 1 || count > MAX_COUNT || first + count > LINK_REGISTERS)
        return device_refuse(d, f, LINK_BAD_ARGUMENT, 0, out);
    for (unsigned i = 0; i < count; i++)
        put32(payload + 4 * i, register_value(d, first + i));
    return answer(f, payload, 4 * count, out);
}

static size_t infer(struct device *d, const struct link_frame *f, uint8_t *out)
{
    const struct model *m = d->variant->model;
    size_t n = window_bytes(d);
    int most = (1 << (m->bits.x - 1)) - 1;
    if (f->n != n)
        return device_refuse(d, f, LINK_BAD_LENGTH, (uint16_t)f->n, out);
    for (size_t i = 0; i < n; i++) {
        int8_t code = (int8_t)f->payload[i];
        if (code > most || code < -most - 1)
            return device_refuse(d, f, LINK_BAD_VALUE, (uint16_t)i, out);
    }
    memcpy(d->older, d->window, n);
    d->has_older = d->has_window;
    memcpy(d->window, f->payload, n);
    d->has_window = true;
    model_run(m, d->window, d->trace);
    d->inferences++;
    d->total_cycles += d->cycles;
    const int16_t *y = model_trace_get(d->trace, MODEL_Y, 0);
    uint8_t payload[8 + 2 * MODEL_MAX_OUTPUTS];
    put32(payload, d->cycles);
    put32(payload + 4, 0); // it never waits
    for (int i = 0; i < m->shape.outputs; i++)
        put16(payload + 8 + 2 * i, (uint16_t)y[i]);
    return answer(f, payload, 8 + 2 * (size_t)m->shape.outputs, out);
}

static size_t read_tensor(struct device *d, const struct link_frame *f, uint8_t *out)
{
    const struct model *m = d->variant->model;
    int rows, columns;
    if (f->n != 4)
        return device_refuse(d, f, LINK_BAD_LENGTH, (uint16_t)f->n, out);
    if (!d->has_window)
        return device_refuse(d, f, LINK_NO_WINDOW, 0, out);
    unsigned tensor = f->payload[0], layer = f->payload[1], row = get16(f->payload + 2);
    if (tensor < MODEL_H || tensor > MODEL_Y || (tensor == MODEL_H && layer > 0) ||
        model_tensor_shape(&m->shape, (enum model_tensor)tensor, (int)layer, &rows, &columns) ||
        (int)row >= rows)
        return device_refuse(d, f, LINK_BAD_ARGUMENT, 0, out);
    const int16_t *t = model_trace_get(d->trace, (enum model_tensor)tensor, (int)layer);
    uint8_t payload[4 + 2 * MODEL_MAX_ROW];
    memcpy(payload, f->payload, 4);
    for (int i = 0; i < columns; i++)
        put16(payload + 4 + 2 * i, (uint16_t)t[(int)row * columns + i]);
    return answer(f, payload, 4 + 2 * (size_t)columns, out);
}

size_t device_answer(struct device *d, const struct link_frame *f, uint8_t *out)
{
    uint8_t id[LINK_IDENTITY_BYTES];
    switch (f->type) {
    case LINK_IDENTIFY:
        if (f->n)
            return device_refuse(d, f, LINK_BAD_LENGTH, (uint16_t)f->n, out);
        identity(d, id);
        return answer(f, id, sizeof id, out);
    case LINK_READ_REGISTERS:
        return read_registers(d, f, out);
    case LINK_INFER:
        return infer(d, f, out);
    case LINK_READ_TENSOR:
        return read_tensor(d, f, out);
    case LINK_RESET:
        if (f->n)
            return device_refuse(d, f, LINK_BAD_LENGTH, (uint16_t)f->n, out);
        d->has_window = d->has_older = false;
        d->resets++;
        return answer(f, NULL, 0, out);
    case LINK_BURST:
        return device_burst(d, f, out);
    case LINK_STOP:
        if (f->n)
            return device_refuse(d, f, LINK_BAD_LENGTH, (uint16_t)f->n, out);
        return answer(f, NULL, 0, out);
    default:
        return device_refuse(d, f, LINK_BAD_TYPE, 0, out);
    }
}
