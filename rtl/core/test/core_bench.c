// SPDX-License-Identifier: Apache-2.0
// The judging half of core_tb.vhd: every tensor of the RTL against the golden model.
//
// usage: core_bench VARIANT_DIR [--runs N] [--seed N] [--cycles N] [--budget N] [GHDL options]
// Runs: every row of every tensor once, each with another window, or N runs with rows at random.
// --cycles: every run must take that many; --budget: in all about that many.
// Prints "PASS ..." and exits 0 only when elements were compared and all of them were equal.
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "tools/model/model_random.h"
#include "tools/model/variant.h"

int bench_next(void);
int bench_code(int index);
int bench_choice(int which);
int bench_result(int index, int value);
int bench_tap(int index, int value);
int bench_done(int cycles);
int ghdl_main(int argc, char **argv);

struct target {
    int tensor, layer, row, cols;
};

static struct {
    struct variant *v;
    struct model_trace *trace;
    struct model_rng rng;
    int8_t x[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES];
    struct target *targets;
    long target_count, runs, run;
    struct target now;
    unsigned char seen[MODEL_MAX_ROW];
    int results, taps;
    long compared, errors, tensor_errors[MODEL_MAX_LAYERS][MODEL_TENSORS];
    long cycles, want_cycles;
    int y_only;
} b;

static void list_targets(void)
{
    long room = 0;
    for (int pass = 0; pass < 2; pass++) {
        b.target_count = 0;
        for (int t = MODEL_H; t < MODEL_TENSORS; t++)
            for (int l = 0; l < b.v->model->shape.layers; l++) {
                int rows, cols;
                if (model_tensor_shape(&b.v->model->shape, (enum model_tensor)t, l, &rows, &cols))
                    continue;
                for (int r = 0; r < rows; r++, b.target_count++)
                    if (pass)
                        b.targets[b.target_count] = (struct target){t, l, r, cols};
            }
        if (!pass) {
            room = b.target_count;
            b.targets = calloc((size_t)room, sizeof *b.targets);
            if (!b.targets)
                exit(3);
        }
    }
}

static void error(const char *what, int index, int got, int want)
{
    b.tensor_errors[b.now.layer][strcmp(what, "y") == 0 ? MODEL_Y : b.now.tensor]++;
    if (b.errors++ < 10)
        printf("run %ld: %s, layer %d row %d [%d]: %d instead of %d\n", b.run, what, b.now.layer,
               b.now.row, index, got, want);
}

int bench_next(void)
{
    if (b.run == b.runs || b.errors > 100000)
        return 0;
    long i = b.run % b.target_count;
    if (b.runs < b.target_count)
        i = (long)model_rng_range(&b.rng, 0, b.target_count - 1);
    b.now = b.targets[i];
    model_random_window(&b.rng, b.v->model, b.x);
    model_run(b.v->model, b.x, b.trace);
    memset(b.seen, 0, sizeof b.seen);
    b.results = b.taps = 0;
    b.run++;
    return 1;
}

int bench_code(int index)
{
    return b.x[index];
}

int bench_choice(int which)
{
    const int choices[] = {(int)(b.run % 2), b.now.tensor, b.now.layer, b.now.row, !b.y_only};
    return choices[which];
}

int bench_result(int index, int value)
{
    int want = model_trace_get(b.trace, MODEL_Y, 0)[index];
    b.results++;
    b.compared++;
    if (value != want)
        error("y", index, value, want);
    return 0;
}

int bench_tap(int index, int value)
{
    const char *name = model_tensor_name((enum model_tensor)b.now.tensor);
    const int16_t *t = model_trace_get(b.trace, (enum model_tensor)b.now.tensor, b.now.layer);
    b.taps++;
    b.compared++;
    if (index >= b.now.cols || b.seen[index])
        error(name, index, b.seen[index] ? 2 : -1, 1);
    else if (t[b.now.row * b.now.cols + index] != value)
        error(name, index, value, t[b.now.row * b.now.cols + index]);
    b.seen[index] = 1;
    return 0;
}

int bench_done(int cycles)
{
    if (b.results != b.v->model->shape.outputs)
        error("number of results", 0, b.results, b.v->model->shape.outputs);
    if (!b.y_only && b.taps != b.now.cols)
        error(model_tensor_name((enum model_tensor)b.now.tensor), -1, b.taps, b.now.cols);
    if (b.want_cycles && cycles != b.want_cycles)
        error("cycles", 0, cycles, (int)b.want_cycles);
    b.cycles = cycles;
    return 0;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

int main(int argc, char **argv)
{
    char why[512];
    if (argc < 2)
        return 2;
    b.v = variant_load(argv[1], why, sizeof why);
    if (!b.v) {
        printf("%s\n", why);
        return 3;
    }
    list_targets();
    b.runs = b.target_count;
    b.rng.state = 1;
    int used = 2;
    long budget = 0;
    for (; used + 1 < argc && argv[used][0] == '-'; used += 2) {
        long value = strtol(argv[used + 1], NULL, 10);
        if (strcmp(argv[used], "--runs") == 0)
            b.runs = value;
        else if (strcmp(argv[used], "--seed") == 0)
            b.rng.state = (uint64_t)value;
        else if (strcmp(argv[used], "--cycles") == 0)
            b.want_cycles = value;
        else if (strcmp(argv[used], "--budget") == 0)
            budget = value;
        else if (strcmp(argv[used], "--y-only") == 0)
            b.y_only = value != 0;
        else
            break;
    }
    if (budget && b.want_cycles && b.runs > budget / b.want_cycles)
        b.runs = budget / b.want_cycles + 1;
    b.trace = model_trace_new(&b.v->model->shape);
    if (!b.trace)
        return 3;
    double start = now_s();
    argv[used - 1] = argv[0];
    int status = ghdl_main(argc - used + 1, argv + used - 1);
    double seconds = now_s() - start;
    if (status != 0 || b.errors || !b.compared || b.run != b.runs) {
        printf("FAIL %s: status %d, %ld errors, %ld elements in %ld of %ld runs\n", b.v->name,
               status, b.errors, b.compared, b.run, b.runs);
        for (int l = 0; l < MODEL_MAX_LAYERS; l++)
            for (int t = 0; t < MODEL_TENSORS; t++)
                if (b.tensor_errors[l][t])
                    printf("  %s of layer %d: %ld errors\n",
                           model_tensor_name((enum model_tensor)t), l, b.tensor_errors[l][t]);
        return 1;
    }
    printf("PASS %s: %ld elements in %ld runs, %ld cycles, %.1f inferences/s\n", b.v->name,
           b.compared, b.run, b.cycles, (double)b.run / seconds);
    return 0;
}
