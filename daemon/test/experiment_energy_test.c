// SPDX-License-Identifier: Apache-2.0
// Energy in experiments: bursts that end measurements, their records, and what the judge makes of
// energies that are there, flagged, or not to be compared.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/experiment_judge.h"
#include "measure/random.h"

#define MS UINT64_C(1000000)

enum { STEP_WINDOWS = 3, STEPS = 2 + 40 * 4 };

static struct experiment_spec spec_of(uint32_t blocks, double burst_s)
{
    struct experiment_spec s = {
        .plan = {.arms = 2,
                 .arm = {"demand-w8", "demand-w4"},
                 .design = SERVICE_ABBA,
                 .blocks = blocks,
                 .first = 8,
                 .step_windows = STEP_WINDOWS,
                 .windows = blocks * 2 * STEP_WINDOWS,
                 .seed = 5,
                 .confidence = 0.95,
                 .margin_pct = 1,
                 .burst_s = burst_s},
        .board = "bench",
        .task = "demand",
        .rows = 24,
        .columns = 1,
        .outputs = 1,
        .unit = "MW",
        .divisor = {1},
    };
    s.plan.metric[SERVICE_METRIC_CYCLES] = true;
    s.plan.metric[SERVICE_METRIC_ENERGY] = s.plan.metric[SERVICE_METRIC_ABOVE] = true;
    for (int i = 0; i < 2; i++)
        memset(s.version[i], i ? 'b' : 'a', SERVICE_HASH_HEX);
    return s;
}

static const struct experiment_energy of_board = {.origin = SERVICE_VIRTUAL,
                                                  .of = "BOARD",
                                                  .window_s = 1.01,
                                                  .runs = 500000,
                                                  .uncertainty_j = 2e-8,
                                                  .above_uncertainty_j = 1e-8};

// ---- what comes next

static struct experiment_world world_at(uint64_t now_ns, int arm, uint32_t others)
{
    return (struct experiment_world){.now_ns = now_ns,
                                     .ready = true,
                                     .arm = arm,
                                     .room = true,
                                     .storable = true,
                                     .others = others};
}

// Does the inferences of a step; its burst is due then. Their windows go to window[].
static void do_inferences(struct experiment_runner *x, uint64_t *now_ns, int window[STEP_WINDOWS])
{
    struct experiment_answer a = {.latency_ns = 5, .cycles = 7, .error = 1};
    struct experiment_step s;
    uint64_t wake;
    for (int i = 0; i < STEP_WINDOWS; i++) {
        struct experiment_world w = world_at(*now_ns, experiment_arm(x), 0);
        assert_int_equal(experiment_next(x, &w, &wake), EXPERIMENT_INFER);
        window[i] = experiment_window(x);
        *now_ns += MS;
        assert_false(experiment_answered(x, *now_ns, &a, &s));
    }
}

static void a_burst_ends_each_measurement(void **state)
{
    (void)state;
    struct experiment_spec spec = spec_of(8, 1);
    struct experiment_runner x;
    struct experiment_step s;
    struct experiment_joules j = {2e-6, 5e-7, "", of_board};
    uint64_t now = 1000 * MS, wake;
    int first[2] = {0}, n = 0;
    assert_true(experiment_begin(&x, &spec, 0, 0, now));
    while (x.step < design_steps(&x.design)) {
        int window[STEP_WINDOWS], arm = experiment_arm(&x);
        do_inferences(&x, &now, window);
        struct experiment_world w = world_at(now, arm, 0);
        assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_BURST);
        assert_int_equal(experiment_window(&x), window[0]);
        assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_REST); // one at a time
        now += 1250 * MS;
        assert_true(experiment_burst_done(&x, now, &j, &s));
        assert_true(s.value[SERVICE_METRIC_ENERGY] == 2e-6 && s.value[SERVICE_METRIC_CYCLES] == 7);
        assert_true(s.value[SERVICE_METRIC_ABOVE] == 5e-7 && !s.reason[0] && !s.no_energy[0]);
        assert_true(s.duration_s > 1.25 && s.inferences_s < 0.01);
        // Both variants' bursts in one half of a block run the same window.
        if (s.block >= 0 && n++ % 4 == 1)
            assert_int_equal(first[!arm], window[0]);
        else if (s.block >= 0 && n % 4 == 1)
            first[arm] = window[0];
    }
    experiment_end(&x);
}

static void a_lost_burst_costs_the_energy_alone(void **state)
{
    (void)state;
    struct experiment_spec spec = spec_of(8, 1);
    struct experiment_runner x;
    struct experiment_step s;
    int window[STEP_WINDOWS];
    uint64_t now = 1000 * MS, wake;
    assert_true(experiment_begin(&x, &spec, 0, 0, now));
    do_inferences(&x, &now, window);
    struct experiment_world w = world_at(now, experiment_arm(&x), 0);
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_BURST);
    experiment_returned(&x); // the board never saw it: it comes again
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_BURST);
    assert_true(experiment_unanswered(&x, now + MS, "unplugged", &s));
    assert_string_equal(s.no_energy, "unplugged");
    assert_string_equal(s.reason, "");
    assert_true(isnan(s.value[SERVICE_METRIC_ENERGY]) && s.value[SERVICE_METRIC_CYCLES] == 7);
    assert_int_equal(x.lost, 0);
    // Programmed before the burst came: the whole measurement begins again.
    do_inferences(&x, &now, window);
    w = world_at(now, experiment_arm(&x), 0);
    w.generation = 1;
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_INFER);
    experiment_end(&x);
}

// Others have the board for as long as the latest burst took before the next one.
static void bursts_leave_half_of_the_time(void **state)
{
    (void)state;
    struct experiment_spec spec = spec_of(8, 1);
    struct experiment_runner x;
    struct experiment_step s;
    struct experiment_joules j = {2e-6, 5e-7, "", of_board};
    int window[STEP_WINDOWS];
    uint64_t now = 1000 * MS, wake;
    assert_true(experiment_begin(&x, &spec, 0, 0, now));
    do_inferences(&x, &now, window);
    struct experiment_world w = world_at(now, experiment_arm(&x), 0);
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_BURST);
    now += 1200 * MS;
    uint64_t end = now;
    assert_true(experiment_burst_done(&x, now, &j, &s));
    do_inferences(&x, &now, window);
    w = world_at(now, experiment_arm(&x), 3);
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_REST); // it yields first
    w.now_ns += EXPERIMENT_YIELD_NS;
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_REST);
    assert_true(wake == end + 1200 * MS);
    w.others = 0; // nobody is there any more
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_BURST);
    experiment_returned(&x);
    w.others = 3;
    w.now_ns = wake = end + 1200 * MS;
    assert_int_equal(experiment_next(&x, &w, &wake), EXPERIMENT_BURST);
    experiment_end(&x);
}

// ---- records

static void steps_come_back(void **state)
{
    (void)state;
    struct experiment_step s = {.index = 7, .arm = 1, .block = 1, .begin_s = 3, .duration_s = 2},
                           back;
    char text[2048], again[2048];
    for (int m = 0; m < SERVICE_METRICS; m++)
        s.value[m] = 1e-6 * (m + 1);
    s.value[SERVICE_METRIC_ABOVE] = -1e-9; // scatter below rest is a value, too
    s.inferences_s = 0.25;
    s.energy = of_board;
    size_t n = experiment_step_write(&s, text, sizeof text);
    assert_true(n && experiment_step_read(&back, text, n));
    assert_int_equal(experiment_step_write(&back, again, sizeof again), n);
    assert_memory_equal(text, again, n);
    assert_true(back.energy.origin == SERVICE_VIRTUAL && back.energy.window_s == 1.01);
    assert_string_equal(back.energy.of, "BOARD");
    for (size_t cut = 0; cut < n; cut++)
        assert_false(experiment_step_read(&back, text, cut));
}

// Records of a daemon from before there were bursts.
static void old_records_say_no_energy(void **state)
{
    (void)state;
    struct experiment_spec spec = spec_of(8, 1), back;
    struct experiment_step s;
    char text[EXPERIMENT_SPEC_BYTES];
    size_t n = experiment_spec_write(&spec, text, sizeof text - 1);
    text[n] = '\0';
    char *key = strstr(text, ",\"burst_s\":1.0"), *above = strstr(text, ",\"energy_above_idle\"");
    assert_true(key && above && above > key);
    memmove(above, above + 20, strlen(above + 20) + 1);
    memmove(key, key + 14, strlen(key + 14) + 1);
    assert_true(experiment_spec_read(&back, text, strlen(text)));
    assert_true(back.plan.burst_s == 0 && !experiment_bursts(&back.plan));
    assert_true(back.plan.metric[SERVICE_METRIC_ENERGY] && !back.plan.metric[SERVICE_METRIC_ABOVE]);
    static const char old[] = "{\"step\":0,\"arm\":%d,\"block\":0,\"begin_s\":1.5,"
                              "\"duration_s\":0.5,\"error\":3.0,\"cycles\":100.0,"
                              "\"latency\":2000.0,\"no_energy\":\"the window is too short\","
                              "\"shared\":0}";
    struct judge *j = judge_new(&back);
    struct design d = experiment_design(&back.plan);
    char why[200];
    for (int i = 0; i < design_warmup_steps(&d); i++) {
        struct design_step due = design_step(&d, i);
        snprintf(text, sizeof text, old, due.variant);
        assert_true(experiment_step_read(&s, text, strlen(text)));
        assert_true(isnan(s.value[SERVICE_METRIC_ENERGY]) && s.inferences_s == 0.5);
        s.index = i;
        assert_true(judge_step(j, &s, why, sizeof why));
    }
    json_t *report = judge_report(j, "running", "board", 1);
    json_t *energy = json_array_get(json_object_get(report, "metrics"), 1);
    assert_string_equal(json_string_value(json_object_get(energy, "reason")),
                        "the window is too short");
    assert_null(json_object_get(energy, "missing"));
    json_decref(report);
    judge_free(j);
}

// ---- verdicts

// Energies of a board: the candidate takes `ratio` of the reference's; scatter and drift as of a
// sensor. flagged: a measurement in so many has none (0: none).
static void fill(struct experiment_step *all, const struct experiment_spec *spec, double ratio,
                 int flagged, uint64_t seed)
{
    struct design d = experiment_design(&spec->plan);
    struct random r;
    random_init(&r, seed, 0);
    for (int i = 0; i < design_steps(&d); i++) {
        struct design_step due = design_step(&d, i);
        struct experiment_step *s = &all[i];
        double drift = 1 + 0.0003 * i, noise = 1 + 0.002 * random_normal(&r);
        *s = (struct experiment_step){.index = i,
                                      .arm = due.variant,
                                      .block = due.block,
                                      .begin_s = i,
                                      .duration_s = 1.5,
                                      .inferences_s = 0.1,
                                      .energy = of_board};
        s->value[SERVICE_METRIC_ERROR] = s->value[SERVICE_METRIC_LATENCY] = NAN;
        s->value[SERVICE_METRIC_CYCLES] = due.variant ? 900 : 1000;
        s->value[SERVICE_METRIC_ENERGY] = 5e-6 * drift * noise * (due.variant ? ratio : 1);
        s->value[SERVICE_METRIC_ABOVE] = s->value[SERVICE_METRIC_ENERGY] / 5;
        if (flagged && i % flagged == 1) {
            s->value[SERVICE_METRIC_ENERGY] = s->value[SERVICE_METRIC_ABOVE] = NAN;
            snprintf(s->no_energy, sizeof s->no_energy, "%s",
                     i % 2 ? "the sensor did not answer" : "the number of samples does not fit");
        }
    }
}

// The report when all is decided; restart > 0: judged anew after that many steps, as by a restart.
static json_t *judged(const struct experiment_spec *spec, const struct experiment_step *all,
                      int restart)
{
    struct judge *j = judge_new(spec);
    struct design d = experiment_design(&spec->plan);
    char why[200];
    int comparisons = 0;
    while (judge_steps(j) < design_steps(&d)) {
        if (restart && judge_steps(j) == restart) {
            judge_free(j);
            j = judge_new(spec);
            for (int i = 0; i < restart; i++)
                assert_true(judge_step(j, &all[i], why, sizeof why));
            judge_trim(j);
            restart = 0;
        }
        if (!judge_step(j, &all[judge_steps(j)], why, sizeof why))
            fail_msg("%s", why);
        if (judge_steps(j) > 2 && judge_decided(j, &comparisons) == comparisons)
            break;
    }
    json_t *report = judge_report(j, judge_stop(j), "model", 100000000);
    judge_free(j);
    assert_non_null(report);
    return report;
}

static json_t *metric(json_t *report, const char *name)
{
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(report, "metrics"), i,
                       m) if (strcmp(json_string_value(json_object_get(m, "metric")), name) ==
                              0) return m;
    fail_msg("no metric %s", name);
    return NULL;
}

static double number(json_t *report, const char *name, const char *list, int at, const char *key)
{
    json_t *o = json_array_get(json_object_get(metric(report, name), list), (size_t)at);
    return json_number_value(json_object_get(o, key));
}

static const char *words(json_t *report, const char *name, const char *key)
{
    json_t *m = metric(report, name);
    json_t *c = json_array_get(json_object_get(m, "comparisons"), 0);
    const char *text = json_string_value(json_object_get(m, key));
    return text ? text : json_string_value(json_object_get(c, key));
}

static struct experiment_step all[STEPS];

static void energies_are_compared(void **state)
{
    (void)state;
    struct experiment_spec spec = spec_of(40, 1);
    fill(all, &spec, 0.9, 0, 3);
    json_t *r = judged(&spec, all, 0);
    assert_string_equal(words(r, "energy", "verdict"), "better");
    assert_string_equal(words(r, "energy_above_idle", "verdict"), "better");
    assert_string_equal(words(r, "energy", "unit"), "J");
    assert_string_equal(words(r, "energy", "origin"), "virtual"); // the rest is "model"
    assert_string_equal(words(r, "energy", "of"), "BOARD");
    assert_null(words(r, "cycles", "origin"));
    assert_true(fabs(number(r, "energy", "comparisons", 0, "estimate") + 10) < 0.5);
    assert_true(fabs(number(r, "energy", "variants", 0, "uncertainty") - 2e-8) < 1e-20);
    assert_true(fabs(number(r, "energy_above_idle", "variants", 1, "uncertainty") - 1e-8) < 1e-20);
    assert_true(fabs(number(r, "energy", "variants", 0, "window_s") - 1.01) < 1e-9);
    assert_true(fabs(number(r, "cycles", "variants", 0, "window_s") - 0.1) < 1e-9);
    assert_null(json_object_get(metric(r, "energy"), "missing"));
    json_decref(r);
    fill(all, &spec, 1, 0, 3);
    r = judged(&spec, all, 0);
    assert_string_equal(words(r, "energy", "verdict"), "equivalent");
    json_decref(r);
}

// The 95 % interval holds the true difference: 100 experiments, 90 is 2.3 standard deviations off,
// but seeds are fixed.
static void intervals_hold_the_truth(void **state)
{
    (void)state;
    struct experiment_spec spec = spec_of(40, 1);
    int inside = 0;
    for (uint64_t seed = 0; seed < 100; seed++) {
        fill(all, &spec, 0.99, 0, seed);
        json_t *r = judged(&spec, all, 0);
        inside += number(r, "energy", "comparisons", 0, "low") < -1 &&
                  number(r, "energy", "comparisons", 0, "high") > -1;
        json_decref(r);
    }
    assert_true(inside >= 90);
}

// Left out with their blocks and counted by their reasons; the mean is that of the others.
static void flagged_bursts_are_counted(void **state)
{
    (void)state;
    struct experiment_spec spec = spec_of(40, 1);
    fill(all, &spec, 0.9, 7, 3);
    json_t *r = judged(&spec, all, 0);
    json_t *missing = json_object_get(metric(r, "energy"), "missing");
    assert_string_equal(words(r, "energy", "verdict"), "better");
    assert_int_equal(json_array_size(missing), 2);
    int blocks = (int)json_integer_value(json_object_get(r, "blocks")), count = 0, lost = 0;
    for (int i = 2; i < 2 + 4 * blocks; i++)
        count += isnan(all[i].value[SERVICE_METRIC_ENERGY]);
    for (int b = 0; b < blocks; b++) {
        bool gone = false;
        for (int i = 0; i < 4; i++)
            gone = gone || isnan(all[2 + 4 * b + i].value[SERVICE_METRIC_ENERGY]);
        lost += gone;
    }
    assert_int_equal(number(r, "energy", "missing", 0, "count") +
                         number(r, "energy", "missing", 1, "count"),
                     count);
    assert_int_equal(number(r, "energy", "comparisons", 0, "blocks"), blocks - lost);
    assert_int_equal(number(r, "energy", "comparisons", 0, "lost"), lost);
    assert_int_equal(number(r, "energy", "variants", 0, "count") +
                         number(r, "energy", "variants", 1, "count"),
                     4 * blocks - count);
    assert_int_equal(json_integer_value(json_object_get(r, "lost_blocks")), 0); // of the others
    for (int cut = 1; cut < 4 * blocks; cut++) {
        json_t *again = judged(&spec, all, cut);
        assert_true(json_equal(r, again));
        json_decref(again);
    }
    json_decref(r);
}

// A monitor that is silent in the first round may still speak; one that never does is given up.
static void silence_at_the_beginning(void **state)
{
    (void)state;
    struct experiment_spec spec = spec_of(40, 1);
    fill(all, &spec, 0.9, 0, 3);
    for (int i = 0; i < 5; i++)
        all[i].value[SERVICE_METRIC_ENERGY] = all[i].value[SERVICE_METRIC_ABOVE] = NAN;
    json_t *r = judged(&spec, all, 0);
    assert_string_equal(words(r, "energy", "verdict"), "better");
    json_decref(r);
    for (int i = 0; i < STEPS; i++) {
        all[i].value[SERVICE_METRIC_ENERGY] = all[i].value[SERVICE_METRIC_ABOVE] = NAN;
        snprintf(all[i].no_energy, sizeof all[i].no_energy, "the sensor did not answer");
    }
    r = judged(&spec, all, 0);
    assert_string_equal(words(r, "energy", "reason"), "the sensor did not answer");
    assert_string_equal(words(r, "cycles", "verdict"), "better"); // and holds up nobody
    assert_true(json_integer_value(json_object_get(r, "blocks")) < 12);
    json_decref(r);
}

static void what_cannot_be_compared_is_not(void **state)
{
    (void)state;
    struct experiment_spec spec = spec_of(40, 1);
    fill(all, &spec, 0.9, 0, 3);
    all[9].value[SERVICE_METRIC_ABOVE] = -1e-9;
    json_t *r = judged(&spec, all, 0);
    assert_string_equal(words(r, "energy", "verdict"), "better");
    assert_string_equal(words(r, "energy_above_idle", "reason"),
                        "a burst was not above idle: ratios say nothing");
    json_decref(r);
    fill(all, &spec, 0.9, 0, 3);
    all[9].energy.origin = SERVICE_BOARD;
    r = judged(&spec, all, 0);
    assert_string_equal(words(r, "energy", "reason"), "energies of two origins are not compared");
    json_decref(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_burst_ends_each_measurement),
        cmocka_unit_test(a_lost_burst_costs_the_energy_alone),
        cmocka_unit_test(bursts_leave_half_of_the_time),
        cmocka_unit_test(steps_come_back),
        cmocka_unit_test(old_records_say_no_energy),
        cmocka_unit_test(energies_are_compared),
        cmocka_unit_test(intervals_hold_the_truth),
        cmocka_unit_test(flagged_bursts_are_counted),
        cmocka_unit_test(silence_at_the_beginning),
        cmocka_unit_test(what_cannot_be_compared_is_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
