// SPDX-License-Identifier: Apache-2.0
#include "daemon/test/make_package.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bitstream/bitstream.h"
#include "tools/model/model_random.h"

static int put_file(const char *dir, const char *name, const void *data, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "wbe");
    if (!f)
        return -1;
    int ok = fwrite(data, 1, n, f) == n;
    return fclose(f) == 0 && ok ? 0 : -1;
}

static int put_json(const char *dir, const char *name, json_t *j)
{
    char *text = json_dumps(j, JSON_COMPACT);
    int r = text ? put_file(dir, name, text, strlen(text)) : -1;
    free(text);
    json_decref(j);
    return r;
}

static int put_golden(const char *dir, const struct variant *v, const struct make_package *m)
{
    int n = m->windows ? m->windows : 8;
    const struct model_shape *s = &v->model->shape;
    struct model_trace *trace = model_trace_new(s);
    struct model_rng rng = {m->seed + 1};
    json_t *windows = json_array();
    for (int i = 0; i < n; i++) {
        int8_t x[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES];
        json_t *xs = json_array(), *ys = json_array();
        model_random_window(&rng, v->model, x);
        model_run(v->model, x, trace);
        const int16_t *y = model_trace_get(trace, MODEL_Y, 0);
        for (int k = 0; k < s->window * s->features; k++)
            json_array_append_new(xs, json_integer(x[k]));
        for (int k = 0; k < s->outputs; k++)
            json_array_append_new(ys, json_integer(y[k] + (m->wrong_golden && i == n - 1)));
        json_array_append_new(windows, json_pack("{s:o,s:o}", "x", xs, "y", ys));
    }
    model_trace_free(trace);
    return put_json(
        dir, "golden.json",
        json_pack("{s:s,s:s,s:o}", "variant", v->name, "hash", v->hash_hex, "windows", windows));
}

static int put_bit(const char *dir, const struct variant *v, const struct make_package *m)
{
    const char *part = m->part ? m->part : "xc7s15";
    const char *bit_part = m->bit_part ? m->bit_part : part;
    struct virtual_mark mark;
    struct bitstream_report report;
    char file[128], sha[65];
    size_t n;
    memset(&mark, 0, sizeof mark);
    memcpy(mark.hash, v->hash, sizeof mark.hash);
    snprintf(mark.variant, sizeof mark.variant, "%s", v->name);
    uint8_t *bytes = bitstream_make_virtual(device_part_by_name(bit_part), &mark, &n);
    if (!bytes)
        return -1;
    bitstream_check(bytes, n, device_part_by_name(bit_part), &report);
    if (m->wrong_sha)
        report.sha256[0] ^= 1;
    variant_hex(report.sha256, 32, sha);
    snprintf(file, sizeof file, "%s.bit", m->name);
    int r = put_file(dir, file, bytes, m->truncate_bit ? n / 2 : n);
    free(bytes);
    if (r < 0)
        return -1;
    return put_json(dir, "build.json",
                    json_pack("{s:s,s:s,s:{s:s,s:s,s:s},s:s,s:i,s:i}", "variant", v->name, "hash",
                              v->hash_hex, "bitstream", "file", file, "part", part, "sha256", sha,
                              "origin", m->real ? "board" : "virtual", "cycles", 1000, "clock_hz",
                              100000000));
}

static int spoil_integers(const char *dir)
{
    char path[512];
    snprintf(path, sizeof path, "%s/integers.json", dir);
    FILE *f = fopen(path, "ae");
    if (!f)
        return -1;
    fputs(" \n", f);
    return fclose(f);
}

int make_package(const struct make_package *m)
{
    char why[256], dir[400];
    struct model_random_options o = {
        .seed = m->seed,
        .shape = {.window = m->window ? m->window : 24,
                  .features = m->features ? m->features : 1,
                  .d_model = m->d_model ? m->d_model : 8,
                  .heads = 1,
                  .d_ff = 16,
                  .layers = 1,
                  .outputs = m->outputs ? m->outputs : 1},
        .bits = m->bits ? m->bits : 8,
        .y_bits = 12,
    };
    snprintf(dir, sizeof dir, "%s/%s", m->dir, m->name);
    struct variant *v = model_random_variant(&o, why, sizeof why);
    if (!v) {
        fprintf(stderr, "make_package: %s\n", why);
        return -1;
    }
    snprintf(v->name, sizeof v->name, "%s", m->name);
    snprintf(v->task, sizeof v->task, "%s", m->task);
    int r = -1;
    if (variant_save(v, dir, why, sizeof why) < 0)
        fprintf(stderr, "make_package: %s\n", why);
    else if (put_golden(dir, v, m) < 0 || put_bit(dir, v, m) < 0 ||
             (m->wrong_hash && spoil_integers(dir) < 0))
        fprintf(stderr, "make_package: cannot write %s\n", dir);
    else
        r = 0;
    variant_free(v);
    return r;
}
