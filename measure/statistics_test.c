// SPDX-License-Identifier: Apache-2.0
// Distributions, descriptions, bootstrap and permutation against values computed independently:
// closed forms, published tables, and enumeration written in another way.
#include "measure/bootstrap.h"
#include "measure/permutation.h"
#include "measure/random.h"
#include "measure/sample.h"
#include "measure/special.h"
#include "tests/support/random.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void near(double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("got %.15g, want %.15g within %g", got, want, tolerance);
}

static void distributions_match_closed_forms(void **state)
{
    (void)state;
    near(normal_quantile(0.975), 1.959963984540054, 1e-13);
    near(normal_quantile(0.5), 0, 0);
    near(normal_quantile(1e-10), -6.361340902404056, 1e-11);
    near(normal_tail(3), 1.3498980316300946e-3, 1e-17);
    // One degree of freedom is the Cauchy distribution, two have an algebraic one.
    for (double t = -30; t <= 30; t += 0.37) {
        near(student_tail(t, 1), 0.5 - atan(t) / 3.14159265358979323846, 1e-13);
        near(student_tail(t, 2), 0.5 - 0.5 * t / sqrt(2 + t * t), 1e-13);
        double c = 2 / sqrt(4 + t * t), s = t / sqrt(4 + t * t); // four: Abramowitz & Stegun 26.7.4
        near(student_tail(t, 4), 0.5 - 0.5 * s * (1 + c * c / 2), 1e-13);
    }
    // Printed tables of Student's t, two-sided 95 % and 99 %.
    near(student_upper(0.025, 7), 2.365, 5e-4);
    near(student_upper(0.005, 7), 3.499, 5e-4);
    near(student_upper(0.025, 39), 2.023, 5e-4);
    near(student_upper(0.025, 1), 12.706, 5e-4);
    for (double df = 1; df < 2000; df *= 1.7) {
        for (double tail = 1e-12; tail < 1; tail = tail < 0.1 ? tail * 7 : tail + 0.2) {
            double back = student_tail(student_upper(tail, df), df);
            near(back / tail, 1, 1e-9);
        }
        near(normal_to_student(student_to_normal(2.5, df), df), 2.5, 1e-9);
        near(student_to_normal(-2.5, df), -student_to_normal(2.5, df), 0);
    }
    near(student_to_normal(2.5, 1e6), 2.5, 1e-4);
    near(binomial_half_point(3, 10), 120.0 / 1024, 1e-12);
}

static void random_numbers_are_reproducible_and_fair(void **state)
{
    (void)state;
    struct random a, b, other;
    random_init(&a, 5, 0);
    random_init(&b, 5, 0);
    random_init(&other, 5, 1);
    assert_true(random_u64(&a) == random_u64(&b));
    assert_true(random_u64(&a) != random_u64(&other));
    // xoshiro256** from the state {1, 2, 3, 4}: the first output is rotl(2 * 5, 7) * 9.
    struct random known = {{1, 2, 3, 4}};
    assert_true(random_u64(&known) == UINT64_C(11520));
    assert_true(random_u64(&known) == UINT64_C(0)); // s[1] is 2 ^ (3 ^ 1) = 0 by then
    int seen[6] = {0}, order[3], orders[27] = {0};
    for (int i = 0; i < 60000; i++) {
        seen[random_below(&a, 6)]++;
        random_permutation(&a, order, 3);
        orders[order[0] * 9 + order[1] * 3 + order[2]]++;
    }
    for (int i = 0; i < 6; i++) // 10000 expected, sd 91
        assert_in_range(seen[i], 9450, 10550);
    int permutations = 0;
    for (int i = 0; i < 27; i++) {
        if (orders[i]) {
            permutations++;
            assert_in_range(orders[i], 9450, 10550);
        }
    }
    assert_int_equal(permutations, 6);
    int thirds =
        0; // 3/4 of 2^32 without a second draw would give half of all draws to every third value
    for (int i = 0; i < 30000; i++)
        thirds += random_below(&a, 3u << 30) % 3 == 0;
    assert_in_range(thirds, 9500, 10500);
    double sum = 0, squares = 0;
    for (int i = 0; i < 100000; i++) {
        double z = random_normal(&a);
        sum += z;
        squares += z * z;
    }
    near(sum / 100000, 0, 0.02);
    near(squares / 100000, 1, 0.03);
}

static int compare_doubles(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

static void sorts_like_qsort(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 11);
    for (int round = 0; round < 300; round++) {
        double x[200], y[200];
        int n = (int)rng_range(&r, 1, 200);
        for (int i = 0; i < n; i++)
            x[i] = y[i] = (double)rng_range(&r, -20, 20);
        sample_sort(x, n);
        qsort(y, (size_t)n, sizeof *y, compare_doubles);
        assert_memory_equal(x, y, (size_t)n * sizeof *x);
    }
}

static void describes_samples(void **state)
{
    (void)state;
    const double x[] = {2, 4, 4, 4, 5, 5, 7, 9};
    struct sample s;
    assert_int_equal(sample_describe(x, 8, &s), 0);
    near(s.mean, 5, 1e-15);
    near(s.sd, sqrt(32.0 / 7), 1e-14);
    near(sample_quantile(x, 8, 0.5), 4.5, 0);
    near(sample_quantile(x, 8, 0.25), 4, 0);
    near(sample_quantile(x, 8, 0.9), 7.6, 1e-12);
    near(sample_quantile(x, 8, 1), 9, 0);
    struct interval i;
    assert_int_equal(sample_mean_interval(x, 8, 0.95, &i), 0);
    near(i.high - 5, 2.3646242515927 * sqrt(32.0 / 7 / 8), 1e-9);
    // n = 8: outside [x(1), x(8)] with 2/256; [x(2), x(7)] would be 18/256.
    assert_int_equal(sample_median_interval(x, 8, 0.95, &i), 0);
    near(i.low, 2, 0);
    near(i.high, 9, 0);
    near(i.confidence, 1 - 2.0 / 256, 1e-12);
    assert_int_equal(sample_median_interval(x, 8, 0.9, &i), 0);
    near(i.confidence, 1 - 18.0 / 256, 1e-12);
    near(i.low, 4, 0);
    assert_int_equal(sample_median_interval(x, 5, 0.95, &i), -1);
    const double same[] = {0.1, 0.1, 0.1};
    assert_int_equal(sample_describe(same, 3, &s), 0);
    near(s.sd, 0, 0);
    near(s.mean, 0.1, 0);
}

static void degenerate_samples_are_refused(void **state)
{
    (void)state;
    struct sample s = {.mean = 77};
    struct interval i = {.low = 77};
    struct equivalence e = {.p = 77};
    double p = 77, rho = 77, scratch[200];
    const double bad[] = {1, 2, NAN, 4, 5, 6, 7, 8}, worse[] = {1, 2, 3, HUGE_VAL, 5};
    assert_int_equal(sample_describe(bad, 0, &s), -1);
    assert_int_equal(sample_describe(bad, 8, &s), -1);
    assert_int_equal(sample_describe(worse, 5, &s), -1);
    assert_int_equal(sample_mean_interval(bad, 1, 0.95, &i), -1);
    assert_int_equal(sample_mean_interval(bad, 2, 1, &i), -1);
    assert_int_equal(sample_median_interval(bad, 8, 0.95, &i), -1);
    assert_int_equal(sample_trend(bad, 8, &rho, &p, scratch), -1);
    assert_int_equal(sample_trend(worse, 3, &rho, &p, scratch), -1);
    assert_int_equal(bootstrap_mean(BOOTSTRAP_BCA, bad, 8, 0.95, 100, 1, scratch, &i), -1);
    assert_int_equal(bootstrap_mean(BOOTSTRAP_BCA, bad, 2, 0.95, 100, 1, scratch, &i), -1);
    assert_int_equal(bootstrap_mean(BOOTSTRAP_BCA, worse, 5, 0.95, 100, 1, scratch, &i), -1);
    assert_int_equal(permutation_sign_flip(bad, 8, 999, 1, &p), -1);
    assert_int_equal(permutation_sign_flip(bad, 0, 999, 1, &p), -1);
    assert_int_equal(equivalence_test(bad, 8, 1, 0.05, &e), -1);
    assert_int_equal(equivalence_test(bad, 2, 0, 0.05, &e), -1);
    assert_int_equal(equivalence_test(bad, 1, 1, 0.05, &e), -1);
    near(s.mean + i.low + p + rho + e.p, 5 * 77, 0); // nothing was written
}

static void ranks_by_the_textbook(void **state)
{
    (void)state;
    double rho, p, scratch[40];
    // 1 - 6 sum d^2 / (n (n^2 - 1)), d = place - rank: {1,-1,1,-1,0} gives 1 - 24/120.
    const double x[] = {20, 10, 40, 30, 50};
    assert_int_equal(sample_trend(x, 5, &rho, &p, scratch), 0);
    near(rho, 0.8, 1e-12);
    near(p,
         2 * (0.5 - atan(0.8 * sqrt(3) / 0.6 / sqrt(3)) / 3.14159265358979323846 -
              0.8 * 0.6 / 3.14159265358979323846),
         1e-9); // t with 3 degrees of freedom in closed form, t = rho sqrt(3)/0.6
    const double ties[] = {1, 1, 2, 2}; // ranks 1.5 1.5 3.5 3.5: 4 / sqrt(4 * 5)
    assert_int_equal(sample_trend(ties, 4, &rho, &p, scratch), 0);
    near(rho, 4 / sqrt(20), 1e-12);
    const double same[] = {3, 3, 3, 3};
    assert_int_equal(sample_trend(same, 4, &rho, &p, scratch), 0);
    near(rho, 0, 0);
    near(p, 1, 1e-12);
    const double falling[] = {9, 7, 5, 3, 1};
    assert_int_equal(sample_trend(falling, 5, &rho, &p, scratch), 0);
    near(rho, -1, 0);
}

// All sign patterns by counting bits, without the symmetry and the Gray code of the library.
static double enumerated_p(const double *x, int n)
{
    double observed = 0, hits = 0;
    for (int i = 0; i < n; i++)
        observed += x[i];
    for (int pattern = 0; pattern < 1 << n; pattern++) {
        double sum = 0;
        for (int i = 0; i < n; i++)
            sum += pattern >> i & 1 ? x[i] : -x[i];
        hits += fabs(sum) >= fabs(observed) - 1e-9;
    }
    return hits / (1 << n);
}

static void permutation_equals_enumeration(void **state)
{
    (void)state;
    double p;
    const double by_hand[] = {1, 2, 3}; // |sum| = 6 in 2 of 8 patterns
    assert_int_equal(permutation_sign_flip(by_hand, 3, 0, 1, &p), 0);
    near(p, 0.25, 0);
    const double zero[] = {0, 0, 0, 0};
    assert_int_equal(permutation_sign_flip(zero, 4, 0, 1, &p), 0);
    near(p, 1, 0);
    struct rng r;
    rng_init(&r, 12);
    for (int round = 0; round < 60; round++) {
        double x[PERMUTATION_EXACT_VALUES + 2];
        int n = (int)rng_range(&r, 1, 12);
        for (int i = 0; i < n; i++)
            x[i] = 0.1 * (double)rng_range(&r, -9, 12); // ties on purpose
        assert_int_equal(permutation_sign_flip(x, n, 0, 1, &p), 0);
        near(p, enumerated_p(x, n), 1e-12);
    }
    double many[18];
    for (int i = 0; i < 18; i++)
        many[i] = i % 3 - 0.6;
    assert_int_equal(permutation_sign_flip(many, 18, 20000, 1, &p), 0);
    near(p, enumerated_p(many, 18), 0.015); // 20000 random flips: sd at most 0.0036
    assert_int_equal(permutation_sign_flip(many, 18, 98, 1, &p), -1);
}

static void equivalence_by_hand(void **state)
{
    (void)state;
    const double x[] = {-0.2, 0.1, 0.3, 0.2}; // mean 0.1, sd sqrt(0.14/3), 3 degrees of freedom
    struct equivalence e;
    assert_int_equal(equivalence_test(x, 4, 1, 0.05, &e), 0);
    double error = sqrt(0.14 / 3 / 4), half = 2.3533634348018 * error;
    near(e.high, 0.1 + half, 1e-9);
    near(e.low, 0.1 - half, 1e-9);
    assert_true(e.inside);
    double t = 0.9 / error, c = t / sqrt(3), pi = 3.14159265358979323846;
    near(e.p, 0.5 - (atan(c) + c / (1 + c * c)) / pi, 1e-10); // t with 3 degrees of freedom
    assert_int_equal(equivalence_test(x, 4, 0.35, 0.05, &e), 0);
    assert_false(e.inside);
    const double same[] = {0.4, 0.4};
    assert_int_equal(equivalence_test(same, 2, 0.5, 0.05, &e), 0);
    assert_true(e.inside && e.p == 0);
    assert_int_equal(equivalence_test(same, 2, 0.3, 0.05, &e), 0);
    assert_true(!e.inside && e.p == 1);
}

static void bootstrap_keeps_its_properties(void **state)
{
    (void)state;
    struct rng r;
    rng_init(&r, 13);
    double scratch[999];
    for (int kind = BOOTSTRAP_STUDENTISED; kind <= BOOTSTRAP_PERCENTILE; kind++) {
        enum bootstrap_kind k = (enum bootstrap_kind)kind;
        for (int round = 0; round < 40; round++) {
            double x[30], moved[30];
            int n = (int)rng_range(&r, BOOTSTRAP_MIN_VALUES, 30);
            for (int i = 0; i < n; i++) {
                x[i] = (double)rng_range(&r, -1000, 1000) + i * 1e-3;
                moved[i] = 4 * x[i] + 8; // exact in binary but for the last bits
            }
            struct interval a, again, wide, scaled;
            struct sample s;
            sample_describe(x, n, &s);
            assert_int_equal(bootstrap_mean(k, x, n, 0.9, 999, 3, scratch, &a), 0);
            assert_int_equal(bootstrap_mean(k, x, n, 0.9, 999, 3, scratch, &again), 0);
            assert_memory_equal(&a, &again, sizeof a);
            assert_int_equal(bootstrap_mean(k, x, n, 0.98, 999, 3, scratch, &wide), 0);
            assert_true(wide.low <= a.low && a.high <= wide.high);
            assert_true(a.low <= s.mean && s.mean <= a.high);
            assert_int_equal(bootstrap_mean(k, moved, n, 0.9, 999, 3, scratch, &scaled), 0);
            if (isfinite(a.low) && isfinite(a.high)) {
                near(scaled.low, 4 * a.low + 8, 1e-6 * (1 + fabs(a.low)));
                near(scaled.high, 4 * a.high + 8, 1e-6 * (1 + fabs(a.high)));
            }
        }
        const double same[] = {5, 5, 5, 5};
        struct interval point;
        assert_int_equal(bootstrap_mean(k, same, 4, 0.95, 999, 3, scratch, &point), 0);
        assert_true(point.low == 5 && point.high == 5);
    }
}

// A smoke test with generous bounds (8 sd of the binomial); bench-ab measures it properly.
static void studentised_bootstrap_covers(void **state)
{
    (void)state;
    struct random r;
    random_init(&r, 21, 0);
    double scratch[499];
    int held = 0, held_percentile = 0;
    enum { ROUNDS = 2000, N = 10 };
    for (int round = 0; round < ROUNDS; round++) {
        double x[N];
        for (int i = 0; i < N; i++)
            x[i] = 3 + random_normal(&r);
        struct interval i;
        bootstrap_mean(BOOTSTRAP_STUDENTISED, x, N, 0.95, 499, (uint64_t)round, scratch, &i);
        held += i.low <= 3 && 3 <= i.high;
        bootstrap_mean(BOOTSTRAP_PERCENTILE, x, N, 0.95, 499, (uint64_t)round, scratch, &i);
        held_percentile += i.low <= 3 && 3 <= i.high;
    }
    assert_in_range(held, ROUNDS * 91 / 100, ROUNDS * 99 / 100);
    assert_true(held_percentile < held); // the reason for choosing the other
}

// What docs/measuring.md says of the median's interval, with a fixed number of windows and when
// windows are added until it is narrow.
static void medians_interval_covers(void **state)
{
    enum { ROUNDS = 1500, MOST = 50, DRAWS = 199 };
    static const int counts[] = {5, 10, 20, 50};
    static const double promised[] = {0.915, 0.92, 0.92, 0.92};
    double x[MOST], scratch[DRAWS + MOST];
    struct interval i;
    (void)state;
    for (int c = 0; c < 5; c++) {
        int inside = 0, used = 0;
        for (int round = 0; round < ROUNDS; round++) {
            struct random r;
            int n = c < 4 ? counts[c] : 10;
            random_init(&r, 11, (uint64_t)(c * ROUNDS + round));
            for (int k = 0; k < MOST; k++)
                x[k] = 100 + random_normal(&r);
            for (int next = n; next; n = next ? next : n) {
                bootstrap_median(x, n, 0.95, DRAWS, (uint64_t)round, scratch, &i);
                next = c < 4 ? 0 : bootstrap_next_look(n, (i.high - i.low) / 2, 0.5, MOST);
            }
            used += n;
            inside += i.low <= 100 && 100 <= i.high;
        }
        double share = (double)inside / ROUNDS;
        print_message("median of %.1f windows: %.1f %%\n", (double)used / ROUNDS, 100 * share);
        assert_true(share > (c < 4 ? promised[c] : 0.88) && share < 0.99);
    }
    assert_int_equal(bootstrap_median(x, 3, 0.95, DRAWS, 1, scratch, &i), -1);
    x[1] = NAN;
    assert_int_equal(bootstrap_median(x, 5, 0.95, DRAWS, 1, scratch, &i), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(distributions_match_closed_forms),
        cmocka_unit_test(random_numbers_are_reproducible_and_fair),
        cmocka_unit_test(sorts_like_qsort),
        cmocka_unit_test(describes_samples),
        cmocka_unit_test(degenerate_samples_are_refused),
        cmocka_unit_test(ranks_by_the_textbook),
        cmocka_unit_test(permutation_equals_enumeration),
        cmocka_unit_test(equivalence_by_hand),
        cmocka_unit_test(bootstrap_keeps_its_properties),
        cmocka_unit_test(studentised_bootstrap_covers),
        cmocka_unit_test(medians_interval_covers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
