// SPDX-License-Identifier: Apache-2.0
// The whole front end, as a process, against a stand-in worker.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>
#include <zmq.h>

#include "daemon/sched.h"
#include "daemon/test/rig.h"
#include "tests/support/random.h"
#include "tools/model/variant.h"

extern char **environ;

// The sanitizers keep freed memory for a while.
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
static const long sanitizer_kib = 512 * 1024;
#else
static const long sanitizer_kib = 0;
#endif

static const char one_board[] = "[board lab0]\nserial = VB0001\nvariant = demand-w8\n"
                                "allow_virtual = yes\nanswer_timeout_ms = 1000\n";

// One board that serves demand-w8; demand-w4 of the same task and traffic-w8 lie ready.
static int setup(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    *state = r;
    rig_init(r, one_board, "return_grace_ms = 300\n", true);
    rig_package(r, (struct make_package){.name = "demand-w8", .task = "demand", .seed = 1});
    rig_package(r, (struct make_package){.name = "demand-w4", .task = "demand", .seed = 2});
    rig_package(r, (struct make_package){.name = "traffic-w8",
                                         .task = "traffic",
                                         .seed = 3,
                                         .window = 12,
                                         .features = 3,
                                         .outputs = 4});
    rig_start(r);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000);
    return 0;
}

static int teardown(void **state)
{
    struct rig *r = *state;
    if (r->pid > 0)
        assert_int_equal(rig_stop(r, SIGTERM), 0); // also tells of leaks
    rig_fini(r);
    free(r);
    return 0;
}

static void infer_and_check(struct rig *r, const char *model, const char *variant, uint64_t seed)
{
    double window[24];
    struct variant *v = rig_variant(r, variant);
    rig_random_window(seed, window, 24);
    struct rig_reply p = rig_infer(r, model, window, 24, 1, 2000);
    rig_check_golden(v, window, &p);
    rig_reply_fini(&p);
    variant_free(v);
}

static void expect_error(struct rig_reply p, const char *code, const char *field)
{
    assert_string_equal(rig_code(&p), code);
    assert_string_equal(rig_field(&p), field);
    rig_reply_fini(&p);
}

static void answers_like_the_golden_model(void **state)
{
    for (uint64_t seed = 0; seed < 20; seed++)
        infer_and_check(*state, seed % 2 ? "demand" : "demand-w8", "demand-w8", seed);
}

static void reply_has_stages_and_origin(void **state)
{
    double window[24];
    rig_random_window(7, window, 24);
    struct rig_reply p = rig_infer(*state, "demand", window, 24, 1, 2000);
    json_t *q = json_object_get(p.header, "parameters");
    const char *variant = NULL, *board = NULL, *origin = NULL;
    json_int_t cycles, fpga_ns, queue, in, fpga, out, host;
    assert_int_equal(json_unpack(q, "{s:s,s:s,s:s,s:I,s:I,s:{s:I,s:I,s:I,s:I,s:I}}", "variant",
                                 &variant, "board", &board, "origin", &origin, "fpga_cycles",
                                 &cycles, "fpga_ns", &fpga_ns, "stages_ns", "queue", &queue,
                                 "usb_in", &in, "fpga", &fpga, "usb_out", &out, "host", &host),
                     0);
    assert_string_equal(variant, "demand-w8");
    assert_string_equal(board, "lab0");
    assert_string_equal(origin, "virtual");
    assert_int_equal(cycles, 1234);
    assert_int_equal(fpga_ns, 12340);
    json_int_t sum = queue + in + fpga + out + host;
    assert_true(sum > 0 && (uint64_t)sum < p.elapsed_ns);
    rig_reply_fini(&p);
}

static void bad_requests_name_the_field(void **state)
{
    struct rig *r = *state;
    double window[24] = {0};
    char header[512];
    expect_error(rig_call(r, "{\"verb\":", NULL, 0), "BAD_REQUEST", "header");
    expect_error(rig_call(r, "{\"verb\":\"dance\"}", NULL, 0), "BAD_REQUEST", "verb");
    expect_error(rig_infer(r, "demand-w9", window, 24, 1, 1000), "UNKNOWN_MODEL", "model_name");
    expect_error(rig_infer(r, "demand", window, 12, 1, 1000), "BAD_REQUEST", "inputs[0].shape");
    expect_error(rig_infer(r, "demand", window, 12, 2, 1000), "BAD_REQUEST", "inputs[0].shape");
    window[5] = NAN;
    expect_error(rig_infer(r, "demand", window, 24, 1, 1000), "BAD_REQUEST", "inputs[0].data[5]");
    window[5] = -INFINITY;
    expect_error(rig_infer(r, "demand", window, 24, 1, 1000), "BAD_REQUEST", "inputs[0].data[5]");
    window[5] = 0;
    rig_infer_header(header, sizeof header, "demand", "x", 24, 1, 1000);
    expect_error(rig_call(r, header, NULL, 0), "BAD_REQUEST", "frames");
    expect_error(rig_call(r, header, window, sizeof window - 1), "BAD_REQUEST", "inputs[0].data");
    expect_error(rig_infer(r, "traffic-w8", window, 12, 2, 1000), "BAD_REQUEST", "inputs[0].shape");
    expect_error(rig_infer(r, "demand-w4", window, 24, 1, 1000), "NOT_READY", "");
    expect_error(rig_load(r, "demand-w8", "lab7", 1000), "UNKNOWN_MODEL", "parameters.board");
    expect_error(rig_load(r, "demand-w9", NULL, 1000), "UNKNOWN_MODEL", "");
    expect_error(rig_call(r, "{\"verb\":\"power\",\"parameters\":{\"board\":\"lab7\"}}", NULL, 0),
                 "UNKNOWN_MODEL", "parameters.board");
    expect_error(rig_call(r, "{\"verb\":\"power\",\"parameters\":{\"board\":\"lab0\"}}", NULL, 0),
                 "NOT_READY", "parameters.board");
    infer_and_check(r, "demand", "demand-w8", 1);
}

static void raw_send(void *d, size_t parts, size_t bytes)
{
    static const char junk[70000];
    for (size_t i = 0; i < parts; i++)
        assert_true(zmq_send(d, junk, bytes, i + 1 < parts ? ZMQ_SNDMORE : 0) >= 0);
}

static void malformed_messages_do_no_harm(void **state)
{
    struct rig *r = *state;
    struct rig_reply p;
    void *d = rig_dealer(r);
    raw_send(d, 1, 0); // a delimiter and nothing else
    assert_true(rig_recv(d, &p, 2000));
    expect_error(p, "BAD_REQUEST", "header");
    raw_send(d, 1, 10); // no delimiter
    assert_true(rig_recv(d, &p, 2000));
    expect_error(p, "BAD_REQUEST", "frames");
    raw_send(d, 500, 0); // far too many frames
    assert_true(rig_recv(d, &p, 2000));
    expect_error(p, "BAD_REQUEST", "frames");
    rig_close(r, d);
    d = rig_dealer(r);
    raw_send(d, 2, 70000); // an oversized frame: libzmq hangs up
    assert_false(rig_recv(d, &p, 300));
    rig_close(r, d);
    infer_and_check(r, "demand", "demand-w8", 2);
}

static void metadata_index_and_statistics(void **state)
{
    struct rig *r = *state;
    infer_and_check(r, "demand", "demand-w8", 3);
    struct rig_reply p = rig_call(r, "{\"verb\":\"repository_index\"}", NULL, 0);
    json_t *models = json_object_get(p.header, "models");
    assert_int_equal(json_array_size(models), 3);
    const char *name, *status;
    assert_int_equal(
        json_unpack(json_array_get(models, 1), "{s:s,s:s}", "name", &name, "state", &status), 0);
    assert_string_equal(name, "demand-w8");
    assert_string_equal(status, "READY");
    rig_reply_fini(&p);
    p = rig_call(r, "{\"verb\":\"model_metadata\",\"model_name\":\"traffic\"}", NULL, 0);
    assert_string_equal(json_string_value(json_object_get(p.header, "name")), "traffic-w8");
    assert_non_null(json_object_get(json_object_get(p.header, "parameters"), "bits"));
    rig_reply_fini(&p);
    p = rig_call(r, "{\"verb\":\"model_statistics\",\"model_name\":\"demand-w8\"}", NULL, 0);
    json_int_t count = 0, ns = 0;
    assert_int_equal(json_unpack(p.header, "{s:[{s:{s:{s:I,s:I}}}]}", "model_stats",
                                 "inference_stats", "success", "count", &count, "ns", &ns),
                     0);
    assert_int_equal(count, 1);
    assert_true(ns > 0);
    rig_reply_fini(&p);
    p = rig_call(r, "{\"verb\":\"server_ready\",\"id\":\"abc\"}", NULL, 0);
    assert_true(json_is_true(json_object_get(p.header, "ready")));
    assert_string_equal(json_string_value(json_object_get(p.header, "id")), "abc");
    rig_reply_fini(&p);
}

static void swap_and_back(void **state)
{
    struct rig *r = *state;
    struct rig_reply p = rig_load(r, "demand-w4", NULL, 5000);
    assert_string_equal(rig_code(&p), "");
    assert_string_equal(json_string_value(json_object_get(p.header, "board")), "lab0");
    rig_reply_fini(&p);
    infer_and_check(r, "demand", "demand-w4", 4);
    double window[24] = {0};
    expect_error(rig_infer(r, "demand-w8", window, 24, 1, 1000), "NOT_READY", "");
    p = rig_load(r, "demand-w8", "lab0", 5000);
    assert_string_equal(rig_code(&p), "");
    rig_reply_fini(&p);
    infer_and_check(r, "demand-w8", "demand-w8", 5);
}

static void swaps_under_load_lose_nothing(void **state)
{
    struct rig *r = *state;
    enum { SWAPS = 20, PER_SWAP = 25, ALL = SWAPS * PER_SWAP };
    struct variant *v[2] = {rig_variant(r, "demand-w8"), rig_variant(r, "demand-w4")};
    static double windows[ALL][24];
    void *d = rig_dealer(r);
    int answered = 0, by[2] = {0, 0};
    for (int s = 0; s < SWAPS; s++) {
        struct rig_reply p;
        for (int i = s * PER_SWAP; i < (s + 1) * PER_SWAP; i++) {
            char header[512], id[16];
            snprintf(id, sizeof id, "%d", i);
            rig_random_window((uint64_t)i, windows[i], 24);
            rig_infer_header(header, sizeof header, "demand", id, 24, 1, 20000);
            rig_send(d, header, windows[i], sizeof windows[i]);
        }
        p = rig_load(r, s % 2 ? "demand-w8" : "demand-w4", NULL, 10000);
        assert_string_equal(rig_code(&p), "");
        rig_reply_fini(&p);
        while (answered < (s + 1) * PER_SWAP - PER_SWAP / 2 && rig_recv(d, &p, 5000)) {
            int i = (int)strtol(json_string_value(json_object_get(p.header, "id")), NULL, 10);
            const char *version = json_string_value(json_object_get(p.header, "model_version"));
            int which = version && strcmp(version, v[0]->hash_hex) == 0 ? 0 : 1;
            rig_check_golden(v[which], windows[i], &p);
            by[which]++;
            answered++;
            rig_reply_fini(&p);
        }
    }
    struct rig_reply p;
    while (answered < ALL && rig_recv(d, &p, 5000)) {
        assert_string_equal(rig_code(&p), "");
        answered++;
        rig_reply_fini(&p);
    }
    assert_int_equal(answered, ALL);
    assert_true(by[0] > 0 && by[1] > 0);
    rig_close(r, d);
    variant_free(v[0]);
    variant_free(v[1]);
}

static void failed_swap_restores_the_old_variant(void **state)
{
    struct rig *r = *state;
    static const char *const faults[] = {"fail=program demand-w4", "refuse"};
    for (int i = 0; i < 2; i++) {
        rig_say(r, faults[i]);
        struct rig_reply p = rig_load(r, "demand-w4", NULL, 5000);
        assert_string_equal(rig_code(&p), "SWAP_FAILED");
        json_t *active = json_object_get(
            json_object_get(json_object_get(p.header, "error"), "parameters"), "active");
        if (!active)
            active = json_object_get(json_object_get(p.header, "parameters"), "active");
        assert_string_equal(json_string_value(active), "demand-w8");
        rig_reply_fini(&p);
        infer_and_check(r, "demand-w8", "demand-w8", 6);
    }
}

static void wrong_answers_never_become_ready(void **state)
{
    struct rig *r = *state;
    rig_say(r, "wrong=y");
    expect_error(rig_load(r, "demand-w4", NULL, 5000), "SWAP_FAILED", "");
    rig_wait_board(r, "lab0", "FAULT", NULL, 1000); // the old one computes wrongly, too
    rig_say(r, "");
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000);
    rig_say(r, "wrong=identity");
    expect_error(rig_load(r, "demand-w4", NULL, 5000), "SWAP_FAILED", "");
    rig_say(r, "");
}

static void deadline_holds(struct rig *r, const char *model, int deadline_ms)
{
    double window[24] = {0};
    struct rig_reply p = rig_infer(r, model, window, 24, 1, deadline_ms);
    assert_string_equal(rig_code(&p), "DEADLINE");
    // 10 ms are promised; a machine that builds beside us is given some more.
    assert_in_range(p.elapsed_ns / 1000, (uint64_t)deadline_ms * 1000,
                    (uint64_t)deadline_ms * 1000 + 100000);
    rig_reply_fini(&p);
}

static void deadlines_hold_when_the_board_hangs(void **state)
{
    struct rig *r = *state;
    rig_say(r, "hang");
    deadline_holds(r, "demand", 100);
    deadline_holds(r, "demand-w8", 1);
    rig_say(r, "");
    infer_and_check(r, "demand", "demand-w8", 7);
}

static void many_deadlines_are_kept(void **state)
{
    struct rig *r = *state;
    enum { ALL = 200 };
    struct rng rng;
    uint64_t due[ALL], late_us[ALL] = {0}, worst = 0, sum = 0;
    double window[24] = {0};
    void *d = rig_dealer(r);
    rng_init(&rng, 4);
    rig_say(r, "hang");
    for (int i = 0; i < ALL; i++) {
        char header[512], id[16];
        int ms = (int)rng_range(&rng, 20, 600);
        snprintf(id, sizeof id, "%d", i);
        rig_infer_header(header, sizeof header, "demand", id, 24, 1, ms);
        rig_send(d, header, window, sizeof window);
        due[i] = now_ns() + (uint64_t)ms * NS_PER_MS;
    }
    for (int n = 0; n < ALL; n++) {
        struct rig_reply p;
        assert_true(rig_recv(d, &p, 2000));
        uint64_t now = now_ns();
        int i = (int)strtol(json_string_value(json_object_get(p.header, "id")), NULL, 10);
        assert_string_equal(rig_code(&p), "DEADLINE");
        late_us[i] = now > due[i] ? (now - due[i]) / 1000 : 0;
        worst = late_us[i] > worst ? late_us[i] : worst;
        sum += late_us[i];
        rig_reply_fini(&p);
    }
    print_message("deadlines: mean %llu us late, worst %llu us\n", (unsigned long long)(sum / ALL),
                  (unsigned long long)worst);
    assert_in_range(worst, 0, 100000); // 10 ms are promised; see deadline_holds
    rig_close(r, d);
}

static void deadlines_hold_during_a_swap(void **state)
{
    struct rig *r = *state;
    rig_say(r, "mute");
    void *d = rig_dealer(r);
    rig_send(d,
             "{\"verb\":\"load\",\"model_name\":\"demand-w4\",\"parameters\":"
             "{\"deadline_ms\":400}}",
             NULL, 0);
    rig_wait_board(r, "lab0", "PROGRAMMING", NULL, 1000);
    deadline_holds(r, "demand", 150);
    struct rig_reply p;
    assert_true(rig_recv(d, &p, 1000));
    expect_error(p, "DEADLINE", "");
    rig_close(r, d);
}

static void queue_is_bounded_and_cancel_works(void **state)
{
    struct rig *r = *state;
    double window[24] = {0};
    char header[512];
    void *d = rig_dealer(r);
    rig_say(r, "hang");
    for (int i = 0; i < 300; i++) {
        rig_infer_header(header, sizeof header, "demand", "flood", 24, 1, 20000);
        rig_send(d, header, window, sizeof window);
    }
    struct rig_reply p;
    for (int i = 0; i < 300 - 256; i++) {
        assert_true(rig_recv(d, &p, 2000));
        expect_error(p, "QUEUE_FULL", "");
    }
    p = rig_call(r, "{\"verb\":\"cancel\",\"parameters\":{\"request_id\":\"flood\"}}", NULL, 0);
    assert_int_equal(json_integer_value(json_object_get(p.header, "canceled")), 256);
    rig_reply_fini(&p);
    for (int i = 0; i < 256; i++) {
        assert_true(rig_recv(d, &p, 2000));
        expect_error(p, "CANCELED", "");
    }
    rig_close(r, d);
    rig_say(r, "");
    infer_and_check(r, "demand", "demand-w8", 8);
}

static void dying_worker_is_replaced(void **state)
{
    struct rig *r = *state;
    rig_say(r, "die=infer");
    double window[24] = {0};
    struct rig_reply p = rig_infer(r, "demand", window, 24, 1, 3000);
    assert_string_equal(rig_code(&p), "DEVICE_LOST"); // once again on the next worker, then told
    rig_reply_fini(&p);
    rig_say(r, "");
    rig_wait_board(r, "lab0", "READY", "demand-w8", 3000);
    infer_and_check(r, "demand", "demand-w8", 9);
    json_t *row = rig_board(r, "lab0");
    assert_true(json_integer_value(json_object_get(row, "restarts")) >= 2);
    assert_int_equal(json_integer_value(json_object_get(row, "swaps")), 1); // the first one
    json_decref(row);
}

static void killed_worker_attaches_without_reprogramming(void **state)
{
    struct rig *r = *state;
    for (int i = 0; i < 3; i++) {
        pid_t pid = rig_worker_pid(r, "lab0");
        assert_true(pid > 0);
        kill(pid, SIGKILL);
        infer_and_check(r, "demand", "demand-w8", 10); // waits for its return
    }
    json_t *row = rig_board(r, "lab0");
    assert_int_equal(json_integer_value(json_object_get(row, "swaps")), 1);
    assert_int_equal(json_integer_value(json_object_get(row, "restarts")), 3);
    json_decref(row);
}

static void frozen_worker_is_replaced(void **state)
{
    struct rig *r = *state;
    rig_say(r, "frozen");
    deadline_holds(r, "demand", 100);
    rig_wait_board(r, "lab0", "ABSENT", NULL, 5000);
    rig_say(r, "");
    rig_wait_board(r, "lab0", "READY", "demand-w8", 3000);
    infer_and_check(r, "demand", "demand-w8", 11);
}

static void absent_board_gets_typed_errors(void **state)
{
    struct rig *r = *state;
    double window[24] = {0};
    rig_say(r, "absent");
    rig_wait_board(r, "lab0", "ABSENT", NULL, 1000);
    struct rig_reply p = rig_infer(r, "demand", window, 24, 1, 5000); // in the grace time
    assert_string_equal(rig_code(&p), "DEVICE_LOST");
    assert_in_range(p.elapsed_ns / 1000000, 0, 400);
    rig_reply_fini(&p);
    p = rig_infer(r, "demand", window, 24, 1, 5000); // and after it
    assert_string_equal(rig_code(&p), "DEVICE_LOST");
    assert_in_range(p.elapsed_ns / 1000000, 0, 50);
    rig_reply_fini(&p);
    expect_error(rig_load(r, "demand-w4", NULL, 1000), "DEVICE_LOST", "");
    rig_say(r, "");
    rig_wait_board(r, "lab0", "READY", "demand-w8", 1000);
    infer_and_check(r, "demand", "demand-w8", 12);
}

static void faults_are_retried_then_reprogrammed(void **state)
{
    struct rig *r = *state;
    double window[24] = {0};
    rig_say(r, "fault");
    expect_error(rig_infer(r, "demand", window, 24, 1, 5000), "DEVICE_FAULT", "");
    rig_say(r, "");
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000);
    infer_and_check(r, "demand", "demand-w8", 13);
}

static void unload_and_load(void **state)
{
    struct rig *r = *state;
    double window[24] = {0};
    struct rig_reply p = rig_call(r, "{\"verb\":\"unload\",\"model_name\":\"demand-w8\"}", NULL, 0);
    assert_string_equal(rig_code(&p), "");
    rig_reply_fini(&p);
    rig_wait_board(r, "lab0", "IDLE", NULL, 1000);
    expect_error(rig_infer(r, "demand", window, 24, 1, 1000), "NOT_READY", "");
    expect_error(rig_call(r, "{\"verb\":\"unload\",\"model_name\":\"demand-w8\"}", NULL, 0),
                 "NOT_READY", "model_name");
    p = rig_load(r, "traffic-w8", NULL, 5000);
    assert_string_equal(rig_code(&p), "");
    rig_reply_fini(&p);
    rig_wait_board(r, "lab0", "READY", "traffic-w8", 1000);
}

static void bad_packages_are_refused_by_name(void **state)
{
    struct rig *r = *state;
    static const struct {
        struct make_package m;
        const char *says;
    } bad[] = {
        {{.name = "bad-hash", .wrong_hash = 1}, "integers.sha256"},
        {{.name = "bad-golden", .wrong_golden = 1}, "golden.json: windows[7].y[0]"},
        {{.name = "bad-sha", .wrong_sha = 1}, "bad-sha.bit: SHA-256"},
        {{.name = "bad-part", .bit_part = "xc7s25"}, "bad-part.bit: "},
        {{.name = "bad-length", .truncate_bit = 1}, "bad-length.bit: "},
        {{.name = "bad-origin", .real = 1}, "bad-origin.bit: "},
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct make_package m = bad[i].m;
        m.task = "demand";
        m.seed = 50 + i;
        rig_package(r, m);
        struct rig_reply p = rig_load(r, m.name, NULL, 5000);
        assert_string_equal(rig_code(&p), "SWAP_FAILED");
        if (!strstr(rig_message(&p), bad[i].says) || !strstr(rig_message(&p), m.name))
            fail_msg("%s: %s", m.name, rig_message(&p));
        rig_reply_fini(&p);
        infer_and_check(r, "demand-w8", "demand-w8", 14);
    }
    // Another part: a good package, but not for this board.
    rig_package(r, (struct make_package){
                       .name = "other-part", .task = "demand", .seed = 60, .part = "xc7s25"});
    struct rig_reply p = rig_load(r, "other-part", NULL, 5000);
    assert_string_equal(rig_code(&p), "SWAP_FAILED");
    assert_non_null(strstr(rig_message(&p), "xc7s25"));
    rig_reply_fini(&p);
    infer_and_check(r, "demand-w8", "demand-w8", 15);
}

static void reload_finds_new_packages(void **state)
{
    struct rig *r = *state;
    rig_package(r, (struct make_package){.name = "demand-new", .task = "demand", .seed = 70});
    assert_int_equal(kill(r->pid, SIGHUP), 0);
    for (int i = 0;; i++) {
        struct rig_reply p =
            rig_call(r, "{\"verb\":\"model_ready\",\"model_name\":\"demand-new\"}", NULL, 0);
        bool known = !*rig_code(&p);
        rig_reply_fini(&p);
        if (known)
            break;
        assert_true(i < 200);
        poll(NULL, 0, 10);
    }
    infer_and_check(r, "demand", "demand-w8", 16);
}

static void front_end_killed_finds_its_board(void **state)
{
    struct rig *r = *state;
    struct rig_reply p = rig_load(r, "demand-w4", NULL, 5000);
    assert_string_equal(rig_code(&p), "");
    rig_reply_fini(&p);
    assert_int_equal(rig_stop(r, SIGKILL), -SIGKILL);
    rig_start(r);
    rig_wait_board(r, "lab0", "READY", "demand-w4", 5000);
    json_t *row = rig_board(r, "lab0");
    assert_int_equal(json_integer_value(json_object_get(row, "swaps")), 0);
    json_decref(row);
}

static void sigterm_ends_cleanly(void **state)
{
    struct rig *r = *state;
    char header[512];
    double window[24] = {0};
    void *d = rig_dealer(r);
    rig_say(r, "slow=100");
    rig_infer_header(header, sizeof header, "demand", "x", 24, 1, 20000);
    for (int i = 0; i < 20; i++)
        rig_send(d, header, window, sizeof window);
    poll(NULL, 0, 50);
    uint64_t begin = now_ns();
    assert_int_equal(rig_stop(r, SIGTERM), 0);
    assert_in_range((now_ns() - begin) / 1000000, 0, 2500);
    int good = 0, canceled = 0;
    struct rig_reply p;
    while (good + canceled < 20 && rig_recv(d, &p, 500)) {
        good += !*rig_code(&p);
        canceled += strcmp(rig_code(&p), "CANCELED") == 0;
        rig_reply_fini(&p);
    }
    assert_int_equal(good + canceled, 20);
    assert_true(good >= 1 && canceled >= 1);
    rig_close(r, d);
}

// ---- who may do what, and what others are told

static int setup_roles(void **state)
{
    char more[256];
    struct rig *r = calloc(1, sizeof *r);
    *state = r;
    snprintf(more, sizeof more, "infer = ipc:///tmp/sevencastd-infer-%d\n", (int)getpid());
    rig_init(r, one_board, more, true);
    rig_package(r, (struct make_package){.name = "demand-w8", .task = "demand", .seed = 1});
    rig_start(r);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000);
    return 0;
}

static unsigned mode_of(const char *endpoint)
{
    struct stat st;
    assert_int_equal(stat(endpoint + strlen("ipc://"), &st), 0);
    return st.st_mode & 0777;
}

static void infer_socket_takes_no_control(void **state)
{
    struct rig *r = *state;
    char control[192];
    snprintf(control, sizeof control, "%s", r->control);
    assert_int_equal(mode_of(r->control), 0600);
    snprintf(r->control, sizeof r->control, "ipc:///tmp/sevencastd-infer-%d", (int)getpid());
    assert_int_equal(mode_of(r->control), 0660);
    expect_error(rig_load(r, "demand-w8", NULL, 1000), "UNAUTHORISED", "verb");
    expect_error(rig_call(r, "{\"verb\":\"unload\",\"model_name\":\"demand-w8\"}", NULL, 0),
                 "UNAUTHORISED", "verb");
    infer_and_check(r, "demand", "demand-w8", 17);
    snprintf(r->control, sizeof r->control, "%s", control);
}

static void second_daemon_is_refused(void **state)
{
    struct rig *r = *state;
    struct rig second = *r;
    int status;
    char bin[512];
    rig_program(bin, sizeof bin, "sevencastd");
    char *argv[] = {bin, (char[]){"--config"}, second.conf, NULL};
    assert_int_equal(posix_spawn(&second.pid, bin, NULL, NULL, argv, environ), 0);
    assert_int_equal(waitpid(second.pid, &status, 0), second.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 4);
    infer_and_check(r, "demand", "demand-w8", 18); // the first one goes on
}

static void systemd_is_told(void **state)
{
    struct rig *r = calloc(1, sizeof *r);
    char all[8192] = "", got[1024];
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "/tmp/sevencastd-notify-%d", (int)getpid());
    *state = r;
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    assert_true(fd >= 0);
    assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof at), 0);
    setenv("NOTIFY_SOCKET", at.sun_path, 1);
    setenv("WATCHDOG_USEC", "200000", 1);
    rig_init(r, one_board, "", true);
    rig_package(r, (struct make_package){.name = "demand-w8", .task = "demand", .seed = 1});
    rig_start(r);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000);
    poll(NULL, 0, 350);
    assert_int_equal(rig_stop(r, SIGTERM), 0);
    unsetenv("NOTIFY_SOCKET");
    unsetenv("WATCHDOG_USEC");
    ssize_t n;
    size_t have = 0;
    int dogs = 0;
    while ((n = recv(fd, got, sizeof got - 1, 0)) > 0 && have + (size_t)n + 2 < sizeof all) {
        got[n] = '\0';
        dogs += strcmp(got, "WATCHDOG=1") == 0;
        have += (size_t)snprintf(all + have, sizeof all - have, "%s\n", got);
    }
    close(fd);
    unlink(at.sun_path);
    const char *ready = strstr(all, "READY=1"), *stopping = strstr(all, "STOPPING=1");
    assert_true(ready && stopping && ready < stopping);
    assert_non_null(strstr(all, "STATUS=1 of 1 boards serve"));
    assert_true(dogs >= 3);
}

// ---- what libzmq needs to be guarded against

static long resident_kib(pid_t pid)
{
    char path[64], text[4096];
    snprintf(path, sizeof path, "/proc/%d/status", (int)pid);
    FILE *f = fopen(path, "re");
    assert_non_null(f);
    size_t n = fread(text, 1, sizeof text - 1, f);
    text[n] = '\0';
    fclose(f);
    const char *at = strstr(text, "VmRSS:");
    return at ? strtol(at + 6, NULL, 10) : 0;
}

static int raw_connect(struct rig *r)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    snprintf(at.sun_path, sizeof at.sun_path, "%.100s", r->control + strlen("ipc://"));
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_true(fd >= 0);
    if (connect(fd, (struct sockaddr *)&at, sizeof at) == 0)
        return fd;
    close(fd);
    return -1;
}

static void garbage_and_silence_on_the_socket(void **state)
{
    struct rig *r = *state;
    struct rng rng;
    rng_init(&rng, 3);
    long before = resident_kib(r->pid);
    for (int i = 0; i < 1500; i++) {
        uint8_t bytes[256];
        int fd = raw_connect(r);
        assert_true(fd >= 0);
        size_t n = (size_t)rng_range(&rng, 0, sizeof bytes);
        for (size_t k = 0; k < n; k++)
            bytes[k] = (uint8_t)rng_u64(&rng);
        if (i % 3 == 0 && n > 12) // a ZMTP greeting to begin with, then noise
            memcpy(bytes, "\xff\0\0\0\0\0\0\0\x01\x7f\x03\0", 12);
        if (n && send(fd, bytes, n, MSG_NOSIGNAL) < 0) {
            // hung up on already
        }
        close(fd);
    }
    infer_and_check(r, "demand", "demand-w8", 19);
    int silent[200];
    for (int i = 0; i < 200; i++)
        silent[i] = raw_connect(r);
    infer_and_check(r, "demand", "demand-w8", 20);
    poll(NULL, 0, 2500); // dropped when their handshake takes over a second
    for (int i = 0; i < 200; i++) {
        char c[256];
        ssize_t got = silent[i] < 0 ? 0 : recv(silent[i], c, sizeof c, MSG_DONTWAIT);
        while (got > 0)
            got = recv(silent[i], c, sizeof c, MSG_DONTWAIT);
        if (got < 0)
            fail_msg("silent peer %d is still connected", i);
        if (silent[i] >= 0)
            close(silent[i]);
    }
    infer_and_check(r, "demand", "demand-w8", 21);
    assert_in_range(resident_kib(r->pid), 0, before + 32768 + sanitizer_kib);
}

static void flood_without_reading_is_bounded(void **state)
{
    struct rig *r = *state;
    static char junk[60000];
    long before = resident_kib(r->pid);
    void *d = rig_dealer(r);
    int hwm = 16, none = 0;
    zmq_setsockopt(d, ZMQ_RCVHWM, &hwm, sizeof hwm);
    zmq_setsockopt(d, ZMQ_SNDTIMEO, &none, sizeof none);
    memset(junk, '{', sizeof junk);
    uint64_t until = now_ns() + NS_PER_S;
    long sent = 0;
    while (now_ns() < until) { // each is answered by an error that nobody reads
        if (zmq_send(d, "", 0, ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0)
            continue;
        if (zmq_send(d, junk, sizeof junk, ZMQ_DONTWAIT) >= 0)
            sent++;
    }
    infer_and_check(r, "demand", "demand-w8", 22);
    print_message("flood of %ld messages: %ld KiB more\n", sent, resident_kib(r->pid) - before);
    assert_true(sent > 100);
    assert_in_range(resident_kib(r->pid), 0, before + 96 * 1024 + sanitizer_kib);
    rig_close(r, d);
}

static void same_routing_id_starves_only_its_owner(void **state)
{
    struct rig *r = *state;
    void *d[2];
    struct rig_reply p;
    for (int i = 0; i < 2; i++) {
        d[i] = zmq_socket(r->zmq, ZMQ_DEALER);
        int linger = 0;
        zmq_setsockopt(d[i], ZMQ_LINGER, &linger, sizeof linger);
        zmq_setsockopt(d[i], ZMQ_ROUTING_ID, "twin", 4);
        assert_int_equal(zmq_connect(d[i], r->control), 0);
        poll(NULL, 0, 100);
    }
    rig_send(d[0], "{\"verb\":\"server_live\"}", NULL, 0);
    assert_true(rig_recv(d[0], &p, 2000));
    rig_reply_fini(&p);
    rig_send(d[1], "{\"verb\":\"server_live\"}", NULL, 0);
    assert_false(rig_recv(d[1], &p, 300)); // known limit of a ROUTER without handover
    zmq_close(d[0]);
    zmq_close(d[1]);
    infer_and_check(r, "demand", "demand-w8", 23);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)

int main(int argc, char **argv)
{
    if (argc > 1) // one test, or a pattern
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        T(answers_like_the_golden_model),
        T(reply_has_stages_and_origin),
        T(bad_requests_name_the_field),
        T(malformed_messages_do_no_harm),
        T(metadata_index_and_statistics),
        T(swap_and_back),
        T(swaps_under_load_lose_nothing),
        T(failed_swap_restores_the_old_variant),
        T(wrong_answers_never_become_ready),
        T(deadlines_hold_when_the_board_hangs),
        T(many_deadlines_are_kept),
        T(deadlines_hold_during_a_swap),
        T(queue_is_bounded_and_cancel_works),
        T(dying_worker_is_replaced),
        T(killed_worker_attaches_without_reprogramming),
        T(frozen_worker_is_replaced),
        T(absent_board_gets_typed_errors),
        T(faults_are_retried_then_reprogrammed),
        T(unload_and_load),
        T(bad_packages_are_refused_by_name),
        T(reload_finds_new_packages),
        T(front_end_killed_finds_its_board),
        T(sigterm_ends_cleanly),
        T(second_daemon_is_refused),
        cmocka_unit_test_setup_teardown(infer_socket_takes_no_control, setup_roles, teardown),
        cmocka_unit_test_teardown(systemd_is_told, teardown),
        T(garbage_and_silence_on_the_socket),
        T(flood_without_reading_is_bounded),
        T(same_routing_id_starves_only_its_owner),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
