// SPDX-License-Identifier: Apache-2.0
// Coarse biases against every acc and, where shifts are small, every other bias.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "tests/support/random.h"
#include "tools/build/coarse.h"

enum { CASES = 3000, WIDE_CASES = 300 };

static int64_t code_of(const struct coarse_requant *q, int64_t acc, int64_t bias)
{
    int64_t code = (acc * q->multiplier + bias) >> q->shift;
    return code < q->low ? q->low : code > q->high ? q->high : code;
}

static int equivalent(const struct coarse_requant *q, int64_t a, int64_t b)
{
    for (int64_t acc = q->acc_low; acc <= q->acc_high; acc++)
        if (code_of(q, acc, a) != code_of(q, acc, b))
            return 0;
    return 1;
}

static int zeros_of(int64_t value)
{
    int zeros = 0;
    while (zeros < 48 && !((uint64_t)value >> zeros & 1))
        zeros++;
    return zeros;
}

static struct coarse_requant requant(struct rng *r, int accs, int shift, int64_t multiplier_max)
{
    int bits = (int)rng_range(r, 2, 8);
    struct coarse_requant q = {.acc_low = rng_range(r, -accs, accs),
                               .multiplier = (int32_t)rng_range(r, 0, multiplier_max),
                               .shift = shift,
                               .low = -(1 << (bits - 1)) + (int)rng_range(r, 0, 1),
                               .high = (1 << (bits - 1)) - 1};
    q.acc_high = q.acc_low + rng_range(r, 0, accs);
    return q;
}

static void test_every_bias(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 1);
    int changed = 0;
    for (int i = 0; i < CASES; i++) {
        struct coarse_requant q = requant(&r, 40, (int)rng_range(&r, 1, 7), 60);
        int64_t unit = (int64_t)1 << q.shift, bias = rng_range(&r, -20 * unit, 20 * unit);
        q.most = (bias < 0 ? -bias : bias) + rng_range(&r, 0, unit);
        int64_t coarse = coarse_bias(&q, bias);
        int most = 0;
        assert_true(equivalent(&q, bias, coarse));
        // 0 has 48 zeros
        for (int64_t other = bias - unit + 1; other < bias + unit; other++)
            if (other >= -q.most && other <= q.most && zeros_of(other) > most &&
                equivalent(&q, bias, other))
                most = zeros_of(other);
        assert_true(coarse > bias - unit && coarse < bias + unit);
        assert_true(coarse >= -q.most && coarse <= q.most);
        assert_int_equal(zeros_of(coarse), most);
        changed += coarse != bias;
    }
    assert_in_range(changed, CASES / 4, CASES);
}

// As the input layer of a forecaster: thousands of sums, multipliers of 15 bits.
static void test_every_acc(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 2);
    for (int i = 0; i < WIDE_CASES; i++) {
        struct coarse_requant q = requant(&r, 5000, (int)rng_range(&r, 8, 30), 32767);
        int64_t unit = (int64_t)1 << q.shift, bias = rng_range(&r, -200 * unit, 200 * unit);
        q.most = INT64_C(1) << 47;
        int64_t coarse = coarse_bias(&q, bias);
        assert_true(equivalent(&q, bias, coarse));
        // and none with one more zero does
        int zeros = zeros_of(coarse);
        int64_t step = (int64_t)1 << (zeros < 47 ? zeros + 1 : 47);
        int64_t down = bias - (int64_t)((uint64_t)bias & (uint64_t)(step - 1));
        if (zeros < 40 && down > bias - unit)
            assert_false(equivalent(&q, bias, down));
        if (zeros < 40 && down + step < bias + unit)
            assert_false(equivalent(&q, bias, down + step));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_bias),
        cmocka_unit_test(test_every_acc),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
