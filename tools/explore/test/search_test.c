// SPDX-License-Identifier: Apache-2.0
// The front under a device's budget against brute force over all combinations, priced one by one.
#include "tools/explore/search.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/random.h"
#include "tools/estimate/estimate.h"
#include "tools/explore/box.h"
#include "tools/explore/cover.h"

enum { MAX_ALL = 1 << 16 };
static const double grain = 4;

// Losses by chance, at two widths of most groups and three of some.
static void invent(struct sensitivity *s, struct rng *r, enum model_form form, int layers)
{
    static const int steps[] = {8, 4, 2};
    *s = (struct sensitivity){.shape = {8, 2, 8, 1, 16, layers, 1}, .base_rmse = 1};
    s->shape.form = form;
    s->tensors = trial_tensors(&s->shape, s->name);
    const int rare = 1 + (int)(rng_u64(r) % 3);
    for (int t = 0; t < s->tensors; t++) {
        double added = 0;
        for (int b = 0; b < WIDTHS; b++)
            s->added[t][b] = INFINITY;
        for (int i = 0; i < (t % 4 == rare ? 3 : 2); i++) {
            int b = steps[i] == 8 && strstr(s->name[t], ".e") ? 7 : steps[i];
            s->added[t][b] = added;
            added += (double)(1 + rng_u64(r) % 1000) / 1000;
        }
    }
}

static void front_is_the_brute_force_front(void **state)
{
    (void)state;
    struct rng random;
    static struct search_point all[MAX_ALL];
    rng_init(&random, 11);
    for (int round = 0; round < 3; round++) {
        struct sensitivity s;
        struct engine engine[ENGINE_MAX];
        struct pricer pricer;
        struct levels levels;
        char why[256];
        invent(&s, &random, MODEL_ENCODER, 1);
        levels_of(&levels, &s);
        engine_list(engine, &s.shape, 20, 20, STORAGE_AUTO);
        struct search x = {.sens = &s,
                           .engine = engine + 2 * round,
                           .engines = 2,
                           .grain = grain,
                           .slack = 4,
                           .jobs = 2};
        budget_init(&x.budget, device_find(round == 1 ? "xc7s6" : "xc7s15"), 0,
                    round == 2 ? 450 : 0);
        x.budget.room[RESOURCE_DSP] = x.budget.room[RESOURCE_RAMB18] = 20;
        assert_int_equal(search_run(&x, why, sizeof why), 0);
        assert_true(x.count > 3);

        int count = 0, held = 0, total = x.engines;
        for (int g = 0; g < levels.groups; g++)
            total *= levels.count[g];
        assert_true(total <= MAX_ALL);
        assert_int_equal(pricer_open(&pricer, &s.shape, x.engine, x.engines, NULL, why, sizeof why),
                         0);
        for (int n = 0; n < total; n++) {
            unsigned char index[GROUPS] = {0};
            struct search_point *p = &all[count];
            int rest = n / x.engines;
            *p = (struct search_point){.engine = n % x.engines};
            for (int g = 0; g < levels.groups; rest /= levels.count[g], g++)
                index[g] = (unsigned char)(rest % levels.count[g]);
            p->added = levels_added(&levels, index);
            const struct model_bits bits = levels_bits(&levels, &s, index);
            assert_int_equal(pricer_price(&pricer, &bits, p->engine, &p->price, why, sizeof why),
                             0);
            count += budget_holds(&x.budget, &p->price);
            held += budget_holds(&x.budget, &p->price);
        }
        pricer_close(&pricer);
        assert_true(round == 0 ? held == total : held < total);
        // every combination that fits is matched or beaten by a point of the front
        for (int i = 0; i < count; i++) {
            int matched = 0;
            for (int k = 0; k < x.count; k++)
                matched |= search_beats(&x.point[k], &all[i], grain);
            assert_true(matched);
        }
        // every point of the front is a combination that no other one beats
        for (int k = 0; k < x.count; k++) {
            assert_true(budget_holds(&x.budget, &x.point[k].price));
            int found = 0;
            for (int i = 0; i < count; i++) {
                found |= all[i].added <= x.point[k].added && all[i].added >= x.point[k].added &&
                         all[i].engine == x.point[k].engine &&
                         all[i].price.lut == x.point[k].price.lut;
                assert_true(!search_beats(&all[i], &x.point[k], grain) ||
                            search_beats(&x.point[k], &all[i], grain));
            }
            assert_true(found);
        }
        print_message("round %d: %d combinations, %d fit, %d points, %ld prices\n", round, total,
                      held, x.count, x.priced);
        search_free(&x);
    }
}

// The same points with one process and with three.
static void processes_do_not_matter(void **state)
{
    (void)state;
    struct rng random;
    struct sensitivity s;
    struct engine engine[ENGINE_MAX];
    char why[256];
    rng_init(&random, 12);
    invent(&s, &random, MODEL_ENCODER, 1);
    struct search a = {.sens = &s, .engine = engine, .grain = grain, .slack = 4, .jobs = 1}, b;
    a.engines = engine_list(engine, &s.shape, 20, 20, ENGINE_ANY_STORAGE);
    budget_init(&a.budget, device_find("xc7s15"), 10, 0);
    b = a;
    b.jobs = 3;
    assert_int_equal(search_run(&a, why, sizeof why), 0);
    assert_int_equal(search_run(&b, why, sizeof why), 0);
    assert_int_equal(a.count, b.count);
    for (int i = 0; i < a.count; i++) {
        assert_true(a.point[i].added <= b.point[i].added && a.point[i].added >= b.point[i].added);
        assert_int_equal(a.point[i].engine, b.point[i].engine);
        assert_memory_equal(a.point[i].width, b.point[i].width, sizeof a.point[i].width);
    }
    // and the check finds a hole where there is one
    struct cover whole, torn;
    struct search half = a; // without the points of least loss
    half.point += a.count / 2;
    half.count -= a.count / 2;
    assert_int_equal(cover_check(&whole, &a, 300, 1, why, sizeof why), 0);
    assert_int_equal(cover_check(&torn, &half, 300, 1, why, sizeof why), 0);
    print_message("%d and %d of %d uncovered by %.1f and %.1f %%, LUTs fell %d times by up to %d\n",
                  whole.uncovered, torn.uncovered, whole.held, whole.worst, torn.worst, whole.falls,
                  whole.largest_fall);
    assert_int_equal(whole.combinations, 300);
    assert_true(whole.held > 50 && whole.uncovered * 10 < whole.held);
    assert_true(torn.uncovered > 3 * whole.uncovered);
    search_free(&a);
    search_free(&b);
}

static void check_cover(enum model_form form, int layers)
{
    struct rng random;
    struct sensitivity s;
    struct engine engine[ENGINE_MAX];
    struct cover c;
    char why[256];
    rng_init(&random, 15);
    invent(&s, &random, form, layers);
    struct search x = {.sens = &s, .engine = engine, .grain = grain, .slack = 4, .jobs = 2};
    x.engines = engine_list(engine, &s.shape, 20, 20, STORAGE_AUTO);
    budget_init(&x.budget, device_find("xc7s15"), 10, 0);
    assert_int_equal(search_run(&x, why, sizeof why), 0);
    assert_int_equal(cover_check(&c, &x, 300, 1, why, sizeof why), 0);
    print_message("%d of %d uncovered by %.1f %%\n", c.uncovered, c.held, c.worst);
    assert_true(c.held > 50 && c.uncovered * 20 < c.held);
    search_free(&x);
}

// Their tensors share other hardware: keys and values of the collapsed form are h, its readout has
// multipliers of its own; the first layer's z is a token of the second.
static void other_nets_are_covered(void **state)
{
    (void)state;
    check_cover(MODEL_COLLAPSED, 1);
    check_cover(MODEL_ENCODER, 2);
}

// A sketch with a remembered schedule costs what the whole plan does.
static void prices_are_those_of_whole_plans(void **state)
{
    (void)state;
    struct rng random;
    struct sensitivity s;
    struct engine engine[ENGINE_MAX];
    struct pricer pricer;
    char why[256];
    rng_init(&random, 13);
    invent(&s, &random, MODEL_ENCODER, 1);
    const int engines = engine_list(engine, &s.shape, 20, 20, ENGINE_ANY_STORAGE);
    assert_int_equal(pricer_open(&pricer, &s.shape, engine, engines, NULL, why, sizeof why), 0);
    int planned = 0;
    for (int i = 0; i < 150; i++) {
        struct model_bits bits = {.y = 16};
        struct price price;
        struct estimate e;
        const int at = (int)(rng_u64(&random) % (uint64_t)engines);
        for (int t = 0; t < s.tensors; t++)
            *trial_width(&s.shape, &bits, t) = 2 + (int)(rng_u64(&random) % 6);
        int rc = pricer_price(&pricer, &bits, at, &price, why, sizeof why);
        struct plan *plan = plan_new(pricer.model, &pricer.hardware[at], why, sizeof why);
        assert_true((rc == 0) == (plan != NULL));
        if (!plan)
            continue;
        estimate_plan(&e, plan);
        assert_int_equal(price.cycles, e.cycles);
        assert_int_equal(price.lut, e.lut);
        assert_int_equal(price.ff, e.ff);
        assert_int_equal(price.ramb18, e.ramb18);
        assert_true(fabs(price.energy_uj - e.energy_uj) < 1e-9);
        plan_free(plan);
        planned++;
    }
    assert_true(planned > 100);
    pricer_close(&pricer);
}

// What is priced is what the manifest's words say to the builder.
static void manifests_name_the_engine(void **state)
{
    (void)state;
    struct rng random;
    struct sensitivity s;
    struct engine engine[ENGINE_MAX];
    struct pricer pricer;
    char why[256];
    rng_init(&random, 14);
    invent(&s, &random, MODEL_ENCODER, 1);
    const int engines = engine_list(engine, &s.shape, 10, 10, ENGINE_ANY_STORAGE);
    assert_true(engines > 20);
    assert_int_equal(pricer_open(&pricer, &s.shape, engine, engines, NULL, why, sizeof why), 0);
    for (int i = 0; i < engines; i++) {
        const struct engine *e = &engine[i];
        const struct hardware *hw = &pricer.hardware[i];
        assert_true(hw->tokens == e->tokens && hw->outputs == e->outputs && hw->terms == e->terms);
        assert_true(hw->requantisers == e->requantisers && hw->chains == e->chains);
        assert_true(hw->requantiser_dsps == e->requantiser_dsps && hw->ramb18 == e->ramb18);
        assert_true(hw->softmax_lanes == e->softmax_lanes);
        assert_int_equal(hw->divider_pipelined, e->divider_pipelined);
        for (int b = 0; b < BUFFERS; b++)
            assert_true(e->storage == STORAGE_AUTO ? !hw->given[b]
                                                   : hw->given[b] && hw->storage[b] == e->storage);
    }
    pricer_close(&pricer);
}

static void budgets_say_what_is_too_much(void **state)
{
    (void)state;
    struct budget b;
    char text[256];
    budget_init(&b, device_find("xc7s15"), 10, 1000);
    assert_int_equal(b.room[RESOURCE_LUT], 7200 - device_around[RESOURCE_LUT]);
    assert_int_equal(b.room[RESOURCE_RAMB18], 20);
    struct price p = {.lut = b.room[RESOURCE_LUT], .ramb18 = 20, .cycles = 1000};
    budget_explain(&b, &p, text, sizeof text);
    assert_true(budget_holds(&b, &p));
    assert_string_equal(text, "fits");
    p.lut += 800;
    p.ramb18 = 23;
    p.cycles = 1001;
    budget_explain(&b, &p, text, sizeof text);
    assert_false(budget_holds(&b, &p));
    assert_string_equal(text, "LUT +800 (10 %), RAMB18 +3 (15 %), cycles +1");
    assert_null(device_find("xc7s16"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(front_is_the_brute_force_front),
        cmocka_unit_test(processes_do_not_matter),
        cmocka_unit_test(other_nets_are_covered),
        cmocka_unit_test(prices_are_those_of_whole_plans),
        cmocka_unit_test(manifests_name_the_engine),
        cmocka_unit_test(budgets_say_what_is_too_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
