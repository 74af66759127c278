// SPDX-License-Identifier: Apache-2.0
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "protocol/service.h"
#include "tests/support/random.h"

#define INFER_HEAD "{\"verb\":\"infer\",\"id\":\"i\",\"model_name\":\"m\",\"inputs\":["
#define WINDOW     "{\"name\":\"window\",\"shape\":[2,1],\"datatype\":\"FP32\"}"

struct refusal {
    const char *header, *field;
    size_t tensors, tensor_bytes;
};

static const struct refusal refusals[] = {
    {"", "header", 0, 0},
    {"{", "header", 0, 0},
    {"[]", "header", 0, 0},
    {"\"verb\"", "header", 0, 0},
    {"{\"verb\":\"boards\"} x", "header", 0, 0},
    {"{\"verb\":\"boards\",\"verb\":\"boards\"}", "header", 0, 0},
    {"{\"verb\":\"bo\\u0000ards\"}", "header", 0, 0},
    {"{\"verb\":\"\xff\"}", "header", 0, 0},
    {"{\"verb\":[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]}", "header", 0, 0},
    {"{\"verb\":1e999}", "header", 0, 0},
    {"{}", "verb", 0, 0},
    {"{\"verb\":3}", "verb", 0, 0},
    {"{\"verb\":\"BOARDS\"}", "verb", 0, 0},
    {"{\"verb\":\"a name that is far longer than any verb is\"}", "verb", 0, 0},
    {"{\"verb\":\"boards\",\"id\":7}", "id", 0, 0},
    {"{\"verb\":\"boards\",\"id\":\"\"}", "id", 0, 0},
    {"{\"verb\":\"boards\",\"id\":\"a\\nb\"}", "id", 0, 0},
    {"{\"verb\":\"boards\",\"id\":"
     "\"0123456789012345678901234567890123456789012345678901234567890123"
     "4\"}",
     "id", 0, 0},
    {"{\"verb\":\"boards\",\"deadline_ms\":5}", "deadline_ms", 0, 0},
    {"{\"verb\":\"boards\",\"parameters\":[]}", "parameters", 0, 0},
    {"{\"verb\":\"boards\",\"parameters\":{\"deadline_ms\":0}}", "parameters.deadline_ms", 0, 0},
    {"{\"verb\":\"boards\",\"parameters\":{\"deadline_ms\":600001}}", "parameters.deadline_ms", 0,
     0},
    {"{\"verb\":\"boards\",\"parameters\":{\"deadline_ms\":5.0}}", "parameters.deadline_ms", 0, 0},
    {"{\"verb\":\"boards\",\"parameters\":{\"deadline_ms\":\"5\"}}", "parameters.deadline_ms", 0,
     0},
    {"{\"verb\":\"boards\",\"parameters\":{\"board\":\"b\"}}", "parameters.board", 0, 0},
    {"{\"verb\":\"boards\",\"model_name\":\"m\"}", "model_name", 0, 0},
    {"{\"verb\":\"boards\",\"inputs\":[]}", "inputs", 0, 0},
    {"{\"verb\":\"boards\"}", "frames", 1, 4},
    {"{\"verb\":\"model_ready\"}", "model_name", 0, 0},
    {"{\"verb\":\"model_ready\",\"model_name\":\"\"}", "model_name", 0, 0},
    {"{\"verb\":\"model_ready\",\"model_name\":\"../x\"}", "model_name", 0, 0},
    {"{\"verb\":\"model_ready\",\"model_name\":null}", "model_name", 0, 0},
    {"{\"verb\":\"load\",\"model_name\":\"m\",\"parameters\":{\"board\":\"a b\"}}",
     "parameters.board", 0, 0},
    {"{\"verb\":\"unload\"}", "model_name", 0, 0},
    {"{\"verb\":\"power\"}", "parameters.board", 0, 0},
    {"{\"verb\":\"power\",\"parameters\":{\"board\":\"b\",\"pause_ms\":60001}}",
     "parameters.pause_ms", 0, 0},
    {"{\"verb\":\"power\",\"parameters\":{\"board\":\"b\",\"after\":-1}}", "parameters.after", 0,
     0},
    {"{\"verb\":\"boards\",\"parameters\":{\"pause_ms\":0}}", "parameters.pause_ms", 0, 0},
    {"{\"verb\":\"cancel\"}", "parameters.request_id", 0, 0},
    {"{\"verb\":\"infer\",\"model_name\":\"m\"}", "inputs", 1, 8},
    {INFER_HEAD "]}", "inputs", 1, 8},
    {INFER_HEAD WINDOW "," WINDOW "]}", "inputs", 1, 8},
    {INFER_HEAD "3]}", "inputs[0]", 1, 8},
    {INFER_HEAD "{\"shape\":[2,1],\"datatype\":\"FP32\"}]}", "inputs[0].name", 1, 8},
    {INFER_HEAD "{\"name\":\"w\",\"shape\":[2,1],\"datatype\":\"FP32\"}]}", "inputs[0].name", 1, 8},
    {INFER_HEAD "{\"name\":\"window\",\"shape\":[2,1]}]}", "inputs[0].datatype", 1, 8},
    {INFER_HEAD "{\"name\":\"window\",\"shape\":[2,1],\"datatype\":\"INT8\"}]}",
     "inputs[0].datatype", 1, 2},
    {INFER_HEAD "{\"name\":\"window\",\"shape\":[2],\"datatype\":\"FP32\"}]}", "inputs[0].shape", 1,
     8},
    {INFER_HEAD "{\"name\":\"window\",\"shape\":[2,1,1],\"datatype\":\"FP32\"}]}",
     "inputs[0].shape", 1, 8},
    {INFER_HEAD "{\"name\":\"window\",\"shape\":[0,1],\"datatype\":\"FP32\"}]}",
     "inputs[0].shape[0]", 1, 0},
    {INFER_HEAD "{\"name\":\"window\",\"shape\":[-2,1],\"datatype\":\"FP32\"}]}",
     "inputs[0].shape[0]", 1, 8},
    {INFER_HEAD "{\"name\":\"window\",\"shape\":[65,1],\"datatype\":\"FP32\"}]}",
     "inputs[0].shape[0]", 1, 260},
    {INFER_HEAD "{\"name\":\"window\",\"shape\":[2,33],\"datatype\":\"FP32\"}]}",
     "inputs[0].shape[1]", 1, 264},
    {INFER_HEAD "{\"name\":\"window\",\"shape\":[2,1.0],\"datatype\":\"FP32\"}]}",
     "inputs[0].shape[1]", 1, 8},
    {INFER_HEAD "{\"name\":\"window\",\"shape\":[9223372036854775807,2],\"datatype\":\"FP32\"}]}",
     "inputs[0].shape[0]", 1, 8},
    {INFER_HEAD "{\"name\":\"window\",\"shape\":[2,1],\"datatype\":\"FP32\",\"data\":[1,2]}]}",
     "inputs[0].data", 1, 8},
    {INFER_HEAD WINDOW "]}", "frames", 0, 0},
    {INFER_HEAD WINDOW "]}", "frames", 2, 8},
    {INFER_HEAD WINDOW "]}", "inputs[0].data", 1, 7},
    {INFER_HEAD WINDOW "]}", "inputs[0].data", 1, 9},
    {INFER_HEAD WINDOW "]}", "inputs[0].data", 1, 0},
};

static void test_refusals(void **state)
{
    (void)state;
    static const uint8_t zeros[512];
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++) {
        const struct refusal *c = &refusals[i];
        struct service_frame f[3] = {
            {c->header, strlen(c->header)}, {zeros, c->tensor_bytes}, {zeros, c->tensor_bytes}};
        struct service_request r;
        struct service_error e;
        assert_int_equal(service_request_decode(f, 1 + c->tensors, &r, &e), SERVICE_BAD_REQUEST);
        assert_int_equal(e.code, SERVICE_BAD_REQUEST);
        if (strcmp(e.field, c->field) != 0 || !e.message[0])
            fail_msg("%s: field '%s', due '%s' (%s)", c->header, e.field, c->field, e.message);
    }
}

static void test_verb_and_id_survive(void **state)
{
    (void)state;
    static const char header[] = "{\"id\":\"x\",\"verb\":\"infer\",\"model_name\":1}";
    struct service_frame f = {header, sizeof header - 1};
    struct service_request r;
    struct service_error e;
    assert_int_equal(service_request_decode(&f, 1, &r, &e), SERVICE_BAD_REQUEST);
    assert_int_equal(r.verb, SERVICE_INFER);
    assert_string_equal(r.id, "x");
    static const char bad_id[] = "{\"id\":[],\"verb\":\"load\"}";
    f = (struct service_frame){bad_id, sizeof bad_id - 1};
    assert_int_equal(service_request_decode(&f, 1, &r, &e), SERVICE_BAD_REQUEST);
    assert_int_equal(r.verb, SERVICE_LOAD);
    assert_string_equal(r.id, "");
    assert_string_equal(e.field, "id");
    assert_int_equal(service_request_decode(NULL, 0, &r, &e), SERVICE_BAD_REQUEST);
    assert_string_equal(e.field, "header");
}

static void test_header_limit(void **state)
{
    (void)state;
    char *header = malloc(SERVICE_HEADER_MAX + 1);
    static const char start[] = "{\"verb\":\"boards\"";
    struct service_request r;
    struct service_error e;
    assert_non_null(header);
    memset(header, ' ', SERVICE_HEADER_MAX + 1);
    memcpy(header, start, sizeof start - 1);
    header[SERVICE_HEADER_MAX - 1] = '}';
    struct service_frame f = {header, SERVICE_HEADER_MAX};
    assert_int_equal(service_request_decode(&f, 1, &r, &e), SERVICE_OK);
    f.n++;
    assert_int_equal(service_request_decode(&f, 1, &r, &e), SERVICE_BAD_REQUEST);
    free(header);
}

static void test_defaults(void **state)
{
    (void)state;
    static const char boards[] = "{\"verb\":\"boards\"}";
    static const char load[] = "{\"verb\":\"load\",\"model_name\":\"m\"}";
    struct service_frame f = {boards, sizeof boards - 1};
    struct service_request r;
    struct service_error e;
    assert_int_equal(service_request_decode(&f, 1, &r, &e), SERVICE_OK);
    assert_int_equal(r.deadline_ms, SERVICE_DEADLINE_MS);
    f = (struct service_frame){load, sizeof load - 1};
    assert_int_equal(service_request_decode(&f, 1, &r, &e), SERVICE_OK);
    assert_int_equal(r.deadline_ms, SERVICE_DEADLINE_LOAD_MS);
}

// Random windows through encode and decode, FP32 and FP64, at any alignment.
static void test_infer_round_trip(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 20);
    for (int run = 0; run < 300; run++) {
        static uint8_t tensor[SERVICE_TENSOR_MAX + 8];
        static double in[SERVICE_WINDOW_MAX * SERVICE_FEATURES_MAX], out[sizeof in / sizeof in[0]];
        char header[512];
        struct service_request r = {.verb = SERVICE_INFER, .id = "r", .model_name = "demand-w8"};
        struct service_request back;
        struct service_error e;
        r.deadline_ms = (uint32_t)rng_range(&rng, 1, SERVICE_DEADLINE_MAX_MS);
        r.window.rows = (uint16_t)rng_range(&rng, 1, SERVICE_WINDOW_MAX);
        r.window.columns = (uint16_t)rng_range(&rng, 1, SERVICE_FEATURES_MAX);
        r.window.datatype = run % 2 ? SERVICE_FP64 : SERVICE_FP32;
        size_t n = (size_t)r.window.rows * r.window.columns;
        uint8_t *at = tensor + rng_range(&rng, 0, 7);
        for (size_t i = 0; i < n; i++)
            in[i] = (float)rng_range(&rng, -100000, 100000) / 1024.0f;
        if (run % 2)
            service_pack_fp64(in, n, at);
        else
            service_pack_fp32(in, n, at);
        size_t bytes = service_request_encode(&r, header, sizeof header);
        struct service_frame f[2] = {{header, bytes},
                                     {at, n * service_datatype_bytes(r.window.datatype)}};
        assert_int_equal(service_request_decode(f, 2, &back, &e), SERVICE_OK);
        service_window_values(&back.window, out);
        assert_memory_equal(in, out, n * sizeof in[0]);
        assert_int_equal(back.deadline_ms, r.deadline_ms);
        // One value that is not finite is found at its place.
        size_t bad = (size_t)rng_range(&rng, 0, (int64_t)n - 1);
        char field[32];
        in[bad] = run % 3 ? NAN : -INFINITY;
        snprintf(field, sizeof field, "inputs[0].data[%zu]", bad);
        if (run % 2)
            service_pack_fp64(in, n, at);
        else
            service_pack_fp32(in, n, at);
        assert_int_equal(service_request_decode(f, 2, &back, &e), SERVICE_BAD_REQUEST);
        assert_string_equal(e.field, field);
    }
}

static void test_tensor_bytes(void **state)
{
    (void)state;
    static const uint8_t fp32[] = {0, 0, 0x80, 0x3f, 0, 0, 0x20, 0xc0};
    static const uint8_t fp64[] = {0, 0, 0, 0, 0, 0, 0xf0, 0x3f};
    static const uint8_t int16[] = {0x00, 0x80, 0xff, 0x7f, 0xfe, 0xff};
    const double values[] = {1.0, -2.5};
    const int16_t codes[] = {-32768, 32767, -2};
    uint8_t out[16];
    double d[2];
    int16_t i[3];
    service_pack_fp32(values, 2, out);
    assert_memory_equal(out, fp32, sizeof fp32);
    service_unpack_fp32(fp32, 2, d);
    assert_true(d[0] == 1.0 && d[1] == -2.5);
    service_pack_fp64(values, 1, out);
    assert_memory_equal(out, fp64, sizeof fp64);
    service_unpack_fp64(fp64, 1, d);
    assert_true(d[0] == 1.0);
    service_pack_int16(codes, 3, out);
    assert_memory_equal(out, int16, sizeof int16);
    service_unpack_int16(int16, 3, i);
    assert_memory_equal(i, codes, sizeof codes);
}

static void test_names(void **state)
{
    (void)state;
    for (int c = SERVICE_OK + 1; c < SERVICE_CODES; c++) {
        enum service_code back;
        assert_true(service_code_from(service_code_name((enum service_code)c), &back));
        assert_int_equal(back, c);
        assert_true(strlen(service_code_advice((enum service_code)c)) > 3);
    }
    for (int v = SERVICE_NO_VERB + 1; v < SERVICE_VERBS; v++) {
        enum service_verb back;
        assert_true(service_verb_from(service_verb_name((enum service_verb)v), &back));
        assert_int_equal(back, v);
    }
    assert_string_equal(service_code_name((enum service_code)99), "?");
    assert_true(service_verb_is_control(SERVICE_LOAD));
    assert_false(service_verb_is_control(SERVICE_INFER));
}

// A reason that is not UTF-8 must not cost the whole reply.
static void test_reply_dirty_text(void **state)
{
    (void)state;
    char header[1024];
    struct service_request request = {.verb = SERVICE_LOAD, .id = "q"};
    struct service_reply reply, back;
    struct service_error why;
    service_reply_init(&reply, &request);
    service_error_set(&reply.error, SERVICE_SWAP_FAILED, NULL, "file \xff\xfe \"%s\"", "x");
    memcpy(reply.error.active, "demand-w8", 10);
    struct service_frame f = {header, service_reply_encode(&reply, header, sizeof header)};
    assert_true(service_reply_decode(&f, 1, &back, &why));
    assert_string_equal(back.error.message, "file ?? \"x\"");
    assert_string_equal(back.error.active, "demand-w8");
    assert_int_equal(back.error.code, SERVICE_SWAP_FAILED);
    service_reply_fini(&back);
    assert_int_equal(service_reply_encode(&reply, header, 20), 0);
}

// Text of any kind comes back as it was; what is not UTF-8 comes back readable.
static void test_reply_any_text(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 21);
    for (int run = 0; run < 20000; run++) {
        char header[4096];
        struct service_request request = {.verb = SERVICE_BOARDS};
        struct service_reply reply, back;
        struct service_error why;
        service_reply_init(&reply, &request);
        reply.error.code = SERVICE_INTERNAL;
        int n = (int)rng_range(&rng, 0, 12);
        for (int i = 0; i < n; i++) // half of it pieces of UTF-8 sequences
            reply.error.message[i] =
                (char)(rng_range(&rng, 0, 1)
                           ? rng_range(&rng, 1, 255)
                           : "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80"[rng_range(&rng, 0, 8)]);
        struct service_frame f = {header, service_reply_encode(&reply, header, sizeof header)};
        assert_true(f.n > 0);
        if (!service_reply_decode(&f, 1, &back, &why))
            fail_msg("%s", why.message);
        json_t *good = json_string(reply.error.message);
        for (int i = 0; !good && i < n; i++)
            if ((unsigned char)reply.error.message[i] >= 0x80)
                reply.error.message[i] = '?';
        json_decref(good);
        assert_string_equal(back.error.message, reply.error.message);
        service_reply_fini(&back);
    }
}

// Numbers of any size come back exactly; no number is refused.
static void test_reply_any_number(void **state)
{
    (void)state;
    struct rng rng;
    rng_init(&rng, 22);
    for (int run = 0; run < 20000; run++) {
        char header[1024];
        uint64_t bits = rng_u64(&rng);
        struct service_request request = {.verb = SERVICE_LOAD};
        struct service_reply reply, back;
        struct service_error why;
        service_reply_init(&reply, &request);
        memcpy(&reply.u.load.seconds.drain, &bits, sizeof bits);
        reply.u.load.seconds.program = (double)rng_range(&rng, -1000000, 1000000);
        reply.u.load.seconds.verify = (double)rng_range(&rng, -1000000, 1000000) / 1000;
        struct service_frame f = {header, service_reply_encode(&reply, header, sizeof header)};
        if (!isfinite(reply.u.load.seconds.drain)) {
            assert_int_equal(f.n, 0);
            continue;
        }
        if (!service_reply_decode(&f, 1, &back, &why))
            fail_msg("%s: %s", header, why.message);
        assert_memory_equal(&back.u.load.seconds, &reply.u.load.seconds,
                            sizeof back.u.load.seconds);
    }
}

// Whatever the buffer's size, a header is whole or not there, and nothing is written beyond it.
static void test_reply_capacity(void **state)
{
    (void)state;
    char header[512];
    struct service_request request = {.verb = SERVICE_SERVER_METADATA, .id = "q"};
    struct service_reply reply;
    service_reply_init(&reply, &request);
    memcpy(reply.u.server.version, "1.2.3", 6);
    size_t whole = service_reply_encode(&reply, header, sizeof header);
    assert_in_range(whole, 50, 300);
    for (size_t capacity = 0; capacity <= whole; capacity++) {
        memset(header, '#', sizeof header);
        assert_int_equal(service_reply_encode(&reply, header, capacity),
                         capacity < whole ? 0 : whole);
        assert_int_equal(header[capacity], '#');
    }
}

static void test_reply_refusals(void **state)
{
    (void)state;
    static const struct {
        const char *header, *field;
    } bad[] = {
        {"{\"verb\":\"server_live\"}", "live"},
        {"{\"live\":true}", "verb"},
        {"{\"verb\":\"server_live\",\"live\":1}", "live"},
        {"{\"verb\":\"nonsense\",\"live\":true}", "verb"},
        {"{\"verb\":\"boards\",\"boards\":{}}", "boards"},
        {"{\"verb\":\"boards\",\"boards\":[{\"name\":\"b\"}]}", "boards[0].serial"},
        {"{\"verb\":\"boards\",\"error\":{\"code\":\"OOPS\",\"message\":\"\"}}", "error.code"},
        {"{\"verb\":\"boards\",\"error\":\"x\"}", "error"},
        {"{\"verb\":\"cancel\",\"canceled\":-1}", "canceled"},
        {"{\"verb\":\"infer\",\"model_name\":\"m\",\"model_version\":\"\",\"outputs\":[]}",
         "outputs"},
        {"{\"verb\":\"routes\",\"routes\":[{\"name\":\"r\",\"sticky\":false,\"swap\":false,"
         "\"dwell_ms\":0,\"swaps\":0,\"mirror\":\"\",\"mirrored\":{\"count\":0,\"ns\":0,"
         "\"skipped\":0,\"different\":0,\"mean_difference\":0.0,\"max_difference\":0.0},"
         "\"variants\":[{\"variant\":\"v\",\"weight\":1,\"waiting\":0,\"success\":{\"count\":0,"
         "\"ns\":0},\"fail\":{\"count\":0,\"ns\":0},\"energy\":{\"bursts\":1,\"count\":1,"
         "\"runs\":1,\"joule\":1.0,\"uncertainty_joule\":0.1,\"origin\":\"guess\","
         "\"of\":\"\"}}]}]}",
         "routes[0].variants[0].energy.origin"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct service_frame f = {bad[i].header, strlen(bad[i].header)};
        struct service_reply r;
        struct service_error why;
        assert_false(service_reply_decode(&f, 1, &r, &why));
        assert_string_equal(why.field, bad[i].field);
    }
}

// Joules above idle are known for the sums and every rail, or not at all: none of them is 0 because
// it was left out.
static void test_reply_idle_energy(void **state)
{
    (void)state;
    static const char format[] =
        "{\"verb\":\"infer\",\"model_name\":\"m\",\"model_version\":\"\",\"outputs\":[{\"shape\":["
        "1]},"
        "{\"shape\":[1]}],\"parameters\":{\"variant\":\"v\",\"task\":\"t\",\"board\":\"b\","
        "\"origin\":\"virtual\",\"fpga_cycles\":1,\"fpga_ns\":1,\"clock_hz\":1,\"saturated\":0,"
        "\"stages_ns\":{\"queue\":1,\"usb_in\":1,\"fpga\":1,\"usb_out\":1,\"host\":1},"
        "\"energy\":{\"origin\":\"virtual\",\"window_s\":1.0,\"of\":\"\",\"joule\":1.0,"
        "\"uncertainty_joule\":0.1%s,\"rails\":[{\"name\":\"r\",\"watt\":1.0,"
        "\"uncertainty_watt\":0.1,\"count\":9,\"joule\":1.0,\"uncertainty_joule\":0.1%s}]}}}";
    static const char idle[] = ",\"above_idle_joule\":0.5,\"uncertainty_above_idle_joule\":0.1";
    static const char bytes[8] = {0};
    for (int which = 0; which < 4; which++) {
        char header[2048];
        struct service_reply r;
        struct service_error why;
        int n =
            snprintf(header, sizeof header, format, which & 1 ? idle : "", which & 2 ? idle : "");
        struct service_frame f[] = {{header, (size_t)n}, {bytes, 8}, {bytes, 2}};
        if (!service_reply_decode(f, 3, &r, &why))
            fail_msg("%s: %s", why.field, why.message);
        assert_int_equal(r.u.infer.energy.has_idle, which == 3);
        service_reply_fini(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_verb_and_id_survive),
        cmocka_unit_test(test_header_limit),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_infer_round_trip),
        cmocka_unit_test(test_tensor_bytes),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_reply_dirty_text),
        cmocka_unit_test(test_reply_refusals),
        cmocka_unit_test(test_reply_idle_energy),
        cmocka_unit_test(test_reply_any_text),
        cmocka_unit_test(test_reply_any_number),
        cmocka_unit_test(test_reply_capacity),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
