// SPDX-License-Identifier: Apache-2.0
// bare-loop: INFER frames one after the other over libftdi alone, no daemon between: what the
// daemon's round trip is compared with, and the check that a board answers what the model says.
// Windows and expected results come from the package's golden.json.
#include <ftdi.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "protocol/link.h"

enum { MAX_WINDOWS = 64, MAX_OUTPUTS = 24, TIMEOUT_MS = 2000, LATENCY_MS = 2 };

struct golden {
    size_t windows, x_n, y_n;
    uint8_t x[MAX_WINDOWS][LINK_MAX_PAYLOAD];
    int16_t y[MAX_WINDOWS][MAX_OUTPUTS];
};

struct options {
    const char *serial, *package;
    unsigned count, timeout_ms;
    bool resync; // a client before left half a frame or an unread answer behind
};

struct result {
    struct link_identity identity;
    unsigned done, mismatches;
    uint32_t cycles;
    uint64_t *ns;
};

static uint64_t timeout_ns;

static uint64_t now_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int load_golden(const char *package, struct golden *g)
{
    char path[1024];
    json_error_t error;
    snprintf(path, sizeof path, "%s/golden.json", package);
    json_t *o = json_load_file(path, 0, &error);
    const json_t *windows = json_object_get(o, "windows");
    for (g->windows = 0; g->windows < json_array_size(windows) && g->windows < MAX_WINDOWS;
         g->windows++) {
        const json_t *w = json_array_get(windows, g->windows);
        const json_t *x = json_object_get(w, "x"), *y = json_object_get(w, "y");
        g->x_n = json_array_size(x);
        g->y_n = json_array_size(y);
        if (!g->x_n || g->x_n > LINK_MAX_PAYLOAD || !g->y_n || g->y_n > MAX_OUTPUTS)
            break;
        for (size_t i = 0; i < g->x_n; i++)
            g->x[g->windows][i] = (uint8_t)json_integer_value(json_array_get(x, i));
        for (size_t i = 0; i < g->y_n; i++)
            g->y[g->windows][i] = (int16_t)json_integer_value(json_array_get(y, i));
    }
    if (!g->windows)
        fprintf(stderr, "bare-loop: %s has no windows\n", path);
    json_decref(o);
    return g->windows ? 0 : -1;
}

// Sends one request and waits for its answer of expect payload bytes; 0, or -1 on time-out or a USB
// error. ftdi_read_data returns when it has what was asked for or when the latency timer sends an
// empty packet, so it is asked for no more than the answer.
static int ask(struct ftdi_context *f, struct link_parser *p, uint8_t type, uint16_t seq,
               const void *payload, size_t n, size_t expect, struct link_frame *answer)
{
    static uint8_t in[8192];
    uint8_t out[LINK_MAX_FRAME];
    uint64_t end = now_ns() + timeout_ns;
    size_t length = link_encode(out, type, seq, payload, n);
    if (ftdi_write_data(f, out, (int)length) != (int)length)
        return -1;
    size_t left = LINK_HEADER_BYTES + expect + LINK_CRC_BYTES;
    while (now_ns() < end) {
        int got = ftdi_read_data(f, in, (int)left);
        if (got < 0)
            return -1;
        left = (size_t)got < left ? left - (size_t)got : 1;
        size_t at = 0, used = 0;
        while (link_parse(p, in + at, (size_t)got - at, &used, answer)) {
            at += used;
            if (answer->seq == seq)
                return 0;
        }
    }
    return -1;
}

// Ends whatever half a frame the device holds and throws away what it still says.
static void resync(struct ftdi_context *f)
{
    static uint8_t zeros[LINK_MAX_FRAME], in[4096];
    ftdi_tcioflush(f);
    ftdi_write_data(f, zeros, sizeof zeros);
    for (int silent = 0; silent < 10;)
        silent = ftdi_read_data(f, in, sizeof in) > 0 ? 0 : silent + 1;
}

static int get32(const uint8_t *p)
{
    return (int)(p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
}

static int run(struct ftdi_context *f, const struct options *o, const struct golden *g,
               struct result *r)
{
    static struct link_parser parser;
    struct link_frame a;
    link_parser_init(&parser);
    if (o->resync)
        resync(f);
    if (ask(f, &parser, LINK_IDENTIFY, 1, NULL, 0, LINK_IDENTITY_BYTES, &a) ||
        a.type != (LINK_IDENTIFY | LINK_ANSWER) ||
        link_identity_decode(a.payload, a.n, &r->identity)) {
        fprintf(stderr, "bare-loop: no identity: %s\n", ftdi_get_error_string(f));
        return -1;
    }
    for (; r->done < o->count; r->done++) {
        size_t w = r->done % g->windows;
        uint64_t start = now_ns();
        if (ask(f, &parser, LINK_INFER, (uint16_t)(r->done + 2), g->x[w], g->x_n, 8 + 2 * g->y_n,
                &a)) {
            fprintf(stderr, "bare-loop: inference %u: no answer\n", r->done);
            return -1;
        }
        r->ns[r->done] = now_ns() - start;
        bool same = a.type == (LINK_INFER | LINK_ANSWER) && a.n == 8 + 2 * g->y_n;
        for (size_t i = 0; same && i < g->y_n; i++)
            same = (int16_t)(a.payload[8 + 2 * i] | a.payload[9 + 2 * i] << 8) == g->y[w][i];
        r->mismatches += !same;
        r->cycles = same ? (uint32_t)get32(a.payload) : r->cycles;
    }
    return 0;
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static void report(const struct result *r)
{
    static const char *const origins[] = {"board", "virtual", "model", "?"};
    qsort(r->ns, r->done, sizeof *r->ns, compare);
    printf("{\"origin\": \"%s\", \"samples\": %u, \"mismatches\": %u, \"cycles\": %u",
           origins[r->identity.origin & 3], r->done, r->mismatches, r->cycles);
    if (r->done)
        printf(", \"bare_p50_us\": %.1f, \"bare_p99_us\": %.1f", (double)r->ns[r->done / 2] / 1e3,
               (double)r->ns[r->done * 99 / 100] / 1e3);
    printf("}\n");
}

static int parse(int argc, char **argv, struct options *o)
{
    *o = (struct options){.serial = "VB0001", .count = 1000, .timeout_ms = TIMEOUT_MS};
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : NULL;
        if (!strcmp(argv[i], "--resync"))
            o->resync = true;
        else if (!value)
            return -1;
        else if (!strcmp(argv[i], "--serial"))
            o->serial = argv[++i];
        else if (!strcmp(argv[i], "--package"))
            o->package = argv[++i];
        else if (!strcmp(argv[i], "--count"))
            o->count = (unsigned)strtoul(argv[++i], NULL, 10);
        else if (!strcmp(argv[i], "--timeout-ms"))
            o->timeout_ms = (unsigned)strtoul(argv[++i], NULL, 10);
        else
            return -1;
    }
    timeout_ns = (uint64_t)o->timeout_ms * 1000000u;
    return o->package ? 0 : -1;
}

int main(int argc, char **argv)
{
    static struct golden g;
    struct options o;
    struct result r = {0};
    int result = 1;
    if (parse(argc, argv, &o)) {
        fprintf(stderr,
                "usage: bare-loop --package DIR [--serial VB0001] [--count 1000] [--resync]\n"
                "                 [--timeout-ms 2000]\n"
                "Prints p50 and p99 of an inference in microseconds as JSON. Exit code: 0\n"
                "good, 1 no answer or USB error, 3 a result differs from golden.json.\n");
        return 2;
    }
    struct ftdi_context *f = ftdi_new();
    r.ns = calloc(o.count + 1, sizeof *r.ns);
    if (!f || !r.ns || load_golden(o.package, &g))
        goto end;
    ftdi_set_interface(f, INTERFACE_B);
    if (ftdi_usb_open_desc(f, 0x0403, 0x6010, NULL, o.serial)) {
        fprintf(stderr, "bare-loop: %s: %s\n", o.serial, ftdi_get_error_string(f));
        goto end;
    }
    ftdi_set_latency_timer(f, LATENCY_MS);
    ftdi_tcioflush(f);
    result = run(f, &o, &g, &r);
    if (!result) {
        report(&r);
        result = r.mismatches ? 3 : 0;
    } else {
        result = 1;
    }
    ftdi_usb_close(f);
end:
    if (f)
        ftdi_free(f);
    free(r.ns);
    return result;
}
