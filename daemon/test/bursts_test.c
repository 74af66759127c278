// SPDX-License-Identifier: Apache-2.0
// Bursts through the front end, against a stand-in worker: how they end, and that others do not
// wait for longer than they can.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <poll.h>
#include <stdio.h>
#include <string.h>

#include "daemon/sched.h"
#include "daemon/test/rig.h"

static const char one_board[] = RIG_BOARD "burst_max_s = 1\n";

static const double window[24];

static int setup(void **state)
{
    return rig_ready(rig_standin(state, one_board, ""));
}

static void header_of(char out[512], const char *id, const char *burst, int deadline_ms)
{
    snprintf(out, 512,
             "{\"verb\":\"infer\",\"id\":\"%s\",\"model_name\":\"demand\",\"parameters\":{"
             "\"deadline_ms\":%d%s%s},\"inputs\":[{\"name\":\"window\",\"shape\":[24,1],"
             "\"datatype\":\"FP64\"}]}",
             id, deadline_ms, *burst ? "," : "", burst);
}

static void *sent(struct rig *r, const char *burst, int deadline_ms)
{
    char header[512];
    void *d = rig_dealer(r);
    header_of(header, "b", burst, deadline_ms);
    rig_send(d, header, window, sizeof window);
    return d;
}

static json_t *burst_of(const struct rig_reply *p)
{
    if (*rig_code(p))
        fail_msg("%s: %s", rig_code(p), rig_message(p));
    json_t *b = json_object_get(json_object_get(p->header, "parameters"), "burst");
    assert_non_null(b);
    return b;
}

// The answer comes in time, and says that the burst ended so, with that many runs.
static void expect_end(struct rig *r, void *d, const char *end, int low, int high)
{
    struct rig_reply p;
    assert_true(rig_recv(d, &p, 8000));
    json_t *b = burst_of(&p);
    assert_string_equal(json_string_value(json_object_get(b, "end")), end);
    assert_in_range(json_integer_value(json_object_get(b, "runs")), low, high);
    rig_reply_fini(&p);
    rig_close(r, d);
}

static void expect_code(struct rig *r, void *d, const char *code, const char *words)
{
    struct rig_reply p;
    assert_true(rig_recv(d, &p, 8000));
    assert_string_equal(rig_code(&p), code);
    if (!strstr(rig_message(&p), words))
        fail_msg("\"%s\" does not say \"%s\"", rig_message(&p), words);
    rig_reply_fini(&p);
    rig_close(r, d);
}

static void all_of_it_is_done(void **state)
{
    struct rig *r = *state;
    struct rig_reply p;
    void *d = sent(r, "\"repeat\":50", 5000);
    assert_true(rig_recv(d, &p, 5000));
    json_t *b = burst_of(&p), *energy;
    assert_int_equal(json_integer_value(json_object_get(b, "runs")), 50);
    assert_int_equal(json_integer_value(json_object_get(b, "cycles")), 50 * 1234);
    assert_string_equal(json_string_value(json_object_get(b, "end")), "done");
    energy = json_object_get(json_object_get(p.header, "parameters"), "energy");
    assert_string_equal(json_string_value(json_object_get(energy, "reason")), "no power monitor");
    rig_reply_fini(&p);
    rig_close(r, d);
    expect_end(r, sent(r, "\"burst_s\":0.1", 5000), "done", 100, 100);
    expect_end(r, sent(r, "\"repeat\":30,\"burst_s\":1", 5000), "done", 30, 30);
}

static void the_deadline_ends_it_before(void **state)
{
    expect_end(*state, sent(*state, "\"repeat\":100000", 800), "deadline", 200, 800);
}

static void the_daemon_has_a_longest_one(void **state)
{
    struct rig *r = *state;
    expect_end(r, sent(r, "\"repeat\":100000", 8000), "limit", 900, 2600);
    expect_code(r, sent(r, "\"burst_s\":1.5", 8000), "BAD_REQUEST", "above 1 s");
}

// A request that would not be answered in its own time ends the burst; one that has time waits.
static void it_yields_to_who_cannot_wait(void **state)
{
    struct rig *r = *state;
    void *burst = sent(r, "\"repeat\":1000000", 8000);
    poll(NULL, 0, 100);
    uint64_t begin = now_ns();
    struct rig_reply p = rig_infer(r, "demand", window, 24, 1, 1000);
    assert_string_equal(rig_code(&p), "");
    assert_in_range((now_ns() - begin) / NS_PER_MS, 400, 1000);
    rig_reply_fini(&p);
    expect_end(r, burst, "yielded", 400, 1200);
}

static void a_swap_ends_it(void **state)
{
    struct rig *r = *state;
    void *burst = sent(r, "\"repeat\":1000000", 8000);
    poll(NULL, 0, 100);
    struct rig_reply p = rig_load(r, "demand-w4", NULL, 5000);
    assert_string_equal(rig_code(&p), "");
    rig_reply_fini(&p);
    expect_end(r, burst, "yielded", 50, 1500);
}

static void a_cancel_frees_the_board(void **state)
{
    struct rig *r = *state;
    void *burst = sent(r, "\"repeat\":1000000", 8000);
    poll(NULL, 0, 100);
    struct rig_reply p =
        rig_call(r, "{\"verb\":\"cancel\",\"parameters\":{\"request_id\":\"b\"}}", NULL, 0);
    assert_int_equal(json_integer_value(json_object_get(p.header, "canceled")), 1);
    rig_reply_fini(&p);
    expect_code(r, burst, "CANCELED", "");
    uint64_t begin = now_ns();
    p = rig_infer(r, "demand", window, 24, 1, 3000);
    assert_string_equal(rig_code(&p), "");
    assert_in_range((now_ns() - begin) / NS_PER_MS, 0, 700);
    rig_reply_fini(&p);
}

// Said once: the board goes on, it is not tried again and nothing is programmed.
static void an_old_design_refuses(void **state)
{
    struct rig *r = *state;
    rig_say(r, "old");
    for (int i = 0; i < 3; i++)
        expect_code(r, sent(r, "\"repeat\":10", 3000), "BAD_REQUEST", "knows no bursts");
    json_t *row = rig_board(r, "lab0");
    assert_string_equal(json_string_value(json_object_get(row, "state")), "READY");
    json_decref(row);
    struct rig_reply p = rig_infer(r, "demand", window, 24, 1, 3000);
    assert_string_equal(rig_code(&p), "");
    rig_reply_fini(&p);
}

// A fault is the answer: a burst is not run again.
static void a_fault_is_told_once(void **state)
{
    struct rig *r = *state;
    rig_say(r, "fault");
    expect_code(r, sent(r, "\"repeat\":10", 3000), "DEVICE_FAULT", "told to fault");
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(all_of_it_is_done),
        T(the_deadline_ends_it_before),
        T(the_daemon_has_a_longest_one),
        T(it_yields_to_who_cannot_wait),
        T(a_swap_ends_it),
        T(a_cancel_frees_the_board),
        T(an_old_design_refuses),
        T(a_fault_is_told_once),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
