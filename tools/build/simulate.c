// SPDX-License-Identifier: Apache-2.0
// The simulated board of a package, and the check that its RTL computes what the model says.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tools/build/package.h"
#include "tools/build/process.h"

enum { MAX_FILES = 64, TOOL_TIMEOUT_S = 600, LINE = 256 };

struct files {
    char path[MAX_FILES][PACKAGE_PATH_MAX];
    int count;
};

static int add(struct files *f, const char *dir, const char *name)
{
    if (f->count == MAX_FILES)
        return -1;
    int n = snprintf(f->path[f->count], PACKAGE_PATH_MAX, "%s%s%s", dir, *dir ? "/" : "", name);
    if (n < 0 || n >= PACKAGE_PATH_MAX)
        return -1;
    f->count++;
    return 0;
}

// A list holds one path a line, relative to rtl/.
static int add_list(struct files *f, const char *rtl, const char *list)
{
    char path[PACKAGE_PATH_MAX], line[LINE];
    snprintf(path, sizeof path, "%s/%s", rtl, list);
    FILE *in = fopen(path, "r");
    if (!in) {
        fprintf(stderr, "sevencast-build: %s: cannot be read\n", path);
        return -1;
    }
    int bad = 0;
    while (!bad && fgets(line, sizeof line, in)) {
        line[strcspn(line, "\n")] = '\0';
        bad = *line && add(f, rtl, line) != 0;
    }
    fclose(in);
    return bad;
}

static void show_log(const char *dir, const char *log)
{
    char path[PACKAGE_PATH_MAX], line[LINE];
    snprintf(path, sizeof path, "%s/%s", dir, log);
    FILE *in = fopen(path, "r");
    if (!in)
        return;
    for (int i = 0; i < 40 && fgets(line, sizeof line, in); i++)
        fputs(line, stderr);
    fclose(in);
}

static enum package_result run(const char *what, char *const argv[], const char *dir)
{
    int status = process_run(argv, dir, "build.log", TOOL_TIMEOUT_S);
    if (status == 0)
        return PACKAGE_OK;
    if (status == PROCESS_NOT_FOUND)
        fprintf(stderr, "sevencast-build: %s: %s cannot be run\n", what, argv[0]);
    else
        fprintf(stderr, "sevencast-build: %s: %s failed (status %d)\n", what, argv[0], status);
    show_log(dir, "build.log");
    return PACKAGE_TOOL;
}

static enum package_result analyse(const struct package_request *r, const char *dir)
{
    static char ghdl[] = "ghdl-llvm", a[] = "-a", std[] = "--std=08", fast[] = "-O2";
    struct files *f = calloc(1, sizeof *f);
    if (!f)
        return PACKAGE_FILES;
    enum package_result result = PACKAGE_FILES;
    char *argv[MAX_FILES + 8] = {ghdl, a, std, fast};
    if (add_list(f, r->rtl, "core/packages.f") != 0 || add(f, "", "variant_pkg.vhd") != 0 ||
        add_list(f, r->rtl, "core/files.f") != 0 || add_list(f, r->rtl, "sys/files.f") != 0 ||
        add(f, r->rtl, "core/test/golden_tb.vhd") != 0 ||
        add(f, r->vboard_sim, "board_bench.vhd") != 0)
        goto fail;
    for (int i = 0; i < f->count; i++)
        argv[4 + i] = f->path[i];
    result = run("analysis", argv, dir);
fail:
    free(f);
    return result;
}

static enum package_result elaborate(const struct package_request *r, const char *dir,
                                     const char *unit, const char *program, int host)
{
    char unit_arg[64], program_arg[64], link[PACKAGE_PATH_MAX + 64];
    static char ghdl[] = "ghdl-llvm", e[] = "-e", std[] = "--std=08", fast[] = "-O2", o[] = "-o";
    snprintf(unit_arg, sizeof unit_arg, "%s", unit);
    snprintf(program_arg, sizeof program_arg, "%s", program);
    snprintf(link, sizeof link, "-Wl,%s/libvboard_sim_host.a", r->vboard_sim);
    char *with[] = {ghdl, e, std, fast, o, program_arg, link, unit_arg, NULL};
    char *without[] = {ghdl, e, std, fast, o, program_arg, unit_arg, NULL};
    return run("elaboration", host ? with : without, dir);
}

// What golden_tb reads: number of windows, then the codes of x and y of each.
static int write_golden(const struct package_request *r, const char *dir)
{
    const struct model *m = r->variant->model;
    char path[PACKAGE_PATH_MAX];
    int8_t x[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES];
    struct model_trace *trace = model_trace_new(&m->shape);
    snprintf(path, sizeof path, "%s/golden.txt", dir);
    FILE *out = fopen(path, "w");
    int bad = !out || !trace;
    if (!bad)
        fprintf(out, "%d\n", GOLDEN_WINDOWS);
    for (int w = 0; !bad && w < GOLDEN_WINDOWS; w++) {
        golden_window(r->variant, w, x);
        model_run(m, x, trace);
        for (int i = 0; i < m->shape.window * m->shape.features; i++)
            fprintf(out, "%d\n", x[i]);
        for (int i = 0; i < m->shape.outputs; i++)
            fprintf(out, "%d\n", model_trace_get(trace, MODEL_Y, 0)[i]);
    }
    if (out && fclose(out) != 0)
        bad = 1;
    model_trace_free(trace);
    return bad ? -1 : 0;
}

// golden_tb ends with "golden_tb: PASS N elements CYCLES cycles".
static enum package_result check(const struct package_request *r, const char *dir, long *cycles)
{
    static char bench[] = "./golden_tb", strict[] = "--assert-level=error";
    static char quiet[] = "--ieee-asserts=disable";
    char *argv[] = {bench, strict, quiet, NULL};
    char path[PACKAGE_PATH_MAX], line[LINE];
    if (write_golden(r, dir) != 0)
        return PACKAGE_FILES;
    int status = process_run(argv, dir, "golden.log", TOOL_TIMEOUT_S);
    long elements = 0;
    snprintf(path, sizeof path, "%s/golden.log", dir);
    FILE *in = fopen(path, "r");
    while (in && fgets(line, sizeof line, in)) {
        const char *at = strstr(line, "golden_tb: PASS ");
        char *end;
        if (!at)
            continue;
        elements = strtol(at + strlen("golden_tb: PASS "), &end, 10);
        if (strncmp(end, " elements ", 10) == 0)
            *cycles = strtol(end + 10, NULL, 10);
    }
    if (in)
        fclose(in);
    if (status == 0 && elements == (long)GOLDEN_WINDOWS * r->variant->model->shape.outputs &&
        *cycles == r->plan->cycles)
        return PACKAGE_OK;
    fprintf(stderr,
            "sevencast-build: the RTL does not agree with the model: status %d, %ld elements, %ld "
            "cycles (planned %ld)\n",
            status, elements, *cycles, r->plan->cycles);
    show_log(dir, "golden.log");
    return PACKAGE_WRONG;
}

enum package_result simulate_build(const struct package_request *r, const char *dir, long *cycles)
{
    enum package_result result = analyse(r, dir);
    if (result == PACKAGE_OK)
        result = elaborate(r, dir, "golden_tb", "golden_tb", 0);
    if (result == PACKAGE_OK)
        result = check(r, dir, cycles);
    if (result == PACKAGE_OK)
        result = elaborate(r, dir, "board_bench", "sim", 1);
    return result;
}
