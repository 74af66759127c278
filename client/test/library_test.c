// SPDX-License-Identifier: Apache-2.0
// libsevencast against a test double of the daemon: good, bad, late and lost.
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "client/sevencast.h"
#include "client/test/mock.h"

static char endpoint[64];
static struct mock *mock;
static struct sc_client *client;
static const double window[4] = {1, 2, 3, 4.5};

static uint64_t now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static int start(void **state)
{
    (void)state;
    snprintf(endpoint, sizeof endpoint, "ipc:///tmp/sc-library-test-%ld.sock", (long)getpid());
    mock = mock_start(endpoint, 0);
    return !mock || sc_open(endpoint, NULL, &client) != SC_OK;
}

static int stop(void **state)
{
    (void)state;
    sc_close(client);
    mock_stop(mock);
    unlink(endpoint + 6);
    return 0;
}

static void test_infer(void **state)
{
    (void)state;
    const struct sc_forecast *f;
    assert_int_equal(sc_infer(client, "demand", window, 4, 1, 2000, &f), SC_OK);
    assert_int_equal(f->outputs, 1);
    assert_true(f->values[0] == 4.5);
    assert_int_equal(f->codes[0], 4);
    assert_string_equal(f->model, "demand");
    assert_string_equal(f->variant, "demand-w8");
    assert_string_equal(f->board, "bench");
    assert_int_equal(strlen(f->hash), 64);
    assert_int_equal(f->origin, SC_ORIGIN_MODEL);
    assert_int_equal(f->fpga_cycles, 12345);
    assert_int_equal(f->fpga_ns, 123450);
    assert_int_equal(f->stages_ns.host, 5000);
    assert_true(f->round_trip_ns > 1000 && f->round_trip_ns < 2000000000);
    assert_int_equal(f->saturated, 0);
    assert_string_equal(sc_error_text(client), "");
    assert_ptr_equal(sc_keep(f), f);
    sc_free(f);
    assert_true(f->values[0] == 4.5); // one reference is left
    sc_free(f);
    sc_free(NULL);
}

static void test_saturated(void **state)
{
    (void)state;
    const double high[4] = {1e6, 1, 1e7, 1};
    const struct sc_forecast *f;
    assert_int_equal(sc_infer(client, "demand-w8", high, 4, 1, 0, &f), SC_OK);
    assert_int_equal(f->saturated, 2);
    sc_free(f);
}

static void test_refused(void **state)
{
    (void)state;
    const double bad[4] = {1, NAN, 3, 4};
    const struct sc_forecast *f = (const struct sc_forecast *)window;
    assert_int_equal(sc_infer(client, "demand", bad, 4, 1, 2000, &f), SC_BAD_REQUEST);
    assert_null(f);
    assert_string_equal(sc_error_field(client), "inputs[0].data[1]");
    assert_int_equal(sc_infer(client, "demand", window, 2, 2, 2000, &f), SC_BAD_REQUEST);
    assert_string_equal(sc_error_field(client), "inputs[0].shape");
    assert_int_equal(sc_infer(client, "nothing", window, 4, 1, 2000, &f), SC_UNKNOWN_MODEL);
    assert_int_equal(sc_infer(client, "demand-w4", window, 4, 1, 2000, &f), SC_NOT_READY);
    assert_true(sc_error_text(client)[0]);
    // The next request works.
    assert_int_equal(sc_infer(client, "demand", window, 4, 1, 2000, &f), SC_OK);
    assert_string_equal(sc_error_text(client), "");
    assert_string_equal(sc_error_field(client), "");
    sc_free(f);
}

static void test_arguments(void **state)
{
    (void)state;
    const struct sc_forecast *f;
    const struct sc_names *names;
    const char *long_name = "a-name-that-is-longer-than-the-sixty-three-bytes-that-are-allowed-";
    uint64_t ticket = 0;
    assert_int_equal(sc_infer(client, NULL, window, 4, 1, 0, &f), SC_ARGUMENT);
    assert_int_equal(sc_infer(client, "", window, 4, 1, 0, &f), SC_ARGUMENT);
    assert_int_equal(sc_infer(client, long_name, window, 4, 1, 0, &f), SC_ARGUMENT);
    assert_int_equal(sc_infer(client, "demand", NULL, 4, 1, 0, &f), SC_ARGUMENT);
    assert_int_equal(sc_infer(client, "demand", window, 0, 1, 0, &f), SC_ARGUMENT);
    assert_int_equal(sc_infer(client, "demand", window, 65, 1, 0, &f), SC_ARGUMENT);
    assert_int_equal(sc_infer(client, "demand", window, 1, 33, 0, &f), SC_ARGUMENT);
    assert_int_equal(sc_infer(client, "demand", window, 4, 1, 600001, &f), SC_ARGUMENT);
    assert_int_equal(sc_unload(client, NULL, NULL, 0, &names), SC_ARGUMENT);
    assert_int_equal(sc_collect(client, &ticket, 0, &f), SC_ARGUMENT);
    ticket = 99999;
    assert_int_equal(sc_collect(client, &ticket, 0, &f), SC_ARGUMENT);
    assert_int_equal(sc_cancel(client, 99999), SC_ARGUMENT);
    assert_true(sc_error_text(client)[0]);
    struct sc_client *none;
    struct sc_options many = {.max_in_flight = SC_MAX_IN_FLIGHT + 1};
    assert_int_equal(sc_open("no endpoint", NULL, &none), SC_ARGUMENT);
    assert_null(none);
    assert_int_equal(sc_open("nonsense://x", NULL, &none), SC_ARGUMENT);
    assert_int_equal(sc_open(endpoint, &many, &none), SC_ARGUMENT);
    assert_null(none);
}

// Every error of the daemon comes out as its own code.
static void test_daemon_errors(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int code;
    } cases[] = {
        {"error-QUEUE_FULL", SC_QUEUE_FULL},     {"error-DEADLINE", SC_DEADLINE},
        {"error-CANCELED", SC_CANCELED},         {"error-DEVICE_LOST", SC_DEVICE_LOST},
        {"error-DEVICE_FAULT", SC_DEVICE_FAULT}, {"error-STALE", SC_STALE},
        {"error-UNAUTHORISED", SC_UNAUTHORISED}, {"error-INTERNAL", SC_INTERNAL},
        {"error-SWAP_FAILED", SC_SWAP_FAILED},   {"error-NOT_READY", SC_NOT_READY},
    };
    const struct sc_forecast *f;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(sc_infer(client, cases[i].model, window, 4, 1, 2000, &f), cases[i].code);
        assert_string_equal(sc_code_name(cases[i].code), cases[i].model + 6);
        assert_string_equal(sc_error_text(client), "as asked for");
        assert_string_equal(sc_error_field(client), "model_name");
    }
}

// Answers that make no sense end the request they belong to, or nothing.
static void test_bad_answers(void **state)
{
    (void)state;
    static const struct {
        const char *model;
        int code;
    } cases[] = {
        {"mute", SC_TIMEOUT},   {"wrong-id", SC_TIMEOUT}, {"malformed", SC_TIMEOUT},
        {"bare", SC_TIMEOUT},   {"late", SC_TIMEOUT},     {"other-verb", SC_PROTOCOL},
        {"short", SC_PROTOCOL},
    };
    const struct sc_forecast *f;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        uint64_t before = now_ms();
        uint32_t timeout_ms = cases[i].code == SC_TIMEOUT ? 150 : 5000;
        assert_int_equal(sc_infer(client, cases[i].model, window, 4, 1, timeout_ms, &f),
                         cases[i].code);
        uint64_t took = now_ms() - before; // with room for a busy machine
        assert_in_range(took, cases[i].code == SC_TIMEOUT ? 149 : 0, 1000);
        assert_true(sc_error_text(client)[0]);
    }
    // A late answer of an earlier request is no answer to a later one.
    assert_int_equal(sc_infer(client, "late", window, 4, 1, 150, &f), SC_TIMEOUT);
    nanosleep(&(struct timespec){.tv_nsec = 200000000}, NULL);
    const double other[4] = {0, 0, 0, 77};
    assert_int_equal(sc_infer(client, "demand", other, 4, 1, 2000, &f), SC_OK);
    assert_true(f->values[0] == 77);
    sc_free(f);
}

static void test_in_flight(void **state)
{
    (void)state;
    enum { N = 64 };
    uint64_t ticket[N], any = 0;
    const struct sc_forecast *f;
    for (int i = 0; i < N; i++) {
        double w[4] = {0, 0, 0, i};
        assert_int_equal(sc_submit(client, "demand", w, 4, 1, 3000, &ticket[i]), SC_OK);
    }
    assert_int_equal(sc_submit(client, "demand", window, 4, 1, 3000, &any), SC_FULL);
    assert_int_equal(any, 0);
    assert_int_equal(sc_ping(client, 1000, NULL), SC_OK); // has its own place
    for (int i = N - 1; i >= N / 2; i--) {                // by ticket, in any order
        uint64_t t = ticket[i];
        assert_int_equal(sc_collect(client, &t, -1, &f), SC_OK);
        assert_true(f->values[0] == i);
        sc_free(f);
    }
    bool seen[N] = {false};
    for (int i = 0; i < N / 2; i++) { // as they come
        any = 0;
        assert_int_equal(sc_collect(client, &any, -1, &f), SC_OK);
        int n = (int)f->values[0];
        assert_in_range(n, 0, N / 2 - 1);
        assert_int_equal(any, ticket[n]);
        assert_false(seen[n]);
        seen[n] = true;
        sc_free(f);
    }
}

// The second request's answer overtakes the first one's.
static void test_overtaking(void **state)
{
    (void)state;
    uint64_t first, second, t;
    const double w[4] = {0, 0, 0, 9};
    const struct sc_forecast *f;
    assert_int_equal(sc_submit(client, "hold", window, 4, 1, 3000, &first), SC_OK);
    t = first;
    assert_int_equal(sc_collect(client, &t, 50, &f), SC_PENDING);
    assert_null(f);
    assert_int_equal(sc_submit(client, "demand", w, 4, 1, 3000, &second), SC_OK);
    t = second;
    assert_int_equal(sc_collect(client, &t, -1, &f), SC_OK);
    assert_true(f->values[0] == 9);
    sc_free(f);
    t = first;
    assert_int_equal(sc_collect(client, &t, -1, &f), SC_OK);
    assert_true(f->values[0] == 4.5);
    sc_free(f);
}

static void test_cancel(void **state)
{
    (void)state;
    uint64_t ticket, t;
    const struct sc_forecast *f;
    unsigned before = mock_cancels(mock);
    assert_int_equal(sc_submit(client, "mute", window, 4, 1, 60000, &ticket), SC_OK);
    assert_int_equal(sc_cancel(client, ticket), SC_OK);
    t = ticket;
    assert_int_equal(sc_collect(client, &t, -1, &f), SC_ARGUMENT);
    assert_int_equal(sc_ping(client, 1000, NULL), SC_OK); // the cancel has arrived before it
    assert_int_equal(mock_cancels(mock), before + 1);
}

static void test_control(void **state)
{
    (void)state;
    const struct sc_status *s;
    const struct sc_variants *v;
    const struct sc_metadata *m;
    const struct sc_statistics *c;
    const struct sc_swap *w;
    const struct sc_names *n;
    assert_int_equal(sc_status(client, 2000, &s), SC_OK);
    assert_string_equal(s->version, "0.0.0-mock");
    assert_true(s->ready);
    assert_int_equal(s->count, 2);
    assert_string_equal(s->boards[0].state, "READY");
    assert_string_equal(s->boards[0].variant, "demand-w8");
    assert_string_equal(s->boards[1].state, "ABSENT");
    assert_string_equal(s->boards[1].reason, "no device with that serial");
    sc_free(s);
    assert_int_equal(sc_variants(client, 2000, &v), SC_OK);
    assert_int_equal(v->count, 4);
    assert_string_equal(v->variants[0].boards.name[0], "bench");
    assert_string_equal(v->variants[3].state, "UNAVAILABLE");
    sc_free(v);
    assert_int_equal(sc_metadata(client, "weather-w8", 2000, &m), SC_OK);
    assert_int_equal(m->window * 100 + m->features * 10 + m->outputs, 322);
    assert_string_equal(m->feature[1].name, "humidity");
    assert_string_equal(m->target[1].unit, "K");
    sc_free(m);
    assert_int_equal(sc_statistics(client, NULL, 2000, &c), SC_OK);
    assert_int_equal(c->models[0].saturated_values, 3);
    sc_free(c);
    assert_int_equal(sc_statistics(client, "nothing", 2000, &c), SC_UNKNOWN_MODEL);
    assert_int_equal(sc_load(client, "broken", NULL, 2000, &w), SC_SWAP_FAILED);
    assert_string_equal(sc_error_active(client), "demand-w8");
    assert_int_equal(sc_load(client, "demand-w4", "bench", 2000, &w), SC_OK);
    assert_string_equal(w->variant, "demand-w4");
    assert_true(w->total_s == 1.8125);
    sc_free(w);
    assert_int_equal(sc_unload(client, "demand-w4", NULL, 2000, &n), SC_OK);
    assert_int_equal(n->count, 1);
    assert_string_equal(n->name[0], "bench");
    sc_free(n);
}

// Nobody there: a typed error after the connect timeout; then the daemon comes and is found.
// The largest result there is, 1.4 MB of steps, and one without any.
static void test_long_result(void **state)
{
    (void)state;
    const struct sc_experiment_result *r;
    assert_int_equal(sc_experiment_result(client, "steps-20000", 5000, &r), SC_OK);
    assert_string_equal(r->experiment.id, "steps-20000");
    assert_string_equal(r->experiment.state, "DONE");
    assert_string_equal(r->report, "{\"origin\":\"model\"}");
    assert_int_equal(r->steps, 20000);
    assert_true(r->step[19999][0] >= 1 && r->step[19999][4] >= 19999);
    sc_free(r);
    assert_int_equal(sc_experiment_result(client, "steps-0", 5000, &r), SC_OK);
    assert_int_equal(r->steps, 0);
    sc_free(r);
    assert_int_equal(sc_experiment_result(client, "", 5000, &r), SC_ARGUMENT);
    assert_null(r);
}

static void test_absent_daemon(void **state)
{
    (void)state;
    char place[64];
    struct sc_client *c;
    struct sc_options options = {.connect_timeout_ms = 100};
    snprintf(place, sizeof place, "ipc:///tmp/sc-library-absent-%ld.sock", (long)getpid());
    unlink(place + 6);
    assert_int_equal(sc_open(place, &options, &c), SC_OK);
    uint64_t before = now_ms();
    assert_int_equal(sc_ping(c, 5000, NULL), SC_UNREACHABLE);
    assert_in_range(now_ms() - before, 99, 1000);
    assert_non_null(strstr(sc_error_text(c), place));
    before = now_ms();
    sc_close(c);
    options.connect_timeout_ms = 60000;
    assert_int_equal(sc_open(place, &options, &c), SC_OK);
    assert_int_equal(sc_ping(c, 20, NULL), SC_UNREACHABLE); // the call's own time counts too
    assert_in_range(now_ms() - before, 19, 1000);
    struct mock *late = mock_start(place, 0);
    assert_non_null(late);
    assert_int_equal(sc_ping(c, 5000, NULL), SC_OK);
    sc_close(c);
    mock_stop(late);
    unlink(place + 6);
}

// The daemon dies with requests in flight and comes back: they end as lost at once, then all works.
static void test_restart(void **state)
{
    (void)state;
    uint64_t ticket[2], t;
    const struct sc_forecast *f;
    for (int i = 0; i < 2; i++)
        assert_int_equal(sc_submit(client, "mute", window, 4, 1, 60000, &ticket[i]), SC_OK);
    mock_stop(mock);
    uint64_t before = now_ms();
    for (int i = 0; i < 2; i++) {
        t = ticket[i];
        assert_int_equal(sc_collect(client, &t, -1, &f), SC_LOST);
    }
    assert_in_range(now_ms() - before, 0, 2000);
    assert_true(sc_error_text(client)[0]);
    mock = mock_start(endpoint, 0);
    assert_non_null(mock);
    assert_int_equal(sc_infer(client, "demand", window, 4, 1, 3000, &f), SC_OK);
    sc_free(f);
    // Restarted while the client sleeps: the next call does not even notice.
    mock_stop(mock);
    mock = mock_start(endpoint, 0);
    assert_int_equal(sc_infer(client, "demand", window, 4, 1, 3000, &f), SC_OK);
    sc_free(f);
}

static void test_power_log(void **state)
{
    (void)state;
    const struct sc_power_log *log;
    assert_int_equal(sc_power_log(client, "bench", 1, -1, 2000, &log), SC_OK);
    assert_string_equal(log->board, "bench");
    assert_true(log->now_s == 12.5);
    assert_int_equal(log->paused_ms, 0);
    assert_int_equal(log->count, 2);
    assert_int_equal(log->rows[0].seq, 2);
    assert_true(log->rows[0].begin_s == 10.5 && log->rows[0].end_s == 11.5);
    assert_int_equal(log->rows[0].power.origin, SC_ORIGIN_MODEL);
    assert_int_equal(log->rows[0].power.rails, 1);
    assert_true(log->rows[0].power.rail[0].watt == 0.03125);
    assert_string_equal(log->rows[1].power.rail[0].reason, "the sensor did not answer");
    sc_free(log);
    assert_int_equal(sc_power_log(client, "bench", 3, 2500, 2000, &log), SC_OK);
    assert_int_equal(log->count, 0);
    assert_int_equal(log->paused_ms, 2500);
    sc_free(log);
    assert_int_equal(sc_power_log(client, "bench", 3, 0, 2000, &log), SC_OK);
    assert_int_equal(log->paused_ms, 0);
    sc_free(log);
    assert_int_equal(sc_power_log(client, "spare", 0, -1, 2000, &log), SC_NOT_READY);
    assert_null(log);
    assert_string_equal(sc_error_field(client), "parameters.board");
    assert_int_equal(sc_power_log(client, NULL, 0, -1, 2000, &log), SC_ARGUMENT);
    assert_int_equal(sc_power_log(client, "bench", 0, 60001, 2000, &log), SC_ARGUMENT);
}

struct worker {
    pthread_t thread;
    double base;
    int wrong;
    const struct sc_forecast *last; // kept for the main thread to free
};

static void *infer_many(void *argument)
{
    struct worker *w = argument;
    struct sc_client *c;
    w->wrong = sc_open(endpoint, NULL, &c) != SC_OK;
    for (int i = 0; i < 100 && !w->wrong; i++) {
        const double values[4] = {0, 0, 0, w->base + i};
        const struct sc_forecast *f;
        if (sc_infer(c, "demand", values, 4, 1, 10000, &f) != SC_OK || f->values[0] != values[3])
            w->wrong++;
        sc_free(w->last);
        w->last = f;
    }
    sc_close(c);
    return NULL;
}

// A client a thread: each gets its own answers; results outlive client and thread.
static void test_threads(void **state)
{
    (void)state;
    struct worker w[4] = {0};
    for (int i = 0; i < 4; i++) {
        w[i].base = i * 1000;
        assert_int_equal(pthread_create(&w[i].thread, NULL, infer_many, &w[i]), 0);
    }
    for (int i = 0; i < 4; i++) {
        pthread_join(w[i].thread, NULL);
        assert_int_equal(w[i].wrong, 0);
        assert_true(w[i].last->values[0] == w[i].base + 99);
        sc_free(w[i].last);
    }
}

static void test_close_in_flight(void **state)
{
    (void)state;
    struct sc_client *c;
    uint64_t ticket;
    assert_int_equal(sc_open(endpoint, NULL, &c), SC_OK);
    assert_int_equal(sc_submit(c, "demand", window, 4, 1, 60000, &ticket), SC_OK);
    assert_int_equal(sc_submit(c, "mute", window, 4, 1, 60000, &ticket), SC_OK);
    uint64_t before = now_ms();
    sc_close(c);
    assert_in_range(now_ms() - before, 0, 2000);
    sc_close(NULL);
}

static void test_endpoint(void **state)
{
    (void)state;
    char out[128];
    setenv("SEVENCAST_ENDPOINT", "tcp://lab:7000", 1);
    assert_string_equal(sc_default_endpoint(out, sizeof out), "tcp://lab:7000");
    unsetenv("SEVENCAST_ENDPOINT");
    unsetenv("XDG_RUNTIME_DIR");
    assert_string_equal(sc_default_endpoint(out, sizeof out), "ipc:///run/sevencast/control.sock");
    for (int code = SC_FULL; code <= SC_OK; code++)
        assert_true(strcmp(sc_code_name(code), "?") != 0 && strlen(sc_code_advice(code)) > 3);
    assert_string_equal(sc_code_name(SC_INTERNAL), "INTERNAL");
    assert_string_equal(sc_code_name(-15), "?");
    assert_string_equal(sc_code_name(-99), "?");
    assert_string_equal(sc_code_name(1), "?");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_infer, start, stop),
        cmocka_unit_test_setup_teardown(test_saturated, start, stop),
        cmocka_unit_test_setup_teardown(test_refused, start, stop),
        cmocka_unit_test_setup_teardown(test_arguments, start, stop),
        cmocka_unit_test_setup_teardown(test_daemon_errors, start, stop),
        cmocka_unit_test_setup_teardown(test_bad_answers, start, stop),
        cmocka_unit_test_setup_teardown(test_in_flight, start, stop),
        cmocka_unit_test_setup_teardown(test_overtaking, start, stop),
        cmocka_unit_test_setup_teardown(test_cancel, start, stop),
        cmocka_unit_test_setup_teardown(test_control, start, stop),
        cmocka_unit_test_setup_teardown(test_power_log, start, stop),
        cmocka_unit_test_setup_teardown(test_long_result, start, stop),
        cmocka_unit_test(test_absent_daemon),
        cmocka_unit_test_setup_teardown(test_restart, start, stop),
        cmocka_unit_test_setup_teardown(test_threads, start, stop),
        cmocka_unit_test_setup_teardown(test_close_in_flight, start, stop),
        cmocka_unit_test(test_endpoint),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
