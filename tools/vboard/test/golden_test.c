// SPDX-License-Identifier: Apache-2.0
#define _XOPEN_SOURCE 700 // mkdtemp, nftw
#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tools/model/model_random.h"
#include "tools/vboard/golden/device.h"
#include "tools/vboard/golden/frames.h"

static char dir[64];
static struct device device;
static struct frames frames;
static uint8_t out[LINK_MAX_FRAME];
static struct link_parser host;

static int remove_entry(const char *path, const struct stat *s, int flag, struct FTW *f)
{
    (void)s;
    (void)flag;
    (void)f;
    return remove(path);
}

static void write_build(const char *text)
{
    char path[128];
    snprintf(path, sizeof path, "%s/build.json", dir);
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    fputs(text, f);
    fclose(f);
}

static int setup(void **state)
{
    (void)state;
    char why[200];
    struct model_random_options o = {.seed = 11,
                                     .shape = {.window = 8,
                                               .features = 2,
                                               .d_model = 8,
                                               .heads = 2,
                                               .d_ff = 12,
                                               .layers = 2,
                                               .outputs = 3},
                                     .bits = 6};
    snprintf(dir, sizeof dir, "/tmp/golden-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    struct variant *v = model_random_variant(&o, why, sizeof why);
    assert_non_null(v);
    assert_int_equal(variant_save(v, dir, why, sizeof why), 0);
    variant_free(v);
    write_build("{\"cycles\": 4321, \"clock_hz\": 50000000}");
    assert_int_equal(device_init(&device, dir, why, sizeof why), 0);
    memset(&frames, 0, sizeof frames);
    link_parser_init(&host);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    device_fini(&device);
    return nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

// Feeds bytes as the host would send them; the answers, one after the other, to f. Returns their
// number.
static size_t send_bytes(const uint8_t *data, size_t n, struct link_frame *f)
{
    size_t answers = 0;
    for (size_t i = 0; i < n; i++) {
        struct frames_result r;
        enum frames_event e = frames_byte(&frames, data[i], &r);
        if (e == FRAMES_NONE)
            continue;
        size_t length = e == FRAMES_GOOD ? device_answer(&device, &r.frame, out)
                                         : device_refuse(&device, &r.frame, r.error, r.detail, out);
        size_t used;
        assert_true(length > 0);
        assert_int_equal(link_parse(&host, out, length, &used, f), 1);
        answers++;
    }
    return answers;
}

static void ask(uint8_t type, uint16_t seq, const void *payload, size_t n, struct link_frame *f)
{
    uint8_t frame[LINK_MAX_FRAME];
    size_t length = link_encode(frame, type, seq, payload, n);
    assert_int_equal(send_bytes(frame, length, f), 1);
    assert_int_equal(f->seq, seq);
}

static void expect_error(const struct link_frame *f, enum link_error error, uint8_t type,
                         uint16_t detail)
{
    assert_int_equal(f->type, LINK_ERROR);
    assert_int_equal(f->n, 4);
    assert_int_equal(f->payload[0], error);
    assert_int_equal(f->payload[1], type);
    assert_int_equal(f->payload[2] | f->payload[3] << 8, detail);
}

static void identity_says_model(void **state)
{
    (void)state;
    struct link_frame f;
    struct link_identity id;
    ask(LINK_IDENTIFY, 7, NULL, 0, &f);
    assert_int_equal(link_identity_decode(f.payload, f.n, &id), 0);
    assert_int_equal(id.origin, LINK_ORIGIN_MODEL);
    assert_memory_equal(id.hash, device.variant->hash, 32);
    assert_int_equal(id.clock_hz, 50000000);
    assert_int_equal(id.window, 8);
    assert_int_equal(id.features, 2);
    assert_int_equal(id.outputs, 3);
    assert_int_equal(id.layers, 2);
    ask(LINK_IDENTIFY, 8, "x", 1, &f);
    expect_error(&f, LINK_BAD_LENGTH, LINK_IDENTIFY, 1);
}

static void inference_is_the_models(void **state)
{
    (void)state;
    struct link_frame f;
    struct model_rng rng = {.state = 3};
    struct model_trace *tr = model_trace_new(&device.variant->model->shape);
    assert_non_null(tr);
    for (int k = 0; k < 20; k++) {
        int8_t x[16];
        model_random_window(&rng, device.variant->model, x);
        model_run(device.variant->model, x, tr);
        ask(LINK_INFER, (uint16_t)k, x, sizeof x, &f);
        assert_int_equal(f.type, LINK_INFER | LINK_ANSWER);
        assert_int_equal(f.n, 8 + 2 * 3);
        assert_int_equal(f.payload[0] | f.payload[1] << 8, 4321);
        for (int i = 0; i < 3; i++)
            assert_int_equal((int16_t)(f.payload[8 + 2 * i] | f.payload[9 + 2 * i] << 8),
                             model_trace_get(tr, MODEL_Y, 0)[i]);
    }
    const uint8_t c_row[] = {MODEL_C, 1, 5, 0};
    ask(LINK_READ_TENSOR, 99, c_row, sizeof c_row, &f);
    assert_int_equal(f.type, LINK_READ_TENSOR | LINK_ANSWER);
    assert_int_equal(f.n, 4 + 2 * 8);
    for (int i = 0; i < 8; i++)
        assert_int_equal((int16_t)(f.payload[4 + 2 * i] | f.payload[5 + 2 * i] << 8),
                         model_trace_get(tr, MODEL_C, 1)[5 * 8 + i]);
    const uint8_t counters[] = {17, 0, 2, 0};
    ask(LINK_READ_REGISTERS, 100, counters, sizeof counters, &f);
    assert_int_equal(f.n, 8);
    assert_int_equal(f.payload[0] | f.payload[1] << 8, 4321);
    assert_int_equal(f.payload[4], 20);
    model_trace_free(tr);
}

static void refusals(void **state)
{
    (void)state;
    struct link_frame f;
    int8_t x[16] = {0};
    const uint8_t y_row[] = {MODEL_Y, 0, 0, 0}, no_row[] = {MODEL_Y, 0, 1, 0},
                  no_h[] = {MODEL_H, 1, 0, 0}, far[] = {20, 0, 4, 0}, none[] = {0, 0, 0, 0};
    ask(LINK_READ_TENSOR, 1, y_row, 4, &f);
    expect_error(&f, LINK_NO_WINDOW, LINK_READ_TENSOR, 0);
    x[9] = 32; // six bits: -32..31
    ask(LINK_INFER, 2, x, 16, &f);
    expect_error(&f, LINK_BAD_VALUE, LINK_INFER, 9);
    x[9] = -32;
    ask(LINK_INFER, 3, x, 16, &f);
    assert_int_equal(f.type, LINK_INFER | LINK_ANSWER);
    ask(LINK_INFER, 4, x, 15, &f);
    expect_error(&f, LINK_BAD_LENGTH, LINK_INFER, 15);
    ask(LINK_READ_TENSOR, 5, no_row, 4, &f);
    expect_error(&f, LINK_BAD_ARGUMENT, LINK_READ_TENSOR, 0);
    ask(LINK_READ_TENSOR, 6, no_h, 4, &f);
    expect_error(&f, LINK_BAD_ARGUMENT, LINK_READ_TENSOR, 0);
    ask(LINK_READ_REGISTERS, 7, far, 4, &f);
    expect_error(&f, LINK_BAD_ARGUMENT, LINK_READ_REGISTERS, 0);
    ask(LINK_READ_REGISTERS, 8, none, 4, &f);
    expect_error(&f, LINK_BAD_ARGUMENT, LINK_READ_REGISTERS, 0);
    ask(0x42, 9, NULL, 0, &f);
    expect_error(&f, LINK_BAD_TYPE, 0x42, 0);
    ask(LINK_RESET, 10, NULL, 0, &f);
    assert_int_equal(f.type, LINK_RESET | LINK_ANSWER);
    ask(LINK_READ_TENSOR, 11, y_row, 4, &f);
    expect_error(&f, LINK_NO_WINDOW, LINK_READ_TENSOR, 0);
}

static void burst(uint32_t runs, uint16_t limit, uint8_t windows, struct link_frame *f)
{
    uint8_t payload[LINK_BURST_BYTES];
    const struct link_burst b = {.runs = runs, .limit = limit, .windows = windows};
    link_burst_encode(&b, payload);
    ask(LINK_BURST, 40, payload, sizeof payload, f);
}

static void infer_random(struct model_rng *rng, int16_t y[3])
{
    struct link_frame f;
    int8_t x[16];
    model_random_window(rng, device.variant->model, x);
    ask(LINK_INFER, 41, x, sizeof x, &f);
    assert_int_equal(f.type, LINK_INFER | LINK_ANSWER);
    for (int i = 0; i < 3; i++)
        y[i] = (int16_t)(f.payload[8 + 2 * i] | f.payload[9 + 2 * i] << 8);
}

static void bursts(void **state)
{
    (void)state;
    struct link_frame f;
    struct link_burst_result r;
    struct model_rng rng = {.state = 5};
    int16_t y[2][3];
    uint8_t bad[LINK_BURST_BYTES] = {1, 0, 0, 0, 1, 0, 1, 1};
    burst(1, 1, 1, &f);
    expect_error(&f, LINK_NO_WINDOW, LINK_BURST, 0);
    infer_random(&rng, y[0]);
    burst(1, 1, 2, &f);
    expect_error(&f, LINK_NO_WINDOW, LINK_BURST, 0);
    infer_random(&rng, y[1]);
    uint64_t before = device.total_cycles;
    burst(1000000, 65535, 2, &f);
    assert_int_equal(f.type, LINK_BURST | LINK_ANSWER);
    assert_int_equal(link_burst_result_decode(f.payload, f.n, 3, &r), 0);
    assert_int_equal(r.end, LINK_BURST_LIMIT); // 65,535 * 65,536 / 4,323 = 993,500.3
    assert_int_equal(r.runs, 993501);
    assert_int_equal(r.busy_cycles, UINT64_C(993501) * 4321);
    assert_int_equal(r.cycles, UINT64_C(993501) * 4323 - 2);
    assert_int_equal(device.total_cycles, before + r.cycles);
    assert_int_equal(r.mismatches, 0);
    for (unsigned w = 0; w < 2; w++)
        for (unsigned k = 0; k < 3; k++)
            assert_int_equal(link_burst_y(&r, 3, w, k), y[w][k]);
    burst(12, 1, 1, &f);
    assert_int_equal(link_burst_result_decode(f.payload, f.n, 3, &r), 0);
    assert_int_equal(r.end, LINK_BURST_DONE);
    assert_int_equal(r.runs, 12);
    assert_int_equal(r.cycles, 12 * 4323 - 2);
    for (unsigned k = 0; k < 3; k++)
        assert_int_equal(link_burst_y(&r, 3, 0, k), y[1][k]);
    assert_int_equal(device.inferences, 2 + 993501 + 12);

    ask(LINK_STOP, 42, NULL, 0, &f);
    assert_int_equal(f.type, LINK_STOP | LINK_ANSWER);
    assert_int_equal(f.n, 0);
    ask(LINK_STOP, 43, "x", 1, &f);
    expect_error(&f, LINK_BAD_LENGTH, LINK_STOP, 1);
    ask(LINK_BURST, 44, bad, 7, &f);
    expect_error(&f, LINK_BAD_LENGTH, LINK_BURST, 7);
    ask(LINK_BURST, 45, bad, 8, &f);
    expect_error(&f, LINK_BAD_ARGUMENT, LINK_BURST, 0);
    burst(1, 1, 3, &f);
    expect_error(&f, LINK_BAD_ARGUMENT, LINK_BURST, 0);
    static const struct {
        uint32_t runs;
        uint16_t limit;
        uint32_t done;
    } limits[] = {{0, 1, 16}, {0, 0, 1}, {7, 0, 1}, {1, 0, 1}}; // 65,536 / 4,323 = 15.2
    for (size_t i = 0; i < sizeof limits / sizeof *limits; i++) {
        burst(limits[i].runs, limits[i].limit, 1, &f);
        assert_int_equal(link_burst_result_decode(f.payload, f.n, 3, &r), 0);
        assert_int_equal(r.runs, limits[i].done);
        assert_int_equal(r.end, limits[i].runs == 1 ? LINK_BURST_DONE : LINK_BURST_LIMIT);
    }
}

// A refused frame has overwritten the older window by the time that it is refused.
static void a_refused_window_costs_the_older(void **state)
{
    (void)state;
    struct link_frame f;
    struct model_rng rng = {.state = 6};
    int16_t y[3];
    int8_t x[16] = {32}; // six bits: -32..31
    uint8_t frame[LINK_MAX_FRAME];
    for (int fault = 0; fault < 3; fault++) {
        infer_random(&rng, y);
        infer_random(&rng, y);
        burst(2, 1, 2, &f);
        assert_int_equal(f.type, LINK_BURST | LINK_ANSWER);
        size_t n = link_encode(frame, LINK_INFER, 9, x, fault == 2 ? 15 : 16);
        frame[n - 1] ^= fault == 1;
        assert_int_equal(send_bytes(frame, n, &f), 1);
        assert_int_equal(f.type, LINK_ERROR);
        burst(2, 1, 2, &f);
        if (fault == 2) // another length: nothing was written
            assert_int_equal(f.type, LINK_BURST | LINK_ANSWER);
        else
            expect_error(&f, LINK_NO_WINDOW, LINK_BURST, 0);
        burst(2, 1, 1, &f);
        assert_int_equal(f.type, LINK_BURST | LINK_ANSWER);
    }
}

static void bad_frames_are_answered_and_left(void **state)
{
    (void)state;
    struct link_frame f;
    uint8_t frame[LINK_MAX_FRAME], zeros[LINK_MAX_FRAME] = {0};
    size_t n = link_encode(frame, LINK_IDENTIFY, 5, NULL, 0);
    frame[n - 1] ^= 1;
    assert_int_equal(send_bytes(frame, n, &f), 1);
    expect_error(&f, LINK_BAD_CRC, LINK_IDENTIFY, 0);
    n = link_encode(frame, LINK_IDENTIFY, 6, NULL, 0);
    frame[2] = 9;
    assert_int_equal(send_bytes(frame, n, &f), 1); // the rest of it is no frame
    expect_error(&f, LINK_BAD_VERSION, LINK_IDENTIFY, 9);
    n = link_encode(frame, LINK_IDENTIFY, 7, NULL, 0);
    frame[6] = 0x01;
    frame[7] = 0x08; // 2049
    assert_int_equal(send_bytes(frame, n, &f), 1);
    expect_error(&f, LINK_BAD_LENGTH, LINK_IDENTIFY, 2049);
    assert_int_equal(device.dropped_frames, 3);

    // noise, a doubled first sync byte, zeros: nothing but the good frame is answered
    const uint8_t noise[] = {0x37, 0xa5, 0x00, 0xa5};
    assert_int_equal(send_bytes(noise, sizeof noise, &f), 0);
    assert_int_equal(send_bytes(zeros, sizeof zeros, &f), 0);
    assert_int_equal(send_bytes((const uint8_t[]){0xa5}, 1, &f), 0);
    n = link_encode(frame, LINK_IDENTIFY, 8, NULL, 0);
    assert_int_equal(send_bytes(frame, n, &f), 1);
    assert_int_equal(f.type, LINK_IDENTIFY | LINK_ANSWER);

    // half a frame, then one maximum frame of zeros: the error, then silence
    n = link_encode(frame, LINK_INFER, 9, zeros, LINK_MAX_PAYLOAD);
    assert_int_equal(send_bytes(frame, n / 2, &f), 0);
    assert_int_equal(send_bytes(zeros, sizeof zeros, &f), 1);
    expect_error(&f, LINK_BAD_CRC, LINK_INFER, 0);
    ask(LINK_IDENTIFY, 10, NULL, 0, &f);
    assert_int_equal(f.type, LINK_IDENTIFY | LINK_ANSWER);
}

static void cycles_are_never_made_up(void **state)
{
    (void)state;
    static const char *const bad[] = {"{\"clock_hz\": 1}", "{\"cycles\": 0, \"clock_hz\": 1}",
                                      "{\"cycles\": 5}", "{\"cycles\": \"5\", \"clock_hz\": 1}",
                                      "nonsense"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        struct device d;
        char why[200] = "";
        write_build(bad[i]);
        assert_int_equal(device_init(&d, dir, why, sizeof why), -1);
        assert_non_null(strstr(why, "build.json"));
    }
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {T(identity_says_model),
                                       T(inference_is_the_models),
                                       T(refusals),
                                       T(bad_frames_are_answered_and_left),
                                       T(cycles_are_never_made_up),
                                       T(bursts),
                                       T(a_refused_window_costs_the_older)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
