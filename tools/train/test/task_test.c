// SPDX-License-Identifier: Apache-2.0
// Splits, gaps, scaling; and the baselines on tasks whose answer is known.
#include "tools/train/task.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "tools/train/baselines.h"
#include "tools/train/test/synthetic.h"

static char why[512];

static struct task_spec spec_of(int window, int horizon, int outputs)
{
    return (struct task_spec){.target = "c0",
                              .window = window,
                              .horizon = horizon,
                              .outputs = outputs,
                              .split = {70, 10, 20}};
}

static struct task *make(struct csv_table *table, const struct task_spec *spec)
{
    struct task *t = task_new(table, spec, why, sizeof why);
    if (!t)
        fail_msg("%s", why);
    return t;
}

static void parts_do_not_share_rows(void **state)
{
    (void)state;
    struct csv_table *table = synthetic_table(401, 1, 0.1, 1);
    const struct task_spec spec = spec_of(9, 3, 2);
    struct task *t = make(table, &spec);
    int end = 0;
    for (int p = 0; p < TASK_PARTS; p++) {
        for (int i = 0; i < t->count[p]; i++) {
            int first = t->start[p][i], last = first + 9 - 1 + 3 + 1; // row of the last target
            assert_true(first >= end && first >= t->edge[p] && last < t->edge[p + 1]);
            assert_true(task_target(t, first, 1) == table->value[last]);
            assert_true(task_last(t, first) == table->value[first + 8]);
        }
        assert_int_equal(t->count[p], t->edge[p + 1] - t->edge[p] - 12);
        end = t->edge[p + 1];
    }
    assert_int_equal(t->edge[1], 280);
    assert_int_equal(t->edge[2], 320);
    assert_int_equal(end, 401);
    task_free(t);
    csv_free(table);
}

// The scaling does not change when the later parts do.
static void scaling_is_fitted_on_training_rows_only(void **state)
{
    (void)state;
    struct csv_table *table = synthetic_table(300, 2, 0.1, 2);
    const char *const features[] = {"c1", "c0"};
    struct task_spec spec = spec_of(6, 1, 1);
    spec.features = features;
    spec.feature_count = 2;
    struct task *before = make(table, &spec);
    double sum = 0, squares = 0;
    for (int i = 0; i < 210; i++)
        sum += table->value[i * 2];
    for (int i = 0; i < 210; i++)
        squares += pow(table->value[i * 2] - sum / 210, 2);
    assert_true(fabs(before->offset[1] - sum / 210) < 1e-9);
    assert_true(fabs(before->scale[1] - sqrt(squares / 210)) < 1e-9);
    for (int i = 210 * 2; i < 600; i++)
        table->value[i] = 1e6;
    struct task *after = make(table, &spec);
    for (int i = 0; i < 3; i++) {
        assert_true(before->offset[i] == after->offset[i]);
        assert_true(before->scale[i] == after->scale[i]);
    }
    real x[6 * 2 * LANES];
    int start[LANES] = {0, 1, 2, 3, 4, 5, 6, 100};
    task_gather(before, start, x);
    double scaled = (table->value[(100 + 5) * 2 + 1] - before->offset[0]) / before->scale[0];
    assert_true(fabs((double)x[(5 * 2 + 0) * LANES + 7] - scaled) < 1e-5);
    task_free(before);
    task_free(after);
    csv_free(table);
}

static void windows_that_touch_gaps_are_dropped(void **state)
{
    (void)state;
    struct csv_table *table = synthetic_table(200, 1, 0.1, 3);
    const struct task_spec spec = spec_of(5, 2, 1);
    struct task *whole = make(table, &spec);
    table->value[50] = NAN; // windows whose rows are 46..50 + 0, and those with the target there
    struct task *t = make(table, &spec);
    // as one of five rows: starts 46..50; as the target: start 44
    assert_int_equal(whole->count[TASK_TRAIN] - t->count[TASK_TRAIN], 6);
    assert_int_equal(t->dropped[TASK_TRAIN], 6);
    assert_int_equal(t->dropped[TASK_TEST], 0);
    for (int i = 0; i < t->count[TASK_TRAIN]; i++) {
        int s = t->start[TASK_TRAIN][i];
        assert_false((s >= 46 && s <= 50) || s == 44);
    }
    assert_true(isfinite(t->scale[0]));
    task_free(t);
    task_free(whole);
    csv_free(table);
}

static void expect_refusal(struct csv_table *table, const struct task_spec *spec, const char *text)
{
    assert_null(task_new(table, spec, why, sizeof why));
    assert_string_equal(why, text);
}

static void impossible_tasks_are_refused(void **state)
{
    (void)state;
    struct csv_table *table = synthetic_table(100, 1, 0.1, 4);
    struct task_spec spec = spec_of(24, 1, 1);
    expect_refusal(table, &spec,
                   "the validation part has 10 rows and no window of 25 rows without a gap");
    spec = spec_of(4, 1, 1);
    spec.split[0] = 80;
    expect_refusal(table, &spec, "split: the parts make 110 percent, not 100");
    spec = spec_of(4, 0, 1);
    expect_refusal(table, &spec, "horizon: 0 is not in 1..10000");
    spec = spec_of(65, 1, 1);
    expect_refusal(table, &spec, "window: 65 is not in 2..64");
    spec = spec_of(4, 1, 1);
    spec.target = "load";
    expect_refusal(table, &spec, "column 'load' is not in the data");
    for (int i = 0; i < 70; i++)
        table->value[i] = 5;
    spec.target = "c0";
    expect_refusal(table, &spec, "column 'c0' does not vary in the training part");
    csv_free(table);
}

static void persistence_is_the_last_value(void **state)
{
    (void)state;
    struct csv_table *table = synthetic_table(200, 1, 0, 5);
    for (int i = 0; i < 200; i++)
        table->value[i] = 3.0 * i; // a ramp: persistence is behind by 3 per step
    const struct task_spec spec = spec_of(4, 2, 1);
    struct task *t = make(table, &spec);
    struct error e = baseline_persistence(t, TASK_TEST);
    assert_true(fabs(e.rmse - 6) < 1e-9 && fabs(e.mae - 6) < 1e-9);
    assert_int_equal(e.windows, t->count[TASK_TEST]);
    task_free(t);
    csv_free(table);
}

static void cholesky_solves_a_known_system(void **state)
{
    (void)state;
    double a[] = {4, 2, 0.6, 2, 5, 1, 0.6, 1, 3}; // symmetric, positive definite
    const double x[] = {1, -2, 3, 0.5, 4, -1};    // two columns: (1, 3, 4) and (-2, .5, -1)
    double b[6] = {0};
    for (int i = 0; i < 3; i++)
        for (int c = 0; c < 2; c++)
            for (int k = 0; k < 3; k++)
                b[i * 2 + c] += a[i * 3 + k] * x[k * 2 + c];
    assert_int_equal(cholesky_solve(a, b, 3, 2), 0);
    for (int i = 0; i < 6; i++)
        assert_true(fabs(b[i] - x[i]) < 1e-12);
    double singular[] = {1, 2, 2, 4}, zero[] = {0, 0};
    assert_int_equal(cholesky_solve(singular, zero, 2, 1), -1);
}

// y_t = 0.6 y_(t-1) - 0.3 y_(t-2) + 7 exactly: ridge without penalty finds it.
static void ridge_finds_a_linear_recursion(void **state)
{
    (void)state;
    struct csv_table *table = synthetic_table(60, 1, 0, 6);
    for (int i = 2; i < 60; i++)
        table->value[i] = 1.2 * table->value[i - 1] - 0.9 * table->value[i - 2] + 7;
    struct task_spec spec = spec_of(2, 1, 1);
    struct task *t = make(table, &spec);
    struct ridge r;
    assert_int_equal(ridge_fit(&r, t, 0), 0);
    assert_true(fabs(r.w[1] - 1.2) < 1e-4 && fabs(r.w[0] + 0.9) < 1e-4);
    assert_true(ridge_error(&r, t, TASK_TEST).rmse < 1e-3 * t->scale[0]);
    ridge_free(&r);
    // A penalty of lambda n shrinks one coefficient to s / (s + lambda) of it.
    task_free(t);
    csv_free(table);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parts_do_not_share_rows),
        cmocka_unit_test(scaling_is_fitted_on_training_rows_only),
        cmocka_unit_test(windows_that_touch_gaps_are_dropped),
        cmocka_unit_test(impossible_tasks_are_refused),
        cmocka_unit_test(persistence_is_the_last_value),
        cmocka_unit_test(cholesky_solves_a_known_system),
        cmocka_unit_test(ridge_finds_a_linear_recursion),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
