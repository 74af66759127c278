// SPDX-License-Identifier: Apache-2.0
// The whole design (rtl/core and rtl/sys) through its pins against the golden model, as cases for
// top_tb: identity, results and cycles of windows alone and in pairs, every row of every tensor.
// "design_cases script|check VARIANT_DIR SEED FILE"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rtl/sys/test/link_cases.h"
#include "tools/build/hardware.h"
#include "tools/build/plan.h"
#include "tools/model/model_random.h"
#include "tools/model/variant.h"

enum { MAX_WINDOW_BYTES = MODEL_MAX_WINDOW * MODEL_MAX_FEATURES };

static struct variant *variant;
static struct model_trace *trace;
static struct model_rng rng;
static uint32_t cycles;

static size_t window_bytes(void)
{
    return (size_t)(variant->model->shape.window * variant->model->shape.features);
}

static void expect_identity(uint16_t seq)
{
    const struct model_shape *s = &variant->model->shape;
    struct link_identity id = {
        .map_version = 1,
        .origin = LINK_ORIGIN_VIRTUAL,
        .window = (uint16_t)s->window,
        .features = (uint16_t)s->features,
        .outputs = (uint16_t)s->outputs,
        .x_bits = (uint8_t)variant->model->bits.x,
        .y_bits = (uint8_t)variant->model->bits.y,
        .window_buffers = 2,
        .layers = (uint8_t)s->layers,
        .heads = (uint8_t)s->heads,
        .clock_hz = 100000000,
    };
    uint8_t payload[LINK_IDENTITY_BYTES];
    memcpy(id.hash, variant->hash, sizeof id.hash);
    link_identity_encode(&id, payload);
    struct expected *e = expect(LINK_IDENTIFY | LINK_ANSWER, seq, payload, sizeof payload);
    expect_range(e, 4 * 14, 1, 0xffffffff); // version of the RTL
}

static void expect_result(uint16_t seq, const int8_t *x, uint32_t wait_high)
{
    uint8_t payload[8 + 2 * MODEL_MAX_OUTPUTS] = {0};
    int outputs = variant->model->shape.outputs;
    model_run(variant->model, x, trace);
    const int16_t *y = model_trace_get(trace, MODEL_Y, 0);
    put32(payload, cycles);
    for (int i = 0; i < outputs; i++)
        put16(payload + 8 + 2 * i, (unsigned)y[i]);
    struct expected *e = expect(LINK_INFER | LINK_ANSWER, seq, payload, 8 + 2 * (size_t)outputs);
    expect_range(e, 4, 2, wait_high);
}

static void infer(int8_t *x)
{
    model_random_window(&rng, variant->model, x);
    expect_result(send_frame(LINK_INFER, x, window_bytes()), x, 2);
    settle();
}

// Answers of one window, from the trace that is of it.
static void read_tensor(enum model_tensor tensor, int layer, int row, int cols)
{
    uint8_t request[4] = {(uint8_t)tensor, (uint8_t)layer}, payload[4 + 2 * MODEL_MAX_ROW];
    put16(request + 2, (unsigned)row);
    memcpy(payload, request, sizeof request);
    const int16_t *codes = model_trace_get(trace, tensor, layer) + row * cols;
    for (int i = 0; i < cols; i++)
        put16(payload + 4 + 2 * i, (unsigned)codes[i]);
    uint16_t seq = send_frame(LINK_READ_TENSOR, request, sizeof request);
    expect(LINK_READ_TENSOR | LINK_ANSWER, seq, payload, 4 + 2 * (size_t)cols);
    settle();
}

static void tensors(int8_t *x)
{
    for (int tensor = MODEL_H; tensor < MODEL_TENSORS; tensor++)
        for (int layer = 0; layer < variant->model->shape.layers; layer++) {
            int rows, cols;
            if (model_tensor_shape(&variant->model->shape, (enum model_tensor)tensor, layer, &rows,
                                   &cols))
                continue;
            infer(x);
            for (int row = 0; row < rows; row++)
                read_tensor((enum model_tensor)tensor, layer, row, cols);
        }
}

static void pairs(void)
{
    int8_t a[MAX_WINDOW_BYTES], b[MAX_WINDOW_BYTES];
    for (int i = 0; i < 10; i++) {
        model_random_window(&rng, variant->model, a);
        model_random_window(&rng, variant->model, b);
        uint16_t first = send_frame(LINK_INFER, a, window_bytes());
        uint16_t second = send_frame(LINK_INFER, b, window_bytes());
        expect_result(first, a, 2);
        expect_result(second, b, cycles + 10);
        settle();
    }
}

// Both windows in turn: exact times, PAUSE clocks from a y to the next start.
static void bursts(void)
{
    enum { PAUSE = 2 };
    int8_t x[2][MAX_WINDOW_BYTES];
    unsigned outputs = (unsigned)variant->model->shape.outputs;
    uint8_t y[4 * MODEL_MAX_OUTPUTS], request[LINK_BURST_BYTES];
    uint8_t payload[LINK_BURST_HEAD_BYTES + sizeof y];
    for (uint8_t windows = 1; windows <= 2; windows++) {
        for (unsigned w = 0; w < 2; w++)
            infer(x[w]);
        for (unsigned w = 0; w < windows; w++) {
            model_run(variant->model, x[2 - windows + w], trace);
            for (unsigned k = 0; k < outputs; k++)
                put16(y + 2 * (w * outputs + k), (unsigned)model_trace_get(trace, MODEL_Y, 0)[k]);
        }
        const struct link_burst b = {.runs = 5, .limit = 65535, .windows = windows};
        const struct link_burst_result r = {.runs = 5,
                                            .busy_cycles = 5 * (uint64_t)cycles,
                                            .cycles = 5 * (uint64_t)cycles + 4 * PAUSE,
                                            .windows = windows,
                                            .y = y};
        link_burst_encode(&b, request);
        size_t n = link_burst_result_encode(&r, outputs, payload);
        uint16_t seq = send_frame(LINK_BURST, request, sizeof request);
        command('w', 5 * cycles);
        expect(LINK_BURST | LINK_ANSWER, seq, payload, n);
        settle();
    }
}

// A reset in the middle of a computation, at another place each time.
static void resets(int8_t *x)
{
    for (uint32_t i = 0; i < 8; i++) {
        model_random_window(&rng, variant->model, x);
        send_frame(LINK_INFER, x, window_bytes());
        command('w', i * (cycles - 300) / 8);
        expect(LINK_RESET | LINK_ANSWER, send_frame(LINK_RESET, NULL, 0), NULL, 0);
        settle();
        infer(x);
    }
}

static void all_cases(void)
{
    int8_t x[MAX_WINDOW_BYTES];
    expect_identity(send_frame(LINK_IDENTIFY, NULL, 0));
    settle();
    for (int i = 0; i < 5; i++)
        infer(x);
    tensors(x);
    pairs();
    bursts();
    if (cycles > 400) // else it is over before the reset's last byte is in, 160 clocks later
        resets(x);
}

int main(int argc, char **argv)
{
    char why[512];
    if (argc != 5 || (strcmp(argv[1], "script") != 0 && strcmp(argv[1], "check") != 0)) {
        fprintf(stderr, "usage: design_cases script|check VARIANT_DIR SEED FILE\n");
        return 2;
    }
    variant = variant_load(argv[2], why, sizeof why);
    struct hardware hardware;
    if (!variant || hardware_choose(&hardware, variant->model, variant->hardware, why, sizeof why))
        die("%s", why);
    struct plan *plan = plan_new(variant->model, &hardware, why, sizeof why);
    if (!plan)
        die("%s", why);
    cycles = (uint32_t)plan->cycles;
    trace = model_trace_new(&variant->model->shape);
    if (!trace)
        die("out of memory");
    rng.state = strtoull(argv[3], NULL, 0);
    int status = run_cases(argv[1], argv[4], all_cases);
    model_trace_free(trace);
    plan_free(plan);
    variant_free(variant);
    return status;
}
