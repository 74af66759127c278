// SPDX-License-Identifier: Apache-2.0
// Experiments through the recorder's thread and back from its records.
#define _XOPEN_SOURCE 700 // nftw
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/log.h"
#include "daemon/recorder.h"

static char dir[64], path[128];
static struct sched sched;
static int jobs_done, found;
static struct service_experiment row;

static void on_done(void *arg, struct recorder_job *job)
{
    (void)arg;
    assert_true(job->done);
    jobs_done++;
}

static void on_loaded(void *arg, struct recorder_loaded *l)
{
    (void)arg;
    found++;
    row = l->row;
}

static struct recorder *open_records(void)
{
    char why[256] = "";
    found = jobs_done = 0;
    sched_init(&sched);
    struct recorder *r = recorder_open(path, &sched, on_loaded, on_done, NULL, why, sizeof why);
    if (!r)
        fail_msg("%s", why);
    return r;
}

static void push(struct recorder *r, struct recorder_job *job)
{
    int due = jobs_done + 1;
    uint64_t until = now_ns() + 10 * NS_PER_S;
    assert_int_equal(recorder_push(r, job), 0);
    while (jobs_done < due) {
        assert_true(now_ns() < until);
        assert_int_equal(sched_turn(&sched, 10 * NS_PER_MS), 0);
    }
}

static struct experiment_spec spec_of_two(void)
{
    struct experiment_spec s = {
        .plan = {.arms = 2,
                 .arm = {"a", "b"},
                 .blocks = 6,
                 .first = 6,
                 .step_windows = 1,
                 .windows = 24,
                 .confidence = 0.95,
                 .margin_pct = 1,
                 .metric = {true, true}},
        .board = "lab0",
        .task = "demand",
        .rows = 1,
        .columns = 1,
        .outputs = 1,
        .divisor = {1},
    };
    for (int i = 0; i < 2; i++)
        memset(s.version[i], 'a' + i, SERVICE_HASH_HEX);
    return s;
}

// What other programs say may be in no code at all; the end of an experiment is kept for all that.
static void an_end_with_any_reason_is_kept(void **state)
{
    static const char reason[] = "b did not come up: \xff\xfe \xc3";
    (void)state;
    struct recorder *r = open_records();
    struct recorder_job *job = recorder_job_new(RECORDER_START, "ab-1");
    assert_non_null(job);
    job->spec = spec_of_two();
    push(r, job);
    job = recorder_job_new(RECORDER_RUN, "ab-1");
    assert_non_null(job);
    job->spec = spec_of_two();
    job->clock_hz = 100000000;
    snprintf(job->before, sizeof job->before, "before");
    snprintf(job->origin, sizeof job->origin, "virtual");
    push(r, job);
    job = recorder_job_new(RECORDER_END, "ab-1");
    assert_non_null(job);
    job->state = SERVICE_EXPERIMENT_FAILED;
    job->seconds = 1.5;
    memcpy(job->reason, reason, sizeof reason);
    push(r, job);
    recorder_close(r);
    r = open_records();
    recorder_close(r);
    assert_int_equal(found, 1);
    assert_string_equal(row.id, "ab-1");
    assert_int_equal(row.state, SERVICE_EXPERIMENT_FAILED);
    assert_string_equal(row.reason, "b did not come up: ?? ?");
    assert_true(row.seconds >= 1.5 && row.seconds <= 1.5);
}

// One that had not ended when the daemon did is there again.
static void one_without_an_end_goes_on(void **state)
{
    (void)state;
    struct recorder *r = open_records();
    struct recorder_job *job = recorder_job_new(RECORDER_START, "ab-2");
    assert_non_null(job);
    job->spec = spec_of_two();
    push(r, job);
    recorder_close(r);
    r = open_records();
    recorder_close(r);
    assert_int_equal(found, 1);
    assert_string_equal(row.id, "ab-2");
    assert_int_equal(row.state, SERVICE_EXPERIMENT_RECEIVING);
}

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof dir, "/tmp/recorder-test-XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(path, sizeof path, "%s/experiments.db", dir);
    log_init(LEVEL_ERROR, NULL);
    return 0;
}

static int remove_one(const char *file, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st;
    (void)type;
    (void)ftw;
    return remove(file);
}

static int teardown(void **state)
{
    (void)state;
    return nftw(dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_end_with_any_reason_is_kept, setup, teardown),
        cmocka_unit_test_setup_teardown(one_without_an_end_goes_on, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
