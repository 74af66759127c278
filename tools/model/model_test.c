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
#include "tools/model/model_reference.h"

enum { RANDOM_MODELS = 400 };

static struct model *random_model(uint64_t seed, int extreme, struct variant **owner)
{
    struct model_random_options o = {.seed = seed, .extreme = extreme};
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

static void test_against_reference(void **state)
{
    struct reference *ref = malloc(sizeof *ref);
    int heads_seen = 0, layers_seen = 0, odd = 0, widest = 0;
    struct rng rng;

    (void)state;
    assert_non_null(ref);
    rng_init(&rng, 20221);
    for (int i = 0; i < RANDOM_MODELS; i++) {
        uint64_t seed = rng_u64(&rng);
        struct variant *v;
        struct model *mdl = random_model(seed, i % 2, &v);
        struct model_trace *tr = model_trace_new(&mdl->shape);
        int8_t x[MODEL_MAX_WINDOW * MODEL_MAX_FEATURES];
        struct model_rng draw = {seed};
        assert_non_null(tr);
        for (int window = 0; window < 2; window++) {
            model_random_window(&draw, mdl, x);
            model_run(mdl, x, tr);
            reference_run(mdl, x, ref);
            compare(mdl, tr, ref, seed);
            widest = ref->widest > widest ? ref->widest : widest;
        }
        heads_seen |= 1 << mdl->shape.heads;
        layers_seen |= 1 << mdl->shape.layers;
        odd += mdl->shape.d_model % 2 != 0 && mdl->shape.window % 2 != 0;
        model_trace_free(tr);
        variant_free(v);
    }
    printf("%d models, widest sum %d bits\n", RANDOM_MODELS, widest);
    assert_int_equal(heads_seen, 2 | 4 | 8 | 16);
    assert_int_equal(layers_seen, 2 | 4);
    assert_true(odd > 0);
    assert_in_range(widest, 40, MODEL_SUM_BITS); // the extremes were really reached
    free(ref);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_reference),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
