// SPDX-License-Identifier: Apache-2.0
// NSGA-II and the volume of fronts on problems whose fronts are known.
#include "tools/explore/nsga.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tests/support/random.h"
#include "tools/explore/pareto.h"

enum { GENES = 5, LEVELS = 4, ALL = 1024, EVALUATIONS = 320, POPULATION = 20 };

struct problem {
    double cost[GENES][LEVELS], loss[GENES][LEVELS];
    int seen;
};

// Sums over genes, as widths and sensitivities give them, with a product that couples two genes.
static void score(const struct problem *p, struct nsga_individual *x)
{
    x->objective[0] = x->objective[1] = 0;
    for (int g = 0; g < GENES; g++) {
        x->objective[0] += p->cost[g][x->gene[g]];
        x->objective[1] += p->loss[g][x->gene[g]];
    }
    x->objective[0] += p->cost[0][x->gene[0]] * p->cost[1][x->gene[1]];
}

static int evaluate(void *context, struct nsga_individual *batch, int count)
{
    struct problem *p = context;
    for (int i = 0; i < count; i++)
        score(p, &batch[i]);
    p->seen += count;
    return p->seen > EVALUATIONS;
}

static void invent(struct problem *p, struct rng *r)
{
    memset(p, 0, sizeof *p);
    for (int g = 0; g < GENES; g++)
        for (int l = 0; l < LEVELS; l++) {
            p->cost[g][l] = l + (double)(rng_u64(r) % 100) / 200;
            p->loss[g][l] = (LEVELS - l) * (double)(1 + rng_u64(r) % 100) / 50;
        }
}

static void all_of_them(const struct problem *p, struct nsga_individual *all)
{
    memset(all, 0, ALL * sizeof *all);
    for (int i = 0; i < ALL; i++) {
        for (int g = 0, rest = i; g < GENES; g++, rest /= LEVELS)
            all[i].gene[g] = (unsigned char)(rest % LEVELS);
        score(p, &all[i]);
    }
}

static double volume(const struct nsga_individual *x, int count)
{
    static struct pareto_point point[ALL];
    for (int i = 0; i < count; i++)
        point[i] = (struct pareto_point){x[i].objective[0], x[i].objective[1]};
    return pareto_volume(point, count, (struct pareto_point){0, 0}, (struct pareto_point){40, 60});
}

// Never a dominated set; nearly the whole of the front's volume after a third of all individuals,
// none evaluated twice, the same again from the same seed.
static void fronts_are_found(void **state)
{
    (void)state;
    static struct nsga_individual every[ALL], seen[EVALUATIONS], again[EVALUATIONS];
    struct nsga_individual front[POPULATION], front2[POPULATION];
    struct rng random;
    rng_init(&random, 3);
    for (int round = 0; round < 10; round++) {
        struct problem p;
        invent(&p, &random);
        all_of_them(&p, every);
        struct nsga n = {.genes = GENES,
                         .objectives = 2,
                         .population = POPULATION,
                         .evaluations = EVALUATIONS,
                         .seed = (uint64_t)round,
                         .evaluate = evaluate,
                         .context = &p};
        for (int g = 0; g < GENES; g++)
            n.levels[g] = LEVELS;
        const int count = nsga_run(&n, seen, front);
        assert_true(count > 0 && count <= POPULATION);
        assert_int_equal(p.seen, EVALUATIONS);
        for (int i = 0; i < count; i++)
            for (int k = 0; k < count; k++)
                assert_false(nsga_dominates(&front[i], &front[k], 2));
        for (int i = 0; i < EVALUATIONS; i++)
            for (int k = 0; k < i; k++)
                assert_true(memcmp(seen[i].gene, seen[k].gene, GENES));
        const double whole = volume(every, ALL), found = volume(seen, EVALUATIONS);
        print_message("volume %.4f of %.4f, %d on the front\n", found, whole, count);
        assert_true(found <= whole + 1e-12 && found > 0.985 * whole);
        p.seen = 0;
        assert_int_equal(nsga_run(&n, again, front2), count);
        assert_memory_equal(seen, again, sizeof seen);
    }
}

static void ranks_follow_dominance(void **state)
{
    (void)state;
    struct nsga_individual x[5] = {{.objective = {1, 4}},
                                   {.objective = {2, 2}},
                                   {.objective = {4, 1}},
                                   {.objective = {3, 3}},
                                   {.objective = {4, 4}}};
    assert_int_equal(nsga_rank(x, 5, 2), 0);
    const int rank[] = {0, 0, 0, 1, 2};
    for (int i = 0; i < 5; i++)
        assert_int_equal(x[i].rank, rank[i]);
    assert_true(isinf(x[0].crowding) && isinf(x[2].crowding));
    assert_true(fabs(x[1].crowding - 2) < 1e-12); // both neighbours span everything
}

static int give_up(void *context, struct nsga_individual *batch, int count)
{
    (void)context;
    (void)batch;
    (void)count;
    return 1;
}

static void it_gives_up_with_its_evaluator(void **state)
{
    (void)state;
    struct nsga_individual all[8], front[4];
    const struct nsga n = {.genes = 1,
                           .levels = {8},
                           .objectives = 2,
                           .population = 4,
                           .evaluations = 8,
                           .evaluate = give_up};
    assert_int_equal(nsga_run(&n, all, front), -1);
}

static void volumes_are_areas(void **state)
{
    (void)state;
    const struct pareto_point best = {0, 0}, worst = {10, 10};
    const struct pareto_point p[] = {{2, 6}, {5, 3}, {6, 5}, {12, 1}, {1, 11}};
    assert_true(fabs(pareto_volume(p, 0, best, worst)) < 1e-12);
    assert_true(fabs(pareto_volume(p, 1, best, worst) - 0.32) < 1e-12);
    // 8 x 4 and 5 x 3 more; the others add nothing
    assert_true(fabs(pareto_volume(p, 5, best, worst) - 0.47) < 1e-12);
    const struct pareto_point ideal = {-1, -1};
    assert_true(fabs(pareto_volume(&ideal, 1, best, worst) - 1) < 1e-12);
    assert_int_equal(pareto_best(p, 5, 5.5), 1);
    assert_int_equal(pareto_best(p, 5, 20), 3);
    assert_int_equal(pareto_best(p, 5, 0.5), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fronts_are_found),
        cmocka_unit_test(ranks_follow_dominance),
        cmocka_unit_test(it_gives_up_with_its_evaluator),
        cmocka_unit_test(volumes_are_areas),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
