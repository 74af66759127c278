// SPDX-License-Identifier: Apache-2.0
// Board time, the power model and the whole meter: what the sensors say against the truth.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "tools/vboard/power_meter.h"
#include "tools/vboard/test/i2c_master.h"

#define S        UINT64_C(1000000000)
#define MS       UINT64_C(1000000)
#define CLOCK_HZ 100000000u

static uint64_t wall;
static struct power_meter meter;

static uint64_t wall_now(void)
{
    return wall;
}

static int setup(void **state)
{
    (void)state;
    wall = 12345 * S;
    power_meter_init(&meter, wall_now);
    return 0;
}

static void command(const char *line)
{
    char why[200] = "";
    if (power_meter_command_line(&meter, line, why, sizeof why))
        fail_msg("%s: %s", line, why);
}

// --- board time ---

static void waiting_is_wall_time(void **state)
{
    struct board_time *t = &meter.time;
    (void)state;
    wall += 3 * S;
    assert_int_equal(board_time_sync(t), 3 * S);
    command("speed 10");
    wall += S;
    assert_int_equal(board_time_sync(t), 13 * S);
    board_time_skip(t, 7);
    assert_int_equal(t->now_ns, 13 * S + 7);
}

static void computing_is_simulated_time(void **state)
{
    struct board_time *t = &meter.time;
    (void)state;
    board_time_engine(t);
    board_time_handed(t);
    wall += 20 * MS; // the simulation of 1500 cycles
    assert_int_equal(board_time_sync(t), 0);
    board_time_message(t, CLOCK_HZ, 1000, 0, false);
    assert_int_equal(board_time_sync(t), 10000);
    board_time_message(t, CLOCK_HZ, 2500, 1500, true);
    assert_int_equal(board_time_sync(t), 25000);
    wall += MS;
    assert_int_equal(board_time_sync(t), 25000 + MS);
    // a clock that does not divide a second: nothing is lost over many messages
    board_time_engine(t);
    uint64_t before = board_time_sync(t);
    for (uint64_t i = 1; i <= 3000; i++)
        board_time_message(t, 3000, i, 0, false);
    assert_int_equal(t->now_ns - before, S);
}

static void hanging_engine_does_not_stop_time(void **state)
{
    struct board_time *t = &meter.time;
    (void)state;
    board_time_engine(t);
    board_time_handed(t);
    wall += BOARD_TIME_STALL_NS;
    assert_int_equal(board_time_sync(t), 0);
    wall += 5 * S;
    assert_int_equal(board_time_sync(t), 5 * S);
    assert_int_equal(t->stalled_ns, 5 * S);
    board_time_engine(t); // it was killed
    wall += S;
    assert_int_equal(board_time_sync(t), 6 * S);
}

// --- the model ---

static void truth_is_the_integral(void **state)
{
    struct power_model m;
    double sum = 0, step = 1e-3;
    (void)state;
    power_model_init(&m, 0);
    m.drift_per_min = 0.01;
    m.warmup = 0.03;
    m.warmup_tau_s = 12;
    m.state = POWER_IDLE;
    for (int i = 0; i < 60000; i++)
        sum += step * power_model_watts(&m, POWER_FPGA_1V0, (uint64_t)((i + 0.5) * step * 1e9));
    for (int i = 1; i <= 600; i++)
        power_model_advance(&m, (uint64_t)i * 100 * MS, 0);
    assert_true(fabs(m.truth.joules[POWER_FPGA_1V0] / sum - 1) < 1e-9);
    assert_true(fabs(m.truth.seconds - 60) < 1e-9);
    // 1 %/min and what is left of the warm-up
    double watts = m.rail[POWER_FPGA_1V0].watts[POWER_IDLE] * (1.01 - 0.03 * exp(-60.0 / 12));
    assert_true(fabs(power_model_watts(&m, POWER_FPGA_1V0, 60 * S) / watts - 1) < 1e-12);
    power_model_mark(&m);
    m.state = POWER_OFF;
    power_model_advance(&m, 61 * S, 0);
    assert_true(m.truth.joules[POWER_BOARD] == 0);
}

// --- the meter ---

struct reading {
    uint32_t count;
    double watts[4], joules[4];
};

static void refresh(void)
{
    uint8_t r = PAC1934_REFRESH;
    assert_true(i2c_write(&meter.bus, PAC1934_ADDRESS, &r, 1));
}

static struct reading read_pac(void)
{
    struct reading r;
    uint8_t block[28];
    refresh();
    wall += MS;
    assert_true(i2c_read_block(&meter.bus, PAC1934_ADDRESS, PAC1934_CTRL, block, sizeof block));
    r.count = (uint32_t)(block[1] << 16 | block[2] << 8 | block[3]);
    for (unsigned c = 0; c < 4; c++) {
        uint64_t acc = 0;
        for (unsigned i = 0; i < 6; i++)
            acc = acc << 8 | block[4 + 6 * c + i];
        r.joules[c] = 3.2 / 0.82 * (double)acc / 268435456.0 / 1024;
        r.watts[c] = r.joules[c] * 1024 / r.count;
    }
    return r;
}

// Relative error that quantisation may make: half an LSB of the current at this power (1.861 uA),
// half of the voltage's 1.95 mV, and the cut of the product.
static double quantum(unsigned rail, double watts)
{
    double v = meter.model.rail[rail].volts;
    return 0.5 * 1.861e-6 * v / watts + 0.5 * 1.953e-3 / v + 14.6e-9 / watts;
}

static void check(const struct reading *r, double edge_s)
{
    const struct power_truth *t = &meter.model.truth;
    for (unsigned c = 0; c < POWER_RAILS; c++) {
        double limit = quantum(c, t->joules[c] / t->seconds) + edge_s / t->seconds;
        if (!(fabs(r->joules[c] / t->joules[c] - 1) <= limit))
            fail_msg("%s: %.9g J, truth %.9g J, limit %.3g", power_rail_names[c], r->joules[c],
                     t->joules[c], limit);
    }
}

static void energy_is_the_truth(void **state)
{
    (void)state;
    power_meter_state(&meter, POWER_IDLE, 1);
    refresh();
    command("mark");
    wall += 10 * S;
    board_time_sync(&meter.time);
    struct power_truth idle = meter.model.truth;
    struct reading r = read_pac();
    assert_in_range(r.count, 10239, 10241);
    check(&r, 1.0 / 1024);
    // 2 s of computing in one message that took a millisecond, 2 s of waiting
    command("mark");
    board_time_engine(&meter.time);
    board_time_handed(&meter.time);
    wall += MS;
    board_time_message(&meter.time, CLOCK_HZ, 2 * CLOCK_HZ, 2 * CLOCK_HZ, true);
    wall += 2 * S;
    board_time_sync(&meter.time);
    r = read_pac();
    check(&r, 2.0 / 1024);
    const struct power_truth *t = &meter.model.truth;
    assert_true(fabs(t->busy_seconds - 2) < 1e-9);
    // what the daemon wants: joules of a 1500-cycle inference, from power, count and cycles
    for (unsigned c = 0; c < POWER_RAILS; c++) {
        double window_s = r.count / 1024.0, idle_w = idle.joules[c] / idle.seconds;
        double active_w = (r.watts[c] * window_s - idle_w * (window_s - 2)) / 2;
        double got = active_w * 1500 / CLOCK_HZ,
               truth = t->busy_joules[c] / t->busy_seconds * 1500 / CLOCK_HZ;
        assert_true(fabs(got / truth - 1) < 4e-3);
    }
}

static void activity_scales_computing(void **state)
{
    (void)state;
    power_meter_state(&meter, POWER_IDLE, 0.5);
    board_time_engine(&meter.time);
    board_time_handed(&meter.time);
    board_time_message(&meter.time, CLOCK_HZ, CLOCK_HZ, CLOCK_HZ / 2, true);
    const double *w = meter.model.rail[POWER_FPGA_1V0].watts;
    const struct power_truth *t = &meter.model.truth;
    double active = w[POWER_IDLE] + 0.5 * (w[POWER_ACTIVE] - w[POWER_IDLE]);
    assert_true(fabs(t->busy_joules[0] - 0.5 * active) < 1e-12);
    assert_true(fabs(t->joules[0] - 0.5 * active - 0.5 * w[POWER_IDLE]) < 1e-12);
}

// Seeded: the same session twice gives the same integers; another seed does not. White: the mean
// over n samples keeps sigma / sqrt(n).
static void noise_is_seeded_and_white(void **state)
{
    double first = 0;
    (void)state;
    for (int round = 0; round < 3; round++) {
        setup(NULL);
        command("noise 20000");
        command(round == 2 ? "seed 8" : "seed 7");
        refresh();
        wall += 100 * S;
        struct reading r = read_pac();
        double truth = meter.model.rail[POWER_BOARD].watts[POWER_STATIC];
        assert_true(fabs(r.watts[POWER_BOARD] / truth - 1) < 4 * 0.02 / sqrt(102400) + 1e-3);
        if (round == 0)
            first = r.joules[POWER_BOARD];
        else if (round == 1)
            assert_true(r.joules[POWER_BOARD] == first);
        else
            assert_true(r.joules[POWER_BOARD] != first);
    }
}

static void errors_and_faults(void **state)
{
    char why[200];
    (void)state;
    command("gain FPGA_1V0 5000");
    command("offset FPGA_1V8 10"); // 12.2 uA x 1.8 V
    refresh();
    wall += 10 * S;
    struct reading r = read_pac();
    const struct power_rail_model *m = meter.model.rail;
    assert_true(fabs(r.watts[0] / m[0].watts[POWER_STATIC] - 1.005) < quantum(0, r.watts[0]));
    assert_true(fabs(r.watts[1] - m[1].watts[POWER_STATIC] - 1e-5 / 0.82 * 1.8) <
                quantum(1, r.watts[1]) * r.watts[1]);
    command("rail FPGA_1V0 static 50000");
    command("gain FPGA_1V0 0");
    command("mark");
    command("skip 10");
    r = read_pac();
    assert_true(fabs(r.watts[0] - 0.05) < 0.05 * quantum(0, 0.05));
    command("nak 1");
    uint8_t b = PAC1934_REFRESH;
    assert_false(i2c_write(&meter.bus, PAC1934_ADDRESS, &b, 1));
    assert_true(i2c_write(&meter.bus, PAC1934_ADDRESS, &b, 1));
    command("clock 20000");
    refresh();
    command("skip 100");
    r = read_pac();
    assert_in_range(r.count, 104447, 104450); // 2 % more of 102,400 and the millisecond of settling
    assert_true(fabs(r.watts[0] - 0.05) < 0.05 * quantum(0, 0.05));
    command("clock 0");
    refresh();
    command("lose 1024");
    command("skip 3");
    r = read_pac();
    assert_in_range(r.count, 2047, 2049);
    command("saturate");
    r = read_pac();
    assert_int_equal(r.count, 0xffffff);
    i2c_write(&meter.bus, PAC1934_ADDRESS, (const uint8_t[]){PAC1934_SLOW, 0}, 2);
    command("reset");
    assert_int_equal(i2c_read(&meter.bus, PAC1934_ADDRESS, PAC1934_SLOW, 1) & 1, 1);
    static const char *const wrong[] = {"",           "gain",      "gain X 1", "gain INA226 2000",
                                        "noise -1",   "noise nan", "seed",     "rail BOARD hot 1",
                                        "sda-low up", "mark now",  "truths",   "skip 1e9"};
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        why[0] = '\0';
        assert_int_equal(power_meter_command_line(&meter, wrong[i], why, sizeof why), -1);
        assert_true(why[0]);
    }
}

// 1 %/min: the truth drifts, and the sensor follows it.
static void drift_is_true(void **state)
{
    (void)state;
    command("drift 10000");
    refresh();
    wall += 10 * S;
    struct reading a = read_pac();
    wall += 49 * S;
    refresh();
    wall += 10 * S;
    struct reading b = read_pac();
    double ratio = b.watts[POWER_BOARD] / a.watts[POWER_BOARD];
    assert_true(fabs(ratio - (1 + 0.01 * 64 / 60) / (1 + 0.01 * 5 / 60)) < 1e-4);
}

// One session as a lab would run it: a window of waiting, a dense burst with the host's pauses
// around it, under noise, drift and warm-up. Relative errors of joules per inference.
static void session(unsigned seed, double error[POWER_RAILS])
{
    char line[32];
    setup(NULL);
    snprintf(line, sizeof line, "seed %u", seed);
    command(line);
    command("noise 20000");
    command("drift 10000");
    command("warmup 30000 120");
    power_meter_state(&meter, POWER_IDLE, 1);
    refresh();
    wall += 2 * S;
    struct reading idle = read_pac();
    command("mark");
    board_time_engine(&meter.time);
    board_time_handed(&meter.time);
    wall += 30 * MS; // the simulation's
    board_time_message(&meter.time, CLOCK_HZ, 2 * CLOCK_HZ, 2 * CLOCK_HZ, true);
    wall += seed % 7 * MS; // the host's
    struct reading r = read_pac();
    const struct power_truth *t = &meter.model.truth;
    for (unsigned rail = 0; rail < POWER_RAILS; rail++) {
        double window_s = r.count / 1024.0;
        double active_w = (r.watts[rail] * window_s - idle.watts[rail] * (window_s - 2)) / 2;
        error[rail] = active_w / (t->busy_joules[rail] / t->busy_seconds) - 1;
    }
}

static void sessions_recover_the_truth(void **state)
{
    enum { SESSIONS = 200 };
    double sum[POWER_RAILS] = {0}, squares[POWER_RAILS] = {0}, error[POWER_RAILS];
    (void)state;
    for (unsigned seed = 1; seed <= SESSIONS; seed++) {
        session(seed, error);
        for (unsigned rail = 0; rail < POWER_RAILS; rail++) {
            sum[rail] += error[rail];
            squares[rail] += error[rail] * error[rail];
        }
    }
    for (unsigned rail = 0; rail < POWER_RAILS; rail++) {
        double bias = sum[rail] / SESSIONS, sd = sqrt(squares[rail] / SESSIONS - bias * bias);
        print_message("%s: bias %+.4f %%, spread %.4f %%\n", power_rail_names[rail], 100 * bias,
                      100 * sd);
        // The bias of the codes is the sensor's; noise is 2 % / sqrt(2048) = 0.044 %, and a sample
        // more or less at an edge is at most 1 / 2048 of what computing adds.
        assert_true(fabs(bias) < quantum(rail, meter.model.rail[rail].watts[POWER_ACTIVE]) + 1e-4);
        assert_true(sd < 0.044e-2 * 1.3 + 1.0 / 2048 * 0.6);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(waiting_is_wall_time, setup),
        cmocka_unit_test_setup(computing_is_simulated_time, setup),
        cmocka_unit_test_setup(hanging_engine_does_not_stop_time, setup),
        cmocka_unit_test_setup(truth_is_the_integral, setup),
        cmocka_unit_test_setup(energy_is_the_truth, setup),
        cmocka_unit_test_setup(activity_scales_computing, setup),
        cmocka_unit_test_setup(noise_is_seeded_and_white, setup),
        cmocka_unit_test_setup(errors_and_faults, setup),
        cmocka_unit_test_setup(drift_is_true, setup),
        cmocka_unit_test(sessions_recover_the_truth),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
