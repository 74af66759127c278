// SPDX-License-Identifier: Apache-2.0
// Runs the fuzz target without libFuzzer: the two texts of a good variant, damaged by a seed.
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
#include "tools/model/test/variant_fuzz.h"
#include "tools/model/variant_text.h"

enum { RUNS = 6000 };

struct input {
    uint8_t *bytes;
    size_t n;
};

static struct input input_of(uint8_t kind)
{
    static const char zeros[] = "0000000000000000000000000000000000000000000000000000000000000000";
    const struct model_random_options o = variant_fuzz_options(kind);
    char why[MODEL_WHY_MAX];
    struct variant *v = model_random_variant(&o, why, sizeof why);
    struct input in;
    char *text;

    assert_non_null(v);
    text = kind < 128 ? manifest_write(v, zeros, &in.n) : integers_write(v->model, &in.n);
    assert_non_null(text);
    in.bytes = malloc(in.n + 1);
    assert_non_null(in.bytes);
    in.bytes[0] = kind;
    memcpy(in.bytes + 1, text, in.n++);
    free(text);
    variant_free(v);
    return in;
}

// Digits become other digits more often than not: the text stays JSON and the rules are reached.
static void damage(struct rng *r, uint8_t *bytes, size_t n)
{
    static const char likely[] = "0123456789-,.[]{}\"e: ";

    for (int64_t i = rng_range(r, 1, 4); i > 0; i--) {
        size_t at = (size_t)rng_range(r, 1, (int64_t)n - 1);
        for (int tries = 0; tries < 8 && !(bytes[at] >= '0' && bytes[at] <= '9'); tries++)
            at = (size_t)rng_range(r, 1, (int64_t)n - 1);
        bytes[at] =
            rng_range(r, 0, 9) == 0 ? (uint8_t)rng_u64(r) : (uint8_t)likely[rng_range(r, 0, 20)];
        if (bytes[at] >= '0' && bytes[at] <= '9')
            continue;
        if (rng_range(r, 0, 1) == 0)
            bytes[at] = (uint8_t)('0' + rng_range(r, 0, 9));
    }
}

static void test_damaged_texts(void **state)
{
    struct rng rng;

    (void)state;
    rng_init(&rng, 31);
    for (int kind = 0; kind < 256; kind += 64) {
        struct input in = input_of((uint8_t)kind);
        uint8_t *copy = malloc(in.n);
        assert_non_null(copy);
        assert_int_equal(LLVMFuzzerTestOneInput(in.bytes, in.n), 0);
        for (int i = 0; i < RUNS / 4; i++) {
            size_t n =
                rng_range(&rng, 0, 19) == 0 ? (size_t)rng_range(&rng, 0, (int64_t)in.n) : in.n;
            memcpy(copy, in.bytes, in.n);
            damage(&rng, copy, in.n);
            assert_int_equal(LLVMFuzzerTestOneInput(copy, n), 0);
        }
        free(copy);
        free(in.bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_damaged_texts)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
