// SPDX-License-Identifier: Apache-2.0
// The integer model against a second implementation, and the rules of model_check.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
// cmocka wants the four above first
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/support/random.h"
#include "tools/model/model_random.h"
#include "tools/model/test/reference.h"

enum { RANDOM_MODELS = 400 };

static struct model *random_model(uint64_t seed, int extreme, enum model_form form,
                                  struct variant **owner)
{
    struct model_random_options o = {.seed = seed, .extreme = extreme, .shape.form = form};
    char why[MODEL_WHY_MAX];

    *owner = model_random_variant(&o, why, sizeof why);
    if (*owner == NULL)
        fail_msg("seed %llu: %s", (unsigned long long)seed, why);
    return (*owner)->model;
}

static void compare(const struct model *mdl, const struct model_trace *tr,
                    const struct reference *ref, uint64_t seed)
{
    int rows, cols;

    for (int t = 0; t < MODEL_TENSORS; t++)
        for (int n = 0; model_tensor_shape(&mdl->shape, t, n, &rows, &cols) == 0; n++)
            for (int i = 0; i < rows * cols; i++)
                if (model_trace_get(tr, t, n)[i] != ref->t[t][n][i])
                    fail_msg("seed %llu: %s of layer %d, element %d: %d, reference %d",
                             (unsigned long long)seed, model_tensor_name(t), n, i,
                             model_trace_get(tr, t, n)[i], ref->t[t][n][i]);
}

// What a set of random models covered.
struct cover {
    int heads, layers; // bits of the numbers seen
    int odd, widest, dropped;
};

static struct cover run_random(uint64_t first, enum model_form form)
{
    struct reference *ref = malloc(sizeof *ref);
    struct cover cover = {0};
    struct rng rng;

    assert_non_null(ref);
    rng_init(&rng, first);
    for (int i = 0; i < RANDOM_MODELS; i++) {
        uint64_t seed = rng_u64(&rng);
        struct variant *v;
        struct model *mdl = random_model(seed, i % 2, form, &v);
        struct model_trace *tr = model_trace_new(&mdl->shape);
        int8_t x[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES];
        struct model_rng draw = {seed};
        struct model_op_info info;
        assert_non_null(tr);
        for (int window = 0; window < 2; window++) {
            model_random_window(&draw, mdl, x);
            model_run(mdl, x, tr);
            reference_run(mdl, x, ref);
            compare(mdl, tr, ref, seed);
            cover.widest = ref->widest > cover.widest ? ref->widest : cover.widest;
        }
        model_op_describe(&mdl->shape, &mdl->bits, MODEL_OUT, 0, &info);
        cover.dropped += info.drop > 0;
        cover.heads |= 1 << mdl->shape.heads;
        cover.layers |= 1 << mdl->shape.layers;
        cover.odd += mdl->shape.d_model % 2 != 0 && mdl->shape.window % 2 != 0;
        model_trace_free(tr);
        variant_free(v);
    }
    printf("%d models, widest sum %d bits\n", RANDOM_MODELS, cover.widest);
    assert_true(cover.odd > 0);
    assert_in_range(cover.widest, 40, MODEL_SUM_BITS); // the extremes were really reached
    free(ref);
    return cover;
}

static void test_against_reference(void **state)
{
    struct cover cover = run_random(20221, MODEL_ENCODER);

    (void)state;
    assert_int_equal(cover.heads, 2 | 4 | 8 | 16);
    assert_int_equal(cover.layers, 2 | 4);
    assert_int_equal(cover.dropped, 0);
}

static void test_collapsed_against_reference(void **state)
{
    struct cover cover = run_random(20222, MODEL_COLLAPSED);

    (void)state;
    assert_int_equal(cover.heads, 2);
    assert_int_equal(cover.layers, 2);
    assert_in_range(cover.dropped, 10, RANDOM_MODELS - 10);
}

// A model of one feature whose h is the requantised x itself: w = 1, m / 2^shift.
static struct model *plain_model(void)
{
    const struct model_shape shape = {
        .window = 2, .features = 1, .d_model = 4, .heads = 1, .d_ff = 1, .layers = 1, .outputs = 1};
    const struct model_layer_bits l = {8, 8, 8, 8, 7, 8, 8, 8, 8, 8, 8, 8, 8, 8, 8};
    const struct model_bits bits = {
        .x = 8, .h = 8, .o = 8, .y = 16, .w_in = 8, .w_y = 8, .layer = {l}};
    struct model *mdl = model_new(&shape, &bits);

    assert_non_null(mdl);
    for (int op = 0; op < MODEL_OPS; op++) {
        struct model_linear *lin = model_op_linear(mdl, op, 0);
        lin->rq.shift = 1;
        for (int i = 0; i < lin->rows * lin->cols; i++)
            lin->w[i] = 1;
    }
    mdl->layer[0].score_shift = 1;
    mdl->layer[0].context_shift = 1;
    mdl->layer[0].context_k = 1;
    mdl->layer[0].lut[0] = 127;
    mdl->pool_shift = 1;
    return mdl;
}

// The code of h for one x, after a check of the whole model.
static int h_of(struct model *mdl, int x)
{
    int8_t window[2] = {(int8_t)x, 0};
    struct model_trace *tr = model_trace_new(&mdl->shape);
    char why[MODEL_WHY_MAX] = "";
    int h;

    if (model_check(mdl, why, sizeof why) < 0)
        fail_msg("%s", why);
    assert_non_null(tr);
    model_run(mdl, window, tr);
    h = model_trace_get(tr, MODEL_H, 0)[0];
    model_trace_free(tr);
    return h;
}

static void test_rounding_ties(void **state)
{
    struct model *mdl = plain_model();

    (void)state;
    for (int shift = 1; shift <= 15; shift++) {
        // m = 2^(shift-1): h is x / 2, half up, also below zero
        mdl->in.rq.shift = shift;
        mdl->in.rq.m[0] = 1 << (shift - 1);
        for (int i = 0; i < 8; i++)
            mdl->in.rq.b[i] = INT64_C(1) << (shift - 1);
        assert_int_equal(h_of(mdl, 3), 2);
        assert_int_equal(h_of(mdl, 1), 1);
        assert_int_equal(h_of(mdl, 0), 0);
        assert_int_equal(h_of(mdl, -1), 0);
        assert_int_equal(h_of(mdl, -2), -1);
        assert_int_equal(h_of(mdl, -3), -1);
        assert_int_equal(h_of(mdl, -128), -64);
        // without the half in b: floor
        for (int i = 0; i < 8; i++)
            mdl->in.rq.b[i] = 0;
        assert_int_equal(h_of(mdl, 3), 1);
        assert_int_equal(h_of(mdl, -1), -1);
        assert_int_equal(h_of(mdl, -3), -2);
    }
    model_free(mdl);
}

static void test_saturation(void **state)
{
    struct model *mdl = plain_model();
    struct model_trace *tr = model_trace_new(&mdl->shape);
    int8_t x[2] = {127, 127};

    (void)state;
    assert_non_null(tr);
    mdl->in.rq.shift = 1;
    mdl->in.rq.m[0] = 4; // h = 2 x
    assert_int_equal(h_of(mdl, 63), 126);
    assert_int_equal(h_of(mdl, 64), 127);
    assert_int_equal(h_of(mdl, 127), 127);
    assert_int_equal(h_of(mdl, -64), -128);
    assert_int_equal(h_of(mdl, -65), -128);
    assert_int_equal(h_of(mdl, -128), -128);
    // k and v are narrow, q is not; f is cut at 0 and at 255
    mdl->layer[0].q.rq.m[0] = mdl->layer[0].k.rq.m[0] = mdl->layer[0].v.rq.m[0] = 32767;
    mdl->layer[0].ff1.rq.b[0] = 1000;
    x[0] = x[1] = -128;
    model_run(mdl, x, tr);
    assert_int_equal(model_trace_get(tr, MODEL_Q, 0)[0], -128);
    assert_int_equal(model_trace_get(tr, MODEL_K, 0)[0], -127);
    assert_int_equal(model_trace_get(tr, MODEL_V, 0)[0], -127);
    assert_int_equal(model_trace_get(tr, MODEL_F, 0)[0], 255);
    mdl->layer[0].ff1.rq.b[0] = -1;
    model_run(mdl, x, tr);
    assert_int_equal(model_trace_get(tr, MODEL_F, 0)[0], 0);
    model_trace_free(tr);
    model_free(mdl);
}

static void test_largest_shifts(void **state)
{
    struct model *mdl = plain_model();
    const int64_t half = INT64_C(1) << (MODEL_MAX_SHIFT - 1);

    (void)state;
    mdl->in.rq.shift = MODEL_MAX_SHIFT;
    mdl->in.rq.m[0] = MODEL_MAX_MULTIPLIER;
    for (int i = 0; i < 8; i++)
        mdl->in.rq.b[i] = half;
    assert_int_equal(h_of(mdl, 127), 0);
    for (int i = 0; i < 8; i++)
        mdl->in.rq.b[i] = half * 2 * 100 + half - 127 * INT64_C(32767);
    assert_int_equal(h_of(mdl, 127), 100); // 100 and a half, floored
    for (int i = 0; i < 8; i++)
        mdl->in.rq.b[i] = -1 - 127 * INT64_C(32767);
    assert_int_equal(h_of(mdl, 127), -1);
    model_free(mdl);
}

static void refused(const struct model *mdl, const char *expected)
{
    char why[MODEL_WHY_MAX] = "nothing";

    if (model_check(mdl, why, sizeof why) == 0 || strstr(why, expected) != why)
        fail_msg("expected \"%s\", got \"%s\"", expected, why);
}

static void accepted(const struct model *mdl)
{
    char why[MODEL_WHY_MAX] = "";

    if (model_check(mdl, why, sizeof why) < 0)
        fail_msg("%s", why);
}

static void test_check_names_the_field(void **state)
{
    struct model *mdl = plain_model();
    struct model_layer *l = &mdl->layer[0];

    (void)state;
    accepted(mdl);
#define REFUSED(lvalue, bad, message)                                                              \
    do {                                                                                           \
        int64_t kept = (lvalue);                                                                   \
        (lvalue) = (bad);                                                                          \
        refused(mdl, message);                                                                     \
        (lvalue) = (__typeof__(lvalue))kept;                                                       \
        accepted(mdl);                                                                             \
    } while (0)
    REFUSED(mdl->in.w[1], -128, "in.w[1][0]: -128 is not a narrow 8-bit weight");
    REFUSED(mdl->in.rq.shift, 0, "in.shift: 0 is not in 1..38");
    REFUSED(mdl->in.rq.shift, 39, "in.shift: 39 is not in 1..38");
    REFUSED(l->ff2.rq.m[0], 32768, "layers[0].ff2.m[0]: 32768 is not in 0..32767");
    REFUSED(l->ff2.rq.m[0], -1, "layers[0].ff2.m[0]: -1");
    REFUSED(l->o.rq.g[3], 1 << 24, "layers[0].o.g[3]: 16777216");
    REFUSED(l->o.rq.g[3], -(1 << 24), "layers[0].o.g[3]: -16777216");
    REFUSED(l->lut[0], 126, "layers[0].score.lut[0]: 126 is not 2^e - 1 = 127");
    REFUSED(l->lut[7], 1, "layers[0].score.lut[7]: 1 rises above 0");
    REFUSED(l->score_m, 32768, "layers[0].score.m: 32768");
    REFUSED(l->score_shift, 0, "layers[0].score.shift: 0");
    REFUSED(l->context_k, 0, "layers[0].context.k: 0");
    REFUSED(l->context_k, 127 * (1 << 17), "layers[0].context.k: 16646144");
    REFUSED(l->context_shift, 41, "layers[0].context.shift: 41 is not in 1..40");
    REFUSED(mdl->pool_m, 32768, "pool.m: 32768");
    REFUSED(mdl->pool_shift, 39, "pool.shift: 39");
    REFUSED(mdl->bits.y, 7, "bits.y: 7 is not in 8..16");
    REFUSED(mdl->bits.layer[0].e, 8, "bits.layers[0].e: 8 is not in 2..7");
    REFUSED(mdl->bits.layer[0].w_2, 1, "bits.layers[0].w_2: 1 is not in 2..8");
#undef REFUSED
    // five shifts; the context's is not one of them
    mdl->in.rq.shift = 2;
    l->q.rq.shift = 3;
    l->score_shift = 4;
    l->context_shift = 40;
    accepted(mdl);
    mdl->pool_shift = 5;
    refused(mdl, "shift: more than 4 distinct shifts");
    model_free(mdl);
}

// The largest bias that 48 bits allow beside the products is accepted, one more is not; and a run
// at that point really has a sum of 48 bits.
static void test_sum_bound(void **state)
{
    struct model *mdl = plain_model();
    struct model_linear *ff2 = &mdl->layer[0].ff2;
    const int64_t products = INT64_C(255) * 127 * 32767 + INT64_C(128) * MODEL_MAX_RESIDUAL;
    const int64_t room = (INT64_C(1) << 47) - 1 - products;
    struct reference *ref = malloc(sizeof *ref);
    const int8_t x[2] = {127, 127};

    (void)state;
    assert_non_null(ref);
    ff2->rq.per_row = 1;
    ff2->rq.m[2] = 32767;
    ff2->rq.g[2] = -MODEL_MAX_RESIDUAL;
    ff2->rq.b[2] = room;
    accepted(mdl);
    ff2->rq.b[2] = room + 1;
    refused(mdl, "layers[0].ff2.b[2]: ");
    ff2->rq.b[2] = -room - 1;
    refused(mdl, "layers[0].ff2.b[2]: ");
    ff2->rq.b[2] = INT64_MIN;
    refused(mdl, "layers[0].ff2.b[2]: ");
    ff2->rq.b[2] = room;
    accepted(mdl);
    // r = -128 and f = 255, all weights at their end
    for (int i = 0; i < 4; i++) {
        ff2->w[i] = 127;
        mdl->layer[0].o.rq.b[i] = -100000;
    }
    mdl->layer[0].ff1.rq.b[0] = 100000;
    accepted(mdl);
    reference_run(mdl, x, ref);
    assert_int_equal(ref->widest, 48);
    assert_int_equal(ref->t[MODEL_Z][0][2], 127);
    free(ref);
    model_free(mdl);
}

static void test_shapes(void **state)
{
    const struct model_shape good = {.window = 24,
                                     .features = 7,
                                     .d_model = 16,
                                     .heads = 4,
                                     .d_ff = 64,
                                     .layers = 2,
                                     .outputs = 3};
    const struct {
        struct model_shape s;
        const char *expected;
    } bad[] = {
        {{1, 7, 16, 4, 64, 2, 3, 0}, "shape.window: 1 is not in 2..64"},
        {{65, 7, 16, 4, 64, 2, 3, 0}, "shape.window: 65"},
        {{24, 0, 16, 4, 64, 2, 3, 0}, "shape.features: 0"},
        {{24, 33, 16, 4, 64, 2, 3, 0}, "shape.features: 33"},
        {{24, 7, 3, 1, 4, 2, 3, 0}, "shape.d_model: 3"},
        {{24, 7, 68, 4, 64, 2, 3, 0}, "shape.d_model: 68"},
        {{24, 7, 18, 4, 64, 2, 3, 0}, "shape.heads: 4 does not divide d_model 18"},
        {{24, 7, 16, 5, 64, 2, 3, 0}, "shape.heads: 5"},
        {{24, 7, 16, 4, 65, 2, 3, 0}, "shape.d_ff: 65 is not in 1..64"},
        {{24, 7, 16, 4, 64, 3, 3, 0}, "shape.layers: 3"},
        {{24, 7, 16, 4, 64, 2, 25, 0}, "shape.outputs: 25"},
        {{INT32_MAX, 7, 16, 4, 64, 2, 3, 0}, "shape.window: 2147483647"},
        {{24, 7, INT32_MIN, 4, 64, 2, 3, 0}, "shape.d_model: -2147483648"},
        {{24, 7, 16, 2, 64, 1, 3, MODEL_COLLAPSED}, "shape.heads: 2 is not in 1..1"},
        {{24, 7, 16, 1, 64, 2, 3, MODEL_COLLAPSED}, "shape.layers: 2 is not in 1..1"},
        {{24, 7, 16, 1, 64, 1, 3, MODEL_FORMS}, "form: 2 is none"},
    };
    int rows, cols;

    (void)state;
    assert_int_equal(model_shape_check(&good, NULL, 0), 0);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char why[MODEL_WHY_MAX];
        assert_int_equal(model_shape_check(&bad[i].s, why, sizeof why), -1);
        if (strstr(why, bad[i].expected) != why)
            fail_msg("expected \"%s\", got \"%s\"", bad[i].expected, why);
    }
    assert_int_equal(model_tensor_shape(&good, MODEL_U, 1, &rows, &cols), 0);
    assert_int_equal(rows, 4 * 24);
    assert_int_equal(cols, 24);
    assert_int_equal(model_tensor_shape(&good, MODEL_H, 1, &rows, &cols), -1);
    assert_int_equal(model_tensor_shape(&good, MODEL_Z, 2, &rows, &cols), -1);
}

// What the collapsed form has not, and where its only wide sum is cut.
static void test_collapsed_shapes(void **state)
{
    const struct model_shape s = {64, 7, 64, 1, 256, 1, 3, MODEL_COLLAPSED};
    const struct model_bits bits = {
        .x = 8,
        .h = 8,
        .y = 16,
        .w_in = 8,
        .w_y = 8,
        .layer = {{.q = 8, .u = 8, .e = 7, .c = 8, .r = 8, .f = 8, .w_q = 8, .w_o = 8, .w_1 = 8}}};
    static const enum model_tensor tensors[] = {MODEL_K, MODEL_V, MODEL_Z, MODEL_O};
    static const enum model_op ops[] = {MODEL_OP_K, MODEL_OP_V, MODEL_FF2};
    struct model_op_info info;
    struct model *mdl;
    int rows, cols;

    (void)state;
    assert_int_equal(model_bits_check(&s, &bits, NULL, 0), 0);
    mdl = model_new(&s, &bits);
    assert_non_null(mdl);
    for (size_t i = 0; i < sizeof tensors / sizeof tensors[0]; i++)
        assert_int_equal(model_tensor_shape(&s, tensors[i], 0, &rows, &cols), -1);
    for (size_t i = 0; i < sizeof ops / sizeof ops[0]; i++) {
        assert_int_equal(model_op_describe(&s, &bits, ops[i], 0, &info), -1);
        assert_null(model_op_linear(mdl, ops[i], 0));
    }
    assert_int_equal(model_tensor_range(&s, MODEL_H), MODEL_NARROW);
    assert_int_equal(model_op_describe(&s, &bits, MODEL_OUT, 0, &info), 0);
    assert_int_equal(info.cols, 64 + 256);
    assert_int_equal(info.acc_max, 64 * 127 * (64 * 128 + 256 * 255));
    assert_int_equal(model_signed_bits(info.acc_max), 31); // the table of docs/arithmetic.md
    assert_int_equal(info.drop, 7);
    assert_in_range(model_signed_bits(model_factor_max(&info)), 1, MODEL_FACTOR_BITS);
    model_free(mdl);
}

// The table of widths in docs/arithmetic.md.
static void test_documented_widths(void **state)
{
    (void)state;
    assert_int_equal(model_acc_bits(8, 1, 8, 64), 21);  // acc, a
    assert_int_equal(model_acc_bits(8, 0, 8, 256), 24); // FFN2
    assert_int_equal(model_acc_bits(7, 0, 8, 64), 21);  // N
    assert_int_equal(model_acc_bits(2, 1, 2, 1), 3);
    assert_int_equal(model_acc_bits(8, 1, 8, 1), 15);
    assert_int_equal(model_acc_max(8, 1, 8, 64), 128 * 127 * 64);
    assert_int_equal(model_signed_bits(0), 1);
    assert_int_equal(model_signed_bits(127), 8);
    assert_int_equal(model_signed_bits(128), 9);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding_ties),
        cmocka_unit_test(test_saturation),
        cmocka_unit_test(test_largest_shifts),
        cmocka_unit_test(test_check_names_the_field),
        cmocka_unit_test(test_sum_bound),
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_documented_widths),
        cmocka_unit_test(test_collapsed_shapes),
        cmocka_unit_test(test_against_reference),
        cmocka_unit_test(test_collapsed_against_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
