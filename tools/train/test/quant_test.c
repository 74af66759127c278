// SPDX-License-Identifier: Apache-2.0
// Fake quantisation, calibration, and what becomes of both as integers.
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tests/support/random.h"
#include "tools/train/bits.h"
#include "tools/train/calibrate.h"
#include "tools/train/constants.h"
#include "tools/train/dice.h"
#include "tools/train/export.h"
#include "tools/train/fit.h"
#include "tools/train/golden.h"
#include "tools/train/test/synthetic.h"

static char why[512];

static void quantiser_rounds_clamps_and_learns(void **state)
{
    (void)state;
    const struct quant_range range = {-4, 3};
    const real step = 0.5f;
    const real in[] = {0.2f, 0.3f, -0.7f, 1.6f, 9.0f, -9.0f, -2.1f};
    const real codes[] = {0, 1, -1, 3, 3, -4, -4};
    enum { N = sizeof in / sizeof in[0] };
    real out[N], grad[N];
    quant_forward(in, out, N, step, range);
    for (int i = 0; i < N; i++) {
        assert_true(out[i] == codes[i] * step);
        grad[i] = 1;
        real one = quant_backward(&in[i], &grad[i], 1, step, range);
        int inside = i < 4 || i == 6; // -2.1 is rounded into the range, not clamped
        assert_true(grad[i] == (real)inside);
        double expected =
            (double)step * ((double)codes[i] - (inside ? (double)in[i] / (double)step : 0));
        assert_true(fabs((double)one - expected) < 1e-6);
    }
}

// A sum over many elements is the sum of the single ones.
static void quantiser_adds_up(void **state)
{
    (void)state;
    const struct quant_range range = {0, 15};
    struct dice dice = {1};
    enum { N = 37 };
    real in[N], grad[N], alone[N], sum = 0;
    for (int i = 0; i < N; i++) {
        in[i] = (real)(6 * dice_unit(&dice) - 1);
        grad[i] = alone[i] = (real)(dice_unit(&dice) - 0.5);
        sum += quant_backward(&in[i], &alone[i], 1, 0.25f, range);
    }
    real total = quant_backward(in, grad, N, 0.25f, range);
    assert_true(fabs((double)(total - sum)) < 1e-4);
    for (int i = 0; i < N; i++)
        assert_true(grad[i] == alone[i]);
}

static void calibration_finds_the_step(void **state)
{
    (void)state;
    const struct quant_range range = {-128, 127};
    static real grid[4000];
    struct dice dice = {2};
    for (int i = 0; i < 4000; i++)
        grid[i] = (real)(dice_unit(&dice) * 2 - 1);
    double step = calibrate_step(grid, 4000, range);
    assert_true(step > 0.95 / 127 && step < 1.06 / 127);
    grid[17] = 10; // one value far outside must not cost the others their resolution
    assert_true(calibrate_step(grid, 4000, (struct quant_range){-8, 7}) < 3.0 / 7);
    assert_true(calibrate_step((const real[]){0, 0}, 2, range) > 0);
}

static void shift_lists_are_short_and_best(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 3);
    for (int round = 0; round < 300; round++) {
        int limit[17], chosen[17], used[MODEL_MAX_SHIFT + 1] = {0}, limits = 0, distinct = 0;
        int count = (int)rng_range(&r, 1, 17), spread = (int)rng_range(&r, 0, 30);
        int seen[MODEL_MAX_SHIFT + 1] = {0};
        for (int i = 0; i < count; i++) {
            limit[i] = (int)rng_range(&r, 1, 1 + spread);
            limits += !seen[limit[i]]++;
        }
        constants_choose_shifts(limit, count, chosen);
        for (int i = 0; i < count; i++) {
            assert_in_range(chosen[i], 1, limit[i]);
            distinct += !used[chosen[i]]++;
        }
        assert_in_range(distinct, 1, MODEL_MAX_SHIFTS);
        for (int i = 0; i < count && limits <= MODEL_MAX_SHIFTS; i++)
            assert_int_equal(chosen[i], limit[i]);
    }
}

static int64_t requantise(int64_t sum, int shift, int lo, int hi)
{
    int64_t unit = INT64_C(1) << shift;
    int64_t v = sum >= 0 ? sum / unit : -((-sum + unit - 1) / unit);
    return v < lo ? lo : v > hi ? hi : v;
}

static void clamped_biases_change_nothing(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 4);
    for (int round = 0; round < 20000; round++) {
        int shift = (int)rng_range(&r, 1, 30), bits = (int)rng_range(&r, 2, 8);
        int lo = round & 1 ? 0 : -(1 << (bits - 1)), hi = round & 1 ? (1 << bits) - 1 : -lo - 1;
        int64_t most = rng_range(&r, 0, INT64_C(1) << 34);
        int64_t b = rng_range(&r, -(INT64_C(1) << 44), INT64_C(1) << 44);
        int64_t clamped = export_clamp_bias((double)b, most, shift, lo, hi);
        int64_t acc = round % 3 ? rng_range(&r, -most, most) : round % 2 ? most : -most;
        assert_int_equal(requantise(acc + b, shift, lo, hi),
                         requantise(acc + clamped, shift, lo, hi));
        assert_true(llabs(clamped) <= most + ((int64_t)(hi > -lo ? hi : -lo) << shift));
    }
}

static struct model_shape draw_shape(struct rng *r, enum model_form form)
{
    const int most = form == MODEL_COLLAPSED ? 1 : 4;
    struct model_shape s = {.layers = (int)rng_range(r, 1, most < 2 ? 1 : 2),
                            .heads = (int)rng_range(r, 1, most),
                            .form = form};
    s.d_model = s.heads * (int)rng_range(r, s.heads == 1 ? 4 : 2, 5);
    if (s.d_model < MODEL_MIN_D)
        s.d_model *= 2;
    s.window = (int)rng_range(r, 2, 12);
    s.features = (int)rng_range(r, 1, 3);
    s.d_ff = (int)rng_range(r, 1, 4 * s.d_model);
    s.outputs = (int)rng_range(r, 1, 3);
    return s;
}

// How far apart the two forward passes are over some random nets: the mean share of y, and of the
// worst of the other tensors.
struct apart {
    double y, inner;
    int nets;
};

// Exports a random net at these widths and compares both forward passes.
static void compare(const struct model_shape *s, const struct model_bits *bits, uint64_t seed,
                    struct apart *apart)
{
    const char *const features[] = {"c0", "c1", "c2"};
    struct csv_table *table = synthetic_table(300, 3, 0.2, seed);
    const struct task_spec spec = {.target = "c0",
                                   .features = features,
                                   .feature_count = s->features,
                                   .window = s->window,
                                   .horizon = 1,
                                   .outputs = s->outputs,
                                   .split = {60, 20, 20}};
    struct task *t = task_new(table, &spec, why, sizeof why);
    struct net *n = net_new(s);
    assert_non_null(n);
    assert_non_null(t);
    net_init(n, seed);
    assert_int_equal(calibrate(n, t, bits, seed), 0);
    net_begin(n);
    struct variant *v = golden_variant(n, t, why, sizeof why); // model_check is part of it
    if (!v)
        fail_msg("%s", why);
    struct golden_difference d;
    double worst = 0;
    assert_int_equal(golden_compare(n, v, t, TASK_TEST, 0, &d, why, sizeof why), 0);
    for (int k = 0; k < MODEL_TENSORS; k++)
        for (int layer = 0; layer < s->layers && k != MODEL_Y; layer++)
            worst = d.tensor[k][layer] > worst ? d.tensor[k][layer] : worst;
    apart->y += d.outputs;
    apart->inner += worst;
    apart->nets++;
    variant_free(v);
    net_free(n);
    task_free(t);
    csv_free(table);
}

// Both passes have the same multipliers, so what is left are sums in single precision on or beside
// a rounding edge, most often in a y of 16 bits. A missing half or a wrong shift makes 0.3 or more.
static void expect_close(const struct apart *apart)
{
    double y = apart->y / apart->nets, inner = apart->inner / apart->nets;
    printf("%d nets: y %.4f, worst other tensor %.4f differ\n", apart->nets, y, inner);
    assert_true(y < 0.1 && inner < 0.02);
}

static void export_at_every_width(enum model_form form, uint64_t seed)
{
    struct apart apart = {0};
    struct rng r;
    rng_init(&r, seed);
    for (int round = 0; round < 56; round++) {
        struct model_shape s = draw_shape(&r, form);
        struct model_bits bits;
        char text[16];
        snprintf(text, sizeof text, "%d", 2 + round % 7);
        assert_int_equal(bits_parse(&bits, &s, text, why, sizeof why), 0);
        compare(&s, &bits, rng_u64(&r), &apart);
    }
    expect_close(&apart);
}

static void random_nets_export_at_every_width(void **state)
{
    (void)state;
    export_at_every_width(MODEL_ENCODER, 5);
    export_at_every_width(MODEL_COLLAPSED, 7);
}

static void export_at_mixed_widths(enum model_form form, uint64_t seed)
{
    struct apart apart = {0};
    struct rng r;
    rng_init(&r, seed);
    for (int round = 0; round < 40; round++) {
        struct model_shape s = draw_shape(&r, form);
        struct model_bits bits = {.y = (int)rng_range(&r, 8, 16)};
        int *flat[] = {&bits.x, &bits.h, &bits.o, &bits.w_in, &bits.w_y};
        for (size_t i = 0; i < sizeof flat / sizeof flat[0]; i++)
            *flat[i] = (int)rng_range(&r, 2, 8);
        for (int layer = 0; layer < s.layers; layer++) {
            int inner[sizeof bits.layer[0] / sizeof(int)];
            for (size_t i = 0; i < sizeof inner / sizeof *inner; i++)
                inner[i] = (int)rng_range(&r, 2, 7);
            memcpy(&bits.layer[layer], inner, sizeof inner);
        }
        compare(&s, &bits, rng_u64(&r), &apart);
    }
    expect_close(&apart);
}

static void random_nets_export_at_mixed_widths(void **state)
{
    (void)state;
    export_at_mixed_widths(MODEL_ENCODER, 6);
    export_at_mixed_widths(MODEL_COLLAPSED, 8);
}

// The parts of the output weights of the collapsed form have steps in the ratio of what they
// multiply.
static void output_parts_share_a_product(void **state)
{
    (void)state;
    const struct model_shape s = {6, 1, 4, 1, 8, 1, 1, MODEL_COLLAPSED};
    struct net *n = net_new(&s);
    struct model_bits bits;
    struct net_part part[2];
    assert_non_null(n);
    net_init(n, 3);
    assert_int_equal(bits_parse(&bits, &s, "6", why, sizeof why), 0);
    net_quantise(n, &bits);
    for (int i = 0; i < n->layout.linears; i++)
        n->param[n->layout.linear[i].step] = -3;
    for (int i = 0; i < n->layout.acts; i++)
        n->param[n->layout.act_step[i]] = -2;
    n->param[n->layout.act_step[net_act_index(&s, MODEL_R, 0)]] = -1;
    const int out = net_linear_index(&s, MODEL_OUT, 0);
    assert_int_equal(net_weight_parts(n, out, part), 2);
    assert_int_equal(part[0].count, 4);
    assert_int_equal(part[1].count, 8);
    assert_int_equal(part[1].at, part[0].at + 4);
    assert_true(fabs((double)(part[0].step / part[1].step) - exp(-1)) < 1e-6);
    assert_int_equal(net_weight_parts(n, net_linear_index(&s, MODEL_FF1, 0), part), 1);
    net_free(n);
}

// Steps that no shift can bridge are refused by name.
static void impossible_ratios_are_refused(void **state)
{
    (void)state;
    const struct model_shape s = {4, 1, 4, 1, 4, 1, 1, MODEL_ENCODER};
    struct model_bits bits;
    struct net *n = net_new(&s);
    net_init(n, 1);
    assert_int_equal(bits_parse(&bits, &s, "8", why, sizeof why), 0);
    net_quantise(n, &bits);
    n->param[n->layout.act_step[net_act_index(&s, MODEL_Q, 0)]] = -40;
    net_begin(n);
    assert_null(export_model(n, why, sizeof why));
    assert_non_null(strstr(why, "layers[0].q: multiplier"));
    net_free(n);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiser_rounds_clamps_and_learns),
        cmocka_unit_test(quantiser_adds_up),
        cmocka_unit_test(calibration_finds_the_step),
        cmocka_unit_test(shift_lists_are_short_and_best),
        cmocka_unit_test(clamped_biases_change_nothing),
        cmocka_unit_test(random_nets_export_at_every_width),
        cmocka_unit_test(random_nets_export_at_mixed_widths),
        cmocka_unit_test(output_parts_share_a_product),
        cmocka_unit_test(impossible_ratios_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
