// SPDX-License-Identifier: Apache-2.0
// The pool with trials that end well, die and hang; the record with lines that are torn and
// damaged.
#include "tools/explore/pool.h"

#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "tools/train/test/synthetic.h"

enum { TRIALS = 12, SEED_DIES = 100, SEED_DIES_ONCE, SEED_HANGS, SEED_FAILS };

static char why[1024], folder[] = "/tmp/sevencast-pool-XXXXXX", path[64], marker[64];
static const struct model_shape shape = {12, 1, 8, 1, 16, 1, 1, MODEL_ENCODER};
static struct trial_setting setting;

static int open_setting(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(path, sizeof path, "%s/record", folder);
    snprintf(marker, sizeof marker, "%s/marker", folder);
    struct csv_table *table = synthetic_table(400, 1, 0.1, 1);
    const struct task_spec spec = {
        .target = "c0", .window = 12, .horizon = 1, .outputs = 1, .split = {60, 20, 20}};
    setting.task = task_new(table, &spec, why, sizeof why);
    csv_free(table);
    setting.net = net_new(&shape);
    if (!setting.task || !setting.net)
        return -1;
    net_init(setting.net, 1);
    setting.plan = (struct trial_plan){.task = setting.task,
                                       .shape = shape,
                                       .floating = setting.net->param,
                                       .fit = {.epochs = 2, .batch = 32, .rate = 0.002},
                                       .test = 1};
    memset(setting.series_hash, '5', TRIAL_HEX_BYTES - 1);
    memset(setting.checkpoint_hash, 'c', TRIAL_HEX_BYTES - 1);
    memset(setting.task_hash, '7', TRIAL_HEX_BYTES - 1);
    return 0;
}

static int close_setting(void **state)
{
    (void)state;
    trial_setting_close(&setting);
    unlink(path);
    unlink(marker);
    return rmdir(folder);
}

static int clean(void **state)
{
    (void)state;
    unlink(path);
    unlink(marker);
    return 0;
}

// In place of a training: a result that depends on the trial, or an accident.
static int pretend(const struct trial_plan *plan, struct net *n, struct trial *t)
{
    (void)plan;
    (void)n;
    if (t->seed == SEED_DIES || (t->seed == SEED_DIES_ONCE && access(marker, F_OK))) {
        FILE *out = fopen(marker, "w");
        if (out)
            fclose(out);
        raise(SIGKILL);
    }
    while (t->seed == SEED_HANGS)
        pause();
    if (t->seed == SEED_FAILS)
        return -1;
    t->validation_rmse = t->bits.x == 2 ? INFINITY : 1.0 / (double)(3 * t->seed + 1);
    t->test_rmse = t->bits.x == 2 ? NAN : t->validation_rmse * sqrt(2);
    t->best_epoch = (int)t->seed;
    t->seconds = 0.5;
    t->done = 1;
    return 0;
}

static void plan_trials(struct trial *t, int count)
{
    static char name[TRIAL_MAX_TENSORS][TRIAL_NAME_BYTES];
    const int tensors = trial_tensors(&shape, name);
    for (int i = 0; i < count; i++) {
        t[i] = (struct trial){.seed = (uint64_t)i / 2, .bits = {.y = 16}};
        for (int k = 0; k < tensors; k++)
            *trial_width(&shape, &t[i].bits, k) = 4;
        t[i].bits.x = i % 2 ? 8 : 3;
    }
}

static int same(const struct trial *a, const struct trial *b)
{
    return a->done && b->done &&
           !memcmp(&a->validation_rmse, &b->validation_rmse, sizeof(double)) &&
           !memcmp(&a->test_rmse, &b->test_rmse, sizeof(double)) && a->best_epoch == b->best_epoch;
}

static void any_number_of_processes_gives_the_same(void **state)
{
    (void)state;
    struct trial first[TRIALS], t[TRIALS];
    for (int processes = 0; processes <= 20; processes += 5) {
        struct pool p = {.setting = &setting, .processes = processes, .run = pretend};
        plan_trials(t, TRIALS);
        t[7] = t[2]; // an equal one is not run twice
        t[4].bits.x = 2;
        assert_int_equal(pool_run(&p, t, TRIALS, why, sizeof why), 0);
        assert_int_equal(p.ran, TRIALS - 1);
        assert_int_equal(p.equal, 1);
        assert_int_equal(p.lost, 0);
        assert_true(same(&t[7], &t[2]));
        assert_true(isinf(t[4].validation_rmse) && isnan(t[4].test_rmse));
        for (int i = 0; processes && i < TRIALS; i++)
            assert_true(same(&t[i], &first[i]));
        memcpy(first, t, sizeof t);
    }
}

static void a_trial_in_the_pool_is_the_trial_alone(void **state)
{
    (void)state;
    struct trial t[3], alone;
    struct pool p = {.setting = &setting, .processes = 2};
    plan_trials(t, 3);
    t[2].epochs = 3;
    alone = t[2];
    assert_int_equal(pool_run(&p, t, 3, why, sizeof why), 0);
    struct net *n = net_new(&shape);
    assert_int_equal(trial_run(&setting.plan, n, &alone), 0);
    net_free(n);
    assert_true(same(&t[2], &alone));
    assert_true(isfinite(alone.validation_rmse) && isfinite(alone.test_rmse));
    assert_true(alone.validation_rmse > 0 && alone.test_rmse > 0);
}

static void a_killed_process_is_noticed_and_its_trial_repeated(void **state)
{
    (void)state;
    struct trial t[TRIALS];
    struct pool p = {.setting = &setting, .processes = 3, .run = pretend};
    plan_trials(t, TRIALS);
    t[5].seed = SEED_DIES_ONCE;
    assert_int_equal(pool_run(&p, t, TRIALS, why, sizeof why), 0);
    assert_int_equal(p.lost, 1);
    assert_int_equal(p.failed, 0);
    assert_int_equal(t[5].best_epoch, SEED_DIES_ONCE);
}

static void what_never_ends_well_is_reported(void **state)
{
    (void)state;
    const struct {
        uint64_t seed;
        const char *text;
    } bad[] = {{SEED_DIES, "ended by signal 9"},
               {SEED_HANGS, "took more than 1 s"},
               {SEED_FAILS, "ended with 4"}};
    for (int k = 0; k < 3; k++)
        for (int processes = 1; processes < 4; processes += 2) {
            struct trial t[TRIALS];
            struct pool p = {.setting = &setting,
                             .processes = processes,
                             .run = pretend,
                             .timeout_s = k == 1 ? 1 : 60};
            plan_trials(t, TRIALS);
            t[1].seed = bad[k].seed;
            assert_int_equal(pool_run(&p, t, TRIALS, why, sizeof why), 1);
            assert_non_null(strstr(why, bad[k].text));
            assert_non_null(strstr(why, "failed 2 times"));
            assert_int_equal(p.lost, POOL_ATTEMPTS);
            assert_int_equal(p.failed, 1);
            for (int i = 0; i < TRIALS; i++)
                assert_int_equal(t[i].done, i != 1);
        }
}

static void the_record_gives_results_back(void **state)
{
    (void)state;
    struct trial t[TRIALS], again[TRIALS];
    struct record r;
    struct pool p = {.setting = &setting, .record = &r, .processes = 2, .run = pretend};
    assert_int_equal(record_open(&r, path, why, sizeof why), 0);
    plan_trials(t, TRIALS);
    t[4].bits.x = 2;
    memcpy(again, t, sizeof t);
    assert_int_equal(pool_run(&p, t, TRIALS, why, sizeof why), 0);
    record_close(&r);

    assert_int_equal(record_open(&r, path, why, sizeof why), 0);
    assert_int_equal(r.count, TRIALS);
    p = (struct pool){.setting = &setting, .record = &r, .found_only = 1};
    assert_int_equal(pool_run(&p, again, TRIALS, why, sizeof why), 0);
    assert_int_equal(p.found, TRIALS);
    for (int i = 0; i < TRIALS; i++)
        assert_true(same(&t[i], &again[i]));

    // Whatever else a result depends on makes it another trial.
    for (int k = 0; k < 6; k++) {
        struct trial_setting other = setting;
        p = (struct pool){.setting = &other, .record = &r, .found_only = 1};
        plan_trials(again, 1);
        switch (k) {
        case 0:
            again[0].epochs = 7;
            break;
        case 1:
            again[0].rate = 0.003;
            break;
        case 2:
            other.series_hash[0] = '6';
            break;
        case 3:
            other.checkpoint_hash[9] = '6';
            break;
        case 4:
            other.plan.fit.batch = 33;
            break;
        default:
            again[0].bits.layer[0].w_2 = 3;
        }
        assert_int_equal(pool_run(&p, again, 1, why, sizeof why), 1);
        assert_non_null(strstr(why, "1 of 1 trials have no result"));
    }
    record_close(&r);
}

static long file_size(void)
{
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    assert_int_equal(fseek(f, 0, SEEK_END), 0);
    long size = ftell(f);
    fclose(f);
    return size;
}

static void fill_record(void)
{
    struct trial t[4];
    struct record r;
    struct pool p = {.setting = &setting, .record = &r, .processes = 1, .run = pretend};
    unlink(path);
    assert_int_equal(record_open(&r, path, why, sizeof why), 0);
    plan_trials(t, 4);
    assert_int_equal(pool_run(&p, t, 4, why, sizeof why), 0);
    record_close(&r);
}

// Cut at every byte: the whole lines before it count, and writing goes on behind them.
static void a_torn_line_is_cut_off_and_counted(void **state)
{
    (void)state;
    fill_record();
    const long size = file_size();
    for (long cut = size - 1; cut > 0; cut -= 41) {
        struct record r;
        struct trial t[4];
        fill_record();
        assert_int_equal(truncate(path, cut), 0);
        assert_int_equal(record_open(&r, path, why, sizeof why), 0);
        const int whole = r.count;
        assert_true(whole < 4 && r.damaged == 0);
        assert_int_equal(r.torn, file_size() < cut);
        struct pool p = {.setting = &setting, .record = &r, .processes = 1, .run = pretend};
        plan_trials(t, 4);
        assert_int_equal(pool_run(&p, t, 4, why, sizeof why), 0);
        assert_int_equal(p.found, whole);
        record_close(&r);
        assert_int_equal(file_size(), size);
    }
}

static void a_damaged_line_is_passed_over_and_counted(void **state)
{
    (void)state;
    struct record r;
    fill_record();
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, 40, SEEK_SET), 0);
    fputc('#', f);
    fclose(f);
    assert_int_equal(record_open(&r, path, why, sizeof why), 0);
    assert_int_equal(r.count, 3);
    assert_int_equal(r.damaged, 1);
    assert_int_equal(r.torn, 0);
    record_close(&r);

    f = fopen(path, "wb");
    assert_non_null(f);
    fputs("time,load\n1,2\n", f);
    fclose(f);
    assert_int_equal(record_open(&r, path, why, sizeof why), -1);
    assert_non_null(strstr(why, "not a file of results"));
}

static void a_record_has_one_writer(void **state)
{
    (void)state;
    struct record r;
    int status;
    assert_int_equal(record_open(&r, path, why, sizeof why), 0);
    pid_t child = fork();
    if (!child) {
        struct record other;
        _exit(record_open(&other, path, why, sizeof why) && strstr(why, "in use") ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    record_close(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_number_of_processes_gives_the_same),
        cmocka_unit_test(a_trial_in_the_pool_is_the_trial_alone),
        cmocka_unit_test_teardown(a_killed_process_is_noticed_and_its_trial_repeated, clean),
        cmocka_unit_test_teardown(what_never_ends_well_is_reported, clean),
        cmocka_unit_test_teardown(the_record_gives_results_back, clean),
        cmocka_unit_test_teardown(a_torn_line_is_cut_off_and_counted, clean),
        cmocka_unit_test_teardown(a_damaged_line_is_passed_over_and_counted, clean),
        cmocka_unit_test_teardown(a_record_has_one_writer, clean)};
    return cmocka_run_group_tests(tests, open_setting, close_setting);
}
