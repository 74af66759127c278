// SPDX-License-Identifier: Apache-2.0
// Routes: weights, stickiness, what the configuration may say, and when a board may be swapped.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "daemon/route.h"
#include "daemon/route_energy.h"

static struct route_arms arms_of(const char *text)
{
    struct route_arms a;
    char why[200] = "";
    if (route_arms_parse(&a, text, why, sizeof why) < 0)
        fail_msg("%s", why);
    return a;
}

// Pearson's statistic of counts against the weights.
static double chi_square(const struct route_arms *a, const int *count, int n)
{
    double sum = 0;
    for (int i = 0; i < a->n; i++) {
        double due = (double)n * a->weight[i] / a->total;
        sum += (count[i] - due) * (count[i] - due) / due;
    }
    return sum;
}

// The 0.999 quantile of chi-square with 1, 2, 3 and 7 degrees of freedom.
static double limit(int arms)
{
    return arms == 2 ? 10.828 : arms == 3 ? 13.816 : arms == 4 ? 16.266 : 24.322;
}

static const char *const mixes[] = {"a:90, b:10", "a:1,b:1,c:2", "a:999,b:1", "a:5,b:10,c:35,d:950",
                                    "a,b,c,d,e,f,g,h"};

static void random_arms_come_by_weight(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof mixes / sizeof mixes[0]; m++) {
        struct route_arms a = arms_of(mixes[m]);
        struct random r;
        int count[ROUTE_ARMS] = {0};
        random_init(&r, 7, m);
        for (int i = 0; i < 40000; i++)
            count[route_random(&a, &r)]++;
        double x = chi_square(&a, count, 40000);
        if (x > limit(a.n))
            fail_msg("%s: chi-square %.1f", mixes[m], x);
    }
}

// Keys as clients have them: alike but for a number.
static void sticky_arms_come_by_weight(void **state)
{
    (void)state;
    for (size_t m = 0; m < sizeof mixes / sizeof mixes[0]; m++) {
        struct route_arms a = arms_of(mixes[m]);
        int count[ROUTE_ARMS] = {0};
        for (int i = 0; i < 40000; i++) {
            char key[32];
            int n = snprintf(key, sizeof key, "client-%d", i);
            count[route_sticky(&a, "canary", key, (size_t)n)]++;
        }
        double x = chi_square(&a, count, 40000);
        if (x > limit(a.n))
            fail_msg("%s: chi-square %.1f", mixes[m], x);
    }
}

static void a_key_keeps_its_arm(void **state)
{
    (void)state;
    struct route_arms a = arms_of("a:50,b:50");
    int other_route = 0, moved = 0;
    struct route_arms shifted = arms_of("a:60,b:40");
    for (int i = 0; i < 2000; i++) {
        char key[32];
        size_t n = (size_t)snprintf(key, sizeof key, "%d", i);
        int arm = route_sticky(&a, "canary", key, n);
        for (int k = 0; k < 3; k++)
            assert_int_equal(route_sticky(&a, "canary", key, n), arm);
        other_route += route_sticky(&a, "other", key, n) != arm;
        moved += route_sticky(&shifted, "canary", key, n) != arm;
    }
    assert_in_range(other_route, 850, 1150); // routes deal independently
    assert_in_range(moved, 130, 270);        // a tenth moves when a tenth of the weight does
}

static void what_a_list_may_say(void **state)
{
    (void)state;
    static const struct {
        const char *text, *why;
    } bad[] = {
        {"", "not a variant's name"},         {"a,,b", "not a variant's name"},
        {"a:0", "a whole number from 1"},     {"a:1000001", "a whole number from 1"},
        {"a:-3", "a whole number from 1"},    {"a:x", "a whole number from 1"},
        {"a:5 b:3", "a whole number from 1"}, {"a b", "not a variant's name"},
        {"a:1,a:2", "a is there twice"},      {"a,b,c,d,e,f,g,h,i", "at most 8"},
        {"a/b:1", "not a variant's name"},    {"a:", "a whole number from 1"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct route_arms a;
        char why[200] = "";
        assert_int_equal(route_arms_parse(&a, bad[i].text, why, sizeof why), -1);
        if (!strstr(why, bad[i].why))
            fail_msg("'%s': %s", bad[i].text, why);
    }
    struct route_arms a = arms_of("  demand-w8:90 ,\tdemand-w4:10");
    assert_int_equal(a.n, 2);
    assert_string_equal(a.variant[0], "demand-w8");
    assert_string_equal(a.variant[1], "demand-w4");
    assert_int_equal(a.total, 100);
}

// Two kinds of requests that never stop, on one board: swaps stay seldom, and the board serves at
// least half of the time, however slow they are.
static void swaps_do_not_thrash(void **state)
{
    (void)state;
    static const uint64_t second = 1000000000;
    const uint64_t swap_s[] = {0, 1, 5};
    for (int k = 0; k < 3; k++) {
        uint64_t now = 0, away = 0, swap = swap_s[k] * second, end = 1000 * second;
        int swaps = 0;
        uint64_t ready = 0;
        while (now < end) {
            now = route_swap_from(ready, swap, 2 * second);
            assert_true(now >= ready + 2 * second);
            now += swap;
            away += swap;
            ready = now;
            swaps++;
        }
        assert_true(2 * away <= now);
        assert_true(swaps <= 501);
    }
    // One that has served for long is swapped at once.
    assert_true(route_swap_from(10, 5, 1000) == 1010 && route_swap_from(10, 5, 0) == 15);
}

// Only bursts count; joules are of those that have an energy of the first one's origin and rail.
static void joules_are_added_by_origin(void **state)
{
    (void)state;
    struct service_route_energy e = {.reason = ""};
    struct service_inference single = {.energy = {.reason = "the window is too short"}};
    struct service_inference burst = {
        .burst = {.runs = 1000},
        .energy = {.origin = SERVICE_VIRTUAL, .of = "BOARD", .total = {2e-6, 1e-8}}};
    struct service_inference flagged = burst, real = burst, rail = burst;
    snprintf(flagged.energy.reason, sizeof flagged.energy.reason, "the sensor did not answer");
    real.energy.origin = SERVICE_BOARD;
    snprintf(rail.energy.of, sizeof rail.energy.of, "FPGA_1V0");
    route_energy_add(&e, &single);
    assert_true(e.bursts == 0 && e.count == 0);
    route_energy_add(&e, &flagged);
    assert_true(e.bursts == 1 && e.count == 0);
    assert_string_equal(e.reason, "the sensor did not answer");
    route_energy_add(&e, &burst);
    burst.burst.runs = 3000;
    burst.energy.total.value = 3e-6;
    route_energy_add(&e, &burst);
    route_energy_add(&e, &real);
    route_energy_add(&e, &rail);
    assert_true(e.bursts == 5 && e.count == 2 && e.runs == 4000);
    assert_true(e.origin == SERVICE_VIRTUAL);
    assert_string_equal(e.of, "BOARD");
    assert_true(fabs(e.joule - 11e-3) < 1e-12 && fabs(e.uncertainty - 4e-5) < 1e-15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_arms_come_by_weight), cmocka_unit_test(sticky_arms_come_by_weight),
        cmocka_unit_test(a_key_keeps_its_arm),        cmocka_unit_test(what_a_list_may_say),
        cmocka_unit_test(swaps_do_not_thrash),        cmocka_unit_test(joules_are_added_by_origin),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
