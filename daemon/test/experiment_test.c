// SPDX-License-Identifier: Apache-2.0
// The order of an experiment's swaps and inferences on a board of numbers, the fair rule among
// other clients, and verdicts from its steps.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/experiment_judge.h"
#include "measure/random.h"

#define MS UINT64_C(1000000)

static struct experiment_spec two(uint32_t blocks, uint32_t step_windows, uint32_t warmup)
{
    struct experiment_spec s = {
        .plan = {.arms = 2,
                 .arm = {"demand-w8", "demand-w4"},
                 .design = SERVICE_ABBA,
                 .blocks = blocks,
                 .first = 8,
                 .step_windows = step_windows,
                 .warmup = warmup,
                 .windows = blocks * 2 * step_windows,
                 .seed = 5,
                 .confidence = 0.95,
                 .margin_pct = 1,
                 .error_margin = 0.5,
                 .metric = {true, true, true, true, true}},
        .board = "bench",
        .task = "demand",
        .rows = 24,
        .columns = 1,
        .outputs = 1,
        .unit = "MW",
        .divisor = {1},
    };
    for (int i = 0; i < 2; i++)
        memset(s.version[i], i ? 'b' : 'a', SERVICE_HASH_HEX);
    return s;
}

// A board that takes `work` for an inference and `change` for a swap, one thing at a time, and
// clients that always have `clients` requests waiting.
struct mock {
    struct experiment_world w;
    uint64_t work_ns, change_ns;
    uint32_t clients;
    int swaps, inferences, of_arm[SERVICE_ARMS_MAX], longest_row, row;
    uint64_t away_ns;
    int window[20000], windows;
};

// Lets the runner act until it is over, or gives up after `turns`. Steps go to step[].
static int drive(struct experiment_runner *x, struct mock *m, struct experiment_step *step,
                 int steps, int turns)
{
    int n = 0;
    for (int t = 0; t < turns && n < steps; t++) {
        uint64_t wake;
        struct experiment_step s;
        m->w.others = m->clients;
        enum experiment_action a = experiment_next(x, &m->w, &wake);
        if (a == EXPERIMENT_OVER)
            return n;
        if (a == EXPERIMENT_SWAP) {
            m->swaps++;
            m->away_ns += m->change_ns;
            m->w.now_ns += m->change_ns;
            m->w.arm = experiment_arm(x);
            m->w.swap_ns = m->change_ns;
            m->w.ready_since_ns = m->w.generation = m->w.now_ns;
            experiment_swapped(x, &m->w);
        } else if (a == EXPERIMENT_INFER) {
            struct experiment_answer answer = {.latency_ns = 1000, .cycles = 100, .error = 1};
            m->inferences++;
            m->of_arm[m->w.arm]++;
            m->row++;
            m->longest_row = m->row > m->longest_row ? m->row : m->longest_row;
            if (x->warm && m->windows < 20000)
                m->window[m->windows++] = experiment_window(x);
            m->w.now_ns += m->work_ns;
            if (experiment_answered(x, m->w.now_ns, &answer, &s))
                step[n++] = s;
        } else if (m->clients) { // the board works for others
            m->w.now_ns += m->work_ns;
            m->w.served++;
            m->row = 0;
        } else {
            fail_msg("it rests although the board is free");
        }
    }
    return n;
}

static struct mock mock_new(void)
{
    return (struct mock){
        .w = {.now_ns = 1000 * MS, .ready = true, .arm = -1, .room = true, .storable = true},
        .work_ns = MS,
        .change_ns = 500 * MS};
}

static void steps_follow_the_design(void **state)
{
    (void)state;
    static struct experiment_step step[100];
    struct experiment_spec spec = two(8, 5, 3);
    struct experiment_runner x;
    struct mock m = mock_new();
    assert_true(experiment_begin(&x, &spec, 0, 0, m.w.now_ns));
    int n = drive(&x, &m, step, 100, 100000), changes = 1;
    assert_int_equal(n, 2 + 8 * 4);
    for (int i = 0; i < n; i++) {
        struct design_step due = design_step(&x.design, i);
        assert_int_equal(step[i].index, i);
        assert_int_equal(step[i].arm, due.variant);
        assert_int_equal(step[i].block, due.block);
        assert_true(step[i].value[SERVICE_METRIC_CYCLES] == 100);
        assert_true(step[i].value[SERVICE_METRIC_LATENCY] == 1000);
        assert_true(step[i].duration_s > 0.0049 && step[i].duration_s < 0.0051);
        assert_true(isnan(step[i].value[SERVICE_METRIC_ENERGY]));
        changes += i && step[i].arm != step[i - 1].arm;
    }
    assert_int_equal(m.swaps, changes); // none within A B B A's middle
    assert_int_equal(m.inferences, n * 5 + changes * 3);
    assert_true(step[0].block == -1 && step[1].block == -1);
    experiment_end(&x);
}

// Both arms of a block see the same windows, and all blocks together each window once.
static void arms_see_the_same_windows(void **state)
{
    (void)state;
    static struct experiment_step step[100];
    struct experiment_spec spec = two(8, 5, 0);
    struct experiment_runner x;
    struct mock m = mock_new();
    int uses[80][2] = {{0}};
    assert_true(experiment_begin(&x, &spec, 0, 0, m.w.now_ns));
    assert_int_equal(drive(&x, &m, step, 100, 100000), 34);
    assert_int_equal(m.windows, 34 * 5);
    for (int i = 2; i < 34; i++)
        for (int k = 0; k < 5; k++)
            uses[m.window[i * 5 + k]][step[i].arm]++;
    for (int i = 0; i < 80; i++)
        assert_true(uses[i][0] == 1 && uses[i][1] == 1);
    experiment_end(&x);
}

// Taken up in the middle, it goes on as if it had never stopped.
static void resumes_where_it_was(void **state)
{
    (void)state;
    static struct experiment_step whole[100], rest[100];
    struct experiment_spec spec = two(8, 5, 1);
    struct experiment_runner x, y;
    static struct mock m, k;
    m = mock_new();
    k = mock_new();
    assert_true(experiment_begin(&x, &spec, 0, 0, m.w.now_ns));
    assert_int_equal(drive(&x, &m, whole, 100, 100000), 34);
    assert_true(experiment_begin(&y, &spec, 14, 77, k.w.now_ns));
    assert_int_equal(drive(&y, &k, rest, 100, 100000), 20);
    assert_int_equal(k.windows, 20 * 5);
    assert_memory_equal(k.window, m.window + 14 * 5, 20 * 5 * sizeof m.window[0]);
    for (int i = 0; i < 20; i++)
        assert_true(rest[i].index == whole[14 + i].index && rest[i].arm == whole[14 + i].arm);
    assert_true(rest[0].begin_s > 77);
    experiment_end(&x);
    experiment_end(&y);
}

// Clients that never leave the board alone lose one turn in nine and half of the time at most.
static void others_do_not_starve(void **state)
{
    (void)state;
    static struct experiment_step step[100];
    struct experiment_spec spec = two(8, 5, 2);
    struct experiment_runner x;
    struct mock m = mock_new();
    m.clients = 4;
    uint64_t begin = m.w.now_ns;
    assert_true(experiment_begin(&x, &spec, 0, 0, begin));
    assert_int_equal(drive(&x, &m, step, 100, 1000000), 34); // and the experiment does not either
    assert_int_equal(m.longest_row, 1);
    assert_true(m.w.served >= (uint64_t)EXPERIMENT_YIELD * (uint64_t)(m.inferences - m.swaps));
    assert_true(2 * m.away_ns <= m.w.now_ns - begin + m.change_ns);
    experiment_end(&x);
}

// A board that is slow in answering others keeps the experiment waiting for a bounded time.
static void patience_has_an_end(void **state)
{
    (void)state;
    struct experiment_spec spec = two(8, 5, 0);
    struct experiment_runner x;
    uint64_t wake;
    struct experiment_world w = {.now_ns = 1000 * MS, .ready = true, .room = true, .others = 3};
    assert_true(experiment_begin(&x, &spec, 0, 0, w.now_ns));
    w.arm = experiment_arm(&x);
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_REST); // not storable
    assert_true(wake == UINT64_MAX);
    w.storable = true;
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_REST);
    assert_true(wake == w.now_ns + EXPERIMENT_YIELD_NS);
    w.now_ns = wake;
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_INFER);
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_REST); // one at a time
    experiment_end(&x);
}

static void a_lost_inference_loses_its_step(void **state)
{
    (void)state;
    struct experiment_spec spec = two(8, 5, 0);
    struct experiment_runner x;
    struct experiment_step s;
    struct experiment_answer a = {.latency_ns = 5, .cycles = 7, .error = 1};
    uint64_t wake;
    struct experiment_world w = {.now_ns = 1, .ready = true, .room = true, .storable = true};
    assert_true(experiment_begin(&x, &spec, 0, 0, 1));
    w.arm = experiment_arm(&x);
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_INFER);
    assert_false(experiment_answered(&x, 2, &a, &s));
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_INFER);
    assert_true(experiment_unanswered(&x, 3, "unplugged", &s));
    assert_string_equal(s.reason, "unplugged");
    assert_true(isnan(s.value[SERVICE_METRIC_CYCLES]) && x.lost == 1 && s.index == 0);
    // Programmed between two inferences: the step begins again.
    w.arm = experiment_arm(&x);
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_INFER);
    assert_false(experiment_answered(&x, 4, &a, &s));
    w.generation++;
    for (int i = 0; i < 5; i++) {
        assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_INFER);
        assert_int_equal(experiment_answered(&x, 5, &a, &s), i == 4);
    }
    assert_true(s.index == 1 && !s.reason[0] && s.value[SERVICE_METRIC_CYCLES] == 7);
    experiment_end(&x);
}

// ---- verdicts

static struct experiment_step step_at(const struct design *d, int i, struct random *r)
{
    struct design_step due = design_step(d, i);
    struct experiment_step s = {.index = i,
                                .arm = due.variant,
                                .block = due.block,
                                .begin_s = i,
                                .duration_s = 0.5,
                                .no_energy = "no power monitor"};
    double drift = 1 + 0.001 * i;
    s.value[SERVICE_METRIC_ERROR] = 10 + 3 * due.variant + random_normal(r);
    s.value[SERVICE_METRIC_CYCLES] = due.variant ? 900 : 1000;
    s.value[SERVICE_METRIC_LATENCY] = 1e6 * drift * (1 + 0.0005 * random_normal(r));
    s.value[SERVICE_METRIC_ENERGY] = s.value[SERVICE_METRIC_ABOVE] = NAN;
    return s;
}

static const char *verdict(json_t *report, const char *metric)
{
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(report, "metrics"), i, m)
    {
        json_t *c = json_array_get(json_object_get(m, "comparisons"), 0);
        if (strcmp(json_string_value(json_object_get(m, "metric")), metric) == 0)
            return json_string_value(json_object_get(c ? c : m, c ? "verdict" : "reason"));
    }
    return "?";
}

// Feeds steps until all is decided; cut > 0: a restart after that many steps.
static json_t *judged(int cut, int *blocks)
{
    struct experiment_spec spec = two(40, 5, 1);
    struct judge *j = judge_new(&spec);
    struct design d = experiment_design(&spec.plan);
    char why[200];
    int comparisons = 0;
    static struct experiment_step all[200];
    struct random r;
    random_init(&r, 3, 0);
    assert_non_null(j);
    for (int i = 0; i < design_steps(&d); i++)
        all[i] = step_at(&d, i, &r);
    while (judge_steps(j) < design_steps(&d)) {
        if (judge_steps(j) == cut) {
            struct judge *again = judge_new(&spec);
            for (int k = 0; k < cut; k++) {
                char text[2048];
                struct experiment_step s;
                size_t n = experiment_step_write(&all[k], text, sizeof text);
                assert_true(n && experiment_step_read(&s, text, n));
                assert_true(judge_step(again, &s, why, sizeof why));
            }
            int gone = judge_trim(again);
            assert_int_equal(gone, cut <= 2 ? (cut < 2 ? cut : 0) : (cut - 2) % 4);
            assert_int_equal(judge_steps(again), cut - gone);
            judge_free(j);
            j = again;
            cut = 0;
        }
        assert_true(judge_step(j, &all[judge_steps(j)], why, sizeof why));
        if (judge_steps(j) > 2 && judge_decided(j, &comparisons) == comparisons)
            break;
    }
    *blocks = judge_blocks(j);
    json_t *report = judge_report(j, judge_stop(j), "model", 100000000);
    judge_free(j);
    return report;
}

static void verdicts_from_steps(void **state)
{
    (void)state;
    int blocks;
    json_t *report = judged(0, &blocks);
    assert_non_null(report);
    assert_string_equal(verdict(report, "cycles"), "better");
    assert_string_equal(verdict(report, "error"), "worse");
    assert_string_equal(verdict(report, "latency"), "equivalent");
    assert_string_equal(verdict(report, "energy"), "no power monitor");
    assert_string_equal(json_string_value(json_object_get(report, "stop")), "decided");
    assert_true(blocks >= 8 && blocks < 40);
    json_decref(report);
}

// A restart, wherever, changes nothing in the report.
static void a_restart_changes_no_verdict(void **state)
{
    (void)state;
    int blocks, again;
    json_t *whole = judged(0, &blocks);
    for (int cut = 1; cut < blocks * 4; cut++) {
        json_t *report = judged(cut, &again);
        assert_int_equal(again, blocks);
        assert_true(json_equal(whole, report));
        json_decref(report);
    }
    json_decref(whole);
}

static void few_windows_give_no_error(void **state)
{
    (void)state;
    struct experiment_spec spec = two(40, 5, 1);
    spec.plan.windows = 59; // five blocks of ten
    struct judge *j = judge_new(&spec);
    json_t *report = judge_report(j, "running", "model", 1);
    assert_string_equal(verdict(report, "error"),
                        "59 labelled windows are enough for 5 blocks, at least 6 are needed");
    assert_int_equal(experiment_fresh_blocks(&spec.plan), 5);
    json_decref(report);
    judge_free(j);
}

static void strange_steps_are_refused(void **state)
{
    (void)state;
    struct experiment_spec spec = two(8, 5, 1);
    struct design d = experiment_design(&spec.plan);
    struct judge *j = judge_new(&spec);
    struct random r;
    char why[200];
    random_init(&r, 3, 0);
    struct experiment_step good = step_at(&d, 0, &r), bad = good;
    bad.index = 1;
    assert_false(judge_step(j, &bad, why, sizeof why));
    bad = good;
    bad.arm = !bad.arm;
    assert_false(judge_step(j, &bad, why, sizeof why));
    bad = good;
    bad.value[SERVICE_METRIC_CYCLES] = 0;
    assert_false(judge_step(j, &bad, why, sizeof why));
    bad.value[SERVICE_METRIC_CYCLES] = INFINITY;
    assert_false(judge_step(j, &bad, why, sizeof why));
    assert_int_equal(judge_steps(j), 0);
    assert_true(judge_step(j, &good, why, sizeof why));
    judge_free(j);
}

static void specs_come_back(void **state)
{
    (void)state;
    struct experiment_spec spec = two(40, 5, 1), back;
    char text[EXPERIMENT_SPEC_BYTES], again[EXPERIMENT_SPEC_BYTES];
    size_t n = experiment_spec_write(&spec, text, sizeof text);
    assert_true(n > 0);
    assert_true(experiment_spec_read(&back, text, n));
    assert_int_equal(experiment_spec_write(&back, again, sizeof again), n);
    assert_memory_equal(text, again, n);
    for (size_t cut = 0; cut < n; cut++)
        assert_false(experiment_spec_read(&back, text, cut));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(steps_follow_the_design),
        cmocka_unit_test(arms_see_the_same_windows),
        cmocka_unit_test(resumes_where_it_was),
        cmocka_unit_test(others_do_not_starve),
        cmocka_unit_test(patience_has_an_end),
        cmocka_unit_test(a_lost_inference_loses_its_step),
        cmocka_unit_test(verdicts_from_steps),
        cmocka_unit_test(a_restart_changes_no_verdict),
        cmocka_unit_test(few_windows_give_no_error),
        cmocka_unit_test(strange_steps_are_refused),
        cmocka_unit_test(specs_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
