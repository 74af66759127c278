// SPDX-License-Identifier: Apache-2.0
// The front against brute force over all combinations, of random sensitivities.
#include "tools/explore/front.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/random.h"
#include "tools/train/bits.h"

enum { FREE_TENSORS = 12 }; // two widths each: 4,096 combinations

static void invent(struct sensitivity *s, struct rng *random, int layers, enum model_form form)
{
    const int heads = form == MODEL_COLLAPSED ? 1 : 2;
    *s = (struct sensitivity){.shape = {6, 2, 8, heads, 12, layers, 1, form}, .base_rmse = 1};
    s->tensors = trial_tensors(&s->shape, s->name);
    for (int t = 0; t < s->tensors; t++) {
        for (int b = 0; b < WIDTHS; b++)
            s->added[t][b] = INFINITY;
        s->added[t][7] = 0;
    }
    for (int i = 0; i < FREE_TENSORS; i++) {
        int t = (int)(rng_u64(random) % (uint64_t)s->tensors);
        int b = 2 + (int)(rng_u64(random) % 4);
        s->added[t][b] = (double)(rng_u64(random) % 1000) / 100;
    }
}

struct brute {
    const struct sensitivity *s;
    const struct front *f;
    struct model_bits bits;
    long limit;
    int seen, on_front;
};

// Every combination is matched or beaten by a point of the front.
static void combine(struct brute *x, int tensor, double added)
{
    if (tensor == x->s->tensors) {
        long operations = bits_operations(&x->bits, &x->s->shape);
        int beaten = x->limit && operations > x->limit, equal = 0;
        for (int i = 0; i < x->f->count; i++) {
            const struct front_point *p = &x->f->point[i];
            beaten |= p->operations <= operations && p->added <= added + 1e-9;
            equal |= p->operations == operations && fabs(p->added - added) < 1e-9;
        }
        assert_true(beaten);
        x->seen++;
        x->on_front += equal;
        return;
    }
    for (int b = WIDTH_MIN; b <= WIDTH_MAX; b++)
        if (isfinite(x->s->added[tensor][b])) {
            *trial_width(&x->s->shape, &x->bits, tensor) = b;
            combine(x, tensor + 1, added + x->s->added[tensor][b]);
        }
}

static void front_is_the_brute_force_front(void **state)
{
    (void)state;
    struct rng random;
    rng_init(&random, 5);
    for (int round = 0; round < 9; round++) {
        struct sensitivity s;
        struct front whole, f;
        const enum model_form form = round < 6 ? MODEL_ENCODER : MODEL_COLLAPSED;
        invent(&s, &random, form == MODEL_ENCODER ? 1 + round % 2 : 1, form);
        assert_int_equal(front_find(&whole, &s, 0), 0);
        assert_true(whole.count > 1);
        long limit = round % 3 ? whole.point[whole.count / 2].operations : 0;
        assert_int_equal(front_find(&f, &s, limit), 0);
        struct brute x = {.s = &s, .f = &f, .bits = {.y = 16}, .limit = limit};
        combine(&x, 0, 0);
        assert_true(fabs(f.combinations - x.seen) < 0.5);
        assert_true(x.on_front >= f.count);
        for (int i = 0; i < f.count; i++) {
            struct model_bits bits = front_bits(&s, &f.point[i]), back;
            char text[1024], why[MODEL_WHY_MAX];
            assert_int_equal(bits_operations(&bits, &s.shape), f.point[i].operations);
            assert_true(!limit || f.point[i].operations <= limit);
            assert_true(!i || f.point[i].added < f.point[i - 1].added);
            front_text(&s, &bits, text, sizeof text);
            assert_int_equal(bits_parse(&back, &s.shape, text, why, sizeof why), 0);
            assert_int_equal(bits_operations(&back, &s.shape), f.point[i].operations);
        }
        front_free(&whole);
        front_free(&f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(front_is_the_brute_force_front)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
