// SPDX-License-Identifier: Apache-2.0
// Routes in the whole front end, as a process, against stand-in workers.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/sched.h"
#include "daemon/test/rig.h"
#include "tools/model/variant.h"

static const char one_board[] = RIG_BOARD
    "[route fixed]\nvariants = demand-w8:3, demand-w4:1\n"
    "[route swapping]\nvariants = demand-w8:1, demand-w4:1\nswap = yes\ndwell_ms = 300\n"
    "[route keyed]\nvariants = demand-w8:1, demand-w4:1\nswap = yes\nsticky = yes\ndwell_ms = 0\n"
    "[route mirrored]\nvariants = demand-w8\nmirror = demand-w4\n";

static int setup(void **state)
{
    return rig_ready(rig_standin(state, one_board, ""));
}

static const char *variant_of(const struct rig_reply *p)
{
    const char *v =
        json_string_value(json_object_get(json_object_get(p->header, "parameters"), "variant"));
    return v ? v : "";
}

// The row of a route; a new reference.
static json_t *route_row(struct rig *r, const char *name)
{
    struct rig_reply p = rig_call(r, "{\"verb\":\"routes\"}", NULL, 0);
    size_t i;
    json_t *row, *found = NULL;
    json_array_foreach(json_object_get(p.header, "routes"), i,
                       row) if (strcmp(json_string_value(json_object_get(row, "name")), name) == 0)
        found = json_incref(row);
    rig_reply_fini(&p);
    assert_non_null(found);
    return found;
}

static json_int_t counted(json_t *row, int arm, const char *what)
{
    json_t *a = json_array_get(json_object_get(row, "variants"), (size_t)arm);
    return json_integer_value(json_object_get(json_object_get(a, what), "count"));
}

// Without leave to swap, the arm that is on no board is refused, the other is served.
static void a_route_that_may_not_swap(void **state)
{
    struct rig *r = *state;
    double window[24];
    int served = 0, refused = 0;
    struct variant *v = rig_variant(r, "demand-w8");
    for (int i = 0; i < 60; i++) {
        rig_random_window((uint64_t)i, window, 24);
        struct rig_reply p = rig_infer(r, "fixed", window, 24, 1, 2000);
        if (*rig_code(&p)) {
            assert_string_equal(rig_code(&p), "NOT_READY");
            refused++;
        } else {
            rig_check_golden(v, window, &p);
            assert_string_equal(json_string_value(json_object_get(p.header, "model_name")),
                                "fixed");
            served++;
        }
        rig_reply_fini(&p);
    }
    variant_free(v);
    assert_in_range(served, 30, 58); // 45 are due
    json_t *row = route_row(r, "fixed");
    assert_int_equal(counted(row, 0, "success"), served);
    assert_int_equal(counted(row, 1, "success"), 0);
    assert_int_equal(json_integer_value(json_object_get(row, "swaps")), 0);
    json_decref(row);
}

// All requests are answered, by both arms, and the board is swapped seldom.
static void a_route_that_swaps(void **state)
{
    struct rig *r = *state;
    enum { REQUESTS = 60 };
    char header[512];
    double window[24];
    int of[2] = {0};
    rig_random_window(1, window, 24);
    struct variant *v[2] = {rig_variant(r, "demand-w8"), rig_variant(r, "demand-w4")};
    void *d = rig_dealer(r);
    uint64_t begin = now_ns();
    for (int i = 0; i < REQUESTS; i++) {
        rig_infer_header(header, sizeof header, "swapping", "x", 24, 1, 20000);
        rig_send(d, header, window, sizeof window);
        poll(NULL, 0, 20); // 1.2 s of requests for both arms
    }
    for (int i = 0; i < REQUESTS; i++) {
        struct rig_reply p;
        assert_true(rig_recv(d, &p, 20000));
        assert_string_equal(rig_code(&p), "");
        int arm = strcmp(variant_of(&p), "demand-w4") == 0;
        rig_check_golden(v[arm], window, &p); // no answer from the wrong variant
        of[arm]++;
        rig_reply_fini(&p);
    }
    uint64_t took = now_ns() - begin;
    rig_close(r, d);
    variant_free(v[0]);
    variant_free(v[1]);
    assert_true(of[0] >= 15 && of[1] >= 15);
    json_t *row = route_row(r, "swapping");
    json_int_t swaps = json_integer_value(json_object_get(row, "swaps"));
    assert_in_range(swaps, 1, 2 + took / (300 * NS_PER_MS));
    assert_int_equal(counted(row, 0, "success"), of[0]);
    assert_int_equal(counted(row, 1, "success"), of[1]);
    json_decref(row);
}

static void a_key_sticks(void **state)
{
    struct rig *r = *state;
    double window[24];
    char header[512], first[8][64];
    int of_w4 = 0;
    rig_random_window(1, window, 24);
    for (int round = 0; round < 2; round++)
        for (int k = 0; k < 8; k++) {
            snprintf(header, sizeof header,
                     "{\"verb\":\"infer\",\"model_name\":\"keyed\",\"parameters\":{\"deadline_ms\":"
                     "20000,\"key\":\"client %d\"},\"inputs\":[{\"name\":\"window\",\"shape\":[24,"
                     "1],\"datatype\":\"FP64\"}]}",
                     k);
            struct rig_reply p = rig_call(r, header, window, sizeof window);
            assert_string_equal(rig_code(&p), "");
            if (round)
                assert_string_equal(variant_of(&p), first[k]);
            snprintf(first[k], sizeof first[k], "%s", variant_of(&p));
            of_w4 += strcmp(first[k], "demand-w4") == 0;
            rig_reply_fini(&p);
        }
    assert_in_range(of_w4, 2, 14);
}

// A swap that fails ends those that wait, and is not tried again at once.
static void an_arm_that_does_not_come_up(void **state)
{
    struct rig *r = *state;
    double window[24];
    int failed = 0;
    rig_random_window(1, window, 24);
    rig_say(r, "fail=program demand-w4");
    for (int i = 0; i < 20; i++) {
        struct rig_reply p = rig_infer(r, "swapping", window, 24, 1, 20000);
        if (*rig_code(&p)) {
            assert_string_equal(rig_code(&p), "SWAP_FAILED");
            assert_non_null(strstr(rig_message(&p), "demand-w4 did not come up"));
            failed++;
        } else {
            assert_string_equal(variant_of(&p), "demand-w8");
        }
        rig_reply_fini(&p);
    }
    assert_in_range(failed, 3, 17);
    json_t *row = route_row(r, "swapping");
    assert_int_equal(json_integer_value(json_object_get(row, "swaps")), 1);
    assert_int_equal(counted(row, 1, "fail") > 0, 1);
    json_decref(row);
    rig_say(r, "");
}

// One board: the mirror is on none, every shadow is skipped and told.
static void a_mirror_that_is_away(void **state)
{
    struct rig *r = *state;
    double window[24];
    rig_random_window(1, window, 24);
    for (int i = 0; i < 5; i++) {
        struct rig_reply p = rig_infer(r, "mirrored", window, 24, 1, 2000);
        assert_string_equal(rig_code(&p), "");
        rig_reply_fini(&p);
    }
    json_t *row = route_row(r, "mirrored"), *m = json_object_get(row, "mirrored");
    assert_int_equal(json_integer_value(json_object_get(m, "skipped")), 5);
    assert_string_equal(json_string_value(json_object_get(m, "skip_reason")),
                        "demand-w4 is on no board");
    assert_int_equal(json_integer_value(json_object_get(m, "count")), 0);
    json_decref(row);
}

// One board, and leave to swap it for the mirror: after a moment without requests the answers that
// were kept are computed again, then the board serves as before, in bounded time for whoever comes.
static int setup_trips(void **state)
{
    struct rig *r = rig_standin(
        state,
        "[board lab0]\nserial = VB0001\nvariant = demand-w8\nallow_virtual = yes\n"
        "[route mirrored]\nvariants = demand-w8\nmirror = demand-w4\nmirror_swap_s = 1\n",
        "");
    rig_ready(r);
    return 0;
}

static json_int_t mirrored(struct rig *r, const char *what)
{
    json_t *row = route_row(r, "mirrored");
    json_int_t n = json_integer_value(json_object_get(json_object_get(row, "mirrored"), what));
    json_decref(row);
    return n;
}

static void wait_mirrored(struct rig *r, const char *what, json_int_t count)
{
    uint64_t until = now_ns() + 10 * NS_PER_S;
    while (mirrored(r, what) < count) {
        assert_true(now_ns() < until);
        poll(NULL, 0, 5);
    }
}

static void ask_golden(struct rig *r, const struct variant *v, const char *model, uint64_t seed)
{
    double window[24];
    rig_random_window(seed, window, 24);
    struct rig_reply p = rig_infer(r, model, window, 24, 1, 8000);
    assert_string_equal(rig_code(&p), "");
    rig_check_golden(v, window, &p); // never the mirror's answer
    rig_reply_fini(&p);
}

static void a_mirror_on_the_only_board(void **state)
{
    struct rig *r = *state;
    struct variant *v = rig_variant(r, "demand-w8");
    for (uint64_t i = 0; i < 5; i++)
        ask_golden(r, v, "mirrored", i);
    wait_mirrored(r, "count", 5);
    assert_int_equal(mirrored(r, "skipped"), 0);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000);
    assert_int_equal(mirrored(r, "swaps"), 1);
    assert_int_equal(mirrored(r, "waiting"), 0);
    assert_true(mirrored(r, "different") > 0);
    // Again not within the second that the configuration says.
    ask_golden(r, v, "mirrored", 9);
    wait_mirrored(r, "count", 6);
    assert_int_equal(mirrored(r, "swaps"), 2);
    // Requests for the route, the task and the variant come all through further trips.
    static const char *const models[] = {"mirrored", "demand", "demand-w8"};
    uint64_t begin = now_ns(), until = begin + 4 * NS_PER_S;
    for (uint64_t i = 0; now_ns() < until; i++) {
        ask_golden(r, v, models[i % 3], i);
        poll(NULL, 0, i % 4 == 3 ? 260 : 30); // now and then the board is quiet for long enough
    }
    json_int_t swaps = mirrored(r, "swaps");
    assert_in_range(swaps, 4, 3 + (now_ns() - begin) / NS_PER_S + 1);
    assert_int_equal(mirrored(r, "skipped"), 0);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000);
    variant_free(v);
}

// A mirror that does not come up: the board serves as before, the answers are skipped, it is told.
static void a_mirror_that_does_not_come_up(void **state)
{
    struct rig *r = *state;
    struct variant *v = rig_variant(r, "demand-w8");
    rig_say(r, "fail=program demand-w4");
    ask_golden(r, v, "mirrored", 1);
    wait_mirrored(r, "skipped", 1);
    json_t *row = route_row(r, "mirrored");
    const char *why =
        json_string_value(json_object_get(json_object_get(row, "mirrored"), "skip_reason"));
    assert_non_null(strstr(why, "demand-w4 did not come up"));
    json_decref(row);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 5000);
    ask_golden(r, v, "mirrored", 2);
    variant_free(v);
}

// The front end dies while the mirror is on the board: the next one puts back what served.
static void a_kill_on_the_way(void **state)
{
    struct rig *r = *state;
    struct variant *v = rig_variant(r, "demand-w8");
    ask_golden(r, v, "mirrored", 1);
    rig_say(r, "slow=300"); // golden windows, then the shadow that keeps it there
    rig_wait_board(r, "lab0", "READY", "demand-w4", 8000);
    rig_stop(r, SIGKILL);
    rig_say(r, "");
    rig_start(r);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 8000);
    ask_golden(r, v, "demand", 2);
    variant_free(v);
}

static int setup_two(void **state)
{
    char boards[1024];
    // Stand-ins share their state, so that both boards must be told what to run.
    snprintf(boards, sizeof boards,
             "%s[board lab1]\nserial = VB0002\nvariant = demand-w4\nallow_virtual = yes\n",
             one_board);
    struct rig *r = rig_standin(state, boards, "");
    rig_ready(r);
    rig_wait_board(r, "lab1", "READY", "demand-w4", 5000);
    return 0;
}

// Two boards: the answer is demand-w8's, the shadow demand-w4's, and the difference is what the
// models make of it.
static void a_mirror_on_another_board(void **state)
{
    struct rig *r = *state;
    double window[24], sum = 0, most = 0;
    struct variant *v[2] = {rig_variant(r, "demand-w8"), rig_variant(r, "demand-w4")};
    int different = 0;
    uint64_t until = now_ns() + 5 * NS_PER_S;
    json_t *row, *m;
    for (int i = 0; i < 20; i++) {
        double y[2];
        rig_random_window((uint64_t)i, window, 24);
        struct rig_reply p = rig_infer(r, "mirrored", window, 24, 1, 2000);
        rig_check_golden(v[0], window, &p);
        rig_reply_fini(&p);
        for (int k = 0; k < 2; k++) {
            int8_t codes[24];
            int saturated;
            struct model_trace *trace = model_trace_new(&v[k]->model->shape);
            variant_encode(v[k], window, codes, &saturated);
            model_run(v[k]->model, codes, trace);
            variant_decode(v[k], model_trace_get(trace, MODEL_Y, 0), &y[k]);
            model_trace_free(trace);
        }
        double difference = y[0] > y[1] ? y[0] - y[1] : y[1] - y[0];
        sum += difference;
        most = difference > most ? difference : most;
        different += difference > 0;
        for (;;) { // one after the other: none is skipped
            row = route_row(r, "mirrored");
            m = json_object_get(row, "mirrored");
            bool there = json_integer_value(json_object_get(m, "count")) == i + 1;
            json_decref(row);
            if (there)
                break;
            assert_true(now_ns() < until);
            poll(NULL, 0, 2);
        }
    }
    row = route_row(r, "mirrored");
    m = json_object_get(row, "mirrored");
    double mean = json_number_value(json_object_get(m, "mean_difference"));
    assert_true(mean > 0.999999 * sum / 20 && mean < 1.000001 * sum / 20);
    assert_true(json_number_value(json_object_get(m, "max_difference")) == most);
    assert_int_equal(json_integer_value(json_object_get(m, "different")), different);
    assert_int_equal(json_integer_value(json_object_get(m, "skipped")), 0);
    assert_true(different > 0);
    json_decref(row);
    variant_free(v[0]);
    variant_free(v[1]);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, rig_teardown)
    const struct CMUnitTest tests[] = {
        TEST(a_route_that_may_not_swap),
        TEST(a_route_that_swaps),
        TEST(a_key_sticks),
        TEST(an_arm_that_does_not_come_up),
        TEST(a_mirror_that_is_away),
        cmocka_unit_test_setup_teardown(a_mirror_on_the_only_board, setup_trips, rig_teardown),
        cmocka_unit_test_setup_teardown(a_mirror_that_does_not_come_up, setup_trips, rig_teardown),
        cmocka_unit_test_setup_teardown(a_kill_on_the_way, setup_trips, rig_teardown),
        cmocka_unit_test_setup_teardown(a_mirror_on_another_board, setup_two, rig_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
