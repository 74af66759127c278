// SPDX-License-Identifier: Apache-2.0
// The I2C master and the meters' drivers against the virtual board's MPSSE, bus and sensors, in
// this process and on a clock of ours: each flag is made to appear.
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <math.h>
#include <string.h>

#include "daemon/meter.h"
#include "tools/vboard/power_meter.h"

#define S  UINT64_C(1000000000)
#define US UINT64_C(1000)

enum { EXCHANGE_US = 400, WINDOWS = 5 };

static uint64_t wall;
static struct power_meter world;
static struct mpsse mpsse;
static struct i2c bus;
static struct meter meter;
static bool mute, scl_low;
static uint64_t exchanges;

static uint64_t wall_now(void)
{
    return wall;
}

static int exchange(void *arg, const uint8_t *out, size_t n, uint8_t *in, size_t want)
{
    struct bytes answers = {0};
    bool flush = false;
    (void)arg;
    wall += EXCHANGE_US * US;
    exchanges++;
    size_t used = mpsse_run(&mpsse, out, n, &answers, &flush);
    assert_int_equal(used, n);
    assert_true(flush);
    assert_int_equal(bytes_length(&answers), want);
    bytes_take(&answers, in, want);
    if (scl_low)
        in[0] = 0;
    bytes_fini(&answers);
    return mute ? -1 : 0;
}

static void command(const char *line)
{
    char why[200] = "";
    if (power_meter_command_line(&world, line, why, sizeof why))
        fail_msg("%s: %s", line, why);
}

static void plug_in(bool zero_only, const char *chip, const char *rails)
{
    struct meter_setup setup = {.chip = chip, .origin = MEASURED_VIRTUAL};
    char why[128];
    wall = 777 * S;
    mute = scl_low = false;
    exchanges = 0;
    power_meter_init(&world, wall_now);
    power_meter_state(&world, POWER_IDLE, 1);
    mpsse_init(&mpsse, NULL, NULL);
    mpsse.has_drive_only_zero = true;
    power_meter_attach(&world, &mpsse);
    mpsse_reset(&mpsse);
    struct i2c_port port = {.exchange = exchange, .drives_zero_only = zero_only};
    if (i2c_init(&bus, &port) != I2C_OK)
        fail_msg("%s", bus.why);
    if (meter_rails_parse(&setup.rails, rails, why, sizeof why) < 0)
        fail_msg("%s", why);
    meter_init(&meter, &setup, &bus, wall_now);
}

static int pac(void **state)
{
    (void)state;
    plug_in(true, "pac1934", "FPGA_1V0:0.82, FPGA_1V8:0.82, FPGA_IO:0.82, BOARD:0.82");
    return 0;
}

static int pac_driven(void **state)
{
    (void)state;
    plug_in(false, "pac1934", "-, FPGA_1V8:0.82, -, BOARD:0.82");
    return 0;
}

static int ina(void **state)
{
    (void)state;
    plug_in(true, "ina226", "BOARD:0.2");
    return 0;
}

static int ina228(void **state)
{
    (void)state;
    plug_in(true, "ina228", "BOARD:0.2");
    return 0;
}

static bool one_step(struct meter_power *p)
{
    uint64_t before = exchanges;
    bool was_started = meter.started;
    if (meter.next_ns > wall)
        wall = meter.next_ns;
    bool told = meter_step(&meter, p);
    assert_true(exchanges - before <= (was_started && !bus.stuck ? 1 : 2));
    assert_true(meter.next_ns > wall || told || !was_started || meter.started);
    return told;
}

static struct meter_power next_window(void)
{
    struct meter_power p;
    for (int i = 0; i < 40; i++)
        if (one_step(&p))
            return p;
    fail_msg("no window");
    return p;
}

static void check_power(const struct meter_power *p)
{
    for (int i = 0; i < meter.setup.rails.n; i++) {
        int channel = meter.setup.rails.rail[i].channel;
        unsigned rail = meter.driver != &meter_pac1934 ? POWER_BOARD : (unsigned)channel;
        double truth = power_model_watts(&world.model, rail, world.time.now_ns);
        const struct measured *m = &p->rail[i];
        if (m->gap)
            fail_msg("%s: %s %s", meter.setup.rails.rail[i].name, measured_gap_text(m->gap),
                     p->why);
        if (!(fabs(m->value - truth) <= m->uncertainty))
            fail_msg("%s: %g W +- %g, truth %g", meter.setup.rails.rail[i].name, m->value,
                     m->uncertainty, truth);
        assert_true(m->uncertainty < 0.02 * truth);
        assert_int_equal(m->origin, MEASURED_VIRTUAL);
    }
}

// All rails have that gap, and what follows is good again after at most `later` more windows.
static void expect_gap(enum measured_gap gap, int later)
{
    struct meter_power p = next_window();
    for (int i = 0; i < meter.setup.rails.n; i++)
        if (p.rail[i].gap != gap)
            fail_msg("%s, not %s: %s", measured_gap_text(p.rail[i].gap), measured_gap_text(gap),
                     p.why);
    while (later--)
        next_window();
    p = next_window();
    check_power(&p);
}

static void windows_are_right_and_join(void **state)
{
    uint64_t end = 0;
    (void)state;
    command("noise 2000");
    command("gain FPGA_1V8 5000");
    command("gain INA226 1000");
    for (int i = 0; i < WINDOWS; i++) {
        struct meter_power p = next_window();
        check_power(&p);
        if (end)
            assert_int_equal(p.begin_ns, end);
        end = p.end_ns;
        assert_float_equal((double)(p.end_ns - p.begin_ns) / 1e9, 1.0, 0.11);
        if (meter.driver == &meter_pac1934)
            assert_in_range(p.rail[0].count, 1020, 1030);
        else if (meter.driver == &meter_ina228)
            assert_in_range(p.rail[0].count, 900, 950); // 1.08 ms each
        else
            assert_in_range(p.rail[0].count, 6, 8);
    }
    assert_int_equal(mpsse.contentions, 0);
    assert_int_equal(mpsse.bad_commands, 1); // the question whether it is there
    assert_int_equal(bus.naks, 0);
}

static void a_nak_is_told(void **state)
{
    (void)state;
    next_window();
    command("nak 1");
    expect_gap(MEASURED_BUS_ERROR, 0);
    assert_int_equal(bus.naks, 1);
}

static void a_nak_while_reading_is_told(void **state)
{
    struct meter_power p;
    (void)state;
    next_window();
    while (!meter.latched)
        assert_false(one_step(&p));
    command("nak 1");
    expect_gap(MEASURED_BUS_ERROR, 0);
}

static void a_reset_is_told(void **state)
{
    (void)state;
    next_window();
    command(meter.driver == &meter_pac1934  ? "reset PAC1934"
            : meter.driver == &meter_ina226 ? "reset INA226"
                                            : "reset INA228");
    expect_gap(MEASURED_RESET, 0);
}

static void saturation_is_told(void **state)
{
    (void)state;
    next_window();
    command("saturate");
    expect_gap(MEASURED_SATURATED, 0);
}

static void a_full_input_is_told(void **state)
{
    (void)state;
    next_window();
    command(meter.driver == &meter_pac1934 ? "rail FPGA_1V0 idle 1000000"
                                           : "rail BOARD idle 5000000");
    next_window(); // begins with the old power
    struct meter_power p = next_window();
    assert_int_equal(p.rail[0].gap, MEASURED_SATURATED);
}

static void lost_samples_are_told(void **state)
{
    (void)state;
    next_window();
    command("lose 300");
    expect_gap(MEASURED_LOST_SAMPLES, 0);
}

static void a_held_bus_is_told(void **state)
{
    (void)state;
    next_window();
    command("sda-low on");
    struct meter_power p = next_window();
    assert_int_equal(p.rail[0].gap, MEASURED_BUS_ERROR);
    assert_non_null(strstr(p.why, "held low"));
    assert_false(meter.link_lost);
    command("sda-low off");
    next_window();
    p = next_window();
    check_power(&p);
}

static void a_mute_chip_is_told(void **state)
{
    (void)state;
    next_window();
    mute = true;
    struct meter_power p = next_window();
    assert_int_equal(p.rail[0].gap, MEASURED_BUS_ERROR);
    assert_true(meter.link_lost);
}

static void a_wrong_chip_is_refused(void **state)
{
    struct meter_power p;
    (void)state;
    meter.setup.address = meter.driver == &meter_ina228 ? 0x40 : 0x41; // the other INA
    assert_true(one_step(&p));
    assert_int_equal(p.rail[0].gap, MEASURED_BUS_ERROR);
    assert_non_null(strstr(p.why, "is no "));
    assert_false(meter.started);
    meter.setup.address = 0x22; // nobody
    assert_true(one_step(&p));
    assert_string_equal(p.why, "0x22 does not acknowledge");
    meter.setup.address = meter.driver->address;
    p = next_window();
    check_power(&p);
}

// A device that was left in the middle of a byte holds SDA until it has had its clocks.
static void nine_clocks_free_the_bus(void **state)
{
    uint8_t byte = 0xff;
    (void)state;
    scl_low = true; // an answer that says so
    i2c_get(&bus, 0x10, 0xfd, &byte, 1);
    assert_int_equal(i2c_flush(&bus), I2C_STUCK);
    assert_non_null(strstr(bus.why, "did not free"));
    scl_low = false;
    // begins a read of 0x00 bytes and stops clocking in the middle of one
    const uint8_t half[] = {0x80, 0,    2, 0x80, 0,    3, 0x11, 0,    0, 0x20, 0x80, 0,
                            1,    0x22, 0, 0x11, 0,    0, 0x11, 0x80, 0, 1,    0x22, 0,
                            0x80, 0,    1, 0x80, 0,    0, 0x80, 0,    2, 0x80, 0,    3,
                            0x11, 0,    0, 0x21, 0x80, 0, 1,    0x22, 0, 0x22, 2};
    struct bytes answers = {0};
    bool flush = false;
    assert_int_equal(mpsse_run(&mpsse, half, sizeof half, &answers, &flush), sizeof half);
    assert_int_equal(bytes_front(&answers)[0] & 1, 0);
    bytes_fini(&answers);
    assert_false(world.bus.sda); // the PAC1934 answers VBUS: zeros at first
    i2c_get(&bus, 0x10, 0xfd, &byte, 1);
    assert_int_equal(i2c_flush(&bus), I2C_STUCK);
    assert_non_null(strstr(bus.why, "let go"));
    i2c_get(&bus, 0x10, 0xfd, &byte, 1);
    assert_int_equal(i2c_flush(&bus), I2C_OK);
    assert_int_equal(byte, 0x5b);
}

// A cut ends a window at once; one that is held lasts until it is cut, without a gap to either
// side.
static void cuts_join_and_hold(void **state)
{
    struct meter_power before, held, after;
    (void)state;
    next_window();
    wall += 300 * 1000 * US;
    meter_cut(&meter, true, 0);
    before = next_window();
    assert_true(before.cut);
    assert_true(before.end_ns - before.begin_ns < 400 * 1000 * US);
    while (wall < before.end_ns + 5 * S) {
        struct meter_power p;
        wall = meter.next_ns < before.end_ns + 5 * S ? meter.next_ns : before.end_ns + 5 * S;
        if (meter.next_ns <= wall)
            assert_false(meter_step(&meter, &p));
    }
    meter_cut(&meter, false, 0);
    held = next_window();
    assert_true(held.cut);
    assert_true(held.begin_ns == before.end_ns);
    assert_true(held.end_ns - held.begin_ns >= 5 * S);
    assert_true(held.edge_ns <= 2 * EXCHANGE_US * US);
    check_power(&held);
    after = next_window();
    assert_false(after.cut);
    assert_true(after.begin_ns == held.end_ns);
    assert_true(after.end_ns - after.begin_ns < 2 * S);
}

// A chip that is polled notices a failure at once and goes on; the window that is held has none of
// its time before, so it does not count.
static void a_failure_spoils_the_held_window(void **state)
{
    struct meter_power p;
    (void)state;
    next_window();
    for (int fault = 0; fault < 2; fault++) {
        wall += 300 * 1000 * US;
        meter_cut(&meter, true, 0);
        p = next_window();
        assert_true(p.cut && !p.rail[0].gap);
        wall += S;
        command(fault ? "reset INA226" : "nak 1");
        p = next_window();
        assert_true(!p.cut && p.rail[0].gap);
        enum measured_gap gap = p.rail[0].gap;
        for (int i = 0; i < 10; i++) // a second in which all is well again
            assert_false(one_step(&p));
        meter_cut(&meter, false, 0);
        p = next_window();
        assert_true(p.cut);
        assert_int_equal(p.rail[0].gap, gap);
        p = next_window();
        assert_false(p.cut);
        check_power(&p);
    }
}

static void a_cut_of_a_window_that_never_began_is_told(void **state)
{
    (void)state;
    meter_cut(&meter, true, 0); // not even started
    struct meter_power p = next_window();
    assert_true(p.cut);
    assert_int_equal(p.rail[0].gap, MEASURED_NO_SAMPLES);
    wall += S;
    meter_cut(&meter, false, 0);
    p = next_window();
    assert_true(p.cut);
    check_power(&p);
}

// Ten seconds of the board's time that pass at once: the window is as long as that for the sensor.
static void simulated_time_is_counted(void **state)
{
    (void)state;
    next_window();
    meter_cut(&meter, true, 0);
    next_window();
    command("skip 10");
    meter_cut(&meter, false, (int64_t)(10 * S));
    struct meter_power p = next_window();
    assert_true(p.cut);
    check_power(&p);
    assert_true(p.rail[0].window_s > 10 && p.rail[0].window_s < 10.1);
}

static void rails_are_checked(void **state)
{
    static const char *const bad[] = {"",        "-",
                                      "A",       "A:",
                                      "A:0",     "A:x",
                                      "A:1,A:1", "A:1,",
                                      "A:-1",    "A:1 2",
                                      "A:nan",   "A:1,B:1,C:1,D:1,E:1",
                                      ":1",      "ABCDEFGHIJKLMNOP:1",
                                      "A B:1",   "A:1e9"};
    struct meter_rails r;
    char why[128];
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (meter_rails_parse(&r, bad[i], why, sizeof why) == 0)
            fail_msg("\"%s\" is taken", bad[i]);
    assert_int_equal(meter_rails_parse(&r, " A:0.82 , - ,B_2:1e-3", why, sizeof why), 0);
    assert_int_equal(r.n, 2);
    assert_string_equal(r.rail[1].name, "B_2");
    assert_int_equal(r.rail[1].channel, 2);
    assert_float_equal(r.rail[1].shunt_ohm, 1e-3, 1e-12);
}

#define ON_PAC(f)                                                                                  \
    {                                                                                              \
        "pac1934_" #f, f, pac, NULL, NULL                                                          \
    }
#define ON_INA(f)                                                                                  \
    {                                                                                              \
        "ina226_" #f, f, ina, NULL, NULL                                                           \
    }

#define ON_INA228(f)                                                                               \
    {                                                                                              \
        "ina228_" #f, f, ina228, NULL, NULL                                                        \
    }

int main(void)
{
    const struct CMUnitTest tests[] = {
        ON_PAC(windows_are_right_and_join),
        {"pac1934_two_channels_and_driven_ones", windows_are_right_and_join, pac_driven, NULL,
         NULL},
        ON_PAC(a_nak_is_told),
        ON_PAC(a_nak_while_reading_is_told),
        ON_PAC(a_reset_is_told),
        ON_PAC(saturation_is_told),
        ON_PAC(a_full_input_is_told),
        ON_PAC(lost_samples_are_told),
        ON_PAC(a_held_bus_is_told),
        ON_PAC(a_mute_chip_is_told),
        ON_PAC(a_wrong_chip_is_refused),
        ON_PAC(nine_clocks_free_the_bus),
        ON_INA(windows_are_right_and_join),
        ON_INA(a_nak_is_told),
        ON_INA(a_reset_is_told),
        ON_INA(a_full_input_is_told),
        ON_INA(a_held_bus_is_told),
        ON_INA(a_mute_chip_is_told),
        ON_INA(a_wrong_chip_is_refused),
        ON_INA228(windows_are_right_and_join),
        ON_INA228(a_nak_is_told),
        ON_INA228(a_reset_is_told),
        ON_INA228(a_full_input_is_told),
        ON_INA228(a_held_bus_is_told),
        ON_INA228(a_mute_chip_is_told),
        ON_INA228(a_wrong_chip_is_refused),
        ON_PAC(cuts_join_and_hold),
        ON_INA(cuts_join_and_hold),
        ON_INA228(cuts_join_and_hold),
        ON_INA(a_failure_spoils_the_held_window),
        ON_PAC(a_cut_of_a_window_that_never_began_is_told),
        ON_INA228(a_cut_of_a_window_that_never_began_is_told),
        ON_PAC(simulated_time_is_counted),
        ON_INA228(simulated_time_is_counted),
        cmocka_unit_test(rails_are_checked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
