// SPDX-License-Identifier: Apache-2.0
// The whole daemon, its real worker, libftdi1, libusb and openFPGALoader, against virtual boards
// with the golden engine.
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
#include "tests/support/random.h"
#include "tools/model/variant.h"

static const char one_board[] = RIG_BOARD "answer_timeout_ms = 300\n"
                                          "program_timeout_ms = 4000\n";

static struct rig *world(void **state, const char *boards, const char *const *more)
{
    struct rig *r = calloc(1, sizeof *r);
    assert_non_null(r);
    *state = r;
    rig_init(r, boards, "", false);
    rig_package(r, (struct make_package){.name = "demand-w8", .task = "demand", .seed = 1});
    rig_package(r,
                (struct make_package){.name = "demand-w4", .task = "demand", .seed = 2, .bits = 4});
    rig_world(r, more);
    return r;
}

static int setup(void **state)
{
    return rig_ready(world(state, one_board, NULL));
}

static int setup_two(void **state)
{
    static const char *const more[] = {"--board", "VB0001", "--board", "VB0002", NULL};
    struct rig *r = world(state,
                          "[board a]\nserial = VB0001\nvariant = demand-w8\nallow_virtual = yes\n"
                          "[board b]\nserial = VB0002\nvariant = demand-w4\nallow_virtual = yes\n",
                          more);
    rig_start(r);
    rig_wait_board(r, "a", "READY", "demand-w8", 8000);
    rig_wait_board(r, "b", "READY", "demand-w4", 8000);
    return 0;
}

static int setup_metered(void **state)
{
    return rig_ready(world(state,
                           RIG_BOARD "meter = pac1934\nmeter_serial = VB0001P\n"
                                     "rails = FPGA_1V0:0.82, FPGA_1V8:0.82\n",
                           NULL));
}

static int setup_refusing(void **state)
{
    rig_start(world(state, "[board lab0]\nserial = VB0001\nvariant = demand-w8\n", NULL));
    return 0;
}

// Whichever variant of the task serves, its answer must be right.
static void infer_and_check_any(struct rig *r, uint64_t seed)
{
    double window[24];
    rig_random_window(seed, window, 24);
    struct rig_reply p = rig_infer(r, "demand", window, 24, 1, 8000);
    const char *name =
        json_string_value(json_object_get(json_object_get(p.header, "parameters"), "variant"));
    if (!name)
        fail_msg("%s: %s", rig_code(&p), rig_message(&p));
    struct variant *v = rig_variant(r, name);
    rig_check_golden(v, window, &p);
    variant_free(v);
    rig_reply_fini(&p);
}

static json_int_t board_number(struct rig *r, const char *board, const char *key)
{
    json_t *row = rig_board(r, board);
    json_int_t n = json_integer_value(json_object_get(row, key));
    json_decref(row);
    return n;
}

static void expect_load(struct rig *r, const char *variant, const char *code)
{
    struct rig_reply p = rig_load(r, variant, NULL, 20000);
    if (strcmp(rig_code(&p), code) != 0)
        fail_msg("load %s: %s: %s", variant, rig_code(&p), rig_message(&p));
    rig_reply_fini(&p);
}

static void answers_like_the_golden_model(void **state)
{
    for (uint64_t seed = 0; seed < 50; seed++)
        rig_infer_golden(*state, seed % 2 ? "demand" : "demand-w8", "demand-w8", seed);
}

static void has_text(json_t *object, const char *key, const char *text)
{
    const char *is = json_string_value(json_object_get(object, key));
    assert_string_equal(is ? is : "(none)", text);
}

// One inference is too short to be measured; the power of the board at rest stands beside it.
static void replies_say_why_they_have_no_energy(void **state)
{
    json_t *idle = NULL;
    double window[24];
    rig_random_window(1, window, 24);
    for (int i = 0; i < 5 && !idle; i++) {
        struct rig_reply p = rig_infer(*state, "demand", window, 24, 1, 4000);
        json_t *energy = json_object_get(json_object_get(p.header, "parameters"), "energy");
        idle = json_incref(json_object_get(energy, "idle"));
        if (idle)
            has_text(energy, "reason", "the window is too short");
        rig_reply_fini(&p);
        if (!idle)
            poll(NULL, 0, 2500); // a whole window without work
    }
    assert_non_null(idle);
    has_text(idle, "origin", "virtual");
    json_t *rails = json_object_get(idle, "rails");
    assert_int_equal(json_array_size(rails), 2);
    has_text(json_array_get(rails, 1), "name", "FPGA_1V8");
    double watt = json_real_value(json_object_get(json_array_get(rails, 1), "watt"));
    assert_float_equal(watt, 0.022, 0.0003); // docs/power-model.md
    json_decref(idle);
}

static void send_windows(void *dealer, double (*windows)[24], int from, int to)
{
    for (int i = from; i < to; i++) {
        char header[512], id[16];
        snprintf(id, sizeof id, "%d", i);
        rig_random_window((uint64_t)i, windows[i], 24);
        rig_infer_header(header, sizeof header, "demand", id, 24, 1, 20000);
        rig_send(dealer, header, windows[i], sizeof windows[i]);
    }
}

// Takes answers until all of n are there; each must be right for the variant it names.
static void take_answers(struct rig *r, void *dealer, double (*windows)[24], int n, int by[2])
{
    struct variant *v[2] = {rig_variant(r, "demand-w8"), rig_variant(r, "demand-w4")};
    struct rig_reply p;
    for (int answered = 0; answered < n; answered++) {
        assert_true(rig_recv(dealer, &p, 10000));
        assert_string_equal(rig_code(&p), "");
        int i = (int)strtol(json_string_value(json_object_get(p.header, "id")), NULL, 10);
        const char *version = json_string_value(json_object_get(p.header, "model_version"));
        int which = strcmp(version, v[0]->hash_hex) != 0;
        rig_check_golden(v[which], windows[i], &p);
        by[which]++;
        rig_reply_fini(&p);
    }
    variant_free(v[0]);
    variant_free(v[1]);
}

static void swaps_under_load_lose_nothing(void **state)
{
    struct rig *r = *state;
    enum { SWAPS = 6, BURST = 40, ALL = SWAPS * BURST };
    static double windows[ALL][24];
    int by[2] = {0, 0};
    void *d = rig_dealer(r);
    for (int s = 0; s < SWAPS; s++) {
        send_windows(d, windows, s * BURST, (s + 1) * BURST);
        expect_load(r, s % 2 ? "demand-w8" : "demand-w4", "");
    }
    take_answers(r, d, windows, ALL, by);
    assert_int_equal(by[0] + by[1], ALL);
    assert_true(by[0] > 0);
    rig_close(r, d);
    rig_infer_golden(r, "demand-w8", "demand-w8", 1);
    assert_int_equal(board_number(r, "lab0", "swaps"), SWAPS + 1);
}

static void done_stuck_low_restores_the_old_variant(void **state)
{
    struct rig *r = *state;
    void *d = rig_dealer(r);
    struct rig_reply p;
    rig_ctl(r, "done-low", "on", NULL);
    rig_send(d, "{\"verb\":\"load\",\"model_name\":\"demand-w4\"}", NULL, 0);
    for (uint64_t until = now_ns() + 5 * NS_PER_S;
         ;) { // the fault goes while the old one is put back
        json_t *row = rig_board(r, "lab0");
        const char *reason = json_string_value(json_object_get(row, "reason"));
        bool restoring = reason && strstr(reason, "restoring");
        json_decref(row);
        if (restoring)
            break;
        assert_true(now_ns() < until);
    }
    rig_ctl(r, "done-low", "off", NULL);
    assert_true(rig_recv(d, &p, 8000));
    assert_string_equal(rig_code(&p), "SWAP_FAILED");
    assert_non_null(strstr(rig_message(&p), "DONE stays low"));
    rig_reply_fini(&p);
    rig_close(r, d);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 10000);
    rig_infer_golden(r, "demand-w8", "demand-w8", 2);
}

static void lasting_fault_heals_when_it_goes(void **state)
{
    struct rig *r = *state;
    double window[24] = {0};
    rig_ctl(r, "wrong-idcode", "on", NULL); // refused before the FPGA is touched
    expect_load(r, "demand-w4", "SWAP_FAILED");
    rig_infer_golden(r, "demand", "demand-w8", 3);
    rig_ctl(r, "wrong-idcode", "off", NULL);
    rig_ctl(r, "done-low", "on", NULL);
    expect_load(r, "demand-w4", "SWAP_FAILED");
    rig_wait_board(r, "lab0", "FAULT", NULL, 1000);
    struct rig_reply p = rig_infer(r, "demand", window, 24, 1, 1000);
    assert_string_equal(rig_code(&p), "DEVICE_FAULT");
    rig_reply_fini(&p);
    rig_ctl(r, "done-low", "off", NULL);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 10000);
    rig_infer_golden(r, "demand", "demand-w8", 3);
}

static void loader_that_hangs_is_stopped(void **state)
{
    struct rig *r = *state;
    rig_ctl(r, "mpsse-mute", "on", NULL);
    expect_load(r, "demand-w4", "SWAP_FAILED");
    rig_ctl(r, "mpsse-mute", "off", NULL);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 10000);
    rig_infer_golden(r, "demand", "demand-w8", 4);
}

static void killed_worker_attaches_without_reprogramming(void **state)
{
    struct rig *r = *state;
    enum { ALL = 60 };
    static double windows[ALL][24];
    int by[2] = {0, 0};
    void *d = rig_dealer(r);
    for (int i = 0; i < 3; i++) {
        send_windows(d, windows, i * 20, (i + 1) * 20);
        pid_t pid = rig_worker_pid(r, "lab0");
        assert_true(pid > 0);
        kill(pid, SIGKILL);
        poll(NULL, 0, 300);
    }
    take_answers(r, d, windows, ALL, by); // those in flight ran again on the next worker
    rig_close(r, d);
    assert_int_equal(board_number(r, "lab0", "swaps"), 1);
    assert_int_equal(board_number(r, "lab0", "restarts"), 3);
}

static void front_end_killed_finds_its_board(void **state)
{
    struct rig *r = *state;
    expect_load(r, "demand-w4", "");
    assert_int_equal(rig_stop(r, SIGKILL), -SIGKILL);
    rig_start(r);
    rig_wait_board(r, "lab0", "READY", "demand-w4", 8000);
    assert_int_equal(board_number(r, "lab0", "swaps"), 0);
    rig_infer_golden(r, "demand", "demand-w4", 5);
}

static void replugged_board_serves_within_a_second(void **state)
{
    struct rig *r = *state;
    double window[24] = {0};
    for (int i = 0; i < 4; i++) {
        rig_ctl(r, "unplug", i % 2 ? "powered" : NULL, NULL);
        rig_wait_board(r, "lab0", "ABSENT", NULL, 1000);
        rig_ctl(r, "replug", NULL);
        uint64_t begin = now_ns();
        struct rig_reply p = {0};
        do {
            rig_reply_fini(&p);
            p = rig_infer(r, "demand", window, 24, 1, 1000);
        } while (*rig_code(&p) && now_ns() - begin < 5 * NS_PER_S);
        uint64_t ms = (now_ns() - begin) / NS_PER_MS;
        assert_string_equal(rig_code(&p), "");
        rig_reply_fini(&p);
        print_message("served %llu ms after its return, %s\n", (unsigned long long)ms,
                      i % 2 ? "still configured" : "configured anew");
        // A second is promised; sanitizers and other builds beside us get another.
        assert_in_range(ms, 0, 2000);
    }
}

static void unplugged_while_programming(void **state)
{
    struct rig *r = *state;
    void *d = rig_dealer(r);
    struct rig_reply p;
    rig_send(d, "{\"verb\":\"load\",\"model_name\":\"demand-w4\"}", NULL, 0);
    rig_wait_board(r, "lab0", "PROGRAMMING", NULL, 2000);
    rig_ctl(r, "unplug", NULL);
    assert_true(rig_recv(d, &p, 8000));
    assert_true(strcmp(rig_code(&p), "DEVICE_LOST") == 0 ||
                strcmp(rig_code(&p), "SWAP_FAILED") == 0);
    rig_reply_fini(&p);
    rig_close(r, d);
    rig_wait_board(r, "lab0", "ABSENT", NULL, 3000);
    rig_ctl(r, "replug", NULL);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 10000);
    rig_infer_golden(r, "demand", "demand-w8", 6);
}

static void deadline_holds(struct rig *r, int deadline_ms)
{
    double window[24] = {0};
    struct rig_reply p = rig_infer(r, "demand", window, 24, 1, deadline_ms);
    assert_string_equal(rig_code(&p), "DEADLINE");
    assert_in_range(p.elapsed_ns / 1000, (uint64_t)deadline_ms * 1000,
                    (uint64_t)deadline_ms * 1000 + 100000);
    rig_reply_fini(&p);
}

static void wedged_engine_keeps_deadlines_and_is_reprogrammed(void **state)
{
    struct rig *r = *state;
    rig_ctl(r, "engine", "wedge", NULL);
    deadline_holds(r, 50);
    deadline_holds(r, 200);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 10000);
    rig_infer_golden(r, "demand", "demand-w8", 7);
    rig_ctl(r, "engine", "kill", NULL);
    double window[24] = {0};
    struct rig_reply p = rig_infer(r, "demand", window, 24, 1, 10000); // waits for the new one
    assert_string_equal(rig_code(&p), "");
    rig_reply_fini(&p);
}

static void disturbed_link_recovers(void **state)
{
    struct rig *r = *state;
    static const char *const what[] = {"lose", "corrupt", "insert"};
    static const char *const where[] = {"to-device", "to-host"};
    for (int i = 0; i < 6; i++) {
        rig_ctl(r, "fifo", what[i / 2], where[i % 2], "7", NULL);
        double window[24] = {0};
        struct rig_reply p = rig_infer(r, "demand", window, 24, 1, 8000);
        assert_string_equal(rig_code(&p), ""); // it ran again
        rig_reply_fini(&p);
        rig_infer_golden(r, "demand", "demand-w8", 8);
    }
}

// A colleague's openFPGALoader: no answer of the other design may pass for one of ours.
static void programmed_behind_our_back_is_noticed(void **state)
{
    struct rig *r = *state;
    enum { ALL = 3000 };
    static double windows[ALL][24];
    int good = 0, answered = 0;
    rig_program_behind(r, "VB0001", "demand-w4"); // while nothing is asked
    rig_infer_golden(r, "demand-w8", "demand-w8", 9);
    void *d = rig_dealer(r);
    for (int i = 0; i < ALL; i += 100) { // and under load
        send_windows(d, windows, i, i + 100);
        if (i == ALL / 2)
            rig_program_behind(r, "VB0001", "demand-w4");
        poll(NULL, 0, 10);
    }
    struct rig_reply p;
    struct variant *v = rig_variant(r, "demand-w8");
    for (; answered < ALL && rig_recv(d, &p, 5000); answered++) {
        if (!*rig_code(&p)) {
            int i = (int)strtol(json_string_value(json_object_get(p.header, "id")), NULL, 10);
            rig_check_golden(v, windows[i], &p);
            good++;
        }
        rig_reply_fini(&p);
    }
    variant_free(v);
    assert_int_equal(answered, ALL); // some may have found the queue full
    assert_true(good > 256);
    rig_close(r, d);
    rig_wait_board(r, "lab0", "READY", "demand-w8", 8000);
    rig_infer_golden(r, "demand-w8", "demand-w8", 9);
}

// Any of the two processes, at any moment of serving, swapping and coming up.
static void killed_at_any_moment_it_recovers(void **state)
{
    struct rig *r = *state;
    struct rng rng;
    rng_init(&rng, 5);
    for (int i = 0; i < 12; i++) {
        void *d = rig_dealer(r);
        const char *load = i % 2 ? "{\"verb\":\"load\",\"model_name\":\"demand-w8\"}"
                                 : "{\"verb\":\"load\",\"model_name\":\"demand-w4\"}";
        rig_send(d, load, NULL, 0);
        poll(NULL, 0, (int)rng_range(&rng, 0, 400));
        if (i % 3 == 2) {
            assert_int_equal(rig_stop(r, SIGKILL), -SIGKILL);
            rig_start(r);
        } else {
            pid_t pid = rig_worker_pid(r, "lab0");
            if (pid > 0)
                kill(pid, SIGKILL);
        }
        rig_close(r, d);
        poll(NULL, 0, 50); // until the front end has seen it
        rig_wait_board(r, "lab0", "READY", NULL, 10000);
        infer_and_check_any(r, (uint64_t)i);
    }
}

static void plugging_storm_leaks_nothing(void **state)
{
    struct rig *r = *state;
    struct rng rng;
    rng_init(&rng, 6);
    int before[2] = {0, 0};
    pid_t worker = rig_worker_pid(r, "lab0");
    for (int i = 0; i < 20; i++) {
        rig_ctl(r, "unplug", i % 2 ? "powered" : NULL, NULL);
        poll(NULL, 0, (int)rng_range(&rng, 0, 250));
        rig_ctl(r, "replug", NULL);
        poll(NULL, 0, (int)rng_range(&rng, 0, 400));
        if (i == 3) {
            rig_wait_board(r, "lab0", "READY", "demand-w8", 10000);
            before[0] = rig_open_files(r->pid);
            before[1] = rig_open_files(worker);
        }
    }
    rig_wait_board(r, "lab0", "READY", "demand-w8", 10000);
    rig_infer_golden(r, "demand", "demand-w8", 10);
    assert_int_equal(rig_worker_pid(r, "lab0"), worker); // the same process all the time
    rig_wait_files(worker, before[1]);
    rig_wait_files(r->pid, before[0] + 2); // clients come and go
}

static void stalled_transfers_recover(void **state)
{
    struct rig *r = *state;
    for (int k = 1; k <= 6; k++) {
        char number[8];
        snprintf(number, sizeof number, "%d", k);
        rig_ctl(r, "stall", number, NULL);
        for (int i = 0; i < 4; i++) {
            double window[24] = {0};
            struct rig_reply p = rig_infer(r, "demand", window, 24, 1, 8000);
            if (*rig_code(&p))
                fail_msg("stall %d: %s %s", k, rig_code(&p), rig_message(&p));
            rig_reply_fini(&p);
        }
        rig_ctl(r, "stall", "0", NULL);
    }
}

static void sigterm_ends_cleanly(void **state)
{
    struct rig *r = *state;
    enum { ALL = 200 };
    static double windows[ALL][24];
    void *d = rig_dealer(r);
    send_windows(d, windows, 0, ALL);
    struct rig_reply p;
    assert_true(rig_recv(d, &p, 5000));
    rig_reply_fini(&p);
    pid_t worker = rig_worker_pid(r, "lab0");
    assert_true(worker > 0);
    assert_int_equal(rig_stop(r, SIGTERM), 0);
    rig_close(r, d);
    assert_int_equal(kill(worker, 0), -1);
}

static void two_boards_share_a_task(void **state)
{
    struct rig *r = *state;
    enum { ALL = 100 };
    static double windows[ALL][24];
    int by[2] = {0, 0};
    void *d = rig_dealer(r);
    send_windows(d, windows, 0, ALL);
    take_answers(r, d, windows, ALL, by);
    assert_true(by[0] > 0 && by[1] > 0);
    rig_ctl(r, "unplug", "--board", "VB0002", NULL);
    rig_wait_board(r, "b", "ABSENT", NULL, 1000);
    by[0] = by[1] = 0;
    send_windows(d, windows, 0, ALL);
    take_answers(r, d, windows, ALL, by);
    assert_int_equal(by[0], ALL);
    rig_close(r, d);
}

static void virtual_bitstream_needs_leave(void **state)
{
    struct rig *r = *state;
    rig_wait_board(r, "lab0", "FAULT", NULL, 5000);
    struct rig_reply p = rig_load(r, "demand-w4", NULL, 5000);
    assert_string_equal(rig_code(&p), "SWAP_FAILED");
    assert_non_null(strstr(rig_message(&p), "allow_virtual"));
    rig_reply_fini(&p);
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, rig_teardown)

int main(int argc, char **argv)
{
    if (argc > 1) // one test, or a pattern
        cmocka_set_test_filter(argv[1]);
    const struct CMUnitTest tests[] = {
        T(answers_like_the_golden_model),
        cmocka_unit_test_setup_teardown(replies_say_why_they_have_no_energy, setup_metered,
                                        rig_teardown),
        T(swaps_under_load_lose_nothing),
        T(done_stuck_low_restores_the_old_variant),
        T(lasting_fault_heals_when_it_goes),
        T(loader_that_hangs_is_stopped),
        T(killed_worker_attaches_without_reprogramming),
        T(front_end_killed_finds_its_board),
        T(replugged_board_serves_within_a_second),
        T(unplugged_while_programming),
        T(wedged_engine_keeps_deadlines_and_is_reprogrammed),
        T(disturbed_link_recovers),
        T(programmed_behind_our_back_is_noticed),
        T(killed_at_any_moment_it_recovers),
        T(plugging_storm_leaks_nothing),
        T(stalled_transfers_recover),
        T(sigterm_ends_cleanly),
        cmocka_unit_test_setup_teardown(two_boards_share_a_task, setup_two, rig_teardown),
        cmocka_unit_test_setup_teardown(virtual_bitstream_needs_leave, setup_refusing,
                                        rig_teardown),
    };
    const char *why = rig_no_vboard();
    if (why) {
        print_message("skipped: %s\n", why);
        return 77;
    }
    return cmocka_run_group_tests(tests, NULL, NULL);
}
