// SPDX-License-Identifier: Apache-2.0
// sc-roundtrip: how long one forecast takes through client, daemon and board, one after the other.
// Not installed; tools/bench runs it.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "client/sevencast.h"

enum { WARM_UP = 20, MAX_SAMPLES = 1000000, TIMEOUT_MS = 10000 };

static double now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static int compare(const void *a, const void *b)
{
    double x, y;
    memcpy(&x, a, sizeof x);
    memcpy(&y, b, sizeof y);
    return (x > y) - (x < y);
}

static int fail(struct sc_client *client, int code)
{
    fprintf(stderr, "sc-roundtrip: %s: %s\n", sc_code_name(code), sc_error_text(client));
    return 1;
}

// A window in the middle of each feature's range, so that nothing saturates.
static void fill(const struct sc_metadata *m, double *window)
{
    for (uint32_t i = 0; i < m->window * m->features; i++) {
        const struct sc_column *c = &m->feature[i % m->features];
        window[i] = c->offset + c->scale * m->x_scale * (i % 3);
    }
}

static int measure(struct sc_client *client, const struct sc_metadata *m, const char *model,
                   long samples, double *us)
{
    double window[SC_MAX_WINDOW * SC_MAX_FEATURES];
    const char *origin = "";
    uint64_t stages[5] = {0};
    fill(m, window);
    for (long i = -WARM_UP; i < samples; i++) {
        const struct sc_forecast *f;
        double start = now_us();
        int code = sc_infer(client, model, window, m->window, m->features, TIMEOUT_MS, &f);
        if (code)
            return fail(client, code);
        if (i >= 0) {
            us[i] = now_us() - start;
            stages[0] += f->stages_ns.queue;
            stages[1] += f->stages_ns.usb_in;
            stages[2] += f->stages_ns.fpga;
            stages[3] += f->stages_ns.usb_out;
            stages[4] += f->stages_ns.host;
        }
        origin = sc_origin_name(f->origin);
        sc_free(f);
    }
    qsort(us, (size_t)samples, sizeof us[0], compare);
    printf("{\"service_p50_us\": %.1f, \"service_p99_us\": %.1f, \"samples\": %ld, "
           "\"min_us\": %.1f, \"max_us\": %.1f, \"origin\": \"%s\", \"mean_stages_us\": "
           "{\"queue\": %.1f, \"usb_in\": %.1f, \"fpga\": %.1f, \"usb_out\": %.1f, "
           "\"host\": %.1f}}\n",
           us[(samples * 50 + 99) / 100 - 1], us[(samples * 99 + 99) / 100 - 1], samples, us[0],
           us[samples - 1], origin, (double)stages[0] / 1e3 / (double)samples,
           (double)stages[1] / 1e3 / (double)samples, (double)stages[2] / 1e3 / (double)samples,
           (double)stages[3] / 1e3 / (double)samples, (double)stages[4] / 1e3 / (double)samples);
    return 0;
}

int main(int argc, char **argv)
{
    struct sc_client *client = NULL;
    const struct sc_metadata *m = NULL;
    char *end = NULL;
    long samples = argc > 3 ? strtol(argv[3], &end, 10) : 1000;
    if (argc < 3 || argc > 4 || (end && *end) || samples < 1 || samples > MAX_SAMPLES) {
        printf("usage: sc-roundtrip ENDPOINT MODEL [SAMPLES]\n"
               "Times SAMPLES (1000) forecasts one after the other; prints one JSON object.\n");
        return argc == 2 && strcmp(argv[1], "--help") == 0 ? 0 : 2;
    }
    double *us = calloc((size_t)samples, sizeof *us);
    int code = us ? sc_open(argv[1], NULL, &client) : SC_NO_MEMORY;
    if (code) {
        fprintf(stderr, "sc-roundtrip: %s: %s\n", argv[1], sc_code_name(code));
        free(us);
        return 1;
    }
    code = sc_metadata(client, argv[2], TIMEOUT_MS, &m);
    code = code ? fail(client, code) : measure(client, m, argv[2], samples, us);
    sc_free(m);
    sc_close(client);
    free(us);
    return code;
}
