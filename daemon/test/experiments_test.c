// SPDX-License-Identifier: Apache-2.0
// Experiments in the whole front end, as a process, against a stand-in worker: verdicts, other
// clients meanwhile, a daemon that is killed, boards that fail.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zmq.h>

#include "daemon/sched.h"
#include "daemon/test/rig.h"
#include "tools/model/variant.h"

enum { WINDOWS = 96, ROWS = 24 };

static const char one_board[] = RIG_BOARD "answer_timeout_ms = 1000\n";

// Labelled windows: the targets are what demand-w8 forecasts, so that it makes no error.
static double windows[WINDOWS][ROWS], targets[WINDOWS];

static void label(struct rig *r)
{
    struct variant *v = rig_variant(r, "demand-w8");
    struct model_trace *trace = model_trace_new(&v->model->shape);
    for (int i = 0; i < WINDOWS; i++) {
        int8_t codes[ROWS];
        int saturated;
        rig_random_window((uint64_t)i + 100, windows[i], ROWS);
        assert_int_equal(variant_encode(v, windows[i], codes, &saturated), -1);
        model_run(v->model, codes, trace);
        variant_decode(v, model_trace_get(trace, MODEL_Y, 0), &targets[i]);
    }
    model_trace_free(trace);
    variant_free(v);
}

static int setup(void **state)
{
    struct rig *r = rig_standin(state, one_board, "return_grace_ms = 300\nexperiments = 2\n");
    rig_package(r, (struct make_package){.name = "demand-w2", .task = "demand", .seed = 4});
    rig_ready(r);
    label(r);
    return 0;
}

// ---- speaking

// Sends a header with frames of windows and targets from `from` on (n 0: no frames); returns the
// answer. *steps, where wanted, takes the table that comes with it.
static json_t *ask(struct rig *r, const char *header, int from, int n, double **steps,
                   size_t *count)
{
    void *d = rig_dealer(r);
    json_t *answer = NULL;
    int timeout = 20000, more = 1;
    assert_true(zmq_send(d, "", 0, ZMQ_SNDMORE) >= 0);
    assert_true(zmq_send(d, header, strlen(header), n ? ZMQ_SNDMORE : 0) >= 0);
    if (n) {
        assert_true(zmq_send(d, windows[from], sizeof windows[0] * (size_t)n, ZMQ_SNDMORE) >= 0);
        assert_true(zmq_send(d, &targets[from], sizeof targets[0] * (size_t)n, 0) >= 0);
    }
    zmq_setsockopt(d, ZMQ_RCVTIMEO, &timeout, sizeof timeout);
    for (int i = 0; more; i++) {
        zmq_msg_t m;
        zmq_msg_init(&m);
        if (zmq_msg_recv(&m, d, 0) < 0)
            fail_msg("no answer to %s", header);
        size_t bytes = zmq_msg_size(&m);
        more = zmq_msg_more(&m);
        if (i == 1)
            answer = json_loadb(zmq_msg_data(&m), bytes, 0, NULL);
        if (i == 2 && steps) {
            *steps = malloc(bytes + 1);
            memcpy(*steps, zmq_msg_data(&m), bytes);
            *count = bytes / 72;
        }
        zmq_msg_close(&m);
    }
    rig_close(r, d);
    assert_non_null(answer);
    return answer;
}

static void inputs(int n, char out[512])
{
    snprintf(out, 512,
             "[{\"name\":\"windows\",\"shape\":[%d,%d,1],\"datatype\":\"FP64\"},"
             "{\"name\":\"targets\",\"shape\":[%d,1],\"datatype\":\"FP64\"}]",
             n, ROWS, n);
}

// plan: further keys, e.g. "\"blocks\":12". The answer to ab_start with the first n windows.
static json_t *start_with(struct rig *r, const char *variants, const char *plan, int n)
{
    char header[4096];
    char in[512];
    inputs(n, in);
    snprintf(header, sizeof header,
             "{\"verb\":\"ab_start\",\"id\":\"s\",\"parameters\":{\"plan\":{\"variants\":%s,"
             "\"windows\":%d%s%s}},\"inputs\":%s}",
             variants, WINDOWS, *plan ? "," : "", plan, in);
    return ask(r, header, 0, n, NULL, NULL);
}

static const char *text_at(json_t *o, const char *a, const char *b)
{
    const char *t = json_string_value(json_object_get(b ? json_object_get(o, a) : o, b ? b : a));
    return t ? t : "";
}

static json_int_t count_at(json_t *o, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(o, "experiment"), key));
}

// Starts one that must be taken; its id.
static void must_start(struct rig *r, const char *plan, char id[64])
{
    json_t *a = start_with(r, "[\"demand-w8\",\"demand-w4\"]", plan, WINDOWS);
    if (!*text_at(a, "experiment", "id"))
        fail_msg("refused: %s", text_at(a, "error", "message"));
    snprintf(id, 64, "%s", text_at(a, "experiment", "id"));
    json_decref(a);
}

static json_t *about(struct rig *r, const char *verb, const char *id)
{
    char header[256];
    snprintf(header, sizeof header, "{\"verb\":\"%s\",\"parameters\":{\"experiment\":\"%s\"}}",
             verb, id);
    return ask(r, header, 0, 0, NULL, NULL);
}

// Waits until the experiment is in that state and has that many steps; its row.
static void wait_for(struct rig *r, const char *id, const char *state, int steps, char reason[256])
{
    uint64_t until = now_ns() + 30 * NS_PER_S;
    for (;;) {
        json_t *a = about(r, "ab_status", id);
        bool good =
            strcmp(text_at(a, "experiment", "state"), state) == 0 && count_at(a, "steps") >= steps;
        if (!good && now_ns() > until) {
            char *text = json_dumps(a, 0);
            fail_msg("not %s with %d steps: %s", state, steps, text);
        }
        if (good && reason)
            snprintf(reason, 256, "%s", text_at(a, "experiment", "reason"));
        json_decref(a);
        if (good)
            return;
        poll(NULL, 0, 10);
    }
}

static const char *verdict(json_t *answer, const char *metric)
{
    size_t i;
    json_t *m;
    json_array_foreach(json_object_get(json_object_get(answer, "report"), "metrics"), i, m)
    {
        json_t *c = json_array_get(json_object_get(m, "comparisons"), 0);
        if (strcmp(text_at(m, "metric", NULL), metric) == 0)
            return c ? text_at(c, "verdict", NULL) : text_at(m, "reason", NULL);
    }
    return "?";
}

// The result, with the steps in order, none missing and none twice.
static json_t *result(struct rig *r, const char *id)
{
    char header[256];
    double *steps = NULL;
    size_t n = 0;
    snprintf(header, sizeof header,
             "{\"verb\":\"ab_result\",\"parameters\":{\"experiment\":\"%s\"}}", id);
    json_t *a = ask(r, header, 0, 0, &steps, &n);
    assert_string_equal(text_at(a, "error", "message"), "");
    assert_int_equal(n, count_at(a, "steps"));
    for (size_t i = 0; i < n; i++) {
        const double *row = steps + 9 * i;
        assert_true(row[0] == 0 || row[0] == 1);
        assert_true(row[1] == (i < 2 ? -1 : (double)((i - 2) / 4)));
        assert_true(!i || row[2] >= row[-9 + 2]);
    }
    free(steps);
    return a;
}

// ---- tests

static const char plan_short[] = "\"step_windows\":4,\"blocks\":12,\"error_margin\":0.001";

static void runs_to_its_verdicts(void **state)
{
    struct rig *r = *state;
    char id[64];
    must_start(r, plan_short, id);
    assert_string_equal(id, "ab-1");
    wait_for(r, id, "DONE", 34, NULL);
    json_t *a = result(r, id);
    assert_string_equal(verdict(a, "error"), "worse"); // demand-w4 is another model
    assert_string_equal(verdict(a, "cycles"), "equivalent");
    assert_string_equal(verdict(a, "energy"), "no power monitor");
    assert_string_equal(text_at(a, "report", "origin"), "virtual");
    json_t *metric = json_array_get(json_object_get(json_object_get(a, "report"), "metrics"), 0);
    json_t *mine = json_array_get(json_object_get(metric, "variants"), 0);
    assert_true(json_number_value(json_object_get(mine, "mean")) == 0); // by its making
    json_decref(a);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000); // as before
    a = ask(r, "{\"verb\":\"ab_list\"}", 0, 0, NULL, NULL);
    assert_int_equal(json_array_size(json_object_get(a, "experiments")), 1);
    json_decref(a);
}

// Clients ask on, for the task and for both variants by name: every one is answered, by the variant
// that it names.
static void others_are_served_meanwhile(void **state)
{
    struct rig *r = *state;
    static const char *const models[] = {"demand", "demand-w8", "demand-w4"};
    char id[64], header[512];
    int answered[3] = {0};
    rig_say(r, "slow=1");
    must_start(r, plan_short, id);
    wait_for(r, id, "RUNNING", 1, NULL);
    void *d = rig_dealer(r);
    uint64_t until = now_ns() + 30 * NS_PER_S;
    bool over = false;
    while (!over && now_ns() < until) {
        for (int i = 0; i < 3; i++) {
            rig_infer_header(header, sizeof header, models[i], models[i], ROWS, 1, 20000);
            rig_send(d, header, windows[0], sizeof windows[0]);
        }
        for (int i = 0; i < 3; i++) {
            struct rig_reply p;
            assert_true(rig_recv(d, &p, 20000));
            if (*rig_code(&p) && strcmp(rig_code(&p), "STALE") != 0 &&
                strcmp(rig_code(&p), "NOT_READY") != 0)
                fail_msg("%s: %s", rig_code(&p), rig_message(&p));
            json_t *a = about(r, "ab_status", id);
            over = strcmp(text_at(a, "experiment", "state"), "RUNNING") != 0;
            json_decref(a);
            if (!over)
                assert_string_equal(rig_code(&p), "");
            for (int k = 0; k < 3; k++)
                answered[k] +=
                    strcmp(text_at(p.header, "id", NULL), models[k]) == 0 && !*rig_code(&p);
            if (!*rig_code(&p) && strcmp(text_at(p.header, "id", NULL), "demand") != 0)
                assert_string_equal(text_at(p.header, "parameters", "variant"),
                                    text_at(p.header, "id", NULL));
            rig_reply_fini(&p);
        }
    }
    rig_close(r, d);
    wait_for(r, id, "DONE", 34, NULL); // and it came to its end
    assert_true(answered[0] > 5 && answered[1] > 5 && answered[2] > 5);
}

static void too_many_are_refused_by_name(void **state)
{
    struct rig *r = *state;
    char first[64], second[64];
    rig_say(r, "slow=20");
    must_start(r, plan_short, first);
    must_start(r, plan_short, second);
    json_t *a = start_with(r, "[\"demand-w8\",\"demand-w4\"]", plan_short, WINDOWS);
    assert_string_equal(text_at(a, "error", "code"), "EXPERIMENT_QUEUE_FULL");
    json_decref(a);
    wait_for(r, second, "QUEUED", 0, NULL);
    a = about(r, "ab_result", second);
    assert_string_equal(text_at(a, "error", "code"), "NOT_READY");
    json_decref(a);
    json_decref(about(r, "ab_cancel", first));
    wait_for(r, first, "CANCELED", 0, NULL);
    wait_for(r, second, "RUNNING", 0, NULL);
    a = about(r, "ab_cancel", second);
    assert_string_equal(text_at(a, "experiment", "state"), "CANCELED");
    json_decref(a);
    rig_say(r, "");
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000);
    must_start(r, plan_short, second); // there is room again
    wait_for(r, second, "DONE", 34, NULL);
}

static void the_board_is_taken(void **state)
{
    struct rig *r = *state;
    char id[64];
    rig_say(r, "slow=20");
    must_start(r, plan_short, id);
    wait_for(r, id, "RUNNING", 0, NULL);
    struct rig_reply p = rig_load(r, "demand-w2", NULL, 1000);
    assert_string_equal(rig_code(&p), "NOT_READY");
    assert_non_null(strstr(rig_message(&p), id));
    rig_reply_fini(&p);
    p = rig_call(r, "{\"verb\":\"unload\",\"parameters\":{\"board\":\"lab0\"}}", NULL, 0);
    assert_string_equal(rig_code(&p), "NOT_READY");
    rig_reply_fini(&p);
    json_decref(about(r, "ab_cancel", id));
    rig_say(r, "");
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000);
}

static void windows_come_in_pieces(void **state)
{
    struct rig *r = *state;
    char id[64], header[1024];
    json_t *a = start_with(r, "[\"demand-w8\",\"demand-w4\"]", plan_short, 40);
    snprintf(id, sizeof id, "%s", text_at(a, "experiment", "id"));
    assert_string_equal(text_at(a, "experiment", "state"), "RECEIVING");
    assert_int_equal(count_at(a, "received"), 40);
    json_decref(a);
    static const struct {
        int offset, from, n;
        const char *code, *state;
    } piece[] = {{39, 40, 20, "BAD_REQUEST", ""}, {40, 40, 57, "BAD_REQUEST", ""},
                 {40, 40, 20, "", "RECEIVING"},   {40, 40, 20, "BAD_REQUEST", ""},
                 {60, 60, 36, "", "QUEUED"},      {96, 0, 1, "BAD_REQUEST", ""}};
    for (int i = 0; i < 6; i++) {
        int n = piece[i].n < WINDOWS - piece[i].from ? piece[i].n : WINDOWS - piece[i].from;
        char in[512];
        inputs(piece[i].n, in);
        snprintf(header, sizeof header,
                 "{\"verb\":\"ab_data\",\"parameters\":{\"experiment\":\"%s\",\"offset\":%d},"
                 "\"inputs\":%s}",
                 id, piece[i].offset, in);
        a = ask(r, header, piece[i].from, n, NULL, NULL);
        assert_string_equal(text_at(a, "error", "code"), piece[i].code);
        if (*piece[i].state && strcmp(text_at(a, "experiment", "state"), "RUNNING") != 0)
            assert_string_equal(text_at(a, "experiment", "state"), piece[i].state);
        json_decref(a);
    }
    wait_for(r, id, "DONE", 34, NULL);
    a = result(r, id);
    assert_string_equal(verdict(a, "error"), "worse");
    json_t *metric = json_array_get(json_object_get(json_object_get(a, "report"), "metrics"), 0);
    json_t *mine = json_array_get(json_object_get(metric, "variants"), 0);
    assert_true(json_number_value(json_object_get(mine, "mean")) == 0); // every label fits
    json_decref(a);
}

static void refusals_name_the_field(void **state)
{
    struct rig *r = *state;
    static const struct {
        const char *variants, *plan, *code, *field;
    } bad[] = {
        {"[\"demand-w8\",\"demand-w9\"]", "", "UNKNOWN_MODEL", "parameters.plan.variants"},
        {"[\"demand-w8\",\"traffic-w8\"]", "", "BAD_REQUEST", "inputs[0].shape"},
        {"[\"demand-w8\"]", "", "BAD_REQUEST", "parameters.plan.variants"},
        {"[\"demand-w8\",\"demand-w8\"]", "", "BAD_REQUEST", "parameters.plan.variants"},
        {"[\"demand-w8\",\"demand-w4\"]", "\"blocks\":5", "BAD_REQUEST", "parameters.plan.blocks"},
        {"[\"demand-w8\",\"demand-w4\"]", "\"blocks\":7", "BAD_REQUEST", "parameters.plan.first"},
        {"[\"demand-w8\",\"demand-w4\"]", "\"confidence\":1", "BAD_REQUEST",
         "parameters.plan.confidence"},
        {"[\"demand-w8\",\"demand-w4\"]", "\"design\":\"aabb\"", "BAD_REQUEST",
         "parameters.plan.design"},
        {"[\"demand-w8\",\"demand-w4\"]", "\"metrics\":[\"speed\"]", "BAD_REQUEST",
         "parameters.plan.metrics"},
        {"[\"demand-w8\",\"demand-w4\"]", "\"pairs\":4", "BAD_REQUEST", "parameters.plan.pairs"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        json_t *a = start_with(r, bad[i].variants, bad[i].plan, WINDOWS);
        assert_string_equal(text_at(a, "error", "code"), bad[i].code);
        assert_string_equal(text_at(a, "error", "field"), bad[i].field);
        json_decref(a);
    }
    json_t *a = about(r, "ab_result", "ab-77");
    assert_string_equal(text_at(a, "error", "code"), "UNKNOWN_EXPERIMENT");
    json_decref(a);
}

// Killed in the middle, again and again: every time it goes on behind the last whole block, and the
// end is that of an experiment that was never disturbed.
static void goes_on_after_a_kill(void **state)
{
    struct rig *r = *state;
    char id[64];
    rig_say(r, "slow=2");
    must_start(r, plan_short, id);
    for (int round = 0; round < 3; round++) {
        wait_for(r, id, "RUNNING", 5 + 9 * round, NULL);
        assert_int_equal(rig_stop(r, SIGKILL), -SIGKILL);
        rig_start(r);
        json_t *a = about(r, "ab_status", id);
        json_int_t steps = count_at(a, "steps");
        assert_true(steps >= 2 + 4 * ((5 + 9 * round - 2) / 4)); // whole blocks
        json_decref(a);
    }
    wait_for(r, id, "DONE", 34, NULL);
    json_t *a = result(r, id);
    assert_string_equal(verdict(a, "error"), "worse");
    assert_string_equal(verdict(a, "cycles"), "equivalent");
    json_decref(a);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000);
    assert_int_equal(rig_stop(r, SIGTERM), 0);
    rig_start(r); // the result outlives the daemon
    a = result(r, id);
    assert_string_equal(verdict(a, "error"), "worse");
    assert_string_equal(text_at(a, "experiment", "state"), "DONE");
    json_decref(a);
}

static void a_variant_that_does_not_come_up(void **state)
{
    struct rig *r = *state;
    char id[64], reason[256];
    rig_say(r, "fail=program demand-w4");
    must_start(r, plan_short, id);
    wait_for(r, id, "FAILED", 0, reason);
    assert_non_null(strstr(reason, "demand-w4 did not come up"));
    rig_say(r, "");
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000);
}

static void a_board_that_is_unplugged(void **state)
{
    struct rig *r = *state;
    char id[64];
    rig_say(r, "slow=3");
    must_start(r, plan_short, id);
    wait_for(r, id, "RUNNING", 7, NULL);
    rig_say(r, "absent");
    rig_wait_board(r, "lab0", "ABSENT", NULL, 5000);
    rig_say(r, "");
    wait_for(r, id, "DONE", 34, NULL);
    json_t *a = result(r, id);
    assert_string_equal(verdict(a, "error"), "worse");
    json_int_t lost =
        json_integer_value(json_object_get(json_object_get(a, "report"), "lost_blocks"));
    assert_true(lost <= 1); // none, where it was unplugged between two inferences
    json_decref(a);
}

static void time_is_a_budget_too(void **state)
{
    struct rig *r = *state;
    char id[64];
    rig_say(r, "slow=5");
    must_start(r, "\"step_windows\":8,\"blocks\":400,\"budget_s\":1,\"metrics\":[\"latency\"]", id);
    wait_for(r, id, "DONE", 1, NULL);
    json_t *a = result(r, id);
    const char *stop = text_at(a, "report", "stop");
    assert_true(strcmp(stop, "time") == 0);
    json_decref(a);
}

// Somebody else holds the file: the recorder waits, and nobody else does. Everything below the lock
// is answered while it is held, and the experiment is at most four measurements ahead of the disk.
static void a_disk_that_does_not_answer(void **state)
{
    struct rig *r = *state;
    char id[64], path[300];
    sqlite3 *db = NULL;
    double window[ROWS];
    rig_say(r, "slow=2");
    must_start(r, plan_short, id);
    wait_for(r, id, "RUNNING", 4, NULL);
    snprintf(path, sizeof path, "%s/experiments.db", r->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    json_t *before = about(r, "ab_status", id);
    for (int i = 0; i < 40; i++) {
        rig_random_window((uint64_t)i, window, ROWS);
        struct rig_reply p = rig_infer(r, "demand", window, ROWS, 1, 1500);
        assert_string_equal(rig_code(&p), "");
        rig_reply_fini(&p);
    }
    json_t *after = about(r, "ab_status", id);
    assert_true(count_at(after, "steps") <= count_at(before, "steps") + 1); // one was on its way
    assert_string_equal(text_at(after, "experiment", "state"), "RUNNING");
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    json_decref(before);
    json_decref(after);
    wait_for(r, id, "DONE", 34, NULL);
}

// The daemon's end does not wait for the file either; what could not be written is measured again.
static void ends_although_the_disk_does_not_answer(void **state)
{
    struct rig *r = *state;
    char id[64], path[300];
    sqlite3 *db = NULL;
    rig_say(r, "slow=2");
    must_start(r, plan_short, id);
    wait_for(r, id, "RUNNING", 8, NULL);
    snprintf(path, sizeof path, "%s/experiments.db", r->dir);
    assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    poll(NULL, 0, 200); // measurements wait for the disk by now
    assert_int_equal(rig_stop(r, SIGTERM), 0);
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    rig_start(r);
    wait_for(r, id, "DONE", 34, NULL);
    json_decref(result(r, id));
}

// An upload that the daemon's end interrupts goes on with the next daemon.
static void an_upload_over_a_restart(void **state)
{
    struct rig *r = *state;
    char id[64], header[1024], in[512];
    rig_say(r, "slow=2");
    json_t *a = start_with(r, "[\"demand-w8\",\"demand-w4\"]", plan_short, 40);
    snprintf(id, sizeof id, "%s", text_at(a, "experiment", "id"));
    json_decref(a);
    assert_int_equal(rig_stop(r, SIGKILL), -SIGKILL);
    rig_start(r);
    inputs(WINDOWS - 40, in);
    snprintf(header, sizeof header,
             "{\"verb\":\"ab_data\",\"parameters\":{\"experiment\":\"%s\",\"offset\":40},"
             "\"inputs\":%s}",
             id, in);
    a = ask(r, header, 40, WINDOWS - 40, NULL, NULL);
    assert_int_equal(count_at(a, "received"), WINDOWS);
    json_decref(a);
    wait_for(r, id, "RUNNING", 3, NULL);
    assert_int_equal(rig_stop(r, SIGKILL), -SIGKILL);
    rig_start(r); // both pieces are there
    wait_for(r, id, "DONE", 34, NULL);
    a = result(r, id);
    json_t *metric = json_array_get(json_object_get(json_object_get(a, "report"), "metrics"), 0);
    json_t *mine = json_array_get(json_object_get(metric, "variants"), 0);
    assert_true(json_number_value(json_object_get(mine, "mean")) == 0); // every label fits
    json_decref(a);
}

static void none_without_a_place_for_records(void **state)
{
    struct rig *r = *state;
    assert_int_equal(rig_stop(r, SIGTERM), 0);
    char path[300];
    snprintf(path, sizeof path, "%s/experiments.db", r->dir);
    remove(path);
    assert_int_equal(mkdir(path, 0755), 0); // no file can be there
    rig_start(r);
    json_t *a = start_with(r, "[\"demand-w8\",\"demand-w4\"]", plan_short, WINDOWS);
    assert_string_equal(text_at(a, "error", "code"), "NOT_READY");
    assert_non_null(strstr(text_at(a, "error", "message"), "experiments.db"));
    json_decref(a);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000); // all else works
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(runs_to_its_verdicts),         TEST(others_are_served_meanwhile),
        TEST(too_many_are_refused_by_name), TEST(the_board_is_taken),
        TEST(windows_come_in_pieces),       TEST(refusals_name_the_field),
        TEST(goes_on_after_a_kill),         TEST(a_variant_that_does_not_come_up),
        TEST(a_board_that_is_unplugged),    TEST(time_is_a_budget_too),
        TEST(a_disk_that_does_not_answer),  TEST(ends_although_the_disk_does_not_answer),
        TEST(an_upload_over_a_restart),     TEST(none_without_a_place_for_records),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
